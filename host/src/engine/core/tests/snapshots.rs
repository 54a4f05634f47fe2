//! A core that is put away and taken out again goes on as if nothing had happened.

use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, prop, prop_assert_eq, prop_oneof, proptest};
use serde_json::json;

use super::random::{Any, Witness, any_input, price};
use super::*;

/// The built-in strategies, with windows so short that a few bars move them, and none at all.
const STRATEGIES: [(&str, &[(&str, &str)]); 4] = [
    ("", &[]),
    ("sma-cross", &[("fast", "2"), ("slow", "3")]),
    ("buy-and-hold", &[]),
    (
        "mean-reversion",
        &[("window", "4"), ("entry", "0.9"), ("exit", "0.3")],
    ),
];

fn config_with(strategy: &str, params: &[(&str, &str)]) -> CoreConfig {
    let mut config = config(RiskLimits {
        max_position: Some(dec("8")),
        max_orders_per_minute: Some(5),
        loss_limit: Some(dec("600")),
        ..RiskLimits::default()
    });
    let params = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    if !strategy.is_empty() {
        config.strategy = Some(strategy::build(strategy, &params).expect("good parameters"));
    }
    config
}

fn text_of(core: &Core) -> String {
    serde_json::to_string(&core.state()).expect("a state is strings, lists and names")
}

/// The core that the text of `core` makes.
fn taken_out(core: &Core, config: CoreConfig) -> Core {
    let text = text_of(core);
    let state: CoreState = serde_json::from_str(&text).expect("it was written so");
    assert_eq!(state, core.state());
    let restored = Core::restore(config, state).expect("it is this core's");
    assert_eq!(text_of(&restored), text);
    restored
}

fn inputs() -> impl Strategy<Value = Vec<Any>> {
    let input = prop_oneof![
        60 => any_input(),
        30 => price().prop_map(Any::Bar),
        1 => Just(Any::Halt),
        1 => Just(Any::Bar(Decimal::MAX)),
    ];
    prop::collection::vec(input, 1..120)
}

proptest! {
    /// Stopped after any inputs and taken up again: the same commands to the byte, the same summary, the
    /// same state.
    #[test]
    fn a_restored_core_is_the_same_core(
        inputs in inputs(),
        stops in prop::collection::btree_set(0..120_usize, 0..4),
        which in 0..STRATEGIES.len(),
        knows_instruments: bool,
    ) {
        let (strategy, params) = STRATEGIES[which];
        let run = |stops: &BTreeSet<usize>| {
            let mut witness = Witness::new(Core::new(config_with(strategy, params)));
            if knows_instruments {
                let rules = Instrument::new(SYMBOL, dec("0.01"), dec("0.001"));
                witness.core.set_instruments(vec![rules]).expect("good rules");
            }
            for (number, input) in inputs.iter().enumerate() {
                if stops.contains(&number) {
                    witness.core = taken_out(&witness.core, config_with(strategy, params));
                }
                witness.feed(i64::try_from(number).expect("a few"), input);
            }
            witness
        };
        let (whole, stopped) = (run(&BTreeSet::new()), run(&stops));
        prop_assert_eq!(&whole.commands, &stopped.commands);
        let lines = |witness: &Witness| -> Vec<String> {
            let reports = witness.commands.iter().filter_map(|command| match command {
                Command::Report(report) => Some(canonical_json(report)),
                _ => None,
            });
            reports.collect()
        };
        prop_assert_eq!(lines(&whole), lines(&stopped));
        prop_assert_eq!(whole.core.summary(), stopped.core.summary());
        prop_assert_eq!(text_of(&whole.core), text_of(&stopped.core));
    }
}

/// An order that is filled at once, as a venue of some verbosity would tell.
fn fill_one(bench: &mut Bench, number: u64) -> String {
    let done = bench.intent(None, buy("0.01234"));
    let id = done.submitted[0].order.client_order_id.clone();
    bench.step(Input::Attempt {
        client_order_id: &id,
        attempt: 1,
        now: UnixNanos(1),
    });
    let mut told = report(&id, OrderStatus::Filled, "0.01234");
    told.venue_order_id = format!("{}", 3_000_000_000 + number);
    told.filled_quantity = dec("0.01234");
    let mut fill = fill(&id, "", "0.01234");
    fill.fill_id = format!("{}", 5_000_000_000 + number);
    told.fills = vec![fill];
    bench.outcome(&id, Outcome::Accepted(told));
    id
}

#[test]
fn the_ring_of_settled_orders_goes_on_where_it_was() {
    let mut whole = Bench::new(RiskLimits::default());
    for number in 0..4_100 {
        fill_one(&mut whole, number);
    }
    // One comes back: the venue told of more than it executed.
    let odd = fill_one(&mut whole, 4_100);
    let mut more = report(&odd, OrderStatus::Filled, "0.01234");
    more.filled_quantity = dec("0.02");
    assert_eq!(whole.order(more).told(), ["OVERFILL"]);

    let mut stopped = Bench::new(RiskLimits::default());
    stopped.lines = whole.lines;
    stopped.core = taken_out(&whole.core, config(RiskLimits::default()));
    let oldest = whole.core.state();
    for bench in [&mut whole, &mut stopped] {
        assert_eq!(bench.core.unsettled_orders().count(), 1);
        let done = bench.step(Input::Resolved {
            client_order_id: &odd,
            decision: Decision::Accepted,
            reason: "x".into(),
            now: UnixNanos(9),
        });
        assert_eq!(done.told(), ["RESOLVED"]);
        for number in 5_000..9_200 {
            fill_one(bench, number);
        }
    }
    assert_ne!(whole.core.state(), oldest);
    assert_eq!(text_of(&whole.core), text_of(&stopped.core));
    assert!(whole.core.order(&odd).is_some(), "a fill of it is missing");
}

