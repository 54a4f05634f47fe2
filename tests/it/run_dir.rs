//! Run directories: what is kept, and whose they are. And disks that are full.

use investbot_tests::run::run;

const KEEP: &[&str] = &["--run-dir", "kept", "--to", "2017-12-01T00:00:00Z"];

#[test]
fn everything_is_kept() {
    let mut session = run(KEEP).args(&["--json"]);
    let ran = session.output().expect(0);
    let read = |name: &str| std::fs::read_to_string(session.path("kept").join(name)).unwrap();
    let asked: serde_json::Value = serde_json::from_str(&read("run.json")).unwrap();
    assert_eq!(asked["plugin"]["id"], "paper");
    assert_eq!(asked["config"]["run.dir"]["origin"], "--run-dir");
    assert_eq!(asked["config"]["strategy.name"]["origin"], "default");
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!(summary, ran.summary());

    let fills = ran.summary()["result"]["fills"].as_u64().unwrap();
    assert!(fills > 0);
    assert_eq!(read("fills.csv").lines().count() as u64, fills + 1);
    assert_eq!(read("fills.jsonl").lines().count() as u64, fills);

    // The digest is what the README says it is.
    use sha2::Digest as _;
    let digest = hex::encode(sha2::Sha256::digest(read("reports.jsonl")));
    assert_eq!(digest, ran.digest());
}

#[test]
fn a_directory_that_holds_a_run_is_left_alone() {
    let mut session = run(KEEP);
    let _ = session.output().expect(0);
    let before = std::fs::read(session.path("kept/run.json")).unwrap();
    let ran = session.output().expect(7);
    assert!(ran.stderr.contains("already holds a run"), "{}", ran.stderr);
    assert_eq!(
        std::fs::read(session.path("kept/run.json")).unwrap(),
        before
    );
}

#[test]
fn a_directory_that_another_process_works_in_is_locked() {
    let kept = investbot_tests::scratch();
    let dir = kept.join("run");
    let dir = dir.to_str().expect("a temporary path is text");
    let mut first = run(&["--intents", "-", "--run-dir", dir]).talk();
    assert_eq!(first.hear()["kind"], "format", "the run has begun");
    let ran = run(&["--run-dir", dir]).output().expect(7);
    assert!(
        ran.stderr.contains("locked by another process"),
        "{}",
        ran.stderr
    );
    let _ = first.finish().expect(0);
}

#[test]
fn a_file_in_its_place_and_a_missing_parent_are_named() {
    let ran = run(KEEP).file("kept", "mine").output().expect(7);
    assert!(ran.stderr.contains("is not a directory"), "{}", ran.stderr);
    let ran = run(&["--run-dir", "no/such"]).output().expect(1);
    assert!(
        ran.stderr.contains("create the directory above it first"),
        "{}",
        ran.stderr
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_standard_output_is_told() {
    let full = std::path::Path::new("/dev/full");
    for args in [&[][..], &["--json"]] {
        let ran = run(args).output_to(full).expect(1);
        assert!(
            ran.stderr.contains("cannot write to standard output"),
            "{}",
            ran.stderr
        );
    }
    let intent = r#"{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"1"}"#;
    let ran = run(&["--intents", "in.jsonl"])
        .file("in.jsonl", intent)
        .output_to(full)
        .expect(1);
    assert!(
        ran.stderr.contains("cannot write to standard output"),
        "{}",
        ran.stderr
    );
}

/// A limit on the size of files is the full disk that needs no rights: the write fails in the same place.
/// It is larger than a plugin, which is copied too, and smaller than the record of these intents.
#[cfg(unix)]
#[test]
fn a_full_disk_under_the_run_directory_is_told() {
    let denied =
        r#"{"instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.000000001"}"#;
    let dir = investbot_tests::scratch();
    dir.file("in.jsonl", format!("{denied}\n").repeat(150_000));
    let mut command = std::process::Command::new("sh");
    // The shell ignores SIGXFSZ, and its child inherits that: writes fail with EFBIG instead.
    let script = "trap '' XFSZ; ulimit -f 32768; exec \"$0\" \"$@\" > /dev/null";
    command
        .arg("-c")
        .arg(script)
        .arg(investbot_tests::investbot().get_program());
    command
        .args(["run", "--intents", "in.jsonl", "--run-dir", "kept"])
        .current_dir(&*dir);
    let output = command.output().expect("sh is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error: cannot write") && said.contains("reports.jsonl"),
        "{said}"
    );
    assert!(
        said.contains("hint:") && !said.contains("panicked"),
        "{said}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_run_without_a_panic() {
    let mut intents = String::new();
    for id in 0..2_000 {
        intents.push_str(&format!(
            r#"{{"id":"{id}","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.001"}}"#
        ));
        intents.push('\n');
    }
    let talk = run(&["--exchange", "stub", "--intents", "in.jsonl"])
        .file("in.jsonl", intents)
        .talk();
    let ran = talk.walk_away();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("closed by its reader"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}
