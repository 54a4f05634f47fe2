//! What the venue answers when it is asked.

use investbot::plugin::Answer;
use investbot_plugin_api::{
    AdapterError, Balance, ErrorKind, FillsPage, Instrument, OpenOrders, OrderRef, OrderReport,
    OrderStatus, Position, UnixNanos, VenueEvent,
};

use super::faults::{BookFault, EventFault, FillsFault, QueryFault};
use super::requests::garbled;
use super::{SimVenue, State};
use crate::simulator::oracle::Named;

/// How many fills there are at most in a page: few, so that there are pages.
pub(super) const PAGE: usize = 2;

fn failed() -> AdapterError {
    AdapterError::not_sent(ErrorKind::Network, "connection reset")
}

#[derive(Clone, Copy)]
enum Shown {
    Already,
    NotYet,
}

impl Named for Shown {
    fn name(self) -> &'static str {
        match self {
            Self::Already => "shown already",
            Self::NotYet => "not shown yet",
        }
    }
}

impl SimVenue {
    pub(super) fn tell_order(&self, order: &OrderRef) -> Answer<Option<OrderReport>> {
        let (mut state, now) = self.ask("before a query")?;
        let rules = &state.book.rules;
        if !rules.finds(true) {
            return Err(AdapterError::unsupported("order"));
        }
        let found = state.find(order).filter(|booked| {
            let entry = &state.book.ledger.orders[*booked];
            rules.finds(entry.is_open()) && self.is_shown(&state, *booked, now)
        });
        let told = found.map(|booked| state.report(booked));
        let first = found.map(|booked| state.book.ledger.first_report(booked));
        let possible = |fault| match fault {
            QueryFault::Stale => {
                first.as_ref().map(|r| r.status) != told.as_ref().map(|r| r.status)
            }
            QueryFault::WrongOrder => told.is_some(),
            QueryFault::Failed | QueryFault::Garbled => true,
        };
        let queries = state.book.menu.queries;
        match self.oracle.fault("the query", queries, possible) {
            None => {
                told.iter().for_each(|report| state.tell(report));
                Ok(told)
            }
            Some(QueryFault::Failed) => Err(failed()),
            Some(QueryFault::Garbled) => Err(garbled()),
            Some(QueryFault::Stale) => Ok(first),
            Some(QueryFault::WrongOrder) => Ok(told.map(|report| state.another(&report))),
        }
    }

    pub(super) fn tell_open_orders(&self) -> Answer<OpenOrders> {
        let (state, now) = self.ask("before a query of the open orders")?;
        if !state.book.rules.finds(true) {
            return Err(AdapterError::unsupported("open_orders"));
        }
        let ledger = &state.book.ledger;
        let has_closed = ledger.orders.iter().any(|booked| !booked.is_open());
        let possible = |fault| fault != BookFault::Stale || has_closed;
        let fault = self
            .oracle
            .fault("the open orders", state.book.menu.books, possible);
        if fault == Some(BookFault::Failed) {
            return Err(failed());
        }
        let stale = fault == Some(BookFault::Stale);
        let listed = (0..ledger.orders.len()).filter(|booked| {
            let is_listed = stale || ledger.orders[*booked].is_open();
            is_listed && self.is_shown(&state, *booked, now)
        });
        let mut answer = OpenOrders::complete(
            listed
                .map(|booked| match ledger.orders[booked].status {
                    OrderStatus::Open | OrderStatus::PartiallyFilled => state.report(booked),
                    _ => ledger.first_report(booked),
                })
                .collect(),
        );
        if fault == Some(BookFault::Incomplete) {
            answer.orders.pop();
            answer.complete = false;
        }
        Ok(answer)
    }