#[test]
fn a_full_ring_is_written_in_a_megabyte() {
    let mut bench = Bench::new(RiskLimits::default());
    for number in 0..5_000 {
        fill_one(&mut bench, number);
    }
    let bytes = text_of(&bench.core).len();
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

#[test]
fn sums_that_do_not_fit_stay_what_they_were() {
    let mut bench = Bench::new(RiskLimits::default());
    let most = "79228162514264337593543950335";
    let first = bench.intent(None, buy(most)).submitted[0]
        .order
        .client_order_id
        .clone();
    assert_eq!(bench.intent(None, buy(most)).stops, ["ARITHMETIC"]);
    let mut stopped = Bench::new(RiskLimits::default());
    stopped.core = taken_out(&bench.core, config(RiskLimits::default()));
    for bench in [&mut bench, &mut stopped] {
        assert_eq!(bench.core.orders.exposure(SYMBOL).buying, dec(most));
        bench.outcome(&first, Outcome::Absent);
        bench.order(report(&first, OrderStatus::Rejected, most));
    }
    assert_eq!(text_of(&bench.core), text_of(&stopped.core));
}

#[test]
fn a_state_of_something_else_is_refused() {
    type Change = fn(&mut CoreConfig);
    let state = || {
        let (name, params) = STRATEGIES[1];
        let mut core = Core::new(config_with(name, params));
        core.step(
            Input::Bar {
                position: 0,
                bar: &bar(0, dec("1")),
            },
            &mut Vec::new(),
        );
        core.state()
    };
    let refused = |change: Change| {
        let (name, params) = STRATEGIES[1];
        let mut config = config_with(name, params);
        change(&mut config);
        let error = Core::restore(config, state()).err().expect("refused");
        let text = error.to_string();
        text.lines().next().expect("a line").to_owned()
    };
    let cases: [(Change, &str); 7] = [
        (
            |config| config.run_id = "other".into(),
            "the saved state is of run `run`, not of `other`",
        ),
        (
            |config| config.stream = "other".into(),
            "the saved state is of stream `stream`, not of `other`",
        ),
        (
            |config| config.partition = 7,
            "the saved state is of partition `0`, not of `7`",
        ),
        (
            |config| config.instrument = "ETH/USD".into(),
            "the saved state is of instrument `BTC/USD`, not of `ETH/USD`",
        ),
        (
            |config| config.strategy = None,
            "the saved state is of strategy `sma-cross`, not of `none`",
        ),
        (
            |config| config.strategy = config_with("buy-and-hold", &[]).strategy,
            "the saved state is of strategy `sma-cross`, not of `buy-and-hold`",
        ),
        (
            |config| config.strategy = config_with("sma-cross", &[]).strategy,
            "strategy sma-cross cannot go on from the saved state: a window of 2 bars with 1 values cannot go on as one of 20",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(refused(change), expected);
    }
}

#[test]
fn a_state_that_no_core_can_have_is_refused() {
    let mut bench = Bench::new(RiskLimits::default());
    bench.open("a", "1");
    fill_one(&mut bench, 1);
    let good = serde_json::to_value(bench.core.state()).expect("JSON");
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str); 8] = [
        (
            |state| state["portfolio"]["holdings"] = json!([]),
            "its account is not one for BTC/USD",
        ),
        (
            |state| state["portfolio"]["currency"] = json!("EUR"),
            "its account is not one for BTC/USD",
        ),
        (
            |state| state["orders"]["count"] = json!("1"),
            "order 2 is one too many",
        ),
        (
            |state| state["orders"]["recent"][0]["n"] = json!("1"),
            "order 1 is one too many",
        ),
        (
            |state| state["orders"]["by_state"] = json!({}),
            "more orders are in a state than were counted",
        ),
        (
            |state| state["orders"]["exposure"] = json!({}),
            "counts for nothing",
        ),
        (
            |state| {
                let settled = state["orders"]["recent"].take();
                state["orders"]["recent"] = json!([]);
                state["orders"]["unsettled"] = settled;
            },
            "is settled, but not among those that are",
        ),
        (
            |state| {
                let mut rules = Instrument::new(SYMBOL, Decimal::ONE, Decimal::ONE);
                rules.tick_size = Decimal::ZERO;
                state["instruments"] = json!([rules]);
            },
            "tick_size is 0 and must be above 0",
        ),
    ];
    for (change, expected) in cases {
        let mut state = good.clone();
        change(&mut state);
        let state = serde_json::from_value(state).expect("of the right shape");
        let error = Core::restore(config(RiskLimits::default()), state);
        let error = error.err().expect(expected);
        assert!(matches!(error, RestoreError::Unsound(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
