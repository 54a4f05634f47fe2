use std::fs;

use super::*;
use crate::observe::record::tests::report;
use crate::observe::run_dir::RunDir;

const NAMES: [&str; 3] = ["reports.jsonl", "fills.jsonl", "fills.csv"];

fn reports() -> Vec<ExecutionReport> {
    (0..4).map(|n| report(n, n % 2 == 1)).collect()
}

/// A run directory with the record of these reports.
fn recorded() -> (tempfile::TempDir, RecordMark) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let run_dir = RunDir::create(dir.path()).expect("empty");
    let mut record = Record::new(None, Some(&run_dir)).expect("writable");
    for report in reports() {
        record.report(&report).expect("writable");
    }
    let mark = record.mark().expect("writable");
    (dir, mark)
}

/// Compares the record in a directory with the reports.
fn check(dir: &Path, must_have_all: bool, may_go_on: bool) -> Result<[CheckedFile; 3], Difference> {
    let go_through = || {
        let mut check = RecordCheck::open(dir)?;
        for report in reports() {
            check.report(&report)?;
        }
        if must_have_all {
            check.must_have_all()?;
        }
        check.finish(may_go_on)
    };
    go_through().map_err(|error| match error {
        CheckError::Different(difference) => difference,
        CheckError::Unreadable { path, source } => panic!("{}: {source}", path.display()),
    })
}

#[test]
fn what_was_recorded_is_as_it_should_be() {
    let (dir, mark) = recorded();
    let files = check(dir.path(), true, false).expect("the same");
    let lines = files.map(|file| (file.name, file.lines, file.missing, file.beyond));
    assert_eq!(
        lines,
        [
            (NAMES[0], 4, 0, 0),
            (NAMES[1], 2, 0, 0),
            (NAMES[2], 3, 0, 0)
        ]
    );
    let mut check = RecordCheck::open(dir.path()).expect("readable");
    for report in reports() {
        assert!(check.report(&report).is_ok());
    }
    assert_eq!(check.mark(), mark);
}

#[test]
fn the_end_may_be_missing_where_it_was_not_promised() {
    for name in NAMES {
        let (dir, _) = recorded();
        let path = dir.path().join(name);
        let whole = fs::read(&path).expect("it was made");
        for length in (0..whole.len()).rev() {
            fs::write(&path, &whole[..length]).expect("writable");
            let files = check(dir.path(), false, false).expect("the rest is right");
            let of = files
                .iter()
                .find(|file| file.name == name)
                .expect("it is one");
            let ends = whole[..length]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count() as u64;
            assert_eq!(of.lines, ends, "{name} cut at {length}");
            assert!(of.missing > 0);
            let difference = check(dir.path(), true, false).expect_err("promised");
            assert_eq!((difference.file, difference.line), (name, ends + 1));
            assert_eq!(difference.recorded, None);
        }
        fs::remove_file(&path).expect("it is there");
        assert!(check(dir.path(), false, false).is_ok());
    }
}

#[test]
fn no_byte_may_be_another() {
    for name in NAMES {
        let (dir, _) = recorded();
        let path = dir.path().join(name);
        let whole = fs::read(&path).expect("it was made");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, bytes).expect("writable");
            let difference = check(dir.path(), false, true).expect_err("changed");
            let line = whole[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            assert_eq!(
                (difference.file, difference.line),
                (name, line),
                "byte {at}"
            );
            assert!(difference.recorded.is_some() && difference.recomputed.is_some());
        }
    }
}

#[test]
fn what_is_beyond_is_counted_or_refused() {
    for name in NAMES {
        let (dir, _) = recorded();
        let path = dir.path().join(name);
        let mut bytes = fs::read(&path).expect("it was made");
        bytes.extend(b"one more\nand");
        fs::write(&path, bytes).expect("writable");
        let files = check(dir.path(), true, true).expect("the process was killed");
        let beyond = files.iter().map(|file| file.beyond).sum::<u64>();
        assert_eq!(beyond, 2);
        let difference = check(dir.path(), true, false).expect_err("it ended in good order");
        assert_eq!(difference.recorded.as_deref(), Some("one more"));
        assert_eq!(difference.recomputed, None);
    }
}
