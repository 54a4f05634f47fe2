//! The store in memory: for simulated venues and for sources that never replay.
//!
//! It forgets settled keys after a while, and everything when the process ends. A key that can still
//! be replayed must not be forgotten, so this is no store for money.

use std::collections::VecDeque;
use std::time::Duration;

use investbot_plugin_api::UnixNanos;

use super::ledger::{Id, Ledger};
use super::{Claim, Claimed, IdempotencyStore, Settled, Settlement, StoreError};

/// Keys in memory, settled ones for a limited time.
#[derive(Debug)]
pub struct InMemoryIdempotencyStore {
    ledger: Ledger,
    /// Settled keys in the order in which they may be forgotten.
    expiry: VecDeque<(UnixNanos, Id)>,
    ttl: Duration,
}

impl InMemoryIdempotencyStore {
    /// A store that forgets a key `ttl` after it was settled for good.
    #[must_use]
    pub fn new(ttl: Duration) -> Self {
        Self {
            ledger: Ledger::default(),
            expiry: VecDeque::new(),
            ttl,
        }
    }

    /// How many keys it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ledger.len()
    }

    /// Whether it remembers none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn forget_expired(&mut self, now: UnixNanos) {
        while let Some((expires, id)) = self.expiry.front().copied()
            && expires <= now
        {
            self.expiry.pop_front();
            // An absent attempt may have been followed by another: then the key is young again.
            let settled_at = self.ledger.settled_at(id);
            if settled_at.is_some_and(|at| at.after(self.ttl) <= expires) {
                self.ledger.forget(id);
            }
        }
    }
}

impl IdempotencyStore for InMemoryIdempotencyStore {
    fn claim(&mut self, batch: &[Claim], now: UnixNanos) -> Result<Vec<Claimed>, StoreError> {
        self.forget_expired(now);
        let answers = self.ledger.check_claims(batch)?;
        for (claim, answer) in batch.iter().zip(&answers) {
            if *answer == Claimed::Granted {
                self.ledger.claim(claim.clone(), now);
            }
        }
        Ok(answers)
    }

    fn settle(&mut self, batch: &[Settlement], now: UnixNanos) -> Result<(), StoreError> {
        self.ledger.check_settlements(batch)?;
        for settlement in batch {
            self.ledger.settle(settlement, now);
            // An order nobody knows the fate of is not forgotten.
            if settlement.settled != Settled::Held {
                let id = Id::of(&settlement.key);
                self.expiry.push_back((now.after(self.ttl), id));
            }
        }
        Ok(())
    }

    fn in_doubt(&self) -> Result<Vec<Claim>, StoreError> {
        Ok(self.ledger.in_doubt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{NOW, claim, settlement};

    fn store() -> InMemoryIdempotencyStore {
        InMemoryIdempotencyStore::new(Duration::from_secs(60))
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
