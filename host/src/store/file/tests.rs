//! What only a store on a disk can do wrong.

use std::borrow::Cow;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::engine::{self, Decision};
use crate::fs::{Fault, FaultKind, SimFs};
use crate::store::Resolved;
use crate::store::journal::Flaw;
use crate::store::tests::{
    NOW, accepted, attempt, callers_claim, claim, held, intent, open, open_from, options, outcome,
    put, seen, settlements, start,
};

/// One thing to stage; refused where it makes no sense.
#[derive(Clone, Debug)]
enum Step {
    /// The next order of the source.
    Attempt,
    /// The next order of a caller's, taken in.
    TakeIn,
    /// The first attempt of the n-th caller's order.
    AttemptCallers(u8),
    /// The next attempt of the n-th order that was attempted.
    Retry(u8),
    /// What became of the n-th order that was attempted.
    Settle(u8, u8),
    /// What a person says of it.
    Resolve(u8),
    /// Something that no rule is about.
    Other(u64),
}

fn batches() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = prop_oneof![
        4 => Just(Step::Attempt),
        2 => Just(Step::TakeIn),
        2 => (0u8..4).prop_map(Step::AttemptCallers),
        3 => any::<u8>().prop_map(Step::Retry),
        6 => (any::<u8>(), any::<u8>()).prop_map(|(order, how)| Step::Settle(order, how)),
        1 => any::<u8>().prop_map(Step::Resolve),
        1 => any::<u64>().prop_map(Step::Other),
    ];
    proptest::collection::vec(proptest::collection::vec(step, 1..6), 1..10)
}

/// What is still to come, whoever works on it.
fn orders(state: &LedgerState) -> Value {
    let mut value = serde_json::to_value(state).expect("plain data");
    let fields = value.as_object_mut().expect("an object");
    fields.remove("epoch");
    fields.remove("at_work");
    value
}

/// A run, and what a store has to remember of it.
struct Run {
    /// A ledger without a disk, which is given the same.
    mirror: Ledger,
    /// What was told to be kept; and what may be there besides, where a commit failed.
    allowed: Vec<Value>,
    made: Vec<Claim>,
    taken_in: u8,
    /// The last checkpoint.
    checkpoint: Option<(Mark, LedgerState)>,
}

impl Run {
    fn new() -> Self {
        let mut run = Self {
            mirror: Ledger::restore(LedgerState::default()),
            allowed: Vec::new(),
            made: Vec::new(),
            taken_in: 0,
            checkpoint: None,
        };
        run.allowed = vec![run.orders()];
        run.mirror.apply(&Record::Epoch(Epoch {
            number: 1,
            run_id: "run".into(),
            plugin_sha256: String::new(),
            started_at: NOW,
        }));
        run
    }

    fn orders(&self) -> Value {
        orders(&self.mirror.state())
    }

