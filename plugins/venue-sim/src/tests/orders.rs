//! Where, when and for how much orders are filled.

use investbot_plugin_api::{
    Bar, Decimal, Liquidity, OrderStatus, Side, TimeInForce, UnixNanos, VenueEvent,
};

use super::fixture::{MINUTE, Market, dec, limit, market, settings, stop, stop_limit};

const FLAT: [&str; 4] = ["100", "100", "100", "100"];

/// A market at 100.
fn at_100() -> Market {
    let mut market = Market::new(settings());
    market.bar(FLAT);
    market
}

/// The same for an account that holds 10 BTC.
fn holding_10() -> Market {
    let mut settings = settings();
    settings.starting_base = dec("10");
    let mut market = Market::new(settings);
    market.bar(FLAT);
    market
}

#[test]
fn a_market_order_gets_the_next_open_with_slippage_and_taker_fee() {
    let mut settings = settings();
    settings.slippage_bps = dec("5");
    settings.taker_fee_bps = dec("10");
    settings.maker_fee_bps = dec("1");
    let mut m = Market::new(settings);
    m.bar(FLAT);
    let report = m.place(&market("a", Side::Buy, "2"));
    assert_eq!(report.status, OrderStatus::Open);
    assert!(m.fills().is_empty(), "nothing is known of the next bar yet");
    m.bar(["101.01", "105", "99", "104"]);
    // 101.01 * 1.0005 = 101.060505, up to the tick; 0.1 % of 202.14.
    assert_eq!(m.fills(), [("101.07".into(), "2".into(), "0.20214".into())]);
    assert_eq!(m.balance("USD").0, "9797.65786");
    assert_eq!(m.balance("BTC").0, "2");
    let fill = &m.venue.fills_since(None).unwrap().fills[0];
    assert_eq!(fill.liquidity, Liquidity::Taker);
    assert_eq!(fill.time, UnixNanos(MINUTE), "the open of the second bar");

    m.place(&market("b", Side::Sell, "2"));
    m.bar(["100", "100", "100", "100"]);
    assert_eq!(m.fills()[1].0, "99.95");
    assert!(m.venue.positions().is_empty());
}

#[test]
fn executions_are_told_as_a_fill_and_then_the_order() {
    let mut m = at_100();
    m.place(&market("a", Side::Buy, "2"));
    m.bar(FLAT);
    let [VenueEvent::Fill(fill), VenueEvent::Order(report)] = &m.events[..] else {
        panic!("{:?}", m.events);
    };
    assert_eq!(fill.client_order_id, "a");
    assert_eq!(fill.venue_order_id, report.venue_order_id);
    assert_eq!(report.status, OrderStatus::Filled);
    assert_eq!(report.filled_quantity, dec("2"));
}

#[test]
fn a_bar_that_opened_before_the_last_one_shown_closed_fills_nothing() {
    let mut m = at_100();
    m.place(&market("a", Side::Buy, "1"));
    let price = dec("100");
    m.batch(vec![Bar {
        open_time: UnixNanos(MINUTE - 1),
        close_time: UnixNanos(2 * MINUTE),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: price,
    }]);
    assert!(m.fills().is_empty());
}

#[test]
fn limits_get_their_price_or_the_open_if_that_is_better() {
    for (order, bar, price) in [
        (
            limit("a", Side::Buy, "1", "95"),
            ["100", "100", "95", "99"],
            Some("95"),
        ),
        (
            limit("a", Side::Buy, "1", "95"),
            ["100", "100", "95.01", "99"],
            None,
        ),
        (
            limit("a", Side::Buy, "1", "95"),
            ["94", "96", "93", "95"],
            Some("94"),
        ),
        (
            limit("a", Side::Sell, "1", "105"),
            ["100", "105", "99", "99"],
            Some("105"),
        ),
        (
            limit("a", Side::Sell, "1", "105"),
            ["100", "104.99", "99", "99"],
            None,
        ),
        (
            limit("a", Side::Sell, "1", "105"),
            ["106", "107", "101", "102"],
            Some("106"),
        ),
    ] {
        let mut m = holding_10();
        m.place(&order);
        m.bar(bar);
        let fills = m.fills();
        assert_eq!(
            fills.first().map(|f| f.0.as_str()),
            price,
            "{order:?} in {bar:?}"
        );
    }
}

#[test]
fn a_limit_order_makes_unless_it_came_to_the_market() {
    let liquidity = |price: &str, bar| {
        let mut m = at_100();
        m.place(&limit("a", Side::Buy, "1", price));
        m.bar(bar);
        m.venue.fills_since(None).unwrap().fills[0].liquidity
    };
    assert_eq!(liquidity("101", FLAT), Liquidity::Taker);
    assert_eq!(liquidity("99", ["98", "98", "98", "98"]), Liquidity::Maker);
    assert_eq!(
        liquidity("99", ["100", "100", "98", "98"]),
        Liquidity::Maker
    );
}

