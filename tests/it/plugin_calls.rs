//! Calls into an open adapter, above all those that go wrong. That these tests end is part of what they
//! test: the host lives.

use investbot::plugin::{Answer, PluginVenue, Venue};
use investbot_plugin_api::{
    AmendOrder, Bar, BarBatch, CancelOrder, Decimal, Effect, ErrorKind, NewOrder, OrderRef,
    OrderStatus, Side, UnixNanos, VenueEvent,
};
use investbot_tests::plugin;

use super::plugin_open::{inspect, misbehaving, open};

pub(crate) fn order(id: &str) -> NewOrder {
    NewOrder::new(id, "BTC/USD", Side::Buy, Decimal::new(150, 2))
}

fn echo(fault: &str, at: &str) -> PluginVenue {
    open(&inspect(&plugin("fixture_echo")), &misbehaving(fault, at)).unwrap()
}

fn bars(closes: &[i64]) -> BarBatch {
    let bar = |close: &i64| Bar {
        open_time: UnixNanos(0),
        close_time: UnixNanos(*close),
        open: Decimal::ONE,
        high: Decimal::ONE,
        low: Decimal::ONE,
        close: Decimal::from(*close),
        volume: Decimal::ONE,
    };
    BarBatch {
        instrument: "BTC/USD".to_owned(),
        bars: closes.iter().map(bar).collect(),
    }
}

/// Every call of the trait: its operation's name, whether it is a write, and the call without its answer.
type Calls = [(&'static str, bool, fn(&PluginVenue) -> Answer<()>); 12];

const CALLS: Calls = [
    ("place", true, |v| v.place(&order("1")).map(drop)),
    ("cancel", true, |v| {
        v.cancel(&CancelOrder::new(named("1"))).map(drop)
    }),
    ("amend", true, |v| {
        v.amend(&AmendOrder::new(named("1"))).map(drop)
    }),
    ("order", false, |v| v.order(&named("1")).map(drop)),
    ("open_orders", false, |v| v.open_orders().map(drop)),
    ("fills_since", false, |v| v.fills_since(None).map(drop)),
    ("instruments", false, |v| v.instruments().map(drop)),
    ("balances", false, |v| v.balances().map(drop)),
    ("positions", false, |v| v.positions().map(drop)),
    ("health", false, |v| v.health().map(drop)),
    ("on_bars", false, |v| v.on_bars(&bars(&[1]))),
    ("shutdown", false, |v| v.shutdown()),
];

pub(crate) fn named(id: &str) -> OrderRef {
    OrderRef::new("BTC/USD", id)
}

#[test]
fn every_call_comes_through() {
    let venue = echo("none", "");
    for (name, _, call) in CALLS {
        call(&venue).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let report = venue.place(&order("an-id")).unwrap();
    assert_eq!(report.client_order_id, "an-id");
    assert_eq!(report.status, OrderStatus::Filled);
    assert_eq!(report.filled_quantity.to_string(), "1.50");
    assert_eq!(venue.order(&named("unknown")), Ok(None));
    assert_eq!(venue.fills_since(None).unwrap().cursor, "start");
    assert_eq!(venue.fills_since(Some("7")).unwrap().cursor, "7");
}

#[test]
fn events_of_a_call_are_there_when_it_returns() {
    let venue = echo("none", "");
    venue.on_bars(&bars(&[7, 8, 9])).unwrap();
    let mut events = Vec::new();
    venue.drain_events(&mut events);
    let prices: Vec<_> = events
        .iter()
        .map(|event| match event {
            VenueEvent::Fill(fill) => fill.price.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(prices, ["7", "8", "9"]);
    venue.drain_events(&mut events);
    assert_eq!(events.len(), 3, "they are given once");
    assert_eq!(venue.events_lost(), 0);
}

#[test]
fn a_panic_in_any_call_is_an_error_and_the_last_one() {
    for (name, is_write, call) in CALLS {
        let venue = echo("panic", name);
        let error = call(&venue).expect_err(name);
        let effect = if is_write {
            Effect::Unknown
        } else {
            Effect::NotSent
        };
        assert_eq!((error.kind, error.effect), (ErrorKind::Panicked, effect));
        assert!(error.message.contains(&format!("panicked in `{name}` at ")));
        assert!(error.message.contains(&format!("told to panic in {name}")));
        for (later, _, call) in CALLS {
            let error = call(&venue).expect_err(later);
            assert_eq!(
                (error.kind, error.effect),
                (ErrorKind::Poisoned, Effect::NotSent),
                "{later} after a panic in {name}"
            );
        }
    }
}

#[test]
fn a_panic_in_drop_stays_inside() {
    let venue = echo("panic", "drop");
    venue.place(&order("1")).unwrap();
    drop(venue);
    echo("none", "").place(&order("2")).unwrap();
}

#[test]
fn an_error_comes_through_fit_for_a_terminal() {
    let error = echo("error", "place")
        .place(&order("1"))
        .expect_err("told so");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Network, Effect::Unknown)
    );
    assert_eq!(error.venue_code.as_deref(), Some("E1"));
    assert_eq!(error.message, "told to fail in place\\u{1b}[31m");
}

#[test]
fn an_answer_about_another_order_is_no_answer() {
    let venue = echo("wrong_order", "");
    for (name, is_write, call) in &CALLS[..4] {
        let error = call(&venue).expect_err(name);
        assert_eq!(error.kind, ErrorKind::Protocol);
        assert_eq!(error.effect == Effect::Unknown, *is_write, "{name}");
    }
}

#[test]
fn calls_from_many_threads_all_arrive() {
    let venue = echo("none", "");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let venue = &venue;
            scope.spawn(move || {
                for n in 0..50 {
                    let id = format!("{thread}-{n}");
                    assert_eq!(venue.place(&order(&id)).unwrap().client_order_id, id);
                }
            });
        }
    });
    assert_eq!(venue.balances().unwrap()[0].total, Decimal::from(400));
}
