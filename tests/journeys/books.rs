//! The host's books against the venue's own: for every venue, with every trouble that `realish` can make.
//!
//! The ledger is written by the plugin, as a foreign system would: neither side reads the other's files.

use std::collections::BTreeMap;

use crate::program::{Run, run};
use investbot_tests::artifacts::workspace;
use investbot_tests::records::{Host, Ledger, compare};
use investbot_tests::scratch;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const CASH: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

/// Runs it with a run directory, and compares.
fn checked(run: Run, what: &str) -> (Host, Ledger) {
    let dir = scratch();
    let dir = dir.join("run");
    let ended = run.flag("--run-dir", &dir).end();
    let code = ended.code.unwrap_or(-1);
    assert!(
        matches!(code, 0 | 5),
        "{what}: exit code {code}\n{}",
        ended.stderr
    );
    let compared = std::panic::catch_unwind(|| compare(&dir, CASH, code));
    compared.unwrap_or_else(|_| panic!("the books differ: {what}"))
}

/// The trouble that one kind of bad network makes.
type Faults = &'static [(&'static str, &'static str)];

const EVERYTHING: Faults = &[
    ("connect_failure", "0.15"),
    ("request_lost", "0.15"),
    ("request_delayed", "0.15"),
    ("ack_lost", "0.15"),
    ("connection_reset", "0.15"),
    ("read_failure", "0.3"),
    ("event_lost", "0.3"),
    ("event_late", "0.3"),
    ("event_doubled", "0.3"),
    ("latency_tail", "0.3"),
];

const NETWORKS: &[(&str, Faults)] = &[
    ("everything", EVERYTHING),
    (
        "answers get lost",
        &[
            ("ack_lost", "0.4"),
            ("connection_reset", "0.4"),
            ("read_failure", "0.3"),
        ],
    ),
    (
        "requests get lost",
        &[("request_lost", "0.6"), ("connect_failure", "0.3")],
    ),
    (
        "requests come late, within the deadline and after it",
        &[
            ("request_delayed", "0.7"),
            ("request_delay_ms", "20000"),
            ("read_failure", "0.2"),
        ],
    ),
    (
        "no report comes",
        &[
            ("event_lost", "1"),
            ("event_late", "0"),
            ("event_doubled", "0"),
            ("read_failure", "0.3"),
        ],
    ),
    (
        "reports come late and twice",
        &[
            ("event_lost", "0.2"),
            ("event_late", "0.4"),
            ("event_doubled", "0.4"),
            ("event_delay_ms", "60000"),
        ],
    ),
    (
        "the venue's clock is ahead",
        &[
            ("clock_skew_ms", "250"),
            ("request_delayed", "0.4"),
            ("request_delay_ms", "20000"),
            ("ack_lost", "0.3"),
        ],
    ),
    (
        "the venue's clock is behind",
        &[
            ("clock_skew_ms", "-250"),
            ("request_delayed", "0.4"),
            ("request_delay_ms", "20000"),
            ("ack_lost", "0.3"),
        ],
    ),
    (
        "a slow venue that is often closed",
        &[
            ("requests_per_second", "1"),
            ("maintenance_every_hours", "3"),
            ("maintenance_minutes", "60"),
            ("latency_mean_ms", "1000"),
            ("latency_tail_ms", "9000"),
            ("latency_tail", "0.5"),
            ("ack_lost", "0.2"),
        ],
    ),
];

fn realish(seed: u64, faults: Faults) -> Run {
    let set = faults
        .iter()
        .flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    run(["--exchange", "realish"])
        .keys()
        .flag("--seed", seed.to_string())
        .args(set)
}

/// A quarter of a year with a strategy that trades often.
const BUSY: [&str; 8] = [
    "--param",
    "fast=2",
    "--param",
    "slow=6",
    "--to",
    "2018-01-01",
    "--from",
    "2017-10-01",
];

#[test]
fn strategies_on_venues_that_work() {
    for venue in ["paper", "stub"] {
        for strategy in ["sma-cross", "buy-and-hold", "mean-reversion"] {
            let run = run(["--exchange", venue, "--strategy", strategy]);
            let (host, ledger) = checked(run, &format!("{strategy} on {venue}"));
            assert!(!ledger.fills.is_empty());
            assert_eq!(host.count("in_doubt") + host.count("held"), 0);
        }
    }
}

#[test]
fn a_strategy_on_every_bad_network() {
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for (what, faults) in NETWORKS {
        for seed in 0..6 {
            let what = format!("{what}, seed {seed}");
            let (host, ledger) = checked(realish(seed, faults).args(BUSY), &what);
            assert!(!ledger.fills.is_empty(), "{what}");
            for state in host.orders.values() {
                *states.entry(state.clone()).or_default() += 1;
            }
        }
    }
    // The networks were bad enough for orders to fail, and good enough for most to come through.
    assert!(states["abandoned"] > 10, "{states:?}");
    assert!(states["filled"] > 10_000, "{states:?}");
}

/// Few attempts, so that many orders end without having been placed.
#[test]
fn orders_that_are_given_up_are_not_at_the_venue() {
    for seed in 0..8 {
        let run = realish(seed, EVERYTHING)
            .args(BUSY)
            .env("INVESTBOT_RETRY_MAX_ATTEMPTS", "1");
        let (host, _) = checked(run, &format!("one attempt, seed {seed}"));
        assert!(host.count("abandoned") > 20, "{}", host.summary);
    }
}

