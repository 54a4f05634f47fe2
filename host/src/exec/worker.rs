//! ExecWorker: the orders that are on their way, and which request is due for which of them.
//!
//! It makes no request and writes no journal itself. Whoever drives it records what
//! [`attempts`](ExecWorker::attempts) gives, makes it durable, and only then makes the requests that
//! [`requests`](ExecWorker::requests) gives. How an attempt ends is the protocol's business, what an order
//! means is the core's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;

use investbot_plugin_api::{OrderRef, UnixNanos};

use super::delivery::{Delivery, Learned, Next};
use super::hands::{Answered, Request};
use super::inputs;
use super::policy::SendPolicy;
use crate::engine::governor::{Governor, Limits, Sending};
use crate::engine::{Outcome, Submission};
use crate::planted::{self, Bug};
use crate::store::record::{Claim, Record};

/// An attempt that is about to be made.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The attempt before it, if that is proven absent.
    pub absent: Option<u32>,
    /// The attempt.
    pub claim: Claim,
}

/// The orders that are on their way.
#[derive(Debug)]
pub struct ExecWorker {
    policy: SendPolicy,
    /// By ticket, which counts the orders taken up.
    deliveries: BTreeMap<u64, Delivery>,
    due: BTreeSet<(UnixNanos, u64)>,
    cancels: VecDeque<OrderRef>,
    /// When cancels may be sent.
    cancels_at: UnixNanos,
    /// Spares the venue.
    governor: Governor,
    tickets: u64,
    /// Requests given out and not yet answered.
    under_way: usize,
    /// Orders that were taken up and not yet attempted, by ticket. Their first attempts are made in this order,
    /// whatever else happens: a store knows by an order's place whether it may have been sent.
    fresh: VecDeque<u64>,
    /// When the first of them may be attempted.
    fresh_at: UnixNanos,
    max_in_flight: usize,
    asks_first: bool,
    /// No attempt can be recorded any more.
    gave_up: bool,
}

impl ExecWorker {
    /// A worker with up to `max_in_flight` requests under way at once.
    #[must_use]
    pub fn new(policy: SendPolicy, max_in_flight: usize) -> Self {
        Self {
            policy,
            deliveries: BTreeMap::new(),
            due: BTreeSet::new(),
            cancels: VecDeque::new(),
            cancels_at: UnixNanos(i64::MIN),
            governor: Governor::new(&Limits::default()),
            tickets: 0,
            under_way: 0,
            fresh: VecDeque::new(),
            fresh_at: UnixNanos(i64::MIN),
            max_in_flight: if max_in_flight == 0 { 1 } else { max_in_flight },
            asks_first: false,
            gave_up: false,
        }
    }

    /// How orders are sent.
    #[must_use]
    pub const fn policy(&self) -> &SendPolicy {
        &self.policy
    }

    /// Whether orders that are taken up from now on are looked up before they are sent: an earlier
    /// process may have sent them.
    pub const fn ask_first(&mut self, asks_first: bool) {
        self.asks_first = asks_first;
    }

