//! An index that is behind, damaged or gone gives the same answers; one that is ahead is believed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::fs::{RealFs, SimFs};
use crate::store::file::Options;
use crate::store::journal::Sizes;
use crate::store::tests::{NOW, intent, put, seen, start};
use crate::store::{FileIdempotencyStore, IdempotencyStore as _};

fn open(fs: Arc<dyn Fs>, dir: &Path, ids: IdsAt) -> FileIdempotencyStore {
    let sizes = Sizes {
        segment: 1 << 18,
        ..Sizes::default()
    };
    let options = Options {
        sizes,
        ids,
        ..Options::default()
    };
    let ignore = &mut |_, _, _: Record<'_>| Ok(());
    let found = FileIdempotencyStore::open(fs, dir, options, ignore).expect("whole");
    found.begin(start(), NOW).expect("room")
}

fn take_in(store: &mut FileIdempotencyStore, ids: std::ops::Range<usize>) {
    for batch in ids.collect::<Vec<_>>().chunks(500) {
        let intents = batch.iter().map(|id| intent(&id.to_string()));
        put(store, intents).expect("room");
    }
}

fn assert_known(store: &mut FileIdempotencyStore, ids: std::ops::Range<usize>) {
    for id in ids.clone() {
        let id = id.to_string();
        assert_eq!(store.seen(&id), Ok(Some(seen(&id))), "{id}");
    }
    assert_eq!(store.seen(&ids.end.to_string()), Ok(None));
}

const MANY: usize = 2 * BATCH + 100;

#[test]
fn ids_are_known_over_many_batches_and_restarts() {
    let fs: Arc<dyn Fs> = Arc::new(SimFs::new());
    let dir = Path::new("/run");
    let mut store = open(fs.clone(), dir, IdsAt::Memory);
    take_in(&mut store, 0..MANY);
    assert_known(&mut store, 0..MANY);
    let mut store = open(fs, dir, IdsAt::Memory);
    take_in(&mut store, MANY..MANY + 10);
    assert_known(&mut store, 0..MANY + 10);
}

fn disk() -> (tempfile::TempDir, FileIdempotencyStore) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = open(Arc::new(RealFs), dir.path(), IdsAt::Disk);
    take_in(&mut store, 0..MANY);
    (dir, store)
}

#[test]
fn ids_on_the_disk_are_known_however_much_of_the_index_is_there() {
    let (dir, mut store) = disk();
    assert_known(&mut store, 0..MANY);
    drop(store);
    let index = dir.path().join(NAME);
    let behind = DiskIndex::open(dir.path()).expect("whole").filled_to();
    assert!(behind.position.seq > BATCH as u64, "{behind:?}");

    let reopen = || open(Arc::new(RealFs), dir.path(), IdsAt::Disk);
    assert_known(&mut reopen(), 0..MANY);
    let caught_up = DiskIndex::open(dir.path()).expect("whole").filled_to();
    assert!(caught_up.position.seq > behind.position.seq);

    std::fs::remove_dir_all(&index).expect("there");
    assert_known(&mut reopen(), 0..MANY);

    std::fs::write(index.join("current"), b"nonsense").expect("room");
    assert_known(&mut reopen(), 0..MANY);
}

