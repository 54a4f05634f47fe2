//! Checking a run from outside: what matches, and every way in which a run directory can be tampered with.

use std::path::Path;

use crate::program::{Ended, program, run};
use investbot_tests::{Scratch, scratch};
use serde_json::Value;

fn bars(count: i64) -> String {
    let row = |n: i64| {
        let price = 100 + (n * n) % 7;
        let time = 1_577_836_800 + 60 * n;
        format!("{time},{price},{},{},{price},5000\n", price + 9, price - 9)
    };
    let rows: String = (0..count).map(row).collect();
    format!("timestamp,open,high,low,close,volume\n{rows}")
}

/// A run with some fills, which has ended.
fn ended(dir: &Scratch) {
    dir.file("bars.csv", bars(120));
    let ended = run(["--bars", "bars.csv", "--instrument", "BTC/USD", "--quiet"])
        .args(["--param", "fast=2", "--param", "slow=4"])
        .args(["--run-dir", "run", "--run-id", "verify"])
        .in_dir(dir)
        .end();
    assert_eq!(ended.with_code(0).stderr, "");
}

fn verify(dir: &Path, run_dir: &str) -> Ended {
    program("verify").arg(run_dir).in_dir(dir).end()
}

/// What is said of a run that is not as it must be; with its digests and long lines made short.
#[track_caller]
fn mismatch(dir: &Path) -> String {
    let ended = verify(dir, "run").with_code(8);
    assert_eq!(ended.stderr, "");
    let first = ended.stdout.lines().next().unwrap_or_default().to_owned();
    assert!(first.starts_with("MISMATCH "), "{}", ended.stdout);
    let json = program("verify").args(["run", "--json"]).in_dir(dir).end();
    let lines = json.with_code(8).lines();
    assert_eq!(lines[0]["format"], "investbot.verify");
    assert_eq!(lines[1]["match"], false);
    let place = lines[1]["where"].as_str().unwrap();
    assert!(first.starts_with(&format!("MISMATCH {place}: ")), "{first}");
    first
}

/// Changes a file of the run, looks what is said, and puts it back.
#[track_caller]
fn tampered(dir: &Scratch, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let path = dir.join(name);
    let good = std::fs::read(&path).unwrap();
    let mut bytes = good.clone();
    change(&mut bytes);
    assert!(bytes != good, "{name} was changed");
    std::fs::write(&path, bytes).unwrap();
    let said = mismatch(dir);
    std::fs::write(&path, good).unwrap();
    said
}

fn replace(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(std::mem::take(bytes)).unwrap();
    *bytes = text.replacen(from, to, 1).into_bytes();
}

#[test]
fn a_run_that_is_as_it_was_left() {
    let dir = scratch();
    ended(&dir);
    let before = content(&dir.join("run"));
    let ended = verify(&dir, "run").with_code(0);
    assert_eq!(ended.stderr, "");
    let flat: Vec<_> = ended.stdout.lines().map(cells).collect();
    let has = |name: &str, value: &str| {
        let row = flat.iter().any(|row| row[..] == [name, value]);
        assert!(row, "{name}: {value} in {}", ended.stdout);
    };
    has("processes", "1");
    has("the last one ended", "in good order");
    has("bars", "120");
    has("summary.json", "as it must be");
    assert!(ended.stdout.ends_with("MATCH\n"), "{}", ended.stdout);

    let json = program("verify").args(["run", "--json"]).in_dir(&dir).end();
    let line = json.with_code(0).lines().remove(1);
    assert_eq!(line["match"], true);
    assert_eq!(line["ended"], true);
    let summary: Value =
        serde_json::from_slice(&std::fs::read(dir.join("run/summary.json")).unwrap()).unwrap();
    assert_eq!(line["report_digest"], summary["report_digest"]);
    assert!(content(&dir.join("run")) == before, "nothing was changed");
}

/// Without the venue, with the data somewhere else.
#[test]
fn a_copy_will_do() {
    let dir = scratch();
    ended(&dir);
    std::fs::create_dir(dir.join("copy")).unwrap();
    for (name, bytes) in content(&dir.join("run")) {
        std::fs::write(dir.join("copy").join(name), bytes).unwrap();
    }
    std::fs::rename(dir.join("bars.csv"), dir.join("moved.csv")).unwrap();
    let lost = verify(&dir, "copy").with_code(3);
    assert!(
        lost.stderr.contains("bars.csv: cannot be opened"),
        "{}",
        lost.stderr
    );
    let found = program("verify").args(["copy", "--bars", "moved.csv"]);
    let found = found.in_dir(&dir).end().with_code(0);
    assert!(found.stdout.ends_with("MATCH\n"));
}

