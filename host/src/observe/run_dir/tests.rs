//! Taking run directories, and going on with them.

use std::collections::BTreeMap;

use super::*;
use crate::feed::{BUNDLED, DataIdentity};
use crate::observe::asked::{AskedData, AskedPlugin, AskedSetting};

#[test]
fn of_two_owners_the_second_is_refused_and_a_used_directory_is_never_taken() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let path = parent.path().join("run");
    let first = RunDir::create(&path).expect("new");
    assert!(matches!(
        RunDir::create(&path),
        Err(RunDirError::Locked { .. })
    ));
    first.write_json("run.json", &1).expect("writable");
    drop(first);
    assert!(matches!(
        RunDir::create(&path),
        Err(RunDirError::Exists { .. })
    ));
}

#[test]
fn an_empty_directory_is_taken_and_a_file_is_not() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    RunDir::create(parent.path()).expect("empty");
    let file = parent.path().join("file");
    fs::write(&file, "").expect("writable");
    assert!(matches!(
        RunDir::create(&file),
        Err(RunDirError::NotADirectory { .. })
    ));
    let below = RunDir::create(&file.join("run"));
    assert!(
        matches!(below, Err(RunDirError::NotADirectory { .. })),
        "{below:?}"
    );
}

#[test]
fn a_directory_of_somebody_else_is_left_as_it_was() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    fs::write(parent.path().join("mine"), "x").expect("writable");
    let refused = RunDir::create(parent.path());
    assert!(matches!(refused, Err(RunDirError::Exists { .. })));
    let names: Vec<_> = fs::read_dir(parent.path())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert_eq!(names, ["mine"]);
}

#[test]
fn a_missing_parent_is_named_with_a_way_out() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let error = RunDir::create(&parent.path().join("a/b")).expect_err("no parent");
    assert!(
        error
            .to_string()
            .contains("create the directory above it first"),
        "{error}"
    );
}

fn asked() -> Asked {
    Asked {
        investbot: "0.1.0".to_owned(),
        run_id: "the-run".to_owned(),
        stream: "intents".to_owned(),
        instrument: "BTC/USD".to_owned(),
        directory: Some("/home".to_owned()),
        plugin: AskedPlugin {
            id: "paper".to_owned(),
            version: "0.1.0".to_owned(),
            api: "1.0".to_owned(),
            sha256: "ab".repeat(32),
            path: "/lib/paper.so".to_owned(),
        },
        data: AskedData {
            bars: Some(DataIdentity::of_bundled(&BUNDLED[0])),
            intents: Some(DataIdentity::stdin()),
        },
        config: BTreeMap::from([(
            "run.seed".to_owned(),
            AskedSetting {
                origin: "--seed".to_owned(),
                value: u64::MAX.into(),
            },
        )]),
    }
}

#[test]
fn a_run_is_gone_on_with_by_one_process_at_a_time() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let path = parent.path().join("run");
    let first = RunDir::create(&path).expect("new");
    let no_run = RunDir::reopen(&path).expect_err("nothing was asked yet");
    assert!(matches!(no_run, RunDirError::NotARun { .. }), "{no_run:?}");
    first.write_asked(&asked()).expect("writable");
    assert!(matches!(
        RunDir::reopen(&path),
        Err(RunDirError::Locked { .. })
    ));
    drop(first);
    let second = RunDir::reopen(&path).expect("nobody has it");
    assert_eq!(second.asked().expect("it was written"), asked());
    assert!(matches!(
        RunDir::reopen(&path),
        Err(RunDirError::Locked { .. })
    ));
}

