//! What every store must do, the same for all of them.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::{Decimal, NewOrder, OrderReport, OrderStatus, Side};

use super::file::{Options, Start};
use super::journal::Sizes;
use super::*;
use crate::engine::identity::SpecDigest;
use crate::engine::{self, Decision, Intent, OrderSpec, SourcePlace};
use crate::fs::SimFs;

pub(super) const NOW: UnixNanos = UnixNanos(1_000_000_000);

fn spec() -> OrderSpec {
    OrderSpec::market("BTC/USD", Side::Buy, Decimal::ONE)
}

pub(super) fn digest() -> SpecDigest {
    SpecDigest::new(&spec())
}

/// An attempt of the order at a place.
pub(super) fn claim(position: u64, attempt: u32) -> Claim {
    Claim {
        key: format!("k{position}"),
        digest: digest().to_hex(),
        place: Some(SourcePlace { position, index: 0 }),
        attempt,
        order: NewOrder::new(format!("c{position}"), "BTC/USD", Side::Buy, Decimal::ONE),
    }
}

/// An attempt of the order of a caller's id.
pub(super) fn callers_claim(id: &str, attempt: u32) -> Claim {
    Claim {
        key: format!("k-{id}"),
        digest: digest().to_hex(),
        place: None,
        attempt,
        order: NewOrder::new(format!("c-{id}"), "BTC/USD", Side::Buy, Decimal::ONE),
    }
}

pub(super) fn seen(id: &str) -> Seen {
    Seen {
        digest: digest(),
        client_order_id: Some(format!("c-{id}")),
    }
}

/// The order of a caller's id is taken in for the first time.
pub(super) fn intent(id: &str) -> Record<'static> {
    Record::Intent(TakenIn {
        position: 0,
        intent: Cow::Owned(Intent::Order {
            id: Some(id.to_owned()),
            spec: spec(),
        }),
        seen: None,
        taken: Some(Cow::Owned(seen(id))),
    })
}

pub(super) fn attempt(claim: &Claim) -> Record<'_> {
    Record::Attempt(Cow::Borrowed(claim))
}

pub(super) fn outcome(claim: &Claim, outcome: engine::Outcome) -> Record<'static> {
    Record::Outcome(Outcome::of(claim, &outcome).into_owned())
}

pub(super) fn accepted(claim: &Claim) -> engine::Outcome {
    let order = &claim.order;
    engine::Outcome::Accepted(OrderReport::new(
        &order.client_order_id,
        "v",
        &order.instrument,
        order.side,
        OrderStatus::Open,
        order.quantity,
        NOW,
    ))
}

/// Every outcome that settles an attempt for good.
pub(super) fn settlements(claim: &Claim) -> [engine::Outcome; 3] {
    let text = String::new;
    [
        accepted(claim),
        engine::Outcome::Rejected {
            code: text(),
            text: text(),
        },
        engine::Outcome::Abandoned { text: text() },
    ]
}

pub(super) fn held() -> engine::Outcome {
    engine::Outcome::Held {
        text: "nobody knows".into(),
    }
}

fn unknown() -> engine::Outcome {
    engine::Outcome::Unknown {
        text: "no answer".into(),
    }
}

pub(super) fn start() -> Start {
    Start {
        run_id: "run".into(),
        plugin_sha256: "ab".into(),
        started_at: NOW,
    }
}

pub(super) fn options() -> Options {
    Options {
        sizes: Sizes {
            segment: 2000,
            ..Sizes::default()
        },
        ..Options::default()
    }
}

pub(super) fn open(fs: &SimFs) -> Result<FileIdempotencyStore, StoreError> {
    open_from(fs, options())
}

pub(super) fn open_from(fs: &SimFs, options: Options) -> Result<FileIdempotencyStore, StoreError> {
    let fs: Arc<dyn crate::fs::Fs> = Arc::new(fs.clone());
    let ignore = &mut |_, _, _: Record<'_>| Ok(());
    FileIdempotencyStore::open(fs, Path::new("/run"), options, ignore)?.begin(start(), NOW)
}

/// Stages records and commits them.
pub(super) fn put<S: IdempotencyStore + ?Sized>(
    store: &mut S,
    records: impl IntoIterator<Item = Record<'static>>,
) -> Result<(), StoreError> {
    for record in records {
        store.stage(record, NOW)?;
    }
    store.commit()
}

fn memory() -> impl IdempotencyStore {
    InMemoryIdempotencyStore::new(Duration::from_secs(60))
}

