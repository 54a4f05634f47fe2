//! On a real disk, damaged bit by bit.

use std::fs;

use super::*;
use crate::engine::OrderSpec;
use investbot_plugin_api::{Decimal, Side};

fn mark(seq: u64) -> Mark {
    let mut mark = Mark::START;
    mark.position.seq = seq;
    mark.line = seq;
    mark
}

fn seen(number: u32) -> Seen {
    let spec = OrderSpec::market("BTC/USD", Side::Buy, Decimal::from(number));
    Seen {
        digest: SpecDigest::new(&spec),
        client_order_id: (!number.is_multiple_of(3)).then(|| format!("client {number}")),
    }
}

/// Ids of every kind: usual, empty, long, and like the key of the mark.
fn id(number: u32) -> String {
    match number {
        0 => String::new(),
        1 => "\0mark".to_owned(),
        2 => "x".repeat(100_000),
        _ => format!("order-{number}"),
    }
}

fn ids(numbers: std::ops::Range<u32>) -> HashMap<String, Seen> {
    numbers.map(|number| (id(number), seen(number))).collect()
}

fn knows(index: &DiskIndex, numbers: std::ops::Range<u32>) {
    for number in numbers {
        assert_eq!(index.get(&id(number)), Ok(Some(seen(number))), "{number}");
    }
}

#[test]
fn what_was_put_is_there_after_a_restart_with_its_mark() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut index = DiskIndex::open(dir.path()).expect("new");
    assert_eq!(index.filled_to(), Mark::START);
    index.put(&ids(0..50), mark(1)).expect("room");
    index.put(&ids(40..90), mark(2)).expect("room");
    knows(&index, 0..90);
    drop(index);
    let mut index = DiskIndex::open(dir.path()).expect("whole");
    assert_eq!(index.filled_to(), mark(2));
    knows(&index, 0..90);
    assert_eq!(index.get("order-90"), Ok(None));
    index.clear().expect("removed");
    assert_eq!(index.filled_to(), Mark::START);
    assert_eq!(index.get(&id(7)), Ok(None));
    index.put(&ids(0..3), mark(3)).expect("room");
    drop(index);
    knows(&DiskIndex::open(dir.path()).expect("whole"), 0..3);
}

#[test]
fn files_are_merged_and_nothing_is_lost_by_it() {
    const PUTS: u32 = 60;
    let dir = tempfile::tempdir().expect("a directory");
    let mut index = DiskIndex::open(dir.path()).expect("new");
    for number in 0..PUTS {
        index
            .put(&ids(number * 20..number * 20 + 20), mark(number.into()))
            .expect("room");
        assert!(index.tree.l0_run_count() <= WAIT);
    }
    index.finish_merge().expect("room");
    assert!(index.tree.table_count() < PUTS as usize);
    knows(&index, 0..PUTS * 20);
    drop(index);
    let index = DiskIndex::open(dir.path()).expect("whole");
    assert_eq!(index.filled_to(), mark((PUTS - 1).into()));
    knows(&index, 0..PUTS * 20);
}

const KNOWN: u32 = 8;

/// An index in two files, and every file of it.
fn whole() -> (tempfile::TempDir, Vec<(PathBuf, Vec<u8>)>) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut index = DiskIndex::open(dir.path()).expect("new");
    index.put(&ids(0..5), mark(1)).expect("room");
    index.put(&ids(5..KNOWN), mark(2)).expect("room");
    drop(index);
    // Without what a merge or an earlier list left.
    drop(DiskIndex::open(dir.path()).expect("whole"));
    let mut files = Vec::new();
    for dir in [dir.path().join(NAME), dir.path().join(NAME).join("tables")] {
        for entry in fs::read_dir(dir).expect("there") {
            let path = entry.expect("there").path();
            if path.is_file() {
                files.push((path.clone(), fs::read(path).expect("there")));
            }
        }
    }
    files.sort();
    (dir, files)
}

/// Puts back what a look at a damaged index removed.
fn restore(files: &[(PathBuf, Vec<u8>)]) {
    for (path, content) in files {
        if !path.exists() {
            fs::write(path, content).expect("room");
        }
    }
}

/// An index may be refused, or fail; it must not have forgotten.
/// Says whether it was refused at once.
fn assert_known_or_refused(dir: &Path, what: &str) -> bool {
    let Ok(index) = DiskIndex::open_whole(&dir.join(NAME)) else {
        return true;
    };
    assert_eq!(index.filled_to(), mark(2), "{what}");
    let answer = |number| match index.get(&id(number)) {
        Err(StoreError::Index { .. }) => None,
        answer => Some(answer),
    };
    for number in 0..KNOWN {
        if let Some(found) = answer(number) {
            assert_eq!(found, Ok(Some(seen(number))), "{what}: id {number}");
        }
    }
    for unknown in [100, 101] {
        if let Some(found) = answer(unknown) {
            assert_eq!(found, Ok(None), "{what}");
        }
    }
    false
}

#[test]
fn what_is_damaged_is_made_anew() {
    let (dir, files) = whole();
    for (path, content) in &files {
        let _ = fs::remove_dir_all(dir.path().join(NAME));
        fs::create_dir_all(dir.path().join(NAME).join("tables")).expect("room");
        restore(&files);
        fs::write(path, &content[1..]).expect("room");
        let mut index = DiskIndex::open(dir.path()).expect("made anew");
        assert_eq!(index.filled_to(), Mark::START, "{}", path.display());
        assert_eq!(index.get(&id(1)), Ok(None));
        index.put(&ids(0..KNOWN), mark(2)).expect("room");
        drop(index);
        knows(&DiskIndex::open(dir.path()).expect("whole"), 0..KNOWN);
    }
}

/// Changes one byte in place.
fn set(path: &Path, at: usize, byte: u8) {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(path)
        .expect("there");
    file.seek(SeekFrom::Start(at as u64)).expect("a file");
    file.write_all(&[byte]).expect("room");
}

#[test]
fn no_flipped_bit_makes_a_known_id_look_unknown() {
    let (dir, files) = whole();
    let mut opened = 0;
    for (path, content) in &files {
        for bit in 0..content.len() * 8 {
            let at = bit / 8;
            set(path, at, content[at] ^ 1 << (bit % 8));
            let what = format!("bit {bit} of {}", path.display());
            opened += u32::from(!assert_known_or_refused(dir.path(), &what));
            restore(&files);
            set(path, at, content[at]);
        }
    }
    knows(
        &DiskIndex::open_whole(&dir.path().join(NAME)).expect("whole"),
        0..KNOWN,
    );
    assert!(
        opened > 4000,
        "blocks are verified as they are read: {opened}"
    );
}

#[test]
fn no_file_cut_short_or_gone_makes_a_known_id_look_unknown() {
    let (dir, files) = whole();
    for (path, content) in &files {
        // Shorter and shorter, down to nothing.
        for length in (0..content.len()).rev() {
            let file = fs::OpenOptions::new()
                .write(true)
                .open(path)
                .expect("there");
            file.set_len(length as u64).expect("room");
            assert_known_or_refused(dir.path(), &format!("{length} bytes of {}", path.display()));
            restore(&files);
        }
        fs::remove_file(path).expect("there");
        assert_known_or_refused(dir.path(), &format!("without {}", path.display()));
        restore(&files);
    }
}
