//! Whole runs of the built-in strategies.

use super::*;

/// A run of a strategy whose orders fill at the close; its report digest and its summary.
fn run(name: &str, closes: impl Iterator<Item = Decimal>) -> (String, Summary) {
    let mut config = config(RiskLimits::default());
    config.strategy = Some(strategy::build(name, &BTreeMap::new()).expect("defaults"));
    let mut core = Core::new(config);
    let mut digest = ReportDigest::default();
    let mut out = Vec::new();
    for (number, close) in (0..).zip(closes) {
        let bar = bar(number, close);
        core.step(
            Input::Bar {
                position: number.unsigned_abs(),
                bar: &bar,
            },
            &mut out,
        );
        let mut next = 0;
        while let Some(command) = out.get(next).cloned() {
            next += 1;
            match command {
                Command::Report(report) => digest.add_line(&canonical_json(&report)),
                Command::Submit(sent) => {
                    let order = sent.order;
                    let mut told = OrderReport::new(
                        &order.client_order_id,
                        "v",
                        SYMBOL,
                        order.side,
                        OrderStatus::Filled,
                        order.quantity,
                        bar.close_time,
                    );
                    let id = format!("f-{}", order.client_order_id);
                    told.fills = vec![Fill::of(&told, id, close, order.quantity, bar.close_time)];
                    let input = Input::Outcome {
                        client_order_id: &order.client_order_id,
                        outcome: Outcome::Accepted(told),
                        now: bar.close_time,
                    };
                    core.step(input, &mut out);
                }
                other => panic!("unexpected: {other:?}"),
            }
        }
        out.clear();
    }
    (digest.to_hex(), core.summary())
}

#[test]
fn strategies_run_the_same_every_time() {
    // A wave with a period of 120 bars and some unevenness.
    let wave = || {
        (0..3_000_i64).map(|n| {
            let phase = (n % 120 - 60).abs();
            Decimal::new(10_000 + phase * 20 + (n * n) % 7, 2)
        })
    };
    for name in ["sma-cross", "buy-and-hold", "mean-reversion"] {
        let (digest, summary) = run(name, wave());
        assert_eq!(run(name, wave()), (digest, summary.clone()));
        assert_eq!(summary.bars, 3_000);
        let orders = summary.orders[&OrderState::Filled];
        assert_eq!(orders, summary.fills);
        match name {
            "buy-and-hold" => assert_eq!(orders, 1),
            "sma-cross" => assert!(orders >= 40, "{orders} orders"),
            _ => assert!(orders >= 2, "{orders} orders"),
        }
        let gain = summary.end_equity.expect("fits") - dec("1000");
        assert_eq!(summary.total_return, share(gain, dec("1000")));
    }
}
