use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::*;

fn file() -> &'static Path {
    Path::new("/run/file")
}

/// A disk with a file whose name and first 4 bytes are on the disk.
fn disk() -> (SimFs, Box<dyn FsFile>) {
    let fs = SimFs::new();
    let mut open = fs.create_new(file()).expect("new");
    assert_eq!(open.write(b"1234").expect("room"), 4);
    open.sync_data().expect("works");
    fs.sync_dir(Path::new("/run")).expect("works");
    (fs, open)
}

/// Everything that crashes may make of a disk.
fn crashed(make: impl Fn() -> SimFs) -> BTreeSet<Option<Vec<u8>>> {
    (0..200)
        .map(|seed| {
            let fs = make();
            fs.crash(seed);
            fs.peek(file())
        })
        .collect()
}

fn texts(all: &BTreeSet<Option<Vec<u8>>>) -> Vec<Option<&str>> {
    all.iter()
        .map(|one| {
            one.as_deref()
                .map(|b| std::str::from_utf8(b).expect("text"))
        })
        .collect()
}

#[test]
fn what_was_synced_survives_and_the_rest_is_cut_anywhere() {
    let all = crashed(|| {
        let (fs, mut open) = disk();
        open.write(b"ab").expect("room");
        fs
    });
    assert_eq!(texts(&all), [Some("1234"), Some("1234a"), Some("1234ab")]);
}

#[test]
fn a_later_write_can_survive_an_earlier_one() {
    let all = crashed(|| {
        let (fs, mut open) = disk();
        open.write(b"a").expect("room");
        open.write(b"b").expect("room");
        fs
    });
    assert!(all.contains(&Some(b"1234\0b".to_vec())), "{all:?}");
}

#[test]
fn an_unsynced_cut_may_be_undone() {
    let all = crashed(|| {
        let (fs, mut open) = disk();
        open.truncate(1).expect("works");
        fs
    });
    assert_eq!(texts(&all), [Some("1"), Some("1234")]);
}

#[test]
fn a_name_that_was_not_synced_may_vanish_with_its_file() {
    let all = crashed(|| {
        let fs = SimFs::new();
        let mut open = fs.create_new(file()).expect("new");
        open.write(b"x").expect("room");
        open.sync_data().expect("works");
        fs
    });
    assert_eq!(texts(&all), [None, Some("x")]);
}

#[test]
fn an_unsynced_rename_leaves_the_old_name_or_the_new_one() {
    let all = crashed(|| {
        let (fs, _) = disk();
        fs.rename(file(), Path::new("/run/other")).expect("there");
        fs
    });
    assert_eq!(texts(&all), [None, Some("1234")]);
}

/// Keeps those changes of directories that are said, and all else.
struct Keeping(Vec<bool>);

impl Loss for Keeping {
    fn keeps_name(&mut self) -> bool {
        self.0.remove(0)
    }

    fn of_write(&mut self, bytes: &[u8]) -> usize {
        bytes.len()
    }

    fn keeps_cut(&mut self) -> bool {
        true
    }
}

#[test]
fn a_rename_that_survives_names_the_file_that_was_renamed() {
    let other = Path::new("/run/other");
    // The removal of the first file, the second one's own name, and its rename.
    for (kept, expected) in [
        ([false, false, true], [None, Some("new")]),
        ([false, true, true], [None, Some("new")]),
        ([true, false, true], [None, Some("new")]),
        ([false, false, false], [Some("1234"), None]),
        ([false, true, false], [Some("new"), None]),
    ] {
        let (fs, _) = disk();
        fs.remove(file()).expect("there");
        let mut open = fs.create_new(file()).expect("new");
        open.write(b"new").expect("room");
        open.sync_data().expect("works");
        fs.rename(file(), other).expect("there");
        // As the next process finds it.
        let fs = SimFs::of(&fs.image());
        fs.crash_by(&mut Keeping(kept.to_vec()));
        let held = [file(), other].map(|path| fs.peek(path));
        let expected = expected.map(|text| text.map(|text: &str| text.as_bytes().to_vec()));
        assert_eq!(held, expected, "{kept:?}");
    }
}

