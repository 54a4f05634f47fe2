//! The run directory: what is in it, and who may have it.

use std::path::Path;

use crate::program::run;
use investbot_tests::{plugin, scratch};
use serde_json::Value;

fn refusal(dir: &Path, path: &str, code: i32) -> String {
    let ended = run(["--exchange", "stub", "--run-dir", path])
        .in_dir(dir)
        .end()
        .with_code(code);
    assert_eq!(ended.stdout, "");
    ended.stderr
}

#[test]
fn what_is_in_it() {
    let dir = scratch();
    let ended = run(["--json", "--run-dir", "run", "--seed", "7"])
        .in_dir(&dir)
        .end()
        .with_code(0);
    let mut names: Vec<_> = std::fs::read_dir(dir.join("run"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".lock",
            ".reserve",
            "checkpoint.json",
            "fills.csv",
            "fills.jsonl",
            "idempotency_keys.jsonl",
            "reports.jsonl",
            "run.json",
            "summary.json",
            "venue"
        ]
    );
    let json = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(dir.join("run").join(name)).unwrap()).unwrap()
    };
    assert_eq!(json("summary.json"), ended.summary());
    let asked = json("run.json");
    assert_eq!(asked["format"], "investbot.run");
    assert_eq!(asked["version"], 2);
    let asked = &asked["body"];
    assert_eq!(
        asked["plugin"]["sha256"],
        ended.summary()["plugin"]["sha256"]
    );
    assert_eq!(
        asked["config"]["run.seed"],
        serde_json::json!({ "value": 7, "origin": "--seed" })
    );
    let bars = std::fs::read(investbot_tests::artifacts::workspace().join("data/btcusd-30m.csv"));
    let bars = bars.unwrap();
    assert_eq!(
        asked["data"],
        serde_json::json!({
            "bars": {
                "source": "bundled:btcusd-30m",
                "path": null,
                "content": {
                    "bytes": bars.len().to_string(),
                    "sha256": hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bars)),
                },
            },
            "intents": null,
        })
    );
}

/// The digest of the summary is that of the reports on disk.
#[test]
fn the_digest_is_that_of_the_reports() {
    use sha2::Digest as _;
    let dir = scratch();
    let ended = run(["--json", "--run-dir", "run"])
        .in_dir(&dir)
        .end()
        .with_code(0);
    let reports = std::fs::read(dir.join("run/reports.jsonl")).unwrap();
    assert_eq!(hex::encode(sha2::Sha256::digest(reports)), ended.digest());
}

#[test]
fn a_directory_that_is_not_free() {
    let dir = scratch();
    dir.file("file", "");
    std::fs::create_dir_all(dir.join("used")).unwrap();
    dir.file("used/notes.txt", "");
    insta::assert_snapshot!(refusal(&dir, "used", 7), @r"
    error: run directory used already holds a run
      hint: choose another --run-dir, or remove it if it is not needed any more
    ");
    insta::assert_snapshot!(refusal(&dir, "file", 7), @r"
    error: run directory file is not a directory
      hint: choose another --run-dir
    ");
    insta::assert_snapshot!(refusal(&dir, "file/run", 7), @r"
    error: run directory file/run is not a directory
      hint: choose another --run-dir
    ");
    insta::assert_snapshot!(refusal(&dir, "missing/run", 1), @r"
    error: cannot write missing/run: No such file or directory (os error 2)
      hint: create the directory above it first
    ");
    std::fs::create_dir(dir.join("empty")).unwrap();
    let taken = run(["--run-dir", "empty"]).in_dir(&dir).end().with_code(0);
    assert_eq!(taken.stderr, "");
    assert!(refusal(&dir, "empty", 7).contains("already holds a run"));
}

#[test]
fn a_directory_that_another_run_works_in() {
    let dir = scratch();
    let mut other = run(["--intents", "-", "--exchange", "stub", "--run-dir", "run"])
        .in_dir(&dir)
        .start();
    assert_eq!(
        other.hear()["kind"],
        "format",
        "it has opened its directory"
    );
    insta::assert_snapshot!(refusal(&dir, "run", 7), @r"
    error: run directory run is locked by another process
      hint: wait for it to end, or choose another --run-dir
    ");
    let _ = other.end().with_code(0);
    assert!(refusal(&dir, "run", 7).contains("already holds a run"));
}

/// No file may become larger than the plugin, of which a private copy is made. The reports do.
#[test]
#[cfg(unix)]
fn a_full_disk() {
    let dir = scratch();
    // Denied, so that it is the reports that the disk has no room for.
    let order = r#"{"instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.000000001"}"#;
    let limit = std::fs::metadata(plugin("investbot_stub")).unwrap().len();
    dir.file(
        "orders.jsonl",
        format!("{order}\n").repeat(limit as usize / 200),
    );
    let run = run([
        "--exchange",
        "stub",
        "--intents",
        "orders.jsonl",
        "--run-dir",
        "run",
    ])
    .into_command();
    let mut limited = std::process::Command::new("sh");
    for (name, _) in run.get_envs() {
        limited.env_remove(name);
    }
    let output = limited
        .args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\""])
        .arg((limit / 512 + 1).to_string())
        .arg(run.get_program())
        .args(run.get_args())
        .current_dir(&*dir)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    insta::assert_snapshot!(said, @r"
    error: cannot write run/reports.jsonl: File too large (os error 27)
      hint: raise the limit of a file's size (ulimit -f)
    ");
    let reports = std::fs::read_to_string(dir.join("run/reports.jsonl")).unwrap();
    let last = reports.lines().count();
    let whole = reports
        .lines()
        .filter(|line| serde_json::from_str::<Value>(line).is_ok())
        .count();
    assert!(
        whole >= last - 1,
        "whatever was written is whole up to the last line"
    );
}
