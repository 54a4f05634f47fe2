//! The JSON that each kind of record is written as.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::engine;
use crate::store::mirror::{ClaimData, FillData, InstrumentData, IntentData, ReportData, SeenData};
use crate::store::record::{Outcome, Record, TakenIn};
use crate::store::text;

/// The word for an attempt's kind of record.
pub(super) const ATTEMPT: &str = "attempt";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InstrumentsData<'a> {
    #[serde(borrow)]
    instruments: Vec<InstrumentData<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OffsetData {
    #[serde(with = "text")]
    position: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TakenInData<'a> {
    #[serde(with = "text")]
    position: u64,
    #[serde(borrow)]
    intent: IntentData<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    seen: Option<SeenData<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    taken: Option<SeenData<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeData<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    client_order_id: Cow<'a, str>,
    #[serde(with = "text")]
    attempt: u32,
    #[serde(borrow)]
    settled: Settled<'a>,
}

/// What settles an attempt.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Settled<'a> {
    #[serde(borrow)]
    Accepted(ReportData<'a>),
    Rejected {
        #[serde(borrow)]
        code: Cow<'a, str>,
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    Absent,
    Abandoned {
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
}

/// An attempt of which nothing is known yet, or ever.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DoubtData<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    client_order_id: Cow<'a, str>,
    #[serde(with = "text")]
    attempt: u32,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HaltData<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CursorData<'a> {
    #[serde(borrow)]
    cursor: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Record<'_> {
    /// The word for the kind of record.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Epoch(_) => "epoch",
            Self::Account(_) => "account",
            Self::Instruments(_) => "instruments",
            Self::Offset(_) => "offset",
            Self::Intent(_) => "intent",
            Self::Attempt(_) => ATTEMPT,
            Self::Outcome(known) => match known.outcome.as_ref() {
                engine::Outcome::Unknown { .. } => "unknown",
                engine::Outcome::Held { .. } => "held",
                _ => "outcome",
            },
            Self::Resolved(_) => "resolved",
            Self::Fill(_) => "fill",
            Self::Order(_) => "order",
            Self::CancelFailed(_) => "cancel_failed",
            Self::Halt(_) => "halt",
            Self::Cursor(_) => "cursor",
            Self::Closed => "closed",
        }
    }

    /// Writes the record's own JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Epoch(epoch) => serde_json::to_writer(out, epoch),
            Self::Account(account) => serde_json::to_writer(out, account),
            Self::Instruments(rules) => {
                let instruments = rules.iter().map(InstrumentData::of).collect();
                serde_json::to_writer(out, &InstrumentsData { instruments })
            }
            Self::Offset(position) => {
                let position = *position;
                serde_json::to_writer(out, &OffsetData { position })
            }
            Self::Intent(taken) => serde_json::to_writer(
                out,
                &TakenInData {
                    position: taken.position,
                    intent: IntentData::of(&taken.intent),
                    seen: taken.seen.as_deref().map(SeenData::of),
                    taken: taken.taken.as_deref().map(SeenData::of),
                },
            ),
            Self::Attempt(claim) => serde_json::to_writer(out, &ClaimData::of(claim)),
            Self::Outcome(known) => write_outcome(known, out),
            Self::Resolved(resolved) => serde_json::to_writer(out, resolved),
            Self::Fill(fill) => serde_json::to_writer(out, &FillData::of(fill)),
            Self::Order(report) => serde_json::to_writer(out, &ReportData::of(report)),
            Self::CancelFailed(failed) => serde_json::to_writer(out, failed),
            Self::Halt(reason) => {
                let reason = Cow::Borrowed(reason.as_ref());
                serde_json::to_writer(out, &HaltData { reason })
            }
            Self::Cursor(cursor) => {
                let cursor = Cow::Borrowed(cursor.as_ref());
                serde_json::to_writer(out, &CursorData { cursor })
            }
            Self::Closed => serde_json::to_writer(out, &Nothing {}),
        }
    }
}

