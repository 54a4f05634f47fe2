//! Time, as the host and its plugins see it: the system's, or a simulated market's.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use investbot_plugin_api::UnixNanos;

/// A moment as people write it: RFC 3339, UTC.
#[must_use]
pub fn rfc3339(time: UnixNanos) -> String {
    jiff::Timestamp::from_nanosecond(time.0.into())
        .map_or_else(|_| time.0.to_string(), |moment| moment.to_string())
}

/// A source of time that can also be waited on.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixNanos;

    /// Waits for `duration`, or until `cancelled` says so; false if it was cancelled.
    fn sleep(&self, duration: Duration, cancelled: &dyn Fn() -> bool) -> bool;
}

/// The system's clock. Waiting takes as long as it says.
#[derive(Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// How long a cancelled sleep may go on.
    const SLICE: Duration = Duration::from_millis(20);
}

impl Clock for SystemClock {
    fn now(&self) -> UnixNanos {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UnixNanos(0).after(since)
    }

    fn sleep(&self, duration: Duration, cancelled: &dyn Fn() -> bool) -> bool {
        let start = std::time::Instant::now();
        loop {
            if cancelled() {
                return false;
            }
            let Some(left) = duration.checked_sub(start.elapsed()) else {
                return true;
            };
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(Self::SLICE));
        }
    }
}

/// The clock of a simulated market: it stands still until a bar closes or somebody waits, and never
/// goes back.
#[derive(Debug, Default)]
pub struct VirtualClock {
    now: AtomicI64,
}

impl VirtualClock {
    /// Moves on to `time`, unless it is later already.
    pub fn advance_to(&self, time: UnixNanos) {
        self.now.fetch_max(time.0, Ordering::AcqRel);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.now.load(Ordering::Acquire))
    }

    fn sleep(&self, duration: Duration, cancelled: &dyn Fn() -> bool) -> bool {
        if cancelled() {
            return false;
        }
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let _ = self
            .now
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                Some(now.saturating_add(nanos))
            });
        true
    }
}

/// The clock of one run.
#[derive(Debug)]
pub enum RunClock {
    /// Time is the market's; waiting takes none.
    Virtual(VirtualClock),
    /// Time starts at the market's and passes as the system's does; waiting takes as long as it says.
    Realtime(ShiftedClock),
}

impl RunClock {
    /// A clock whose time is that of the market alone.
    #[must_use]
    pub fn simulated() -> Self {
        Self::Virtual(VirtualClock::default())
    }

    /// A clock that passes as the system's does.
    #[must_use]
    pub fn realtime() -> Self {
        Self::Realtime(ShiftedClock::default())
    }

    /// Whether waiting takes no time.
    #[must_use]
    pub const fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }

    /// The time that the market has reached; an earlier one changes nothing.
    pub fn advance_to(&self, time: UnixNanos) {
        match self {
            Self::Virtual(clock) => clock.advance_to(time),
            Self::Realtime(clock) => clock.advance_to(time),
        }
    }
}

impl Clock for RunClock {
    fn now(&self) -> UnixNanos {
        match self {
            Self::Virtual(clock) => clock.now(),
            Self::Realtime(clock) => clock.now(),
        }
    }

    fn sleep(&self, duration: Duration, cancelled: &dyn Fn() -> bool) -> bool {
        match self {
            Self::Virtual(clock) => clock.sleep(duration, cancelled),
            Self::Realtime(clock) => clock.sleep(duration, cancelled),
        }
    }
}

/// The system's clock, moved to where the market is. Until a market says where that is, it is the
/// system's time.
#[derive(Debug, Default)]
pub struct ShiftedClock {
    system: SystemClock,
    /// Nanoseconds to add to the system's time.
    shift: AtomicI64,
    /// Whether the market has spoken.
    anchored: AtomicBool,
}

impl ShiftedClock {
    fn advance_to(&self, time: UnixNanos) {
        let system = self.system.now();
        let needed = time.0.saturating_sub(system.0);
        if self.anchored.swap(true, Ordering::AcqRel) {
            self.shift.fetch_max(needed, Ordering::AcqRel);
        } else {
            self.shift.store(needed, Ordering::Release);
        }
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(
            self.system
                .now()
                .0
                .saturating_add(self.shift.load(Ordering::Acquire)),
        )
    }

    fn sleep(&self, duration: Duration, cancelled: &dyn Fn() -> bool) -> bool {
        self.system.sleep(duration, cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn virtual_time_stands_still_until_it_is_moved_and_never_goes_back() {
        let clock = RunClock::simulated();
        assert_eq!(clock.now(), UnixNanos(0));
        clock.advance_to(UnixNanos(500));
        clock.advance_to(UnixNanos(400));
        assert_eq!(clock.now(), UnixNanos(500));
        assert!(
            clock.sleep(HOUR, &|| false),
            "an hour of virtual time takes no time"
        );
        assert_eq!(clock.now(), UnixNanos(500).after(HOUR));
        assert!(!clock.sleep(HOUR, &|| true), "a cancelled sleep says so");
        assert_eq!(clock.now(), UnixNanos(500).after(HOUR));
    }

    #[test]
    fn real_time_starts_where_the_market_is_and_does_not_go_back() {
        let clock = RunClock::realtime();
        let year_2017 = UnixNanos(1_500_000_000_000_000_000);
        clock.advance_to(year_2017);
        let now = clock.now();
        assert!(now >= year_2017 && now < year_2017.after(HOUR), "{now:?}");
        clock.advance_to(year_2017.after(HOUR));
        clock.advance_to(year_2017);
        assert!(clock.now() >= year_2017.after(HOUR));
    }
}