#[test]
fn what_is_no_run_is_named_and_left_as_it_was() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let file = parent.path().join("file");
    fs::write(&file, "").expect("writable");
    let said = |name: &str| {
        let error = RunDir::reopen(&parent.path().join(name)).expect_err("no run");
        let dir = parent.path().to_str().expect("text");
        error.to_string().replace(dir, "[DIR]")
    };
    insta::assert_snapshot!(said("none"), @r"
    cannot go on with [DIR]/none: there is no such directory
      hint: --resume takes a directory that --run-dir has made; a run that had not come to begin is started with --run-dir again
    ");
    insta::assert_snapshot!(said("file"), @r"
    cannot go on with [DIR]/file: it is not a directory
      hint: --resume takes a directory that --run-dir has made; a run that had not come to begin is started with --run-dir again
    ");
    insta::assert_snapshot!(said("file/run"), @r"
    cannot go on with [DIR]/file/run: it is not a directory
      hint: --resume takes a directory that --run-dir has made; a run that had not come to begin is started with --run-dir again
    ");
    insta::assert_snapshot!(said(""), @r"
    cannot go on with [DIR]/: there is no run in it
      hint: --resume takes a directory that --run-dir has made; a run that had not come to begin is started with --run-dir again
    ");
    let names = fs::read_dir(parent.path()).expect("readable").count();
    assert_eq!(names, 1);
}

/// A start that was killed before anything was written for good left nothing that is in the way.
#[test]
fn a_start_that_was_killed_can_be_made_again() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let path = parent.path().join("run");
    drop(RunDir::create(&path).expect("new"));
    fs::write(path.join("run.json.new"), "{\"form").expect("writable");
    let run_dir = RunDir::create(&path).expect("nothing was begun");
    run_dir.write_asked(&asked()).expect("writable");
    assert!(!path.join("run.json.new").exists());
    drop(run_dir);
    assert!(matches!(
        RunDir::create(&path),
        Err(RunDirError::Exists { .. })
    ));
}

#[test]
fn what_was_asked_and_was_changed_since_is_refused() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let run_dir = RunDir::create(parent.path()).expect("empty");
    run_dir.write_asked(&asked()).expect("writable");
    let path = parent.path().join("run.json");
    let good = fs::read(&path).expect("readable");
    let said = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("writable");
        let error = run_dir.asked().expect_err("it was changed").to_string();
        let dir = parent.path().to_str().expect("text");
        error.replace(dir, "[DIR]")
    };
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        for bad in [&bad, &good[..at]] {
            let said = said(bad);
            assert!(
                said.starts_with("[DIR]/run.json") && said.contains("\n  hint: "),
                "{said}"
            );
        }
    }
    let text = String::from_utf8(good.clone()).expect("text");
    insta::assert_snapshot!(said(text.replace("the-run", "the-rum").as_bytes()), @r"
    [DIR]/run.json: it was changed since it was written: its SHA-256 is e9b3b169967beb7ecc18b37f09a80208406dfb1e26ccf0ae1b663d6fe0d876bd, and it says 117b4e2be2df2a27c67468771eeabbb2416bcb634665d183e4f2628a5146f953
      hint: restore the file from a copy; if there is none, look the run's orders up at the venue and start a new run
    ");
    insta::assert_snapshot!(said(&good[..good.len() / 2]), @r"
    [DIR]/run.json:18:2: EOF while parsing an object
      hint: restore the file from a copy; if there is none, look the run's orders up at the venue and start a new run
    ");
    insta::assert_snapshot!(said(text.replace("investbot.run", "investbot.cfg").as_bytes()), @r"
    [DIR]/run.json: it is of the format `investbot.cfg`, and `investbot.run` was expected
      hint: restore the file from a copy; if there is none, look the run's orders up at the venue and start a new run
    ");
    insta::assert_snapshot!(said(text.replace("\"version\": 2", "\"version\": 9").as_bytes()), @r"
    [DIR]/run.json: it is of version 9, and this investbot reads version 2
      hint: go on with the investbot that started the run
    ");
    insta::assert_snapshot!(said(&vec![b' '; 2 << 20]), @r"
    [DIR]/run.json cannot be read: it is larger than 1 MiB
      hint: check the permissions and the disk
    ");
    fs::remove_file(&path).expect("it is there");
    assert!(matches!(run_dir.asked(), Err(RunDirError::Asked { .. })));
}

#[test]
fn a_file_goes_on_where_it_was() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let run_dir = RunDir::create(parent.path()).expect("empty");
    let text = || fs::read_to_string(parent.path().join("lines")).expect("readable");
    let mut file = run_dir.resume_file("lines", 0).expect("writable");
    file.line("one").expect("buffered");
    assert_eq!(file.length(), 4);
    file.sync_handle()
        .expect("writable")
        .sync()
        .expect("a disk");
    assert_eq!(text(), "one\n");
    file.line("two").expect("buffered");
    drop(file);
    assert_eq!(text(), "one\ntwo\n");
    let mut file = run_dir.resume_file("lines", 4).expect("long enough");
    assert_eq!(text(), "one\ntwo\n", "what was there stays");
    file.line("3").expect("buffered");
    file.finish().expect("writable");
    assert_eq!(text(), "one\n3\n");
    let mut file = run_dir.resume_file("lines", 4).expect("long enough");
    file.line("three").expect("buffered");
    file.finish().expect("writable");
    assert_eq!((text().as_str(), file.length()), ("one\nthree\n", 10));

    let said = |name: &str, length| {
        let error = run_dir.resume_file(name, length).expect_err("too short");
        let dir = parent.path().to_str().expect("text");
        error.to_string().replace(dir, "[DIR]")
    };
    insta::assert_snapshot!(said("lines", 11), @r"
    [DIR]/lines has 10 bytes, and the checkpoint says 11 bytes
      hint: delete checkpoint.json: then the file is written anew from the journal
    ");
    insta::assert_snapshot!(said("none", 7), @r"
    [DIR]/none is missing, and the checkpoint says 7 bytes
      hint: delete checkpoint.json: then the file is written anew from the journal
    ");
    assert_eq!(text(), "one\nthree\n", "what is refused is left as it is");
    let mut file = run_dir.resume_file("lines", 0).expect("writable");
    assert_eq!(text(), "one\nthree\n");
    file.finish().expect("writable");
    assert_eq!(text(), "");
}
