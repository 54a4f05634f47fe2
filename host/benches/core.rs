//! What a bar costs in the core: marking to market, statistics and the strategy, without an order.
//!
//! `cargo bench -p investbot --bench core`

#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use investbot::engine::strategy;
use investbot::engine::{Core, CoreConfig, Input, OrderSupport, RiskLimits};
use investbot_plugin_api::{Bar, Decimal, OrderType, TimeInForce, UnixNanos};

const BARS: i64 = 10_000;

/// Closes that rise for ever, so that no average crosses another, with the digits of real prices.
fn bars() -> Vec<Bar> {
    (0..BARS)
        .map(|number| {
            let close = Decimal::new(43_000 + number * 3 + number % 2, 1);
            let open_time = UnixNanos::from_millis(number * 1_800_000);
            Bar {
                open_time,
                close_time: UnixNanos::from_millis((number + 1) * 1_800_000),
                open: close,
                high: close,
                low: close,
                close,
                volume: Decimal::new(75_552_175, 5),
            }
        })
        .collect()
}

/// A core that holds `position`; above 0, every bar changes what the account is worth.
fn core(strategy: &str, position: Decimal) -> Core {
    Core::new(CoreConfig {
        run_id: "bench".into(),
        stream: strategy.into(),
        partition: 0,
        instrument: "BTC/USD".into(),
        cash: Decimal::ONE_THOUSAND,
        position,
        risk: RiskLimits {
            loss_limit: Some(Decimal::ONE_HUNDRED),
            ..RiskLimits::default()
        },
        client_order_id: serde_json::from_str(r#"{"charset":"alphanumeric","max_length":32}"#)
            .expect("a rule"),
        support: OrderSupport {
            order_types: vec![OrderType::Market],
            times_in_force: vec![TimeInForce::Gtc],
            post_only: false,
            reduce_only: false,
        },
        strategy: Some(strategy::build(strategy, &BTreeMap::new()).expect("defaults")),
    })
}

fn per_bar(criterion: &mut Criterion) {
    let bars = bars();
    let mut group = criterion.benchmark_group("core/bar");
    group.throughput(Throughput::Elements(BARS.unsigned_abs()));
    for name in ["sma-cross", "mean-reversion"] {
        for (state, position) in [
            ("flat", Decimal::ZERO),
            ("invested", Decimal::new(20_513, 5)),
        ] {
            group.bench_function(format!("{name}/{state}"), |bencher| {
                bencher.iter_batched_ref(
                    || core(name, position),
                    |core| {
                        let mut out = Vec::new();
                        for (position, bar) in (0..).zip(&bars) {
                            core.step(Input::Bar { position, bar }, &mut out);
                        }
                        black_box(out)
                    },
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, per_bar);
criterion_main!(benches);
