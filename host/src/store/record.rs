//! What is kept of a run: every input of the core but the bars, in order, and who worked on it.
//!
//! A record holds all of its input that the core reads, so that a replay gives the core the very same
//! again; the moment at which the core saw it is kept beside it.

use std::borrow::Cow;

use investbot_plugin_api::{Decimal, Fill, Instrument, NewOrder, OrderReport, UnixNanos};
use serde::{Deserialize, Serialize};

use super::text;
use crate::engine::{self, Decision, Intent, Seen, SourcePlace};

/// Something that has happened, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A process took the run up.
    Epoch(Epoch),
    /// What the account held when the run began.
    Account(Account),
    /// The venue's rules.
    Instruments(Cow<'a, [Instrument]>),
    /// Everything the source gave before this position was taken in.
    Offset(u64),
    /// A line of the intent stream was taken in.
    Intent(TakenIn<'a>),
    /// An attempt is about to be sent.
    Attempt(Cow<'a, Claim>),
    /// Something became known about an attempt, or that nothing can be known.
    Outcome(Outcome<'a>),
    /// A person has decided about a held order.
    Resolved(Resolved<'a>),
    /// An order was executed.
    Fill(Cow<'a, Fill>),
    /// The venue told the state of an order.
    Order(Cow<'a, OrderReport>),
    /// A cancel could not be done.
    CancelFailed(CancelFailed<'a>),
    /// The run was told to send nothing new, and why.
    Halt(Cow<'a, str>),
    /// How far the venue's executions were read; its own word for it.
    Cursor(Cow<'a, str>),
    /// The process ended in order. Only another [`Epoch`](Self::Epoch) may follow.
    Closed,
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

/// What the run starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// In the quote currency of the run's instrument.
    #[serde(with = "text")]
    pub cash: Decimal,
    /// In its base units.
    #[serde(with = "text")]
    pub position: Decimal,
}

/// A line of the intent stream, and what was known of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenIn<'a> {
    /// Its place in the stream, from 0.
    pub position: u64,
    /// What is wanted.
    pub intent: Cow<'a, Intent>,
    /// What its id had become before; `None` if it has none or was new.
    pub seen: Option<Cow<'a, Seen>>,
    /// What its id became now, if it was new.
    pub taken: Option<Cow<'a, Seen>>,
}

/// One attempt that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The idempotency key.
    pub key: String,
    /// The digest of the order's parameters.
    pub digest: String,
    /// Where in the source the order came from, if that is what it is known by; `None` for a caller's id.
    pub place: Option<SourcePlace>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The order as it will be sent.
    pub order: NewOrder,
}

/// What became known about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The idempotency key.
    pub key: Cow<'a, str>,
    /// The order's client order id.
    pub client_order_id: Cow<'a, str>,
    /// Which attempt.
    pub attempt: u32,
    /// What is known. [`Unknown`](engine::Outcome::Unknown) leaves the attempt in doubt.
    pub outcome: Cow<'a, engine::Outcome>,
}

/// A person's decision about a held order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved<'a> {
    /// The idempotency key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// The order's client order id.
    #[serde(borrow)]
    pub client_order_id: Cow<'a, str>,
    /// What became of the order.
    #[serde(rename = "as")]
    pub decision: Decision,
    /// How the person knows.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
}

/// A cancel that could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelFailed<'a> {
    /// The order's client order id.
    #[serde(borrow)]
    pub client_order_id: Cow<'a, str>,
    /// The venue's code, or the kind of failure.
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// What happened.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
}

impl<'a> Outcome<'a> {
    /// What became known about `claim`.
    #[must_use]
    pub fn of(claim: &'a Claim, outcome: &'a engine::Outcome) -> Self {
        Self {
            key: Cow::Borrowed(&claim.key),
            client_order_id: Cow::Borrowed(&claim.order.client_order_id),
            attempt: claim.attempt,
            outcome: Cow::Borrowed(outcome),
        }
    }

    /// The same, with nothing borrowed.
    #[must_use]
    pub fn into_owned(self) -> Outcome<'static> {
        Outcome {
            key: own(self.key),
            client_order_id: own(self.client_order_id),
            attempt: self.attempt,
            outcome: own(self.outcome),
        }
    }
}

impl<'a> Resolved<'a> {
    /// A decision about the order of `claim`.
    #[must_use]
    pub fn of(claim: &'a Claim, decision: Decision, reason: &'a str) -> Self {
        Self {
            key: Cow::Borrowed(&claim.key),
            client_order_id: Cow::Borrowed(&claim.order.client_order_id),
            decision,
            reason: Cow::Borrowed(reason),
        }
    }
}

impl TakenIn<'_> {
    /// The caller's id that it made known, and what became of it.
    #[must_use]
    pub fn taken_up(&self) -> Option<(&str, &Seen)> {
        match (self.intent.as_ref(), &self.taken) {
            (Intent::Order { id: Some(id), .. }, Some(seen)) => Some((id, seen)),
            _ => None,
        }
    }
}

fn own<T: ToOwned + ?Sized>(value: Cow<'_, T>) -> Cow<'static, T> {
    Cow::Owned(value.into_owned())
}

impl Record<'_> {
    /// The same, with nothing borrowed.
    #[must_use]
    pub fn into_owned(self) -> Record<'static> {
        match self {
            Self::Epoch(epoch) => Record::Epoch(epoch),
            Self::Account(account) => Record::Account(account),
            Self::Instruments(rules) => Record::Instruments(own(rules)),
            Self::Offset(position) => Record::Offset(position),
            Self::Intent(taken) => Record::Intent(TakenIn {
                position: taken.position,
                intent: own(taken.intent),
                seen: taken.seen.map(own),
                taken: taken.taken.map(own),
            }),
            Self::Attempt(claim) => Record::Attempt(own(claim)),
            Self::Outcome(known) => Record::Outcome(known.into_owned()),
            Self::Resolved(resolved) => Record::Resolved(Resolved {
                key: own(resolved.key),
                client_order_id: own(resolved.client_order_id),
                decision: resolved.decision,
                reason: own(resolved.reason),
            }),
            Self::Fill(fill) => Record::Fill(own(fill)),
            Self::Order(report) => Record::Order(own(report)),
            Self::CancelFailed(failed) => Record::CancelFailed(CancelFailed {
                client_order_id: own(failed.client_order_id),
                code: own(failed.code),
                text: own(failed.text),
            }),
            Self::Halt(reason) => Record::Halt(own(reason)),
            Self::Cursor(cursor) => Record::Cursor(own(cursor)),
            Self::Closed => Record::Closed,
        }
    }
}