    fn record(&self, step: &Step) -> Option<Record<'static>> {
        let pick = |order: &u8| {
            let count = self.made.len().max(1);
            self.made.get(usize::from(*order) % count)
        };
        Some(match step {
            Step::Attempt => attempt(&claim(self.made.len() as u64, 1)).into_owned(),
            Step::TakeIn => intent(&self.taken_in.to_string()),
            Step::AttemptCallers(id) => attempt(&callers_claim(&id.to_string(), 1)).into_owned(),
            Step::Retry(order) => {
                let mut claim = pick(order)?.clone();
                claim.attempt += 1;
                attempt(&claim).into_owned()
            }
            Step::Settle(order, how) => {
                let claim = pick(order)?;
                let [accepted, rejected, abandoned] = settlements(claim);
                let absent = engine::Outcome::Absent;
                let all = [accepted, absent, rejected, held(), abandoned];
                outcome(claim, all[usize::from(*how) % all.len()].clone())
            }
            Step::Resolve(order) => {
                Record::Resolved(Resolved::of(pick(order)?, Decision::Absent, "so")).into_owned()
            }
            Step::Other(position) => Record::Offset(*position),
        })
    }

    /// Stages and commits until something fails.
    fn work(&mut self, store: &mut FileIdempotencyStore, batches: &[Vec<Step>]) {
        for batch in batches {
            let mut staged = Vec::new();
            for step in batch {
                let Some(record) = self.record(step) else {
                    continue;
                };
                match store.stage(record.clone(), NOW) {
                    Ok(()) => {}
                    // Found full before, perhaps when there was no attempt to take back.
                    Err(StoreError::Full { .. }) => continue,
                    Err(StoreError::Journal(_)) => return,
                    Err(refused) => {
                        assert_eq!(self.mirror.check(&record), Err(refused));
                        continue;
                    }
                }
                assert_eq!(self.mirror.check(&record), Ok(()));
                self.mirror.apply(&record);
                self.allowed.push(self.orders());
                self.note(&record);
                staged.push(record);
            }
            match store.commit() {
                Ok(()) => {}
                Err(StoreError::Full { keys, .. }) => {
                    let attempts: Vec<_> = staged
                        .iter()
                        .filter_map(|record| match record {
                            Record::Attempt(claim) => Some(claim.key.clone()),
                            _ => None,
                        })
                        .collect();
                    assert_eq!(keys, attempts);
                    assert_eq!(self.mirror.take_back(), keys);
                }
                Err(_) => return,
            }
            self.mirror.committed();
            self.allowed = vec![self.orders()];
            self.checkpoint = store.snapshot();
        }
    }

    fn note(&mut self, record: &Record<'_>) {
        match record {
            Record::Attempt(claim) => match self.made.iter_mut().find(|made| made.key == claim.key)
            {
                Some(made) => *made = claim.as_ref().clone(),
                None => self.made.push(claim.as_ref().clone()),
            },
            Record::Intent(_) => self.taken_in += 1,
            _ => {}
        }
    }

    /// All that was told is there, and nothing that was not staged; from here on it is told.
    fn assert_remembered(&mut self, fs: &SimFs) {
        let store = open(fs).expect("neither a fault nor a crash damages anything");
        let found = orders(&store.ledger.state());
        assert!(
            self.allowed.contains(&found),
            "{found:#}\nis none of\n{:#?}",
            self.allowed
        );
        self.allowed = vec![found.clone()];
        let from = self.checkpoint.take();
        let resumed = open_from(fs, Options { from, ..options() }).expect("the same journal");
        assert_eq!(orders(&resumed.ledger.state()), found);
        self.checkpoint = resumed.snapshot();
    }
}

proptest! {
    #[test]
    fn nothing_that_was_told_is_forgotten_at_a_power_failure(
        batches in batches(),
        at in 0u64..60,
        seed in any::<u64>(),
    ) {
        let fs = SimFs::new();
        fs.inject(Fault { at, kind: FaultKind::Death, sticky: true });
        let mut run = Run::new();
        if let Ok(mut store) = open(&fs) {
            run.work(&mut store, &batches);
        }
        fs.crash(seed);
        run.assert_remembered(&fs);
    }

    #[test]
    fn nothing_that_was_told_is_forgotten_after_a_fault_a_restart_and_a_power_failure(
        batches in batches(),
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
        let mut run = Run::new();
        if let Ok(mut store) = open(&fs) {
            run.work(&mut store, &batches);
        }
        fs.restart();
        run.assert_remembered(&fs);
        fs.crash(seed);
        run.assert_remembered(&fs);
    }

    #[test]
    fn what_is_known_is_kept_on_a_disk_that_fills_up(
        batches in batches(),
        room in 0u64..6000,
        seed in any::<u64>(),
    ) {
        let fs = SimFs::new();
        let mut run = Run::new();
        let mut store = open(&fs).expect("room");
        let used = 64 * 1024 + fs.peek(Path::new("/run/idempotency_keys.jsonl")).expect("there").len();
        fs.set_capacity(Some(used as u64 + room));
        run.work(&mut store, &batches);
        fs.crash(seed);
        fs.set_capacity(None);
        run.assert_remembered(&fs);
    }
}

