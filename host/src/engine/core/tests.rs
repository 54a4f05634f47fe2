use super::*;
use crate::engine::event::{ExecutionReport, OrderState, Outcome, ReportKind, Submission};
use crate::engine::identity::Seen;
use crate::engine::intent::Intent;
use crate::engine::performance::{Summary, share};
use crate::engine::report::{ReportDigest, canonical_json};
use crate::engine::strategy;
use investbot_plugin_api::{
    Fill, OrderReport, OrderStatus, OrderType, Side, TimeInForce, UnixNanos,
};

mod properties;

pub(super) const SYMBOL: &str = "BTC/USD";

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

pub(super) fn config(risk: RiskLimits) -> CoreConfig {
    CoreConfig {
        run_id: "run".into(),
        stream: "stream".into(),
        partition: 0,
        instrument: SYMBOL.into(),
        cash: dec("1000"),
        position: Decimal::ZERO,
        risk,
        client_order_id: serde_json::from_value(
            serde_json::json!({"charset": "alphanumeric", "max_length": 32}),
        )
        .expect("a rule"),
        support: OrderSupport {
            order_types: vec![OrderType::Market, OrderType::Limit],
            times_in_force: vec![TimeInForce::Gtc],
            post_only: false,
            reduce_only: false,
        },
        strategy: None,
    }
}

pub(super) fn bar(number: i64, close: Decimal) -> Bar {
    let minute = 60_000_000_000;
    Bar {
        open_time: UnixNanos(number * minute),
        close_time: UnixNanos((number + 1) * minute),
        open: close,
        high: close,
        low: close,
        close,
        volume: Decimal::ONE,
    }
}

/// A core with its commands sorted: what a test asks about.
struct Bench {
    core: Core,
    lines: u64,
    seen: BTreeMap<String, Seen>,
}

/// What one step did.
#[derive(Debug, Default)]
struct Done {
    submitted: Vec<Submission>,
    cancelled: Vec<String>,
    reports: Vec<ExecutionReport>,
    stops: Vec<&'static str>,
}

impl Done {
    /// The codes of the reports, or their states where they have none.
    fn told(&self) -> Vec<String> {
        self.reports
            .iter()
            .map(|report| {
                report.code.clone().unwrap_or_else(|| {
                    format!("{:?} {:?}", report.kind, report.state)
                        .replace("Some(", "")
                        .replace(')', "")
                })
            })
            .collect()
    }
}

impl Bench {
    fn new(risk: RiskLimits) -> Self {
        Self {
            core: Core::new(config(risk)),
            lines: 0,
            seen: BTreeMap::new(),
        }
    }

    fn step(&mut self, input: Input<'_>) -> Done {
        let mut out = Vec::new();
        self.core.step(input, &mut out);
        let mut done = Done::default();
        for command in out {
            match command {
                Command::TakenUp { id, seen } => {
                    let before = self.seen.insert(id, seen);
                    assert_eq!(before, None, "taken up once");
                }
                Command::Submit(submission) => done.submitted.push(submission),
                Command::Cancel(order) => done.cancelled.push(order.client_order_id),
                Command::Report(report) => done.reports.push(report),
                Command::Stop { code, .. } => done.stops.push(code),
            }
        }
        done
    }

    fn bar(&mut self, number: i64, close: &str) -> Done {
        let bar = bar(number, dec(close));
        self.step(Input::Bar {
            position: number.unsigned_abs(),
            bar: &bar,
        })
    }

    fn intent(&mut self, id: Option<&str>, spec: OrderSpec) -> Done {
        self.lines += 1;
        self.step(Input::Intent {
            position: self.lines,
            now: UnixNanos(self.lines as i64),
            intent: Intent::Order {
                id: id.map(str::to_owned),
                spec,
            },
            seen: id.and_then(|id| self.seen.get(id)).cloned(),
        })
    }

    /// An order that was accepted; its client order id.
    fn open(&mut self, id: &str, quantity: &str) -> String {
        let done = self.intent(Some(id), buy(quantity));
        let client_order_id = done.submitted[0].order.client_order_id.clone();
        self.step(Input::Attempt {
            client_order_id: &client_order_id,
            attempt: 1,
            now: UnixNanos(1),
        });
        let report = report(&client_order_id, OrderStatus::Open, quantity);
        self.outcome(&client_order_id, Outcome::Accepted(report));
        client_order_id
    }

    fn outcome(&mut self, client_order_id: &str, outcome: Outcome) -> Done {
        self.step(Input::Outcome {
            client_order_id,
            outcome,
            now: UnixNanos(2),
        })
    }