#[test]
fn reports_that_were_changed() {
    let dir = scratch();
    ended(&dir);
    let said = tampered(&dir, "run/reports.jsonl", |bytes| {
        replace(bytes, r#""state":"filled""#, r#""state":"opened""#);
    });
    insta::assert_snapshot!(said, @"MISMATCH reports.jsonl:3: it is another line than the run comes to");
    let said = tampered(&dir, "run/fills.jsonl", |bytes| bytes[100] ^= 1);
    insta::assert_snapshot!(said, @"MISMATCH fills.jsonl:1: it is another line than the run comes to");
    let said = tampered(&dir, "run/fills.csv", |bytes| replace(bytes, "buy", "but"));
    insta::assert_snapshot!(said, @"MISMATCH fills.csv:2: it is another line than the run comes to");
    let said = tampered(&dir, "run/reports.jsonl", |bytes| bytes.extend(b"{}\n"));
    let lines = std::fs::read_to_string(dir.join("run/reports.jsonl"))
        .unwrap()
        .lines()
        .count();
    let place = format!("MISMATCH reports.jsonl:{}: ", lines + 1);
    assert_eq!(said, place + "it should end here, and does not");
    // Cut in a line, and before one.
    for less in [1, 500] {
        let said = tampered(&dir, "run/reports.jsonl", |bytes| {
            bytes.truncate(bytes.len() - less)
        });
        assert!(said.ends_with("it ends here, and should not"), "{said}");
    }
    std::fs::remove_file(dir.join("run/fills.csv")).unwrap();
    assert!(mismatch(&dir).starts_with("MISMATCH fills.csv:1: it ends here"));
}

/// Both versions of a line are shown.
#[test]
fn what_is_there_and_what_should_be() {
    let dir = scratch();
    ended(&dir);
    let path = dir.join("run/fills.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen(",buy,", ",bxy,", 1)).unwrap();
    let said = verify(&dir, "run").with_code(8).stdout;
    let lines: Vec<_> = said.lines().collect();
    let (recorded, recomputed) = (lines[1].trim_start(), lines[2].trim_start());
    let recorded = recorded.strip_prefix("recorded:   ").unwrap();
    let recomputed = recomputed.strip_prefix("recomputed: ").unwrap();
    assert_eq!(recorded.replace(",bxy,", ",buy,"), recomputed);
    assert!(text.contains(recomputed));
}

#[test]
fn a_journal_that_was_changed() {
    let dir = scratch();
    ended(&dir);
    let journal = "run/idempotency_keys.jsonl";
    let said = tampered(&dir, journal, |bytes| {
        replace(bytes, r#""side":"buy""#, r#""side":"bux""#)
    });
    assert!(
        said.starts_with("MISMATCH idempotency_keys.jsonl:") && said.contains("its checksum"),
        "{said}"
    );
    // Every line has to be there, in its place.
    let lines = |change: fn(&mut Vec<String>)| {
        move |bytes: &mut Vec<u8>| {
            let text = String::from_utf8(std::mem::take(bytes)).unwrap();
            let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
            change(&mut lines);
            *bytes = lines.concat().into_bytes();
        }
    };
    type Change = fn(&mut Vec<String>);
    let changes: [(Change, u32); 3] = [
        (|lines| drop(lines.remove(9)), 10),
        (|lines| lines.swap(9, 10), 10),
        (|lines| lines.insert(9, lines[9].clone()), 11),
    ];
    for (change, line) in changes {
        let said = tampered(&dir, journal, lines(change));
        let place = format!("MISMATCH idempotency_keys.jsonl:{line}: ");
        assert!(said.starts_with(&place), "{said}");
    }
    // Its end is missed by the checkpoint, and without that by the summary.
    let cut = lines(|lines| lines.truncate(lines.len() - 2));
    let said = tampered(&dir, journal, cut);
    assert!(said.contains("ends before record"), "{said}");
    std::fs::remove_file(dir.join("run/checkpoint.json")).unwrap();
    let said = tampered(&dir, journal, cut);
    insta::assert_snapshot!(said, @"MISMATCH summary.json: `report_digest` is not what the run comes to");
}

#[test]
fn a_summary_or_a_checkpoint_that_was_changed() {
    let dir = scratch();
    ended(&dir);
    let summary = "run/summary.json";
    let said = tampered(&dir, summary, |bytes| {
        replace(bytes, r#""cash": ""#, r#""cash": "1"#)
    });
    insta::assert_snapshot!(said, @"MISMATCH summary.json: `result.cash` is not what the run comes to");
    let said = tampered(&dir, summary, |bytes| {
        replace(bytes, r#""report_digest": ""#, r#""report_digest": "0"#);
    });
    insta::assert_snapshot!(said, @"MISMATCH summary.json: `report_digest` is not what the run comes to");
    let said = tampered(&dir, summary, Vec::clear);
    assert!(
        said.starts_with("MISMATCH summary.json: it is no JSON"),
        "{said}"
    );
    let said = tampered(&dir, "run/checkpoint.json", |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let changed = "MISMATCH checkpoint.json: it was changed since it was written: its SHA-256 is ";
    assert!(said.starts_with(changed), "{said}");
}

/// A checkpoint whose seal fits, but that says something else than the run comes to.
#[test]
fn a_checkpoint_that_was_forged() {
    use sha2::Digest as _;
    let dir = scratch();
    ended(&dir);
    let said = tampered(&dir, "run/checkpoint.json", |bytes| {
        let text = String::from_utf8(std::mem::take(bytes)).unwrap();
        let (head, body) = text.split_once(r#","body":"#).unwrap();
        let body =
            body.strip_suffix("}\n")
                .unwrap()
                .replacen(r#""cash":"10000""#, r#""cash":"10001""#, 1);
        let digest = hex::encode(sha2::Sha256::digest(&body));
        let (head, _) = head.split_once(r#""sha256":""#).unwrap();
        *bytes = format!("{head}\"sha256\":\"{digest}\",\"body\":{body}}}\n").into_bytes();
    });
    insta::assert_snapshot!(said, @"MISMATCH checkpoint.json: `account.cash` is not what the run comes to");
}

#[test]
fn what_was_asked_and_what_is_read() {
    let dir = scratch();
    ended(&dir);
    let said = tampered(&dir, "run/run.json", |bytes| {
        replace(bytes, "verify", "verity")
    });
    assert!(
        said.starts_with("MISMATCH run.json: it was changed since"),
        "{said}"
    );
    let said = tampered(&dir, "bars.csv", |bytes| replace(bytes, "5000", "5001"));
    assert!(
        said.starts_with("MISMATCH data: they are not what the run was started with: bars: were"),
        "{said}"
    );
}

/// A run that was killed is checked as far as it is there.
#[test]
#[cfg(unix)]
fn a_run_that_was_killed() {
    let dir = scratch();
    dir.file("bars.csv", bars(120));
    let killed = run(["--bars", "bars.csv", "--instrument", "BTC/USD", "--quiet"])
        .args(["--param", "fast=2", "--param", "slow=4", "--run-dir", "run"])
        .env("INVESTBOT_DRILL_KILL", "half:60")
        .in_dir(&dir)
        .end();
    assert_eq!(killed.code, None, "{}", killed.stderr);
    let before = content(&dir.join("run"));
    let ended = verify(&dir, "run").with_code(0);
    let said = ended.stdout;
    assert!(
        said.contains("killed while it wrote line") && said.ends_with("MATCH\n"),
        "{said}"
    );
    assert!(content(&dir.join("run")) == before, "nothing was changed");
    // What is there has to be right.
    let said = tampered(&dir, "run/idempotency_keys.jsonl", |bytes| bytes[300] ^= 1);
    assert!(
        said.starts_with("MISMATCH idempotency_keys.jsonl:"),
        "{said}"
    );
    let resumed = run(["--resume", "run", "--quiet"]).in_dir(&dir).end();
    let _ = resumed.with_code(0);
    assert!(verify(&dir, "run").with_code(0).stdout.ends_with("MATCH\n"));
}

#[test]
fn where_nothing_can_be_checked() {
    let dir = scratch();
    let none = verify(&dir, "none").with_code(7);
    assert!(
        none.stderr.contains("there is no such directory"),
        "{}",
        none.stderr
    );
    let mut live = run(["--intents", "-", "--exchange", "stub", "--run-dir", "run"])
        .in_dir(&dir)
        .start();
    assert_eq!(live.hear()["kind"], "format");
    let locked = verify(&dir, "run").with_code(7);
    assert!(
        locked.stderr.contains("is locked by another process"),
        "{}",
        locked.stderr
    );
    let _ = live.end().with_code(0);
    // Intents that came through a pipe are in the journal.
    assert!(verify(&dir, "run").with_code(0).stdout.ends_with("MATCH\n"));
}

/// The files of a directory, by name.
fn content(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    let mut files: Vec<_> = files
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<&str> {
    let cells = line.split(['│', '┆']).map(str::trim);
    cells.filter(|cell| !cell.is_empty()).collect()
}
