//! What a check of a plugin leaves behind: the file of its result.

use std::path::Path;

use crate::program::{Ended, Run, program};
use investbot_tests::{Scratch, scratch};
use serde_json::Value;

fn check(args: &[&str], dir: &Scratch) -> Run {
    program("plugin").arg("check").args(args).in_dir(dir)
}

/// The fixture whose every report is about another order.
const WRONG: [&str; 3] = ["./echo.so", "--set", "fault=wrong_order"];

fn wrong(dir: &Scratch, more: &[&str]) -> Ended {
    check(&[&WRONG[..], more].concat(), dir).end().with_code(8)
}

/// The body of a sealed file.
fn body(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(
        text.starts_with("{\n  \"format\": \"investbot.plugin.check\",\n  \"version\": 1,"),
        "{text}"
    );
    serde_json::from_str::<Value>(&text).unwrap()["body"].take()
}

/// The id and the text of what failed.
fn failed(tests: &Value) -> Vec<(String, String)> {
    let tests = tests.as_array().unwrap().iter();
    let failed = tests.filter(|test| test["result"] == "failed");
    failed
        .map(|test| (test["id"].to_string(), test["text"].to_string()))
        .collect()
}

#[test]
fn what_failed_is_run_again_in_the_same_way() {
    let dir = scratch();
    dir.copy("fixture_echo", "echo.so");
    let first = ["--only", "orders", "--only", "manifest", "--seed", "9"];
    let ended = wrong(
        &dir,
        &[&first[..], &["--limit", "300", "--result", "r.json"]].concat(),
    );
    assert!(
        ended
            .stderr
            .ends_with("  all that failed: investbot plugin check --reproduce r.json\n"),
        "{}",
        ended.stderr
    );
    let earlier = body(&dir.join("r.json"));
    assert_eq!(earlier["plugin"]["id"], "echo");
    assert_eq!(earlier["plugin"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(earlier["asked"]["seed"], 9);
    assert_eq!(earlier["asked"]["config"]["fault"], "wrong_order");
    assert_eq!(earlier["asked"]["limit_s"], 300);
    let bad = failed(&earlier["tests"]);
    assert!(bad.len() > 3, "{bad:?}");

    // Ids of orders are in the texts, so that the same texts are the same orders.
    let again = check(
        &["--reproduce", "r.json", "--result", "again.json", "--json"],
        &dir,
    )
    .end()
    .with_code(8);
    assert!(!again.stderr.contains("warning"), "{}", again.stderr);
    let again = body(&dir.join("again.json"));
    assert_eq!(again["asked"], earlier["asked"]);
    assert_eq!(failed(&again["tests"]), bad);
    assert_eq!(again["tests"].as_array().unwrap().len(), bad.len());
}

/// The file may have been repaired meanwhile: what failed is run, and it is said that it is another file.
#[test]
fn what_failed_is_run_on_another_file_with_a_warning() {
    let dir = scratch();
    let library = dir.copy("fixture_echo", "echo.so");
    let _ = wrong(&dir, &["--only", "orders.market", "--result", "r.json"]);
    let mut bytes = std::fs::read(&library).unwrap();
    bytes.push(b'\n');
    dir.file("echo.so", bytes);
    let again = check(&["--reproduce", "r.json"], &dir).end().with_code(8);
    assert!(
        again.stderr.contains(
            "warning: ./echo.so is another file than the one that was checked\n  then: echo 0.1.0, sha256 "
        ),
        "{}",
        again.stderr
    );
    assert!(
        again.stdout.contains("0 of 1 tests passed, 1 failed"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_file_that_is_no_result_is_refused() {
    let dir = scratch();
    dir.copy("investbot_stub", "libmine.so");
    let good = ["./libmine.so", "--only", "manifest", "--result", "r.json"];
    let _ = check(&good, &dir).end().with_code(0);
    let nothing = check(&["--reproduce", "r.json"], &dir).end().with_code(0);
    assert_eq!(nothing.stderr, "nothing failed in r.json\n");

    let text = std::fs::read_to_string(dir.join("r.json")).unwrap();
    let said = |file: &str, text: &str| {
        dir.file(file, text);
        let refused = check(&["--reproduce", file], &dir).end().with_code(3);
        refused.stderr
    };
    let texts = [
        said("empty.json", ""),
        said(
            "other.json",
            &text.replacen("investbot.plugin.check", "investbot.run", 1),
        ),
        said(
            "newer.json",
            &text.replacen("\"version\": 1", "\"version\": 2", 1),
        ),
        said("edited.json", &text.replacen("\"passed\"", "\"failed\"", 1))
            .split(": its SHA-256")
            .next()
            .unwrap()
            .to_owned()
            + "\n",
        check(&["--reproduce", "none.json"], &dir)
            .end()
            .with_code(3)
            .stderr,
        check(&["stub", "--result", "none/r.json"], &dir)
            .end()
            .with_code(1)
            .stderr,
    ];
    insta::assert_snapshot!(texts.concat(), @r"
    error: the result of a check cannot be used: empty.json: 1:1: EOF while parsing a value
      hint: investbot plugin check NAME --result empty.json
    error: the result of a check cannot be used: other.json: it is of the format `investbot.run`, and `investbot.plugin.check` was expected
      hint: investbot plugin check NAME --result other.json
    error: the result of a check cannot be used: newer.json: it is of version 2, and this investbot reads version 1
      hint: investbot plugin check NAME --result newer.json
    error: the result of a check cannot be used: edited.json: it was changed since it was written
    error: the result of a check cannot be read: none.json: No such file or directory (os error 2)
      hint: name a file with --reproduce that can be read
    error: the result of a check cannot be written: none/r.json: there is no directory none
      hint: name a file with --result that can be written
    ");
}

/// The result is of one file: another that takes its place during the check is not tested in its name.
#[test]
fn a_file_that_changes_during_a_check_is_not_tested() {
    let dir = scratch();
    dir.copy("investbot_stub", "libmine.so");
    let one = |sha256: &str| {
        let args = ["./libmine.so", "--one", "manifest.times", "--of", sha256];
        check(&args, &dir).end()
    };
    let refused = one(&"0".repeat(64)).with_code(4);
    assert!(
        refused.stderr.contains("[HASH_MISMATCH]"),
        "{}",
        refused.stderr
    );
    let file = ["./libmine.so", "--only", "manifest", "--result", "r.json"];
    let _ = check(&file, &dir).end().with_code(0);
    let sha256 = body(&dir.join("r.json"))["plugin"]["sha256"].take();
    let _ = one(sha256.as_str().unwrap()).with_code(0);
}

/// The file goes to others. What a plugin itself says in its answers is another test's: `runner`.
#[test]
fn no_secret_is_in_a_result() {
    let dir = scratch();
    let _ = check(
        &["realish", "--only", "manifest", "--result", "r.json"],
        &dir,
    )
    .env("INVESTBOT_API_KEY", "hush-hush")
    .env("INVESTBOT_API_SECRET", "hush-hush")
    .end()
    .with_code(0);
    let text = std::fs::read_to_string(dir.join("r.json")).unwrap();
    assert!(!text.contains("hush"), "{text}");
}