fn file() -> impl IdempotencyStore {
    open(&SimFs::new()).expect("new")
}

/// A file store that is closed and opened again after every commit.
struct Reopened {
    fs: SimFs,
    store: FileIdempotencyStore,
    from_checkpoint: bool,
}

fn reopened(from_checkpoint: bool) -> impl IdempotencyStore {
    let fs = SimFs::new();
    let store = open(&fs).expect("new");
    Reopened {
        fs,
        store,
        from_checkpoint,
    }
}

impl IdempotencyStore for Reopened {
    fn stage(&mut self, record: Record<'_>, at: UnixNanos) -> Result<(), StoreError> {
        self.store.stage(record, at)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.store.commit()?;
        let mut options = options();
        if self.from_checkpoint {
            let (mark, state) = self.store.snapshot().expect("committed");
            let text = serde_json::to_string(&state).expect("plain data");
            let read = serde_json::from_str(&text).expect("its own");
            assert_eq!(state, read);
            options.from = Some((mark, read));
        }
        self.store = open_from(&self.fs, options)?;
        Ok(())
    }

    fn in_doubt(&self) -> Vec<Claim> {
        self.store.in_doubt()
    }

    fn held(&self) -> Vec<Claim> {
        self.store.held()
    }

    fn absent(&self) -> Vec<Claim> {
        self.store.absent()
    }

    fn seen(&mut self, id: &str) -> Result<Option<Seen>, StoreError> {
        self.store.seen(id)
    }

    fn snapshot(&self) -> Option<(Mark, LedgerState)> {
        self.store.snapshot()
    }

    fn mark(&self) -> Option<Mark> {
        self.store.mark()
    }
}

