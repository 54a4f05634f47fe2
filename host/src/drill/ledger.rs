//! The venue's own ledger, as the drill reads it: plain JSON lines, known by their words alone, as one reads
//! what a foreign system wrote.

use std::collections::BTreeMap;
use std::path::Path;

use investbot_plugin_api::{Decimal, OrderStatus, Side};
use serde::Deserialize;

use super::error::DrillError;

/// What the venue says happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// By client order id.
    pub(super) orders: BTreeMap<String, Known>,
    /// By the venue's id.
    pub(super) fills: BTreeMap<String, FillEntry>,
}

/// What the venue knows of a client order id.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// How many orders there are with it.
    pub(super) times: u64,
    quantity: Decimal,
    filled: Decimal,
    closed: Option<String>,
    /// A report says that it is not over yet.
    goes_on: bool,
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FillEntry {
    pub(super) client_order_id: String,
    pub(super) side: Side,
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
    pub(super) fee: Decimal,
    pub(super) fee_currency: String,
}

/// Where an order is at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    Open,
    Filled,
    Closed(&'a str),
}

impl Known {
    pub(super) fn standing(&self) -> Standing<'_> {
        if self.filled >= self.quantity {
            return Standing::Filled;
        }
        self.closed
            .as_deref()
            .map_or(Standing::Open, Standing::Closed)
    }
}

/// A line, whatever its type.
#[derive(Deserialize)]
struct Line {
    /// A line without one is the report of an order; one without a status too is an order that was taken up and filled
    /// whole, for nothing.
    #[serde(rename = "type", default)]
    kind: String,
    /// The next line belongs to the same change.
    #[serde(default)]
    more: bool,
    #[serde(default)]
    client_order_id: String,
    #[serde(default)]
    quantity: Decimal,
    #[serde(default)]
    status: String,
    side: Option<Side>,
    #[serde(default)]
    fill_id: String,
    #[serde(default)]
    price: Decimal,
    #[serde(default)]
    fee: Decimal,
    #[serde(default)]
    fee_currency: String,
    #[serde(default)]
    fills: Vec<Self>,
}

