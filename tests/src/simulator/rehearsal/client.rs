//! A client that keeps to the order protocol, or has one bug.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use investbot::clock::{Clock as _, VirtualClock};
use investbot::engine::OrderState;
use investbot::plugin::{Answer, Venue as _};
use investbot_plugin_api::{
    AdapterError, Decimal, Effect, ErrorKind, Fill, NewOrder, OrderRef, OrderReport, Side,
    UnixNanos,
};

use super::bug::Bug;
use super::journal::{Entry, Journal, Known, name};
use super::{Rehearsal, Stop};
use crate::simulator::invariants::{Checker, Claim, Ended};
use crate::simulator::model::{DEFINITIVE_CODE, LAG, Model, SKEW, WINDOW};
use crate::simulator::process::Process;
use crate::simulator::venue::SimVenue;

pub(super) const INSTRUMENT: &str = "BTC/USD";
const TIME_TO_LIVE: Duration = Duration::from_secs(5);
const BACKOFF: Duration = Duration::from_secs(1);
const MAX_ATTEMPTS: u32 = 4;
const MAX_QUERIES: u32 = 5;
const A_NANOSECOND: Duration = Duration::from_nanos(1);

/// The venue did not say.
struct NoAnswer;

/// One life of a client.
pub(super) struct Client<'a> {
    model: Model,
    bug: Option<Bug>,
    orders: usize,
    clock: &'a VirtualClock,
    process: &'a Process,
    venue: &'a SimVenue,
    journal: &'a Mutex<Journal>,
    checker: &'a mut Checker,
    /// What the venue told of, as far as the cursor.
    fills: Vec<Fill>,
    cursor: Option<String>,
}

type Step<T = ()> = Result<T, Stop>;

impl<'a> Client<'a> {
    pub(super) const fn new(
        rehearsal: &Rehearsal,
        clock: &'a VirtualClock,
        process: &'a Process,
        venue: &'a SimVenue,
        journal: &'a Mutex<Journal>,
        checker: &'a mut Checker,
    ) -> Self {
        Self {
            model: rehearsal.model,
            bug: rehearsal.bug,
            orders: rehearsal.orders,
            clock,
            process,
            venue,
            journal,
            checker,
            fills: Vec::new(),
            cursor: None,
        }
    }

    /// Brings every order to an end, from wherever the journal says it is.
    pub(super) fn live(&mut self) -> Step {
        for order in 0..self.orders {
            let known = self.known(order);
            match known.ended {
                Some(state) if !self.has(Bug::ForgetsOutcomes) => self.show(order, state)?,
                _ if known.durable.attempt > known.durable.absent_through => {
                    self.find_out(order, true)?;
                }
                _ => self.next_attempt(order)?,
            }
        }
        self.hear_fills()
    }

    /// Nothing goes wrong any more: whatever is under way arrives, and the client looks once more.
    pub(super) fn finish(&mut self) -> Step {
        self.venue.heal();
        while let Some(next) = self.venue.next_due() {
            self.clock.advance_to(next);
            self.look()?;
        }
        // Now every answer is the whole truth.
        self.clock.sleep(LAG + A_NANOSECOND, &|| false);
        self.hear_fills()?;
        let mut intents = Vec::new();
        for order in 0..self.orders {
            let state = self.state_at_the_end(order)?;
            let order = name(order);
            intents.push(Ended { order, state });
        }
        let (bought, spent) = self.books();
        let (venue, checker) = (self.venue, &mut *self.checker);
        venue.look(|ledger| {
            checker.end(&intents, ledger)?;
            checker.books(INSTRUMENT, bought, spent, ledger)
        })?;
        Ok(())
    }

    /// Asks for fills until there are no more, or the venue does not answer.
    fn hear_fills(&mut self) -> Step {
        while let Ok(page) = {
            let cursor = self.cursor.clone();
            self.call(|venue| venue.fills_since(cursor.as_deref()))?
        } {
            if page.fills.is_empty() {
                break;
            }
            for fill in page.fills {
                let is_known = self.fills.iter().any(|known| known.fill_id == fill.fill_id);
                if !is_known || self.has(Bug::FillsBookedTwice) {
                    self.fills.push(fill);
                }
            }
            self.cursor = Some(page.cursor);
        }
        Ok(())
    }

    fn state_at_the_end(&mut self, order: usize) -> Step<Option<OrderState>> {
        let state = self.known(order).ended;
        if state.is_none_or(|state| state.is_final() || state == OrderState::Held) {
            return Ok(state);
        }
        if let Ok(Some(report)) = self.call(|venue| venue.order(&reference(order)))? {
            return Ok(OrderState::from_status(report.status));
        }
        let own = self.fills.iter();
        let own = own.filter(|fill| fill.client_order_id == name(order));
        let filled: Decimal = own.map(|fill| fill.quantity).sum();
        let is_filled = filled == Decimal::ONE;
        Ok(state.map(|state| if is_filled { OrderState::Filled } else { state }))
    }

    /// What the fills come to: the position, and the cash that was spent.
    fn books(&self) -> (Decimal, Decimal) {
        let nothing = (Decimal::ZERO, Decimal::ZERO);
        self.fills.iter().fold(nothing, |(bought, spent), fill| {
            let cost = fill.quantity * fill.price + fill.fee;
            (bought + fill.quantity, spent + cost)
        })
    }

    fn next_attempt(&mut self, order: usize) -> Step {
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
    fn find_out(&mut self, order: usize, after_crash: bool) -> Step {
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
        if sends >= 10 || !is_remembered {
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

    fn end(&mut self, order: usize, state: OrderState) -> Step {
        if self.has(Bug::ShownBeforeDurable) {
            self.show(order, state)?;
        }
        self.journal().records.push((order, Entry::Ended(state)));
        self.sync()?;
        self.show(order, state)
    }

    fn show(&mut self, order: usize, state: OrderState) -> Step {
        if state != OrderState::Held || !self.has(Bug::SilentHold) {
            self.checker.shown(&name(order), state)?;
            self.process.touch();
        }
        self.look()
    }

    fn sync(&mut self) -> Step {
        self.process.step("before a sync")?;
        let mut journal = self.journal();
        if journal.synced < journal.records.len() {
            journal.synced = journal.records.len();
            drop(journal);
            self.process.touch();
        }
        Ok(self.process.crash_point("after a sync")?)
    }

    /// A call of the venue, and a look at what it did.
    fn call<T>(&mut self, call: impl FnOnce(&SimVenue) -> Answer<T>) -> Step<Answer<T>> {
        let answer = call(self.venue);
        self.look()?;
        self.process.crash_point("after a call")?;
        Ok(answer)
    }

    fn look(&mut self) -> Step {
        let step = self.process.steps();
        Ok(self.venue.look(|ledger| self.checker.look(step, ledger))?)
    }

    fn known(&self, order: usize) -> Known {
        let journal = self.journal();
        journal.known(order, journal.records.len())
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

fn state_of(report: &OrderReport) -> OrderState {
    OrderState::from_status(report.status).unwrap_or(OrderState::Accepted)
}

fn reference(order: usize) -> OrderRef {
    OrderRef::new(INSTRUMENT, name(order))
}
