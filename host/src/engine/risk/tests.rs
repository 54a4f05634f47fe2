use super::*;
use investbot_plugin_api::{Instrument, OrderType, TimeInForce};
use std::collections::HashSet;

fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn market(side: Side, quantity: &str) -> OrderSpec {
    OrderSpec::market("BTC/USD", side, dec(quantity))
}

fn limit(side: Side, quantity: &str, price: &str) -> OrderSpec {
    let mut spec = market(side, quantity);
    spec.order_type = OrderType::Limit;
    spec.limit_price = Some(dec(price));
    spec
}

fn at(reference: Option<&str>) -> Situation {
    Situation {
        position: Decimal::ZERO,
        exposure: Exposure::default(),
        reference: reference.map(dec),
        now: UnixNanos(0),
    }
}

fn code(result: Result<(), Denial>) -> &'static str {
    match result {
        Ok(()) => "ok",
        Err(denial) => {
            assert!(!denial.text.is_empty());
            denial.code.as_str()
        }
    }
}

fn with(set: impl FnOnce(&mut RiskLimits)) -> Risk {
    let mut limits = RiskLimits::default();
    set(&mut limits);
    Risk::new(limits)
}

#[test]
fn codes_are_stable_and_unique() {
    let codes: HashSet<_> = DenialCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), DenialCode::ALL.len());
    assert_eq!(
        DenialCode::MaxOrdersPerMinute.to_string(),
        "MAX_ORDERS_PER_MINUTE"
    );
}

#[test]
fn without_limits_everything_passes() {
    let risk = Risk::new(RiskLimits::default());
    assert_eq!(
        code(risk.check(&market(Side::Buy, "1e20"), &at(None))),
        "ok"
    );
}

#[test]
fn order_quantity() {
    let risk = with(|limits| limits.max_order_quantity = Some(dec("2")));
    assert_eq!(code(risk.check(&market(Side::Buy, "2.0"), &at(None))), "ok");
    assert_eq!(
        code(risk.check(&market(Side::Sell, "2.01"), &at(None))),
        "MAX_ORDER_QUANTITY"
    );
}

#[test]
fn order_notional_takes_the_worst_price() {
    let risk = with(|limits| limits.max_order_notional = Some(dec("1000")));
    let check = |spec: &OrderSpec, reference| code(risk.check(spec, &at(reference)));
    assert_eq!(check(&market(Side::Buy, "10"), Some("100")), "ok");
    assert_eq!(
        check(&market(Side::Buy, "10"), Some("100.1")),
        "MAX_ORDER_NOTIONAL"
    );
    assert_eq!(check(&market(Side::Buy, "10"), None), "NO_REFERENCE_PRICE");
    // A buy never pays more than its limit; a sale may get more.
    assert_eq!(check(&limit(Side::Buy, "10", "90"), Some("200")), "ok");
    assert_eq!(
        check(&limit(Side::Sell, "10", "90"), Some("200")),
        "MAX_ORDER_NOTIONAL"
    );
    assert_eq!(check(&limit(Side::Sell, "10", "90"), None), "ok");
    let mut stop = market(Side::Buy, "10");
    stop.order_type = OrderType::Stop;
    stop.stop_price = Some(dec("101"));
    assert_eq!(check(&stop, Some("50")), "MAX_ORDER_NOTIONAL");
    let mut huge = market(Side::Buy, "1");
    huge.quantity = Decimal::MAX;
    assert_eq!(check(&huge, Some("100")), "MAX_ORDER_NOTIONAL");
}

#[test]
fn position_counts_what_is_open_on_the_same_side() {
    let risk = with(|limits| limits.max_position = Some(dec("10")));
    let mut situation = at(None);
    situation.position = dec("4");
    situation.exposure.buying = dec("3");
    situation.exposure.selling = dec("9");
    assert_eq!(code(risk.check(&market(Side::Buy, "3"), &situation)), "ok");
    assert_eq!(
        code(risk.check(&market(Side::Buy, "3.1"), &situation)),
        "MAX_POSITION"
    );
    assert_eq!(code(risk.check(&market(Side::Sell, "5"), &situation)), "ok");
    assert_eq!(
        code(risk.check(&market(Side::Sell, "5.1"), &situation)),
        "MAX_POSITION"
    );
    let mut huge = market(Side::Buy, "1");
    huge.quantity = Decimal::MAX;
    assert_eq!(code(risk.check(&huge, &situation)), "MAX_POSITION");
}

#[test]
fn price_band_is_in_percent_of_the_reference() {
    let risk = with(|limits| limits.price_band_percent = Some(dec("5")));
    let check = |price, reference| code(risk.check(&limit(Side::Buy, "1", price), &at(reference)));
    assert_eq!(check("105", Some("100")), "ok");
    assert_eq!(check("95", Some("100")), "ok");
    assert_eq!(check("105.01", Some("100")), "PRICE_BAND");
    assert_eq!(check("94.99", Some("100")), "PRICE_BAND");
    assert_eq!(check("100", None), "NO_REFERENCE_PRICE");
    assert_eq!(code(risk.check(&market(Side::Buy, "1"), &at(None))), "ok");
    assert_eq!(
        check("79228162514264337593543950335", Some("1")),
        "PRICE_BAND"
    );
}