/// What cannot be found out is held in the user's sight, by exit code 5, and is never called rejected.
#[test]
fn orders_that_nothing_can_be_found_out_about_are_held() {
    let faults = &[
        ("request_lost", "0.4"),
        ("ack_lost", "0.4"),
        ("read_failure", "0.8"),
    ];
    let mut held = 0;
    for seed in 0..20 {
        let dir = scratch();
        let dir = dir.join("run");
        let ended = realish(seed, faults)
            .args(BUSY)
            .flag("--run-dir", &dir)
            .end();
        if ended.code == Some(4) {
            assert!(
                ended.stderr.contains("nothing was sent"),
                "{}",
                ended.stderr
            );
            continue;
        }
        let (host, _) = compare(&dir, CASH, ended.code.unwrap_or(-1));
        held += host.count("held");
        let told = ended
            .stdout
            .contains("look them up at the venue before you do anything else");
        assert_eq!(told, ended.code == Some(5), "{}", ended.stdout);
    }
    assert!(held > 0, "no venue was bad enough");
}

/// Orders of every kind and cancels, drawn from a seed, around the price that they will meet.
fn stream(seed: u64, with_stops: bool) -> String {
    let csv = std::fs::read_to_string(workspace().join("data/btcusd-30m.csv")).unwrap();
    let mut dice = Dice(seed);
    let mut lines = String::new();
    let mut ids = Vec::new();
    for (n, bar) in csv.lines().skip(100).step_by(7).take(400).enumerate() {
        let mut columns = bar.split(',');
        let time = columns.next().unwrap();
        let close: Decimal = columns.nth(3).unwrap().parse().unwrap();
        let line = if dice.below(8) == 0 && !ids.is_empty() {
            let id: &String = &ids[dice.below(ids.len() as u64) as usize];
            json!({ "cancel": id, "time": time })
        } else {
            let id = format!("order-{n}");
            ids.push(id.clone());
            order(&mut dice, &id, time, close, with_stops)
        };
        lines.push_str(&format!("{line}\n"));
    }
    lines
}

fn order(dice: &mut Dice, id: &str, time: &str, close: Decimal, with_stops: bool) -> Value {
    let near = |dice: &mut Dice| {
        let shift = Decimal::new(dice.below(40) as i64 - 20, 3);
        (close * (Decimal::ONE + shift)).round_dp(1).to_string()
    };
    let mut order = json!({
        "id": id,
        "time": time,
        "instrument": "BTC/USD",
        "side": dice.one_of(&["buy", "sell"]),
        "quantity": Decimal::new(dice.below(500) as i64 + 5, 3).to_string(),
        "type": dice.one_of(if with_stops { &["market", "limit", "stop", "stop_limit"] } else { &["market", "limit"] }),
    });
    let kind = order["type"].as_str().unwrap().to_owned();
    if kind.ends_with("limit") {
        order["limit_price"] = near(dice).into();
        order["time_in_force"] = dice.one_of(&["gtc", "ioc", "fok"]).into();
    }
    if kind.starts_with("stop") {
        order["stop_price"] = near(dice).into();
    }
    order
}

/// Numbers that look random (SplitMix64, Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len() as u64) as usize]
    }
}

#[test]
fn a_stream_of_orders_of_every_kind() {
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..4 {
        for venue in ["paper", "stub"] {
            let run = run(["--intents", "-", "--exchange", venue, "--quiet"])
                .stdin(stream(seed, venue == "paper"));
            let (host, _) = checked(run, &format!("stream {seed} on {venue}"));
            for state in host.orders.values() {
                *states.entry(state.clone()).or_default() += 1;
            }
        }
    }
    for state in ["filled", "cancelled", "rejected"] {
        let count = states.get(state).copied().unwrap_or_default();
        assert!(count > 10, "{states:?}");
    }
}

#[test]
fn a_stream_of_orders_on_every_bad_network() {
    for (what, faults) in NETWORKS {
        for seed in 0..2 {
            let run = realish(seed, faults)
                .args(["--intents", "-", "--quiet"])
                .stdin(stream(seed, true));
            checked(run, &format!("stream {seed}, {what}"));
        }
    }
}

/// The last order meets the last bar: there is no later one with which the host could learn of its fill,
/// and no report comes.
#[test]
fn what_happened_at_the_very_end_is_known() {
    let last = json!({
        "id": "last", "instrument": "BTC/USD", "side": "buy", "type": "market", "quantity": "0.1",
        "time": "2019-10-01T00:00:00Z",
    });
    for seed in 0..20 {
        let faults = &[
            ("event_lost", "1"),
            ("event_late", "0"),
            ("event_doubled", "0"),
            ("read_failure", "0.4"),
        ];
        let run = realish(seed, faults)
            .args(["--intents", "-", "--quiet"])
            .stdin(format!("{last}\n"));
        let (host, _) = checked(run, &format!("the end, seed {seed}"));
        assert_eq!(host.count("filled"), 1, "seed {seed}");
    }
}

/// A run remembers its last few thousand orders. Once it took fills of older ones, told again at its end, for
/// fills of orders that it does not know.
#[test]
fn more_orders_than_are_remembered() {
    let params = ["window=5", "entry=1", "exit=0.1"];
    let params = params.iter().flat_map(|param| ["--param", param]);
    let run = run(["--json", "--strategy", "mean-reversion"]).args(params);
    let summary = run.end().with_code(0).summary();
    let result = &summary["result"];
    assert!(result["fills"].as_u64().unwrap() > 5000, "{result}");
    assert_eq!(result["unmatched_fills"], 0, "{result}");
}
