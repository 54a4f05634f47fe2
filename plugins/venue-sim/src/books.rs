//! The venue's books: what all records add up to. Nothing here decides anything.

mod lookup;
mod undo;

use std::collections::HashMap;
use std::sync::Arc;

use investbot_plugin_api::{Bar, Decimal, Instrument, Liquidity, NewOrder, Side, UnixNanos};

use crate::account::{Account, Lock, Overflow};
use crate::order::{Order, Spec, expiry, venue_order_id};
use crate::pricing;
use crate::record::{Entry, Record};
use crate::settings::Settings;

pub(crate) use undo::Before;

/// A record that does not fit the books.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misfit {
    #[error(
        "instrument `{0}` is not among the instruments of this run; open the venue with all that its ledger has"
    )]
    UnknownInstrument(String),
    #[error("order `{0}` is not known or not open")]
    NotOpen(String),
    #[error("order id `{found}` should be `{expected}`")]
    OrderId { found: String, expected: String },
    #[error("a fill of {fill} where {remaining} remain")]
    Overfill { fill: Decimal, remaining: Decimal },
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// An instrument and what concerns it alone.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) instrument: Instrument,
    /// Indices of its open orders, in the order of acceptance.
    pub(crate) open: Vec<usize>,
    /// What was bought less what was sold.
    pub(crate) position: Decimal,
    /// When the latest bar closed that it was shown. Of bars that did nothing the ledger knows nothing:
    /// shown again, they do nothing again.
    pub(crate) shown: Option<UnixNanos>,
    /// The price at which that bar closed; not in the ledger, the next bar brings it.
    pub(crate) last: Option<Decimal>,
}

/// A fill, as compact as can be: a venue keeps all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FillRow {
    order: usize,
    nth: u32,
    price: Decimal,
    quantity: Decimal,
    fee: Decimal,
    liquidity: Liquidity,
    time: UnixNanos,
}

/// The books.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) listings: Vec<Listing>,
    pub(crate) account: Account,
    /// The close of the latest bar that was shown.
    pub(crate) market_time: Option<UnixNanos>,
    orders: Vec<Order>,
    /// The latest order of each client order id. Only looked up, never walked.
    by_client_id: HashMap<Arc<str>, usize>,
    fills: Vec<FillRow>,
    allow_short: bool,
    fee_bps: Decimal,
}

impl Books {
    pub(crate) fn new(settings: &Settings, symbols: &[String]) -> Self {
        let mut listings: Vec<Listing> = Vec::with_capacity(symbols.len());
        for symbol in symbols {
            if !listings.iter().any(|l| l.instrument.symbol == *symbol) {
                listings.push(Listing {
                    instrument: settings.instrument(symbol),
                    open: Vec::new(),
                    position: Decimal::ZERO,
                    shown: None,
                    last: None,
                });
            }
        }
        Self {
            listings,
            account: Account::default(),
            market_time: None,
            orders: Vec::new(),
            by_client_id: HashMap::new(),
            fills: Vec::new(),
            allow_short: settings.allow_short,
            fee_bps: settings.highest_fee_bps(),
        }
    }

    /// Takes note of a bar's close. Nothing is known better by a bar from before the latest one.
    pub(crate) fn show(&mut self, listing: usize, bar: &Bar) {
        let listing = &mut self.listings[listing];
        let close = Some(bar.close_time);
        if close >= listing.shown {
            listing.shown = close;
            listing.last = Some(bar.close);
            self.market_time = self.market_time.max(close);
        }
    }

