//! What a person decides about an order that is held.

use super::*;

fn decide(bench: &mut Bench, client_order_id: &str, decision: Decision) -> Done {
    bench.step(Input::Resolved {
        client_order_id,
        decision,
        reason: "seen on the venue's page".into(),
        now: UnixNanos(5),
    })
}

/// An order that nothing can be found out about.
fn held(bench: &mut Bench) -> String {
    let done = bench.intent(None, buy("1"));
    let id = done.submitted[0].order.client_order_id.clone();
    bench.step(Input::Attempt {
        client_order_id: &id,
        attempt: 1,
        now: UnixNanos(1),
    });
    let text = "timeout".into();
    assert_eq!(
        bench.outcome(&id, Outcome::Held { text }).told(),
        ["Order Held"]
    );
    assert_eq!(bench.intent(None, buy("1")).told(), ["IN_DOUBT"]);
    id
}

fn exposure(bench: &Bench) -> (Decimal, u64, u64) {
    let exposure = bench.core.orders.exposure(SYMBOL);
    (exposure.buying, exposure.unsettled, exposure.blocking)
}

#[test]
fn it_is_open_until_the_venue_says_otherwise() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = held(&mut bench);
    assert_eq!(exposure(&bench), (dec("1"), 1, 1));
    let done = decide(&mut bench, &id, Decision::Accepted);
    assert_eq!(done.told(), ["RESOLVED"]);
    let report = &done.reports[0];
    assert_eq!(
        (report.kind, report.state),
        (ReportKind::Order, Some(OrderState::Accepted))
    );
    assert_eq!(report.text.as_deref(), Some("seen on the venue's page"));
    assert!(done.submitted.is_empty() && done.cancelled.is_empty());
    assert_eq!(exposure(&bench), (dec("1"), 1, 0), "it takes orders again");
    assert_eq!(bench.fill(fill(&id, "f", "1")).told(), ["Fill Filled"]);
    assert_eq!(exposure(&bench), (dec("0"), 0, 0));
}

#[test]
fn it_never_was_at_the_venue() {
    for (decision, state) in [
        (Decision::Rejected, OrderState::Rejected),
        (Decision::Absent, OrderState::Abandoned),
    ] {
        let mut bench = Bench::new(RiskLimits::default());
        let id = held(&mut bench);
        assert_eq!(decide(&mut bench, &id, decision).told(), ["RESOLVED"]);
        assert_eq!(bench.state(&id), state);
        assert_eq!(exposure(&bench), (dec("0"), 0, 0));
        assert_eq!(bench.intent(None, buy("1")).told(), ["Order New"]);
        // The person was wrong, and is told so.
        assert_eq!(bench.fill(fill(&id, "f", "1")).told(), ["CONFLICT"]);
        assert_eq!(bench.intent(None, buy("1")).told(), ["IN_DOUBT"]);
    }
}

#[test]
fn what_is_filled_is_not_decided_away() {
    for (decision, state) in [
        (Decision::Accepted, OrderState::PartiallyFilled),
        (Decision::Rejected, OrderState::Cancelled),
        (Decision::Absent, OrderState::Cancelled),
    ] {
        let mut bench = Bench::new(RiskLimits::default());
        let id = bench.open("a", "2");
        bench.fill(fill(&id, "f", "0.5"));
        bench.order(report(&id, OrderStatus::Rejected, "2"));
        assert_eq!(bench.state(&id), OrderState::Held);
        assert_eq!(decide(&mut bench, &id, decision).told(), ["RESOLVED"]);
        assert_eq!(bench.state(&id), state);
        let order = bench.core.order(&id).expect("remembered");
        assert!(!order.conflict && !order.blocks());
        assert_eq!(bench.core.portfolio().position(SYMBOL), dec("0.5"));
    }
}

#[test]
fn an_overfill_that_was_seen_to_is_no_news_until_it_grows() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    bench.fill(fill(&id, "f1", "0.6"));
    bench.fill(fill(&id, "f2", "0.6"));
    assert_eq!(
        decide(&mut bench, &id, Decision::Accepted).told(),
        ["RESOLVED"]
    );
    assert_eq!(bench.state(&id), OrderState::Filled);
    assert_eq!(bench.core.unsettled_orders().count(), 0);
    let mut again = report(&id, OrderStatus::Filled, "1");
    again.filled_quantity = dec("1.2");
    assert!(bench.order(again.clone()).told().is_empty());
    again.filled_quantity = dec("1.3");
    assert_eq!(bench.order(again).told(), ["OVERFILL"]);
    assert_eq!(bench.intent(None, buy("1")).told(), ["IN_DOUBT"]);
}

#[test]
fn a_contradicted_end_stays_and_is_seen_to() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    bench.fill(fill(&id, "f1", "1"));
    bench.fill(fill(&id, "f2", "1"));
    assert_eq!(bench.intent(None, buy("1")).told(), ["IN_DOUBT"]);
    assert_eq!(
        decide(&mut bench, &id, Decision::Absent).told(),
        ["RESOLVED"]
    );
    assert_eq!(bench.state(&id), OrderState::Filled);
    assert_eq!(bench.intent(None, buy("1")).told(), ["Order New"]);
}

#[test]
fn an_order_that_is_not_held_is_not_decided_about() {
    let mut bench = Bench::new(RiskLimits::default());
    let open = bench.open("a", "1");
    let before = bench.core.late_inputs();
    for decision in [Decision::Accepted, Decision::Rejected, Decision::Absent] {
        assert!(decide(&mut bench, &open, decision).told().is_empty());
        assert!(decide(&mut bench, "nobody's", decision).told().is_empty());
    }
    assert_eq!(bench.state(&open), OrderState::Accepted);
    assert_eq!(bench.core.late_inputs(), before + 6);
    bench.fill(fill(&open, "f", "1"));
    assert!(
        decide(&mut bench, &open, Decision::Absent)
            .told()
            .is_empty()
    );
    assert_eq!(bench.state(&open), OrderState::Filled);
}
