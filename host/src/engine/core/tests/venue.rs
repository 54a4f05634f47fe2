//! What the venue tells, and what it does to orders and books.

use super::*;

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

/// A query was answered with an order of the same name and another quantity, and the books called the order filled
/// that had been cancelled.
#[test]
fn a_report_of_another_quantity_is_about_another_order() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    let other = report(&id, OrderStatus::Filled, "2");
    assert!(bench.core.is_about_another(&other));
    assert_eq!(bench.order(other).told(), ["CONFLICT"]);
    assert_eq!(bench.state(&id), OrderState::Held);
    assert!(
        !bench
            .core
            .is_about_another(&report(&id, OrderStatus::Filled, "1.0"))
    );
    let stranger = report("other", OrderStatus::Filled, "2");
    assert!(
        !bench.core.is_about_another(&stranger),
        "nothing is known of it"
    );
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
