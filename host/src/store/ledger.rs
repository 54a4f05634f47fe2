//! What every store decides in the same way: which attempts may be made, and what may be settled.
//!
//! A key and a digest are kept as 128 bits, which is what they are where the host made them; any other
//! text is hashed to as many. Checks change nothing, so that a batch can be checked whole, written down,
//! and only then applied.

use std::collections::{BTreeMap, HashMap, HashSet};

use investbot_plugin_api::UnixNanos;
use sha2::{Digest as _, Sha256};

use super::{Claim, Claimed, Resolution, Settled, Settlement, StoreError};

/// A key or digest in its compact form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u128);

impl Id {
    pub(super) fn of(text: &str) -> Self {
        let mut bytes = [0; 16];
        let is_canonical = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        if !is_canonical || hex::decode_to_slice(text, &mut bytes).is_err() {
            let hash = Sha256::digest(text);
            bytes.copy_from_slice(&hash[..16]);
        }
        Self(u128::from_be_bytes(bytes))
    }

    fn to_hex(self) -> String {
        hex::encode(self.0.to_be_bytes())
    }
}

/// What is kept of one key.
#[derive(Clone, Copy, Debug)]
struct Entry {
    digest: Id,
    settled_at: UnixNanos,
    attempt: u32,
    /// `None` while the attempt is in doubt.
    settled: Option<Settled>,
}

/// The keys, and the orders nobody knows the fate of.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: HashMap<Id, Entry>,
    in_doubt: BTreeMap<String, Claim>,
    held: BTreeMap<String, Claim>,
}

impl Ledger {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The attempts without a settlement, by key.
    pub(super) fn in_doubt(&self) -> Vec<Claim> {
        self.in_doubt.values().cloned().collect()
    }

    /// The attempts that wait for a person, by key.
    pub(super) fn held(&self) -> Vec<Claim> {
        self.held.values().cloned().collect()
    }

    /// What a batch of claims comes to.
    pub(super) fn check_claims(&self, batch: &[Claim]) -> Result<Vec<Claimed>, StoreError> {
        let mut earlier: HashMap<&str, &Claim> = HashMap::with_capacity(batch.len());
        let mut answers = Vec::with_capacity(batch.len());
        for claim in batch {
            if let Some(earlier) = earlier.insert(&claim.key, claim) {
                return Err(if earlier.digest == claim.digest {
                    still_in_doubt(claim, earlier.attempt)
                } else {
                    conflict(claim, earlier.digest.clone())
                });
            }
            answers.push(self.check_claim(claim)?);
        }
        Ok(answers)
    }

    fn check_claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let Some(entry) = self.entries.get(&Id::of(&claim.key)) else {
            return expect_attempt(claim, 1);
        };
        if entry.digest != Id::of(&claim.digest) {
            return Err(conflict(claim, entry.digest.to_hex()));
        }
        match entry.settled {
            None => Err(still_in_doubt(claim, entry.attempt)),
            Some(Settled::Absent) => expect_attempt(claim, entry.attempt.saturating_add(1)),
            Some(settled) => Ok(Claimed::AlreadySettled(settled)),
        }
    }

    /// Takes a claim that was granted.
    pub(super) fn claim(&mut self, claim: Claim, now: UnixNanos) {
        let entry = Entry {
            digest: Id::of(&claim.digest),
            settled_at: now,
            attempt: claim.attempt,
            settled: None,
        };
        self.entries.insert(Id::of(&claim.key), entry);
        self.in_doubt.insert(claim.key.clone(), claim);
    }

    /// Whether every one of these attempts is in doubt.
    pub(super) fn check_settlements<'s>(
        &self,
        batch: impl IntoIterator<Item = &'s Settlement>,
    ) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        for settlement in batch {
            let claim = self.in_doubt.get(&settlement.key);
            let fits = claim.is_some_and(|claim| claim.attempt == settlement.attempt);
            if !fits || !seen.insert(&settlement.key) {
                return Err(StoreError::NotInDoubt {
                    key: settlement.key.clone(),
                    attempt: settlement.attempt,
                });
            }
        }
        Ok(())
    }

    /// Takes a settlement that was checked.
    pub(super) fn settle(&mut self, settlement: &Settlement, now: UnixNanos) {
        let claim = self.in_doubt.remove(&settlement.key);
        if let (Settled::Held, Some(claim)) = (settlement.settled, claim) {
            self.held.insert(settlement.key.clone(), claim);
        }
        self.conclude(&settlement.key, settlement.settled, now);
    }

    /// Whether a person may decide about this key.
    pub(super) fn check_resolution(&self, key: &str) -> Result<(), StoreError> {
        if self.held.contains_key(key) {
            return Ok(());
        }
        Err(StoreError::NotHeld {
            key: key.to_owned(),
        })
    }

    /// Takes a decision that was checked.
    pub(super) fn resolve(&mut self, key: &str, resolution: Resolution, now: UnixNanos) {
        self.held.remove(key);
        self.conclude(key, resolution.into(), now);
    }

    fn conclude(&mut self, key: &str, settled: Settled, now: UnixNanos) {
        if let Some(entry) = self.entries.get_mut(&Id::of(key)) {
            entry.settled = Some(settled);
            entry.settled_at = now;
        }
    }

    /// When a key was settled; `None` if it is not, or not known.
    pub(super) fn settled_at(&self, id: Id) -> Option<UnixNanos> {
        let entry = self.entries.get(&id)?;
        entry.settled.map(|_| entry.settled_at)
    }

    /// Forgets a key.
    pub(super) fn forget(&mut self, id: Id) {
        self.entries.remove(&id);
    }
}

fn expect_attempt(claim: &Claim, expected: u32) -> Result<Claimed, StoreError> {
    if claim.attempt == expected {
        return Ok(Claimed::Granted);
    }
    Err(StoreError::WrongAttempt {
        key: claim.key.clone(),
        attempt: claim.attempt,
        expected,
    })
}

fn still_in_doubt(claim: &Claim, pending: u32) -> StoreError {
    StoreError::StillInDoubt {
        key: claim.key.clone(),
        attempt: claim.attempt,
        pending,
    }
}

fn conflict(claim: &Claim, recorded: String) -> StoreError {
    StoreError::Conflict {
        key: claim.key.clone(),
        recorded,
        offered: claim.digest.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_the_host_is_kept_as_it_is_and_any_other_as_a_hash_of_it() {
        let own = "00112233445566778899aabbccddeeff";
        assert_eq!(Id::of(own).to_hex(), own);
        let others = [
            "",
            "a",
            "0011",
            "00112233445566778899AABBCCDDEEFF",
            "order-1",
        ];
        for (index, text) in others.iter().enumerate() {
            assert_ne!(Id::of(text), Id::of(own), "{text}");
            for other in &others[..index] {
                assert_ne!(Id::of(text), Id::of(other), "{text}");
            }
        }
    }

    #[test]
    fn a_key_takes_48_bytes() {
        let pair = size_of::<(Id, Entry)>();
        assert!(pair <= 48, "{pair}");
    }
}
