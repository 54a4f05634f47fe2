//! Bars a second from a CSV file through `sma-cross` and `paper`, end to end, and whether memory grows
//! with the file: `cargo bench -p investbot-tests --bench throughput`.

#![allow(missing_docs, clippy::unwrap_used)]
#![allow(clippy::float_arithmetic, reason = "figures, not money")]

#[path = "../../host/benches/support/figures.rs"]
mod figures;
mod run;

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use figures::{Target, figure, spread};
use investbot::feed::{BarOptions, BarReader};
use investbot_tests::scratch;
use run::{Run, run};

/// How often the bundled bars are repeated in the smaller file: about two million bars.
const REPEATS: usize = 60;
/// How many times larger the larger file is.
const LARGER: usize = 4;
/// How often each run is repeated.
const RUNS: usize = 7;

fn main() {
    // Without this flag somebody wants to know that the benchmark works, not what it measures.
    let repeats = if std::env::args().any(|arg| arg == "--bench") {
        REPEATS
    } else {
        1
    };
    let dir = scratch();
    let (small, bars) = bar_file(&dir, "small.csv", repeats);
    let (large, more_bars) = bar_file(&dir, "large.csv", repeats * LARGER);

    let parsing = spread((0..RUNS).map(|_| parse(&small, bars)).collect());
    let runs: Vec<Run> = (0..RUNS).map(|_| sma_cross(&small, bars)).collect();
    let [best, median, _] = spread(runs.iter().map(|run| run.wall).collect());
    let rate = bars as f64 / median;
    let parse_rate = bars as f64 / parsing[1];
    figure("throughput.bars", rate, "bars/s", Target::AtLeast(2e6));
    figure(
        "throughput.bars.best",
        bars as f64 / best,
        "bars/s",
        Target::None,
    );
    figure("throughput.parse-only", parse_rate, "bars/s", Target::None);
    figure(
        "throughput.share-of-parse-only",
        rate / parse_rate,
        "x",
        Target::None,
    );

    // With one order in the whole run, what grows could only be the host.
    for (name, strategy, target) in [
        ("host", "buy-and-hold", Target::AtMost(1.1)),
        ("with-orders", "sma-cross", Target::None),
    ] {
        let [small, large] = [(&small, bars), (&large, more_bars)].map(|(file, bars)| {
            let run = backtest(file, strategy, bars);
            let orders = run.summary["result"]["fills"].as_f64().unwrap();
            run.peak.map(|peak| (peak as f64, orders))
        });
        let (Some((small, few)), Some((large, many))) = (small, large) else {
            continue;
        };
        let mib = |bytes: f64| bytes / f64::from(1 << 20);
        figure(
            &format!("memory.{name}.small"),
            mib(small),
            "MiB",
            Target::None,
        );
        figure(
            &format!("memory.{name}.large"),
            mib(large),
            "MiB",
            Target::None,
        );
        figure(&format!("memory.{name}.growth"), large / small, "x", target);
        if many > few {
            let each = (large - small) / (many - few);
            figure(
                &format!("memory.{name}.per-fill"),
                each,
                "bytes",
                Target::None,
            );
        }
    }
}

/// The bundled bars over and over, a minute apart, as a file of a name of its own.
fn bar_file(dir: &Path, name: &str, repeats: usize) -> (PathBuf, u64) {
    let mut reader = BarReader::bundled("btcusd-30m", &BarOptions::default()).unwrap();
    let mut rows = Vec::new();
    while reader.next_batch(&mut rows, 4_096).unwrap() > 0 {}

    let path = dir.join(name);
    let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "timestamp,open,high,low,close,volume").unwrap();
    let mut minute = jiff::Timestamp::from_second(631_152_000).unwrap();
    let step = jiff::SignedDuration::from_mins(1);
    for bar in std::iter::repeat_n(&rows, repeats).flatten() {
        let (o, h, l, c, v) = (bar.open, bar.high, bar.low, bar.close, bar.volume);
        writeln!(file, "{minute},{o},{h},{l},{c},{v}").unwrap();
        minute += step;
    }
    file.flush().unwrap();
    (path, (rows.len() * repeats) as u64)
}

/// The time of reading a file and doing nothing with its bars.
fn parse(file: &Path, expected: u64) -> Duration {
    let start = Instant::now();
    let mut reader = BarReader::open(file, &BarOptions::default()).unwrap();
    let (mut bars, mut count) = (Vec::with_capacity(4_096), 0);
    loop {
        bars.clear();
        match reader.next_batch(&mut bars, 4_096).unwrap() {
            0 => break,
            more => count += more as u64,
        }
    }
    let elapsed = start.elapsed();
    assert_eq!(count, expected);
    elapsed
}

fn sma_cross(file: &Path, bars: u64) -> Run {
    backtest(file, "sma-cross", bars)
}

fn backtest(file: &Path, strategy: &str, bars: u64) -> Run {
    let file = file.to_str().unwrap();
    let run = run(&[
        "--bars",
        file,
        "--instrument",
        "BTC/USD",
        "--strategy",
        strategy,
    ]);
    assert_eq!(run.summary["result"]["bars"], bars);
    run
}
