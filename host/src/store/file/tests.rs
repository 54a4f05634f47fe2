//! What only a store on a disk can do wrong.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fs::{Fault, FaultKind, SimFs};
use crate::store::journal::{Flaw, JournalError};
use crate::store::tests::{NOW, claim, open, settlement, start};

/// What a store said is kept.
#[derive(Clone, Debug, Default)]
struct Told(BTreeMap<String, (u32, Option<Settled>)>);

/// One call.
#[derive(Clone, Debug)]
enum Call {
    Claim(Vec<u8>),
    Settle(Vec<(u8, Settled)>),
}

fn settled() -> impl Strategy<Value = Settled> {
    proptest::sample::select(vec![
        Settled::Accepted,
        Settled::Rejected,
        Settled::Absent,
        Settled::Abandoned,
        Settled::Held,
    ])
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let key = 0u8..8;
    let call = prop_oneof![
        proptest::collection::vec(key.clone(), 1..5).prop_map(Call::Claim),
        proptest::collection::vec((key, settled()), 1..5).prop_map(Call::Settle),
    ];
    proptest::collection::vec(call, 1..12)
}

fn name(key: u8) -> String {
    format!("key-{key}")
}

/// Makes calls that the rules allow, until one fails.
fn work(store: &mut FileIdempotencyStore, calls: &[Call], told: &mut Told) -> Option<StoreError> {
    for call in calls {
        let mut after = told.clone();
        let answer = match call {
            Call::Claim(keys) => {
                let mut batch = Vec::new();
                for key in keys.iter().map(|key| name(*key)) {
                    let attempt = match after.0.get(&key) {
                        None => 1,
                        Some((attempt, Some(Settled::Absent))) => attempt + 1,
                        Some(_) => continue,
                    };
                    batch.push(claim(&key, "d", attempt));
                    after.0.insert(key, (attempt, None));
                }
                store.claim(&batch, NOW).map(drop)
            }
            Call::Settle(keys) => {
                let mut batch = Vec::new();
                for (key, settled) in keys {
                    let Some((attempt, state @ None)) = after.0.get_mut(&name(*key)) else {
                        continue;
                    };
                    batch.push(settlement(&name(*key), *attempt, *settled));
                    *state = Some(*settled);
                }
                store.settle(&batch, NOW)
            }
        };
        match answer {
            Ok(()) => *told = after,
            Err(error) => return Some(error),
        }
    }
    None
}

/// What was told is there; what was not told may be.
fn assert_remembers(store: &mut FileIdempotencyStore, told: &Told) {
    let in_doubt = store.in_doubt().expect("memory");
    let held = store.held();
    for (key, (attempt, settled)) in &told.0 {
        let pending = in_doubt.iter().find(|claim| claim.key == *key);
        let Some(settled) = settled else {
            // In doubt, or settled by the call that failed.
            if pending.is_none() {
                let again = store.check(&claim(key, "d", *attempt));
                assert_ne!(again, Ok(Claimed::Granted), "{key}");
            }
            continue;
        };
        match settled {
            Settled::Absent => {
                let next = store.check(&claim(key, "d", attempt + 1));
                let claimed_by_the_call_that_failed = pending.is_some();
                assert!(next == Ok(Claimed::Granted) || claimed_by_the_call_that_failed);
            }
            settled => {
                assert_eq!(pending, None, "{key}");
                let again = store.check(&claim(key, "d", *attempt));
                assert_eq!(again, Ok(Claimed::AlreadySettled(*settled)), "{key}");
                let is_held = held.iter().any(|claim| claim.key == *key);
                assert_eq!(is_held, *settled == Settled::Held, "{key}");
            }
        }
    }
}

impl FileIdempotencyStore {
    fn check(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let answers = self.ledger.check_claims(std::slice::from_ref(claim))?;
        Ok(answers[0])
    }
}

proptest! {
    #[test]
    fn nothing_that_was_told_is_forgotten_at_a_power_failure(
        calls in calls(),
        at in 0u64..60,
        seed in any::<u64>(),
    ) {
        let fs = SimFs::new();
        fs.inject(Fault { at, kind: FaultKind::Death, sticky: true });
        let mut told = Told::default();
        if let Ok(mut store) = open(&fs) {
            work(&mut store, &calls, &mut told);
        }
        fs.crash(seed);
        let mut store = open(&fs).expect("a crash damages nothing");
        assert_remembers(&mut store, &told);
    }

    #[test]
    fn nothing_that_was_told_is_forgotten_after_a_fault_a_restart_and_a_power_failure(
        calls in calls(),
        kind in proptest::sample::select(vec![
            FaultKind::Io,
            FaultKind::Full,
            FaultKind::Short,
            FaultKind::Interrupted,
        ]),
        sticky in any::<bool>(),
        at in 0u64..60,
        seed in any::<u64>(),
    ) {
        let fs = SimFs::new();
        fs.inject(Fault { at, kind, sticky });
        let mut told = Told::default();
        if let Ok(mut store) = open(&fs) {
            work(&mut store, &calls, &mut told);
        }
        fs.restart();
        assert_remembers(&mut open(&fs).expect("a fault damages nothing"), &told);
        fs.crash(seed);
        assert_remembers(&mut open(&fs).expect("nor does a crash"), &told);
    }
}

