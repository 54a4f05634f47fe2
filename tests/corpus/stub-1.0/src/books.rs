//! The pretended exchange: what a real adapter has a network connection for.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::serde::{Deserialize, Serialize};
use investbot_plugin_api::*;

use crate::refused;

/// Everything that the exchange knows.
pub(crate) struct Books {
    pub(crate) listings: Vec<Listing>,
    /// Oldest first. Here every order is filled when it is taken up.
    pub(crate) orders: Vec<Order>,
    by_id: HashMap<String, usize>,
    ledger: Option<Ledger>,
}

/// An instrument and what was done with it.
pub(crate) struct Listing {
    pub(crate) instrument: Instrument,
    pub(crate) last_price: Option<Decimal>,
    pub(crate) bought: Decimal,
    pub(crate) paid: Decimal,
}

/// An order, and a line of the ledger: it was taken up and filled whole, without a fee, at this price and
/// time. Its id is the execution's too. An order without a line was never at the venue; a line is there
/// before anybody is told of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct Order {
    pub(crate) client_order_id: String,
    pub(crate) instrument: String,
    pub(crate) side: Side,
    pub(crate) quantity: Decimal,
    pub(crate) price: Decimal,
    pub(crate) time: UnixNanos,
}

struct Ledger {
    file: File,
    length: u64,
}

impl Books {
    pub(crate) fn new(symbols: &[String]) -> Self {
        // All instruments have the same rules: hardly any.
        let lot = Decimal::new(1, 8);
        let listing = |symbol: &String| Listing {
            instrument: Instrument::new(symbol, lot, lot),
            last_price: None,
            bought: Decimal::ZERO,
            paid: Decimal::ZERO,
        };
        Self {
            listings: symbols.iter().map(listing).collect(),
            orders: Vec::new(),
            by_id: HashMap::new(),
            ledger: None,
        }
    }

    pub(crate) fn order(&self, client_order_id: &str) -> Option<&Order> {
        let index = self.by_id.get(client_order_id)?;
        self.orders.get(*index)
    }

    pub(crate) fn listing(&mut self, symbol: &str) -> Answer<&mut Listing> {
        let mut listings = self.listings.iter_mut();
        listings
            .find(|l| l.instrument.symbol == symbol)
            .ok_or_else(|| refused(ErrorKind::UnknownInstrument, symbol))
    }

    /// Enters an order: checks it, writes it down, then changes the books. In this sequence an error is
    /// definite: the order was not taken up.
    pub(crate) fn enter(&mut self, order: Order) -> Answer<&Order> {
        let invalid = || refused(ErrorKind::InvalidOrder, "price or quantity is out of range");
        if order.price <= Decimal::ZERO || order.quantity <= Decimal::ZERO {
            return Err(invalid());
        }
        let listing = self.listing(&order.instrument)?;
        let quantity = order.side.sign() * order.quantity;
        let bought = listing.bought.checked_add(quantity);
        let cost = quantity.checked_mul(order.price);
        let paid = cost.and_then(|cost| listing.paid.checked_add(cost));
        let (bought, paid) = bought.zip(paid).ok_or_else(invalid)?;
        if let Some(ledger) = &mut self.ledger {
            ledger.append(&order).map_err(|e| {
                let text = format!("the ledger cannot be written: {e}");
                refused(ErrorKind::Internal, &text)
            })?;
        }
        let listing = self.listing(&order.instrument)?;
        (listing.bought, listing.paid) = (bought, paid);
        let index = self.orders.len();
        self.by_id.insert(order.client_order_id.clone(), index);
        self.orders.push(order);
        Ok(&self.orders[index])
    }

    /// Reads what was kept, and keeps what follows. An exchange survives its clients: after a restart
    /// they ask what became of their orders.
    pub(crate) fn open_ledger(&mut self, dir: &Path) -> Result<(), String> {
        let path = dir.join("ledger.jsonl");
        let failed = |e: io::Error| format!("cannot open {}: {e}", path.display());
        std::fs::create_dir_all(dir).map_err(failed)?;
        let bytes = match std::fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(failed)?,
        };
        // A line without its end was never acknowledged: the program was killed while it wrote.
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        for (n, line) in bytes[..whole].split_inclusive(|b| *b == b'\n').enumerate() {
            let order = serde_json::from_slice(line).map_err(|e| e.to_string());
            order
                .and_then(|order| self.enter(order).map(drop).map_err(|e| e.to_string()))
                .map_err(|e| format!("{}:{}: not an order: {e}", path.display(), n + 1))?;
        }
        let open = File::options().create(true).append(true).open(&path);
        let file = open.map_err(failed)?;
        let length = whole as u64;
        file.set_len(length).map_err(failed)?;
        self.ledger = Some(Ledger { file, length });
        Ok(())
    }
}

impl Ledger {
    fn append(&mut self, order: &Order) -> io::Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        // Cuts off what an earlier failure may have left half written.
        self.file.set_len(self.length)?;
        self.file.write_all(&line)?;
        self.length += line.len() as u64;
        Ok(())
    }
}

impl Order {
    /// Whether `other` asks for the same.
    pub(crate) fn is(&self, other: &NewOrder) -> bool {
        self.instrument == other.instrument
            && self.side == other.side
            && self.quantity == other.quantity
            && other.limit_price.is_none_or(|limit| limit == self.price)
    }

    /// What is said about the order: it was filled whole.
    pub(crate) fn report(&self) -> OrderReport {
        let id = &self.client_order_id;
        let mut report = OrderReport::new(
            id,
            id,
            &self.instrument,
            self.side,
            OrderStatus::Filled,
            self.quantity,
            self.time,
        );
        report.filled_quantity = self.quantity;
        report.fills.push(self.fill(&report));
        report
    }

    fn fill(&self, report: &OrderReport) -> Fill {
        let id = &self.client_order_id;
        let mut fill = Fill::of(report, id, self.price, self.quantity, self.time);
        fill.liquidity = Liquidity::Taker;
        fill
    }
}
