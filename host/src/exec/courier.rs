//! Brings one order to the venue and comes back with what is known about it.
//!
//! It carries out the steps of the order protocol ([`engine::protocol`](crate::engine::protocol)): sends,
//! waits, asks. What the next step is, the protocol says; here is only how it is done.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use investbot_plugin_api::manifest::Capabilities;
use investbot_plugin_api::{
    AdapterError, CancelOrder, ErrorKind, OrderRef, OrderReport, OrderStatus, UnixNanos,
};

use super::CancelFlag;
use crate::clock::Clock;
use crate::engine::protocol::{Asking, Event, Pending, Protocol, RetryPolicy, Step};
use crate::engine::retry::Backoff;
use crate::engine::{Outcome, Submission};
use crate::plugin::{Answer, Venue};
use crate::store::{Claim, Claimed, IdempotencyStore, Settled, Settlement, StoreError};

/// How orders are sent to one venue.
#[derive(Clone, Debug)]
pub struct SendPolicy {
    protocol: Protocol,
    /// How long after an attempt the venue may still accept it; `None` if it enforces no deadline.
    time_to_live: Option<Duration>,
}

impl SendPolicy {
    /// How many queries about one thing may fail before they are given up; an order is held then.
    pub(super) const MAX_QUERIES: u32 = 10;

    /// The policy for a venue of these capabilities.
    #[must_use]
    pub fn new(
        capabilities: &Capabilities,
        backoff: Backoff,
        max_attempts: u32,
        time_to_live: Option<Duration>,
    ) -> Self {
        let retry = RetryPolicy {
            max_attempts,
            max_queries: Self::MAX_QUERIES,
            backoff,
        };
        Self {
            protocol: Protocol::new(capabilities, retry),
            time_to_live,
        }
    }
}

/// What became known about a claimed order.
#[derive(Debug)]
pub struct Delivery {
    /// The claimed attempt that it is about.
    pub attempt: u32,
    /// What is known.
    pub outcome: Outcome,
}

/// Sends orders one at a time; any number of threads may do so at once.
pub struct Courier {
    venue: Arc<dyn Venue>,
    clock: Arc<dyn Clock>,
    store: Mutex<Box<dyn IdempotencyStore>>,
    policy: SendPolicy,
    cancel: CancelFlag,
}

impl Courier {
    /// A courier to `venue`.
    #[must_use]
    pub fn new(
        venue: Arc<dyn Venue>,
        clock: Arc<dyn Clock>,
        store: Box<dyn IdempotencyStore>,
        policy: SendPolicy,
        cancel: CancelFlag,
    ) -> Self {
        Self {
            venue,
            clock,
            store: Mutex::new(store),
            policy,
            cancel,
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        self.clock.now()
    }

    /// The claim of an order's first attempt.
    pub(super) fn first_claim(&self, submission: Submission) -> Claim {
        let Submission {
            key,
            digest,
            mut order,
            ..
        } = submission;
        order.deadline = self.deadline();
        Claim {
            key,
            digest,
            attempt: 1,
            order,
        }
    }

    /// How long to wait before a question is asked again.
    pub(super) const fn backoff(&self) -> &Backoff {
        &self.policy.protocol.retry.backoff
    }

    /// Records attempts; nothing of them may be sent before.
    pub(super) fn claim(&self, claims: &[Claim]) -> Result<Vec<Claimed>, StoreError> {
        self.with_store(|store, now| store.claim(claims, now))
    }

    /// Records what became known.
    pub(super) fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        self.with_store(|store, now| store.settle(settlements, now))
    }

    fn with_store<R>(&self, act: impl FnOnce(&mut dyn IdempotencyStore, UnixNanos) -> R) -> R {
        // A store whose user panicked is as it was before or after a whole batch.
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        act(store.as_mut(), self.now())
    }

    /// T of an attempt that is claimed now.
    fn deadline(&self) -> Option<UnixNanos> {
        self.policy
            .time_to_live
            .map(|time_to_live| self.now().after(time_to_live))
    }

    /// Asks the venue to cancel an order, once. What a lost answer means shows when the order is looked
    /// after.
    pub(super) fn cancel(&self, cancel: &CancelOrder) -> Answer<OrderReport> {
        self.venue.cancel(cancel)
    }

    /// Sends a claimed order and does what the protocol says until something is known. `on_send` hears
    /// of every send just before it happens.
    pub(super) fn deliver(
        &self,
        claim: &Claim,
        on_send: &mut dyn FnMut(u32, UnixNanos),
    ) -> Result<Delivery, StoreError> {
        let mut claim = Cow::Borrowed(claim);
        let mut pending = Progress::new(&claim, self.now());
        let mut step = self.send(&claim, &mut pending, on_send);
        loop {
            step = match step {
                Step::Done(outcome) => {
                    return Ok(Delivery {
                        attempt: claim.attempt,
                        outcome,
                    });
                }
                Step::Resend { attempt, at } => {
                    if !self.wait_until(at) {
                        return Ok(interrupted(&claim, pending.in_doubt));
                    }
                    pending.sends = attempt;
                    self.send(&claim, &mut pending, on_send)
                }
                Step::NextAttempt { attempt, at } => {
                    // Proven absent: recorded before the next attempt is.
                    if !self.wait_until(at) {
                        return Ok(interrupted(&claim, false));
                    }
                    claim = Cow::Owned(self.next_claim(claim.into_owned())?);
                    pending.next_attempt(attempt);
                    self.send(&claim, &mut pending, on_send)
                }
                Step::Query { at } => {
                    if !self.wait_until(at) {
                        return Ok(interrupted(&claim, true));
                    }
                    self.ask(&claim, &mut pending)
                }
            };
        }
    }

