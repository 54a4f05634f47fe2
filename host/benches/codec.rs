//! What it costs to carry bars across the boundary: `cargo bench -p investbot --bench codec`.

#![allow(missing_docs, clippy::unwrap_used)]
#![allow(clippy::float_arithmetic, reason = "figures, not money")]

#[path = "support/figures.rs"]
mod figures;

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use figures::{Target, figure, spread};
use investbot::feed::{BarOptions, BarReader};
use investbot_plugin_api::{BarBatch, codec};

/// As many as lie between two orders of the default strategy on the bundled bars.
const BARS: usize = 44;

fn main() {
    let batch = real_bars();
    let bytes = codec::to_vec(&batch);
    let mut buffer = Vec::new();

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("bars-on-the-wire");
    group.throughput(Throughput::Elements(BARS as u64));
    let mut figures = Vec::new();
    let mut bench = |name: &'static str, run: &mut dyn FnMut()| {
        let mut times = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| {
                let start = Instant::now();
                for _ in 0..rounds {
                    run();
                }
                let elapsed = start.elapsed();
                times.push(elapsed / u32::try_from(rounds).unwrap());
                elapsed
            });
        });
        figures.push((name, times));
    };
    bench("encode", &mut || {
        buffer.clear();
        minicbor::encode(black_box(&batch), &mut buffer).unwrap();
    });
    bench("decode", &mut || {
        black_box(codec::from_slice::<BarBatch>(black_box(&bytes)).unwrap());
    });
    group.finish();
    criterion.final_summary();

    for (name, times) in figures {
        if times.is_empty() {
            continue;
        }
        let [_, median, _] = spread(times);
        let nanos = median * 1e9 / BARS as f64;
        figure(
            &format!("codec.bar.{name}"),
            nanos,
            "ns",
            Target::AtMost(150.0),
        );
    }
    let per_bar = bytes.len() as f64 / BARS as f64;
    figure("codec.bar.size", per_bar, "bytes", Target::None);
}

fn real_bars() -> BarBatch {
    let mut reader = BarReader::bundled("btcusd-30m", &BarOptions::default()).unwrap();
    let mut bars = Vec::new();
    assert_eq!(reader.next_batch(&mut bars, BARS).unwrap(), BARS);
    BarBatch {
        instrument: "BTC/USD".to_owned(),
        bars,
    }
}
