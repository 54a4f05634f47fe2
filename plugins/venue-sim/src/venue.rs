//! The venue: takes requests and bars, decides, and turns every decision into a record.

mod open;
mod trading;

pub use open::OpenError;

use investbot_plugin_api::{
    AdapterError, Balance, CancelOrder, Decimal, ErrorKind, FillsPage, Instrument, NewOrder,
    OrderRef, OrderReport, OrderType, Position, Side, UnixNanos,
};

use crate::books::Books;
use crate::ledger::{Ledger, LedgerError};
use crate::matching::allows;
use crate::order::{Spec, venue_order_id};
use crate::pricing;
use crate::record::{CloseReason, Entry, Record};
use crate::refusal::Refusal;
use crate::rules;
use crate::settings::{ClientIds, Settings};

/// A venue that fills orders against the bars it is shown.
#[derive(Debug)]
pub struct SimVenue {
    settings: Settings,
    client_ids: ClientIds,
    books: Books,
    ledger: Ledger,
}

impl SimVenue {
    /// How many fills a page has at most.
    pub const PAGE: usize = 1000;

    /// The instruments, with the venue's rules.
    #[must_use]
    pub fn instruments(&self) -> Vec<Instrument> {
        self.books
            .listings
            .iter()
            .map(|listing| listing.instrument.clone())
            .collect()
    }

    /// What the account holds, by currency.
    #[must_use]
    pub fn balances(&self) -> Vec<Balance> {
        self.books.account.balances()
    }

    /// What was bought less what was sold, by instrument; the starting amounts are not in it.
    #[must_use]
    pub fn positions(&self) -> Vec<Position> {
        self.books.positions()
    }

    /// Takes an order into the book.
    pub fn place(&mut self, order: &NewOrder, now: UnixNanos) -> Result<OrderReport, Refusal> {
        let listing = self.books.listing(&order.instrument).ok_or_else(|| {
            let traded = self.books.listings.iter();
            let traded: Vec<_> = traded.map(|l| l.instrument.symbol.as_str()).collect();
            Refusal::UnknownInstrument {
                instrument: order.instrument.clone(),
                traded: traded.join(", "),
            }
        })?;
        let spec = Spec::new(listing, order);
        if let Some(index) = self.known(order, &spec)? {
            return Ok(self.books.report(index));
        }
        let last = self.books.listings[listing].last;
        rules::check(order, &self.books.listings[listing].instrument, last, now)?;
        let marketable = self.check_marketable(&spec, last)?;
        self.check_position(&spec)?;
        self.check_funds(&spec, last)?;
        let generation = self.books.generations(&order.client_order_id) + 1;
        self.record(
            now,
            Entry::Order {
                order_id: venue_order_id(&order.client_order_id, generation),
                marketable,
                order: order.clone(),
            },
        )?;
        let index = self.books.latest(&order.client_order_id);
        Ok(self.books.report(index.expect("it was just accepted")))
    }

    /// The order that this one repeats, if the client order id makes it a repetition.
    fn known(&self, order: &NewOrder, spec: &Spec) -> Result<Option<usize>, Refusal> {
        let Some(index) = self.books.latest(&order.client_order_id) else {
            return Ok(None);
        };
        let known = self.books.order(index);
        let client_order_id = order.client_order_id.clone();
        match self.client_ids {
            ClientIds::UniqueWhileOpen if !known.is_open() => Ok(None),
            _ if known.spec != *spec => Err(Refusal::DuplicateClientOrderId { client_order_id }),
            ClientIds::UniqueForever => Ok(Some(index)),
            ClientIds::UniqueWhileOpen => Err(Refusal::AlreadyOpen { client_order_id }),
        }
    }

    /// Whether a limit order's price is at the market already. Before the first bar nobody knows.
    fn check_marketable(&self, spec: &Spec, last: Option<Decimal>) -> Result<bool, Refusal> {
        let marketable = match (spec.order_type, spec.limit_price, last) {
            (OrderType::Limit, Some(limit), Some(last)) => allows(limit, spec.side, last),
            (OrderType::Limit, _, None) => !spec.post_only,
            _ => false,
        };
        if marketable && spec.post_only {
            return Err(Refusal::PostOnly {
                problem: "the limit price is at the market, so the order would take",
            });
        }
        Ok(marketable)
    }