    fn order(&mut self, report: OrderReport) -> Done {
        self.step(Input::Order {
            report,
            now: UnixNanos(3),
        })
    }

    fn fill(&mut self, fill: Fill) -> Done {
        self.step(Input::Fill {
            fill,
            now: UnixNanos(4),
        })
    }

    fn state(&self, client_order_id: &str) -> OrderState {
        self.core.order(client_order_id).expect("remembered").state
    }
}

fn buy(quantity: &str) -> OrderSpec {
    OrderSpec::market(SYMBOL, Side::Buy, dec(quantity))
}

fn report(client_order_id: &str, status: OrderStatus, quantity: &str) -> OrderReport {
    OrderReport::new(
        client_order_id,
        "v1",
        SYMBOL,
        Side::Buy,
        status,
        dec(quantity),
        UnixNanos(7),
    )
}

fn fill(client_order_id: &str, fill_id: &str, quantity: &str) -> Fill {
    let report = report(client_order_id, OrderStatus::Open, quantity);
    Fill::of(&report, fill_id, dec("100"), dec(quantity), UnixNanos(8))
}

#[test]
fn an_order_from_intent_to_fill() {
    let mut bench = Bench::new(RiskLimits::default());
    let done = bench.intent(Some("a"), buy("2.0"));
    assert_eq!(done.told(), ["Order New"]);
    let sent = &done.submitted[0];
    assert_eq!(
        (
            sent.key.len(),
            sent.digest.len(),
            sent.order.client_order_id.len()
        ),
        (32, 32, 26)
    );
    let id = sent.order.client_order_id.clone();

    let attempt = Input::Attempt {
        client_order_id: &id,
        attempt: 1,
        now: UnixNanos(1),
    };
    assert!(
        bench.step(attempt).told().is_empty(),
        "under way is no news"
    );
    assert_eq!(bench.state(&id), OrderState::InDoubt);
    let accepted = Outcome::Accepted(report(&id, OrderStatus::Open, "2"));
    assert_eq!(bench.outcome(&id, accepted).told(), ["Order Accepted"]);
    assert_eq!(
        bench.fill(fill(&id, "f1", "0.5")).told(),
        ["Fill PartiallyFilled"]
    );
    assert!(
        bench.fill(fill(&id, "f1", "0.5")).told().is_empty(),
        "told before"
    );
    let last = bench.fill(fill(&id, "f2", "1.5"));
    assert_eq!(last.told(), ["Fill Filled"]);
    assert_eq!(last.reports[0].venue_order_id.as_deref(), Some("v1"));
    assert_eq!(last.reports[0].time, UnixNanos(8), "the venue's time");
    assert_eq!(last.reports[0].quantity.to_string(), "2");
    assert!(
        bench
            .order(report(&id, OrderStatus::Filled, "2"))
            .told()
            .is_empty()
    );

    let summary = bench.core.summary();
    assert_eq!(
        (summary.fills, summary.cash, summary.position),
        (2, dec("800"), dec("2"))
    );
    assert_eq!(summary.orders, BTreeMap::from([(OrderState::Filled, 1)]));
    assert_eq!(bench.core.unsettled_orders().count(), 0);
}

#[test]
fn filled_at_once_with_its_fills() {
    let mut bench = Bench::new(RiskLimits::default());
    let done = bench.intent(None, buy("1"));
    let id = done.submitted[0].order.client_order_id.clone();
    let mut told = report(&id, OrderStatus::Filled, "1");
    told.fills = vec![fill("", "f1", "1")];
    assert_eq!(
        bench.outcome(&id, Outcome::Accepted(told)).told(),
        ["Fill Filled"]
    );
    assert_eq!(bench.core.portfolio().position(SYMBOL), dec("1"));
}

#[test]
fn a_status_does_not_move_the_portfolio() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    assert_eq!(
        bench.order(report(&id, OrderStatus::Filled, "1")).told(),
        ["Order Filled"]
    );
    assert_eq!(bench.core.portfolio().position(SYMBOL), Decimal::ZERO);
    assert_eq!(bench.fill(fill(&id, "f", "1")).told(), ["Fill Filled"]);
    assert_eq!(bench.core.portfolio().position(SYMBOL), dec("1"));
}

#[test]
fn a_repeated_intent_sends_nothing() {
    let mut bench = Bench::new(RiskLimits::default());
    bench.open("a", "1");
    let again = bench.intent(Some("a"), buy("1.00"));
    assert_eq!(again.told(), ["DUPLICATE_INTENT"]);
    assert_eq!(again.reports[0].state, Some(OrderState::Accepted));
    assert!(again.submitted.is_empty() && again.stops.is_empty());
}

