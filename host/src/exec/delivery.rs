//! One order on its way to the venue: what is to be done next, and when.
//!
//! It carries out the steps of the order protocol ([`engine::protocol`](crate::engine::protocol)) without
//! doing anything itself: it says which request is due, is told the answer, and says what is known then.

use investbot_plugin_api::{
    AdapterError, ErrorKind, NewOrder, OrderRef, OrderReport, OrderStatus, UnixNanos,
};

use super::policy::SendPolicy;
use crate::engine::governor::Sending;
use crate::engine::protocol::{Event, Pending, Step};
use crate::engine::{Outcome, Submission};
use crate::plugin::Answer;
use crate::store::record::Claim;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The attempt is to be recorded.
    Claim,
    /// The recorded attempt is to be sent.
    Send,
    /// The venue is to be asked about the order.
    Ask,
    /// Nothing: a request is under way.
    Wait,
}

/// What an answer came to.
#[derive(Debug)]
pub(super) enum Learned {
    /// The order goes on.
    Nothing,
    /// The order goes on, and nobody knows whether it lives.
    Doubt(String),
    /// This is what became of it.
    End(Outcome),
}

/// One order on its way.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) claim: Claim,
    pub(super) next: Next,
    /// The earliest moment for what is next.
    pub(super) at: UnixNanos,
    /// The attempt before this one is proven absent, and that is not recorded yet.
    pub(super) absent: bool,
    /// The governor has let this attempt through.
    pub(super) granted: bool,
    /// The venue is asked before the order is sent: an earlier process may have sent it.
    asks_first: bool,
    /// Requests so far, this one included: attempts, and resends of one attempt to a venue that dedupes.
    sends: u32,
    first_sent: UnixNanos,
    in_doubt: bool,
    /// Whether the doubt was told.
    told_doubt: bool,
    /// When an earlier process's order was taken over; `None` once this process sends it. Waits are for a
    /// venue that has just failed.
    inherited_at: Option<UnixNanos>,
    failed_queries: u32,
}

impl Delivery {
    /// An order that is to be sent.
    pub(super) fn new(submission: Submission, asks_first: bool, now: UnixNanos) -> Self {
        let Submission {
            key,
            digest,
            place,
            order,
        } = submission;
        let claim = Claim {
            key,
            digest,
            place,
            attempt: 1,
            order,
        };
        Self {
            asks_first,
            ..Self::of(claim, now)
        }
    }

    /// An order that an earlier process may have sent.
    pub(super) fn inherited(claim: Claim, policy: &SendPolicy, now: UnixNanos) -> (Self, Learned) {
        let mut delivery = Self {
            next: Next::Wait,
            sends: claim.attempt,
            // When is not known; so long ago that no venue need remember it.
            first_sent: UnixNanos(i64::MIN),
            in_doubt: true,
            // Whoever takes it over tells of it.
            told_doubt: true,
            inherited_at: Some(now),
            ..Self::of(claim, now)
        };
        let learned = delivery.take(&Event::Interrupted, policy, now);
        (delivery, learned)
    }

    /// An order that is to be claimed now.
    const fn of(claim: Claim, now: UnixNanos) -> Self {
        Self {
            next: Next::Claim,
            at: now,
            absent: false,
            granted: false,
            asks_first: false,
            sends: claim.attempt,
            first_sent: now,
            in_doubt: false,
            told_doubt: false,
            inherited_at: None,
            failed_queries: 0,
            claim,
        }
    }

    /// An order whose last attempt is recorded as absent.
    pub(super) fn after_absent(mut claim: Claim, now: UnixNanos) -> Self {
        claim.attempt += 1;
        Self::of(claim, now)
    }

    /// The attempt is recorded now, and may be sent.
    pub(super) fn claimed(&mut self, policy: &SendPolicy, now: UnixNanos) {
        self.claim.order.deadline = policy.deadline(now);
        self.absent = false;
        self.asks_first &= policy.protocol.asks_before_sending();
        self.next = if self.asks_first {
            Next::Ask
        } else {
            Next::Send
        };
        self.at = now;
        if self.claim.attempt == 1 {
            self.first_sent = now;
        }
    }

    /// What the next request is to whoever counts them.
    pub(super) const fn sending(&self) -> Sending {
        match self.next {
            Next::Ask | Next::Wait => Sending::Read,
            Next::Claim | Next::Send if self.sends > 1 => Sending::Retry,
            Next::Claim | Next::Send => Sending::First,
        }
    }