#[test]
fn stops_get_their_price_or_the_open_if_that_is_worse() {
    for (order, bar, price) in [
        (
            stop("a", Side::Buy, "1", "105"),
            ["100", "105", "99", "99"],
            Some("105.11"),
        ),
        (
            stop("a", Side::Buy, "1", "105"),
            ["100", "104", "99", "99"],
            None,
        ),
        (
            stop("a", Side::Buy, "1", "105"),
            ["110", "110", "99", "99"],
            Some("110.11"),
        ),
        (
            stop("a", Side::Sell, "1", "95"),
            ["100", "101", "95", "99"],
            Some("94.9"),
        ),
        (
            stop("a", Side::Sell, "1", "95"),
            ["100", "101", "96", "99"],
            None,
        ),
        (
            stop("a", Side::Sell, "1", "95"),
            ["90", "101", "90", "99"],
            Some("89.91"),
        ),
    ] {
        let mut settings = settings();
        settings.slippage_bps = dec("10");
        settings.starting_base = dec("10");
        let mut m = Market::new(settings);
        m.bar(FLAT);
        m.place(&order);
        m.bar(bar);
        let fills = m.fills();
        assert_eq!(
            fills.first().map(|f| f.0.as_str()),
            price,
            "{order:?} in {bar:?}"
        );
    }
}

#[test]
fn a_stop_limit_fills_at_the_stop_or_waits_at_its_limit() {
    let mut m = at_100();
    m.place(&stop_limit("a", Side::Buy, "1", "105", "106"));
    m.bar(["100", "107", "99", "107"]);
    assert_eq!(m.price(), "105");

    let mut m = at_100();
    m.place(&stop_limit("a", Side::Buy, "1", "105", "103"));
    m.bar(["100", "107", "99", "107"]);
    assert!(m.fills().is_empty(), "what came after the stop is unknown");
    m.bar(["107", "107", "103", "104"]);
    assert_eq!(m.price(), "103");
}

#[test]
fn all_orders_share_the_volume_and_the_rest_works_on() {
    let mut settings = settings();
    settings.volume_share = dec("0.1");
    let mut m = Market::new(settings);
    m.bar(FLAT);
    m.place(&market("a", Side::Buy, "12"));
    m.place(&market("b", Side::Buy, "3"));
    m.bar(FLAT);
    assert_eq!(m.order("a").status, OrderStatus::PartiallyFilled);
    assert_eq!(m.order("a").filled_quantity, dec("10"));
    assert_eq!(m.order("b").status, OrderStatus::Open);
    m.bar(FLAT);
    assert_eq!(m.order("a").status, OrderStatus::Filled);
    assert_eq!(m.order("b").status, OrderStatus::Filled);
    assert_eq!(m.fills().len(), 3);
}

#[test]
fn a_triggered_stop_works_on_as_a_market_order() {
    let mut settings = settings();
    settings.volume_share = dec("0.1");
    settings.starting_base = dec("100");
    let mut m = Market::new(settings);
    m.bar(FLAT);
    m.place(&stop("a", Side::Sell, "15", "95"));
    m.bar(["100", "100", "95", "99"]);
    m.bar(["98", "98", "98", "98"]);
    let fills = m.fills();
    assert_eq!((fills[0].0.as_str(), fills[0].1.as_str()), ("95", "10"));
    assert_eq!((fills[1].0.as_str(), fills[1].1.as_str()), ("98", "5"));
}

#[test]
fn ioc_takes_what_the_first_open_gives() {
    let mut settings = settings();
    settings.volume_share = dec("0.1");
    let mut m = Market::new(settings);
    m.bar(FLAT);
    let mut order = market("a", Side::Buy, "12");
    order.time_in_force = TimeInForce::Ioc;
    m.place(&order);
    let mut away = limit("b", Side::Buy, "1", "99");
    away.time_in_force = TimeInForce::Ioc;
    m.place(&away);
    m.bar(["100", "100", "99", "99"]);
    assert_eq!(m.order("a").status, OrderStatus::Cancelled);
    assert_eq!(m.order("a").filled_quantity, dec("10"));
    assert_eq!(m.order("b").status, OrderStatus::Cancelled);
    assert_eq!(m.order("b").filled_quantity, Decimal::ZERO);
    assert_eq!(
        m.balance("USD"),
        ("9000".into(), "9000".into()),
        "nothing stays locked"
    );
}

#[test]
fn fok_is_all_or_nothing() {
    for (quantity, status) in [("11", OrderStatus::Cancelled), ("10", OrderStatus::Filled)] {
        let mut settings = settings();
        settings.volume_share = dec("0.1");
        let mut m = Market::new(settings);
        m.bar(FLAT);
        let mut order = market("a", Side::Buy, quantity);
        order.time_in_force = TimeInForce::Fok;
        m.place(&order);
        m.bar(FLAT);
        assert_eq!(m.order("a").status, status);
        assert_eq!(m.fills().len(), usize::from(status == OrderStatus::Filled));
    }
}