#[test]
fn another_order_under_the_same_id_stops_the_run() {
    let mut bench = Bench::new(RiskLimits::default());
    let open = bench.open("a", "1");
    let conflict = bench.intent(Some("a"), buy("2"));
    assert_eq!(conflict.stops, ["IDEMPOTENCY_CONFLICT"]);
    assert_eq!(
        conflict.told(),
        ["IDEMPOTENCY_CONFLICT", "IDEMPOTENCY_CONFLICT"]
    );
    assert!(conflict.submitted.is_empty());
    assert_eq!(bench.intent(Some("b"), buy("1")).told(), ["HALTED"]);
    // The books go on.
    assert_eq!(bench.fill(fill(&open, "f", "1")).told(), ["Fill Filled"]);
}

#[test]
fn what_became_of_an_id_is_told_before_all_else() {
    let mut bench = Bench::new(RiskLimits {
        max_order_quantity: Some(dec("1")),
        ..RiskLimits::default()
    });
    let mut take_up = |id: Option<&str>, quantity| {
        let mut out = Vec::new();
        let input = Input::Intent {
            position: 7,
            now: UnixNanos(1),
            intent: Intent::Order {
                id: id.map(str::to_owned),
                spec: buy(quantity),
            },
            seen: None,
        };
        bench.core.step(input, &mut out);
        out
    };
    let taken = take_up(Some("a"), "1");
    let [
        Command::TakenUp { id, seen },
        Command::Report(_),
        Command::Submit(sent),
    ] = &taken[..]
    else {
        panic!("{taken:?}");
    };
    assert_eq!(id, "a");
    assert_eq!(seen.digest.to_hex(), sent.digest);
    assert_eq!(
        seen.client_order_id.as_ref(),
        Some(&sent.order.client_order_id)
    );
    assert_eq!(sent.place, None, "it is known by its id");

    let denied = take_up(Some("b"), "2");
    let [Command::TakenUp { id, seen }, Command::Report(_)] = &denied[..] else {
        panic!("{denied:?}");
    };
    assert_eq!((id.as_str(), &seen.client_order_id), ("b", &None));

    let nameless = take_up(None, "1");
    let [Command::Report(_), Command::Submit(sent)] = &nameless[..] else {
        panic!("{nameless:?}");
    };
    let place = SourcePlace {
        position: 7,
        index: 0,
    };
    assert_eq!(sent.place, Some(place));
}

#[test]
fn a_denied_id_is_remembered() {
    let mut bench = Bench::new(RiskLimits {
        max_order_quantity: Some(dec("1")),
        ..RiskLimits::default()
    });
    let denied = bench.intent(Some("a"), buy("2"));
    assert_eq!(denied.told(), ["MAX_ORDER_QUANTITY"]);
    assert_eq!(denied.reports[0].client_order_id, "");
    assert_eq!(
        bench.intent(Some("a"), buy("2")).told(),
        ["DUPLICATE_INTENT"]
    );
    assert_eq!(
        bench.intent(Some("a"), buy("1")).stops,
        ["IDEMPOTENCY_CONFLICT"]
    );
    assert_eq!(
        bench.core.summary().orders,
        BTreeMap::from([(OrderState::Denied, 1)])
    );
}

#[test]
fn doubt_blocks_until_it_is_resolved() {
    let mut bench = Bench::new(RiskLimits::default());
    let first = bench.intent(None, buy("1")).submitted[0]
        .order
        .client_order_id
        .clone();
    bench.step(Input::Attempt {
        client_order_id: &first,
        attempt: 1,
        now: UnixNanos(1),
    });
    assert_eq!(
        bench.intent(None, buy("1")).submitted.len(),
        1,
        "several may be under way"
    );
    let unknown = || Outcome::Unknown {
        text: "timeout".into(),
    };
    assert_eq!(bench.outcome(&first, unknown()).told(), ["Order InDoubt"]);
    assert!(
        bench.outcome(&first, unknown()).told().is_empty(),
        "told before"
    );
    assert_eq!(bench.intent(None, buy("1")).told(), ["IN_DOUBT"]);
    let other = OrderSpec::market("ETH/USD", Side::Buy, dec("1"));
    assert_eq!(
        bench.intent(None, other).told(),
        ["Order New"],
        "another instrument"
    );
    assert_eq!(
        bench.outcome(&first, Outcome::Absent).told(),
        ["Order Absent"]
    );
    assert_eq!(bench.intent(None, buy("1")).told(), ["Order New"]);
    let abandoned = Outcome::Abandoned { text: "x".into() };
    assert_eq!(bench.outcome(&first, abandoned).told(), ["Order Abandoned"]);
}

