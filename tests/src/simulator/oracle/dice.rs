//! Choices that are drawn.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// Draws the choices of one seed.
#[derive(Debug)]
pub(super) struct Dice {
    seed: u64,
    rng: Xoshiro256PlusPlus,
    /// Of how many chances of a crash one is taken, as a power of two; so that in some schedules the
    /// crashes come at once and in others late.
    crash_odds: u32,
    /// The same for faults.
    fault_odds: u32,
}

impl Dice {
    /// At most one chance in 512.
    const RAREST: u64 = 9;

    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut odds = || below(rng.next_u64(), Self::RAREST) + 1;
        let (crash_odds, fault_odds) = (odds(), odds());
        Self {
            seed,
            rng,
            crash_odds,
            fault_odds,
        }
    }

    pub(super) fn pick(&mut self, options: u32) -> u32 {
        below(self.rng.next_u64(), options.into())
    }

    pub(super) fn crashes(&mut self) -> bool {
        self.strikes(self.crash_odds)
    }

    pub(super) fn faults(&mut self) -> bool {
        self.strikes(self.fault_odds)
    }

    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    fn strikes(&mut self, odds: u32) -> bool {
        self.rng.next_u64() >> (64 - odds) == 0
    }
}

/// Maps 64 random bits to 0..limit.
fn below(bits: u64, limit: u64) -> u32 {
    let scaled = (u128::from(bits) * u128::from(limit)) >> 64;
    u32::try_from(scaled).expect("a choice has fewer than 2^32 options")
}
