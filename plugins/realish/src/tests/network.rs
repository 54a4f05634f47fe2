//! What happens to requests and reports on their way.

use std::time::Duration;

use investbot_plugin_api::serde_json::json;
use investbot_plugin_api::*;

use super::world::{World, buy, failed, rest};

const NEVER: u64 = 3_600_000;

#[test]
fn without_faults_it_is_the_paper_venue() {
    let mut world = World::with(&[]);
    world.bar(1_000);
    assert_eq!(world.place(&buy("a")).unwrap().status, OrderStatus::Open);
    let events = world.bar(1_000);
    assert_eq!(events.len(), 2);
    assert_eq!(
        world.query("a").unwrap().unwrap().status,
        OrderStatus::Filled
    );
    assert_eq!(world.fills().len(), 1);
}

#[test]
fn a_connection_that_cannot_be_made_does_nothing() {
    let world = World::with(&[("connect_failure", json!("1"))]);
    assert_eq!(
        failed(world.place(&rest("a"))),
        (Effect::NotSent, ErrorKind::Network)
    );
    world.wait(NEVER);
    assert_eq!(world.query("a"), Ok(None));
}

#[test]
fn a_lost_request_never_arrives() {
    let world = World::with(&[("request_lost", json!("1"))]);
    let before = world.fake.now();
    assert_eq!(
        failed(world.place(&rest("a"))),
        (Effect::Unknown, ErrorKind::Timeout)
    );
    assert_eq!(world.fake.now().since(before), Duration::from_millis(2_000));
    world.wait(NEVER);
    assert_eq!(world.query("a"), Ok(None));
}

#[test]
fn a_lost_answer_leaves_an_order_behind() {
    for (fault, kind) in [
        ("ack_lost", ErrorKind::Timeout),
        ("connection_reset", ErrorKind::Network),
    ] {
        let world = World::with(&[(fault, json!("1"))]);
        assert_eq!(failed(world.place(&rest("a"))), (Effect::Unknown, kind));
        assert_eq!(world.query("a").unwrap().unwrap().status, OrderStatus::Open);
        assert_eq!(failed(world.cancel("a")), (Effect::Unknown, kind));
        assert_eq!(
            world.query("a").unwrap().unwrap().status,
            OrderStatus::Cancelled
        );
    }
}

#[test]
fn a_lost_answer_hides_refusals_too() {
    let world = World::with(&[("ack_lost", json!("1"))]);
    let mut order = rest("a");
    order.quantity = Decimal::ZERO;
    assert_eq!(
        failed(world.place(&order)),
        (Effect::Unknown, ErrorKind::Timeout)
    );
}

#[test]
fn a_delayed_request_arrives_when_nobody_waits_any_more() {
    let delays = [("request_delayed", json!("1")), ("timeout_ms", json!(0))];
    let world = World::with(&delays);
    let mut early = 0;
    for n in 0..50 {
        let id = format!("o{n}");
        assert_eq!(
            failed(world.place(&rest(&id))),
            (Effect::Unknown, ErrorKind::Timeout)
        );
        early += u32::from(world.query(&id).unwrap().is_some());
        world.wait(3_000);
        assert!(world.query(&id).unwrap().is_some(), "the delay is bounded");
    }
    assert!(early < 5, "{early} of 50 arrived at once");
}

#[test]
fn a_delayed_request_does_not_arrive_after_its_deadline() {
    let delays = [("request_delayed", json!("1")), ("timeout_ms", json!(0))];
    let world = World::with(&delays);
    let mut late = 0;
    for n in 0..50 {
        let id = format!("o{n}");
        let mut order = rest(&id);
        order.deadline = Some(world.fake.now().after(Duration::from_millis(1_500)));
        assert_eq!(failed(world.place(&order)).0, Effect::Unknown);
        world.wait(1_501);
        let absent = world.query(&id).unwrap().is_none();
        world.wait(NEVER);
        assert_eq!(
            world.query(&id).unwrap().is_none(),
            absent,
            "settled at the deadline"
        );
        late += u32::from(absent);
    }
    assert!((10..40).contains(&late), "{late} of 50 were late");
}

