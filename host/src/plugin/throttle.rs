//! Bounds what an adapter can write into the log: a flood of lines must cost neither the disk nor the reader.

use std::time::{Duration, Instant};

/// A bucket of lines that fills up again.
#[derive(Debug)]
pub(super) struct Throttle {
    left: u32,
    filled_at: Option<Instant>,
    dropped: u64,
}

impl Throttle {
    /// So many lines may come at once.
    const BURST: u32 = 1000;

    /// How long one line takes to be allowed again.
    const PER_LINE: Duration = Duration::from_millis(10);

    pub(super) const fn new() -> Self {
        Self {
            left: Self::BURST,
            filled_at: None,
            dropped: 0,
        }
    }

    /// Whether another line may be written; with it, how many were dropped before it.
    pub(super) fn admit(&mut self, now: Instant) -> Option<u64> {
        let since = now.saturating_duration_since(*self.filled_at.get_or_insert(now));
        let more = u32::try_from(since.as_nanos() / Self::PER_LINE.as_nanos()).unwrap_or(u32::MAX);
        if more > 0 {
            self.left = self.left.saturating_add(more).min(Self::BURST);
            self.filled_at = Some(now);
        }
        if self.left == 0 {
            self.dropped += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted_and_what_comes_slowly_passes() {
        let mut throttle = Throttle::new();
        let begin = Instant::now();
        let admitted = (0..5000)
            .filter(|_| throttle.admit(begin).is_some())
            .count();
        assert_eq!(admitted, 1000);
        let later = begin + Duration::from_millis(25);
        assert_eq!(
            throttle.admit(later),
            Some(4000),
            "what was dropped is said once"
        );
        assert_eq!(throttle.admit(later), Some(0));
        assert_eq!(throttle.admit(later), None);
    }
}
