use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use investbot_plugin_api::manifest::VenueClass;
use investbot_plugin_api::{
    AdapterError, Decimal, Effect, ErrorKind, NewOrder, OrderRef, OrderReport, OrderStatus, Side,
    UnixNanos,
};

use super::driver::Driver;
use crate::clock::RunClock;
use crate::engine::Outcome;
use crate::engine::protocol::Asking;
use crate::exec::hands::{Hand, Hands, Request};
use crate::exec::testing::{Behaviour, TestVenue, manifest};
use crate::plugin::Answer;
use crate::store::record::Record;

/// Answers to orders are whatever the closure says.
struct Placing<F>(F);

impl<F: Fn(&NewOrder) -> Answer<OrderReport> + Send + Sync> Behaviour for Placing<F> {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        (self.0)(order)
    }
}

fn accept(order: &NewOrder) -> OrderReport {
    OrderReport::new(
        &order.client_order_id,
        "v",
        &order.instrument,
        order.side,
        OrderStatus::Open,
        order.quantity,
        UnixNanos(1),
    )
}

fn driver(
    venue: impl Fn(&NewOrder) -> Answer<OrderReport> + Send + Sync + 'static,
    threads: usize,
) -> Driver {
    let venue = Arc::new(TestVenue(Placing(venue)));
    let clock = Arc::new(RunClock::simulated());
    let driver = Driver::new(venue.clone(), clock, &manifest(VenueClass::E), None);
    if threads == 0 {
        driver
    } else {
        driver.pool(venue, threads)
    }
}

#[test]
fn as_many_are_in_flight_as_may_be_and_never_more() {
    const MAX: usize = 8;
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    // Nobody gets past the barrier before all of them are at the venue at once.
    let barrier = Barrier::new(MAX);
    let (now_in, most_in) = (now.clone(), most.clone());
    let place = move |order: &NewOrder| {
        let here = now_in.fetch_add(1, Ordering::SeqCst) + 1;
        most_in.fetch_max(here, Ordering::SeqCst);
        barrier.wait();
        now_in.fetch_sub(1, Ordering::SeqCst);
        Ok(accept(order))
    };
    let mut driver = driver(place, MAX);
    for index in 0..5 * MAX {
        driver.submit(&format!("k{index}"));
    }
    assert_eq!(driver.run().len(), 5 * MAX);
    assert_eq!(most.load(Ordering::SeqCst), MAX);
}

#[test]
fn requests_in_line_keep_their_order() {
    let mut driver = driver(|order| Ok(accept(order)), 0);
    for name in ["a", "b", "c"] {
        driver.submit(name);
    }
    let names: Vec<_> = driver.run().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_fault_of_the_host_leaves_the_order_to_a_person_and_the_worker_alive() {
    let mut driver = driver(|_| panic!("a planted fault"), 2);
    for name in ["a", "b", "c"] {
        driver.submit(name);
    }
    let outcomes = driver.run();
    assert_eq!(outcomes.len(), 3);
    assert!(
        outcomes
            .iter()
            .all(|(_, outcome)| matches!(outcome, Outcome::Held { .. })),
        "{outcomes:?}"
    );
}

#[test]
fn a_refused_cancel_comes_back_with_the_order_it_is_about() {
    let mut driver = driver(|order| Ok(accept(order)), 1);
    driver.worker.cancel(OrderRef::new("BTC/USD", "c"));
    driver.run();
    let [Record::CancelFailed(failed)] = driver.told.as_slice() else {
        panic!("{:?}", driver.told);
    };
    assert_eq!(failed.client_order_id, "c");
}

#[test]
fn what_waits_for_a_sick_venue_lets_the_others_pass() {
    let calls = AtomicUsize::new(0);
    let place = move |order: &NewOrder| {
        let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        if first {
            let kind = investbot_plugin_api::ErrorKind::Network;
            return Err(investbot_plugin_api::AdapterError::not_sent(kind, "down"));
        }
        Ok(accept(order))
    };
    let mut driver = driver(place, 0);
    for name in ["a", "b"] {
        driver.submit(name);
    }
    let names: Vec<_> = driver.run().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["b", "a"], "a waits before it is sent again");
}

/// Where a window of recognised ids closes while the process stands still, a resend would be a second order: the
/// clock is looked at just before the request.
#[test]
fn what_may_only_be_sent_before_a_moment_is_not_sent_after_it() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let place = move |order: &NewOrder| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(accept(order))
    };
    let clock = Arc::new(RunClock::simulated());
    clock.advance_to(UnixNanos(10));
    let venue = Arc::new(TestVenue(Placing(place)));
    let mut hands = Hands::inline(Hand::new(venue, clock, Asking::Nothing));
    let order = NewOrder::new("a", "BTC/USD", Side::Buy, Decimal::ONE);
    for (before, sent) in [(Some(10), 0), (Some(11), 1), (None, 2)] {
        hands
            .give(Request::Place {
                ticket: 1,
                order: order.clone(),
                before: before.map(UnixNanos),
            })
            .expect("there are no threads to be lost");
        let answers = hands.poll(Duration::ZERO).expect("nor here");
        assert_eq!(calls.load(Ordering::SeqCst), sent, "{before:?}");
        let error = answers[0].error();
        let kind = error.map(|error| (error.kind, error.effect));
        let too_late = (ErrorKind::DeadlinePassed, Effect::NotSent);
        assert_eq!(kind, (sent == 0).then_some(too_late));
    }
}

/// A store tells by an order's place whether it may have been sent, so that no order may pass an earlier one's first
/// attempt: one that the governor held back was passed by the next.
#[test]
fn no_first_attempt_passes_an_earlier_one_that_the_governor_holds_back() {
    let placed = Arc::new(Mutex::new(Vec::new()));
    let names = placed.clone();
    let place = move |order: &NewOrder| {
        let mut names = names.lock().expect("nobody panicked");
        names.push(order.client_order_id.clone());
        if names.len() == 1 {
            let error = AdapterError::not_sent(ErrorKind::RateLimited, "too many requests");
            return Err(error.with_retry_after(Duration::from_secs(1)));
        }
        Ok(accept(order))
    };
    let mut driver = driver(place, 0);
    for name in ["a", "b", "c"] {
        driver.submit(name);
    }
    driver.run();
    let mut first = placed.lock().expect("nobody panicked").clone();
    let mut seen = BTreeSet::new();
    first.retain(|name| seen.insert(name.clone()));
    assert_eq!(first, ["a", "b", "c"]);
}
