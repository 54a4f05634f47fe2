//! The store in memory: for simulated venues and for sources that never replay.
//!
//! It forgets settled keys after a while, and everything when the process ends. A key that can still
//! be replayed must not be forgotten, so this is no store for money.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use investbot_plugin_api::UnixNanos;

use super::{Claim, Claimed, IdempotencyStore, Settled, Settlement, StoreError};

/// What is kept of one key.
#[derive(Clone, Debug)]
struct Entry {
    digest: String,
    attempt: u32,
    /// `None` while the attempt is in doubt.
    settled: Option<Settled>,
    settled_at: UnixNanos,
}

/// Keys in memory, settled ones for a limited time.
#[derive(Debug)]
pub struct InMemoryIdempotencyStore {
    entries: HashMap<String, Entry>,
    pending: BTreeMap<String, Claim>,
    /// Settled keys in the order in which they may be forgotten.
    expiry: VecDeque<(UnixNanos, String)>,
    ttl: Duration,
}

impl InMemoryIdempotencyStore {
    /// A store that forgets a key `ttl` after it was settled for good.
    #[must_use]
    pub fn new(ttl: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            pending: BTreeMap::new(),
            expiry: VecDeque::new(),
            ttl,
        }
    }

    /// How many keys it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it remembers none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn forget_expired(&mut self, now: UnixNanos) {
        while let Some((expires, _)) = self.expiry.front()
            && *expires <= now
        {
            let (expires, key) = self.expiry.pop_front().expect("front was there");
            // An absent attempt may have been followed by another: then the key is young again.
            let stale = self.entries.get(&key).is_some_and(|entry| {
                entry.settled.is_some() && entry.settled_at.after(self.ttl) <= expires
            });
            if stale {
                self.entries.remove(&key);
            }
        }
    }

    /// Whether `claim` may be granted; changes nothing.
    fn check(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let Some(entry) = self.entries.get(&claim.key) else {
            return expect_attempt(claim, 1);
        };
        if entry.digest != claim.digest {
            return Err(StoreError::Conflict {
                key: claim.key.clone(),
                recorded: entry.digest.clone(),
                offered: claim.digest.clone(),
            });
        }
        match entry.settled {
            None => Err(StoreError::StillInDoubt {
                key: claim.key.clone(),
                attempt: claim.attempt,
                pending: entry.attempt,
            }),
            Some(Settled::Absent) => expect_attempt(claim, entry.attempt + 1),
            Some(settled) => Ok(Claimed::AlreadySettled(settled)),
        }
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

impl IdempotencyStore for InMemoryIdempotencyStore {
    fn claim(&mut self, batch: &[Claim], now: UnixNanos) -> Result<Vec<Claimed>, StoreError> {
        self.forget_expired(now);
        let mut answers = Vec::with_capacity(batch.len());
        for (index, claim) in batch.iter().enumerate() {
            if let Some(earlier) = batch[..index].iter().find(|c| c.key == claim.key) {
                return Err(if earlier.digest == claim.digest {
                    StoreError::StillInDoubt {
                        key: claim.key.clone(),
                        attempt: claim.attempt,
                        pending: earlier.attempt,
                    }
                } else {
                    StoreError::Conflict {
                        key: claim.key.clone(),
                        recorded: earlier.digest.clone(),
                        offered: claim.digest.clone(),
                    }
                });
            }
            answers.push(self.check(claim)?);
        }
        for (claim, answer) in batch.iter().zip(&answers) {
            if *answer == Claimed::Granted {
                let entry = Entry {
                    digest: claim.digest.clone(),
                    attempt: claim.attempt,
                    settled: None,
                    settled_at: now,
                };
                self.entries.insert(claim.key.clone(), entry);
                self.pending.insert(claim.key.clone(), claim.clone());
            }
        }
        Ok(answers)
    }

    fn settle(&mut self, batch: &[Settlement], now: UnixNanos) -> Result<(), StoreError> {
        for settlement in batch {
            let pending = self.pending.get(&settlement.key);
            if pending.is_none_or(|claim| claim.attempt != settlement.attempt) {
                return Err(StoreError::NotInDoubt {
                    key: settlement.key.clone(),
                    attempt: settlement.attempt,
                });
            }
        }
        for settlement in batch {
            self.pending.remove(&settlement.key);
            let entry = self
                .entries
                .get_mut(&settlement.key)
                .expect("a pending key has an entry: both are made by the same claim");
            entry.settled = Some(settlement.settled);
            entry.settled_at = now;
            // An order nobody knows the fate of is not forgotten.
            if settlement.settled != Settled::Held {
                self.expiry
                    .push_back((now.after(self.ttl), settlement.key.clone()));
            }
        }
        Ok(())
    }

    fn in_doubt(&self) -> Result<Vec<Claim>, StoreError> {
        Ok(self.pending.values().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use investbot_plugin_api::{Decimal, NewOrder, Side};

    const NOW: UnixNanos = UnixNanos(1_000_000_000);

    fn claim(key: &str, digest: &str, attempt: u32) -> Claim {
        Claim {
            key: key.to_owned(),
            digest: digest.to_owned(),
            attempt,
            order: NewOrder::new(key, "BTC/USD", Side::Buy, Decimal::ONE),
        }
    }

    fn settlement(key: &str, attempt: u32, settled: Settled) -> Settlement {
        Settlement {
            key: key.to_owned(),
            attempt,
            settled,
        }
    }

    fn store() -> InMemoryIdempotencyStore {
        InMemoryIdempotencyStore::new(Duration::from_secs(60))
    }

    #[test]
    fn a_claim_is_in_doubt_until_it_is_settled() {
        let mut store = store();
        let batch = [claim("a", "1", 1), claim("b", "1", 1)];
        assert_eq!(store.claim(&batch, NOW), Ok(vec![Claimed::Granted; 2]));
        assert_eq!(store.in_doubt(), Ok(batch.to_vec()));
        store
            .settle(&[settlement("a", 1, Settled::Accepted)], NOW)
            .expect("a is in doubt");
        assert_eq!(store.in_doubt(), Ok(vec![batch[1].clone()]));
    }

    #[test]
    fn a_settled_key_is_not_granted_again() {
        for settled in [
            Settled::Accepted,
            Settled::Rejected,
            Settled::Abandoned,
            Settled::Held,
        ] {
            let mut store = store();
            store.claim(&[claim("a", "1", 1)], NOW).expect("new");
            store
                .settle(&[settlement("a", 1, settled)], NOW)
                .expect("in doubt");
            for attempt in [1, 2] {
                assert_eq!(
                    store.claim(&[claim("a", "1", attempt)], NOW),
                    Ok(vec![Claimed::AlreadySettled(settled)])
                );
            }
        }
    }

    #[test]
    fn the_same_key_with_other_parameters_is_an_error_and_nothing_of_the_batch_is_claimed() {
        let mut store = store();
        store.claim(&[claim("a", "1", 1)], NOW).expect("new");
        let answer = store.claim(&[claim("b", "1", 1), claim("a", "2", 1)], NOW);
        assert!(
            matches!(answer, Err(StoreError::Conflict { .. })),
            "{answer:?}"
        );
        assert_eq!(store.len(), 1);
        let within_one_batch = store.claim(&[claim("c", "1", 1), claim("c", "2", 1)], NOW);
        assert!(matches!(within_one_batch, Err(StoreError::Conflict { .. })));
    }

    #[test]
    fn a_second_attempt_needs_the_first_to_be_absent() {
        let mut store = store();
        store.claim(&[claim("a", "1", 1)], NOW).expect("new");
        let early = store.claim(&[claim("a", "1", 2)], NOW);
        assert!(
            matches!(early, Err(StoreError::StillInDoubt { pending: 1, .. })),
            "{early:?}"
        );
        store
            .settle(&[settlement("a", 1, Settled::Absent)], NOW)
            .expect("in doubt");
        let skipped = store.claim(&[claim("a", "1", 3)], NOW);
        assert!(matches!(
            skipped,
            Err(StoreError::WrongAttempt { expected: 2, .. })
        ));
        assert_eq!(
            store.claim(&[claim("a", "1", 2)], NOW),
            Ok(vec![Claimed::Granted])
        );
    }

    #[test]
    fn what_is_not_in_doubt_cannot_be_settled() {
        let mut store = store();
        store.claim(&[claim("a", "1", 1)], NOW).expect("new");
        for (key, attempt) in [("a", 2), ("b", 1)] {
            let answer = store.settle(&[settlement(key, attempt, Settled::Accepted)], NOW);
            assert!(
                matches!(answer, Err(StoreError::NotInDoubt { .. })),
                "{answer:?}"
            );
        }
        assert_eq!(store.in_doubt().expect("memory does not fail").len(), 1);
    }

    #[test]
    fn the_ttl_forgets_settled_keys_only() {
        let mut store = store();
        let batch = [
            claim("done", "1", 1),
            claim("held", "1", 1),
            claim("open", "1", 1),
        ];
        store.claim(&batch, NOW).expect("new");
        let settled = [
            settlement("done", 1, Settled::Accepted),
            settlement("held", 1, Settled::Held),
        ];
        store.settle(&settled, NOW).expect("in doubt");
        let just_before = UnixNanos(NOW.after(Duration::from_secs(60)).0 - 1);
        store.claim(&[], just_before).expect("empty");
        assert_eq!(store.len(), 3);
        store
            .claim(&[], NOW.after(Duration::from_secs(60)))
            .expect("empty");
        assert_eq!(store.len(), 2);
        assert_eq!(
            store.claim(
                &[claim("held", "1", 1)],
                NOW.after(Duration::from_secs(600))
            ),
            Ok(vec![Claimed::AlreadySettled(Settled::Held)])
        );
    }

    #[test]
    fn a_key_that_was_tried_again_is_young_again() {
        let mut store = store();
        store.claim(&[claim("a", "1", 1)], NOW).expect("new");
        store
            .settle(&[settlement("a", 1, Settled::Absent)], NOW)
            .expect("in doubt");
        let later = NOW.after(Duration::from_secs(59));
        store
            .claim(&[claim("a", "1", 2)], later)
            .expect("absent before");
        store
            .settle(&[settlement("a", 2, Settled::Accepted)], later)
            .expect("in doubt");
        store
            .claim(&[], NOW.after(Duration::from_secs(61)))
            .expect("empty");
        assert_eq!(store.len(), 1, "settled 2 seconds ago");
        store
            .claim(&[], later.after(Duration::from_secs(60)))
            .expect("empty");
        assert!(store.is_empty());
    }
}
