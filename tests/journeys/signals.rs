//! Stops from outside: a clean end at the first signal, the end of patience at the second, and readers that
//! go away.

#![cfg(unix)]

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::process::Stdio;

use crate::program::{Live, run};
use investbot_tests::{Scratch, scratch};
use serde_json::Value;

const ORDER: &str =
    r#"{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.1"}"#;

/// A run in the middle of its work: one order is filled, and it waits for the next one.
fn under_way(dir: &Scratch, args: &[&str]) -> Live {
    let mut live = run(["--intents", "-", "--exchange", "stub", "--run-dir"])
        .arg(dir.join("run"))
        .args(args)
        .start();
    live.say(ORDER);
    live.hear_until(|report| report["state"] == "filled");
    live
}

#[test]
fn a_signal_stops_the_run_cleanly() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for pace in ["virtual", "realtime"] {
            let dir = scratch();
            let live = under_way(&dir, &["--pace", pace]);
            live.signal(signal);
            let ended = live.end_by_itself().with_code(code);

            let summary = ended.summary();
            assert_eq!(summary["ended"], "stopped");
            assert_eq!(summary["result"]["position"], "0.1");
            assert!(
                ended.stderr.contains("stopped on request"),
                "{}",
                ended.stderr
            );

            let file = |name: &str| std::fs::read_to_string(dir.join("run").join(name)).unwrap();
            let kept: Value = serde_json::from_str(&file("summary.json")).unwrap();
            assert_eq!(kept["report_digest"], summary["report_digest"]);
            let reports: Vec<Value> = file("reports.jsonl")
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(reports, ended.reports());
            assert_eq!(
                file("fills.csv").lines().count(),
                2,
                "the header and the fill"
            );
            assert_eq!(file("fills.jsonl").lines().count(), 1);
            assert_eq!(file("venue/ledger.jsonl").lines().count(), 1);
            assert!(!file("run.json").is_empty());
        }
    }
}

/// A run on bars that somebody else is still writing.
fn on_growing_bars(dir: &Scratch) -> (Live, File) {
    let bars = dir.join("bars.csv");
    let made = std::process::Command::new("mkfifo")
        .arg(&bars)
        .status()
        .unwrap();
    assert!(made.success());
    let live = run([
        "--json",
        "--strategy",
        "buy-and-hold",
        "--instrument",
        "BTC/USD",
        "--interval",
        "1m",
    ])
    .flag("--bars", &bars)
    .flag("--run-dir", dir.join("run"))
    .start();
    (live, File::options().write(true).open(&bars).unwrap())
}

/// The `n`th batch of bars; far more of them fit into the pipe and the reader's queues than are in it.
fn rows(n: u64) -> String {
    const BATCH: u64 = 50_000;
    let row = |minute| format!("{},1,2,0.5,1.5,10000\n", 1_500_000_000 + minute * 60);
    (n * BATCH..(n + 1) * BATCH).map(row).collect()
}

/// The source need not come to its end, and what was done up to the stop is kept.
#[test]
fn a_signal_stops_a_run_on_bars() {
    let dir = scratch();
    let (live, mut bars) = on_growing_bars(&dir);
    bars.write_all(rows(0).as_bytes()).unwrap();
    live.signal("INT");
    // Bars go on until nobody takes them any more.
    let error = (1..10_000).find_map(|n| bars.write_all(rows(n).as_bytes()).err());
    assert_eq!(error.expect("the run stops").kind(), ErrorKind::BrokenPipe);
    let ended = live.end_by_itself().with_code(130);
    let summary = ended.summary();
    assert_eq!(summary["ended"], "stopped");
    assert_eq!(summary["result"]["orders"]["filled"], 1);
    assert!(dir.join("run/summary.json").exists());
}

/// The first signal waits for bars that do not come; the second one waits for nothing.
#[test]
fn a_second_signal_ends_the_process_at_once() {
    let dir = scratch();
    let (live, bars) = on_growing_bars(&dir);
    live.signal("INT");
    live.signal("TERM");
    let ended = live.end_by_itself();
    // Of two that wait at once the process takes the later one first, and is ended by the other.
    assert!(matches!(ended.code, Some(130 | 143)), "{:?}", ended.code);
    assert_eq!(ended.stdout, "");
    drop(bars);
}

#[cfg(target_os = "linux")]
const FULL: &str = "error: cannot write to standard output: No space left on device (os error 28)\n  hint: check the disk or the program it goes to\n";

/// Standard output or standard error on a full disk.
#[cfg(target_os = "linux")]
fn on_a_full_disk(args: &[&str], stdout: bool) -> (Option<i32>, String) {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = run(args).keys().into_command();
    command.stdin(Stdio::null());
    if stdout {
        command.stdout(full).stderr(Stdio::piped());
    } else {
        command.stderr(full).stdout(Stdio::piped());
    }
    let output = command.output().unwrap();
    let said = if stdout { output.stderr } else { output.stdout };
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn standard_output_on_a_full_disk() {
    for args in [&[][..], &["--json"], &["--intents", "-", "--quiet"]] {
        let (code, said) = on_a_full_disk(args, true);
        assert_eq!(code, Some(1), "{args:?}: {said}");
        assert_eq!(said, FULL, "{args:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn standard_error_on_a_full_disk_changes_nothing() {
    let args = ["--json", "--exchange", "realish", "--to", "2017-11-01"];
    let expected = run(args).keys().end().with_code(0).digest();
    for format in ["text", "json"] {
        let args = [&args[..], &["--log", "trace", "--log-format", format]].concat();
        let (code, said) = on_a_full_disk(&args, false);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&expected), "{said}");
    }
    let (code, _) = on_a_full_disk(&["--bars", "missing.csv"], false);
    assert_eq!(code, Some(3));
}

/// Like `investbot run | head -1`, with a reader that is gone before the first line.
#[test]
fn a_reader_that_went_away() {
    for args in [&[][..], &["--json"], &["--intents", "-", "--quiet"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = run(args).into_command();
        let output = command
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "error: standard output was closed by its reader\n");
    }
}

/// A venue that answers nothing is asked again and again before the first order. The wait in between once
/// heard no signal.
#[test]
fn a_signal_ends_the_wait_for_a_venue_that_does_not_answer() {
    let mut command = run([
        "--exchange",
        "realish",
        "--pace",
        "realtime",
        "--log",
        "info",
    ])
    .keys()
    .args(["--set", "read_failure=1"])
    .env("INVESTBOT_RETRY_BASE_MS", "60000")
    .env("INVESTBOT_RETRY_CAP_MS", "60000")
    .into_command();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("trying again") {
        line.clear();
        let read = std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        assert_ne!(read, 0, "it ended before it waited");
    }
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-s", "INT", &id])
        .status();
    assert!(sent.unwrap().success());
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut said, &mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("stopped on request"), "{rest}");
}
