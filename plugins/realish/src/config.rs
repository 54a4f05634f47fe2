//! What the network and the venue behind it are like.

use std::time::Duration;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::serde::Deserialize;
use investbot_plugin_api::{AdapterError, Decimal, ErrorKind};
use investbot_venue_sim::Settings;

use crate::dice::Roll;

/// The keys of `plugin.toml`, which explains them.
#[derive(Clone, Debug, Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct Config {
    connect_failure: Decimal,
    request_lost: Decimal,
    request_delayed: Decimal,
    ack_lost: Decimal,
    connection_reset: Decimal,
    read_failure: Decimal,
    event_lost: Decimal,
    event_late: Decimal,
    event_doubled: Decimal,
    latency_min_ms: u64,
    latency_mean_ms: u64,
    latency_tail_ms: u64,
    latency_tail: Decimal,
    timeout_ms: u64,
    request_delay_ms: u64,
    event_delay_ms: u64,
    visibility_lag_ms: u64,
    pub(crate) clock_skew_ms: i64,
    pub(crate) requests_per_second: u64,
    pub(crate) maintenance_every_hours: u64,
    pub(crate) maintenance_minutes: u64,
    #[serde(flatten)]
    pub(crate) market: Settings,
}

/// What happens to an order or a cancel on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WriteFate {
    /// It arrives and is answered.
    Answered,
    /// It never leaves.
    NotSent,
    /// It leaves and never arrives.
    Lost,
    /// It arrives late, when nobody waits for the answer any more.
    Delayed,
    /// It arrives, and the answer is lost.
    AckLost,
    /// It arrives, and the connection breaks before the answer.
    Reset,
}

/// What happens to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EventFate {
    /// It comes at once.
    Prompt,
    /// It never comes.
    Lost,
    /// It comes late.
    Late,
    /// It comes at once, and again later.
    Doubled,
}

impl Config {
    /// Checks what the manifest's ranges cannot express.
    pub(crate) fn check(&self) -> Answer<()> {
        let writes = self.connect_failure
            + self.request_lost
            + self.request_delayed
            + self.ack_lost
            + self.connection_reset;
        let events = self.event_lost + self.event_late + self.event_doubled;
        let latencies = [
            self.latency_min_ms,
            self.latency_mean_ms,
            self.latency_tail_ms,
        ];
        let closed_always = self.maintenance_every_hours > 0
            && self.maintenance_minutes >= self.maintenance_every_hours.saturating_mul(60);
        let problem = if writes > Decimal::ONE {
            format!(
                "connect_failure, request_lost, request_delayed, ack_lost and connection_reset are {writes} in sum; lower them to at most 1"
            )
        } else if events > Decimal::ONE {
            format!(
                "event_lost, event_late and event_doubled are {events} in sum; lower them to at most 1"
            )
        } else if !latencies.is_sorted() {
            format!(
                "latency_min_ms, latency_mean_ms and latency_tail_ms are {latencies:?}; each has to be at least the one before"
            )
        } else if closed_always {
            format!(
                "maintenance_minutes is {}, so the venue would never open; it has to be less than the {} hours of maintenance_every_hours",
                self.maintenance_minutes, self.maintenance_every_hours
            )
        } else {
            return Ok(());
        };
        Err(AdapterError::not_sent(ErrorKind::Config, problem))
    }

    pub(crate) fn write_fate(&self, roll: &Roll) -> WriteFate {
        let fates = [
            (self.connect_failure, WriteFate::NotSent),
            (self.request_lost, WriteFate::Lost),
            (self.request_delayed, WriteFate::Delayed),
            (self.ack_lost, WriteFate::AckLost),
            (self.connection_reset, WriteFate::Reset),
        ];
        pick(roll.fate(), &fates).unwrap_or(WriteFate::Answered)
    }

    pub(crate) fn event_fate(&self, roll: &Roll) -> EventFate {
        let fates = [
            (self.event_lost, EventFate::Lost),
            (self.event_late, EventFate::Late),
            (self.event_doubled, EventFate::Doubled),
        ];
        pick(roll.fate(), &fates).unwrap_or(EventFate::Prompt)
    }

    pub(crate) fn read_fails(&self, roll: &Roll) -> bool {
        roll.fate() < parts(self.read_failure)
    }

    /// How long the way out and the way back take.
    pub(crate) fn latency(&self, roll: &Roll) -> (Duration, Duration) {
        let (min, mean) = (self.latency_min_ms, self.latency_mean_ms);
        let trip = if roll.tail() < parts(self.latency_tail) {
            roll.latency(mean, self.latency_tail_ms)
        } else {
            // Even from the shortest to as far on the other side of the mean.
            roll.latency(min, mean + (mean - min))
        };
        let out = trip / 2;
        (
            Duration::from_millis(out),
            Duration::from_millis(trip - out),
        )
    }

    pub(crate) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(crate) const fn request_delay(&self, roll: &Roll) -> Duration {
        Duration::from_millis(roll.delay(self.request_delay_ms))
    }

    pub(crate) const fn event_delay(&self, roll: &Roll) -> Duration {
        Duration::from_millis(roll.delay(self.event_delay_ms))
    }

    pub(crate) const fn visibility_lag(&self, roll: &Roll) -> Duration {
        Duration::from_millis(roll.lag(self.visibility_lag_ms))
    }
}

/// The first fate whose share of the parts `point` falls into.
fn pick<F: Copy>(point: u64, fates: &[(Decimal, F)]) -> Option<F> {
    let mut end = 0;
    for (probability, fate) in fates {
        end += parts(*probability);
        if point < end {
            return Some(*fate);
        }
    }
    None
}

fn parts(probability: Decimal) -> u64 {
    u64::try_from(probability * Decimal::from(Roll::PARTS)).unwrap_or(0)
}