#[test]
fn a_claim_that_cannot_be_kept_is_not_granted_and_not_remembered() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    fs.inject(Fault {
        at: fs.calls(),
        kind: FaultKind::Full,
        sticky: false,
    });
    let error = store
        .claim(&[claim("a", "1", 1)], NOW)
        .expect_err("no room");
    assert!(
        matches!(error, StoreError::Journal(JournalError::Full(_))),
        "{error}"
    );
    assert_eq!(store.in_doubt(), Ok(vec![]));
}

#[test]
fn a_held_order_waits_for_a_person_over_restarts_and_is_decided_once() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    let order = claim("a", "1", 1);
    store.claim(std::slice::from_ref(&order), NOW).expect("new");
    let held = settlement("a", 1, Settled::Held);
    let mut outcome = Outcome::of(&held);
    outcome.text = Some("the venue answers nothing".into());
    store.settle_with(&[outcome], NOW).expect("in doubt");
    for resolution in [Resolution::Absent, Resolution::Accepted] {
        let mut store = open(&fs).expect("whole");
        assert_eq!(store.held().len(), 1);
        store
            .resolve("a", resolution, "asked their support", NOW)
            .expect("held");
        let again = store.resolve("a", resolution, "twice", NOW);
        assert_eq!(again, Err(StoreError::NotHeld { key: "a".into() }));
        if resolution == Resolution::Absent {
            store.claim(&[claim("a", "1", 2)], NOW).expect("absent");
            store
                .settle(&[settlement("a", 2, Settled::Held)], NOW)
                .expect("in doubt");
        }
    }
    let mut store = open(&fs).expect("whole");
    assert_eq!(store.held(), []);
    assert_eq!(
        store.claim(&[claim("a", "1", 1)], NOW),
        Ok(vec![Claimed::AlreadySettled(Settled::Accepted)])
    );
}

#[test]
fn every_start_is_an_epoch_and_another_run_is_refused() {
    let fs = SimFs::new();
    for number in 1..4 {
        assert_eq!(open(&fs).expect("whole").epoch().number, number);
    }
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let ignore = &mut |_, _, _: Record<'_>| Ok(());
    let found = FileIdempotencyStore::open(shared, Path::new("/run"), Options::default(), ignore)
        .expect("whole");
    assert_eq!(found.last_epoch.as_ref().map(|last| last.number), Some(3));
    let before = found.position();
    let mut other = start();
    other.run_id = "other".into();
    let error = found.begin(other, NOW).expect_err("another run");
    assert!(matches!(error, StoreError::OtherRun { .. }), "{error}");
    assert_eq!(open(&fs).expect("whole").position().seq, before.seq + 1);
}

#[test]
fn fills_and_offsets_are_kept() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    store.deal_with(7, NOW).expect("room");
    store.fills(&[], NOW).expect("nothing");
    store.deal_with(9, NOW).expect("room");
    assert_eq!(open(&fs).expect("whole").offset(), Some(9));
}

#[test]
fn a_journal_that_says_what_the_rules_forbid_is_not_believed() {
    let dir = Path::new("/run");
    let attempt = |number| Record::Attempt(Cow::Owned(claim("a", "1", number)));
    let epoch = |number| {
        Record::Epoch(Epoch {
            number,
            run_id: "run".into(),
            plugin_sha256: String::new(),
            started_at: NOW,
        })
    };
    let resolved = Record::Resolved(Resolved {
        key: "a".into(),
        resolution: Resolution::Accepted,
        reason: "none".into(),
    });
    let accepted = settlement("a", 1, Settled::Accepted);
    let accepted = || Record::Outcome(Outcome::of(&accepted));
    let forbidden: [(&str, Vec<Record<'_>>); 7] = [
        ("no epoch", vec![attempt(1)]),
        ("a wrong epoch", vec![epoch(1), epoch(3)]),
        ("two attempts", vec![epoch(1), attempt(1), attempt(2)]),
        ("a wrong attempt", vec![epoch(1), attempt(2)]),
        ("no attempt", vec![epoch(1), accepted()]),
        ("nothing held", vec![epoch(1), attempt(1), resolved]),
        (
            "after the end",
            vec![epoch(1), attempt(1), accepted(), attempt(1)],
        ),
    ];
    for (what, records) in forbidden {
        let fs: Arc<dyn Fs> = Arc::new(SimFs::new());
        let ignore = &mut |_, _, _: Record<'_>| Ok(());
        let (mut journal, _) =
            Journal::open(fs.clone(), dir, Options::default(), ignore).expect("new");
        journal.append(NOW, &records).expect("room");
        let error =
            FileIdempotencyStore::open(fs, dir, Options::default(), ignore).expect_err("forbidden");
        let last = records.len() as u64;
        assert!(
            matches!(
                &error,
                StoreError::Journal(JournalError::Corrupt { line, flaw: Flaw::Contradiction(_), .. })
                    if *line == last
            ),
            "{what}: {error}"
        );
    }
}
