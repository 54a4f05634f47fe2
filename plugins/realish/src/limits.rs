//! When the venue takes no request: too many at once, or closed for maintenance.

use std::time::Duration;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::{AdapterError, ErrorKind, UnixNanos};

use crate::config::Config;

const HOUR: i64 = 3_600_000_000_000;
const MINUTE: i64 = 60_000_000_000;

/// What the venue enforces on all requests. A refusal here is definite: nothing was taken up.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Time between two requests at the allowed rate; 0 for no limit.
    interval: i64,
    /// How far requests may run ahead of the rate.
    burst: i64,
    /// When the requests so far would be due at the allowed rate.
    due: i64,
    /// Time from one maintenance to the next; 0 for none.
    period: i64,
    closed: i64,
    /// Where in the period the maintenance begins.
    offset: i64,
}

impl Limits {
    pub(crate) fn new(config: &Config, seed: u64) -> Self {
        let rate = i64::try_from(config.requests_per_second).unwrap_or(i64::MAX);
        let interval = 1_000_000_000i64.checked_div(rate).unwrap_or(0);
        let of = |n: u64, unit: i64| i64::try_from(n).unwrap_or(i64::MAX).saturating_mul(unit);
        let period = of(config.maintenance_every_hours, HOUR);
        let offset = i64::try_from(seed >> 1).unwrap_or(0);
        Self {
            interval,
            burst: interval.saturating_mul(rate - 1).max(0),
            due: i64::MIN,
            period,
            closed: of(config.maintenance_minutes, MINUTE),
            offset: offset.checked_rem(period).unwrap_or(0),
        }
    }

    /// Counts a request that arrives at `now`.
    pub(crate) fn admit(&mut self, now: UnixNanos) -> Answer<()> {
        if let Some(left) = self.closed_for(now) {
            let text = "the venue is closed for maintenance";
            return Err(AdapterError::not_sent(ErrorKind::Maintenance, text)
                .with_venue_code("MAINTENANCE")
                .with_retry_after(left));
        }
        let due = self.due.max(now.0);
        let ahead = due.saturating_sub(now.0);
        if self.interval > 0 && ahead > self.burst {
            let wait = u64::try_from(ahead - self.burst).unwrap_or(0);
            return Err(
                AdapterError::not_sent(ErrorKind::RateLimited, "too many requests")
                    .with_venue_code("RATE_LIMIT")
                    .with_retry_after(Duration::from_nanos(wait)),
            );
        }
        self.due = due.saturating_add(self.interval);
        Ok(())
    }

    /// How long the maintenance goes on that is under way at `now`.
    pub(crate) fn closed_for(&self, now: UnixNanos) -> Option<Duration> {
        let since = now
            .0
            .saturating_sub(self.offset)
            .checked_rem_euclid(self.period)?;
        let left = u64::try_from(self.closed - since).ok()?;
        (left > 0).then(|| Duration::from_nanos(left))
    }
}
