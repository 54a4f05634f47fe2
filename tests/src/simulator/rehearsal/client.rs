//! A client that keeps to the order protocol, or has one bug.

mod delivery;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use investbot::clock::{Clock as _, VirtualClock};
use investbot::engine::OrderState;
use investbot::plugin::{Answer, Venue as _};
use investbot_plugin_api::{Decimal, Fill};

use super::bug::Bug;
use super::journal::{Entry, Journal, Known, name};
use super::{Rehearsal, Stop};
use crate::simulator::invariants::{Checker, Ended};
use crate::simulator::model::{LAG, Model};
use crate::simulator::process::Process;
use crate::simulator::venue::SimVenue;

pub(super) const INSTRUMENT: &str = "BTC/USD";
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
        self.clock.sleep(LAG + Duration::from_nanos(1), &|| false);
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
        if let Ok(Some(report)) = self.call(|venue| venue.order(&delivery::reference(order)))? {
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
