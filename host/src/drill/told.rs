//! What a run told: its execution reports, its totals, and what it began with.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use investbot_plugin_api::{Decimal, Side};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::DrillError;
use super::ledger::FillEntry;

/// What a run told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By client order id.
    pub(super) orders: BTreeMap<String, ToldOrder>,
    /// Intents that were denied before they got a client order id: their callers' ids.
    pub(super) denied: Vec<Option<String>>,
    /// By the venue's id; several if one was told more than once.
    pub(super) fills: BTreeMap<String, Vec<FillEntry>>,
    /// Fills of orders that the run did not know.
    pub(super) unmatched: u64,
    /// What it came to.
    pub(super) summary: Option<Summary>,
    /// What it began with: cash and position.
    pub(super) began: Option<Account>,
}

/// What is told of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToldOrder {
    /// The caller's id.
    pub(super) id: Option<String>,
    /// The last state.
    pub(super) state: String,
}

/// The end of a run.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) result: Totals,
    pub(super) report_digest: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Totals {
    pub(super) currency: String,
    pub(super) cash: Decimal,
    pub(super) position: Decimal,
    pub(super) fills: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) cash: Decimal,
    pub(super) position: Decimal,
}

#[derive(Deserialize)]
struct Report {
    kind: String,
    id: Option<String>,
    client_order_id: String,
    state: Option<String>,
    side: Option<Side>,
    fill: Option<FillPart>,
}

#[derive(Deserialize)]
struct FillPart {
    fill_id: String,
    price: Decimal,
    quantity: Decimal,
    fee: Decimal,
    fee_currency: String,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    data: serde_json::Value,
}

impl Told {
    /// Reads what is in a run directory.
    pub(super) fn read(dir: &Path) -> Result<Self, DrillError> {
        let mut told = Self {
            summary: read_json(&dir.join("summary.json"))?,
            ..Self::default()
        };
        each_line(&dir.join("reports.jsonl"), |report| {
            told.take(report);
            true
        })?;
        each_line(&dir.join("idempotency_keys.jsonl"), |entry: Entry| {
            if entry.kind == "account" {
                told.began = serde_json::from_value(entry.data).ok();
            }
            told.began.is_none()
        })?;
        Ok(told)
    }

    fn take(&mut self, report: Report) {
        if report.kind == "unmatched_fill" {
            self.unmatched += 1;
            return;
        }
        let client_order_id = report.client_order_id;
        if client_order_id.is_empty() {
            if report.state.as_deref() == Some("denied") {
                self.denied.push(report.id);
            }
            return;
        }
        if let (Some(fill), Some(side)) = (report.fill, report.side) {
            let entry = FillEntry {
                client_order_id: client_order_id.clone(),
                side,
                price: fill.price,
                quantity: fill.quantity,
                fee: fill.fee,
                fee_currency: fill.fee_currency,
            };
            self.fills.entry(fill.fill_id).or_default().push(entry);
        }
        if let Some(state) = report.state {
            let id = report.id;
            self.orders.insert(client_order_id, ToldOrder { id, state });
        }
    }

    /// The orders that nobody knows the fate of, as the run says itself.
    pub(super) fn held(&self) -> u64 {
        let held = self.orders.values().filter(|order| order.state == "held");
        held.count() as u64
    }
}

/// The value in a file; none if there is no file.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, DrillError> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DrillError::io(path, error)),
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| DrillError::content(path, error.line(), &error)),
    }
}

/// Gives the lines of a file to `take`, until it wants no more.
fn each_line<T: DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(T) -> bool,
) -> Result<(), DrillError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DrillError::io(path, error)),
    };
    for (index, line) in text.lines().enumerate() {
        let value = serde_json::from_str(line)
            .map_err(|error| DrillError::content(path, index + 1, &error))?;
        if !take(value) {
            break;
        }
    }
    Ok(())
}
