//! What the venue answers to requests.

use investbot_plugin_api::{
    AdapterError, CancelOrder, Effect, ErrorKind, NewOrder, OrderRef, OrderStatus, Side,
    TimeInForce, UnixNanos,
};

use super::fixture::{MINUTE, Market, SYMBOL, dec, limit, market, settings, stop};
use crate::{ClientIds, SimVenue};

const FLAT: [&str; 4] = ["100", "100", "100", "100"];

fn at_100() -> Market {
    let mut market = Market::new(settings());
    market.bar(FLAT);
    market
}

#[test]
fn orders_that_break_a_rule_are_refused_with_its_code() {
    let change = |order: NewOrder, change: fn(&mut NewOrder)| {
        let mut order = order;
        change(&mut order);
        order
    };
    let buy = || limit("a", Side::Buy, "1", "99");
    for (order, code) in [
        (limit("a", Side::Buy, "1", "99.001"), "PRICE_TICK"),
        (limit("a", Side::Buy, "1", "0"), "PRICE_RANGE"),
        (limit("a", Side::Buy, "1", "-5"), "PRICE_RANGE"),
        (limit("a", Side::Buy, "1", "2000000000000"), "PRICE_RANGE"),
        (stop("a", Side::Buy, "1", "99.001"), "PRICE_TICK"),
        (market("a", Side::Buy, "0.0015"), "LOT_SIZE"),
        (market("a", Side::Buy, "0.0001"), "QUANTITY_RANGE"),
        (market("a", Side::Buy, "0"), "QUANTITY_RANGE"),
        (market("a", Side::Buy, "-1"), "QUANTITY_RANGE"),
        (market("a", Side::Buy, "2000000000000"), "QUANTITY_RANGE"),
        (market("a", Side::Buy, "0.009"), "MIN_NOTIONAL"),
        (market("a", Side::Buy, "100.001"), "INSUFFICIENT_FUNDS"),
        (limit("a", Side::Buy, "102", "99"), "INSUFFICIENT_FUNDS"),
        (market("a", Side::Sell, "1"), "INSUFFICIENT_FUNDS"),
        (change(buy(), |o| o.limit_price = None), "PRICE_FIELDS"),
        (
            change(buy(), |o| o.stop_price = Some(dec("1"))),
            "PRICE_FIELDS",
        ),
        (
            change(buy(), |o| o.time_in_force = TimeInForce::Gtd),
            "EXPIRE_TIME",
        ),
        (
            change(buy(), |o| {
                o.expire_time = Some(UnixNanos::from_millis(1 << 40))
            }),
            "EXPIRE_TIME",
        ),
        (
            change(buy(), |o| o.expire_time = Some(UnixNanos(0))),
            "EXPIRED",
        ),
        (
            change(buy(), |o| o.deadline = Some(UnixNanos(0))),
            "DEADLINE_PASSED",
        ),
        (
            change(buy(), |o| o.instrument = "ETH/USD".into()),
            "UNKNOWN_INSTRUMENT",
        ),
        (
            change(stop("a", Side::Buy, "1", "99"), |o| {
                o.time_in_force = TimeInForce::Ioc
            }),
            "TIME_IN_FORCE",
        ),
        (
            change(market("a", Side::Buy, "1"), |o| o.post_only = true),
            "POST_ONLY",
        ),
    ] {
        let mut m = at_100();
        assert_eq!(m.refused(&order), code, "{order:?}");
        let error = AdapterError::from(m.venue.place(&order, m.now()).unwrap_err());
        assert_eq!(error.effect, Effect::Rejected, "{error}");
        assert!(
            m.venue
                .order(&OrderRef::new(&order.instrument, "a"))
                .is_none()
        );
        assert!(m.venue.open_orders().is_empty());
    }
}

#[test]
fn a_deadline_that_is_now_has_not_passed() {
    let mut m = at_100();
    let mut order = market("a", Side::Buy, "1");
    order.deadline = Some(UnixNanos(MINUTE));
    m.place(&order);
}

#[test]
fn open_orders_lock_what_they_need() {
    let mut settings = settings();
    settings.taker_fee_bps = dec("10");
    settings.starting_base = dec("2");
    let mut m = Market::new(settings);
    m.bar(FLAT);
    m.place(&limit("a", Side::Buy, "10", "90"));
    assert_eq!(m.balance("USD"), ("10000".into(), "9099.1".into()));
    m.place(&limit("b", Side::Sell, "1.5", "110"));
    assert_eq!(m.balance("BTC"), ("2".into(), "0.5".into()));
    assert_eq!(
        m.refused(&stop("c", Side::Sell, "1", "90")),
        "INSUFFICIENT_FUNDS"
    );
    m.cancel("a");
    m.cancel("b");
    assert_eq!(m.balance("USD").1, "10000");
    assert_eq!(m.balance("BTC").1, "2");
}

