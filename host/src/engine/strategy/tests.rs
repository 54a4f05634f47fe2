use super::Strategy;
use super::*;
use investbot_plugin_api::{OrderType, UnixNanos};
use proptest::prelude::*;

fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn bar(close: Decimal) -> Bar {
    Bar {
        open_time: UnixNanos(0),
        close_time: UnixNanos(1),
        open: close,
        high: close,
        low: close,
        close,
        volume: Decimal::ONE,
    }
}

fn make(name: &str, params: &[(&str, &str)]) -> Box<dyn Strategy> {
    build(name, &map(params)).expect("good parameters")
}

fn map(params: &[(&str, &str)]) -> BTreeMap<String, String> {
    params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Runs a strategy over closes with an account whose orders fill at once; answers what it did by bar.
fn trade(strategy: &mut dyn Strategy, closes: &[Decimal]) -> Vec<(usize, Side, Decimal)> {
    let instrument = Instrument::new("BTC/USD", dec("0.01"), dec("0.001"));
    let (mut cash, mut position) = (dec("1000"), Decimal::ZERO);
    let mut trades = Vec::new();
    let mut intents = Vec::new();
    for (number, close) in closes.iter().enumerate() {
        let view = StrategyView {
            symbol: "BTC/USD",
            instrument: Some(&instrument),
            position,
            cash,
            equity: cash + position * close,
            has_open_order: false,
        };
        strategy
            .on_bar(&bar(*close), &view, &mut intents)
            .expect("fits");
        for order in intents.drain(..) {
            assert_eq!(order.order_type, OrderType::Market);
            position += order.side.sign() * order.quantity;
            cash -= order.side.sign() * order.quantity * close;
            trades.push((number, order.side, order.quantity));
        }
    }
    trades
}

fn closes(values: &[i64]) -> Vec<Decimal> {
    values.iter().map(|value| Decimal::from(*value)).collect()
}

#[test]
fn every_problem_is_told() {
    let bad = map(&[
        ("fast", "50"),
        ("slow", "0"),
        ("fraction", "much"),
        ("speed", "1"),
    ]);
    let Err(problems) = build("sma-cross", &bad) else {
        panic!("these are bad");
    };
    assert_eq!(
        texts(&problems),
        [
            "speed: strategy sma-cross has no parameter `speed`; it has: fast, slow, fraction",
            "slow: slow = `0` is not a whole number from 2 to 100000",
            "fraction: fraction = `much` is not a decimal from 0.0001 to 1",
        ]
    );
    let Err(problems) = build("sma-cross", &map(&[("slow", "4")])) else {
        panic!("these are bad");
    };
    assert_eq!(
        texts(&problems),
        ["fast: fast = 20 must be less than slow = 4"]
    );
    let Err(problems) = build("sma", &BTreeMap::new()) else {
        panic!("no such strategy");
    };
    assert_eq!(
        texts(&problems),
        [": there is no strategy `sma`; use one of: sma-cross, buy-and-hold, mean-reversion"]
    );
}

fn texts(problems: &[ParamProblem]) -> Vec<String> {
    problems
        .iter()
        .map(|p| format!("{}: {}", p.param.as_deref().unwrap_or_default(), p.text))
        .collect()
}

#[test]
fn what_is_described_can_be_built() {
    for info in describe() {
        let defaults: Vec<_> = info.params.iter().map(|p| (p.name, p.default)).collect();
        assert_eq!(make(info.name, &defaults).name(), info.name);
        assert_eq!(make(info.name, &[]).name(), info.name);
        for param in info.params {
            for edge in [param.min, param.max] {
                // An edge may clash with another default, but never with its own range.
                if let Err(problems) = build(info.name, &map(&[(param.name, edge)])) {
                    assert!(
                        problems
                            .iter()
                            .all(|p| p.text.contains("must be less than")),
                        "{problems:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn buy_and_hold_buys_once() {
    let mut strategy = make("buy-and-hold", &[("fraction", "0.5")]);
    let trades = trade(&mut *strategy, &closes(&[100, 50, 200, 10]));
    assert_eq!(trades, [(0, Side::Buy, dec("5"))]);
}

#[test]
fn sma_cross_follows_the_crosses() {
    let mut strategy = make(
        "sma-cross",
        &[("fast", "1"), ("slow", "2"), ("fraction", "1")],
    );
    // With windows of 1 and 2 the fast average is above when the close rose.
    let trades = trade(&mut *strategy, &closes(&[10, 9, 8, 10, 11, 11, 9, 8, 9]));
    assert_eq!(
        trades,
        [
            (3, Side::Buy, dec("100")),
            (6, Side::Sell, dec("100")),
            (8, Side::Buy, dec("100"))
        ]
    );
}

#[test]
fn the_first_relation_is_no_cross() {
    let mut strategy = make("sma-cross", &[("fast", "1"), ("slow", "2")]);
    assert_eq!(trade(&mut *strategy, &closes(&[1, 2, 3, 4, 5])), []);
}

#[test]
fn a_cross_waits_for_the_open_order() {
    let mut strategy = make("sma-cross", &[("fast", "1"), ("slow", "2")]);
    let mut intents = Vec::new();
    let mut show = |close: i64, has_open_order| {
        let view = StrategyView {
            symbol: "BTC/USD",
            instrument: None,
            position: Decimal::ZERO,
            cash: dec("1000"),
            equity: dec("1000"),
            has_open_order,
        };
        intents.clear();
        strategy
            .on_bar(&bar(close.into()), &view, &mut intents)
            .expect("fits");
        intents.len()
    };
    assert_eq!(
        [
            show(10, false),
            show(9, false),
            show(10, true),
            show(11, true)
        ],
        [0; 4]
    );
    assert_eq!(show(12, false), 1, "the cross of two bars ago");
    assert_eq!(show(13, false), 0, "once");
}

#[test]
fn mean_reversion_buys_low_and_sells_back() {
    let mut strategy = make(
        "mean-reversion",
        &[
            ("window", "4"),
            ("entry", "1.5"),
            ("exit", "0.5"),
            ("fraction", "1"),
        ],
    );
    // 10 10 10 6: mean 9, deviation 1.73, z = -1.73. 10 10 6 8: mean 8.5, z = -0.3.
    let trades = trade(&mut *strategy, &closes(&[10, 10, 10, 10, 6, 8, 8]));
    assert_eq!(
        trades,
        [
            (4, Side::Buy, dec("166.666")),
            (5, Side::Sell, dec("166.666"))
        ]
    );
}

#[test]
fn an_account_below_a_lot_or_without_worth_buys_nothing() {
    let mut strategy = make("buy-and-hold", &[]);
    assert_eq!(trade(&mut *strategy, &[dec("10000000")]), []);
    assert_eq!(trade(&mut *strategy, &[Decimal::ZERO, dec("-5")]), []);
}

#[test]
fn absurd_prices_are_an_answer() {
    let view = StrategyView {
        symbol: "BTC/USD",
        instrument: None,
        position: Decimal::ZERO,
        cash: Decimal::ONE,
        equity: Decimal::ONE,
        has_open_order: false,
    };
    for name in ["sma-cross", "mean-reversion"] {
        let mut strategy = make(name, &[]);
        let mut orders = Vec::new();
        for _ in 0..60 {
            // Whether they fit or overflow is the strategy's business; it is no panic and no order.
            let answer = strategy.on_bar(&bar(Decimal::MAX), &view, &mut orders);
            assert!(answer.is_err() || orders.is_empty(), "{name}: {orders:?}");
        }
    }
}

proptest! {
    /// Against the plain definitions, computed afresh at every bar.
    #[test]
    fn windows_equal_the_definition(
        values in prop::collection::vec(90_i64..110, 1..80),
        fast in 1_usize..5,
        more in 1_usize..6,
    ) {
        let slow = fast + more;
        let closes = closes(&values);
        let mean = |end: usize, size: usize| -> Option<Decimal> {
            let window = closes.get((end + 1).checked_sub(size)?..=end)?;
            Some(window.iter().sum::<Decimal>())
        };
        let mut expected = Vec::new();
        let (mut before, mut long) = (None, false);
        for end in 0..closes.len() {
            let (Some(fast_sum), Some(slow_sum)) = (mean(end, fast), mean(end, slow)) else { continue };
            let (a, b) = (fast_sum * Decimal::from(slow), slow_sum * Decimal::from(fast));
            if a == b { continue; }
            if before == Some(a < b) && long != (a > b) {
                long = a > b;
                expected.push((end, if long { Side::Buy } else { Side::Sell }));
            }
            before = Some(a > b);
        }
        let mut strategy = make("sma-cross", &[("fast", &fast.to_string()), ("slow", &slow.to_string())]);
        let got: Vec<_> = trade(&mut *strategy, &closes).into_iter().map(|(at, side, _)| (at, side)).collect();
        prop_assert_eq!(got, expected);
    }
}
