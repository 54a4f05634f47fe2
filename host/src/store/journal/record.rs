//! What a journal holds: records, and the JSON each is written as.
//!
//! The types that cross the plugin boundary are mirrored here, because a journal writes every number as
//! a string: readers in other languages would round them.

use std::borrow::Cow;

use investbot_plugin_api::{Fill, OrderReport, UnixNanos};
use serde::{Deserialize, Serialize};

use super::mirror::{FillData, OrderData, ReportData};
use super::text;
use crate::store::{Claim, Resolution, Settled, Settlement};

/// Something that has happened, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A process took the run up.
    Epoch(Epoch),
    /// An attempt is about to be sent.
    Attempt(Cow<'a, Claim>),
    /// Something became known about an attempt.
    Outcome(Outcome<'a>),
    /// An order was executed.
    Fill(Cow<'a, Fill>),
    /// Nobody knows what became of an attempt, and a person has to decide.
    Held(Held<'a>),
    /// A person has decided.
    Resolved(Resolved<'a>),
    /// Everything the source gave before this position is dealt with.
    Offset(u64),
}

/// The start of a process that works on the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Counts the processes, from 1.
    #[serde(with = "text")]
    pub number: u64,
    /// The run's id.
    pub run_id: String,
    /// The digest of the plugin's file.
    pub plugin_sha256: String,
    /// When, by the system's clock; records carry the run's own time.
    #[serde(with = "text::nanos")]
    pub started_at: UnixNanos,
}

/// What became known about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The attempt, and what is known.
    pub settlement: Cow<'a, Settlement>,
    /// The venue's code, for a refusal.
    pub code: Option<Cow<'a, str>>,
    /// Why.
    pub text: Option<Cow<'a, str>>,
    /// What the venue said of the order.
    pub report: Option<Cow<'a, OrderReport>>,
}

impl<'a> Outcome<'a> {
    /// An outcome without its reasons.
    #[must_use]
    pub const fn of(settlement: &'a Settlement) -> Self {
        Self {
            settlement: Cow::Borrowed(settlement),
            code: None,
            text: None,
            report: None,
        }
    }
}

/// An attempt nobody knows the fate of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held<'a> {
    /// The idempotency key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// Which attempt.
    #[serde(with = "text")]
    pub attempt: u32,
    /// Why nothing more can be found out.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
}

/// A person's decision about a held order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved<'a> {
    /// The idempotency key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// What became of the order.
    #[serde(rename = "as")]
    pub resolution: Resolution,
    /// How the person knows.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttemptData<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(with = "text")]
    attempt: u32,
    #[serde(borrow)]
    order: OrderData<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeData<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(with = "text")]
    attempt: u32,
    settled: Settled,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    report: Option<ReportData<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OffsetData {
    #[serde(with = "text")]
    position: u64,
}

impl Record<'_> {
    /// The word for the kind of record.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Epoch(_) => "epoch",
            Self::Attempt(_) => "attempt",
            Self::Outcome(_) => "outcome",
            Self::Fill(_) => "fill",
            Self::Held(_) => "held",
            Self::Resolved(_) => "resolved",
            Self::Offset(_) => "offset",
        }
    }

    /// Writes the record's own JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Epoch(epoch) => serde_json::to_writer(out, epoch),
            Self::Attempt(claim) => {
                let data = AttemptData {
                    key: Cow::Borrowed(&claim.key),
                    digest: Cow::Borrowed(&claim.digest),
                    attempt: claim.attempt,
                    order: OrderData::of(&claim.order),
                };
                serde_json::to_writer(out, &data)
            }
            Self::Outcome(outcome) => {
                let data = OutcomeData {
                    key: Cow::Borrowed(&outcome.settlement.key),
                    attempt: outcome.settlement.attempt,
                    settled: outcome.settlement.settled,
                    code: outcome.code.as_deref().map(Cow::Borrowed),
                    text: outcome.text.as_deref().map(Cow::Borrowed),
                    report: outcome.report.as_deref().map(ReportData::of),
                };
                serde_json::to_writer(out, &data)
            }
            Self::Fill(fill) => serde_json::to_writer(out, &FillData::of(fill)),
            Self::Held(held) => serde_json::to_writer(out, held),
            Self::Resolved(resolved) => serde_json::to_writer(out, resolved),
            Self::Offset(position) => serde_json::to_writer(
                out,
                &OffsetData {
                    position: *position,
                },
            ),
        }
    }
}

impl<'a> Record<'a> {
    /// Reads what [`write`](Self::write) wrote.
    pub(super) fn read(kind: &str, data: &'a [u8]) -> Result<Self, String> {
        fn parse<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Result<T, String> {
            serde_json::from_slice(data).map_err(|error| error.to_string())
        }
        Ok(match kind {
            "epoch" => Self::Epoch(parse(data)?),
            "attempt" => {
                let data: AttemptData<'_> = parse(data)?;
                Self::Attempt(Cow::Owned(Claim {
                    key: data.key.into_owned(),
                    digest: data.digest.into_owned(),
                    attempt: data.attempt,
                    order: data.order.into_order(),
                }))
            }
            "outcome" => {
                let data: OutcomeData<'_> = parse(data)?;
                Self::Outcome(Outcome {
                    settlement: Cow::Owned(Settlement {
                        key: data.key.into_owned(),
                        attempt: data.attempt,
                        settled: data.settled,
                    }),
                    code: data.code,
                    text: data.text,
                    report: data.report.map(|report| Cow::Owned(report.into_report())),
                })
            }
            "fill" => Self::Fill(Cow::Owned(parse::<FillData<'_>>(data)?.into_fill())),
            "held" => Self::Held(parse(data)?),
            "resolved" => Self::Resolved(parse(data)?),
            "offset" => Self::Offset(parse::<OffsetData>(data)?.position),
            other => return Err(format!("`{other}` is no kind of record")),
        })
    }
}
