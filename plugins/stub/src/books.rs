//! The pretended exchange: what a real adapter has a network connection for.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::*;

use crate::refused;

/// Everything that the exchange knows. It begins empty.
#[derive(Default)]
pub(crate) struct Books {
    /// By client order id, each with its fill.
    pub(crate) orders: HashMap<String, OrderReport>,
    /// The client order ids, oldest first.
    pub(crate) sequence: Vec<String>,
    /// By currency.
    pub(crate) balances: BTreeMap<String, Decimal>,
    /// By symbol.
    pub(crate) positions: BTreeMap<String, Decimal>,
    /// By symbol.
    pub(crate) last_prices: HashMap<String, Decimal>,
    ledger: Option<Ledger>,
}

struct Ledger {
    file: File,
    length: u64,
}

impl Books {
    /// Enters a filled order: checks it, writes it down, then changes the books. In this order an error
    /// is definite: the order was not taken up.
    pub(crate) fn enter(&mut self, report: OrderReport) -> Answer<()> {
        let invalid = || refused(ErrorKind::InvalidOrder, "price or quantity is out of range");
        let fill = report.fills.first().ok_or_else(invalid)?;
        if fill.price <= Decimal::ZERO || fill.quantity <= Decimal::ZERO {
            return Err(invalid());
        }
        let Instrument { base, quote, .. } = instrument(&report.instrument);
        let bought = report.side.sign() * fill.quantity;
        let earned = bought.checked_mul(-fill.price).ok_or_else(invalid)?;
        let sum = |map: &BTreeMap<String, Decimal>, key: &str, change| {
            let before = map.get(key).copied().unwrap_or_default();
            before.checked_add(change).ok_or_else(invalid)
        };
        let base_after = sum(&self.balances, &base, bought)?;
        let quote_after = sum(&self.balances, &quote, earned)?;
        let position_after = sum(&self.positions, &report.instrument, bought)?;
        if let Some(ledger) = &mut self.ledger {
            ledger.append(&report).map_err(|e| {
                let text = format!("the ledger cannot be written: {e}");
                refused(ErrorKind::Internal, &text)
            })?;
        }
        self.balances.insert(base, base_after);
        self.balances.insert(quote, quote_after);
        let symbol = report.instrument.clone();
        self.positions.insert(symbol, position_after);
        self.sequence.push(report.client_order_id.clone());
        self.orders.insert(report.client_order_id.clone(), report);
        Ok(())
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
            serde_json::from_slice(line)
                .map_err(|e| e.to_string())
                .and_then(|report| self.enter(report).map_err(|e| e.to_string()))
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
    fn append(&mut self, report: &OrderReport) -> io::Result<()> {
        let mut line = serde_json::to_vec(report)?;
        line.push(b'\n');
        // Cuts off what an earlier failure may have left half written.
        if self.file.metadata()?.len() != self.length {
            self.file.set_len(self.length)?;
        }
        self.file.write_all(&line)?;
        self.length += line.len() as u64;
        Ok(())
    }
}

/// Here all instruments have the same rules: hardly any.
pub(crate) fn instrument(symbol: &str) -> Instrument {
    Instrument::new(symbol, Decimal::new(1, 8), Decimal::new(1, 8))
}
