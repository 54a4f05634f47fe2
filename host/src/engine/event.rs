//! What goes into the core and what comes out of it.

use investbot_plugin_api::{Bar, Fill, NewOrder, OrderRef, OrderReport, OrderStatus, UnixNanos};
use serde::{Deserialize, Serialize};

use super::identity::{Seen, SourcePlace};
use super::intent::Intent;
use super::report::ExecutionReport;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A bar closed. `position` counts the bars of the source from 0.
    Bar {
        /// Its place in the source.
        position: u64,
        /// The bar.
        bar: &'a Bar,
    },
    /// A line of the intent stream. `position` counts its lines from 0.
    Intent {
        /// Its place in the source.
        position: u64,
        /// When it was taken up.
        now: UnixNanos,
        /// What is wanted.
        intent: Intent,
        /// What is known of the id that the intent carries or names; `None` if it was never taken up.
        seen: Option<Seen>,
    },
    /// The worker is about to send attempt `attempt` (from 1) of an order: from here on it is in doubt.
    Attempt {
        /// The order.
        client_order_id: &'a str,
        /// Which attempt.
        attempt: u32,
        /// When.
        now: UnixNanos,
    },
    /// What became known about a submission.
    Outcome {
        /// The order.
        client_order_id: &'a str,
        /// What is known.
        outcome: Outcome,
        /// When.
        now: UnixNanos,
    },
    /// The venue told the state of an order: unasked, as the answer to a cancel or to a query.
    Order {
        /// What it told.
        report: OrderReport,
        /// When it was heard.
        now: UnixNanos,
    },
    /// The venue told of an execution. One that is known already changes nothing.
    Fill {
        /// The execution.
        fill: Fill,
        /// When it was heard.
        now: UnixNanos,
    },
    /// A person decided what became of an order that is held. Nothing changes if it is not.
    Resolved {
        /// The order.
        client_order_id: &'a str,
        /// What became of it.
        decision: Decision,
        /// How the person knows.
        reason: String,
        /// When.
        now: UnixNanos,
    },
    /// A cancel could not be done; the order is as it was.
    CancelFailed {
        /// The order.
        client_order_id: &'a str,
        /// The venue's code or the kind of failure.
        code: String,
        /// What happened.
        text: String,
        /// When.
        now: UnixNanos,
    },
    /// An operator or a risk limit stops the run: nothing new is sent.
    Halt {
        /// Why.
        reason: String,
        /// When.
        now: UnixNanos,
    },
}

/// What is known about a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The venue has it.
    Accepted(OrderReport),
    /// The venue refused it, definitively.
    Rejected {
        /// The venue's code or the kind of refusal.
        code: String,
        /// The venue's words.
        text: String,
    },
    /// It is proven that the attempt is not at the venue; another may follow.
    Absent,
    /// It is proven that no attempt is at the venue, and none will follow.
    Abandoned {
        /// Why none follows.
        text: String,
    },
    /// Nothing is known: the order may live.
    Unknown {
        /// What happened.
        text: String,
    },
    /// Nothing is known and nothing more can be found out: a person decides.
    Held {
        /// What happened.
        text: String,
    },
}

/// What a person may decide about a held order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The venue has it: it is open until the venue says otherwise.
    Accepted,
    /// The venue refused it.
    Rejected,
    /// The venue never got it, and it is not wanted any more: nothing is sent again unasked.
    Absent,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Remember what became of a caller's id, and tell with every later intent that has it. It comes before
    /// whatever else the intent leads to.
    TakenUp {
        /// The caller's id.
        id: String,
        /// What became of it.
        seen: Seen,
    },
    /// Send this order.
    Submit(Submission),
    /// Cancel this order.
    Cancel(OrderRef),
    /// Tell the outside.
    Report(ExecutionReport),
    /// Stop the run: a limit was broken.
    Stop {
        /// The stable code of the limit.
        code: &'static str,
        /// What happened.
        text: String,
    },
}

/// An order on its way to the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The idempotency key: hex of 128 bits.
    pub key: String,
    /// The digest of the order's parameters: hex of 128 bits.
    pub digest: String,
    /// Where in the source it came from, if that is what it is known by; `None` for a caller's id.
    pub place: Option<SourcePlace>,
    /// The order; its `deadline` is set by the worker.
    pub order: NewOrder,
}

/// The state of an order, as the host knows it (docs/ARCHITECTURE.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Refused by our own risk checks; nothing was sent.
    Denied,
    /// Has its key, not sent yet.
    New,
    /// Sent, or about to be; nobody knows.
    InDoubt,
    /// At the venue, nothing filled.
    Accepted,
    /// At the venue, partly filled.
    PartiallyFilled,
    /// Filled whole.
    Filled,
    /// Cancelled, perhaps partly filled before.
    Cancelled,
    /// Expired, perhaps partly filled before.
    Expired,
    /// Refused by the venue before the book.
    Rejected,
    /// Proven absent at the venue; another attempt may follow.
    Absent,
    /// Proven absent, and no attempt will follow.
    Abandoned,
    /// Nothing can be found out: a person decides.
    Held,
}

impl OrderState {
    /// Whether the order will never change again by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Denied
                | Self::Filled
                | Self::Cancelled
                | Self::Expired
                | Self::Rejected
                | Self::Abandoned
        )
    }

    /// The state that a venue's status means; `None` for a status this host does not know.
    #[must_use]
    pub const fn from_status(status: OrderStatus) -> Option<Self> {
        match status {
            OrderStatus::Open => Some(Self::Accepted),
            OrderStatus::PartiallyFilled => Some(Self::PartiallyFilled),
            OrderStatus::Filled => Some(Self::Filled),
            OrderStatus::Cancelled => Some(Self::Cancelled),
            OrderStatus::Expired => Some(Self::Expired),
            OrderStatus::Rejected => Some(Self::Rejected),
            _ => None,
        }
    }
}
