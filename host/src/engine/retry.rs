//! How long to wait before trying again: a pure function, so that a resumed run waits the same.
//!
//! Exponential backoff with equal jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS
//! Architecture Blog, 2015): with `full = min(cap, base * 2^(attempt - 1))` the delay is
//! `full / 2 + u * full / 2`, where `u` in [0, 1] is drawn from `sha256(seed, key, attempt)`. Half of the
//! wait is kept so that a sick venue always gets its rest; the other half spreads orders that failed
//! together, since each has a key of its own.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// The base, the cap and the seed of all delays of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The run's seed.
    pub seed: u64,
    /// The full delay after the first attempt.
    pub base: Duration,
    /// No full delay is longer.
    pub cap: Duration,
}

impl Backoff {
    /// The wait after attempt `attempt` (from 1) of what `key` names.
    #[must_use]
    pub fn delay(&self, key: &str, attempt: u32) -> Duration {
        delay(self.seed, key, attempt, self.base, self.cap)
    }
}

/// The wait after attempt `attempt` (from 1) of what `key` names.
#[must_use]
pub fn delay(seed: u64, key: &str, attempt: u32, base: Duration, cap: Duration) -> Duration {
    let doublings = attempt.saturating_sub(1).min(63);
    let full = base
        .as_nanos()
        .saturating_mul(1_u128 << doublings)
        .min(cap.as_nanos());
    let half = u64::try_from(full / 2).unwrap_or(u64::MAX);
    let jitter = (u128::from(half) * u128::from(draw(seed, key, attempt))) >> 32;
    let jitter = u64::try_from(jitter).unwrap_or(half);
    Duration::from_nanos(half.saturating_add(jitter))
}

/// 32 bits of `sha256(seed, key, attempt)`: the numbers big-endian, the key after its length.
fn draw(seed: u64, key: &str, attempt: u32) -> u32 {
    let hash = Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update((key.len() as u64).to_be_bytes())
        .chain_update(key)
        .chain_update(attempt.to_be_bytes())
        .finalize();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: Duration = Duration::from_millis(100);
    const CAP: Duration = Duration::from_secs(5);

    #[test]
    fn exact_values() {
        let delays: Vec<u128> = (1..=8)
            .map(|attempt| delay(7, "0123456789abcdef", attempt, BASE, CAP).as_micros())
            .collect();
        assert_eq!(
            delays,
            [
                58665, 117593, 287232, 409583, 1280216, 2606211, 3953745, 4300353
            ]
        );
        assert_ne!(
            delay(8, "0123456789abcdef", 1, BASE, CAP),
            delay(7, "0123456789abcdef", 1, BASE, CAP),
            "the seed counts"
        );
    }

    proptest! {
        #[test]
        fn within_half_and_full(seed: u64, key: String, attempt: u32, base in 0_u64..=u64::MAX, cap in 0_u64..=u64::MAX) {
            let (base, cap) = (Duration::from_nanos(base), Duration::from_nanos(cap));
            let full = base.as_nanos().saturating_mul(1_u128 << attempt.saturating_sub(1).min(63)).min(cap.as_nanos());
            let delay = delay(seed, &key, attempt, base, cap).as_nanos();
            prop_assert!(delay <= full);
            prop_assert!(delay >= full / 2);
        }
    }
}
