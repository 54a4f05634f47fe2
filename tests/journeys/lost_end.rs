//! A journal that lost whole lines at its end, as an old copy has, looks like one that ended there. What shows the
//! loss is the venue, which is asked before anything is sent.

use std::path::Path;

use crate::program::{Ended, run};
use investbot_tests::{Scratch, scratch};

/// A run of these intents that ended, and of whose journal only what came before the first intent is left.
fn cut_short(dir: &Scratch, exchange: &str, intents: &[&str]) {
    dir.file("in.jsonl", intents.join("\n"));
    dir.file("bars.csv", BARS);
    let ended = run(["--exchange", exchange, "--seed", "7", "--run-dir", "run"])
        .args(["--intents", "in.jsonl", "--bars", "bars.csv"])
        .args(["--instrument", "BTC/USD"])
        .keys()
        .in_dir(dir)
        .end();
    let _ = ended.with_code(0);
    let journal = dir.join("run/idempotency_keys.jsonl");
    let lines = std::fs::read_to_string(&journal).unwrap();
    let before = lines
        .split_inclusive('\n')
        .take_while(|line| !line.contains(r#""type":"intent""#));
    let before: String = before.collect();
    assert_ne!(before, "");
    std::fs::write(journal, before).unwrap();
    std::fs::remove_file(dir.join("run/checkpoint.json")).unwrap();
}

fn resume(dir: &Scratch) -> Ended {
    run(["--resume", "run"]).keys().in_dir(dir).end()
}

fn ledger(dir: &Path) -> String {
    let orders = std::fs::read_to_string(dir.join("run/venue/ledger.jsonl")).unwrap();
    let placed = orders
        .lines()
        .filter(|line| line.contains("client_order_id"));
    placed.map(|line| format!("{line}\n")).collect()
}

const BARS: &str = "timestamp,open,high,low,close,volume
2020-01-01T00:00:00Z,100,110,90,100,5
2020-01-01T00:01:00Z,100,110,90,100,5
2020-01-01T00:02:00Z,100,110,90,100,5
2020-01-01T00:03:00Z,100,110,90,100,5
";
const MARKET: &str = r#"{"time":"2020-01-01T00:02:00Z","instrument":"BTC/USD","side":"buy","type":"market","quantity":"1"}"#;
const RESTING: &str = r#"{"time":"2020-01-01T00:02:00Z","instrument":"BTC/USD","side":"buy","type":"limit","quantity":"1","limit_price":"50"}"#;

/// A venue of class B does not know an order for a duplicate that has been filled: it was sent once more, because
/// the books were compared only after that.
#[test]
fn an_order_that_the_journal_forgot_is_not_sent_again() {
    for intents in [&[MARKET][..], &[RESTING], &[MARKET, RESTING]] {
        let dir = scratch();
        cut_short(&dir, "realish", intents);
        let before = ledger(&dir);
        let said = resume(&dir).with_code(5).stderr;
        assert!(
            said.contains("orders of this run that its journal does not know"),
            "{said}"
        );
        assert_eq!(ledger(&dir), before, "nothing was sent");
    }
}
