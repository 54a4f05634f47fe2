//! The venue's book: what arrives, what is accepted, what the market does with it, each at its moment.

use std::time::Duration;

use investbot_plugin_api::manifest::Dedupe;
use investbot_plugin_api::{Decimal, NewOrder, OrderStatus, UnixNanos, VenueEvent};

use super::faults::{Life, Menu, Moment};
use super::ledger::{Booked, Executed, Fate, Ledger, PRICE};
use crate::simulator::model::Rules;
use crate::simulator::oracle::Oracle;
use crate::simulator::process::Process;

/// How long an order is in the book that does not end at once.
pub const A_WHILE: Duration = Duration::from_secs(5);
/// A delay that nothing else takes as long as.
const MUCH_LATER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(1);
const A_NANOSECOND: Duration = Duration::from_nanos(1);
const HALF: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

/// What an arriving order came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It was accepted as this one.
    Accepted(usize),
    /// It was taken for this one.
    Known(usize),
    /// Its deadline had passed.
    TooLate,
    /// Its deadline is too far away.
    TooFar,
}

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Due {
    at: UnixNanos,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Arrives { sent: usize },
    Fills { booked: usize },
    Cancels { booked: usize },
}

/// The book.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) rules: Rules,
    pub(super) menu: Menu,
    pub(super) ledger: Ledger,
    /// What the client has not been told yet.
    pub(super) events: Vec<VenueEvent>,
    oracle: Oracle,
    process: Process,
    pub(super) due: Vec<Due>,
}

impl Book {
    pub(super) fn new(rules: Rules, menu: Menu, oracle: Oracle, process: Process) -> Self {
        Self {
            rules,
            menu,
            ledger: Ledger::default(),
            events: Vec::new(),
            oracle,
            process,
            due: Vec::new(),
        }
    }

    /// When the next thing happens by itself.
    pub(super) fn next_due(&self) -> Option<UnixNanos> {
        self.due.iter().map(|due| due.at).min()
    }

    /// Lets everything happen that is due by `now`: in the order of time, and of what is due at one
    /// moment first what was due first.
    pub(super) fn run_until(&mut self, now: UnixNanos) {
        while let Some(next) = self.next_due().filter(|at| *at <= now) {
            let at = self.due.iter().position(|due| due.at == next);
            let due = self.due.remove(at.expect("it was just seen"));
            match due.what {
                What::Arrives { sent } => {
                    self.arrive(sent, due.at);
                }
                What::Fills { booked } => {
                    let left = self.left(booked);
                    self.fill(booked, left, due.at);
                }
                What::Cancels { booked } => {
                    self.cancel(booked, due.at);
                }
            }
        }
    }

    /// An order arrives.
    pub(super) fn arrive(&mut self, sent: usize, now: UnixNanos) -> Arrival {
        let order = self.ledger.sends[sent].order.clone();
        let arrival = if let Some(refusal) = self.heed_deadline(&order, now) {
            refusal
        } else if let Some(known) = self.known(&order.client_order_id, now) {
            Arrival::Known(known)
        } else {
            self.ledger.orders.push(Booked {
                sent,
                accepted_at: now,
                status: OrderStatus::Open,
                since: now,
                filled: Decimal::ZERO,
                told: false,
                order,
            });
            Arrival::Accepted(self.ledger.orders.len() - 1)
        };
        self.ledger.sends[sent].fate = match arrival {
            Arrival::Accepted(booked) => {
                self.accepted(booked, now);
                Fate::Accepted
            }
            Arrival::Known(_) => Fate::Known,
            Arrival::TooLate | Arrival::TooFar => Fate::Refused,
        };
        arrival
    }

    fn heed_deadline(&self, order: &NewOrder, now: UnixNanos) -> Option<Arrival> {
        let ((farthest, skew), deadline) = (self.rules.deadline?, order.deadline?);
        if now > deadline.after(skew) {
            Some(Arrival::TooLate)
        } else if deadline > now.after(farthest + skew) {
            Some(Arrival::TooFar)
        } else {
            None
        }
    }

    /// The order that the venue takes one of this id for.
    fn known(&self, client_order_id: &str, now: UnixNanos) -> Option<usize> {
        let remembers = |booked: &Booked| match self.rules.dedupe {
            Dedupe::Permanent => true,
            Dedupe::Window { window_ms } => {
                now <= booked.accepted_at.after(Duration::from_millis(window_ms))
            }
            Dedupe::OpenOnly => booked.is_open(),
            _ => false,
        };
        self.ledger.orders.iter().rposition(|booked| {
            booked.order.client_order_id == client_order_id && remembers(booked)
        })
    }

