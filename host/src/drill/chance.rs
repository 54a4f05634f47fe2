//! Chance that can be repeated: every draw is a hash of the seed and of what it is for.

use sha2::{Digest as _, Sha256};

/// Where draws come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    seed: u64,
}

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Another source of draws, one for each `what` and `number`.
    pub(super) fn of(self, what: &str, number: u64) -> Self {
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(number.to_be_bytes())
            .chain_update(what)
            .finalize();
        let (word, _) = digest.split_first_chunk().expect("a digest is longer");
        Self::new(u64::from_be_bytes(*word))
    }

    /// The source as a number.
    pub(super) const fn value(self) -> u64 {
        self.seed
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(self, what: &str, end: u64) -> u64 {
        self.of(what, 0).seed % end
    }
}