#[test]
fn gtd_has_the_open_of_the_bar_in_which_it_ends() {
    let mut m = at_100();
    let mut order = limit("a", Side::Buy, "1", "95");
    order.time_in_force = TimeInForce::Gtd;
    order.expire_time = Some(UnixNanos(2 * MINUTE + 1));
    m.place(&order);
    m.bar(["100", "100", "96", "96"]);
    assert_eq!(m.order("a").status, OrderStatus::Open);
    m.bar(["96", "96", "90", "90"]);
    assert_eq!(m.order("a").status, OrderStatus::Expired);
    assert_eq!(m.order("a").time, UnixNanos(2 * MINUTE + 1));
    assert!(m.fills().is_empty());
    assert_eq!(m.balance("USD").1, "10000");
}

#[test]
fn day_orders_end_at_midnight_utc() {
    let mut m = at_100();
    let mut order = limit("a", Side::Buy, "1", "95");
    order.time_in_force = TimeInForce::Day;
    m.place(&order);
    m.minute = 24 * 60 - 1;
    m.bar(FLAT);
    let report = m.order("a");
    assert_eq!(report.status, OrderStatus::Expired);
    assert_eq!(report.time, UnixNanos(24 * 60 * MINUTE));
}

#[test]
fn post_only_never_takes() {
    let mut m = at_100();
    let mut order = limit("a", Side::Buy, "1", "100");
    order.post_only = true;
    assert_eq!(m.refused(&order), "POST_ONLY");
    order.limit_price = Some(dec("99"));
    m.place(&order);
    m.bar(["95", "95", "95", "95"]);
    assert_eq!(
        m.price(),
        "99",
        "it was in the book when the market came through"
    );
}

#[test]
fn reduce_only_stops_at_flat() {
    let mut m = at_100();
    let mut order = market("r", Side::Sell, "5");
    order.reduce_only = true;
    assert_eq!(m.refused(&order), "REDUCE_ONLY");
    m.place(&market("a", Side::Buy, "3"));
    m.place(&market("b", Side::Buy, "3"));
    m.bar(FLAT);
    m.place(&order);
    order.client_order_id = "s".into();
    // Holdings are locked by the first one, so that only one is left for the second.
    assert_eq!(m.refused(&order), "INSUFFICIENT_FUNDS");
    m.bar(FLAT);
    assert_eq!(m.venue.positions()[0].quantity, dec("1"));

    let mut settings = settings();
    settings.allow_short = true;
    let mut m = Market::new(settings);
    m.bar(FLAT);
    m.place(&market("a", Side::Buy, "3"));
    m.bar(FLAT);
    order.client_order_id = "r".into();
    m.place(&order);
    m.bar(FLAT);
    assert!(m.venue.positions().is_empty());
    assert_eq!(m.order("r").status, OrderStatus::PartiallyFilled);
    m.bar(FLAT);
    assert_eq!(m.order("r").status, OrderStatus::Cancelled);
}

#[test]
fn what_cannot_be_paid_at_the_open_is_cancelled() {
    let mut m = at_100();
    m.place(&market("a", Side::Buy, "99"));
    m.bar(["110", "110", "110", "110"]);
    let report = m.order("a");
    assert_eq!(report.status, OrderStatus::Cancelled);
    assert!(report.reason.unwrap().contains("could not pay"));
    assert_eq!(m.balance("USD").0, "10000");
}

#[test]
fn selling_short_needs_leave() {
    let mut m = at_100();
    assert_eq!(
        m.refused(&market("a", Side::Sell, "1")),
        "INSUFFICIENT_FUNDS"
    );
    let mut settings = settings();
    settings.allow_short = true;
    let mut m = Market::new(settings);
    m.bar(FLAT);
    m.place(&market("a", Side::Sell, "1"));
    m.bar(FLAT);
    assert_eq!(m.venue.positions()[0].quantity, dec("-1"));
    assert_eq!(m.balance("USD").0, "10100");
    assert_eq!(m.balance("BTC").0, "-1");
}

#[test]
fn prices_beyond_a_decimal_close_the_order() {
    let mut settings = settings();
    settings.allow_short = true;
    let mut m = Market::new(settings);
    m.bar(FLAT);
    m.place(&market("a", Side::Sell, "1000000"));
    let huge = Decimal::MAX;
    m.show(huge, huge, huge, huge, huge);
    let report = m.order("a");
    assert_eq!(report.status, OrderStatus::Cancelled);
    assert!(report.reason.unwrap().contains("too large"));
}

#[test]
fn a_market_below_one_tick_is_not_sold_for_nothing() {
    let mut settings = settings();
    settings.slippage_bps = dec("10");
    settings.allow_short = true;
    let mut m = Market::new(settings);
    m.bar(["0.004", "0.004", "0.004", "0.004"]);
    m.place(&market("a", Side::Sell, "1000"));
    m.bar(["0.004", "0.004", "0.004", "0.004"]);
    assert_eq!(m.price(), "0.003996");
}