#[test]
fn a_repeated_order_is_the_same_order_for_ever() {
    let mut m = at_100();
    let order = market("a", Side::Buy, "1");
    let first = m.place(&order);
    let mut again = order.clone();
    again.deadline = Some(UnixNanos(i64::MAX));
    assert_eq!(
        m.place(&again),
        first,
        "the deadline belongs to the request"
    );
    m.bar(FLAT);
    assert_eq!(m.place(&order).status, OrderStatus::Filled);
    m.bar(FLAT);
    assert_eq!(m.fills().len(), 1);

    let error = m
        .venue
        .place(&market("a", Side::Buy, "2"), m.now())
        .unwrap_err();
    let error = AdapterError::from(error);
    assert_eq!(error.kind, ErrorKind::DuplicateClientOrderId);
    assert_eq!(error.effect, Effect::Rejected);
}

#[test]
fn where_ids_are_unique_while_open_a_resend_trades_twice() {
    let mut m = Market::in_dir(settings(), ClientIds::UniqueWhileOpen, None);
    m.bar(FLAT);
    let order = market("a", Side::Buy, "1");
    let first = m.place(&order);
    let error = AdapterError::from(m.venue.place(&order, m.now()).unwrap_err());
    assert_eq!(error.kind, ErrorKind::DuplicateClientOrderId);
    assert_eq!(error.effect, Effect::Unknown, "the order lives");
    m.bar(FLAT);
    let second = m.place(&order);
    m.bar(FLAT);
    assert_ne!(first.venue_order_id, second.venue_order_id);
    assert_eq!(m.fills().len(), 2);
    assert_eq!(m.venue.positions()[0].quantity, dec("2"));

    let mut wanted = OrderRef::new(SYMBOL, "a");
    assert_eq!(
        m.venue.order(&wanted).unwrap().venue_order_id,
        second.venue_order_id
    );
    wanted.venue_order_id = Some(first.venue_order_id.clone());
    assert_eq!(
        m.venue.order(&wanted).unwrap().venue_order_id,
        first.venue_order_id
    );
}

#[test]
fn cancels_are_final_and_repeatable() {
    let mut m = at_100();
    m.place(&limit("a", Side::Buy, "1", "95"));
    let report = m.cancel("a");
    assert_eq!(report.status, OrderStatus::Cancelled);
    assert_eq!(m.cancel("a"), report);
    m.bar(["90", "90", "90", "90"]);
    assert!(m.fills().is_empty());
    let nobody = CancelOrder::new(OrderRef::new(SYMBOL, "x"));
    let error = m.venue.cancel(&nobody, m.now()).unwrap_err();
    assert_eq!(error.code(), "UNKNOWN_ORDER");
    let elsewhere = OrderRef::new("ETH/USD", "a");
    assert!(m.venue.order(&elsewhere).is_none());
}

#[test]
fn fills_come_in_pages() {
    let mut m = at_100();
    let count = SimVenue::PAGE + 1;
    for n in 0..count {
        m.place(&market(&format!("o{n}"), Side::Buy, "0.01"));
    }
    m.bar(FLAT);
    let first = m.venue.fills_since(None).unwrap();
    assert_eq!((first.fills.len(), first.more), (SimVenue::PAGE, true));
    let second = m.venue.fills_since(Some(&first.cursor)).unwrap();
    assert_eq!((second.fills.len(), second.more), (1, false));
    let third = m.venue.fills_since(Some(&second.cursor)).unwrap();
    assert_eq!((third.fills.len(), third.cursor.as_str()), (0, "1001"));
    for cursor in ["", "x", "-1", "1002"] {
        let error = m.venue.fills_since(Some(cursor)).unwrap_err();
        assert_eq!(error.effect, Effect::NotSent);
    }
}

#[test]
fn settings_and_symbols_are_checked() {
    let open = |change: fn(&mut crate::Settings), symbol: &str| {
        let mut settings = settings();
        change(&mut settings);
        let symbols = [symbol.to_owned()];
        SimVenue::open(
            settings,
            ClientIds::UniqueForever,
            &symbols,
            None,
            UnixNanos(0),
        )
        .map_err(|e| e.to_string())
    };
    assert!(open(|_| (), SYMBOL).is_ok());
    assert!(open(|_| (), "AAPL").is_ok());
    for symbol in ["USD", "USD/USD", "/USD", "BTC/"] {
        assert!(open(|_| (), symbol).unwrap_err().contains(symbol));
    }
    for (change, key) in [
        (
            (|s| s.volume_share = dec("1.1")) as fn(&mut crate::Settings),
            "volume_share",
        ),
        (|s| s.tick_size = dec("0"), "tick_size"),
        (|s| s.lot_size = dec("-1"), "lot_size"),
        (|s| s.slippage_bps = dec("10000"), "slippage_bps"),
        (|s| s.taker_fee_bps = dec("-1"), "taker_fee_bps"),
        (|s| s.maker_fee_bps = dec("-10000"), "maker_fee_bps"),
        (|s| s.starting_cash = dec("-1"), "starting_cash"),
    ] {
        assert!(open(change, SYMBOL).unwrap_err().starts_with(key));
    }
}
