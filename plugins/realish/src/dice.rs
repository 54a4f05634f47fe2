//! Chance that can be repeated: every draw is a hash of the seed, the operation and its number.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

/// Between the seeds of two sessions: odd and large, so that they meet no other run's.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hands out rolls. The nth roll of an operation is the same for the same seed, whatever the other
/// operations did.
#[derive(Debug)]
pub(crate) struct Dice {
    seed: u64,
    sequences: Mutex<BTreeMap<&'static str, u64>>,
}

/// What chance has in store for one request or report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roll {
    fate: u64,
    latency: u64,
    tail: u64,
    delays: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            sequences: Mutex::default(),
        }
    }

    /// The dice of a session. A client that comes back meets another network than the one that it left, or
    /// a question that failed would fail for ever; which one, the venue's directory counts.
    pub(crate) fn of_session(seed: u64, dir: Option<&Path>) -> io::Result<Self> {
        let Some(dir) = dir else {
            return Ok(Self::new(seed));
        };
        let mut sessions = File::options()
            .create(true)
            .append(true)
            .open(dir.join("sessions"))?;
        let earlier = sessions.metadata()?.len();
        sessions.write_all(b".")?;
        Ok(Self::new(seed.wrapping_add(earlier.wrapping_mul(STRIDE))))
    }

    pub(crate) fn roll(&self, operation: &'static str) -> Roll {
        let mut sequences = self
            .sequences
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let sequence = sequences.entry(operation).or_default();
        *sequence += 1;
        Roll::of(self.seed, operation, *sequence)
    }
}

impl Roll {
    /// One in this many is the finest probability.
    pub(crate) const PARTS: u64 = 1_000_000;

    pub(crate) fn of(seed: u64, operation: &str, sequence: u64) -> Self {
        let digest = Sha256::new()
            .chain_update(seed.to_le_bytes())
            .chain_update(sequence.to_le_bytes())
            .chain_update(operation)
            .finalize();
        let word =
            |n: usize| (digest[8 * n..8 * n + 8].iter()).fold(0, |w, b| (w << 8) | u64::from(*b));
        Self {
            fate: word(0),
            latency: word(1),
            tail: word(2),
            delays: word(3),
        }
    }

    /// Which fault it is: 0 to [`PARTS`](Self::PARTS), exclusive.
    pub(crate) const fn fate(&self) -> u64 {
        self.fate % Self::PARTS
    }

    /// Whether the latency is in its tail: 0 to [`PARTS`](Self::PARTS), exclusive.
    pub(crate) const fn tail(&self) -> u64 {
        self.tail % Self::PARTS
    }

    /// A latency between two bounds, inclusive.
    pub(crate) const fn latency(&self, low: u64, high: u64) -> u64 {
        low + self.latency % (high.saturating_sub(low) + 1)
    }

    /// How late something comes, up to `longest`, inclusive.
    pub(crate) const fn delay(&self, longest: u64) -> u64 {
        (self.delays & 0xffff_ffff) % (longest + 1)
    }

    /// How long an order stays invisible, up to `longest`, inclusive.
    pub(crate) const fn lag(&self, longest: u64) -> u64 {
        (self.delays >> 32) % (longest + 1)
    }
}
