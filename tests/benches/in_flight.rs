//! Orders a second on a venue that takes 50 ms for each, with 64 in flight, all of one instrument:
//! `cargo bench -p investbot-tests --bench in_flight`.

#![allow(missing_docs, clippy::unwrap_used)]
#![allow(clippy::float_arithmetic, reason = "figures, not money")]

#[path = "../../host/benches/support/figures.rs"]
mod figures;
mod run;

use std::fmt::Write as _;
use std::time::Duration;

use figures::{Target, figure, spread};
use investbot_tests::scratch;
use run::run;

/// What the stub's manifest allows.
const IN_FLIGHT: u32 = 64;
const LATENCY: Duration = Duration::from_millis(50);
/// How often every place in flight is taken: five seconds of orders.
const ROUNDS: u32 = 100;
const RUNS: usize = 3;

fn main() {
    let whole = std::env::args().any(|arg| arg == "--bench");
    let (rounds, runs) = if whole { (ROUNDS, RUNS) } else { (2, 1) };
    let orders = IN_FLIGHT * rounds;
    let dir = scratch();
    let intents = dir.file("intents.jsonl", intents(orders));
    let latency = format!("latency_ms={}", LATENCY.as_millis());
    let args = [
        "--exchange",
        "stub",
        "--set",
        &latency,
        "--pace",
        "realtime",
        "--intents",
        intents.to_str().unwrap(),
    ];
    let times = (0..runs).map(|_| {
        let run = run(&args);
        let filled = &run.summary["result"]["orders"];
        assert_eq!(
            *filled,
            serde_json::json!({ "filled": orders }),
            "none denied or held"
        );
        Duration::from_secs_f64(run.summary["elapsed_s"].as_f64().unwrap())
    });
    let [_, median, _] = spread(times.collect());

    let ideal = f64::from(IN_FLIGHT) / LATENCY.as_secs_f64();
    let rate = f64::from(orders) / median;
    figure(
        "in-flight.orders",
        rate,
        "orders/s",
        Target::AtLeast(0.95 * ideal),
    );
    figure(
        "in-flight.share-of-ideal",
        rate / ideal,
        "x",
        Target::AtLeast(0.95),
    );
}

/// Market orders, buying and selling in turn, so that the account never runs out.
fn intents(count: u32) -> String {
    let mut lines = String::new();
    for n in 0..count {
        let side = if n % 2 == 0 { "buy" } else { "sell" };
        writeln!(
            lines,
            r#"{{"id":"o{n}","instrument":"BTC/USD","side":"{side}","type":"market","quantity":"0.01"}}"#
        )
        .unwrap();
    }
    lines
}
