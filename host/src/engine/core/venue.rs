//! What the venue, the worker and people say about orders.
//!
//! An order's state follows what the venue says; the portfolio follows fills alone. A fill is booked once,
//! however often and by whichever way it is told. What contradicts itself is held and told, not resolved
//! by guessing.

use investbot_plugin_api::{Decimal, Fill, OrderReport, OrderStatus};

use super::Core;
use super::tell::{About, Detail};
use crate::engine::arithmetic::Checked;
use crate::engine::event::{Command, Decision, Outcome};
use crate::engine::orders::{Applied, Order, OrderEvent};
use crate::engine::report::ReportKind;
use crate::planted::{self, Bug};

/// The venue and the host cannot both be right about this order.
const CONFLICT: &str = "CONFLICT";
/// More was filled than was wanted.
const OVERFILL: &str = "OVERFILL";
/// A person decided what became of a held order.
const RESOLVED: &str = "RESOLVED";
/// A fill that names an order of ours but is not of it.
const FILL_MISMATCH: &str = "FILL_MISMATCH";

impl Core {
    pub(super) fn on_attempt(&mut self, client_order_id: &str, attempt: u32) -> Checked<()> {
        let applied = self.orders.update(client_order_id, |order| {
            order.attempt = order.attempt.max(attempt);
            Ok(order.apply(OrderEvent::Attempt))
        })?;
        self.count_late(applied);
        Ok(())
    }

    pub(super) fn on_outcome(
        &mut self,
        client_order_id: &str,
        outcome: Outcome,
        out: &mut Vec<Command>,
    ) -> Checked<()> {
        let (event, detail) = match outcome {
            Outcome::Accepted(mut report) => {
                // It was placed, whatever the venue calls its state.
                if report.status == OrderStatus::Unrecognized {
                    report.status = OrderStatus::Open;
                }
                return self.take_report(client_order_id, &report, out);
            }
            Outcome::Rejected { code, text } => (OrderEvent::Rejected, Detail::code(code, text)),
            Outcome::Absent => (OrderEvent::Absent, Detail::default()),
            Outcome::Abandoned { text } => (OrderEvent::Abandoned, Detail::text(text)),
            Outcome::Unknown { text } => (OrderEvent::Unknown, Detail::text(text)),
            Outcome::Held { text } => (OrderEvent::Held, Detail::text(text)),
        };
        let applied = self.orders.update(client_order_id, |order| {
            let was_doubtful = order.doubtful;
            Ok(match order.apply(event) {
                // In doubt since the attempt; that it stays so is news.
                Applied::Same if order.doubtful && !was_doubtful => Applied::Changed,
                applied => applied,
            })
        })?;
        self.tell_applied(client_order_id, applied, detail, out);
        Ok(())
    }

    /// A person's decision about an order that is held.
    pub(super) fn on_decision(
        &mut self,
        client_order_id: &str,
        decision: Decision,
        reason: String,
        out: &mut Vec<Command>,
    ) -> Checked<()> {
        let applied = self
            .orders
            .update(client_order_id, |order| Ok(order.decide(decision)))?;
        self.tell_applied(
            client_order_id,
            applied,
            Detail::code(RESOLVED, reason),
            out,
        );
        Ok(())
    }

    /// A report that came unasked, or as the answer to a cancel or a query.
    pub(super) fn on_order(&mut self, report: &OrderReport, out: &mut Vec<Command>) -> Checked<()> {
        let found = self.orders.find(
            &report.client_order_id,
            &report.venue_order_id,
            &report.instrument,
        );
        if let Some(order) = found {
            let client_order_id = order.client_order_id.clone();
            return self.take_report(&client_order_id, report, out);
        }
        self.late += 1;
        for fill in &report.fills {
            self.on_fill(fill, out)?;
        }
        Ok(())
    }

    pub(super) fn on_fill(&mut self, fill: &Fill, out: &mut Vec<Command>) -> Checked<()> {
        let found = self.orders.find(
            &fill.client_order_id,
            &fill.venue_order_id,
            &fill.instrument,
        );
        match found {
            Some(order) => {
                let client_order_id = order.client_order_id.clone();
                self.book(&client_order_id, fill, out)
            }
            None => {
                if self.unmatched.note(&fill.instrument, &fill.fill_id) {
                    let text = "the venue executed an order that this run does not know";
                    self.tell_unmatched(fill, Detail::text(text), out);
                }
                Ok(())
            }
        }
    }

    /// Whether a report names an order of ours and cannot be about it.
    #[must_use]
    pub fn is_about_another(&self, report: &OrderReport) -> bool {
        let order = self.orders.get(&report.client_order_id);
        order.is_some_and(|order| !is_about(report, order))
    }

