//! SIGINT and SIGTERM: a clean stop with everything that was done on record.

#![cfg(unix)]

use std::process::Command;

use investbot_tests::run::{Talk, run};

const BUY: &str =
    r#"{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.5"}"#;

/// A run that has taken up an intent and waits for the next one.
fn waiting() -> (Talk, investbot_tests::Scratch) {
    let kept = investbot_tests::scratch();
    let dir = kept.join("run");
    let dir = dir.to_str().expect("a temporary path is text");
    let mut talk = run(&["--exchange", "stub", "--intents", "-", "--run-dir", dir]).talk();
    talk.say(BUY);
    talk.hear_state("filled");
    (talk, kept)
}

fn signal(talk: &Talk, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &talk.id().to_string()])
        .status();
    assert!(status.expect("kill is there").success());
}

#[test]
fn the_first_signal_stops_cleanly_with_a_summary() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let (talk, kept) = waiting();
        signal(&talk, name);
        let ran = talk.wait().expect(code);
        let summary = ran.summary();
        assert_eq!(summary["ended"], "stopped");
        assert_eq!(summary["result"]["fills"], 1);
        for file in [
            "summary.json",
            "run.json",
            "reports.jsonl",
            "fills.csv",
            "fills.jsonl",
        ] {
            let content = std::fs::read(kept.join("run").join(file)).unwrap_or_default();
            assert!(
                !content.is_empty(),
                "{file} is empty or missing after SIG{name}"
            );
        }
        assert!(ran.stderr.contains("stopped on request"), "{}", ran.stderr);
    }
}
