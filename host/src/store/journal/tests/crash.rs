//! Power failures and failing calls at every call: what was reported as kept is there.

use super::*;
use crate::fs::{Fault, FaultKind};

/// Writes batches until one fails, and says how many records were reported as kept.
fn work(fs: &SimFs, from: u32) -> Result<u32, (u32, JournalError)> {
    let mut kept = from;
    let (mut journal, _, records) = open(fs).map_err(|error| (kept, error))?;
    assert!(records.len() >= kept as usize, "what was kept is there");
    // Records of a batch that failed may be there too: they are gone on from.
    kept = u32::try_from(records.len()).expect("few");
    for batch in 0..4 {
        let records: Vec<_> = (0..1 + batch % 3)
            .map(|index| attempt(kept + index))
            .collect();
        append(&mut journal, &records).map_err(|error| (kept, error))?;
        kept += u32::try_from(records.len()).expect("few");
    }
    Ok(kept)
}

fn calls_of_a_run() -> u64 {
    let fs = SimFs::new();
    work(&fs, 0).expect("no fault");
    fs.calls()
}

/// The records are the first ones, in order, and at least `kept` of them.
fn assert_holds(fs: &SimFs, kept: u32, what: &str) -> u32 {
    let (_, _, records) = open(fs).unwrap_or_else(|error| panic!("{what}: {error}"));
    let expected: Vec<_> = (0..).map(attempt).take(records.len()).collect();
    assert_eq!(records, expected, "{what}");
    let found = u32::try_from(records.len()).expect("few");
    assert!(found >= kept, "{what}: {found} of {kept}");
    found
}

#[test]
fn a_power_failure_at_any_call_loses_nothing_that_was_reported_as_kept() {
    for at in 0..=calls_of_a_run() {
        for seed in 0..40 {
            let fs = SimFs::new();
            fs.inject(Fault {
                at,
                kind: FaultKind::Death,
                sticky: true,
            });
            let kept = work(&fs, 0).unwrap_or_else(|(kept, _)| kept);
            fs.crash(seed);
            assert_holds(&fs, kept, &format!("call {at}, seed {seed}"));
        }
    }
}

#[test]
fn power_failures_during_recovery_three_deep_lose_nothing_either() {
    for at in 0..=calls_of_a_run() {
        for seed in 0..12 {
            let fs = SimFs::new();
            let mut kept = 0;
            for depth in 0..3 {
                let call = if depth == 0 { at } else { (at + seed * 7) % 9 };
                fs.inject(Fault {
                    at: call,
                    kind: FaultKind::Death,
                    sticky: true,
                });
                kept = work(&fs, kept).unwrap_or_else(|(kept, _)| kept);
                fs.crash(seed * 31 + depth);
            }
            assert_holds(&fs, kept, &format!("call {at}, seed {seed}"));
        }
    }
}

#[test]
fn a_power_failure_does_not_take_back_what_was_read() {
    for sync in [0, 1] {
        for seed in 0..40 {
            let fs = SimFs::new();
            let (mut journal, _, _) = open(&fs).expect("it is new");
            append(&mut journal, &[attempt(0)]).expect("no fault");
            // The batch is written, and its sync fails or never comes.
            fs.inject(Fault {
                at: fs.calls() + 1,
                kind: [FaultKind::Io, FaultKind::Death][sync],
                sticky: true,
            });
            append(&mut journal, &[attempt(1), attempt(2)]).expect_err("not kept");
            fs.restart();
            let mut read = 0;
            let store: Arc<dyn crate::fs::Fs> = Arc::new(fs.clone());
            let opened =
                Journal::open(store, dir(), small(), Reading::default(), &mut |_, _, _| {
                    read += 1;
                    if read == 3 {
                        fs.crash(seed);
                    }
                    Ok(())
                });
            drop(opened);
            assert_holds(&fs, read, &format!("seed {seed}"));
        }
    }
}

#[test]
fn a_kill_at_any_call_loses_nothing_that_was_reported_as_kept() {
    for at in 0..=calls_of_a_run() {
        let fs = SimFs::new();
        fs.inject(Fault {
            at,
            kind: FaultKind::Death,
            sticky: true,
        });
        let kept = work(&fs, 0).unwrap_or_else(|(kept, _)| kept);
        fs.restart();
        assert_holds(&fs, kept, &format!("call {at}"));
    }
}

#[test]
fn a_fault_at_any_call_then_a_restart_then_a_power_failure_loses_nothing() {
    let kinds = [
        FaultKind::Io,
        FaultKind::Full,
        FaultKind::Short,
        FaultKind::Interrupted,
    ];
    for kind in kinds {
        for sticky in [false, true] {
            for at in 0..=calls_of_a_run() {
                for seed in 0..6 {
                    let what = format!("{kind:?} at {at}, sticky {sticky}, seed {seed}");
                    let fs = SimFs::new();
                    fs.inject(Fault { at, kind, sticky });
                    let kept = work(&fs, 0).unwrap_or_else(|(kept, _)| kept);
                    fs.restart();
                    // What is read now may be in the cache alone, since a sync failed. It is relied on
                    // from here on, so a power failure must not take it.
                    let kept = assert_holds(&fs, kept, &what);
                    let kept = work(&fs, kept).unwrap_or_else(|(_, e)| panic!("{what}: {e}"));
                    fs.crash(seed);
                    assert_holds(&fs, kept, &what);
                }
            }
        }
    }
}

#[test]
fn an_interrupted_call_makes_no_difference() {
    for at in 0..calls_of_a_run() {
        let fs = SimFs::new();
        fs.inject(Fault {
            at,
            kind: FaultKind::Interrupted,
            sticky: false,
        });
        work(&fs, 0).unwrap_or_else(|(_, error)| panic!("call {at}: {error}"));
    }
}

#[test]
fn after_the_first_failed_sync_nothing_more_is_written() {
    let fs = SimFs::new();
    let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
    append(&mut journal, &[attempt(0)]).expect("room");
    let before = journal.mark().position;
    fs.inject(Fault {
        at: fs.calls() + 1,
        kind: FaultKind::Io,
        sticky: false,
    });
    let error = append(&mut journal, &[attempt(1)]).expect_err("the sync fails");
    assert!(
        matches!(&error, JournalError::Io(failure) if failure.action == "sync"),
        "{error}"
    );
    let calls = fs.calls();
    for record in [attempt(2), outcome(0)] {
        let error = append(&mut journal, &[record]).expect_err("failed before");
        assert!(matches!(error, JournalError::Failed(_)), "{error}");
    }
    assert_eq!(fs.calls(), calls, "not even tried");
    assert_eq!(journal.mark().position, before);
}

#[test]
fn a_new_file_is_on_the_disk_before_its_first_record() {
    for seed in 0..50 {
        let fs = SimFs::new();
        let kept = work(&fs, 0).expect("no fault");
        fs.crash(seed);
        assert_eq!(assert_holds(&fs, kept, "after the run"), kept);
    }
}