    pub(super) fn tell_fills(&self, cursor: Option<&str>) -> Answer<FillsPage> {
        let (state, _) = self.ask("before a query of the fills")?;
        let ledger = &state.book.ledger;
        let from: usize = match cursor.map(str::parse) {
            None => 0,
            Some(Ok(from)) if from <= ledger.fills.len() => from,
            Some(_) => {
                let text = "no such cursor";
                return Err(AdapterError::not_sent(ErrorKind::Protocol, text));
            }
        };
        let is_new = from < ledger.fills.len();
        let possible = |fault| match fault {
            FillsFault::Failed => true,
            FillsFault::Doubled => from > 0,
            FillsFault::Late => is_new,
        };
        let fills = state.book.menu.fills;
        let (first, mut end) = match self.oracle.fault("the fills", fills, possible) {
            Some(FillsFault::Failed) => return Err(failed()),
            Some(FillsFault::Doubled) => (from - 1, ledger.fills.len()),
            Some(FillsFault::Late) => (from, from),
            None => (from, ledger.fills.len()),
        };
        let more = end > from + PAGE;
        end = end.min(from + PAGE);
        let page = (first..end).map(|index| ledger.fill(index)).collect();
        Ok(FillsPage::new(page, end.to_string(), more))
    }

    pub(super) fn tell_instruments(&self) -> Answer<Vec<Instrument>> {
        drop(self.ask_account("before a query of the instruments")?);
        Ok(self.instruments.clone())
    }

    pub(super) fn tell_balances(&self) -> Answer<Vec<Balance>> {
        let state = self.ask_account("before a query of the balances")?;
        let cash = self.cash - state.book.ledger.spent();
        let Some(quote) = self.instruments.first().map(|i| i.quote.as_str()) else {
            return Ok(Vec::new());
        };
        let held = self.instruments.iter().map(|instrument| {
            let quantity = state.book.ledger.bought(&instrument.symbol);
            Balance::new(instrument.base.as_str(), quantity, quantity)
        });
        let held = held.filter(|balance| !balance.total.is_zero());
        Ok(std::iter::once(Balance::new(quote, cash, cash))
            .chain(held)
            .collect())
    }

    pub(super) fn tell_positions(&self) -> Answer<Vec<Position>> {
        let state = self.ask_account("before a query of the positions")?;
        let position = |instrument: &Instrument| {
            let quantity = state.book.ledger.bought(&instrument.symbol);
            (!quantity.is_zero()).then(|| Position::new(instrument.symbol.as_str(), quantity))
        };
        Ok(self.instruments.iter().filter_map(position).collect())
    }

    pub(super) fn tell_events(&self, told: &mut Vec<VenueEvent>) {
        let Ok((mut state, _)) = self.ask("before events are heard") else {
            return;
        };
        if state.book.events.is_empty() {
            return;
        }
        let kinds = state.book.menu.events;
        let fault = self.oracle.fault("the events", kinds, |_| true);
        let mut events = std::mem::take(&mut state.book.events);
        match fault {
            Some(EventFault::Dropped) => {
                state.events_lost += events.len() as u64;
                return;
            }
            Some(EventFault::Doubled) => told.extend(events.iter().cloned()),
            None => {}
        }
        for event in &events {
            if let VenueEvent::Order(report) = event {
                state.tell(report);
            }
        }
        told.append(&mut events);
    }

    /// A step that asks something.
    fn ask(&self, step: &'static str) -> Answer<(super::Guard<'_>, UnixNanos)> {
        self.process.step(step)?;
        let now = self.clock.now();
        let state = self.enter();
        if state.is_down(now) {
            return Err(failed());
        }
        Ok((state, now))
    }

    /// A step that asks something about the account.
    fn ask_account(&self, step: &'static str) -> Answer<super::Guard<'_>> {
        let (state, _) = self.ask(step)?;
        let only_failed = |fault| fault == BookFault::Failed;
        let kinds = state.book.menu.accounts;
        match self.oracle.fault("the account", kinds, only_failed) {
            Some(_) => Err(failed()),
            None => Ok(state),
        }
    }

    /// Whether a query at this moment shows an accepted order. Until Λ is over it may or it may not.
    fn is_shown(&self, state: &State, booked: usize, now: UnixNanos) -> bool {
        let lag = state.book.rules.lag;
        let accepted_at = state.book.ledger.orders[booked].accepted_at;
        if lag.is_zero() || now > accepted_at.after(lag) {
            return true;
        }
        let ways = [Shown::Already, Shown::NotYet];
        matches!(self.oracle.pick("the order is", &ways), Shown::Already)
    }
}
