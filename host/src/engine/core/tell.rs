//! Execution reports: what the outside is told.
//!
//! Decimals lose their trailing zeros here, so that a run's record does not depend on who wrote `1.0`.

use investbot_plugin_api::{Decimal, Fill, UnixNanos};

use super::Core;
use crate::engine::event::{Command, OrderState};
use crate::engine::intent::OrderSpec;
use crate::engine::orders::Order;
use crate::engine::report::{ExecutionReport, FillPart, ReportKind};
use crate::engine::risk::Denial;
use crate::planted::{self, Bug};

/// A code and its words.
#[derive(Default)]
pub(super) struct Detail {
    pub(super) code: Option<String>,
    pub(super) text: Option<String>,
}

impl Detail {
    pub(super) fn code(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            text: Some(text.into()),
        }
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            code: None,
            text: Some(text.into()),
        }
    }
}

/// What a report about an order is about.
pub(super) struct About<'a> {
    pub(super) kind: ReportKind,
    pub(super) detail: Detail,
    pub(super) fill: Option<&'a Fill>,
}

impl About<'_> {
    pub(super) fn of(kind: ReportKind) -> Self {
        Self {
            kind,
            detail: Detail::default(),
            fill: None,
        }
    }
}

impl Core {
    /// Tells about an order that is remembered.
    pub(super) fn tell(&mut self, client_order_id: &str, about: About<'_>, out: &mut Vec<Command>) {
        let mut report = self.blank(about.kind, self.now);
        let Some(order) = self.orders.get(client_order_id) else {
            return;
        };
        if order.state == OrderState::Held && planted::is(Bug::SilentHold) {
            return;
        }
        describe(&mut report, order);
        if let Some(fill) = about.fill {
            report.time = fill.time;
            report.filled_quantity = order.filled.normalize();
            report.fill = Some(part(fill));
        }
        self.send(report, about.detail, out);
    }

    /// Tells that an intent was denied.
    pub(super) fn tell_denied(
        &mut self,
        id: Option<String>,
        spec: &OrderSpec,
        denial: &Denial,
        out: &mut Vec<Command>,
    ) {
        let detail = Detail::code(denial.code.as_str(), denial.text.clone());
        let mut report = self.blank(ReportKind::Order, self.now);
        describe_spec(&mut report, spec);
        report.id = id;
        report.state = Some(OrderState::Denied);
        self.send(report, detail, out);
    }

    /// Tells about an intent whose id was seen before; the state is that of the order it became then.
    pub(super) fn tell_spec(
        &mut self,
        id: Option<String>,
        client_order_id: String,
        spec: &OrderSpec,
        detail: Detail,
        out: &mut Vec<Command>,
    ) {
        let mut report = self.blank(ReportKind::Order, self.now);
        describe_spec(&mut report, spec);
        report.id = id;
        if client_order_id.is_empty() {
            report.state = Some(OrderState::Denied);
        } else if let Some(order) = self.orders.get(&client_order_id) {
            report.state = Some(order.state);
            report.filled_quantity = order.filled.normalize();
        }
        report.client_order_id = client_order_id;
        self.send(report, detail, out);
    }

    /// Tells of an execution that belongs to no order, or not to the one it names.
    pub(super) fn tell_unmatched(&mut self, fill: &Fill, detail: Detail, out: &mut Vec<Command>) {
        let mut report = self.blank(ReportKind::UnmatchedFill, fill.time);
        report.client_order_id.clone_from(&fill.client_order_id);
        report.venue_order_id = Some(fill.venue_order_id.clone());
        report.instrument.clone_from(&fill.instrument);
        report.side = Some(fill.side);
        report.quantity = fill.quantity.normalize();
        report.filled_quantity = fill.quantity.normalize();
        report.fill = Some(part(fill));
        self.send(report, detail, out);
    }

    /// Tells that a cancel could not be done.
    pub(super) fn tell_cancel_failed(
        &mut self,
        client_order_id: &str,
        id: Option<&str>,
        code: &str,
        text: String,
        out: &mut Vec<Command>,
    ) {
        let mut report = self.blank(ReportKind::CancelFailed, self.now);
        match self.orders.get(client_order_id) {
            Some(order) => describe(&mut report, order),
            None => {
                report.id = id.map(str::to_owned);
                report.client_order_id = client_order_id.to_owned();
            }
        }
        self.send(report, Detail::code(code, text), out);
    }

    /// From now on nothing is sent.
    pub(super) fn halt(&mut self, code: &str, reason: String, out: &mut Vec<Command>) {
        if self.halted.is_some() {
            return;
        }
        self.halted = Some(reason.clone());
        let mut report = self.blank(ReportKind::Halt, self.now);
        report.instrument.clone_from(&self.instrument);
        self.send(report, Detail::code(code, reason), out);
    }

    fn blank(&self, kind: ReportKind, time: UnixNanos) -> ExecutionReport {
        ExecutionReport {
            sequence: 0,
            kind,
            time,
            id: None,
            client_order_id: String::new(),
            venue_order_id: None,
            instrument: String::new(),
            side: None,
            order_type: None,
            state: None,
            quantity: Decimal::ZERO,
            filled_quantity: Decimal::ZERO,
            fill: None,
            code: None,
            text: None,
        }
    }

    fn send(&mut self, mut report: ExecutionReport, detail: Detail, out: &mut Vec<Command>) {
        self.sequence += 1;
        report.sequence = self.sequence;
        report.code = detail.code;
        report.text = detail.text;
        out.push(Command::Report(report));
    }
}

fn describe(report: &mut ExecutionReport, order: &Order) {
    describe_spec(report, &order.spec);
    report.id.clone_from(&order.id);
    report.client_order_id.clone_from(&order.client_order_id);
    report.venue_order_id.clone_from(&order.venue_order_id);
    report.state = Some(order.state);
    report.filled_quantity = order.known_filled().normalize();
}

fn describe_spec(report: &mut ExecutionReport, spec: &OrderSpec) {
    report.instrument.clone_from(&spec.instrument);
    report.side = Some(spec.side);
    report.order_type = Some(spec.order_type);
    report.quantity = spec.quantity.normalize();
}

fn part(fill: &Fill) -> FillPart {
    FillPart {
        fill_id: fill.fill_id.clone(),
        price: fill.price.normalize(),
        quantity: fill.quantity.normalize(),
        fee: fill.fee.normalize(),
        fee_currency: fill.fee_currency.clone(),
    }
}
