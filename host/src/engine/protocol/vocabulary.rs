//! What the protocol is told and what it answers.

use investbot_plugin_api::{AdapterError, OrderReport, UnixNanos};

use crate::engine::event::Outcome;
use crate::engine::retry::Backoff;

/// What the venue can be asked about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Any order, open or closed.
    Full,
    /// Open orders only: not found proves nothing.
    OpenOnly,
    /// Nothing.
    Nothing,
}

/// How often to try, and how long to wait in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts at sending one order, the first included; at least 1.
    pub max_attempts: u32,
    /// Queries about one order after one attempt that may fail; at least 1.
    pub max_queries: u32,
    /// The waits.
    pub backoff: Backoff,
}

/// Where an order is between its first attempt and its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending<'a> {
    /// The order's key; what waits are drawn from.
    pub key: &'a str,
    /// The last attempt, from 1.
    pub attempt: u32,
    /// When the first attempt was sent.
    pub first_sent: UnixNanos,
    /// T: the latest deadline that an attempt was sent with.
    pub deadline: Option<UnixNanos>,
    /// A moment at which this session had begun, if all that was sent was sent by an earlier one.
    pub inherited_at: Option<UnixNanos>,
    /// Whether an attempt may live: one came back unknown or was interrupted, and no proof of its absence
    /// has come since. [`Step::leaves_doubt`] says when to set and clear it.
    pub in_doubt: bool,
    /// Queries since the last attempt that failed.
    pub failed_queries: u32,
}

/// Something that became known.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The venue answered the last attempt.
    Placed(&'a OrderReport),
    /// The last attempt did not succeed.
    PlaceFailed(&'a AdapterError),
    /// The process ended between recording the attempt and its outcome.
    Interrupted,
    /// A query found the order.
    Found(&'a OrderReport),
    /// A complete query, begun at this moment, did not find it.
    NotFound {
        /// When the query was sent.
        began_at: UnixNanos,
    },
    /// A query failed, or its answer was not complete.
    QueryFailed(&'a AdapterError),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: this is the outcome.
    Done(Outcome),
    /// The venue dedupes: send the same order with the same client order id again, not before `at`.
    Resend {
        /// The number of that attempt.
        attempt: u32,
        /// The earliest moment.
        at: UnixNanos,
    },
    /// Ask the venue about the order, not before `at`.
    Query {
        /// The earliest moment.
        at: UnixNanos,
    },
    /// The attempt is proven absent. Record that durably ([`Outcome::Absent`]); then a new attempt
    /// with a new deadline may follow, not before `at`.
    NextAttempt {
        /// Its number.
        attempt: u32,
        /// The earliest moment.
        at: UnixNanos,
    },
}

impl Step {
    /// [`Pending::in_doubt`] after this step.
    #[must_use]
    pub const fn leaves_doubt(&self) -> bool {
        matches!(
            self,
            Self::Resend { .. } | Self::Query { .. } | Self::Done(Outcome::Held { .. })
        )
    }
}
