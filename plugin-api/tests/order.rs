//! What an adapter does with an order before it sends it.

#![allow(missing_docs, clippy::unwrap_used)]

use investbot_plugin_api::{
    Decimal, Effect, ErrorKind, NewOrder, OrderReport, OrderStatus, OrderType, Side, TimeInForce,
    UnixNanos,
};

fn order(order_type: OrderType, time_in_force: TimeInForce) -> NewOrder {
    let mut order = NewOrder::new("a", "BTC/USD", Side::Sell, Decimal::TWO);
    (order.order_type, order.time_in_force) = (order_type, time_in_force);
    order.limit_price = order_type.has_limit_price().then_some(Decimal::ONE);
    order.stop_price = order_type.has_stop_price().then_some(Decimal::ONE);
    order.expire_time = (time_in_force == TimeInForce::Gtd).then_some(UnixNanos(1));
    order
}

#[track_caller]
fn refused(order: &NewOrder, text: &str) {
    let error = order.check(OrderType::ALL, TimeInForce::ALL).unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::InvalidOrder, Effect::Rejected)
    );
    assert_eq!(error.message, text);
}

#[test]
fn an_order_is_one_of_those_that_are_claimed() {
    for kind in OrderType::ALL {
        for time in TimeInForce::ALL {
            let order = order(*kind, *time);
            for (types, times) in [
                (&[*kind][..], &[*time][..]),
                (OrderType::ALL, TimeInForce::ALL),
            ] {
                assert_eq!(order.check(types, times), Ok(()), "{order:?}");
            }
            let others: Vec<_> = OrderType::ALL
                .iter()
                .filter(|k| *k != kind)
                .copied()
                .collect();
            assert!(order.check(&others, &[*time]).is_err(), "{order:?}");
            let others: Vec<_> = TimeInForce::ALL
                .iter()
                .filter(|t| *t != time)
                .copied()
                .collect();
            assert!(order.check(&[*kind], &others).is_err(), "{order:?}");
        }
    }
}

#[test]
fn what_an_order_needs_is_there() {
    let mut none = order(OrderType::Market, TimeInForce::Gtc);
    none.quantity = Decimal::ZERO;
    refused(&none, "quantity 0 is not above 0");
    none.quantity = Decimal::NEGATIVE_ONE;
    refused(&none, "quantity -1 is not above 0");
    let mut limit = order(OrderType::Limit, TimeInForce::Gtc);
    limit.limit_price = None;
    refused(&limit, "limit_price is missing");
    let mut stop = order(OrderType::StopLimit, TimeInForce::Gtc);
    stop.stop_price = None;
    refused(&stop, "stop_price is missing");
    let mut gtd = order(OrderType::Market, TimeInForce::Gtd);
    gtd.expire_time = None;
    refused(&gtd, "expire_time is missing");
}

#[test]
fn a_report_is_about_its_order() {
    let order = order(OrderType::Limit, TimeInForce::Ioc);
    let report = OrderReport::of(&order, "v7", OrderStatus::Open, UnixNanos(3));
    let same = OrderReport::new(
        "a",
        "v7",
        "BTC/USD",
        Side::Sell,
        OrderStatus::Open,
        Decimal::TWO,
        UnixNanos(3),
    );
    assert_eq!(report, same);
}
