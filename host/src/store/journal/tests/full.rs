//! A disk without room: no new attempts, but outcomes still.

use super::*;
use crate::fs::{Fault, FaultKind};

fn fill_up(fs: &SimFs, options: Sizes) -> (Journal, u32) {
    let (mut journal, ..) = open_with(fs, options).expect("new");
    // Room for the reserve and some lines, the last of them cut.
    fs.set_capacity(Some(64 * 1024 + 2000));
    for number in 0..100 {
        match append(&mut journal, &[attempt(number)]) {
            Ok(_) => {}
            Err(JournalError::Full(_)) => return (journal, number),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the disk never filled up");
}

#[test]
fn outcomes_are_still_written_when_there_is_no_room_for_attempts() {
    for options in [Sizes::default(), small()] {
        for seed in 0..20 {
            let fs = SimFs::new();
            let (mut journal, attempts) = fill_up(&fs, options);
            assert!(attempts > 2);
            let error = append(&mut journal, &[attempt(100)]).expect_err("no room");
            assert!(matches!(error, JournalError::Full(_)), "{error}");
            for number in 0..attempts {
                append(&mut journal, &[outcome(number)]).expect("the reserve");
            }
            fs.crash(seed);
            fs.set_capacity(None);
            let (_, opening, records) = open_with(&fs, options).expect("whole");
            assert_eq!(opening.torn, None);
            let expected: Vec<_> = (0..attempts)
                .map(attempt)
                .chain((0..attempts).map(outcome))
                .collect();
            assert_eq!(records, expected);
        }
    }
}

#[test]
fn an_outcome_that_finds_no_room_is_written_into_the_reserve_at_once() {
    let fs = SimFs::new();
    let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
    append(&mut journal, &[attempt(0)]).expect("room");
    let used = 64 * 1024 + fs.peek(&segment::path(dir(), 1)).expect("there").len();
    fs.set_capacity(Some(used as u64 + 10));
    append(&mut journal, &[outcome(0)]).expect("the reserve");
    let error = append(&mut journal, &[attempt(1)]).expect_err("no room");
    assert!(matches!(error, JournalError::Full(_)), "{error}");
}

#[test]
fn when_the_reserve_is_used_up_too_the_journal_is_whole_all_the_same() {
    let fs = SimFs::new();
    let (mut journal, attempts) = fill_up(&fs, Sizes::default());
    let mut outcomes = 0;
    while append(&mut journal, &[outcome(outcomes)]).is_ok() {
        outcomes += 1;
    }
    assert!(outcomes > 100);
    fs.set_capacity(None);
    let (_, records) = look(&fs, Some(journal.mark().position)).expect("whole");
    assert_eq!(records.len(), (attempts + outcomes) as usize);
}

#[test]
fn a_short_write_is_cut_back_and_stops_attempts() {
    let fs = SimFs::new();
    let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
    append(&mut journal, &[attempt(0)]).expect("room");
    fs.inject(Fault {
        at: fs.calls(),
        kind: FaultKind::Short,
        sticky: false,
    });
    let error = append(&mut journal, &[attempt(1), attempt(2)]).expect_err("short");
    assert!(error.to_string().contains("bytes were taken"), "{error}");
    assert_eq!(look(&fs, None).expect("whole").1, [attempt(0)]);
    append(&mut journal, &[outcome(0)]).expect("outcomes may be written");
    assert_eq!(look(&fs, None).expect("whole").1, [attempt(0), outcome(0)]);
}

#[test]
fn a_cut_that_fails_ends_the_journal() {
    for failing in 1..=2 {
        let fs = SimFs::new();
        let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
        for (at, kind) in [(0, FaultKind::Short), (failing, FaultKind::Io)] {
            fs.inject(Fault {
                at: fs.calls() + at,
                kind,
                sticky: false,
            });
        }
        append(&mut journal, &[attempt(0)]).expect_err("short, and not cut");
        let error = append(&mut journal, &[outcome(0)]).expect_err("not known what is there");
        assert!(matches!(error, JournalError::Failed(_)), "{error}");
    }
}

#[test]
fn without_room_for_the_reserve_a_run_does_not_start() {
    let fs = SimFs::new();
    fs.set_capacity(Some(1000));
    let error = open(&fs).expect_err("no room");
    assert!(matches!(error, JournalError::Full(_)), "{error}");
    assert!(error.to_string().contains("free some space"), "{error}");
}

#[test]
fn what_is_known_gets_round_a_limit_of_the_file_size() {
    let fs = SimFs::new();
    let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
    fs.set_file_limit(Some(3000));
    let attempts = (0..100)
        .find(|number| append(&mut journal, &[attempt(*number)]).is_err())
        .expect("the file fills up");
    assert!(attempts > 2);
    for number in 0..attempts {
        append(&mut journal, &[outcome(number)]).expect("another file");
    }
    let error = append(&mut journal, &[attempt(100)]).expect_err("told before");
    assert!(matches!(error, JournalError::Full(_)), "{error}");
    fs.crash(1);
    let (contents, records) = look(&fs, Some(journal.mark().position)).expect("whole");
    assert!(contents.segments > 1);
    let expected: Vec<_> = (0..attempts)
        .map(attempt)
        .chain((0..attempts).map(outcome))
        .collect();
    assert_eq!(records, expected);
}

#[test]
fn attempts_are_taken_out_of_a_batch_and_the_rest_is_written_in_order() {
    for room in 0..900 {
        let fs = SimFs::new();
        let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
        append(&mut journal, &[attempt(0)]).expect("room");
        let before = journal.mark().position;
        let used = 64 * 1024 + fs.peek(&segment::path(dir(), 1)).expect("there").len();
        fs.set_capacity(Some((used + room) as u64));
        let batch = [attempt(1), outcome(0), attempt(2), Record::Offset(1)];
        for record in &batch {
            journal.stage(NOW, record).expect("staged in memory");
        }
        let committed = journal.commit().expect("the reserve");
        assert!(
            matches!(committed, Committed::WithoutAttempts(_)),
            "{committed:?}"
        );
        assert_eq!(journal.mark().position.seq, before.seq + 2);
        let (contents, records) = look(&fs, None).expect("whole");
        assert_eq!(records, [attempt(0), outcome(0), Record::Offset(1)]);
        assert_eq!(contents.mark, journal.mark());
    }
}
