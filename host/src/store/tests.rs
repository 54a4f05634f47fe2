//! What every store must do, the same for all of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::{Decimal, NewOrder, Side};

use super::file::Start;
use super::journal::Options;
use super::*;
use crate::fs::SimFs;

pub(super) const NOW: UnixNanos = UnixNanos(1_000_000_000);

pub(super) fn claim(key: &str, digest: &str, attempt: u32) -> Claim {
    Claim {
        key: key.to_owned(),
        digest: digest.to_owned(),
        attempt,
        order: NewOrder::new(key, "BTC/USD", Side::Buy, Decimal::ONE),
    }
}

pub(super) fn settlement(key: &str, attempt: u32, settled: Settled) -> Settlement {
    Settlement {
        key: key.to_owned(),
        attempt,
        settled,
    }
}

pub(super) fn start() -> Start {
    Start {
        run_id: "run".into(),
        plugin_sha256: "ab".into(),
        started_at: NOW,
    }
}

pub(super) fn open(fs: &SimFs) -> Result<FileIdempotencyStore, StoreError> {
    let fs: Arc<dyn crate::fs::Fs> = Arc::new(fs.clone());
    let options = Options {
        segment_bytes: 2000,
        expected: None,
    };
    let ignore = &mut |_, _, _: journal::Record<'_>| Ok(());
    FileIdempotencyStore::open(fs, Path::new("/run"), options, ignore)?.begin(start(), NOW)
}

fn memory() -> impl IdempotencyStore {
    InMemoryIdempotencyStore::new(Duration::from_secs(60))
}

fn file() -> impl IdempotencyStore {
    open(&SimFs::new()).expect("new")
}

/// A file store that is closed and opened again after every call.
struct Reopened(SimFs);

impl IdempotencyStore for Reopened {
    fn claim(&mut self, batch: &[Claim], now: UnixNanos) -> Result<Vec<Claimed>, StoreError> {
        open(&self.0)?.claim(batch, now)
    }

    fn settle(&mut self, batch: &[Settlement], now: UnixNanos) -> Result<(), StoreError> {
        open(&self.0)?.settle(batch, now)
    }

    fn in_doubt(&self) -> Result<Vec<Claim>, StoreError> {
        open(&self.0)?.in_doubt()
    }
}

fn reopened() -> impl IdempotencyStore {
    Reopened(SimFs::new())
}

/// Runs each test against every store.
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod memory_store { $(#[test] fn $name() { super::$name(super::memory); })+ }
        mod file_store { $(#[test] fn $name() { super::$name(super::file); })+ }
        mod reopened_file_store { $(#[test] fn $name() { super::$name(super::reopened); })+ }
    };
}

contract!(
    a_claim_is_in_doubt_until_it_is_settled,
    a_settled_key_is_not_granted_again,
    the_same_key_with_other_parameters_is_an_error_and_nothing_of_the_batch_is_claimed,
    a_second_attempt_needs_the_first_to_be_absent,
    what_is_not_in_doubt_cannot_be_settled,
    what_was_settled_before_is_told_beside_what_is_granted,
);

fn a_claim_is_in_doubt_until_it_is_settled<S: IdempotencyStore>(store: fn() -> S) {
    let mut store = store();
    let batch = [claim("a", "1", 1), claim("b", "1", 1)];
    assert_eq!(store.claim(&batch, NOW), Ok(vec![Claimed::Granted; 2]));
    assert_eq!(store.in_doubt(), Ok(batch.to_vec()));
    store
        .settle(&[settlement("a", 1, Settled::Accepted)], NOW)
        .expect("a is in doubt");
    assert_eq!(store.in_doubt(), Ok(vec![batch[1].clone()]));
}

fn a_settled_key_is_not_granted_again<S: IdempotencyStore>(store: fn() -> S) {
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
        assert_eq!(store.in_doubt(), Ok(vec![]));
    }
}

fn the_same_key_with_other_parameters_is_an_error_and_nothing_of_the_batch_is_claimed<
    S: IdempotencyStore,
>(
    store: fn() -> S,
) {
    let mut store = store();
    store.claim(&[claim("a", "1", 1)], NOW).expect("new");
    let answer = store.claim(&[claim("b", "1", 1), claim("a", "2", 1)], NOW);
    assert!(
        matches!(answer, Err(StoreError::Conflict { .. })),
        "{answer:?}"
    );
    let within_one_batch = store.claim(&[claim("c", "1", 1), claim("c", "2", 1)], NOW);
    assert!(matches!(within_one_batch, Err(StoreError::Conflict { .. })));
    let twice = store.claim(&[claim("c", "1", 1), claim("c", "1", 2)], NOW);
    assert!(matches!(twice, Err(StoreError::StillInDoubt { .. })));
    assert_eq!(store.in_doubt(), Ok(vec![claim("a", "1", 1)]));
}

fn a_second_attempt_needs_the_first_to_be_absent<S: IdempotencyStore>(store: fn() -> S) {
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

fn what_is_not_in_doubt_cannot_be_settled<S: IdempotencyStore>(store: fn() -> S) {
    let mut store = store();
    store.claim(&[claim("a", "1", 1)], NOW).expect("new");
    for (key, attempt) in [("a", 2), ("b", 1)] {
        let answer = store.settle(&[settlement(key, attempt, Settled::Accepted)], NOW);
        assert!(
            matches!(answer, Err(StoreError::NotInDoubt { .. })),
            "{answer:?}"
        );
    }
    let twice = [
        settlement("a", 1, Settled::Accepted),
        settlement("a", 1, Settled::Absent),
    ];
    let answer = store.settle(&twice, NOW);
    assert!(matches!(answer, Err(StoreError::NotInDoubt { .. })));
    assert_eq!(store.in_doubt().map(|claims| claims.len()), Ok(1));
}

fn what_was_settled_before_is_told_beside_what_is_granted<S: IdempotencyStore>(store: fn() -> S) {
    let mut store = store();
    store.claim(&[claim("a", "1", 1)], NOW).expect("new");
    store
        .settle(&[settlement("a", 1, Settled::Accepted)], NOW)
        .expect("in doubt");
    assert_eq!(
        store.claim(&[claim("a", "1", 1), claim("b", "1", 1)], NOW),
        Ok(vec![
            Claimed::AlreadySettled(Settled::Accepted),
            Claimed::Granted
        ])
    );
    assert_eq!(store.in_doubt(), Ok(vec![claim("b", "1", 1)]));
}