#[test]
fn a_refusal_after_a_fill_is_held() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "2");
    bench.fill(fill(&id, "f", "1"));
    let refused = bench.order(report(&id, OrderStatus::Rejected, "2"));
    assert_eq!(refused.told(), ["CONFLICT"]);
    assert_eq!(bench.state(&id), OrderState::Held);
    assert_eq!(bench.intent(None, buy("1")).told(), ["IN_DOUBT"]);
    assert_eq!(
        bench.fill(fill(&id, "f2", "1")).told(),
        ["Fill Held"],
        "money is money"
    );
    assert_eq!(bench.core.portfolio().position(SYMBOL), dec("2"));
}

#[test]
fn more_filled_than_wanted_is_told_once() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    bench.fill(fill(&id, "f1", "0.6"));
    assert_eq!(
        bench.fill(fill(&id, "f2", "0.6")).told(),
        ["Fill PartiallyFilled", "OVERFILL"]
    );
    assert_eq!(bench.state(&id), OrderState::Held);
    assert_eq!(bench.fill(fill(&id, "f3", "0.6")).told(), ["Fill Held"]);
    assert_eq!(bench.core.portfolio().position(SYMBOL), dec("1.8"));

    // A final state stays, but the order wants to be looked at.
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    bench.fill(fill(&id, "f1", "1"));
    assert_eq!(
        bench.fill(fill(&id, "f2", "1")).told(),
        ["Fill Filled", "OVERFILL"]
    );
    assert_eq!(bench.core.unsettled_orders().count(), 1);
}

#[test]
fn what_belongs_to_nobody_is_told_once_and_not_booked() {
    let mut bench = Bench::new(RiskLimits::default());
    let stray = bench.fill(fill("somebody-elses", "f", "1"));
    assert_eq!(stray.reports[0].kind, ReportKind::UnmatchedFill);
    assert!(
        bench
            .fill(fill("somebody-elses", "f", "1"))
            .reports
            .is_empty()
    );
    assert!(
        bench
            .order(report("x", OrderStatus::Open, "1"))
            .reports
            .is_empty()
    );
    let summary = bench.core.summary();
    assert_eq!((summary.unmatched_fills, summary.fills), (1, 0));
    assert_eq!(summary.position, Decimal::ZERO);
}

#[test]
fn a_fill_of_the_other_side_is_not_booked() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    let mut wrong = fill(&id, "f", "1");
    wrong.side = Side::Sell;
    assert_eq!(bench.fill(wrong).told(), ["FILL_MISMATCH", "CONFLICT"]);
    let mut nothing = fill(&id, "f2", "1");
    nothing.quantity = dec("-1");
    assert_eq!(bench.fill(nothing).told(), ["FILL_MISMATCH"]);
    assert_eq!(bench.core.portfolio().fills(), 0);
    assert_eq!(bench.state(&id), OrderState::Held);
}

#[test]
fn an_answer_about_another_order_is_a_conflict() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.intent(None, buy("1")).submitted[0]
        .order
        .client_order_id
        .clone();
    let other = Outcome::Accepted(report("other", OrderStatus::Filled, "1"));
    assert_eq!(bench.outcome(&id, other).told(), ["CONFLICT"]);
    assert_eq!(bench.state(&id), OrderState::Held);
}

#[test]
fn a_loss_beyond_the_limit_halts_and_cancels() {
    let mut bench = Bench::new(RiskLimits {
        loss_limit: Some(dec("50")),
        ..RiskLimits::default()
    });
    let filled = bench.open("a", "1");
    bench.fill(fill(&filled, "f", "1"));
    let open = bench.open("b", "1");
    assert!(bench.bar(0, "50").stops.is_empty(), "exactly the limit");
    let halted = bench.bar(1, "49.99");
    assert_eq!(halted.stops, ["LOSS_LIMIT"]);
    assert_eq!(halted.cancelled, [open]);
    assert!(bench.bar(2, "1").stops.is_empty(), "once");
    assert_eq!(bench.intent(None, buy("1")).told(), ["HALTED"]);
}

#[test]
fn a_fill_of_a_refused_order_is_told_as_a_conflict_once() {
    let mut bench = Bench::new(RiskLimits::default());
    let done = bench.intent(None, buy("2"));
    let id = done.submitted[0].order.client_order_id.clone();
    let refused = Outcome::Rejected {
        code: "-2010".into(),
        text: "x".into(),
    };
    assert_eq!(bench.outcome(&id, refused).told(), ["-2010"]);
    assert_eq!(bench.fill(fill(&id, "f1", "1")).told(), ["CONFLICT"]);
    assert_eq!(bench.fill(fill(&id, "f2", "1")).told(), ["Fill Rejected"]);
    assert_eq!(bench.core.portfolio().position(SYMBOL), dec("2"));
    assert_eq!(
        bench.core.unsettled_orders().count(),
        1,
        "somebody should look"
    );
}

