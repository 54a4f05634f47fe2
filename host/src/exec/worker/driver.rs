//! Drives a worker as the desk does, without a core: for tests that are about the way of an order alone.

use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::manifest::Manifest;
use investbot_plugin_api::{Decimal, NewOrder, Side};

use super::ExecWorker;
use crate::clock::{Clock as _, RunClock};
use crate::engine::retry::Backoff;
use crate::engine::{Outcome, SourcePlace, Submission};
use crate::exec::hands::{Hand, Hands};
use crate::exec::inputs;
use crate::exec::policy::SendPolicy;
use crate::plugin::Venue;
use crate::store::record::Record;
use crate::store::{IdempotencyStore, InMemoryIdempotencyStore};

pub(super) struct Driver {
    pub(super) worker: ExecWorker,
    hands: Hands,
    clock: Arc<RunClock>,
    store: InMemoryIdempotencyStore,
    submitted: u64,
    /// Everything that became known, in order.
    pub(super) told: Vec<Record<'static>>,
}

impl Driver {
    /// A worker that makes its requests one after another.
    pub(super) fn new(
        venue: Arc<dyn Venue>,
        clock: Arc<RunClock>,
        manifest: &Manifest,
        time_to_live: Option<Duration>,
    ) -> Self {
        let backoff = Backoff {
            seed: 1,
            base: Duration::from_millis(100),
            cap: Duration::from_millis(10_000),
        };
        let policy = SendPolicy::new(&manifest.capabilities, backoff, 4, time_to_live);
        let hand = Hand::new(venue, clock.clone(), policy.protocol.asking);
        Self {
            worker: ExecWorker::new(policy, 1),
            hands: Hands::inline(hand),
            clock,
            store: InMemoryIdempotencyStore::new(Duration::from_secs(3600)),
            submitted: 0,
            told: Vec::new(),
        }
    }

    /// The same with as many threads as may be in flight.
    pub(super) fn pool(mut self, venue: Arc<dyn Venue>, threads: usize) -> Self {
        let policy = self.worker.policy().clone();
        let hand = Hand::new(venue, self.clock.clone(), policy.protocol.asking);
        self.hands = Hands::pool(hand, threads).expect("threads");
        self.worker = ExecWorker::new(policy, threads);
        self
    }

    /// Takes up an order whose key and client order id are `name`.
    pub(super) fn submit(&mut self, name: &str) {
        self.submitted += 1;
        let submission = Submission {
            key: name.to_owned(),
            digest: "d".to_owned(),
            place: Some(SourcePlace {
                position: self.submitted,
                index: 0,
            }),
            order: NewOrder::new(name, "BTC/USD", Side::Buy, Decimal::ONE),
        };
        self.worker.submit(submission, self.clock.now());
    }

    /// Goes on until nothing is on its way; what became of each order.
    pub(super) fn run(&mut self) -> Vec<(String, Outcome)> {
        while !self.worker.is_idle() {
            self.turn();
        }
        let ends = self.told.iter().filter_map(|record| match record {
            Record::Outcome(known) => match known.outcome.as_ref() {
                Outcome::Unknown { .. } => None,
                outcome => Some((known.client_order_id.to_string(), outcome.clone())),
            },
            _ => None,
        });
        ends.collect()
    }

    fn turn(&mut self) {
        if let (false, Some(due)) = (self.worker.awaits_answers(), self.worker.next_due()) {
            self.clock.advance_to(due);
        }
        for attempt in self.worker.attempts(self.clock.now()) {
            if let Some(number) = attempt.absent {
                self.keep(inputs::absent(&attempt.claim, number).into_owned());
            }
            self.keep(Record::Attempt(std::borrow::Cow::Owned(attempt.claim)));
        }
        self.store.commit().expect("memory does not fail");
        for request in self.worker.requests(self.clock.now()) {
            self.hands.give(request).expect("the threads live");
        }
        let patience = Duration::from_secs(60);
        for answer in self.hands.poll(patience).expect("the threads live") {
            if let Some(record) = self.worker.answered(answer, self.clock.now()) {
                self.keep(record.clone());
                self.told.push(record);
            }
        }
    }

    /// The store objects to whatever the protocol forbids.
    fn keep(&mut self, record: Record<'static>) {
        self.store
            .stage(record, self.clock.now())
            .expect("the protocol is kept");
    }
}
