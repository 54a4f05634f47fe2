//! Bars a second from text to [`Bar`](investbot_plugin_api::Bar), by format: `cargo bench -p investbot --bench feed`.

#![allow(missing_docs, clippy::unwrap_used)]
#![allow(clippy::float_arithmetic, reason = "figures, not money")]

#[path = "support/figures.rs"]
mod figures;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use criterion::{BatchSize, Criterion, Throughput};
use figures::{Target, figure, spread};
use investbot::feed::{BarOptions, BarReader, BarStream, DataIdentity, IntentReader};
use investbot_plugin_api::Bar;

/// The bundled bars over and over, in as many bars as a second of the target rate has.
const BARS: usize = 500_000;

fn real_bars() -> Vec<Bar> {
    let mut reader = BarReader::bundled("btcusd-30m", &BarOptions::default()).unwrap();
    let mut bars = Vec::new();
    while reader.next_batch(&mut bars, 4_096).unwrap() > 0 {}
    let step = i64::try_from(reader.interval().as_nanos()).unwrap();
    let start = bars[0].open_time.0;
    let mut repeated: Vec<Bar> = bars.iter().cycle().take(BARS).copied().collect();
    for (bar, nth) in repeated.iter_mut().zip(0..) {
        bar.open_time.0 = start + nth * step;
    }
    repeated
}

fn text(bars: &[Bar], header: &str, line: impl Fn(&Bar) -> String) -> Vec<u8> {
    let mut text = String::from(header);
    for bar in bars {
        text.push_str(&line(bar));
    }
    text.into_bytes()
}

fn prices(bar: &Bar) -> String {
    let Bar {
        open,
        high,
        low,
        close,
        volume,
        ..
    } = bar;
    let mut text = String::new();
    write!(text, "{open},{high},{low},{close},{volume}").unwrap();
    text
}

fn read_all(mut reader: BarReader) -> usize {
    let mut bars = Vec::with_capacity(4_096);
    let mut total = 0;
    loop {
        bars.clear();
        match reader.next_batch(&mut bars, 4_096).unwrap() {
            0 => return total,
            count => total += count,
        }
        black_box(&bars);
    }
}

fn formats(c: &mut Criterion) {
    let bars = real_bars();
    let millis = |bar: &Bar| bar.open_time.as_millis();
    let csv = text(&bars, "timestamp,open,high,low,close,volume\n", |bar| {
        let time = jiff::Timestamp::from_nanosecond(bar.open_time.0.into()).unwrap();
        format!("{time},{}\n", prices(bar))
    });
    let klines = text(&bars, "", |bar| {
        let time = millis(bar);
        format!(
            "{time},{},{},1.5,7,0.5,0.5,0\n",
            prices(bar),
            time + 1_799_999
        )
    });
    let mut json = text(&bars, "[", |bar| {
        format!("[{},{}],", millis(bar), prices(bar))
    });
    json.pop();
    json.push(b']');

    let mut group = c.benchmark_group("bars");
    group.throughput(Throughput::Elements(BARS as u64));
    group.sample_size(10);
    let mut figures = Vec::new();
    let mut bench = |name: &'static str, bytes: &Vec<u8>, read: fn(BarReader) -> usize| {
        let mut times = Vec::new();
        group.bench_function(name, |b| {
            let open = || BarReader::memory(name, bytes.clone(), &BarOptions::default()).unwrap();
            let timed = |reader| {
                let start = Instant::now();
                assert_eq!(read(reader), BARS);
                times.push(start.elapsed());
            };
            b.iter_batched(open, timed, BatchSize::PerIteration);
        });
        figures.push((name, times));
    };
    bench("csv-passed-over", &csv, pass_over);
    bench("binance-klines-passed-over", &klines, pass_over);
    bench("csv", &csv, read_all);
    bench("binance-klines", &klines, read_all);
    bench("ccxt-json", &json, read_all);
    bench("csv-read-ahead", &csv, read_ahead);
    group.finish();

    for (name, times) in figures {
        if times.is_empty() {
            continue;
        }
        let [_, median, _] = spread(times);
        figure(
            &format!("feed.{name}"),
            BARS as f64 / median,
            "bars/s",
            Target::None,
        );
    }
}

/// As a run does it: a thread reads, another takes.
fn read_ahead(reader: BarReader) -> usize {
    let mut stream = BarStream::spawn(reader).unwrap();
    let mut total = 0;
    while let Some(bars) = stream.next() {
        total += black_box(bars.unwrap()).len();
    }
    total
}

/// As a run does it that goes on after a crash.
fn pass_over(mut reader: BarReader) -> usize {
    black_box(reader.skip(BARS as u64, None).unwrap());
    BARS
}

/// What it costs to know the data again: their digest at the start of a run, and the intents that a run
/// that goes on passes over.
fn before_a_run() {
    const ROUNDS: usize = 9;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("intents.jsonl");
    let line = r#"{"id":"a0000000","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.01"}"#;
    for megabytes in [1.3, 100.0] {
        let lines = (megabytes * 1e6 / (line.len() + 1) as f64) as usize;
        std::fs::write(&path, format!("{line}\n").repeat(lines)).unwrap();
        let time = |work: &dyn Fn()| {
            let timed = |_| {
                let start = Instant::now();
                work();
                start.elapsed()
            };
            spread((0..ROUNDS).map(timed).collect())[1]
        };
        let digest = time(&|| drop(black_box(DataIdentity::of_file(&path).unwrap())));
        let name = format!("identity.{megabytes}MB");
        figure(&name, digest * 1e3, "ms", Target::None);
        let pass = time(&|| {
            let file = std::fs::File::open(&path).unwrap();
            let reader = IntentReader::new("intents", file);
            drop(black_box(reader.skip_lines(lines as u64).unwrap()));
        });
        let name = format!("intents-passed-over.{megabytes}MB");
        figure(&name, lines as f64 / pass, "lines/s", Target::None);
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    before_a_run();
    formats(&mut criterion);
    criterion.final_summary();
}