    fn take_report(
        &mut self,
        client_order_id: &str,
        report: &OrderReport,
        out: &mut Vec<Command>,
    ) -> Checked<()> {
        let Some(order) = self.orders.get(client_order_id) else {
            self.late += 1;
            return Ok(());
        };
        if !is_about(report, order) {
            return self.contradict(
                client_order_id,
                CONFLICT,
                format!(
                    "the venue answered with a report about another order: {} {} {} `{}`",
                    report.side,
                    report.quantity.normalize(),
                    report.instrument,
                    report.client_order_id
                ),
                out,
            );
        }
        let known_filled = order.known_filled();
        for fill in &report.fills {
            self.book(client_order_id, fill, out)?;
        }
        let mut is_more = false;
        let applied = self.orders.update(client_order_id, |order| {
            order.note_report(report);
            is_more = order.known_filled() > known_filled;
            Ok(order.apply(OrderEvent::Status(report.status)))
        })?;
        let detail = Detail {
            code: None,
            text: report.reason.clone(),
        };
        self.tell_applied(client_order_id, applied, detail, out);
        // What a person has decided about is no news when it is told again.
        if is_more {
            self.check_overfill(client_order_id, out)?;
        }
        Ok(())
    }

    /// Books a fill of an order of ours, unless it is known.
    fn book(&mut self, client_order_id: &str, fill: &Fill, out: &mut Vec<Command>) -> Checked<()> {
        let Some(order) = self.orders.get(client_order_id) else {
            return Ok(());
        };
        let spec = &order.spec;
        let belongs = fill.instrument == spec.instrument && fill.side == spec.side;
        if !belongs || fill.quantity <= Decimal::ZERO {
            if self.unmatched.note(&fill.instrument, &fill.fill_id) {
                let text = "the fill does not fit the order that it names";
                self.tell_unmatched(fill, Detail::code(FILL_MISMATCH, text), out);
            }
            let text = format!("fill {} does not fit the order", fill.fill_id);
            return self.contradict(client_order_id, CONFLICT, text, out);
        }
        let applied = self.orders.update(client_order_id, |order| {
            if !order.note_fill(fill)? {
                return Ok(None);
            }
            if order.is_overfilled() {
                // Told below, once the fill is booked.
                return Ok(Some(Applied::Same));
            }
            let complete = order.filled >= order.spec.quantity;
            Ok(Some(order.apply(OrderEvent::Fill { complete })))
        })?;
        let Some(Some(applied)) = applied else {
            return Ok(());
        };
        self.portfolio.apply(fill)?;
        let mut about = About::of(ReportKind::Fill);
        about.fill = Some(fill);
        if applied == Applied::Conflict {
            about.detail = Detail::code(CONFLICT, "executed, although it was known not to live");
        }
        self.tell(client_order_id, about, out);
        self.check_overfill(client_order_id, out)?;
        let equity = self.portfolio.equity()?;
        self.check_loss(equity, out);
        Ok(())
    }

    fn check_overfill(&mut self, client_order_id: &str, out: &mut Vec<Command>) -> Checked<()> {
        match self.orders.get(client_order_id) {
            Some(order) if order.is_overfilled() => {
                let text = format!(
                    "{} of {} are filled",
                    order.known_filled().normalize(),
                    order.spec.quantity.normalize()
                );
                self.contradict(client_order_id, OVERFILL, text, out)
            }
            _ => Ok(()),
        }
    }

    /// Flags an order as contradictory, and tells so the first time.
    fn contradict(
        &mut self,
        client_order_id: &str,
        code: &str,
        text: String,
        out: &mut Vec<Command>,
    ) -> Checked<()> {
        let is_new = self.orders.update(client_order_id, |order| {
            let is_new = !order.conflict;
            order.contradict();
            Ok(is_new)
        })?;
        if is_new == Some(true) {
            let mut about = About::of(ReportKind::Order);
            about.detail = Detail::code(code, text);
            self.tell(client_order_id, about, out);
        }
        Ok(())
    }

    fn tell_applied(
        &mut self,
        client_order_id: &str,
        applied: Option<Applied>,
        detail: Detail,
        out: &mut Vec<Command>,
    ) {
        let mut about = About::of(ReportKind::Order);
        match applied {
            Some(Applied::Changed) => about.detail = detail,
            Some(Applied::Conflict) => {
                let said = detail.text.unwrap_or_default();
                let text = format!("contradicts what was known of the order: {said}");
                about.detail = Detail::code(CONFLICT, text.trim_end_matches([':', ' ']));
            }
            other => return self.count_late(other),
        }
        self.tell(client_order_id, about, out);
    }

    fn count_late(&mut self, applied: Option<Applied>) {
        if matches!(applied, None | Some(Applied::Late)) {
            self.late += 1;
        }
    }
}

/// Whether a report can be about this order.
fn is_about(report: &OrderReport, order: &Order) -> bool {
    if planted::is(Bug::BelievesAnyAnswer) {
        return true;
    }
    let named = &report.client_order_id;
    (named.is_empty() || *named == order.client_order_id)
        && report.instrument == order.spec.instrument
        && report.side == order.spec.side
        && (report.quantity == order.spec.quantity
            || report.status == OrderStatus::Rejected
            || planted::is(Bug::OtherQuantityBelieved))
}