fn write_outcome(known: &Outcome<'_>, out: &mut Vec<u8>) -> serde_json::Result<()> {
    use engine::Outcome as Is;
    let borrow = Cow::Borrowed;
    let settled = match known.outcome.as_ref() {
        Is::Accepted(report) => Settled::Accepted(ReportData::of(report)),
        Is::Rejected { code, text } => Settled::Rejected {
            code: borrow(code),
            text: borrow(text),
        },
        Is::Absent => Settled::Absent,
        Is::Abandoned { text } => Settled::Abandoned { text: borrow(text) },
        Is::Unknown { text } | Is::Held { text } => {
            let data = DoubtData {
                key: borrow(&known.key),
                client_order_id: borrow(&known.client_order_id),
                attempt: known.attempt,
                text: borrow(text),
            };
            return serde_json::to_writer(out, &data);
        }
    };
    let data = OutcomeData {
        key: borrow(&known.key),
        client_order_id: borrow(&known.client_order_id),
        attempt: known.attempt,
        settled,
    };
    serde_json::to_writer(out, &data)
}

impl<'a> Record<'a> {
    /// Reads what [`write`](Self::write) wrote.
    pub(super) fn read(kind: &str, data: &'a [u8]) -> Result<Self, String> {
        Ok(match kind {
            "epoch" => Self::Epoch(parse(data)?),
            "account" => Self::Account(parse(data)?),
            "instruments" => {
                let InstrumentsData { instruments } = parse(data)?;
                let rules = instruments.into_iter();
                Self::Instruments(rules.map(InstrumentData::into_instrument).collect())
            }
            "offset" => Self::Offset(parse::<OffsetData>(data)?.position),
            "intent" => {
                let data: TakenInData<'_> = parse(data)?;
                let seen = |data: SeenData<'_>| Cow::Owned(data.into_seen());
                Self::Intent(TakenIn {
                    position: data.position,
                    intent: Cow::Owned(data.intent.into_intent()),
                    seen: data.seen.map(seen),
                    taken: data.taken.map(seen),
                })
            }
            ATTEMPT => Self::Attempt(Cow::Owned(parse::<ClaimData<'_>>(data)?.into_claim())),
            "outcome" => Self::Outcome(read_outcome(parse(data)?)),
            "unknown" => Self::Outcome(read_doubt(parse(data)?, |text| engine::Outcome::Unknown {
                text,
            })),
            "held" => Self::Outcome(read_doubt(parse(data)?, |text| engine::Outcome::Held {
                text,
            })),
            "resolved" => Self::Resolved(parse(data)?),
            "fill" => Self::Fill(Cow::Owned(parse::<FillData<'_>>(data)?.into_fill())),
            "order" => Self::Order(Cow::Owned(parse::<ReportData<'_>>(data)?.into_report())),
            "cancel_failed" => Self::CancelFailed(parse(data)?),
            "halt" => Self::Halt(parse::<HaltData<'_>>(data)?.reason),
            "cursor" => Self::Cursor(parse::<CursorData<'_>>(data)?.cursor),
            "closed" => {
                let Nothing {} = parse(data)?;
                Self::Closed
            }
            other => return Err(format!("`{other}` is no kind of record")),
        })
    }
}

fn parse<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(data).map_err(|error| error.to_string())
}

fn read_outcome(data: OutcomeData<'_>) -> Outcome<'_> {
    use engine::Outcome as Is;
    Outcome {
        key: data.key,
        client_order_id: data.client_order_id,
        attempt: data.attempt,
        outcome: Cow::Owned(match data.settled {
            Settled::Accepted(report) => Is::Accepted(report.into_report()),
            Settled::Rejected { code, text } => Is::Rejected {
                code: code.into_owned(),
                text: text.into_owned(),
            },
            Settled::Absent => Is::Absent,
            Settled::Abandoned { text } => Is::Abandoned {
                text: text.into_owned(),
            },
        }),
    }
}

fn read_doubt(data: DoubtData<'_>, outcome: impl Fn(String) -> engine::Outcome) -> Outcome<'_> {
    Outcome {
        key: data.key,
        client_order_id: data.client_order_id,
        attempt: data.attempt,
        outcome: Cow::Owned(outcome(data.text.into_owned())),
    }
}
