//! From the start of the process to its first execution report:
//! `cargo bench -p investbot-tests --bench start`.

#![allow(missing_docs, clippy::unwrap_used)]
#![allow(clippy::float_arithmetic, reason = "figures, not money")]

#[path = "../../host/benches/support/figures.rs"]
mod figures;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use figures::{Target, figure, spread};
use serde_json::Value;

const INTENT: &[u8] =
    br#"{"id":"a1","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.5"}"#;
const RUNS: usize = 51;

fn main() {
    let whole = std::env::args().any(|arg| arg == "--bench");
    let runs = if whole { RUNS } else { 1 };
    for exchange in ["paper", "stub"] {
        // The first one fills the system's caches, and may have to build the binary.
        first_report(exchange);
        let times = (0..runs).map(|_| first_report(exchange));
        let [best, median, worst] = spread(times.collect()).map(|seconds| seconds * 1e3);
        let name = format!("start.{exchange}");
        figure(&format!("{name}.min"), best, "ms", Target::None);
        figure(&name, median, "ms", Target::AtMost(20.0));
        figure(&format!("{name}.max"), worst, "ms", Target::None);
    }
}

/// How long after its start a run tells of its first order. The intent waits for it in the pipe.
fn first_report(exchange: &str) -> Duration {
    let mut command = investbot_tests::investbot();
    command.args(["run", "--quiet", "--intents", "-", "--exchange", exchange]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(INTENT).unwrap();
    stdin.write_all(b"\n").unwrap();

    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut elapsed = None;
    for line in stdout.lines() {
        let report: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if elapsed.is_none() && report["kind"] == "order" {
            elapsed = Some(start.elapsed());
            assert_eq!(report["id"], "a1");
            break;
        }
    }
    // The rest of the run is of no interest.
    child.kill().unwrap();
    child.wait().unwrap();
    drop(stdin);
    elapsed.expect("it tells of the order")
}
