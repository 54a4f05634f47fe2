//! Bars a second from text to [`Bar`](investbot_plugin_api::Bar), by format: `cargo bench --bench feed`.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use investbot::feed::{BarOptions, BarReader, BarStream};
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
    for (name, bytes) in [
        ("csv", &csv),
        ("binance-klines", &klines),
        ("ccxt-json", &json),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched(
                || BarReader::memory(name, bytes.clone(), &BarOptions::default()).unwrap(),
                |reader| assert_eq!(read_all(reader), BARS),
                BatchSize::PerIteration,
            );
        });
    }
    group.bench_function("csv, read ahead by a thread", |b| {
        b.iter_batched(
            || BarReader::memory("csv", csv.clone(), &BarOptions::default()).unwrap(),
            |reader| {
                let mut stream = BarStream::spawn(reader).unwrap();
                let mut total = 0;
                while let Some(bars) = stream.next() {
                    total += black_box(bars.unwrap()).len();
                }
                assert_eq!(total, BARS);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