    fn check_position(&self, spec: &Spec) -> Result<(), Refusal> {
        if spec.reduce_only && self.reducible(spec).is_zero() {
            return Err(Refusal::ReduceOnly {
                position: self.books.listings[spec.instrument].position,
            });
        }
        Ok(())
    }

    /// How much of the position an order on this side would reduce.
    fn reducible(&self, spec: &Spec) -> Decimal {
        let position = self.books.listings[spec.instrument].position;
        (-spec.side.sign() * position).max(Decimal::ZERO)
    }

    fn check_funds(&self, spec: &Spec, last: Option<Decimal>) -> Result<(), Refusal> {
        let mut needed = self.books.lock_of(spec, spec.quantity);
        if let (Side::Buy, None, Some(last)) = (spec.side, spec.limit_price, last) {
            // It locks nothing, but what cannot be paid at the last price is not worth taking up.
            let price = spec.stop_price.unwrap_or(last);
            needed = pricing::cost(price, spec.quantity, self.settings.taker_fee_bps)
                .unwrap_or(Decimal::MAX);
        }
        let currency = self.books.lock_currency(spec);
        let available = self.books.account.available(currency);
        if needed > available && !needed.is_zero() {
            return Err(Refusal::InsufficientFunds {
                needed: needed.normalize(),
                available: available.normalize(),
                currency: currency.to_owned(),
            });
        }
        Ok(())
    }

    /// Takes an order out of the book; one that is closed already stays as it is.
    pub fn cancel(&mut self, cancel: &CancelOrder, now: UnixNanos) -> Result<OrderReport, Refusal> {
        let index = self
            .books
            .find(&cancel.order)
            .ok_or_else(|| Refusal::UnknownOrder {
                client_order_id: cancel.order.client_order_id.clone(),
            })?;
        if self.books.order(index).is_open() {
            self.record(now, self.closing(index, CloseReason::Requested))?;
        }
        Ok(self.books.report(index))
    }

    /// An order by the venue's id, or the latest of the client's id.
    #[must_use]
    pub fn order(&self, order: &OrderRef) -> Option<OrderReport> {
        self.books.find(order).map(|index| self.books.report(index))
    }

    /// All open orders, in the order of acceptance.
    #[must_use]
    pub fn open_orders(&self) -> Vec<OrderReport> {
        self.books.open_orders()
    }

    /// A page of fills after `cursor`, which is the number of fills before the page.
    pub fn fills_since(&self, cursor: Option<&str>) -> Result<FillsPage, AdapterError> {
        let count = self.books.fill_count();
        let from = match cursor {
            None => 0,
            Some(text) => text.parse().ok().filter(|n| *n <= count).ok_or_else(|| {
                AdapterError::not_sent(
                    ErrorKind::Protocol,
                    format!("`{text}` is no cursor of this venue, which has {count} fills"),
                )
            })?,
        };
        let to = count.min(from.saturating_add(Self::PAGE));
        let fills = (from..to).map(|n| self.books.fill_at(n)).collect();
        Ok(FillsPage::new(fills, to.to_string(), to < count))
    }

    fn closing(&self, index: usize, reason: CloseReason) -> Entry {
        Entry::Close {
            order: self.books.name(index),
            status: reason.status(),
            reason,
        }
    }

    /// From now on, records go to another ledger.
    #[cfg(test)]
    pub(crate) fn write_to(&mut self, ledger: Ledger) {
        self.ledger = ledger;
    }

    /// Does what somebody asked for: into the ledger first, then into the books.
    fn record(&mut self, time: UnixNanos, entry: Entry) -> Result<(), LedgerError> {
        let mut change = [Record {
            time,
            market_time: self.books.market_time,
            more: false,
            entry,
        }];
        self.ledger.append(&mut change)?;
        self.apply(&change[0]);
        Ok(())
    }

    fn apply(&mut self, record: &Record) {
        self.books
            .apply(record)
            .expect("a record was decided on the very books it is applied to");
    }
}
