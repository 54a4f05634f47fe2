//! The retry budget: a token bucket.

use std::time::Duration;

use investbot_plugin_api::UnixNanos;

/// Kept as the moment at which the bucket will be full again if nothing more is taken from it (the "generic
/// cell rate algorithm", ITU-T I.371): a token more is a moment later, and the time that passes fills it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// How long a token takes to come back.
    interval: Duration,
    /// How long all tokens but one take.
    slack: Duration,
    full_at: UnixNanos,
}

impl Budget {
    pub(super) fn new(burst: u32, interval: Duration) -> Self {
        Self {
            interval,
            slack: interval.saturating_mul(burst.saturating_sub(1)),
            full_at: UnixNanos(i64::MIN),
        }
    }

    /// When there is a token.
    pub(super) fn not_before(&self) -> UnixNanos {
        let slack = i64::try_from(self.slack.as_nanos()).unwrap_or(i64::MAX);
        UnixNanos(self.full_at.0.saturating_sub(slack))
    }

    /// Takes a token.
    pub(super) fn spend(&mut self, now: UnixNanos) {
        self.full_at = self.full_at.max(now).after(self.interval);
    }
}
