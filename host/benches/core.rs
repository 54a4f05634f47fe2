//! What a bar costs in the core: marking to market, statistics and the strategy, without an order. And
//! what it costs to put a core away for a checkpoint, with as many orders as it ever remembers.
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
use investbot::engine::{
    Command, Core, CoreConfig, CoreState, Input, Intent, OrderSpec, OrderSupport, Outcome,
    RiskLimits,
};
use investbot_plugin_api::{
    Bar, Decimal, Fill, OrderReport, OrderStatus, OrderType, Side, TimeInForce, UnixNanos,
};

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
    Core::new(config(strategy, position))
}

fn config(strategy: &str, position: Decimal) -> CoreConfig {
    CoreConfig {
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
    }
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

/// A core that has settled more orders than it remembers.
fn full_core() -> Core {
    let mut core = core("sma-cross", Decimal::ZERO);
    let mut out = Vec::new();
    for number in 0..5_000_u64 {
        let now = UnixNanos::from_millis(i64::try_from(number).expect("small"));
        let input = Input::Intent {
            position: number,
            now,
            intent: Intent::Order {
                id: None,
                spec: OrderSpec::market("BTC/USD", Side::Buy, Decimal::new(1_234, 5)),
            },
            seen: None,
        };
        core.step(input, &mut out);
        let sent = out.drain(..).find_map(|command| match command {
            Command::Submit(sent) => Some(sent.order),
            _ => None,
        });
        let sent = sent.expect("nothing forbids it");
        let mut told = OrderReport::new(
            &sent.client_order_id,
            (3_000_000_000 + number).to_string(),
            "BTC/USD",
            sent.side,
            OrderStatus::Filled,
            sent.quantity,
            now,
        );
        let id = (5_000_000_000 + number).to_string();
        told.fills = vec![Fill::of(&told, id, Decimal::ONE, sent.quantity, now)];
        let input = Input::Outcome {
            client_order_id: &sent.client_order_id,
            outcome: Outcome::Accepted(told),
            now,
        };
        core.step(input, &mut out);
        out.clear();
    }
    core
}

fn state(criterion: &mut Criterion) {
    let full = full_core();
    let text = serde_json::to_string(&full.state()).expect("JSON");
    let mut group = criterion.benchmark_group("core/state");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("take", |bencher| bencher.iter(|| full.state()));
    group.bench_function("take and write", |bencher| {
        bencher.iter(|| serde_json::to_string(&full.state()));
    });
    group.bench_function("read and restore", |bencher| {
        bencher.iter_with_large_drop(|| {
            let state: CoreState = serde_json::from_str(&text).expect("written so");
            Core::restore(config("sma-cross", Decimal::ZERO), state).expect("its own")
        });
    });
    group.finish();
}

criterion_group!(benches, per_bar, state);
criterion_main!(benches);
