//! Bad input, as a user meets it: one clear message with the place, the exit code of its class, and
//! nothing panics.

use investbot_tests::run::{Ran, realish, run};

/// What is wrong, as standard error says it.
fn refused(ran: Ran, code: i32, expected: &[&str]) {
    let ran = ran.expect(code);
    for part in expected {
        assert!(
            ran.stderr.contains(part),
            "`{part}` is not in: {}",
            ran.stderr
        );
    }
    assert!(
        ran.stdout.is_empty(),
        "data is for standard output: {}",
        ran.stdout
    );
}

const HEAD: &str = "timestamp,open,high,low,close,volume\n";

fn bars(content: &str) -> Ran {
    run(&["--bars", "b.csv"]).file("b.csv", content).output()
}

#[test]
fn bars_that_cannot_be_used() {
    let row = |time: &str, close: &str| format!("{time},10,12,9,{close},5\n");
    let two = row("2020-01-01T00:00:00Z", "11") + &row("2020-01-01T01:00:00Z", "11");
    for (content, expected) in [
        (
            format!("{HEAD}{two}{}", row("2020-01-01T02:00:00Z", "1o")),
            &["b.csv:4:", "1o", "close"][..],
        ),
        (
            format!("{HEAD}{two}{}", row("2019-12-31T00:00:00Z", "11")),
            &["b.csv:4:", "2019-12-31T00:00:00Z"],
        ),
        (
            format!(
                "{HEAD}{}{}",
                row("1577836800", "11"),
                row("1577840400000", "11")
            ),
            &["b.csv:3:", "1577840400000"],
        ),
        (
            format!("{HEAD}{two}2020-01-01T02:00:00Z,10,8,9,11,5\n"),
            &["b.csv:4:", "high"],
        ),
        (
            format!("{HEAD}{two}2020-01-01T02:00:00Z,10,12,9,-11,5\n"),
            &["b.csv:4:", "-11"],
        ),
        (
            format!("{HEAD}{two}2020-01-01T02:00:00Z,10,12,9,NaN,5\n"),
            &["b.csv:4:", "NaN"],
        ),
        (String::new(), &["b.csv", "empty"]),
        (HEAD.to_owned(), &["b.csv", "has no bars"]),
        ("once upon a time\n".to_owned(), &["b.csv:1:"]),
    ] {
        refused(bars(&content), 3, expected);
    }
}

#[test]
fn bars_that_are_not_there() {
    refused(
        run(&["--bars", "no.csv"]).output(),
        3,
        &["no.csv", "cannot be opened"],
    );
    refused(run(&["--bars", "."]).output(), 3, &["is a directory"]);
    refused(
        run(&["--bars", "btcusd"]).output(),
        3,
        &["no bundled bars", "btcusd-30m"],
    );
    let gaps = run(&["--gaps", "halt"]).output().expect(3);
    assert!(
        gaps.stderr.contains("bundled:btcusd-30m:"),
        "{}",
        gaps.stderr
    );
}

fn intents(content: &str) -> Ran {
    run(&["--exchange", "stub", "--intents", "i.jsonl", "--quiet"])
        .file("i.jsonl", content)
        .output()
}