#[test]
fn orders_a_minute_slide() {
    let mut risk = with(|limits| limits.max_orders_per_minute = Some(2));
    let check = |risk: &Risk, seconds: i64| {
        let mut situation = at(None);
        situation.now = UnixNanos(seconds * 1_000_000_000);
        code(risk.check(&market(Side::Buy, "1"), &situation))
    };
    for seconds in [0, 30] {
        assert_eq!(check(&risk, seconds), "ok");
        risk.note_sent(UnixNanos(seconds * 1_000_000_000));
    }
    assert_eq!(check(&risk, 59), "MAX_ORDERS_PER_MINUTE");
    assert_eq!(check(&risk, 60), "ok", "the first is a minute old");
    risk.note_sent(UnixNanos(60_000_000_000));
    assert_eq!(check(&risk, 89), "MAX_ORDERS_PER_MINUTE");
    assert_eq!(check(&risk, 90), "ok");
    let none = with(|limits| limits.max_orders_per_minute = Some(0));
    assert_eq!(check(&none, 1_000), "MAX_ORDERS_PER_MINUTE");
}

#[test]
fn an_order_in_doubt_blocks_its_instrument() {
    let mut situation = at(None);
    situation.exposure.blocking = 1;
    let risk = Risk::new(RiskLimits::default());
    assert_eq!(
        code(risk.check(&market(Side::Buy, "1"), &situation)),
        "IN_DOUBT"
    );
    let risk = with(|limits| limits.allow_while_in_doubt = true);
    assert_eq!(code(risk.check(&market(Side::Buy, "1"), &situation)), "ok");
}

#[test]
fn loss_is_measured_from_the_start() {
    let risk = with(|limits| limits.loss_limit = Some(dec("10")));
    assert_eq!(risk.loss_over_limit(Some(dec("100")), dec("90")), None);
    assert_eq!(
        risk.loss_over_limit(Some(dec("100")), dec("89.9")),
        Some(dec("10.1"))
    );
    assert_eq!(risk.loss_over_limit(None, dec("0")), None);
}

fn support() -> OrderSupport {
    OrderSupport {
        order_types: vec![OrderType::Market, OrderType::Limit, OrderType::Stop],
        times_in_force: vec![TimeInForce::Gtc, TimeInForce::Gtd],
        post_only: true,
        reduce_only: false,
    }
}

fn rules(spec: &OrderSpec) -> &'static str {
    let mut instrument =
        Instrument::new("BTC/USD", dec("0.5"), dec("0.01")).with_min_notional(dec("10"));
    instrument.min_quantity = dec("0.02");
    instrument.max_quantity = Some(dec("100"));
    code(check_rules(
        spec,
        &support(),
        Some(&instrument),
        Some(dec("100")),
    ))
}

/// The code that is expected after a change to a good order.
type Case = (&'static str, fn(&mut OrderSpec));

#[test]
fn shapes() {
    let changes: [Case; 9] = [
        ("ok", |_| ()),
        ("INVALID_ORDER", |s| s.quantity = Decimal::ZERO),
        ("INVALID_ORDER", |s| s.quantity = dec("-1")),
        ("INVALID_ORDER", |s| s.limit_price = None),
        ("INVALID_ORDER", |s| s.limit_price = Some(dec("-1"))),
        ("INVALID_ORDER", |s| s.stop_price = Some(dec("1"))),
        ("INVALID_ORDER", |s| s.time_in_force = TimeInForce::Gtd),
        ("INVALID_ORDER", |s| s.expire_time = Some(UnixNanos(1))),
        ("INVALID_ORDER", |s| s.instrument.clear()),
    ];
    for (expected, change) in changes {
        let mut spec = limit(Side::Buy, "1", "100");
        change(&mut spec);
        assert_eq!(rules(&spec), expected, "{spec:?}");
    }
}

#[test]
fn what_the_venue_takes() {
    let changes: [Case; 5] = [
        ("UNSUPPORTED_ORDER_TYPE", |s| {
            s.order_type = OrderType::StopLimit;
            s.stop_price = Some(dec("100"));
        }),
        ("UNSUPPORTED_TIME_IN_FORCE", |s| {
            s.time_in_force = TimeInForce::Ioc
        }),
        ("UNSUPPORTED_FIELD", |s| s.reduce_only = true),
        ("ok", |s| s.post_only = true),
        ("ok", |s| {
            s.time_in_force = TimeInForce::Gtd;
            s.expire_time = Some(UnixNanos(1));
        }),
    ];
    for (expected, change) in changes {
        let mut spec = limit(Side::Buy, "1", "100");
        change(&mut spec);
        assert_eq!(rules(&spec), expected, "{spec:?}");
    }
}

#[test]
fn instrument_rules() {
    assert_eq!(rules(&limit(Side::Buy, "1", "100.25")), "PRICE_TICK");
    assert_eq!(rules(&limit(Side::Buy, "1.005", "100")), "LOT_SIZE");
    assert_eq!(rules(&limit(Side::Buy, "0.01", "1000")), "MIN_QUANTITY");
    assert_eq!(rules(&limit(Side::Buy, "100.01", "100")), "MAX_QUANTITY");
    assert_eq!(rules(&limit(Side::Buy, "0.09", "111")), "MIN_NOTIONAL");
    assert_eq!(rules(&limit(Side::Buy, "0.1", "100")), "ok");
    assert_eq!(rules(&market(Side::Buy, "0.09")), "MIN_NOTIONAL");
    // Without rules and without a price there is nothing to check against.
    let unknown = check_rules(&market(Side::Buy, "0.001"), &support(), None, None);
    assert_eq!(code(unknown), "ok");
}
