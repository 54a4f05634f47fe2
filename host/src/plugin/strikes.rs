//! How often an adapter may fail its host before it is not called any more.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Failures of one adapter, by the system's clock. A failure here is not an error that the adapter answers with, but
/// a call that it never came back from.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    at: VecDeque<Instant>,
}

impl Strikes {
    /// So many failures within [`WITHIN`](Self::WITHIN) are forgiven.
    pub(super) const FORGIVEN: usize = 5;

    /// What lies further back is forgotten.
    pub(super) const WITHIN: Duration = Duration::from_secs(600);

    /// How long the first pause is; each further one is twice as long.
    const PAUSE: Duration = Duration::from_millis(100);

    /// Counts a failure. The pause before the adapter may be begun anew, or `None` if it may not.
    pub(super) fn count(&mut self, now: Instant) -> Option<Duration> {
        while let Some(first) = self.at.front() {
            if now.saturating_duration_since(*first) < Self::WITHIN {
                break;
            }
            self.at.pop_front();
        }
        self.at.push_back(now);
        let failures = self.at.len();
        (failures <= Self::FORGIVEN).then(|| Self::PAUSE * (1 << (failures - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_it_is_enough_and_old_failures_are_forgotten() {
        let mut strikes = Strikes::default();
        let begin = Instant::now();
        let mut pauses = Vec::new();
        for second in 0..6 {
            let pause = strikes.count(begin + Duration::from_secs(second));
            pauses.push(pause.map(|pause| pause.as_millis()));
        }
        assert_eq!(
            pauses,
            [Some(100), Some(200), Some(400), Some(800), Some(1600), None]
        );
        let later = begin + Strikes::WITHIN + Duration::from_secs(3);
        assert_eq!(
            strikes.count(later),
            Some(Duration::from_millis(400)),
            "two of six are left"
        );
        let much_later = later + Strikes::WITHIN;
        assert_eq!(strikes.count(much_later), Some(Strikes::PAUSE));
    }
}
