//! What really happened at a simulated venue: the truth that a client's words are compared with.

use std::sync::Arc;

use investbot_plugin_api::{
    Decimal, Fill, Liquidity, NewOrder, OrderReport, OrderStatus, UnixNanos,
};

use crate::simulator::durable::Durable;

/// Everything that was ever sent, accepted and executed, each in order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Every order that the client sent, whatever became of it.
    pub sends: Vec<Sent>,
    /// Every order that the venue ever accepted.
    pub orders: Vec<Booked>,
    /// Every execution.
    pub fills: Vec<Executed>,
}

/// An order that the client sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The order.
    pub order: Arc<NewOrder>,
    /// When it was sent.
    pub at: UnixNanos,
    /// What was durable then; `None` if nobody can tell.
    pub durable: Option<Durable>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an order that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives at a moment to come.
    UnderWay {
        /// When.
        until: UnixNanos,
        /// Whether its deadline allows the venue to accept it then.
        in_time: bool,
    },
    /// The venue refused it.
    Refused,
    /// The venue took it for one that it had.
    Known,
    /// The venue accepted it.
    Accepted,
}

/// An order that the venue accepted.
#[derive(Clone, Debug)]
pub struct Booked {
    /// The order.
    pub order: Arc<NewOrder>,
    /// Which of the sends brought it.
    pub sent: usize,
    /// When.
    pub accepted_at: UnixNanos,
    /// Its status.
    pub status: OrderStatus,
    /// Since when.
    pub since: UnixNanos,
    /// How much of it is filled.
    pub filled: Decimal,
    /// Whether the client has heard that it is over, from an answer or unasked, and could keep it.
    pub told: bool,
}

impl Booked {
    /// Whether it is in the book.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.status.is_final()
    }
}

/// An execution.
#[derive(Clone, Debug)]
pub struct Executed {
    /// Which of the accepted orders.
    pub booked: usize,
    /// In quote currency per base unit.
    pub price: Decimal,
    /// In base units.
    pub quantity: Decimal,
    /// When.
    pub at: UnixNanos,
}

/// The price of a market order.
pub const PRICE: Decimal = Decimal::ONE_HUNDRED;
/// The fee of every execution, in quote currency.
pub const FEE: Decimal = Decimal::from_parts(25, 0, 0, false, 2);

impl Ledger {
    /// The accepted orders of a client order id, oldest first.
    pub fn of<'a>(&'a self, client_order_id: &'a str) -> impl Iterator<Item = &'a Booked> {
        self.orders
            .iter()
            .filter(move |booked| booked.order.client_order_id == client_order_id)
    }

    /// The client has lost what it heard and did not keep.
    pub fn untell(&mut self) {
        for booked in &mut self.orders {
            booked.told = false;
        }
    }

    /// What the executions added to the position in an instrument, in base units.
    #[must_use]
    pub fn bought(&self, instrument: &str) -> Decimal {
        self.fills
            .iter()
            .map(|fill| (fill, &self.orders[fill.booked].order))
            .filter(|(_, order)| order.instrument == instrument)
            .map(|(fill, order)| order.side.sign() * fill.quantity)
            .sum()
    }

    /// What the executions and their fees took from the cash, in quote currency.
    #[must_use]
    pub fn spent(&self) -> Decimal {
        self.fills
            .iter()
            .map(|fill| {
                self.orders[fill.booked].order.side.sign() * fill.quantity * fill.price + FEE
            })
            .sum()
    }

    /// An accepted order as the venue would report it now.
    #[must_use]
    pub fn report(&self, booked: usize, with_fills: bool) -> OrderReport {
        let entry = &self.orders[booked];
        let mut report = self.first_report(booked);
        report.status = entry.status;
        report.time = entry.since;
        report.filled_quantity = entry.filled;
        if with_fills {
            let own = |index: &usize| self.fills[*index].booked == booked;
            let fills = (0..self.fills.len()).filter(own);
            report.fills = fills.map(|index| self.fill(index)).collect();
        }
        report
    }

    /// An accepted order as the venue reported it when it was new.
    #[must_use]
    pub fn first_report(&self, booked: usize) -> OrderReport {
        let Booked {
            order, accepted_at, ..
        } = &self.orders[booked];
        OrderReport::new(
            order.client_order_id.as_str(),
            venue_order_id(booked),
            order.instrument.as_str(),
            order.side,
            OrderStatus::Open,
            order.quantity,
            *accepted_at,
        )
    }

    /// An execution as the venue reports it.
    #[must_use]
    pub fn fill(&self, index: usize) -> Fill {
        let executed = &self.fills[index];
        let report = self.first_report(executed.booked);
        let mut fill = Fill::of(
            &report,
            format!("f{index}"),
            executed.price,
            executed.quantity,
            executed.at,
        );
        let (_, quote) = report.instrument.split_once('/').unwrap_or(("", "USD"));
        fill.fee = FEE;
        quote.clone_into(&mut fill.fee_currency);
        fill.liquidity = Liquidity::Taker;
        fill
    }
}

/// The venue's id of an accepted order.
pub(super) fn venue_order_id(booked: usize) -> String {
    format!("v{booked}")
}
