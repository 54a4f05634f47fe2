//! Orders and cancels on their way to the venue, and the answers on their way back.

use std::time::Duration;

use investbot::plugin::Answer;
use investbot_plugin_api::{
    AdapterError, CancelOrder, Decimal, ErrorKind, NewOrder, OrderReport, OrderStatus, UnixNanos,
    VenueEvent,
};

use super::book::Arrival;
use super::faults::{AnswerFault, CancelFault, DuplicateAnswer, RequestFault};
use super::ledger::{Fate, Sent};
use super::{SimVenue, State};
use crate::simulator::model::DEFINITIVE_CODE;

/// How long a venue that is out of reach stays so.
const OUTAGE: Duration = Duration::from_secs(30);
/// What a venue that is asked too often asks for.
const RETRY_AFTER: Duration = Duration::from_secs(1);

fn lost() -> AdapterError {
    AdapterError::unknown(ErrorKind::Timeout, "no answer in time")
}

fn reset() -> AdapterError {
    AdapterError::unknown(ErrorKind::Network, "connection reset")
}

fn broke_down() -> AdapterError {
    let text = "internal server error";
    AdapterError::unknown(ErrorKind::Internal, text).with_venue_code("500")
}

pub(super) fn garbled() -> AdapterError {
    AdapterError::unknown(ErrorKind::Protocol, "an answer that cannot be read")
}

impl SimVenue {
    pub(super) fn take_order(&self, order: &NewOrder) -> Answer<OrderReport> {
        self.process.step("before an order is sent")?;
        let durable = self.durable.as_ref();
        let durable = durable.map(|view| view.of(&order.client_order_id));
        let now = self.clock.now();
        let mut state = self.enter();
        state.book.ledger.sends.push(Sent {
            order: order.clone().into(),
            at: now,
            durable,
            fate: Fate::Lost,
        });
        let sent = state.book.ledger.sends.len() - 1;
        let brought = self.bring(&mut state, sent, now);
        // Whatever the answer, a client that dies now does not hear it.
        self.process.crash_point("after an order was sent")?;
        let answer = match brought? {
            Arrival::Accepted(booked) => state.report(booked),
            Arrival::Known(booked) => self.name_known(&state, booked)?,
            Arrival::TooLate => {
                let text = "the order's deadline has passed";
                return Err(AdapterError::rejected(ErrorKind::DeadlinePassed, text));
            }
            Arrival::TooFar => {
                let text = "the order's deadline is too far away";
                return Err(AdapterError::rejected(ErrorKind::InvalidOrder, text));
            }
        };
        self.bring_back(&mut state, answer)
    }

    /// Brings an order to the book, or does not.
    fn bring(&self, state: &mut State, sent: usize, now: UnixNanos) -> Answer<Arrival> {
        if state.is_down(now) {
            return Err(reset());
        }
        let possible = |fault| fault != RequestFault::Delayed || state.book.can_delay(sent);
        let requests = state.book.menu.requests;
        let Some(fault) = self.oracle.fault("the order", requests, possible) else {
            return Ok(state.book.arrive(sent, now));
        };
        let mut refused = || state.book.ledger.sends[sent].fate = Fate::Refused;
        Err(match fault {
            RequestFault::Lost => reset(),
            RequestFault::ServerError => broke_down(),
            RequestFault::NotSent => {
                AdapterError::not_sent(ErrorKind::Network, "connection refused")
            }
            RequestFault::RateLimited => {
                refused();
                AdapterError::not_sent(ErrorKind::RateLimited, "too many requests")
                    .with_retry_after(RETRY_AFTER)
            }
            RequestFault::Refused => {
                refused();
                AdapterError::rejected(ErrorKind::InsufficientFunds, "not enough funds")
            }
            RequestFault::RefusedByCode => {
                refused();
                AdapterError::unknown(ErrorKind::Internal, "400").with_venue_code(DEFINITIVE_CODE)
            }
            RequestFault::Delayed => {
                state.book.delay(sent);
                lost()
            }
            RequestFault::Outage => {
                state.down_until = now.after(OUTAGE);
                reset()
            }
        })
    }

    fn name_known(&self, state: &State, booked: usize) -> Answer<OrderReport> {
        let ways = [DuplicateAnswer::TheOrder, DuplicateAnswer::Refusal];
        match self.oracle.pick("a known id is answered", &ways) {
            DuplicateAnswer::TheOrder => Ok(state.report(booked)),
            DuplicateAnswer::Refusal => Err(AdapterError::rejected(
                ErrorKind::DuplicateClientOrderId,
                "the client order id is taken",
            )),
        }
    }

    /// Brings the answer about an order back to the client, or does not.
    fn bring_back(&self, state: &mut State, report: OrderReport) -> Answer<OrderReport> {
        let answers = state.book.menu.answers;
        match self.oracle.fault("the answer", answers, |_| true) {
            None => {
                state.tell(&report);
                Ok(report)
            }
            Some(AnswerFault::Lost) => Err(lost()),
            Some(AnswerFault::ServerError) => Err(broke_down()),
            Some(AnswerFault::Garbled) => Err(garbled()),
            Some(AnswerFault::WrongOrder) => Ok(state.another(&report)),
            Some(AnswerFault::Doubled) => {
                for fill in &report.fills {
                    state.book.events.push(VenueEvent::Fill(fill.clone()));
                }
                state.book.events.push(VenueEvent::Order(report.clone()));
                state.tell(&report);
                Ok(report)
            }
        }
    }

    pub(super) fn take_cancel(&self, cancel: &CancelOrder) -> Answer<OrderReport> {
        self.process.step("before a cancel is sent")?;
        let now = self.clock.now();
        let mut state = self.enter();
        if state.is_down(now) {
            return Err(reset());
        }
        let cancels = state.book.menu.cancels;
        let fault = self.oracle.fault("the cancel", cancels, |_| true);
        if fault == Some(CancelFault::Lost) {
            return Err(reset());
        }
        let found = state.find(&cancel.order);
        let cancelled = found.filter(|booked| state.book.cancel(*booked, now));
        self.process.crash_point("after a cancel was sent")?;
        if fault == Some(CancelFault::AnswerLost) {
            return Err(lost());
        }
        let report = cancelled
            .map(|booked| state.report(booked))
            .ok_or_else(|| {
                AdapterError::rejected(ErrorKind::UnknownOrder, "the order is not in the book")
            })?;
        state.tell(&report);
        Ok(report)
    }
}

impl State {
    /// A report that is about another order than it should be: one that there is, or one that cannot be.
    pub(super) fn another(&self, report: &OrderReport) -> OrderReport {
        let orders = &self.book.ledger.orders;
        let other = orders
            .iter()
            .position(|booked| booked.order.client_order_id != report.client_order_id);
        other.map_or_else(
            || {
                let mut made_up = report.clone();
                made_up.status = OrderStatus::Filled;
                made_up.quantity += Decimal::ONE;
                made_up.fills.clear();
                made_up
            },
            |booked| self.report(booked),
        )
    }
}