    fn next_claim(&self, mut claim: Claim) -> Result<Claim, StoreError> {
        let absent = Settlement {
            key: claim.key.clone(),
            attempt: claim.attempt,
            settled: Settled::Absent,
        };
        self.settle(&[absent])?;
        claim.attempt += 1;
        claim.order.deadline = self.deadline();
        self.claim(std::slice::from_ref(&claim))?;
        Ok(claim)
    }

    /// One request, and what follows from its answer.
    fn send(
        &self,
        claim: &Claim,
        pending: &mut Progress,
        on_send: &mut dyn FnMut(u32, UnixNanos),
    ) -> Step {
        let now = self.now();
        on_send(pending.sends, now);
        // The venue would refuse it, or worse: accept it after the host has begun to prove it absent.
        let answer = match claim.order.deadline {
            Some(deadline) if now >= deadline => Err(AdapterError::not_sent(
                ErrorKind::DeadlinePassed,
                "the order's deadline passed before it was sent",
            )),
            _ => self.venue.place(&claim.order),
        };
        let event = match &answer {
            Ok(report) => match mismatch(report, &claim.order) {
                None => Event::Placed(report),
                Some(error) => return self.next(claim, pending, &Event::PlaceFailed(&error)),
            },
            Err(error) => Event::PlaceFailed(error),
        };
        self.next(claim, pending, &event)
    }

    /// One query, and what follows from its answer.
    fn ask(&self, claim: &Claim, pending: &mut Progress) -> Step {
        let order = OrderRef::new(&claim.order.instrument, &claim.order.client_order_id);
        let began_at = self.now();
        match self.look_up(&order) {
            Ok(Some(report)) => match mismatch(&report, &claim.order) {
                None => self.next(claim, pending, &Event::Found(&report)),
                Some(error) => self.query_failed(claim, pending, &error),
            },
            Ok(None) => self.next(claim, pending, &Event::NotFound { began_at }),
            Err(error) => self.query_failed(claim, pending, &error),
        }
    }

    fn query_failed(&self, claim: &Claim, pending: &mut Progress, error: &AdapterError) -> Step {
        let step = self.next(claim, pending, &Event::QueryFailed(error));
        pending.failed_queries += 1;
        step
    }

    fn look_up(&self, order: &OrderRef) -> Answer<Option<OrderReport>> {
        if self.policy.protocol.asking != Asking::OpenOnly {
            return self.venue.order(order);
        }
        let book = self.venue.open_orders()?;
        let found = book
            .orders
            .into_iter()
            .find(|report| report.client_order_id == order.client_order_id);
        match found {
            None if !book.complete => Err(AdapterError::not_sent(
                ErrorKind::Protocol,
                "the venue's list of open orders was not complete",
            )),
            found => Ok(found),
        }
    }

    fn next(&self, claim: &Claim, pending: &mut Progress, event: &Event<'_>) -> Step {
        let order = Pending {
            key: &claim.key,
            attempt: pending.sends,
            first_sent: pending.first_sent,
            deadline: claim.order.deadline,
            in_doubt: pending.in_doubt,
            failed_queries: pending.failed_queries,
        };
        let step = self.policy.protocol.next(&order, event, self.now());
        pending.in_doubt = step.leaves_doubt();
        step
    }

    /// False if the run is being given up meanwhile.
    fn wait_until(&self, at: UnixNanos) -> bool {
        let cancelled = || self.cancel.load(Ordering::Acquire);
        // A clock that others move too may come up short.
        loop {
            let wait = at.since(self.now());
            if !self.clock.sleep(wait, &cancelled) {
                return false;
            }
            if self.now() >= at {
                return true;
            }
        }
    }
}

/// Where an order is between its first send and its outcome.
struct Progress {
    /// Requests so far, this one included: attempts, and resends of one attempt to a venue that dedupes.
    sends: u32,
    first_sent: UnixNanos,
    in_doubt: bool,
    failed_queries: u32,
}

impl Progress {
    const fn new(claim: &Claim, now: UnixNanos) -> Self {
        Self {
            sends: claim.attempt,
            first_sent: now,
            in_doubt: false,
            failed_queries: 0,
        }
    }

    const fn next_attempt(&mut self, sends: u32) {
        self.sends = sends;
        self.in_doubt = false;
        self.failed_queries = 0;
    }
}

/// What is left of an order that nobody waits for any longer.
fn interrupted(claim: &Claim, in_doubt: bool) -> Delivery {
    let outcome = if in_doubt {
        Outcome::Unknown {
            text: "the run was stopped before the venue told what became of the order".into(),
        }
    } else {
        Outcome::Abandoned {
            text: "the run was stopped between two attempts; nothing is at the venue".into(),
        }
    };
    Delivery {
        attempt: claim.attempt,
        outcome,
    }
}

/// A venue that answers with another order than the one it was asked about has told nothing.
fn mismatch(report: &OrderReport, order: &investbot_plugin_api::NewOrder) -> Option<AdapterError> {
    let what = if report.client_order_id != order.client_order_id {
        format!("client order id {}", report.client_order_id)
    } else if report.instrument != order.instrument {
        format!("instrument {}", report.instrument)
    } else if report.side != order.side {
        format!("side {}", report.side)
    } else if report.quantity != order.quantity && report.status != OrderStatus::Rejected {
        format!("quantity {}", report.quantity)
    } else {
        return None;
    };
    let text = format!("the venue answered with another order: {what}");
    Some(AdapterError::unknown(ErrorKind::Protocol, text))
}

#[cfg(test)]
mod tests;