    /// Whether orders were taken up that were not attempted yet.
    #[must_use]
    pub fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Whether nothing is under way and nothing is waiting.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.deliveries.is_empty() && self.cancels.is_empty() && self.under_way == 0
    }

    /// Whether less is under way, or waits to be sent for the first time, than may be under way. What waits
    /// for a venue to be well again keeps nobody else waiting.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.under_way + self.fresh.len() < self.max_in_flight
    }

    /// Whether answers are awaited.
    #[must_use]
    pub const fn awaits_answers(&self) -> bool {
        self.under_way > 0
    }

    /// When something is due next; `None` if only answers are awaited, or have to be before anything else.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixNanos> {
        if self.under_way >= self.max_in_flight {
            return None;
        }
        let first = self.due.first().map(|(at, _)| *at);
        let cancels = (!self.cancels.is_empty()).then_some(self.cancels_at);
        let fresh = (!self.fresh.is_empty()).then_some(self.fresh_at);
        first.into_iter().chain(cancels).chain(fresh).min()
    }

    /// Takes an order up.
    pub fn submit(&mut self, submission: Submission, now: UnixNanos) {
        if self.gave_up {
            return;
        }
        let delivery = Delivery::new(submission, self.asks_first, now);
        self.tickets += 1;
        self.fresh.push_back(self.tickets);
        self.deliveries.insert(self.tickets, delivery);
    }

    /// Takes up an order that an earlier process claimed; what is known of it already.
    pub fn inherit(&mut self, claim: Claim, now: UnixNanos) -> Option<Record<'static>> {
        let (delivery, learned) = Delivery::inherited(claim, &self.policy, now);
        self.conclude(delivery, learned)
    }

    /// Goes on with an order whose last attempt an earlier process proved absent.
    pub fn go_on(&mut self, claim: Claim, now: UnixNanos) {
        self.keep(Delivery::after_absent(claim, now));
    }

    /// Asks the venue to cancel an order.
    pub fn cancel(&mut self, order: OrderRef) {
        self.cancels.push_back(order);
    }

    /// The attempts that are due and find room, oldest first. They are to be made durable before
    /// [`requests`](Self::requests) is called.
    pub fn attempts(&mut self, now: UnixNanos) -> Vec<Attempt> {
        let room = self.max_in_flight.saturating_sub(self.under_way);
        let tickets = self.due_for(now, |next| next == Next::Claim);
        let mut attempts = Vec::new();
        for ticket in tickets {
            if attempts.len() >= room {
                break;
            }
            // A claim sets the deadline, so it is let through with the send that follows it.
            if self.is_let_through(ticket, now) {
                attempts.extend(self.attempt(ticket, now));
            }
        }
        while attempts.len() < room && !self.fresh.is_empty() {
            if let Err(not_before) = self.governor.may_send(Sending::First, now) {
                self.fresh_at = not_before;
                if planted::is(Bug::LaterOrderFirst) {
                    self.fresh.rotate_left(1);
                }
                break;
            }
            let ticket = self.fresh.pop_front();
            attempts.extend(ticket.and_then(|ticket| self.attempt(ticket, now)));
        }
        attempts
    }

    /// Whether a request that is due may be made now; if not, it is due when it may be.
    fn is_let_through(&mut self, ticket: u64, now: UnixNanos) -> bool {
        let Some(delivery) = self.deliveries.get_mut(&ticket) else {
            return false;
        };
        if mem::take(&mut delivery.granted) && delivery.next == Next::Send {
            return true;
        }
        let Err(not_before) = self.governor.may_send(delivery.sending(), now) else {
            return true;
        };
        self.due.remove(&(delivery.at, ticket));
        delivery.at = not_before;
        self.due.insert((delivery.at, ticket));
        false
    }

    fn attempt(&mut self, ticket: u64, now: UnixNanos) -> Option<Attempt> {
        let delivery = self.deliveries.get_mut(&ticket)?;
        self.due.remove(&(delivery.at, ticket));
        let absent = delivery.absent.then_some(delivery.claim.attempt);
        if absent.is_some() {
            delivery.claim.attempt += 1;
        }
        delivery.claimed(&self.policy, now);
        delivery.granted = true;
        self.due.insert((delivery.at, ticket));
        let claim = delivery.claim.clone();
        Some(Attempt { absent, claim })
    }

    /// The requests that are due and find room.
    pub fn requests(&mut self, now: UnixNanos) -> Vec<Request> {
        let room = self.max_in_flight.saturating_sub(self.under_way);
        let mut requests = Vec::new();
        while requests.len() < room && !self.cancels.is_empty() {
            if let Err(not_before) = self.governor.may_send(Sending::First, now) {
                self.cancels_at = not_before;
                break;
            }
            requests.extend(self.cancels.pop_front().map(Request::Cancel));
        }
        let tickets = self.due_for(now, |next| matches!(next, Next::Send | Next::Ask));
        for ticket in tickets {
            if requests.len() >= room {
                break;
            }
            if self.is_let_through(ticket, now) {
                requests.extend(self.request(ticket));
            }
        }
        self.under_way += requests.len();
        requests
    }

    fn request(&mut self, ticket: u64) -> Option<Request> {
        let delivery = self.deliveries.get_mut(&ticket)?;
        self.due.remove(&(delivery.at, ticket));
        Some(match mem::replace(&mut delivery.next, Next::Wait) {
            Next::Ask => Request::Ask {
                ticket,
                order: delivery.reference(),
            },
            _ => Request::Place {
                ticket,
                order: delivery.claim.order.clone(),
                before: delivery.send_before(&self.policy),
            },
        })
    }

    /// Takes in an answer; what is known now, if anything.
    pub fn answered(&mut self, answered: Answered, now: UnixNanos) -> Option<Record<'static>> {
        self.under_way -= 1;
        self.governor
            .heard(answered.error().map_or(Ok(()), Err), now);
        let (ticket, learned) = match answered {
            Answered::Cancelled { order, answer } => return Some(inputs::cancelled(order, answer)),
            Answered::Placed { ticket, answer } => {
                let delivery = self.deliveries.get_mut(&ticket)?;
                (ticket, delivery.placed(&answer, &self.policy, now))
            }
            Answered::Asked {
                ticket,
                began_at,
                answer,
            } => {
                let delivery = self.deliveries.get_mut(&ticket)?;
                (ticket, delivery.asked(answer, began_at, &self.policy, now))
            }
        };
        let delivery = self.deliveries.remove(&ticket)?;
        self.conclude_as(ticket, delivery, learned)
    }

    /// From now on no attempt can be recorded. Orders whose attempts could not be, and those that wait for one,
    /// are forgotten: the journal knows what there is to know of them. What was sent is still found out about.
    pub fn give_up_attempts(&mut self, unrecorded: &[String]) {
        self.gave_up = true;
        self.fresh.clear();
        let due = &mut self.due;
        self.deliveries.retain(|ticket, delivery| {
            let waits = delivery.next == Next::Claim || unrecorded.contains(&delivery.claim.key);
            if waits {
                due.remove(&(delivery.at, *ticket));
            }
            !waits
        });
    }

    /// Nothing can be asked of the venue any more. What is not under way is forgotten as it is: wanted, in doubt or to
    /// be cancelled. A later process goes on with it.
    pub fn leave_the_rest(&mut self) {
        self.gave_up = true;
        self.fresh.clear();
        self.cancels.clear();
        self.due.clear();
        self.deliveries
            .retain(|_, delivery| delivery.next == Next::Wait);
    }

    fn due_for(&self, now: UnixNanos, wanted: impl Fn(Next) -> bool) -> Vec<u64> {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        due.filter(|(_, ticket)| {
            let delivery = self.deliveries.get(ticket);
            delivery.is_some_and(|delivery| wanted(delivery.next))
        })
        .map(|(_, ticket)| *ticket)
        .collect()
    }

    fn keep(&mut self, delivery: Delivery) {
        self.tickets += 1;
        self.put_back(self.tickets, delivery);
    }

    fn put_back(&mut self, ticket: u64, delivery: Delivery) {
        if self.gave_up && delivery.next == Next::Claim {
            return;
        }
        self.due.insert((delivery.at, ticket));
        self.deliveries.insert(ticket, delivery);
    }

    fn conclude(&mut self, delivery: Delivery, learned: Learned) -> Option<Record<'static>> {
        self.tickets += 1;
        self.conclude_as(self.tickets, delivery, learned)
    }

    fn conclude_as(
        &mut self,
        ticket: u64,
        delivery: Delivery,
        learned: Learned,
    ) -> Option<Record<'static>> {
        match learned {
            Learned::End(outcome) => Some(inputs::outcome(&delivery.claim, outcome)),
            Learned::Nothing => {
                self.put_back(ticket, delivery);
                None
            }
            Learned::Doubt(text) => {
                let event = inputs::outcome(&delivery.claim, Outcome::Unknown { text });
                self.put_back(ticket, delivery);
                Some(event)
            }
        }
    }
}

#[cfg(test)]
mod driver;
#[cfg(test)]
mod network_tests;
#[cfg(test)]
mod tests;
