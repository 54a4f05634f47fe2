//! What an adapter says when a request did not succeed.

use std::time::Duration;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::wire::wire_enum;

wire_enum! {
    /// What the failed request did at the venue. This, not the kind, drives the host.
    pub enum Effect {
        /// No byte of the request left this machine, or the venue says definitively that it did not
        /// take it up (a rate limit or maintenance answer). Safe to send again.
        NotSent = 0 "not_sent",
        /// The venue answered definitively that it refuses the order. It is not in the book and never was.
        Rejected = 1 "rejected",
        /// Anything else: a timeout, a reset after the first byte, a 5xx, an answer that makes no sense.
        /// The order may live.
        Unknown = 2 "unknown",
    }
}

wire_enum! {
    /// What kind of failure it was, for people, metrics and retry policies.
    pub enum ErrorKind {
        /// The connection could not be made or broke.
        Network = 0 "network",
        /// No answer in time.
        Timeout = 1 "timeout",
        /// The venue asks for fewer requests; see `retry_after`.
        RateLimited = 2 "rate_limited",
        /// The venue is closed for maintenance.
        Maintenance = 3 "maintenance",
        /// Key, secret or signature were not accepted.
        Auth = 4 "auth",
        /// Not enough balance for this order.
        InsufficientFunds = 5 "insufficient_funds",
        /// The order breaks a rule of the instrument or the venue.
        InvalidOrder = 6 "invalid_order",
        /// The client order id is taken.
        DuplicateClientOrderId = 7 "duplicate_client_order_id",
        /// The venue does not know the order that was named.
        UnknownOrder = 8 "unknown_order",
        /// The venue does not know the instrument.
        UnknownInstrument = 9 "unknown_instrument",
        /// This adapter does not implement the operation.
        Unsupported = 10 "unsupported",
        /// The configuration given to `open` cannot be used.
        Config = 11 "config",
        /// The host cancelled the call.
        Cancelled = 12 "cancelled",
        /// The adapter panicked in this call.
        Panicked = 13 "panicked",
        /// The adapter panicked earlier; its code is not entered again.
        Poisoned = 14 "poisoned",
        /// Bytes that could not be decoded.
        Protocol = 15 "protocol",
        /// A fault inside the adapter.
        Internal = 16 "internal",
        /// The request's deadline had passed.
        DeadlinePassed = 17 "deadline_passed",
    } else
    /// A kind that a newer adapter knows and this host does not.
    Unrecognized
}

/// A request that did not succeed.
///
/// The constructors [`not_sent`](Self::not_sent), [`rejected`](Self::rejected) and
/// [`unknown`](Self::unknown) make the author choose the effect. In doubt it is `unknown`: the host
/// then finds out, while a wrong `rejected` becomes a position nobody knows of.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct AdapterError {
    /// The kind of failure.
    #[n(0)]
    pub kind: ErrorKind,
    /// What it did at the venue.
    #[n(1)]
    pub effect: Effect,
    /// One line for a person. No secrets.
    #[n(2)]
    pub message: String,
    /// The venue's own code, as it gave it.
    #[n(3)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_code: Option<String>,
    /// How long the venue asks to wait, in nanoseconds.
    #[n(4)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ns: Option<u64>,
}

impl AdapterError {
    /// An error with the given effect.
    pub fn new(kind: ErrorKind, effect: Effect, message: impl Into<String>) -> Self {
        Self {
            kind,
            effect,
            message: message.into(),
            venue_code: None,
            retry_after_ns: None,
        }
    }

    /// Nothing was sent, or the venue definitively did not take it up.
    pub fn not_sent(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Effect::NotSent, message)
    }

    /// The venue definitively refused.
    pub fn rejected(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Effect::Rejected, message)
    }

    /// The order may live at the venue.
    pub fn unknown(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Effect::Unknown, message)
    }

    /// The answer of an operation that this adapter does not implement.
    #[must_use]
    pub fn unsupported(operation: &str) -> Self {
        Self::not_sent(
            ErrorKind::Unsupported,
            format!("this adapter does not support `{operation}`"),
        )
    }

    /// Adds the venue's own code.
    #[must_use]
    pub fn with_venue_code(mut self, code: impl Into<String>) -> Self {
        self.venue_code = Some(code.into());
        self
    }

    /// Adds how long the venue asks to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after_ns = Some(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX));
        self
    }

    /// How long the venue asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ns.map(Duration::from_nanos)
    }
}

impl std::fmt::Display for AdapterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}", self.message, self.kind)?;
        if let Some(code) = &self.venue_code {
            write!(f, ", venue code {code}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for AdapterError {}