    /// Enters one record. After an error the books are as before, except after [`Misfit::Overflow`],
    /// which the venue rules out before it writes a record.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), Misfit> {
        match &record.entry {
            Entry::Deposit { currency, amount } => self.account.deposit(currency, *amount)?,
            Entry::Order {
                order_id,
                marketable,
                order,
            } => self.accept(order_id, *marketable, order, record)?,
            Entry::Trigger(name) => {
                let index = self.open_order(name)?;
                self.orders[index].triggered = true;
                self.orders[index].changed = record.time;
            }
            Entry::Fill {
                order,
                price,
                quantity,
                fee,
                liquidity,
                ..
            } => {
                let index = self.open_order(order)?;
                let nth = self.orders[index].fills + 1;
                let row = FillRow {
                    order: index,
                    nth,
                    price: *price,
                    quantity: *quantity,
                    fee: *fee,
                    liquidity: *liquidity,
                    time: record.time,
                };
                self.fill(row, record.market_time)?;
            }
            Entry::Close { order, reason, .. } => {
                let index = self.open_order(order)?;
                self.orders[index].closed = Some(*reason);
                self.orders[index].changed = record.time;
                self.settle(index);
            }
        }
        self.market_time = self.market_time.max(record.market_time);
        self.remember_bar(record);
        Ok(())
    }

    /// A bar that has done something is known to the ledger by what it did.
    fn remember_bar(&mut self, record: &Record) {
        let order = record.entry.by_bar();
        let order = order.and_then(|order| self.latest(&order.client_order_id));
        if let Some(order) = order {
            let listing = &mut self.listings[self.orders[order].spec.instrument];
            listing.shown = listing.shown.max(record.market_time);
        }
    }

    fn accept(
        &mut self,
        order_id: &str,
        marketable: bool,
        order: &NewOrder,
        record: &Record,
    ) -> Result<(), Misfit> {
        let instrument = self
            .listing(&order.instrument)
            .ok_or_else(|| Misfit::UnknownInstrument(order.instrument.clone()))?;
        let earlier = self.latest(&order.client_order_id);
        let generation = self.generations(&order.client_order_id) + 1;
        let expected = venue_order_id(&order.client_order_id, generation);
        if order_id != expected {
            return Err(Misfit::OrderId {
                found: order_id.to_owned(),
                expected,
            });
        }
        let client_order_id: Arc<str> = order.client_order_id.as_str().into();
        let index = self.orders.len();
        self.orders.push(Order {
            client_order_id: client_order_id.clone(),
            earlier,
            generation,
            spec: Spec::new(instrument, order),
            marketable,
            accepted: record.time,
            after: record.market_time,
            expires: expiry(order, record.time),
            triggered: false,
            filled: Decimal::ZERO,
            fills: 0,
            locked: Lock::ZERO,
            closed: None,
            changed: record.time,
        });
        self.by_client_id.insert(client_order_id, index);
        self.listings[instrument].open.push(index);
        self.settle(index);
        Ok(())
    }

    fn fill(&mut self, row: FillRow, market_time: Option<UnixNanos>) -> Result<(), Misfit> {
        let order = &mut self.orders[row.order];
        let remaining = order.remaining();
        if row.quantity > remaining {
            return Err(Misfit::Overfill {
                fill: row.quantity,
                remaining,
            });
        }
        let listing = &mut self.listings[order.spec.instrument];
        let side = order.spec.side;
        self.account
            .trade(&listing.instrument, side, row.quantity, row.price, row.fee)?;
        listing.position = listing
            .position
            .checked_add(side.sign() * row.quantity)
            .ok_or(Overflow)?;
        order.filled += row.quantity;
        order.fills = row.nth;
        order.changed = row.time;
        // The rest has to wait for the next bar.
        order.after = order.after.max(market_time);
        let index = row.order;
        self.fills.push(row);
        self.settle(index);
        Ok(())
    }

    /// Brings an order's lock up to date, and takes the order out of the book if it is final.
    fn settle(&mut self, index: usize) {
        let order = &self.orders[index];
        let lock = if order.is_open() {
            self.lock_of(&order.spec, order.remaining())
        } else {
            Lock::ZERO
        };
        let (before, open, listing) = (order.locked, order.is_open(), order.spec.instrument);
        let currency = self.lock_currency(&order.spec).to_owned();
        self.account.relock(&currency, before, lock);
        self.orders[index].locked = lock;
        if !open {
            self.listings[listing].open.retain(|other| *other != index);
        }
    }

    /// What `remaining` of an order locks: what it will need, as far as it is known.
    pub(crate) fn lock_of(&self, spec: &Spec, remaining: Decimal) -> Lock {
        match (spec.side, spec.limit_price) {
            (Side::Sell, _) if self.allow_short => Lock::ZERO,
            (Side::Sell, _) => remaining,
            // The rules keep prices and quantities so small that this can't overflow.
            (_, Some(limit)) => pricing::cost(limit, remaining, self.fee_bps).unwrap_or(Lock::MAX),
            (_, None) => Lock::ZERO,
        }
    }

    /// What an order pays with.
    pub(crate) fn lock_currency(&self, spec: &Spec) -> &str {
        let instrument = &self.listings[spec.instrument].instrument;
        match spec.side {
            Side::Sell => &instrument.base,
            _ => &instrument.quote,
        }
    }
}