#[test]
fn time_comes_from_the_input_and_never_goes_back() {
    let mut bench = Bench::new(RiskLimits {
        max_orders_per_minute: Some(1),
        ..RiskLimits::default()
    });
    let close = bar(0, Decimal::ONE).close_time;
    bench.bar(0, "100");
    assert_eq!(bench.intent(None, buy("1")).reports[0].time, close);
    let denied = bench.intent(None, buy("1"));
    assert_eq!(denied.told(), ["MAX_ORDERS_PER_MINUTE"]);
    assert_eq!(denied.reports[0].time, close);
    bench.bar(1, "100");
    assert_eq!(bench.intent(None, buy("1")).told(), ["Order New"]);
}

#[test]
fn cancels() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    let cancel = |bench: &mut Bench, id: &str| {
        bench.step(Input::Intent {
            position: 9,
            now: UnixNanos(9),
            intent: Intent::Cancel { id: id.into() },
            seen: bench.seen.get(id).cloned(),
        })
    };
    assert_eq!(cancel(&mut bench, "a").cancelled, [id.as_str()]);
    let failed = Input::CancelFailed {
        client_order_id: &id,
        code: "timeout".into(),
        text: "x".into(),
        now: UnixNanos(10),
    };
    assert_eq!(bench.step(failed).told(), ["timeout"]);
    assert_eq!(
        bench.order(report(&id, OrderStatus::Cancelled, "1")).told(),
        ["Order Cancelled"]
    );
    assert_eq!(cancel(&mut bench, "a").told(), ["ALREADY_FINAL"]);
    let unknown = cancel(&mut bench, "b");
    assert_eq!(unknown.told(), ["UNKNOWN_ORDER"]);
    assert_eq!(unknown.reports[0].id.as_deref(), Some("b"));
}

#[test]
fn known_instruments_are_the_only_ones() {
    let mut bench = Bench::new(RiskLimits::default());
    let rules = Instrument::new(SYMBOL, dec("0.1"), dec("0.5"));
    let other = Instrument::new("ETH/EUR", dec("0.1"), dec("0.5"));
    bench
        .core
        .set_instruments(vec![rules.clone(), other])
        .expect("good rules");
    assert_eq!(bench.intent(None, buy("0.7")).told(), ["LOT_SIZE"]);
    let market = |symbol| OrderSpec::market(symbol, Side::Buy, Decimal::ONE);
    assert_eq!(
        bench.intent(None, market("LTC/USD")).told(),
        ["UNKNOWN_INSTRUMENT"]
    );
    assert_eq!(
        bench.intent(None, market("ETH/EUR")).told(),
        ["QUOTE_CURRENCY"]
    );
    let mut bad = rules;
    bad.lot_size = Decimal::ZERO;
    let error = bench
        .core
        .set_instruments(vec![bad])
        .expect_err("bad rules");
    assert_eq!(
        error.to_string(),
        "the venue's rules for BTC/USD cannot be used: lot_size is 0 and must be above 0; this is a fault of the adapter"
    );
}

#[test]
fn numbers_too_large_stop_the_run() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    bench.fill(fill(&id, "f", "1"));
    let stopped = bench.bar(0, "79228162514264337593543950335");
    assert_eq!(stopped.stops, ["ARITHMETIC"]);
    assert_eq!(bench.core.summary().end_equity, None);
    let mut bench = Bench::new(RiskLimits::default());
    let max = "79228162514264337593543950335";
    assert!(bench.intent(None, buy(max)).stops.is_empty());
    assert_eq!(bench.intent(None, buy(max)).stops, ["ARITHMETIC"]);
    bench.bar(0, "1");
}

#[test]
fn a_halt_from_outside() {
    let mut bench = Bench::new(RiskLimits::default());
    let open = bench.open("a", "1");
    let halted = bench.step(Input::Halt {
        reason: "SIGINT".into(),
        now: UnixNanos(5),
    });
    assert_eq!(halted.told(), ["HALTED"]);
    assert_eq!(halted.reports[0].kind, ReportKind::Halt);
    assert!(halted.stops.is_empty() && halted.cancelled.is_empty());
    assert_eq!(bench.core.halted(), Some("SIGINT"));
    assert_eq!(bench.state(&open), OrderState::Accepted);
}

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