#[test]
fn a_delayed_request_takes_part_in_the_market_from_its_arrival() {
    let mut world = World::with(&[("request_delayed", json!("1"))]);
    world.bar(1_000);
    assert!(world.place(&buy("a")).is_err());
    assert!(
        world.bar(1_001).is_empty(),
        "that bar opened before the order arrived"
    );
    assert_eq!(world.bar(1_002).len(), 2);
    assert!(world.fills()[0].price > Decimal::from(1_001));
}

#[test]
fn queries_fail_without_effect() {
    let world = World::with(&[("read_failure", json!("1"))]);
    world.place(&rest("a")).unwrap();
    assert_eq!(
        failed(world.query("a")),
        (Effect::NotSent, ErrorKind::Network)
    );
}

#[test]
fn queries_trail_the_book_for_a_bounded_time() {
    let world = World::with(&[("visibility_lag_ms", json!(2_000))]);
    let mut invisible = 0;
    for n in 0..50 {
        let id = format!("o{n}");
        let open = world.open_orders();
        world.place(&rest(&id)).unwrap();
        assert!(world.lives(&id));
        let seen = world.query(&id).unwrap().is_some();
        assert_eq!(
            world.open_orders() > open,
            seen,
            "both views are of the same moment"
        );
        invisible += u32::from(!seen);
        world.wait(2_000);
        assert!(world.query(&id).unwrap().is_some());
        assert_eq!(world.open_orders(), open + 1);
    }
    assert!(invisible > 45, "{invisible} of 50 were invisible at first");
}

#[test]
fn reports_are_lost_late_or_doubled_while_the_history_is_true() {
    let told = |fault: &'static str| {
        let mut world = World::with(&[(fault, json!("1"))]);
        world.bar(1_000);
        world.place(&buy("a")).unwrap();
        let at_once = world.bar(1_000).len();
        let later = world.bar(1_000).len();
        assert_eq!(world.fills().len(), 1);
        (at_once, later)
    };
    assert_eq!(told("event_lost"), (0, 0));
    assert_eq!(told("event_late"), (0, 2));
    assert_eq!(told("event_doubled"), (2, 2));
}

#[test]
fn late_reports_come_with_any_call() {
    let mut world = World::with(&[("event_late", json!("1"))]);
    world.bar(1_000);
    world.place(&buy("a")).unwrap();
    assert!(world.bar(1_000).is_empty());
    world.wait(5_000);
    world.query("a").unwrap();
    assert_eq!(world.fake.take_events().len(), 2);
}

#[test]
fn latencies_are_within_bounds_and_near_their_mean() {
    let latencies = |tail: &str| {
        let world = World::with(&[
            ("latency_min_ms", json!(10)),
            ("latency_mean_ms", json!(30)),
            ("latency_tail_ms", json!(500)),
            ("latency_tail", json!(tail)),
        ]);
        let mut trips = Vec::new();
        for _ in 0..400 {
            let before = world.fake.now();
            world.query("a").unwrap();
            trips.push(world.fake.now().since(before).as_millis());
        }
        let mean = trips.iter().sum::<u128>() / 400;
        (
            *trips.iter().min().unwrap(),
            mean,
            *trips.iter().max().unwrap(),
        )
    };
    let (min, mean, max) = latencies("0");
    assert!(
        min >= 10 && (28..=32).contains(&mean) && max <= 50,
        "{min} {mean} {max}"
    );
    let (min, mean, max) = latencies("1");
    assert!(
        min >= 30 && mean > 200 && (400..=500).contains(&max),
        "{min} {mean} {max}"
    );
}

#[test]
fn a_cancelled_call_tells_the_truth() {
    let latency = [
        ("latency_min_ms", json!(10)),
        ("latency_mean_ms", json!(10)),
        ("latency_tail_ms", json!(10)),
    ];
    let world = World::with(&latency);
    world.fake.cancel_at_wait(1);
    assert_eq!(
        failed(world.place(&rest("a"))),
        (Effect::NotSent, ErrorKind::Cancelled)
    );
    assert!(!world.lives("a"));
    world.fake.cancel_at_wait(2);
    assert_eq!(
        failed(world.place(&rest("b"))),
        (Effect::Unknown, ErrorKind::Cancelled)
    );
    assert!(world.lives("b"));
}