#[test]
fn intents_that_cannot_be_used() {
    let order = |more: &str| {
        format!(r#"{{"instrument":"BTC/USD","side":"buy","type":"market","quantity":"1"{more}}}"#)
    };
    for (content, expected) in [
        (
            order(r#","quantty":"1""#),
            &["i.jsonl:1:", "quantty", "quantity"][..],
        ),
        (
            order("").replace(r#""1""#, r#""-1""#),
            &["i.jsonl:1:", "-1", "quantity"],
        ),
        (
            order("").replace("buy", "long"),
            &["i.jsonl:1:", "long", "buy, sell"],
        ),
        (format!("{}\n[]\n", order("")), &["i.jsonl:2:"]),
        (
            format!("{}\n{}", order(""), "x".repeat(10_000_000)),
            &["i.jsonl:2:", "longer than"],
        ),
    ] {
        let ran = intents(&content).expect(3);
        for part in expected {
            assert!(
                ran.stderr.contains(part),
                "`{part}` is not in: {}",
                ran.stderr
            );
        }
        assert!(
            ran.stderr.len() < 1_000,
            "the message is no dump: {}",
            ran.stderr
        );
    }
    refused(
        run(&["--intents", "no.jsonl"]).output(),
        3,
        &["no.jsonl", "--intents"],
    );
}

#[test]
fn an_id_that_comes_again_with_other_parameters_stops_the_run() {
    let line = |quantity| {
        format!(
            r#"{{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"{quantity}"}}"#
        )
    };
    let same = intents(&format!("{}\n{}\n", line(1), line(1))).expect(0);
    assert_eq!(same.summary()["result"]["fills"], 1, "it was sent once");
    assert!(
        same.reports()
            .iter()
            .any(|r| r["code"] == "DUPLICATE_INTENT")
    );
    let other = intents(&format!("{}\n{}\n", line(1), line(2))).expect(3);
    assert_eq!(other.summary()["result"]["fills"], 1);
    assert_eq!(other.summary()["reason"]["code"], "IDEMPOTENCY_CONFLICT");
}

#[test]
fn ten_mistakes_are_told_at_once() {
    let file = "
[exchange]
kindd = 'paper'
open_timeout_ms = 0
[exchange.config]
slippage_bps = -1
latency_ms = 'soon'
[bars]
gaps = 'ignore'
batch = 1.5
[run]
seed = -1
pace = 'fast'
[risk]
max_position = 'lots'
";
    let ran = run(&["--param", "fast=0"])
        .file("investbot.toml", file)
        .output()
        .expect(3);
    assert!(
        ran.stderr.contains("the configuration has 10 problems"),
        "{}",
        ran.stderr
    );
    for part in [
        "investbot.toml:3:1: unknown key `exchange.kindd`; did you mean `exchange.kind`?",
        "investbot.toml:4:19",
        "investbot.toml:6:16",
        "investbot.toml:15:16",
        "--param",
    ] {
        assert!(
            ran.stderr.contains(part),
            "`{part}` is not in: {}",
            ran.stderr
        );
    }
    assert!(ran.stderr.contains("\n  10. "), "{}", ran.stderr);
}

#[test]
fn missing_secrets_are_named_before_the_plugin_runs() {
    let ran = run(&["--exchange", "realish"]).output();
    refused(
        ran,
        3,
        &["INVESTBOT_API_KEY", "INVESTBOT_API_SECRET", "2 problems"],
    );
}

#[test]
fn secrets_appear_nowhere() {
    const SECRET: &str = "correct-horse-battery-staple";
    let mut session = realish(&["--run-dir", "kept", "--log", "trace"])
        .args(&["--to", "2017-10-20T00:00:00Z", "--json"])
        .env("INVESTBOT_API_SECRET", SECRET)
        .env("INVESTBOT_API_KEY", "troubadour");
    let ran = session.output().expect(0);
    let mut seen = vec![ran.stdout, ran.stderr];
    for dir in [session.path("kept"), session.path("kept/venue")] {
        for entry in std::fs::read_dir(dir).unwrap() {
            let content = std::fs::read(entry.unwrap().path()).unwrap_or_default();
            seen.push(String::from_utf8_lossy(&content).into_owned());
        }
    }
    assert!(seen.len() > 6);
    for text in seen {
        assert!(
            !text.contains(SECRET) && !text.contains("troubadour"),
            "{text}"
        );
    }
}

#[test]
fn no_such_plugin_says_where_it_looked_and_what_is_near() {
    let ran = run(&["--exchange", "papr", "--plugin-dir", "mine"]).output();
    refused(ran, 4, &["no such plugin", "mine", "did you mean `paper`?"]);
}

#[test]
fn files_that_are_no_plugin() {
    let dir = investbot_tests::scratch();
    let whole = std::fs::read(investbot_tests::plugin("investbot_stub")).unwrap();
    let files = [
        (
            dir.file("text.so", "I am a plugin, believe me."),
            "NOT_A_PLUGIN",
        ),
        (
            dir.file("short.so", &whole[..whole.len() / 2]),
            "NOT_A_PLUGIN",
        ),
        (dir.copy("fixture_noentry", "noentry.so"), "NOT_A_PLUGIN"),
    ];
    for (path, code) in files {
        let ran = run(&["--exchange", path.to_str().unwrap()])
            .output()
            .expect(4);
        assert!(ran.stderr.contains(code), "{}", ran.stderr);
        assert!(ran.stderr.lines().count() <= 8, "{}", ran.stderr);
        assert!(ran.stderr.contains("hint:"), "{}", ran.stderr);
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_another_kind_of_mistake() {
    let ran = run(&["--sede", "1"]).output().expect(2);
    assert!(ran.stderr.contains("--seed"), "{}", ran.stderr);
}
