//! From intents to orders, denials and cancels.

use super::*;

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