/// Runs each test against every store.
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod memory_store { $(#[test] fn $name() { super::$name(super::memory); })+ }
        mod file_store { $(#[test] fn $name() { super::$name(super::file); })+ }
        mod reopened_store { $(#[test] fn $name() { super::$name(|| super::reopened(false)); })+ }
        mod resumed_store { $(#[test] fn $name() { super::$name(|| super::reopened(true)); })+ }
    };
}

contract!(
    an_attempt_is_in_doubt_until_it_is_settled,
    a_settled_order_is_not_attempted_again,
    places_are_attempted_in_their_order,
    a_callers_order_is_attempted_only_if_it_was_taken_up,
    the_same_key_for_another_order_is_refused,
    a_second_attempt_needs_the_first_to_be_absent,
    what_is_not_in_doubt_is_not_settled,
    what_is_not_durable_is_not_settled,
    what_nobody_knows_stays_in_doubt,
    an_absent_order_may_be_given_up,
    a_held_order_is_decided_and_never_sent_again,
    an_id_is_known_from_the_moment_it_is_staged,
);

fn an_attempt_is_in_doubt_until_it_is_settled<S: IdempotencyStore>(store: impl Fn() -> S) {
    let mut store = store();
    let claims = [claim(1, 1), claim(2, 1)];
    for claim in &claims {
        store.stage(attempt(claim), NOW).expect("new");
    }
    assert_eq!(store.in_doubt(), claims);
    store.commit().expect("room");
    assert_eq!(store.in_doubt(), claims);
    let settled = outcome(&claims[0], accepted(&claims[0]));
    put(&mut store, [settled]).expect("in doubt");
    assert_eq!(store.in_doubt(), claims[1..]);
}

fn a_settled_order_is_not_attempted_again<S: IdempotencyStore>(store: impl Fn() -> S) {
    for settlement in settlements(&claim(1, 1)) {
        let mut store = store();
        put(&mut store, [attempt(&claim(1, 1)).into_owned()]).expect("new");
        put(&mut store, [outcome(&claim(1, 1), settlement)]).expect("in doubt");
        for number in [1, 2] {
            let again = store.stage(attempt(&claim(1, number)), NOW);
            let key = "k1".to_owned();
            assert_eq!(again, Err(StoreError::AttemptedBefore { key }));
        }
        assert_eq!(store.in_doubt(), []);
    }
}

fn places_are_attempted_in_their_order<S: IdempotencyStore>(store: impl Fn() -> S) {
    let mut store = store();
    let at = |position, index| {
        let mut claim = claim(position, 1);
        claim.key = format!("{position}/{index}");
        claim.place = Some(SourcePlace { position, index });
        claim
    };
    for (position, index) in [(0, 0), (0, 2), (7, 1)] {
        let claim = at(position, index);
        put(&mut store, [attempt(&claim).into_owned()]).expect("later than all");
    }
    for (position, index) in [(0, 1), (6, 9), (7, 0)] {
        let earlier = store.stage(attempt(&at(position, index)), NOW);
        assert!(
            matches!(earlier, Err(StoreError::AttemptedBefore { .. })),
            "{earlier:?}"
        );
    }
}

fn a_callers_order_is_attempted_only_if_it_was_taken_up<S: IdempotencyStore>(
    store: impl Fn() -> S,
) {
    let mut store = store();
    let claim = callers_claim("a", 1);
    let not_taken_up = Err(StoreError::NotTakenUp {
        client_order_id: "c-a".into(),
    });
    assert_eq!(store.stage(attempt(&claim), NOW), not_taken_up);
    store.stage(intent("a"), NOW).expect("new");
    let twice = store.stage(intent("a"), NOW);
    assert!(
        matches!(twice, Err(StoreError::TakenUpTwice { .. })),
        "{twice:?}"
    );
    let mut other = claim.clone();
    other.digest = "0".repeat(32);
    let conflict = store.stage(attempt(&other), NOW);
    assert!(
        matches!(conflict, Err(StoreError::Conflict { .. })),
        "{conflict:?}"
    );
    put(&mut store, [attempt(&claim).into_owned()]).expect("taken up");
    put(&mut store, [outcome(&claim, accepted(&claim))]).expect("in doubt");
    assert_eq!(store.stage(attempt(&claim), NOW), not_taken_up);
}

fn the_same_key_for_another_order_is_refused<S: IdempotencyStore>(store: impl Fn() -> S) {
    for settlement in [unknown(), engine::Outcome::Absent, held()] {
        let mut store = store();
        put(&mut store, [attempt(&claim(1, 1)).into_owned()]).expect("new");
        put(&mut store, [outcome(&claim(1, 1), settlement)]).expect("in doubt");
        let mut other = claim(1, 2);
        other.digest = "0".repeat(32);
        let answer = store.stage(attempt(&other), NOW);
        assert!(
            matches!(answer, Err(StoreError::Conflict { .. })),
            "{answer:?}"
        );
        let mut other = claim(1, 2);
        other.order.client_order_id = "another".into();
        let answer = store.stage(attempt(&other), NOW);
        assert!(
            matches!(answer, Err(StoreError::OtherOrder { .. })),
            "{answer:?}"
        );
    }
}

fn a_second_attempt_needs_the_first_to_be_absent<S: IdempotencyStore>(store: impl Fn() -> S) {
    let mut store = store();
    store.stage(attempt(&claim(1, 1)), NOW).expect("new");
    for number in [1, 2] {
        let early = store.stage(attempt(&claim(1, number)), NOW);
        assert!(
            matches!(early, Err(StoreError::StillInDoubt { pending: 1, .. })),
            "{early:?}"
        );
    }
    store.commit().expect("room");
    let absent = outcome(&claim(1, 1), engine::Outcome::Absent);
    put(&mut store, [absent]).expect("in doubt");
    for number in [1, 3] {
        let wrong = store.stage(attempt(&claim(1, number)), NOW);
        assert!(
            matches!(wrong, Err(StoreError::WrongAttempt { expected: 2, .. })),
            "{wrong:?}"
        );
    }
    put(&mut store, [attempt(&claim(1, 2)).into_owned()]).expect("the first is absent");
    assert_eq!(store.in_doubt(), [claim(1, 2)]);
}

fn what_is_not_in_doubt_is_not_settled<S: IdempotencyStore>(store: impl Fn() -> S) {
    let mut store = store();
    put(&mut store, [attempt(&claim(1, 1)).into_owned()]).expect("new");
    for claim in [claim(1, 2), claim(2, 1)] {
        let answer = store.stage(outcome(&claim, accepted(&claim)), NOW);
        assert!(
            matches!(answer, Err(StoreError::NotInDoubt { .. })),
            "{answer:?}"
        );
    }
    let mut other = claim(1, 1);
    other.order.client_order_id = "another".into();
    let answer = store.stage(outcome(&other, accepted(&other)), NOW);
    assert!(
        matches!(answer, Err(StoreError::OtherOrder { .. })),
        "{answer:?}"
    );
    let rejected = outcome(&claim(1, 1), settlements(&claim(1, 1))[1].clone());
    store.stage(rejected.clone(), NOW).expect("in doubt");
    let twice = store.stage(rejected, NOW);
    assert!(
        matches!(twice, Err(StoreError::NotInDoubt { .. })),
        "{twice:?}"
    );
    store.commit().expect("room");
    assert_eq!(store.in_doubt(), []);
}

fn what_is_not_durable_is_not_settled<S: IdempotencyStore>(store: impl Fn() -> S) {
    let mut store = store();
    store.stage(attempt(&claim(1, 1)), NOW).expect("new");
    let early = store.stage(outcome(&claim(1, 1), engine::Outcome::Absent), NOW);
    assert!(
        matches!(early, Err(StoreError::NotInDoubt { .. })),
        "{early:?}"
    );
    store.commit().expect("room");
    let settled = outcome(&claim(1, 1), engine::Outcome::Absent);
    put(&mut store, [settled]).expect("in doubt");
}

fn what_nobody_knows_stays_in_doubt<S: IdempotencyStore>(store: impl Fn() -> S) {
    let mut store = store();
    put(&mut store, [attempt(&claim(1, 1)).into_owned()]).expect("new");
    put(&mut store, [outcome(&claim(1, 1), unknown())]).expect("in doubt");
    assert_eq!(store.in_doubt(), [claim(1, 1)]);
    let found = outcome(&claim(1, 1), accepted(&claim(1, 1)));
    put(&mut store, [found]).expect("still in doubt");
    assert_eq!(store.in_doubt(), []);
}

fn an_absent_order_may_be_given_up<S: IdempotencyStore>(store: impl Fn() -> S) {
    let mut store = store();
    put(&mut store, [attempt(&claim(1, 1)).into_owned()]).expect("new");
    let absent = outcome(&claim(1, 1), engine::Outcome::Absent);
    put(&mut store, [absent]).expect("in doubt");
    let [found, rejected, abandoned] = settlements(&claim(1, 1));
    for contradiction in [found, rejected, held()] {
        let answer = store.stage(outcome(&claim(1, 1), contradiction), NOW);
        assert!(
            matches!(answer, Err(StoreError::NotInDoubt { .. })),
            "{answer:?}"
        );
    }
    put(&mut store, [outcome(&claim(1, 1), abandoned)]).expect("absent");
    let again = store.stage(attempt(&claim(1, 2)), NOW);
    assert!(
        matches!(again, Err(StoreError::AttemptedBefore { .. })),
        "{again:?}"
    );
}

fn a_held_order_is_decided_and_never_sent_again<S: IdempotencyStore>(store: impl Fn() -> S) {
    for decision in [Decision::Accepted, Decision::Rejected, Decision::Absent] {
        let mut store = store();
        let order = claim(1, 1);
        let resolved = |claim| {
            let record = Record::Resolved(Resolved::of(claim, decision, "their support"));
            record.into_owned()
        };
        put(&mut store, [attempt(&order).into_owned()]).expect("new");
        let early = store.stage(resolved(&order), NOW);
        assert_eq!(early, Err(StoreError::NotHeld { key: "k1".into() }));
        put(&mut store, [outcome(&order, held())]).expect("in doubt");
        assert_eq!(
            (store.held(), store.in_doubt()),
            (vec![order.clone()], vec![])
        );
        for number in [1, 2] {
            let again = store.stage(attempt(&claim(1, number)), NOW);
            assert!(
                matches!(again, Err(StoreError::StillInDoubt { .. })),
                "{again:?}"
            );
        }
        put(&mut store, [resolved(&order)]).expect("held");
        // The venue may contradict itself about it, and then it waits for a person again.
        put(&mut store, [resolved(&order)]).expect("settled");
        assert_eq!((store.held(), store.in_doubt()), (vec![], vec![]));
        let again = store.stage(attempt(&claim(1, 2)), NOW);
        assert!(
            matches!(again, Err(StoreError::AttemptedBefore { .. })),
            "{again:?}"
        );
    }
}

fn an_id_is_known_from_the_moment_it_is_staged<S: IdempotencyStore>(store: impl Fn() -> S) {
    let mut store = store();
    assert_eq!(store.seen("a"), Ok(None));
    store.stage(intent("a"), NOW).expect("new");
    assert_eq!(store.seen("a"), Ok(Some(seen("a"))));
    assert_eq!(store.seen("b"), Ok(None));
    store.commit().expect("room");
    assert_eq!(store.seen("a"), Ok(Some(seen("a"))));
}