#[test]
fn on_a_full_disk_the_attempts_are_taken_back_and_all_else_is_kept() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    let first = claim(1, 1);
    put(&mut store, [attempt(&first).into_owned(), intent("a")]).expect("room");
    let absent = claim(2, 1);
    put(&mut store, [attempt(&absent).into_owned()]).expect("room");
    put(&mut store, [outcome(&absent, engine::Outcome::Absent)]).expect("in doubt");
    let before = store.snapshot().expect("committed").1;

    // A new order by its place, one of a caller's, and another attempt, among what became known.
    let attempts = [claim(3, 1), callers_claim("a", 1), claim(2, 2)];
    let staged = [
        attempt(&attempts[0]).into_owned(),
        Record::Offset(7),
        attempt(&attempts[1]).into_owned(),
        outcome(&first, accepted(&first)),
        attempt(&attempts[2]).into_owned(),
    ];
    fs.inject(Fault {
        at: fs.calls(),
        kind: FaultKind::Full,
        sticky: false,
    });
    let error = put(&mut store, staged).expect_err("no room");
    let StoreError::Full { keys, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(keys, &["k3", "k-a", "k2"]);
    let text = error.to_string();
    assert!(
        text.contains("3 orders were not sent\n  hint: free some space"),
        "{text}"
    );

    let mut expected = orders(&before);
    expected["in_doubt"] = Value::Array(Vec::new());
    let after = store.snapshot().expect("committed").1;
    assert_eq!(
        orders(&after),
        expected,
        "but for the order that was accepted"
    );

    for claim in &attempts {
        let answer = store.stage(attempt(claim), NOW);
        assert!(matches!(answer, Err(StoreError::Full { .. })), "{answer:?}");
    }
    assert_eq!(store.snapshot().expect("nothing staged").1, after);
    put(&mut store, [Record::Offset(8)]).expect("the reserve");

    let mut offsets = Vec::new();
    let fs: Arc<dyn Fs> = Arc::new(fs);
    let found =
        FileIdempotencyStore::open(fs, Path::new("/run"), options(), &mut |_, _, record| {
            if let Record::Offset(position) = record {
                offsets.push(position);
            }
            Ok(())
        });
    let mut store = found.expect("whole").begin(start(), NOW).expect("room");
    assert_eq!(offsets, [7, 8]);
    for claim in &attempts {
        store
            .stage(attempt(claim), NOW)
            .expect("as if it had never been staged");
    }
}

#[test]
fn after_a_failed_sync_nothing_can_be_staged_or_committed() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    store.stage(Record::Offset(1), NOW).expect("allowed");
    fs.inject(Fault {
        at: fs.calls() + 1,
        kind: FaultKind::Io,
        sticky: false,
    });
    let error = store.commit().expect_err("the sync fails");
    assert!(
        matches!(&error, StoreError::Journal(JournalError::Io(failure)) if failure.action == "sync"),
        "{error}"
    );
    let calls = fs.calls();
    for _ in 0..2 {
        let staged = store.stage(Record::Offset(2), NOW);
        let failed = |answer: &Result<(), StoreError>| {
            matches!(answer, Err(StoreError::Journal(JournalError::Failed(_))))
        };
        assert!(failed(&staged), "{staged:?}");
        let committed = store.commit();
        assert!(failed(&committed), "{committed:?}");
    }
    assert_eq!(fs.calls(), calls, "not even tried");
}

#[test]
fn a_record_that_cannot_be_written_down_changes_nothing() {
    let mut store = open(&SimFs::new()).expect("new");
    let mut long = claim(1, 1);
    long.order.instrument = "x".repeat(2 << 20);
    let answer = store.stage(attempt(&long), NOW);
    assert!(
        matches!(
            answer,
            Err(StoreError::Journal(JournalError::Record { .. }))
        ),
        "{answer:?}"
    );
    assert_eq!(store.in_doubt(), []);
    put(&mut store, [attempt(&claim(1, 1)).into_owned()]).expect("not attempted yet");
}

#[test]
fn every_start_is_an_epoch_and_another_run_is_refused() {
    let fs = SimFs::new();
    for number in 1..4 {
        let store = open(&fs).expect("whole");
        assert_eq!(store.epoch().map(|epoch| epoch.number), Some(number));
    }
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let ignore = &mut |_, _, _: Record<'_>| Ok(());
    let found =
        FileIdempotencyStore::open(shared, Path::new("/run"), options(), ignore).expect("whole");
    assert_eq!(found.last_epoch().map(|last| last.number), Some(3));
    let before = found.mark();
    let mut other = start();
    other.run_id = "other".into();
    let error = found.begin(other, NOW).expect_err("another run");
    assert!(matches!(error, StoreError::OtherRun { .. }), "{error}");
    let after = open(&fs).expect("whole").mark().expect("a journal");
    assert_eq!(after.position.seq, before.position.seq + 1);
}

#[test]
fn after_the_end_only_another_process_may_go_on() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    put(&mut store, [Record::Closed]).expect("room");
    let late = store.stage(Record::Offset(1), NOW);
    assert_eq!(late, Err(StoreError::NotAtWork));
    let mut store = open(&fs).expect("whole");
    put(&mut store, [Record::Offset(1)]).expect("a new epoch");
}

