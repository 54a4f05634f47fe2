use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use investbot_plugin_api::manifest::VenueClass;
use investbot_plugin_api::{Decimal, NewOrder, OrderStatus, Side};

use super::super::testing::{Behaviour, TestVenue, manifest};
use super::super::{CancelFlag, SendPolicy};
use super::*;
use crate::clock::RunClock;
use crate::engine::retry::Backoff;
use crate::store::InMemoryIdempotencyStore;

/// Answers to orders are whatever the closure says.
struct Placing<F>(F);

impl<F: Fn(&NewOrder) -> Answer<OrderReport> + Send + Sync> Behaviour for Placing<F> {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        (self.0)(order)
    }
}

fn accept(order: &NewOrder) -> OrderReport {
    let (id, open) = (&order.client_order_id, OrderStatus::Open);
    OrderReport::new(
        id,
        "v",
        &order.instrument,
        order.side,
        open,
        order.quantity,
        UnixNanos(1),
    )
}

fn courier(venue: impl Fn(&NewOrder) -> Answer<OrderReport> + Send + Sync + 'static) -> Courier {
    let manifest = manifest(VenueClass::E);
    let backoff = Backoff {
        seed: 0,
        base: Duration::ZERO,
        cap: Duration::ZERO,
    };
    Courier::new(
        Arc::new(TestVenue(Placing(venue))),
        Arc::new(RunClock::simulated()),
        Box::new(InMemoryIdempotencyStore::new(Duration::from_secs(60))),
        SendPolicy::new(&manifest.capabilities, backoff, 1, None),
        CancelFlag::default(),
    )
}

fn submission(key: &str) -> Submission {
    Submission {
        key: key.to_owned(),
        digest: "d".to_owned(),
        place: None,
        order: NewOrder::new(key, "BTC/USD", Side::Buy, Decimal::ONE),
    }
}

fn submissions(count: usize) -> Vec<Submission> {
    (0..count)
        .map(|index| submission(&format!("k{index}")))
        .collect()
}

/// Everything the worker has to tell until it is idle.
fn drain(worker: &mut ExecWorker) -> Vec<WorkerEvent> {
    let mut events = Vec::new();
    worker
        .poll(Duration::ZERO, &mut events)
        .expect("the worker goes on");
    while !worker.is_idle() {
        worker
            .poll(Duration::from_secs(60), &mut events)
            .expect("the worker goes on");
    }
    events
}

fn outcomes(events: &[WorkerEvent]) -> Vec<(&str, &Outcome)> {
    events
        .iter()
        .filter_map(|event| match event {
            WorkerEvent::Outcome {
                client_order_id,
                outcome,
                ..
            } => Some((client_order_id.as_str(), outcome)),
            _ => None,
        })
        .collect()
}

#[test]
fn as_many_are_in_flight_as_may_be_and_never_more() {
    const MAX: usize = 8;
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    // Nobody gets past the barrier before all of them are at the venue at once.
    let barrier = Barrier::new(MAX);
    let (now_in, most_in) = (now.clone(), most.clone());
    let courier = courier(move |order| {
        let here = now_in.fetch_add(1, Ordering::SeqCst) + 1;
        most_in.fetch_max(here, Ordering::SeqCst);
        barrier.wait();
        now_in.fetch_sub(1, Ordering::SeqCst);
        Ok(accept(order))
    });
    let mut worker = ExecWorker::pool(courier, MAX).expect("threads");
    worker.submit(submissions(5 * MAX)).expect("new keys");
    let events = drain(&mut worker);
    assert_eq!(outcomes(&events).len(), 5 * MAX);
    assert_eq!(most.load(Ordering::SeqCst), MAX);
    assert_eq!(worker.room(), MAX);
}

#[test]
fn an_attempt_is_told_before_its_outcome_and_inline_work_keeps_its_order() {
    let mut worker = ExecWorker::inline(courier(|order| Ok(accept(order))));
    worker.submit(submissions(3)).expect("new keys");
    let told: Vec<String> = drain(&mut worker)
        .iter()
        .map(|event| match event {
            WorkerEvent::Attempt {
                client_order_id,
                attempt,
                ..
            } => {
                format!("{client_order_id} attempt {attempt}")
            }
            WorkerEvent::Outcome {
                client_order_id, ..
            } => format!("{client_order_id} outcome"),
            WorkerEvent::Cancel { .. } => "cancel".to_owned(),
        })
        .collect();
    let expected = ["k0", "k1", "k2"]
        .iter()
        .flat_map(|key| [format!("{key} attempt 1"), format!("{key} outcome")])
        .collect::<Vec<_>>();
    assert_eq!(told, expected);
}

#[test]
fn an_order_that_was_settled_is_not_sent_again() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let courier = courier(move |order| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(accept(order))
    });
    let mut worker = ExecWorker::inline(courier);
    worker.submit(vec![submission("a")]).expect("a new key");
    drain(&mut worker);
    let again = worker.submit(vec![submission("a")]);
    assert!(
        matches!(again, Err(WorkerError::SubmittedTwice { .. })),
        "{again:?}"
    );
    assert_eq!(sent.load(Ordering::SeqCst), 1);
}

#[test]
fn a_fault_of_the_host_leaves_the_order_in_doubt_and_the_worker_alive() {
    let mut worker = ExecWorker::pool(courier(|_| panic!("a planted fault")), 2).expect("threads");
    worker.submit(submissions(3)).expect("new keys");
    let events = drain(&mut worker);
    let outcomes = outcomes(&events);
    assert_eq!(outcomes.len(), 3);
    assert!(
        outcomes
            .iter()
            .all(|(_, outcome)| matches!(outcome, Outcome::Unknown { .. }))
    );
}

#[test]
fn a_refused_cancel_comes_back_with_the_order_it_is_about() {
    let mut worker = ExecWorker::pool(courier(|order| Ok(accept(order))), 1).expect("threads");
    worker.cancel(OrderRef::new("BTC/USD", "c")).expect("room");
    let events = drain(&mut worker);
    let [WorkerEvent::Cancel { order, answer, .. }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(order.client_order_id, "c");
    assert!(answer.is_err());
}