impl Ledger {
    /// Reads the ledger of the run in `dir`; one that was never begun is empty.
    pub(super) fn read(dir: &Path) -> Result<Self, DrillError> {
        let path = dir.join("venue").join("ledger.jsonl");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(DrillError::io(&path, error)),
        };
        Self::parse(&text).map_err(|(line, text)| DrillError::Content { path, line, text })
    }

    pub(super) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut ledger = Self::default();
        let mut change = Vec::new();
        // What follows the last newline never happened, and neither did a change without its last line.
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        for (index, line) in whole.enumerate() {
            let line: Line = serde_json::from_str(line).map_err(|e| (index + 1, e.to_string()))?;
            let more = line.more;
            change.push(line);
            if !more {
                for line in change.drain(..) {
                    ledger.take(line).map_err(|text| (index + 1, text))?;
                }
            }
        }
        Ok(ledger)
    }

    fn take(&mut self, line: Line) -> Result<(), String> {
        match line.kind.as_str() {
            "order" => {
                self.take_order(&line);
            }
            "fill" => self.take_fill(line)?,
            "close" => {
                let order = self.orders.entry(line.client_order_id).or_default();
                order.closed = Some(line.status);
            }
            "" if !line.status.is_empty() => self.take_report(line)?,
            "" => {
                let times = self.take_order(&line);
                let fill_id = match times {
                    1 => line.client_order_id.clone(),
                    again => format!("{}#{again}", line.client_order_id),
                };
                self.take_fill(Line { fill_id, ..line })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What a report says last counts, and each of its fills once. What comes after the end is another order.
    fn take_report(&mut self, line: Line) -> Result<(), String> {
        let is_final = line
            .status
            .parse()
            .is_ok_and(|status: OrderStatus| status.is_final());
        let known = self.orders.get(&line.client_order_id);
        let goes_on = known.is_some_and(|order| order.goes_on);
        if !goes_on {
            self.take_order(&line);
        }
        let order = self.orders.entry(line.client_order_id).or_default();
        order.goes_on = !is_final;
        if is_final {
            order.closed = Some(line.status);
        }
        let times = order.times;
        for mut fill in line.fills {
            if self.fills.contains_key(&fill.fill_id) {
                if goes_on {
                    continue;
                }
                fill.fill_id = format!("{}#{times}", fill.fill_id);
            }
            self.take_fill(fill)?;
        }
        Ok(())
    }

    /// How many orders there are with this client order id now.
    fn take_order(&mut self, line: &Line) -> u64 {
        let order = self.orders.entry(line.client_order_id.clone()).or_default();
        order.times += 1;
        order.quantity += line.quantity;
        order.times
    }

    fn take_fill(&mut self, line: Line) -> Result<(), String> {
        let side = line.side.ok_or("a fill without a side")?;
        let order = self.orders.entry(line.client_order_id.clone()).or_default();
        order.filled += line.quantity;
        let fill = FillEntry {
            client_order_id: line.client_order_id,
            side,
            price: line.price,
            quantity: line.quantity,
            fee: line.fee,
            fee_currency: line.fee_currency,
        };
        match self.fills.insert(line.fill_id, fill) {
            None => Ok(()),
            Some(_) => Err("two fills with one id".to_owned()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ledger_says() {
        let text = r#"{"type":"deposit","currency":"USD","amount":"100"}
{"type":"order","client_order_id":"a","side":"buy","quantity":"2"}
{"type":"fill","client_order_id":"a","fill_id":"1","side":"buy","price":"5","quantity":"1","fee":"0.1","fee_currency":"USD"}
{"type":"order","client_order_id":"b","side":"sell","quantity":"1"}
{"type":"order","client_order_id":"b","side":"sell","quantity":"1"}
{"type":"fill","client_order_id":"a","fill_id":"2","side":"buy","price":"5","quantity":"1","more":true}
{"type":"close","client_order_id":"b","status":"cancelled","reason":"requested"}
{"type":"order","client_order_id":"c","side":"buy","quantity":"1"}
{"client_order_id":"d","side":"buy","quantity":"3","price":"100"}
{"client_order_id":"d","side":"buy","quantity":"3","price":"100"}
{"type":"order","client_order_id":"e","more":true}
{"type":"ord"#;
        let ledger = Ledger::parse(text).unwrap();
        let of = |id: &str| (ledger.orders[id].times, ledger.orders[id].standing());
        assert_eq!(of("a"), (1, Standing::Filled));
        assert_eq!(of("b"), (2, Standing::Closed("cancelled")));
        assert_eq!(of("c"), (1, Standing::Open));
        assert_eq!(of("d"), (2, Standing::Filled));
        assert!(!ledger.orders.contains_key("e"));
        assert_eq!(
            ledger.fills.keys().collect::<Vec<_>>(),
            ["1", "2", "d", "d#2"]
        );
        let reports = r#"{"client_order_id":"a","side":"buy","quantity":"2","status":"open","fills":[]}
{"client_order_id":"a","side":"buy","quantity":"2","status":"partially_filled","fills":[{"client_order_id":"a","fill_id":"1","side":"buy","price":"5","quantity":"1"}]}
{"client_order_id":"a","side":"buy","quantity":"2","status":"filled","fills":[{"client_order_id":"a","fill_id":"1","side":"buy","price":"5","quantity":"1"},{"client_order_id":"a","fill_id":"2","side":"buy","price":"5","quantity":"1"}]}
{"client_order_id":"b","side":"buy","quantity":"2","status":"open","fills":[]}
{"client_order_id":"c","side":"buy","quantity":"2","status":"cancelled","fills":[]}
{"client_order_id":"d","side":"buy","quantity":"1","status":"filled","fills":[{"client_order_id":"d","fill_id":"d","side":"buy","price":"5","quantity":"1"}]}
{"client_order_id":"d","side":"buy","quantity":"1","status":"filled","fills":[{"client_order_id":"d","fill_id":"d","side":"buy","price":"5","quantity":"1"}]}
"#;
        let ledger = Ledger::parse(reports).unwrap();
        let of = |id: &str| (ledger.orders[id].times, ledger.orders[id].standing());
        assert_eq!(of("a"), (1, Standing::Filled));
        assert_eq!(of("b"), (1, Standing::Open));
        assert_eq!(of("c"), (1, Standing::Closed("cancelled")));
        assert_eq!(of("d"), (2, Standing::Filled));
        assert_eq!(
            ledger.fills.keys().collect::<Vec<_>>(),
            ["1", "2", "d", "d#2"]
        );
        let twice = r#"{"type":"fill","fill_id":"1","side":"buy"}
{"type":"fill","fill_id":"1","side":"buy"}
"#;
        assert!(Ledger::parse(twice).is_err());
        assert!(Ledger::parse("nonsense\n").is_err());
    }
}
