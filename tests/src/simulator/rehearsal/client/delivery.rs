//! How a client brings one order to an end.

use std::time::Duration;

use investbot::clock::Clock as _;
use investbot::engine::OrderState;
use investbot::plugin::Venue as _;
use investbot_plugin_api::{
    AdapterError, Decimal, Effect, ErrorKind, NewOrder, OrderRef, OrderReport, Side, UnixNanos,
};

use super::{Client, INSTRUMENT, Step};
use crate::simulator::invariants::Claim;
use crate::simulator::model::{DEFINITIVE_CODE, LAG, Model, SKEW, WINDOW};
use crate::simulator::rehearsal::bug::Bug;
use crate::simulator::rehearsal::journal::{Entry, name};

const TIME_TO_LIVE: Duration = Duration::from_secs(5);
const BACKOFF: Duration = Duration::from_secs(1);
const MAX_ATTEMPTS: u32 = 4;
const MAX_SENDS: usize = 10;
const MAX_QUERIES: u32 = 5;
const A_NANOSECOND: Duration = Duration::from_nanos(1);

/// The venue did not say.
struct NoAnswer;

impl Client<'_> {
    pub(super) fn next_attempt(&mut self, order: usize) -> Step {
        let known = self.known(order);
        let attempt = known.durable.attempt + 1;
        if attempt > MAX_ATTEMPTS {
            return self.end(order, OrderState::Abandoned);
        }
        let now = self.clock.now();
        let deadline = (self.model == Model::B).then(|| now.after(TIME_TO_LIVE));
        if !self.has(Bug::NoAttempt) {
            let entry = Entry::Attempt {
                attempt,
                at: now,
                deadline,
            };
            self.journal().records.push((order, entry));
        }
        if !self.has(Bug::SendBeforeSync) {
            self.sync()?;
        }
        self.send(order, deadline, false)
    }

    fn send(&mut self, order: usize, deadline: Option<UnixNanos>, in_doubt: bool) -> Step {
        let mut new = NewOrder::new(name(order), INSTRUMENT, Side::Buy, Decimal::ONE);
        new.deadline = deadline;
        let answer = self.call(|venue| venue.place(&new))?;
        match answer {
            Ok(report) if self.is_about(&report, order) => self.end(order, state_of(&report)),
            Ok(_) => self.find_out(order, false),
            Err(error) => self.after_failure(order, &error, in_doubt),
        }
    }

    fn after_failure(&mut self, order: usize, error: &AdapterError, in_doubt: bool) -> Step {
        if error.kind == ErrorKind::DuplicateClientOrderId {
            return self.ask(order);
        }
        let by_code = error.venue_code.as_deref() == Some(DEFINITIVE_CODE);
        let is_believed = !in_doubt || self.has(Bug::RefusedWhileInDoubt);
        match error.effect {
            Effect::Rejected if is_believed => self.end(order, OrderState::Rejected),
            Effect::Unknown if by_code && is_believed => self.end(order, OrderState::Rejected),
            Effect::NotSent if !in_doubt => {
                self.absent(order)?;
                self.clock.sleep(BACKOFF, &|| false);
                self.next_attempt(order)
            }
            Effect::Unknown
                if error.kind == ErrorKind::Timeout && self.has(Bug::TimeoutMeansRejected) =>
            {
                self.end(order, OrderState::Rejected)
            }
            _ => self.find_out(order, false),
        }
    }

    /// Nobody knows what became of the last attempt.
    pub(super) fn find_out(&mut self, order: usize, after_crash: bool) -> Step {
        let resends = matches!(self.model, Model::A | Model::AWindow);
        if !after_crash && (resends || self.has(Bug::BlindResend)) {
            return self.resend(order);
        }
        self.ask(order)
    }

    fn resend(&mut self, order: usize) -> Step {
        self.clock.sleep(BACKOFF, &|| false);
        let known = self.known(order);
        let first = known.first_sent.unwrap_or_default();
        let sends = self.venue.look(|ledger| {
            let sends = ledger.sends.iter();
            sends
                .filter(|sent| sent.order.client_order_id == name(order))
                .count()
        });
        let is_remembered =
            self.model != Model::AWindow || self.clock.now() < first.after(WINDOW / 2);
        if sends >= MAX_SENDS || !is_remembered {
            return self.ask_to_the_end(order);
        }
        self.send(order, known.durable.deadline, true)
    }

    /// Asks the venue, as soon as its answer is worth something.
    fn ask(&mut self, order: usize) -> Step {
        match self.model {
            Model::E => self.end(order, OrderState::Held),
            Model::A | Model::AWindow => match self.query(order)? {
                Ok(Some(state)) => self.end(order, state),
                _ => self.resend(order),
            },
            Model::B | Model::C | Model::D => self.ask_to_the_end(order),
        }
    }

    fn ask_to_the_end(&mut self, order: usize) -> Step {
        let deadline = self.known(order).durable.deadline;
        let lag = if self.has(Bug::NoLagWait) {
            Duration::ZERO
        } else {
            LAG
        };
        let past = if self.has(Bug::EdgeOfTheLag) {
            Duration::ZERO
        } else {
            A_NANOSECOND
        };
        let begin = match (self.model, deadline) {
            _ if self.has(Bug::QueryTooEarly) => self.clock.now(),
            (Model::D, _) => self.clock.now(),
            (_, Some(deadline)) => deadline.after(SKEW + lag + past),
            (_, None) => self.clock.now().after(lag + past),
        };
        self.clock.sleep(begin.since(self.clock.now()), &|| false);
        for _ in 0..MAX_QUERIES {
            match self.query(order)? {
                Ok(Some(state)) => return self.end(order, state),
                Ok(None) if self.proves_absence() => {
                    self.absent(order)?;
                    return self.next_attempt(order);
                }
                Ok(None) => return self.end(order, OrderState::Held),
                Err(NoAnswer) => {}
            }
            self.clock.sleep(BACKOFF, &|| false);
        }
        if self.has(Bug::GivingUpMeansRejected) {
            return self.end(order, OrderState::Rejected);
        }
        self.end(order, OrderState::Held)
    }

    fn proves_absence(&self) -> bool {
        self.model == Model::B || self.has(Bug::NotFoundMeansAbsent)
    }

    /// What the venue says of the order; `None` if it says that it does not know it.
    fn query(&mut self, order: usize) -> Step<Result<Option<OrderState>, NoAnswer>> {
        if self.model == Model::D {
            let book = self.call(|venue| venue.open_orders())?;
            return Ok(book.map_err(|_| NoAnswer).and_then(|book| {
                let mut orders = book.orders.iter();
                let found = orders.find(|report| self.is_about(report, order));
                match found.map(state_of) {
                    None if !book.complete => Err(NoAnswer),
                    found => Ok(found),
                }
            }));
        }
        let answer = self.call(|venue| venue.order(&reference(order)))?;
        Ok(match answer {
            Ok(Some(report)) if self.is_about(&report, order) => Ok(Some(state_of(&report))),
            Ok(None) => Ok(None),
            Ok(Some(_)) | Err(_) => Err(NoAnswer),
        })
    }

    fn is_about(&self, report: &OrderReport, order: usize) -> bool {
        let is_ours = report.client_order_id == name(order) && report.quantity == Decimal::ONE;
        is_ours || self.has(Bug::BelievesAnyAnswer)
    }

    fn absent(&mut self, order: usize) -> Step {
        if self.has(Bug::NextBeforeAbsent) {
            return Ok(());
        }
        let attempt = self.known(order).durable.attempt;
        self.journal()
            .records
            .push((order, Entry::Absent { attempt }));
        self.sync()?;
        self.checker
            .claim(&name(order), Claim::AbsentThrough(attempt));
        self.look()
    }
}

fn state_of(report: &OrderReport) -> OrderState {
    OrderState::from_status(report.status).unwrap_or(OrderState::Accepted)
}

pub(super) fn reference(order: usize) -> OrderRef {
    OrderRef::new(INSTRUMENT, name(order))
}