/// An index that was ahead of its journal was once made anew in silence, and with it went the one trace of records that
/// the journal had lost: ids that had been taken up looked new.
#[test]
fn an_index_that_knows_more_than_the_journal_shows_that_its_end_is_lost() {
    let (dir, store) = disk();
    drop(store);
    let filled = DiskIndex::open(dir.path()).expect("whole").filled_to();
    let expected = filled.position.seq;
    let segment = |number: u32| {
        dir.path()
            .join(format!("idempotency_keys.{number:06}.jsonl"))
    };
    let journal = segment(filled.segment);
    let content = std::fs::read(&journal).expect("there");
    let begin = usize::try_from(filled.offset).expect("small");
    for after in filled.segment + 1.. {
        if std::fs::remove_file(segment(after)).is_err() {
            break;
        }
    }
    let lost = StoreError::LostEnd {
        dir: dir.path().to_owned(),
        index: dir.path().join(NAME),
        expected,
    };
    std::fs::write(&journal, &content[..begin]).expect("room");
    let mut store = open(Arc::new(RealFs), dir.path(), IdsAt::Disk);
    assert_eq!(store.seen("0"), Err(lost.clone()));
    // And so when the journal has grown again to as many records.
    take_in(&mut store, MANY..2 * MANY);
    drop(store);
    let mut store = open(Arc::new(RealFs), dir.path(), IdsAt::Disk);
    assert_eq!(store.seen("0"), Err(lost));
    std::fs::remove_dir_all(dir.path().join(NAME)).expect("there");
    let mut store = open(Arc::new(RealFs), dir.path(), IdsAt::Disk);
    assert_known(&mut store, MANY..2 * MANY);
}

#[test]
fn an_index_that_is_damaged_while_it_is_used_is_made_anew() {
    let (dir, mut store) = disk();
    assert_eq!(store.seen("0"), Ok(Some(seen("0"))));
    let tables = dir.path().join(NAME).join("tables");
    for table in std::fs::read_dir(tables).expect("there") {
        let path = table.expect("there").path();
        let mut content = std::fs::read(&path).expect("there");
        for at in (0..content.len()).step_by(100) {
            content[at] ^= 1;
        }
        std::fs::write(path, content).expect("room");
    }
    assert_known(&mut store, 0..MANY);
}

#[test]
fn a_run_without_ids_opens_no_index() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = open(Arc::new(RealFs), dir.path(), IdsAt::Disk);
    for position in 0..5000 {
        put(&mut store, [Record::Offset(position)]).expect("room");
    }
    assert!(!dir.path().join(NAME).exists());
    assert_eq!(store.seen("a"), Ok(None));
    assert!(dir.path().join(NAME).exists());
}

/// An index that can be made to fail.
struct Failing(MemoryIndex, Arc<AtomicBool>);

impl Failing {
    fn check(&self) -> Result<(), StoreError> {
        if !self.1.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(StoreError::Index {
            dir: "somewhere".into(),
            text: "told to fail".into(),
        })
    }
}

impl IdIndex for Failing {
    fn filled_to(&self) -> Mark {
        self.0.filled_to()
    }

    fn get(&self, id: &str) -> Result<Option<Seen>, StoreError> {
        self.check()?;
        self.0.get(id)
    }

    fn put(&mut self, ids: &HashMap<String, Seen>, mark: Mark) -> Result<(), StoreError> {
        self.check()?;
        self.0.put(ids, mark)
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.check()?;
        self.0.clear()
    }
}

/// One bad write of what can be made anew once ended the run: every id was refused from then on.
#[test]
fn an_index_that_fails_is_put_down_and_filled_again() {
    let fs: Arc<dyn Fs> = Arc::new(SimFs::new());
    let mut store = open(fs, Path::new("/run"), IdsAt::Memory);
    let fails = Arc::new(AtomicBool::new(true));
    store.ids.index = Some(Box::new(Failing(MemoryIndex::default(), fails)));
    take_in(&mut store, 0..MANY);
    assert_known(&mut store, 0..MANY);
}

#[test]
fn an_index_that_cannot_be_made_anew_is_told() {
    let (dir, store) = disk();
    drop(store);
    let index = dir.path().join(NAME);
    std::fs::remove_dir_all(&index).expect("there");
    std::fs::write(&index, b"in the way").expect("room");
    let mut store = open(Arc::new(RealFs), dir.path(), IdsAt::Disk);
    for id in ["1", "unknown"] {
        let answer = store.seen(id);
        assert!(
            matches!(answer, Err(StoreError::Index { .. })),
            "{answer:?}"
        );
    }
    std::fs::remove_file(&index).expect("there");
    assert_known(&mut store, 0..MANY);
}