#[test]
fn after_a_failed_sync_a_second_one_proves_nothing() {
    let all = crashed(|| {
        let (fs, mut open) = disk();
        open.write(b"ab").expect("room");
        fs.inject(Fault {
            at: fs.calls(),
            kind: FaultKind::Io,
            sticky: false,
        });
        open.sync_data().expect_err("told to fail");
        open.sync_data().expect("the pages count as written");
        fs
    });
    assert!(all.contains(&Some(b"1234".to_vec())), "{all:?}");
}

#[test]
fn a_killed_process_leaves_what_it_wrote_and_its_files_are_dead() {
    let (fs, mut open) = disk();
    open.write(b"ab").expect("room");
    fs.restart();
    assert_eq!(fs.peek(file()), Some(b"1234ab".to_vec()));
    open.write(b"c").expect_err("dead");
    assert_eq!(fs.peek(file()), Some(b"1234ab".to_vec()));
}

#[test]
fn faults_hit_the_call_they_name() {
    let kinds = [
        (FaultKind::Io, None),
        (FaultKind::Full, Some(io::ErrorKind::StorageFull)),
        (FaultKind::Interrupted, Some(io::ErrorKind::Interrupted)),
    ];
    for (kind, expected) in kinds {
        for sticky in [false, true] {
            let (fs, mut open) = disk();
            let at = fs.calls() + 1;
            fs.inject(Fault { at, kind, sticky });
            open.write(b"a").expect("not yet");
            let error = open.write(b"b").expect_err("now");
            assert!(expected.is_none_or(|expected| error.kind() == expected));
            assert_eq!(open.write(b"c").is_err(), sticky);
        }
    }
}

#[test]
fn a_short_write_takes_half_and_a_full_disk_what_fits() {
    let (fs, mut open) = disk();
    fs.inject(Fault {
        at: fs.calls(),
        kind: FaultKind::Short,
        sticky: false,
    });
    assert_eq!(open.write(b"abcd").expect("half"), 2);
    fs.set_capacity(Some(7));
    assert_eq!(open.write(b"xyz").expect("what fits"), 1);
    let error = open.write(b"yz").expect_err("full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(fs.peek(file()), Some(b"1234abx".to_vec()));
}

#[test]
fn the_same_seed_gives_the_same_crash() {
    let crash = |seed| {
        let (fs, mut open) = disk();
        open.write(&[7; 1000]).expect("room");
        fs.crash(seed);
        fs.peek(file())
    };
    assert_eq!(crash(42), crash(42));
}

#[test]
fn an_interrupted_call_is_made_again_but_not_for_ever() {
    let (fs, mut open) = disk();
    let fault = |sticky| Fault {
        at: fs.calls(),
        kind: FaultKind::Interrupted,
        sticky,
    };
    fs.inject(fault(false));
    crate::fs::uninterrupted(|| open.sync_data()).expect("the second time");
    fs.inject(fault(true));
    let error = crate::fs::uninterrupted(|| open.sync_data()).expect_err("never");
    assert_eq!(error.kind(), io::ErrorKind::Interrupted);
}

#[test]
fn a_file_grows_to_its_limit_and_no_further() {
    let (fs, mut open) = disk();
    fs.set_file_limit(Some(6));
    assert_eq!(open.write(b"abc").expect("room for some"), 2);
    let error = open.write(b"c").expect_err("at the limit");
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    let mut other = fs.create_new(Path::new("/run/other")).expect("new");
    assert_eq!(other.write(b"abc").expect("a limit of its own"), 3);
    fs.set_file_limit(None);
    assert_eq!(open.write(b"c").expect("no limit"), 1);
}