#[test]
fn a_resume_opens_what_comes_after_the_checkpoint_and_a_little_before_it() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    for position in 0..300 {
        let order = claim(position, 1);
        put(&mut store, [attempt(&order).into_owned()]).expect("room");
        put(&mut store, [outcome(&order, accepted(&order))]).expect("in doubt");
    }
    let from = store.snapshot();
    let segment = from.as_ref().expect("committed").0.segment;
    assert!(segment > 30, "{segment}");
    put(&mut store, [attempt(&claim(300, 1)).into_owned()]).expect("room");
    // Whatever became of the files long before it: their names are all that is looked at.
    let file = |number| PathBuf::from(format!("/run/idempotency_keys.{number:06}.jsonl"));
    for number in 2..segment - 16 {
        assert!(fs.peek(&file(number)).is_some());
        fs.plant(&file(number), b"not a journal");
    }
    let resume = || {
        let from = from.clone();
        open_from(&fs, Options { from, ..options() })
    };
    let mut store = resume().expect("not looked at");
    assert_eq!(store.in_doubt(), [claim(300, 1)]);
    let again = store.stage(attempt(&claim(299, 1)), NOW);
    assert!(
        matches!(again, Err(StoreError::AttemptedBefore { .. })),
        "{again:?}"
    );
    open(&fs).expect_err("the whole is damaged");
    fs.plant(&file(segment - 16), b"not a journal");
    resume().expect_err("looked at");
}

#[test]
fn a_ledger_does_not_grow_with_the_run() {
    let mut store = open(&SimFs::new()).expect("new");
    let size = |store: &FileIdempotencyStore| {
        let state = store.snapshot().expect("committed").1;
        serde_json::to_string(&state).expect("plain data").len()
    };
    let mut sizes = Vec::new();
    for position in 10..50 {
        let order = claim(position, 1);
        let id = position.to_string();
        let callers = callers_claim(&id, 1);
        put(&mut store, [attempt(&order).into_owned(), intent(&id)]).expect("room");
        put(&mut store, [attempt(&callers).into_owned()]).expect("taken in");
        let settled = [&order, &callers].map(|claim| outcome(claim, accepted(claim)));
        put(&mut store, settled).expect("in doubt");
        sizes.push(size(&store));
    }
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
}

#[test]
fn a_checkpoint_is_of_what_is_on_the_disk() {
    let mut store = open(&SimFs::new()).expect("new");
    let mark = store.mark();
    store.stage(Record::Offset(1), NOW).expect("allowed");
    assert_eq!((store.snapshot(), store.mark()), (None, mark));
    store.commit().expect("room");
    let (after, _) = store.snapshot().expect("committed");
    assert_eq!(store.mark(), Some(after));
    assert_ne!(Some(after), mark);
}

