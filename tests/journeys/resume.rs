//! Going on with a run: what is refused, and how that is said. Nothing is changed by it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::program::{Ended, Run, run};
use investbot_tests::{Scratch, scratch};

/// A short run on a file of bars, which has ended.
fn started(dir: &Scratch) -> PathBuf {
    dir.file("bars.csv", bars(60));
    let ended = start()
        .args(["--run-dir", "run", "--seed", "7"])
        .in_dir(dir)
        .end();
    assert_eq!(ended.with_code(0).stderr, "");
    dir.join("run")
}

fn start() -> Run {
    run(["--bars", "bars.csv", "--instrument", "BTC/USD", "--quiet"])
}

fn bars(count: i64) -> String {
    let row = |n: i64| format!("{},100,110,90,{},5\n", 1_577_836_800 + 60 * n, 100 + n % 7);
    let rows: String = (0..count).map(row).collect();
    format!("timestamp,open,high,low,close,volume\n{rows}")
}

/// What is in the run directory, by name.
fn content(run_dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(run_dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(content(&path));
        } else {
            files.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    files
}

/// A resume that is refused, and leaves everything as it was.
#[track_caller]
fn refused(dir: &Scratch, code: i32, resume: Run) -> Ended {
    let before = content(&dir.join("run"));
    let ended = resume.in_dir(dir).end().with_code(code);
    assert_eq!(ended.stdout, "");
    assert!(content(&dir.join("run")) == before, "it was left alone");
    ended
}

/// A message with its digests made all the same.
fn without_digests(text: &str) -> String {
    let is_digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_inclusive(|c: char| !c.is_ascii_alphanumeric())
        .map(|part| {
            let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match is_digest(word) {
                true => part.replace(word, "[SHA256]"),
                false => part.to_owned(),
            }
        })
        .collect()
}

fn resume() -> Run {
    run(["--resume", "run"])
}

#[test]
fn where_there_is_no_run() {
    let dir = scratch();
    dir.file("file", "");
    std::fs::create_dir_all(dir.join("empty")).unwrap();
    let said = |path: &str| {
        let ended = run(["--resume", path]).in_dir(&dir).end().with_code(7);
        assert_eq!(ended.stdout, "");
        ended.stderr
    };
    insta::assert_snapshot!(said("none"), @r"
    error: cannot go on with none: there is no such directory
      hint: --resume takes a directory that --run-dir has made; a run that had not come to begin is started with --run-dir again
    ");
    insta::assert_snapshot!(said("file"), @r"
    error: cannot go on with file: it is not a directory
      hint: --resume takes a directory that --run-dir has made; a run that had not come to begin is started with --run-dir again
    ");
    insta::assert_snapshot!(said("empty"), @r"
    error: cannot go on with empty: there is no run in it
      hint: --resume takes a directory that --run-dir has made; a run that had not come to begin is started with --run-dir again
    ");
    assert!(!dir.join("none").exists());
    assert_eq!(std::fs::read_dir(dir.join("empty")).unwrap().count(), 0);
}

#[test]
fn a_new_run_and_one_that_goes_on_at_once() {
    let ended = run(["--resume", "a", "--run-dir", "b"]).end().with_code(2);
    assert!(
        ended.stderr.contains("cannot be used with '--run-dir"),
        "{}",
        ended.stderr
    );
}

#[test]
fn settings_that_are_not_what_they_were() {
    let dir = scratch();
    started(&dir);
    dir.file("investbot.toml", "[risk]\nmax_position = 3\n");
    let other = resume()
        .args(["--param", "fast=9", "--json"])
        .env("INVESTBOT_RUN_SEED", "8");
    let said = refused(&dir, 7, other).stderr;
    insta::assert_snapshot!(said, @r"
    error: the configuration has 3 problems
      1. --param: the run in run was started without strategy.params.fast, and now it is 9
      2. INVESTBOT_RUN_SEED: the run in run was started with run.seed = 7 (--seed), and now it is 8
      3. investbot.toml:2:16: the run in run was started without risk.max_position, and now it is 3
      hint: a run goes on with what it was started with: leave out what differs, or start a new run with --run-dir
    ");
    std::fs::remove_file(dir.join("investbot.toml")).unwrap();
    let said = refused(&dir, 7, resume().args(["--seed", "8"])).stderr;
    insta::assert_snapshot!(said, @r"
    error: the configuration has 1 problem
      1. --seed: the run in run was started with run.seed = 7 (--seed), and now it is 8
      hint: a run goes on with what it was started with: leave out what differs, or start a new run with --run-dir
    ");
    // A mistake is one before it is a difference.
    let said = refused(&dir, 3, resume().args(["--seed", "eight"])).stderr;
    assert!(said.contains("`eight` is not a whole number"), "{said}");
}

/// In the directory where it was started or in another one: the file of bars is the same.
#[test]
fn nothing_said_is_nothing_different() {
    let dir = scratch();
    started(&dir);
    std::fs::create_dir(dir.join("elsewhere")).unwrap();
    for (place, run_dir) in [("", "run"), ("elsewhere", "../run")] {
        let resume = run(["--resume", run_dir, "--quiet"]);
        let ended = resume.in_dir(&dir.join(place)).end();
        for refusal in ["was started", "cannot", "hint: put"] {
            assert!(!ended.stderr.contains(refusal), "{}", ended.stderr);
        }
    }
}

#[test]
fn another_mode() {
    let dir = scratch();
    started(&dir);
    let said = refused(&dir, 7, resume().args(["--intents", "-"])).stderr;
    insta::assert_snapshot!(said, @r"
    error: the configuration has 1 problem
      1. --intents: the run in run was started without intents, and now it is -
      hint: a run goes on with what it was started with: leave out what differs, or start a new run with --run-dir
    ");
}

#[test]
fn data_that_are_not_what_they_were() {
    let dir = scratch();
    let run_dir = started(&dir);
    dir.file("bars.csv", bars(61));
    let said = refused(&dir, 7, resume()).stderr;
    insta::assert_snapshot!(said, @r"
    error: the run in run cannot go on with these data
      1. bars: were bars.csv (1717 bytes, SHA-256 d5eb584e6d363d7cfb2e04829aee9c9528f82a083c2ccfcf9a36d679005d797e), and now are bars.csv (1745 bytes, SHA-256 44dcb0d4402a0c76f39cb9181f1f290afa7edcef75da0e6101cab2c927d69b6c)
      hint: put the files back, or say with --bars and --intents where they are now; with other data, start a new run
    ");
    // The same length, and one other digit.
    dir.file("bars.csv", bars(60).replacen("100", "101", 1));
    assert!(refused(&dir, 7, resume()).stderr.contains("bars: were"));
    std::fs::remove_file(dir.join("bars.csv")).unwrap();
    let said = refused(&dir, 3, resume()).stderr;
    assert!(said.contains("bars.csv: cannot be opened"), "{said}");
    // Bundled bars are data too.
    let said = refused(&dir, 7, resume().args(["--bars", "btcusd-30m"])).stderr;
    assert!(said.contains("and now are bundled:btcusd-30m"), "{said}");
    drop(run_dir);
}

#[test]
fn intents_that_are_not_what_they_were() {
    let dir = scratch();
    let line = |quantity: &str| {
        format!(
            r#"{{"instrument":"BTC/USD","side":"buy","type":"market","quantity":"{quantity}"}}"#
        )
    };
    dir.file("in.jsonl", line("1"));
    let stub = ["--exchange", "stub", "--run-dir", "run", "--intents"];
    let _ = run(stub).arg("in.jsonl").in_dir(&dir).end().with_code(0);
    dir.file("in.jsonl", line("2"));
    let said = refused(&dir, 7, resume()).stderr;
    insta::assert_snapshot!(said, @r"
    error: the run in run cannot go on with these data
      1. intents: were in.jsonl (68 bytes, SHA-256 98a1ac06c406f13ce14ee9236f40fd77773868bedb4e4c6924903aa048917c02), and now are in.jsonl (68 bytes, SHA-256 1b4733a2c1d471e9883187897458b14023be761728a4d0e3141e0d6f15504729)
      hint: put the files back, or say with --bars and --intents where they are now; with other data, start a new run
    ");
    let said = refused(&dir, 7, resume().args(["--intents", "-"])).stderr;
    assert!(said.contains("and now are stdin, a stream"), "{said}");
}

/// What came out of a pipe cannot be had again.
#[test]
#[cfg(unix)]
fn bars_from_a_pipe() {
    let dir = scratch();
    let pipe = dir.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let write = |text: String| {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::write(pipe, text))
    };
    let args = ["--bars", "pipe", "--instrument", "BTC/USD"];
    let writer = write(bars(60));
    let _ = run(args)
        .args(["--run-dir", "run"])
        .in_dir(&dir)
        .end()
        .with_code(0);
    writer.join().unwrap().unwrap();
    let writer = write(bars(60));
    let said = refused(&dir, 7, resume()).stderr;
    insta::assert_snapshot!(said, @r"
    error: the run in run cannot go on with these data
      1. bars: they came from pipe, a pipe, which nobody can read twice; keep them in a file
      hint: put the files back, or say with --bars and --intents where they are now; with other data, start a new run
    ");
    writer.join().unwrap().unwrap();
}

#[test]
fn another_plugin() {
    let dir = scratch();
    let paper = dir.copy("investbot_paper", "mine.so");
    dir.file("bars.csv", bars(60));
    let by_path = start().args(["--exchange", "./mine.so", "--run-dir", "run"]);
    let _ = by_path.in_dir(&dir).end().with_code(0);
    // What counts is the library, by whichever name.
    let said = refused(&dir, 4, resume().args(["--exchange", "stub"])).stderr;
    assert!(said.contains("[HASH_MISMATCH]"), "{said}");
    let mut bytes = std::fs::read(&paper).unwrap();
    bytes.push(0);
    dir.file("mine.so", bytes);
    let ended = refused(&dir, 4, resume());
    insta::assert_snapshot!(without_digests(&ended.said(&dir)), @r"
    error: the run in run was started with another library of its plugin; to go on with this one, set INVESTBOT_PLUGIN_SHA256 to the digest that was found
    cannot load plugin ./mine.so [HASH_MISMATCH]: the file is not the one that was pinned
      found: sha256 [SHA256]
      expected: sha256 [SHA256]
      hint: if you replaced the plugin on purpose, pin the digest that was found
    ");
    // Whoever pins it has replaced it on purpose.
    let digest = <sha2::Sha256 as sha2::Digest>::digest(std::fs::read(&paper).unwrap());
    let pinned = resume().env("INVESTBOT_PLUGIN_SHA256", hex::encode(digest));
    let ended = pinned.in_dir(&dir).end();
    assert!(!ended.stderr.contains("HASH_MISMATCH"), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .starts_with("warning: INVESTBOT_PLUGIN_SHA256: the run in run was")
    );
}

#[test]
fn a_directory_that_another_process_works_in() {
    let dir = scratch();
    let mut other = run(["--intents", "-", "--exchange", "stub", "--run-dir", "run"])
        .in_dir(&dir)
        .start();
    assert_eq!(
        other.hear()["kind"],
        "format",
        "it has opened its directory"
    );
    let ended = resume().in_dir(&dir).end().with_code(7);
    insta::assert_snapshot!(ended.stderr, @r"
    error: run directory run is locked by another process
      hint: wait for it to end, or choose another --run-dir
    ");
    let _ = other.end().with_code(0);
}

/// Every byte, one after another: none is ever taken for what was written.
#[test]
fn a_damaged_record_of_what_was_asked() {
    let dir = scratch();
    let run_dir = started(&dir);
    let path = run_dir.join("run.json");
    let good = std::fs::read(&path).unwrap();
    let checked = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let said = refused(&dir, 7, resume()).stderr;
        assert!(said.starts_with("error: run/run.json"), "{said}");
        assert!(said.contains("\n  hint: "), "{said}");
        said
    };
    // Every byte is seen to in a test of its own; here, whether the program asks.
    for at in (0..good.len()).step_by(good.len() / 50) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        checked(&bad);
        checked(&good[..at]);
    }
    insta::assert_snapshot!(checked(b""), @r"
    error: run/run.json:1:1: EOF while parsing a value
      hint: restore the file from a copy; if there is none, look the run's orders up at the venue and start a new run
    ");
    std::fs::remove_file(&path).unwrap();
    let said = refused(&dir, 7, resume()).stderr;
    assert!(said.contains("there is no run in it"), "{said}");
}
