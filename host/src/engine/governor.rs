//! When a venue may be sent something: what keeps a sick venue from being hammered, and a well one from
//! saying "too many requests".
//!
//! Four rules, of which the strictest wins:
//!
//! - the **retry budget**: a request that tries a write once more costs a token of a bucket that fills up
//!   slowly. First sends and reads are free. When everything fails, retries so become a trickle instead of
//!   a multiple of the load (Marc Brooker, "Fixing retries with token buckets and circuit breakers", 2022);
//! - the **circuit breaker**: after so many failures in a row that look like a venue in trouble nothing is
//!   sent for a while, then one request as a probe. While probes fail the whiles double, up to a cap; any
//!   answer from the venue itself ends it (Michael T. Nygard, "Release It!", 2007);
//! - the **rate limit**, if one is known: never more requests than that within any second;
//! - the venue's own word: when it asks for fewer requests, or is closed, nothing is sent before the time
//!   it names.
//!
//! A pure function of what it was told and of the times it was told it at, in whole nanoseconds.

mod breaker;
mod budget;
mod rate;

use std::time::Duration;

use investbot_plugin_api::{AdapterError, ErrorKind, UnixNanos};

use breaker::{Breaker, Sign};
use budget::Budget;
use rate::Rate;

/// What a venue is spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Retries that may follow one another at once after a quiet time; at least 1. As many as a few orders
    /// need that failed together: a short break of the line costs no time.
    pub retry_burst: u32,
    /// How long a spent retry takes to come back. Long enough that what is left when everything fails is
    /// far below what venues allow.
    pub retry_interval: Duration,
    /// Failures in a row after which nothing more is sent; at least 1. More than one lost packet makes, and
    /// few enough that a venue which is down is noticed within a call's timeout or two.
    pub failures_to_open: u32,
    /// How long nothing is sent after that, at first: about what a reconnect takes.
    pub cool_down: Duration,
    /// The longest that doubling makes of it: how late a venue's recovery may be noticed.
    pub cool_down_cap: Duration,
    /// How long nothing is sent after the venue asked for fewer requests and did not say for how long. Most
    /// venues count by the second.
    pub pause: Duration,
    /// Requests of all kinds within any second; at least 1. `None` is no limit.
    pub requests_per_second: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retry_burst: 20,
            retry_interval: Duration::from_secs(1),
            failures_to_open: 5,
            cool_down: Duration::from_secs(1),
            cool_down_cap: Duration::from_secs(60),
            pause: Duration::from_secs(1),
            requests_per_second: None,
        }
    }
}

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// A write for the first time.
    First,
    /// A write once more.
    Retry,
    /// A question, for the first time or not.
    Read,
}

/// What one venue may be sent, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governor {
    budget: Budget,
    breaker: Breaker,
    rate: Option<Rate>,
    pause: Duration,
    /// The venue's own word; nothing is sent before.
    held_until: UnixNanos,
}

impl Governor {
    /// A governor for a venue that was sent nothing yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            budget: Budget::new(limits.retry_burst, limits.retry_interval),
            breaker: Breaker::new(
                limits.failures_to_open,
                limits.cool_down,
                limits.cool_down_cap,
            ),
            rate: limits.requests_per_second.map(Rate::new),
            pause: limits.pause,
            held_until: UnixNanos(i64::MIN),
        }
    }

    /// Whether to send something `now`. If so it counts as sent, and [`heard`](Self::heard) is to be told
    /// of the answer; if not, the error is the first moment at which it may be, unless something else
    /// happens before.
    pub fn may_send(&mut self, sending: Sending, now: UnixNanos) -> Result<(), UnixNanos> {
        let mut not_before = self.held_until.max(self.breaker.not_before());
        if let Some(rate) = &self.rate {
            not_before = not_before.max(rate.not_before());
        }
        if sending == Sending::Retry {
            not_before = not_before.max(self.budget.not_before());
        }
        if not_before > now {
            return Err(not_before);
        }
        self.breaker.note_sent(now);
        if let Some(rate) = &mut self.rate {
            rate.note_sent(now);
        }
        if sending == Sending::Retry {
            self.budget.spend(now);
        }
        Ok(())
    }

    /// Takes note of what became of something that was sent.
    pub fn heard(&mut self, answer: Result<(), &AdapterError>, now: UnixNanos) {
        let sign = answer.map_or_else(|error| sign_of(error.kind), |()| Sign::Well);
        self.breaker.heard(sign, now);
        let Err(error) = answer else { return };
        let wait = match error.kind {
            ErrorKind::RateLimited => Some(error.retry_after().unwrap_or(self.pause)),
            ErrorKind::Maintenance => error.retry_after(),
            _ => None,
        };
        if let Some(wait) = wait {
            self.held_until = self.held_until.max(now.after(wait));
        }
    }

    /// Whether the venue looks so ill that it is sent no more than probes.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.breaker.is_open()
    }
}

/// What a failure says about the venue's health.
const fn sign_of(kind: ErrorKind) -> Sign {
    match kind {
        ErrorKind::Network | ErrorKind::Timeout | ErrorKind::Maintenance | ErrorKind::Protocol => {
            Sign::Ill
        }
        // The venue itself answered.
        ErrorKind::RateLimited
        | ErrorKind::Auth
        | ErrorKind::InsufficientFunds
        | ErrorKind::InvalidOrder
        | ErrorKind::DuplicateClientOrderId
        | ErrorKind::UnknownOrder
        | ErrorKind::UnknownInstrument => Sign::Well,
        // The adapter's or the host's doing, or nobody can tell.
        _ => Sign::None,
    }
}

#[cfg(test)]
mod tests;
