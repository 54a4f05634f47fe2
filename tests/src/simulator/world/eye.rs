//! Sees everything that the client does outside, and keeps the checker informed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use investbot::engine::{ExecutionReport, OrderState, canonical_json};
use investbot::plugin::{Answer, Venue};
use investbot_plugin_api::{
    AmendOrder, Balance, BarBatch, CancelOrder, FillsPage, Health, Instrument, NewOrder,
    OpenOrders, OrderRef, OrderReport, Position, VenueEvent,
};

use super::journal::{JournalView, Remembered};
use crate::simulator::invariants::{Broken, Checker};
use crate::simulator::process::Process;
use crate::simulator::venue::SimVenue;

/// Watches one life of the client.
pub(super) struct Eye {
    process: Process,
    journal: Arc<JournalView>,
    seen: Mutex<Seen>,
}

struct Seen {
    checker: Checker,
    broken: Option<Broken>,
    /// How many requests could have changed something at the venue.
    writes: u32,
}

impl Eye {
    pub(super) fn new(process: Process, journal: Arc<JournalView>, checker: Checker) -> Self {
        Self {
            process,
            journal,
            seen: Mutex::new(Seen {
                checker,
                broken: None,
                writes: 0,
            }),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step was taken. A client that has broken a rule need not go on.
    fn look(&self, venue: &SimVenue) {
        let step = self.process.steps();
        let mut seen = self.seen();
        let looked = venue.look(|ledger| seen.checker.look(step, ledger));
        self.note(&mut seen, looked);
        if let Some(line) = self.journal.damaged() {
            let damaged = seen.checker.damaged(line);
            self.note(&mut seen, damaged);
        }
    }

    fn note(&self, seen: &mut Seen, checked: Result<(), Broken>) {
        if let (Err(broken), None) = (checked, &seen.broken) {
            seen.broken = Some(broken);
            self.process.crash();
        }
    }

    /// The client shows a report to somebody outside.
    pub(super) fn shown(&self, report: &ExecutionReport) {
        if !self.process.is_alive() {
            return;
        }
        let mut seen = self.seen();
        let told = seen.checker.told(report.sequence, &canonical_json(report));
        let is_new = matches!(told, Ok(true));
        self.note(&mut seen, told.map(drop));
        if !is_new {
            return;
        }
        self.process.touch();
        if let Some(id) = &report.id {
            let known = seen.checker.known(id, !report.client_order_id.is_empty());
            self.note(&mut seen, known);
        }
        let Some(state) = report.state else { return };
        // What was denied has no client order id; no two orders have the same quantity.
        let denied = report.client_order_id.is_empty();
        let order = if denied {
            report.quantity.to_string()
        } else {
            report.client_order_id.clone()
        };
        debug_assert!(!denied || state == OrderState::Denied);
        let shown = seen.checker.shown(&order, state);
        self.note(&mut seen, shown);
    }

    /// The life is over: the last look. What was found wrong, if anything was.
    pub(super) fn close(&self, venue: &SimVenue) -> Result<(Checker, u32), Broken> {
        let claims = self.journal.claims();
        {
            let mut seen = self.seen();
            for (order, claim) in claims {
                seen.checker.claim(&order, claim);
            }
        }
        self.look(venue);
        let seen = self.seen();
        match &seen.broken {
            Some(broken) => Err(broken.clone()),
            None => Ok((seen.checker.clone(), seen.writes)),
        }
    }
}

impl Eye {
    /// What the next life need not read again.
    pub(super) fn leave(&self) -> Remembered {
        self.journal.leave()
    }
}

/// The venue, with somebody who looks at its ledger after every call.
pub(super) struct WatchedVenue {
    pub(super) venue: Arc<SimVenue>,
    pub(super) eye: Arc<Eye>,
}

impl WatchedVenue {
    fn call<T>(&self, call: impl FnOnce(&SimVenue) -> T) -> T {
        let answer = call(&self.venue);
        self.eye.look(&self.venue);
        answer
    }

    fn write<T>(&self, call: impl FnOnce(&SimVenue) -> T) -> T {
        self.eye.seen().writes += 1;
        self.call(call)
    }
}

impl Venue for WatchedVenue {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        self.write(|venue| venue.place(order))
    }
    fn cancel(&self, cancel: &CancelOrder) -> Answer<OrderReport> {
        self.write(|venue| venue.cancel(cancel))
    }
    fn amend(&self, amend: &AmendOrder) -> Answer<OrderReport> {
        self.write(|venue| venue.amend(amend))
    }
    fn order(&self, order: &OrderRef) -> Answer<Option<OrderReport>> {
        self.call(|venue| venue.order(order))
    }
    fn open_orders(&self) -> Answer<OpenOrders> {
        self.call(Venue::open_orders)
    }
    fn fills_since(&self, cursor: Option<&str>) -> Answer<FillsPage> {
        self.call(|venue| venue.fills_since(cursor))
    }
    fn instruments(&self) -> Answer<Vec<Instrument>> {
        self.call(Venue::instruments)
    }
    fn balances(&self) -> Answer<Vec<Balance>> {
        self.call(Venue::balances)
    }
    fn positions(&self) -> Answer<Vec<Position>> {
        self.call(Venue::positions)
    }
    fn health(&self) -> Answer<Health> {
        self.call(Venue::health)
    }
    fn on_bars(&self, bars: &BarBatch) -> Answer<()> {
        self.call(|venue| venue.on_bars(bars))
    }
    fn shutdown(&self) -> Answer<()> {
        self.call(Venue::shutdown)
    }
    fn drain_events(&self, events: &mut Vec<VenueEvent>) {
        self.call(|venue| venue.drain_events(events));
    }
    fn events_lost(&self) -> u64 {
        self.venue.events_lost()
    }
}
