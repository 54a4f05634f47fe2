//! The record that a run leaves: execution reports, one JSON object a line, and their digest.

use investbot_plugin_api::{Decimal, OrderType, Side, UnixNanos};
use serde::{Deserialize, Serialize};
use sha2::digest::common::hazmat::SerializableState as _;
use sha2::{Digest as _, Sha256};

use super::event::OrderState;
use super::text;

/// What an execution report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// The order's state changed.
    Order,
    /// The order was executed, whole or in part.
    Fill,
    /// A fill that belongs to no order of this run.
    UnmatchedFill,
    /// A cancel could not be done.
    CancelFailed,
    /// The run was halted.
    Halt,
}

/// One line of the record that a run leaves: what users read and what the run's digest is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExecutionReport {
    /// Counts the reports of the run from 1.
    pub sequence: u64,
    /// What it is about.
    pub kind: ReportKind,
    /// When, in nanoseconds since the epoch; the venue's time for fills.
    pub time: UnixNanos,
    /// The caller's own id, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The order's client order id; empty if it never got one.
    pub client_order_id: String,
    /// The venue's id, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue_order_id: Option<String>,
    /// The instrument's symbol.
    pub instrument: String,
    /// Buy or sell; `None` where no order is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Market, limit, …; `None` where no order is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_type: Option<OrderType>,
    /// The state after this report; `None` where no order is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<OrderState>,
    /// The order's quantity.
    pub quantity: Decimal,
    /// How much of it is filled.
    pub filled_quantity: Decimal,
    /// For a fill: its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<FillPart>,
    /// A stable code, for denials, refusals and halts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// One line for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The parts of a fill in an execution report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FillPart {
    /// The venue's id of the execution.
    pub fill_id: String,
    /// In quote currency per base unit.
    pub price: Decimal,
    /// In base units.
    pub quantity: Decimal,
    /// What the venue took.
    pub fee: Decimal,
    /// The currency of the fee.
    pub fee_currency: String,
}

/// The line of a report: compact JSON, fields always in the same order, without a newline.
///
/// The core writes decimals without trailing zeros, so that equal values are equal bytes.
#[must_use]
pub fn canonical_json(report: &ExecutionReport) -> String {
    let mut line = String::new();
    write_canonical_json(report, &mut line);
    line
}

/// The same, in place of what `line` held.
pub fn write_canonical_json(report: &ExecutionReport, line: &mut String) {
    let mut bytes = std::mem::take(line).into_bytes();
    bytes.clear();
    serde_json::to_writer(&mut bytes, report)
        .expect("a report is strings, numbers and enumerations, all of which JSON can say");
    *line = String::from_utf8(bytes).expect("JSON is UTF-8");
}

/// SHA-256 over the lines of a run's reports, each with its newline: equal digests, equal runs.
#[derive(Clone, Debug, Default)]
pub struct ReportDigest {
    hash: Sha256,
    lines: u64,
}

impl ReportDigest {
    /// Adds a line as [`canonical_json`] made it.
    pub fn add_line(&mut self, line: &str) {
        self.hash.update(line);
        self.hash.update(b"\n");
        self.lines += 1;
    }

    /// How many lines there were.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// The digest so far, as 64 hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }
}

/// A [`ReportDigest`] half-way, for a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestState {
    #[serde(with = "text")]
    lines: u64,
    /// The state of the hash as the sha2 crate gives it, in hex.
    hash: String,
}

/// A state that is not one of a [`ReportDigest`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{hash}` is not the state of a digest\n  hint: the file it is from was changed or damaged, or written \
     by another version of investbot"
)]
pub struct DigestStateError {
    hash: String,
}

impl ReportDigest {
    /// Where the digest is, to go on from there.
    #[must_use]
    pub fn state(&self) -> DigestState {
        DigestState {
            lines: self.lines,
            hash: hex::encode(self.hash.serialize()),
        }
    }

    /// Goes on from `state`.
    pub fn restore(state: &DigestState) -> Result<Self, DigestStateError> {
        let bytes = hex::decode(&state.hash).ok();
        let serialized = bytes.and_then(|bytes| bytes.as_slice().try_into().ok());
        let hash = serialized.and_then(|bytes| Sha256::deserialize(&bytes).ok());
        let hash = hash.ok_or_else(|| DigestStateError {
            hash: state.hash.clone(),
        })?;
        Ok(Self {
            hash,
            lines: state.lines,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_line_and_digest() {
        let report = ExecutionReport {
            sequence: 1,
            kind: ReportKind::Fill,
            time: UnixNanos(1_000),
            id: Some("a \"quoted\" id".into()),
            client_order_id: "c1".into(),
            venue_order_id: None,
            instrument: "BTC/USD".into(),
            side: Some(Side::Buy),
            order_type: Some(OrderType::Market),
            state: Some(OrderState::PartiallyFilled),
            quantity: Decimal::TWO,
            filled_quantity: Decimal::ONE,
            fill: Some(FillPart {
                fill_id: "f1".into(),
                price: Decimal::new(43_863, 1),
                quantity: Decimal::ONE,
                fee: Decimal::new(43_863, 4),
                fee_currency: "USD".into(),
            }),
            code: None,
            text: None,
        };
        let line = canonical_json(&report);
        assert_eq!(
            line,
            r#"{"sequence":1,"kind":"fill","time":1000,"id":"a \"quoted\" id","client_order_id":"c1","instrument":"BTC/USD","side":"buy","order_type":"market","state":"partially_filled","quantity":"2","filled_quantity":"1","fill":{"fill_id":"f1","price":"4386.3","quantity":"1","fee":"4.3863","fee_currency":"USD"}}"#
        );

        let mut digest = ReportDigest::default();
        assert_eq!(
            digest.to_hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        digest.add_line(&line);
        assert_eq!(digest.lines(), 1);
        assert_eq!(
            digest.to_hex(),
            hex::encode(Sha256::digest(format!("{line}\n")))
        );
    }
    #[test]
    fn a_digest_goes_on_from_any_line() {
        // Every length up to two blocks of the hash, so that every fill of its buffer is met.
        let lines: Vec<String> = (0..130).map(|length| "x".repeat(length)).collect();
        let add = |digest: &mut ReportDigest, lines: &[String]| {
            for line in lines {
                digest.add_line(line);
            }
        };
        let mut whole = ReportDigest::default();
        add(&mut whole, &lines);
        for split in 0..=lines.len() {
            let mut digest = ReportDigest::default();
            add(&mut digest, &lines[..split]);
            let text = serde_json::to_string(&digest.state()).expect("strings");
            let state = serde_json::from_str(&text).expect("it was written so");
            let mut digest = ReportDigest::restore(&state).expect("its own");
            assert_eq!(digest.state(), state);
            add(&mut digest, &lines[split..]);
            assert_eq!(
                (digest.to_hex(), digest.lines()),
                (whole.to_hex(), whole.lines())
            );
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let good = ReportDigest::default().state();
        let full_buffer = format!("{}ff", &good.hash[..good.hash.len() - 2]);
        for hash in ["", "zz", &good.hash[2..], &full_buffer] {
            let state = DigestState {
                hash: hash.to_owned(),
                ..good.clone()
            };
            let error = ReportDigest::restore(&state).expect_err(hash);
            assert!(error.to_string().contains("is not the state of a digest"));
        }
    }
}
