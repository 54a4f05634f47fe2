//! Time, as the host and its plugins see it: the system's, or a simulated market's.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use investbot_plugin_api::UnixNanos;

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
