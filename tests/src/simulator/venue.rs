//! A simulated venue. It is the truth: its [`Ledger`] has every order that ever lived.
//!
//! A call that the oracle spoils with no fault is answered rightly and at once. The faults are named in
//! [`faults`]; each costs one of the oracle's budget, and when that is used up the venue is well again.
//! Within the visibility lag an order may be shown or not, which is no fault: that is what a lag is.
//!
//! Time is the host's clock. What happens by itself (a delayed order arrives, an open one is filled)
//! happens when the clock has reached its moment and somebody looks.
//!
//! # What is assumed of a venue
//!
//! That its claims are true (A1, A2 and A4 of the order protocol), that a request arrives at most once, and
//! that a request to a venue that remembers ids for a window is under way for at most half of it: no client
//! can send the same order again to a venue that may have forgotten the first by then.

mod answers;
mod book;
pub mod faults;
pub mod ledger;
mod memory;
mod requests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use investbot::clock::Clock;
use investbot::plugin::{Answer, Venue};
use investbot_plugin_api::{
    AdapterError, AmendOrder, Balance, BarBatch, CancelOrder, Decimal, FillsPage, Health,
    Instrument, NewOrder, OpenOrders, OrderRef, OrderReport, Position, UnixNanos, VenueEvent,
};

pub use book::A_WHILE;
pub use faults::Menu;
pub use ledger::Ledger;
pub use memory::Memory;

use super::durable::DurableView;
use super::model::Rules;
use super::oracle::Oracle;
use super::process::Process;
use book::Book;

/// What a venue is made of.
pub struct Setup {
    /// What it does where venues differ.
    pub rules: Rules,
    /// What can happen at it.
    pub menu: Menu,
    /// What it trades; cash is in the quote currency of the first.
    pub instruments: Vec<Instrument>,
    /// The account's cash at the start.
    pub cash: Decimal,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The source of choices.
    pub oracle: Oracle,
    /// Its client.
    pub process: Process,
    /// Tells what is durable at the moment of a send, for the ledger.
    pub durable: Option<Arc<dyn DurableView>>,
}

/// A simulated venue.
pub struct SimVenue {
    clock: Arc<dyn Clock>,
    oracle: Oracle,
    process: Process,
    durable: Option<Arc<dyn DurableView>>,
    instruments: Vec<Instrument>,
    cash: Decimal,
    state: Mutex<State>,
}

struct State {
    book: Book,
    events_lost: u64,
    /// Out of reach until then.
    down_until: UnixNanos,
    /// The life of the client that events are for.
    life: u32,
}

type Guard<'a> = MutexGuard<'a, State>;

impl SimVenue {
    /// A venue that nobody has sent anything to.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self::having(Memory::default(), setup)
    }

    /// A venue that goes on from what it remembers.
    #[must_use]
    pub fn having(memory: Memory, setup: Setup) -> Self {
        let Setup {
            rules,
            menu,
            instruments,
            cash,
            clock,
            oracle,
            process,
            durable,
        } = setup;
        let Memory {
            ledger,
            due,
            down_until,
        } = memory;
        let mut book = Book::new(rules, menu, oracle.clone(), process.clone());
        (book.ledger, book.due) = (ledger, due);
        let state = Mutex::new(State {
            book,
            events_lost: 0,
            down_until,
            life: process.life(),
        });
        Self {
            clock,
            oracle,
            process,
            durable,
            instruments,
            cash,
            state,
        }
    }

    /// The client has died, or failed to keep what it heard.
    pub fn forget_told(&self) {
        self.enter().book.ledger.untell();
    }

    /// What outlives the session with its client.
    #[must_use]
    pub fn leave(&self) -> Memory {
        let mut state = self.enter();
        Memory {
            ledger: std::mem::take(&mut state.book.ledger),
            due: std::mem::take(&mut state.book.due),
            down_until: state.down_until,
        }
    }

    /// Looks at the truth, as it is at this moment.
    pub fn look<R>(&self, look: impl FnOnce(&Ledger) -> R) -> R {
        look(&self.enter().book.ledger)
    }

    /// From here on nothing goes wrong any more, here or elsewhere. What is under way arrives at its time.
    pub fn heal(&self) {
        self.oracle.heal();
        self.enter().down_until = UnixNanos(i64::MIN);
    }

    /// When something happens next by itself: a delayed order arrives, or an open one ends.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixNanos> {
        self.enter().book.next_due()
    }

    /// The venue at this moment.
    fn enter(&self) -> Guard<'_> {
        // After a panic the schedule is over; its last state may be looked at.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.life != self.process.life() {
            // A new process has a new connection.
            state.life = self.process.life();
            state.book.events.clear();
            state.events_lost = 0;
        }
        state.book.run_until(self.clock.now());
        state
    }
}

impl State {
    fn is_down(&self, now: UnixNanos) -> bool {
        now < self.down_until
    }

    fn report(&self, booked: usize) -> OrderReport {
        self.book
            .ledger
            .report(booked, self.book.menu.fills_in_reports)
    }

    /// The client hears this of an order.
    fn tell(&mut self, report: &OrderReport) {
        if report.status.is_final() {
            let orders = self.book.ledger.orders.iter_mut();
            for booked in orders.filter(|b| b.order.client_order_id == report.client_order_id) {
                booked.told = true;
            }
        }
    }

    /// The last order of that name.
    fn find(&self, order: &OrderRef) -> Option<usize> {
        let orders = &self.book.ledger.orders;
        orders
            .iter()
            .rposition(|booked| booked.order.client_order_id == order.client_order_id)
    }
}

impl Venue for SimVenue {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        self.take_order(order)
    }
    fn cancel(&self, cancel: &CancelOrder) -> Answer<OrderReport> {
        self.take_cancel(cancel)
    }
    fn amend(&self, _: &AmendOrder) -> Answer<OrderReport> {
        Err(AdapterError::unsupported("amend"))
    }
    fn order(&self, order: &OrderRef) -> Answer<Option<OrderReport>> {
        self.tell_order(order)
    }
    fn open_orders(&self) -> Answer<OpenOrders> {
        self.tell_open_orders()
    }
    fn fills_since(&self, cursor: Option<&str>) -> Answer<FillsPage> {
        self.tell_fills(cursor)
    }
    fn instruments(&self) -> Answer<Vec<Instrument>> {
        self.tell_instruments()
    }
    fn balances(&self) -> Answer<Vec<Balance>> {
        self.tell_balances()
    }
    fn positions(&self) -> Answer<Vec<Position>> {
        self.tell_positions()
    }
    fn health(&self) -> Answer<Health> {
        self.process.step("before a health check")?;
        Ok(Health::ok())
    }
    fn on_bars(&self, _: &BarBatch) -> Answer<()> {
        Ok(())
    }
    fn shutdown(&self) -> Answer<()> {
        self.process.step("before the session ends")?;
        Ok(())
    }
    fn drain_events(&self, events: &mut Vec<VenueEvent>) {
        self.tell_events(events);
    }
    fn events_lost(&self) -> u64 {
        self.enter().events_lost
    }
}

#[cfg(test)]
mod tests;