    /// Before when the next request has to be made: a venue recognises an order that is sent again only for so
    /// long, and the process may stand still between the decision and the send.
    pub(super) fn send_before(&self, policy: &SendPolicy) -> Option<UnixNanos> {
        let protocol = &policy.protocol;
        self.in_doubt
            .then(|| protocol.resend_before(self.first_sent))?
    }

    /// What names the order at the venue.
    pub(super) fn reference(&self) -> OrderRef {
        OrderRef::new(
            &self.claim.order.instrument,
            &self.claim.order.client_order_id,
        )
    }

    /// The venue answered to the order itself.
    pub(super) fn placed(
        &mut self,
        answer: &Answer<OrderReport>,
        policy: &SendPolicy,
        now: UnixNanos,
    ) -> Learned {
        match answer {
            Ok(report) => match mismatch(report, &self.claim.order) {
                None => self.take(&Event::Placed(report), policy, now),
                Some(error) => self.take(&Event::PlaceFailed(&error), policy, now),
            },
            Err(error) => self.take(&Event::PlaceFailed(error), policy, now),
        }
    }

    /// The venue answered to a question about the order that was asked at `began_at`.
    pub(super) fn asked(
        &mut self,
        answer: Answer<Option<OrderReport>>,
        began_at: UnixNanos,
        policy: &SendPolicy,
        now: UnixNanos,
    ) -> Learned {
        match answer {
            Ok(Some(report)) => match mismatch(&report, &self.claim.order) {
                None => self.take(&Event::Found(&report), policy, now),
                Some(error) => self.query_failed(&error, policy, now),
            },
            Ok(None) if self.asks_first => {
                self.asks_first = false;
                self.failed_queries = 0;
                self.next = Next::Send;
                self.at = now;
                Learned::Nothing
            }
            Ok(None) => self.take(&Event::NotFound { began_at }, policy, now),
            Err(error) => self.query_failed(&error, policy, now),
        }
    }

    fn query_failed(
        &mut self,
        error: &AdapterError,
        policy: &SendPolicy,
        now: UnixNanos,
    ) -> Learned {
        let learned = self.take(&Event::QueryFailed(error), policy, now);
        self.failed_queries += 1;
        learned
    }

    fn take(&mut self, event: &Event<'_>, policy: &SendPolicy, now: UnixNanos) -> Learned {
        let order = Pending {
            key: &self.claim.key,
            attempt: self.sends,
            first_sent: self.first_sent,
            deadline: self.claim.order.deadline,
            inherited_at: self.inherited_at,
            in_doubt: self.in_doubt,
            failed_queries: self.failed_queries,
        };
        let step = policy.protocol.next(&order, event, now);
        self.in_doubt = step.leaves_doubt();
        match step {
            Step::Done(outcome) => return Learned::End(outcome),
            Step::Resend { attempt, at } => {
                self.sends = attempt;
                self.wait_for_turn(Next::Send, at, now);
            }
            Step::Query { at } => self.wait_for(Next::Ask, at),
            Step::NextAttempt { attempt, at } => {
                self.sends = attempt;
                self.absent = true;
                self.failed_queries = 0;
                self.wait_for_turn(Next::Claim, at, now);
            }
        }
        if self.in_doubt && !self.asks_first && !self.told_doubt {
            self.told_doubt = true;
            return Learned::Doubt(why(event));
        }
        Learned::Nothing
    }

    /// Waits before the order is sent again; not at all if this process has not sent it yet.
    const fn wait_for_turn(&mut self, next: Next, at: UnixNanos, now: UnixNanos) {
        let at = if self.inherited_at.is_none() { at } else { now };
        self.inherited_at = None;
        self.wait_for(next, at);
    }

    const fn wait_for(&mut self, next: Next, at: UnixNanos) {
        self.next = next;
        self.at = at;
    }
}

/// Why nobody knows whether the order lives.
fn why(event: &Event<'_>) -> String {
    match event {
        Event::PlaceFailed(error) | Event::QueryFailed(error) => error.to_string(),
        Event::Interrupted => "the process ended before the venue answered".to_owned(),
        Event::Placed(_) | Event::Found(_) | Event::NotFound { .. } => {
            "the venue's answer settles nothing".to_owned()
        }
    }
}

/// A venue that answers with another order than the one it was asked about has told nothing.
fn mismatch(report: &OrderReport, order: &NewOrder) -> Option<AdapterError> {
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
