//! Secrets are nowhere but in the plugin: not in what is printed, logged or kept, whatever goes wrong.

use std::path::Path;

use crate::program::{Run, run};
use investbot_tests::{plugin, scratch};

const KEY: &str = "key-7f3a9c51d2";
const SECRET: &str = "s3cr3t-b81e44$'\"\\\u{e9}";

fn assert_clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // Also as JSON or a debug text would write it, and the part that needs no escape.
    for secret in [KEY, SECRET, "s3cr3t-b81e44"] {
        assert!(!text.contains(secret), "{what} has a secret:\n{text}");
    }
}

fn assert_clean_dir(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_clean_dir(&path);
        } else {
            assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

/// Runs it with every log line that there is, in both formats.
fn checked(run_with: impl Fn() -> Run, code: i32) {
    for format in ["text", "json"] {
        let dir = scratch();
        let ended = run_with()
            .env("INVESTBOT_API_KEY", KEY)
            .env("INVESTBOT_API_SECRET", SECRET)
            .env("RUST_BACKTRACE", "full")
            .flag("--log", "trace")
            .flag("--log-format", format)
            .flag("--run-dir", dir.join("run"))
            .end();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert_clean("standard output", ended.stdout.as_bytes());
        assert_clean("standard error", ended.stderr.as_bytes());
        assert_clean_dir(&dir);
    }
}

#[test]
fn a_run_that_works() {
    let bad = [
        "--exchange",
        "realish",
        "--to",
        "2017-12-01",
        "--json",
        "--set",
        "ack_lost=0.3",
        "--set",
        "read_failure=0.2",
    ];
    checked(|| run(bad), 0);
}

#[test]
fn runs_that_fail() {
    checked(
        || {
            run([
                "--exchange",
                "realish",
                "--set",
                "ack_lots=0.3",
                "--seed",
                "x",
            ])
        },
        3,
    );
    checked(
        || run(["--exchange", "realish", "--bars", "missing.csv"]),
        3,
    );
    checked(
        || run(["--exchange", "realish", "--set", "read_failure=1"]),
        4,
    );
    checked(
        || run(["--exchange", "realish", "--set", "latency_min_ms=500"]),
        4,
    );
    checked(|| run(["--exchange", "missing"]), 4);
    let order = r#"{"instrument":"BTC/USD","side":"buy","type":"market","quantity":"1"}"#;
    let echo = plugin("fixture_echo");
    for (at, code) in [("open", 4), ("place", 5), ("on_bars", 5)] {
        let set = [
            "--set",
            "fault=panic",
            "--set",
            &format!("at={at}"),
            "--intents",
            "-",
        ]
        .map(str::to_owned);
        checked(
            || {
                run(&set)
                    .flag("--exchange", &echo)
                    .stdin(format!("{order}\n"))
            },
            code,
        );
    }
}

/// A mistake in the name of a secret's variable, and in the file that it is in.
#[test]
fn secrets_in_the_wrong_place() {
    let dir = scratch();
    dir.file(
        ".env",
        format!("INVESTBOT_API_KYE={KEY}\nINVESTBOT_API_SECRET={SECRET}\nnot a line {SECRET}\n"),
    );
    dir.file(
        "investbot.toml",
        format!("[exchange]\nkind = \"realish\"\napi_key = \"{KEY}\"\n"),
    );
    let ended = run(["--seed", "0"]).in_dir(&dir).end().with_code(3);
    assert_clean("standard error", ended.stderr.as_bytes());
}

#[test]
fn secrets_from_files() {
    let dir = scratch();
    let key = dir.file("key", format!("{KEY}\n"));
    let secret = dir.file("secret", SECRET);
    let ended = run(["--exchange", "realish", "--to", "2017-11-01", "--json"])
        .env("INVESTBOT_API_KEY_FILE", key)
        .env("INVESTBOT_API_SECRET_FILE", secret)
        .end()
        .with_code(0);
    let direct = run(["--exchange", "realish", "--to", "2017-11-01", "--json"])
        .env("INVESTBOT_API_KEY", KEY)
        .env("INVESTBOT_API_SECRET", SECRET)
        .end()
        .with_code(0);
    assert_eq!(ended.digest(), direct.digest());
}