#[test]
fn a_journal_that_says_what_the_rules_forbid_is_not_believed() {
    let dir = Path::new("/run");
    let one = claim(1, 1);
    let epoch = |number| {
        Record::Epoch(Epoch {
            number,
            run_id: "run".into(),
            plugin_sha256: String::new(),
            started_at: NOW,
        })
    };
    let other_run = Record::Epoch(Epoch {
        number: 2,
        run_id: "other".into(),
        plugin_sha256: String::new(),
        started_at: NOW,
    });
    let first = || attempt(&one).into_owned();
    let accepted = || outcome(&one, accepted(&one));
    let resolved = Record::Resolved(Resolved::of(&one, Decision::Accepted, "none"));
    let forbidden: [(&str, Vec<Record<'_>>); 11] = [
        ("no epoch", vec![first()]),
        ("a wrong epoch", vec![epoch(1), epoch(3)]),
        ("another run", vec![epoch(1), other_run]),
        (
            "after the end",
            vec![epoch(1), Record::Closed, Record::Offset(1)],
        ),
        (
            "two attempts",
            vec![epoch(1), first(), attempt(&claim(1, 2)).into_owned()],
        ),
        (
            "a wrong attempt",
            vec![epoch(1), attempt(&claim(1, 2)).into_owned()],
        ),
        (
            "an earlier place",
            vec![epoch(1), first(), attempt(&claim(0, 1)).into_owned()],
        ),
        (
            "no intent",
            vec![epoch(1), attempt(&callers_claim("a", 1)).into_owned()],
        ),
        ("no attempt", vec![epoch(1), accepted()]),
        ("nothing held", vec![epoch(1), first(), resolved]),
        (
            "a settled order",
            vec![epoch(1), first(), accepted(), first()],
        ),
    ];
    for (what, records) in forbidden {
        let fs: Arc<dyn Fs> = Arc::new(SimFs::new());
        let ignore = &mut |_, _, _: Record<'_>| Ok(());
        let (mut journal, _) = Journal::open(
            fs.clone(),
            dir,
            Sizes::default(),
            Reading::default(),
            ignore,
        )
        .expect("new");
        for record in &records {
            journal
                .stage(NOW, record)
                .expect("the journal knows no rules");
        }
        journal.commit().expect("room");
        let error =
            FileIdempotencyStore::open(fs, dir, Options::default(), ignore).expect_err(what);
        assert_eq!(error.to_string().matches("hint").count(), 1, "{error}");
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

#[test]
fn an_id_is_known_after_a_restart_and_after_a_resume() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    put(&mut store, [intent("a")]).expect("room");
    let from = store.snapshot();
    put(&mut store, [intent("b")]).expect("room");
    for from in [None, from] {
        let mut store = open_from(&fs, Options { from, ..options() }).expect("whole");
        for id in ["a", "b"] {
            assert_eq!(store.seen(id), Ok(Some(seen(id))), "{id}");
        }
        assert_eq!(store.seen("c"), Ok(None));
    }
}

#[test]
fn an_attempt_costs_one_write_and_one_sync() {
    let fs = SimFs::new();
    let mut store = open_from(&fs, Options::default()).expect("new");
    let calls = fs.calls();
    for position in 0..64 {
        let order = claim(position, 1);
        store
            .stage(Record::Attempt(Cow::Borrowed(&order)), NOW)
            .expect("new");
    }
    assert_eq!(fs.calls(), calls);
    store.commit().expect("room");
    assert_eq!(fs.calls(), calls + 2);
    store.commit().expect("nothing to do");
    assert_eq!(fs.calls(), calls + 2);
}

#[test]
fn a_look_at_a_journal_tells_the_same_and_changes_nothing() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    let [first, second] = [claim(1, 1), claim(2, 1)];
    put(&mut store, [attempt(&first).into_owned()]).expect("room");
    let from = store.snapshot();
    put(&mut store, [attempt(&second).into_owned()]).expect("room");
    put(&mut store, [outcome(&first, held())]).expect("in doubt");
    let mark = store.mark().expect("a journal");
    drop(store);
    let file = Path::new("/run/idempotency_keys.jsonl");
    let mut torn = fs.peek(file).expect("there");
    torn.extend_from_slice(b"{\"seq\":\"");
    fs.plant(file, &torn);
    for from in [None, from] {
        let expected = Some(mark.position);
        let ignore = &mut |_, _, _: Record<'_>| Ok(());
        let found = inspect(&fs, Path::new("/run"), from, expected, ignore).expect("torn");
        assert_eq!(
            (found.in_doubt, found.held),
            (vec![second.clone()], vec![first.clone()])
        );
        assert_eq!(found.contents.mark, mark);
        assert!(found.contents.torn.is_some());
        assert_eq!(found.last_epoch.map(|epoch| epoch.number), Some(1));
    }
    assert_eq!(fs.peek(file), Some(torn));
}

#[test]
fn what_a_checkpoint_has_seen_must_be_there_though_all_is_read() {
    let fs = SimFs::new();
    let mut store = open(&fs).expect("new");
    put(&mut store, [Record::Offset(1)]).expect("room");
    let expected = store.mark().map(|mark| mark.position);
    let kept = fs
        .peek(Path::new("/run/idempotency_keys.jsonl"))
        .expect("there");
    put(&mut store, [Record::Offset(2)]).expect("room");
    let lost = store.mark().map(|mark| mark.position);
    let reopen = |expected| {
        fs.plant(Path::new("/run/idempotency_keys.jsonl"), &kept);
        open_from(
            &fs,
            Options {
                expected,
                ..options()
            },
        )
    };
    reopen(expected).expect("all that was seen");
    let error = reopen(lost).expect_err("its end is gone");
    assert!(
        matches!(error, StoreError::Journal(JournalError::CutShort { .. })),
        "{error}"
    );
}
