//! The store in memory: for simulated venues and for sources that never replay.
//!
//! It forgets callers' ids after a while, and everything when the process ends. An id that can still come
//! again must not be forgotten, so this is no store for money.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use investbot_plugin_api::UnixNanos;

use super::ledger::Ledger;
use super::{Claim, Epoch, IdempotencyStore, LedgerState, Mark, Record, StoreError};
use crate::engine::Seen;

/// Keys in memory, callers' ids for a limited time.
#[derive(Debug)]
pub struct InMemoryIdempotencyStore {
    ledger: Ledger,
    seen: HashMap<String, Seen>,
    /// Callers' ids in the order in which they may be forgotten.
    expiry: VecDeque<(UnixNanos, String)>,
    ttl: Duration,
}

impl InMemoryIdempotencyStore {
    /// A store that forgets a caller's id `ttl` after it was taken up, or as much later as something is
    /// still to come of its order.
    #[must_use]
    pub fn new(ttl: Duration) -> Self {
        let mut ledger = Ledger::default();
        // The run lasts as long as its process.
        ledger.apply(&Record::Epoch(Epoch {
            number: 1,
            run_id: String::new(),
            plugin_sha256: String::new(),
            started_at: UnixNanos(0),
        }));
        Self {
            ledger,
            seen: HashMap::new(),
            expiry: VecDeque::new(),
            ttl,
        }
    }

    /// How many callers' ids it remembers.
    #[must_use]
    pub fn ids(&self) -> usize {
        self.seen.len()
    }

    fn forget_expired(&mut self, now: UnixNanos) {
        // A moment at least, or there would be no end to it.
        let again = now.after(self.ttl.max(Duration::from_nanos(1)));
        while let Some((_, id)) = self.expiry.pop_front_if(|(expires, _)| *expires <= now) {
            let order = self
                .seen
                .get(&id)
                .and_then(|seen| seen.client_order_id.as_ref());
            if order.is_some_and(|order| self.ledger.is_open(order)) {
                self.expiry.push_back((again, id));
            } else {
                self.seen.remove(&id);
            }
        }
    }
}

impl IdempotencyStore for InMemoryIdempotencyStore {
    fn stage(&mut self, record: Record<'_>, at: UnixNanos) -> Result<(), StoreError> {
        self.ledger.check(&record)?;
        self.forget_expired(at);
        if let Record::Intent(taken) = &record
            && let Some((id, seen)) = taken.taken_up()
        {
            self.seen.insert(id.to_owned(), seen.clone());
            self.expiry.push_back((at.after(self.ttl), id.to_owned()));
        }
        self.ledger.apply(&record);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.ledger.committed();
        Ok(())
    }

    fn in_doubt(&self) -> Vec<Claim> {
        self.ledger.in_doubt()
    }

    fn absent(&self) -> Vec<Claim> {
        self.ledger.absent()
    }

    fn held(&self) -> Vec<Claim> {
        self.ledger.held()
    }

    fn seen(&mut self, id: &str) -> Result<Option<Seen>, StoreError> {
        Ok(self.seen.get(id).cloned())
    }

    fn snapshot(&self) -> Option<(Mark, LedgerState)> {
        None
    }

    fn mark(&self) -> Option<Mark> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{NOW, accepted, attempt, callers_claim, intent, outcome};

    fn store() -> InMemoryIdempotencyStore {
        InMemoryIdempotencyStore::new(Duration::from_secs(60))
    }

    fn later(seconds: u64) -> UnixNanos {
        NOW.after(Duration::from_secs(seconds))
    }

    #[test]
    fn an_id_is_forgotten_after_its_time_and_not_before() {
        let mut store = store();
        let mut denied = intent("denied");
        if let Record::Intent(taken) = &mut denied {
            let seen = taken.taken.as_mut().expect("taken up");
            seen.to_mut().client_order_id = None;
        }
        store.stage(denied, NOW).expect("new");
        let just_before = UnixNanos(later(60).0 - 1);
        store
            .stage(Record::Offset(1), just_before)
            .expect("allowed");
        assert_eq!(store.ids(), 1);
        store.stage(Record::Offset(2), later(60)).expect("allowed");
        assert_eq!(store.ids(), 0);
    }

    #[test]
    fn an_id_whose_order_is_open_is_remembered() {
        let mut store = store();
        let claim = callers_claim("a", 1);
        store.stage(intent("a"), NOW).expect("new");
        for seconds in [60, 120] {
            store
                .stage(Record::Offset(1), later(seconds))
                .expect("allowed");
            assert_eq!(store.ids(), 1, "not attempted yet");
        }
        store.stage(attempt(&claim), later(130)).expect("taken up");
        store.commit().expect("memory");
        store.stage(Record::Offset(2), later(180)).expect("allowed");
        assert_eq!(store.ids(), 1, "in doubt");
        let settled = outcome(&claim, accepted(&claim));
        store.stage(settled, later(181)).expect("in doubt");
        store.stage(Record::Offset(3), later(239)).expect("allowed");
        assert_eq!(store.ids(), 1, "just settled");
        store.stage(Record::Offset(4), later(240)).expect("allowed");
        assert_eq!(store.ids(), 0);
    }

    #[test]
    fn without_a_time_to_live_there_is_an_end_all_the_same() {
        let mut store = InMemoryIdempotencyStore::new(Duration::ZERO);
        store.stage(intent("a"), NOW).expect("new");
        store.stage(Record::Offset(1), NOW).expect("allowed");
        assert_eq!(store.ids(), 1, "its order is not attempted yet");
    }
}