    /// The market takes up an order.
    fn accepted(&mut self, booked: usize, now: UnixNanos) {
        self.changed(booked);
        let later = now.after(A_WHILE);
        let half = || self.left(booked) * HALF;
        match self.oracle.pick("the market", self.menu.lives) {
            Life::FilledAtOnce => self.fill(booked, self.left(booked), now),
            Life::FilledLater => self.put_off(later, What::Fills { booked }),
            Life::FilledInParts => {
                self.fill(booked, half(), now);
                self.put_off(later, What::Fills { booked });
            }
            Life::Cancelled => self.put_off(later, What::Cancels { booked }),
            Life::HalfCancelled => {
                self.fill(booked, half(), now);
                self.cancel(booked, now);
            }
        }
    }

    fn put_off(&mut self, at: UnixNanos, what: What) {
        self.due.push(Due { at, what });
    }

    fn left(&self, booked: usize) -> Decimal {
        let entry = &self.ledger.orders[booked];
        entry.order.quantity - entry.filled
    }

    fn fill(&mut self, booked: usize, quantity: Decimal, now: UnixNanos) {
        let entry = &mut self.ledger.orders[booked];
        if !entry.is_open() {
            return;
        }
        entry.filled += quantity;
        entry.since = now;
        entry.status = if entry.filled == entry.order.quantity {
            OrderStatus::Filled
        } else {
            OrderStatus::PartiallyFilled
        };
        self.ledger.fills.push(Executed {
            booked,
            price: entry.order.limit_price.unwrap_or(PRICE),
            quantity,
            at: now,
        });
        if self.menu.pushes {
            let fill = self.ledger.fill(self.ledger.fills.len() - 1);
            self.events.push(VenueEvent::Fill(fill));
        }
        self.changed(booked);
    }

    /// Takes an order out of the book; false if it is not there any more.
    pub(super) fn cancel(&mut self, booked: usize, now: UnixNanos) -> bool {
        let entry = &mut self.ledger.orders[booked];
        if !entry.is_open() {
            return false;
        }
        entry.status = OrderStatus::Cancelled;
        entry.since = now;
        self.changed(booked);
        true
    }

    fn changed(&mut self, booked: usize) {
        self.process.touch();
        if self.menu.pushes {
            let report = self.ledger.report(booked, false);
            self.events.push(VenueEvent::Order(report));
        }
    }

    /// Sends an order on a way that takes it until some later moment.
    pub(super) fn delay(&mut self, sent: usize) {
        let moments = self.menu.moments;
        let possible = |moment| self.moment(sent, moment).is_some();
        let moment = self.oracle.pick_where("it arrives", moments, possible);
        let Some(until) = moment.and_then(|moment| self.moment(sent, moment)) else {
            return;
        };
        let deadline = self.ledger.sends[sent].order.deadline;
        let in_time = match (self.rules.deadline, deadline) {
            (Some((_, skew)), Some(deadline)) => until <= deadline.after(skew),
            _ => true,
        };
        self.ledger.sends[sent].fate = Fate::UnderWay { until, in_time };
        self.put_off(until, What::Arrives { sent });
        self.process.touch();
    }

    /// Whether an order that was just sent can be delayed.
    pub(super) fn can_delay(&self, sent: usize) -> bool {
        let mut moments = self.menu.moments.iter();
        moments.any(|moment| self.moment(sent, *moment).is_some())
    }

    /// When that is for an order that was just sent; `None` if it cannot happen to it.
    fn moment(&self, sent: usize, moment: Moment) -> Option<UnixNanos> {
        let sent = &self.ledger.sends[sent];
        let last = match (self.rules.deadline, sent.order.deadline) {
            (Some((_, skew)), Some(deadline)) => Some(deadline.after(skew)),
            _ => None,
        };
        let window = match self.rules.dedupe {
            Dedupe::Window { window_ms } => Some(Duration::from_millis(window_ms)),
            _ => None,
        };
        let at = match moment {
            Moment::LastMoment => last?,
            Moment::TooLate => last?.after(A_NANOSECOND),
            Moment::AtDeadline => last.and(sent.order.deadline)?,
            Moment::Soon => sent.at.after(SOON),
            Moment::AfterTheLag if last.is_none() && !self.rules.lag.is_zero() => {
                sent.at.after(self.rules.lag + A_NANOSECOND)
            }
            Moment::MuchLater if last.is_none() && window.is_none() => sent.at.after(MUCH_LATER),
            Moment::HalfWindow => sent.at.after(window? / 2),
            Moment::AfterTheLag | Moment::MuchLater => return None,
        };
        (at > sent.at).then_some(at)
    }
}
