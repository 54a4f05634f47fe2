//! Failures are found, told, repeated and made simple.

use super::super::oracle::Named;
use super::*;

#[derive(Clone, Copy, Debug)]
struct Lost;

impl Named for Lost {
    fn name(self) -> &'static str {
        "lost"
    }
}

const BUDGET: Budget = Budget {
    crashes: 0,
    faults: 3,
};

/// Sends five messages; fails if the second and the fourth are lost.
fn run(oracle: &Oracle) -> Result<(), String> {
    let lost: Vec<bool> = (0..5)
        .map(|_| oracle.fault("message", &[Lost], |_| true).is_some())
        .collect();
    assert!(!(lost[0] && lost[4]), "both ends are lost");
    if lost[1] && lost[3] {
        return Err("two and four".into());
    }
    Ok(())
}

#[test]
fn a_failure_says_how_to_see_it_again() {
    let seeds = (0..10_000).map(|seed| Search::Random { seed, seeds: 1 });
    let broken = Wrong::Broken("two and four".to_owned());
    let mut failures = seeds.filter_map(|seed| explore(&seed, BUDGET, run).err());
    let failure = failures
        .find(|failure| failure.what == broken && failure.schedule.choices().contains(&1))
        .expect("some seed fails so");
    let seed = failure.seed.expect("it was drawn");
    let again = Search::Random { seed, seeds: 1 };
    assert_eq!(explore(&again, BUDGET, run), Err(failure.clone()));
    let written = failure.schedule.to_string().parse().expect("a schedule");
    let replayed = explore(&Search::Replay(written), BUDGET, run).expect_err("the same");
    assert_eq!(
        (replayed.what, replayed.words),
        (failure.what, failure.words)
    );
}

#[test]
fn a_failure_is_made_as_simple_as_it_can_be() {
    let search = Search::Replay("0.1.1.1".parse().expect("a schedule"));
    let failure = explore(&search, BUDGET, run).expect_err("it fails");
    assert_eq!(
        shrink(failure, BUDGET, run).to_string(),
        "two and four\n    1  message: lost\n    3  message: lost\n  hint: run it again with \
         --schedule 0.1.0.1"
    );
}

#[test]
fn a_panic_is_a_failure() {
    let search = Search::Replay("1.0.0.0.1".parse().expect("a schedule"));
    let failure = explore(&search, BUDGET, run).expect_err("it panics");
    assert_eq!(
        failure.what,
        Wrong::Panicked("both ends are lost".into()),
        "{failure}"
    );
}

#[test]
fn what_does_not_fail_is_counted() {
    let ok = |oracle: &Oracle| {
        for _ in 0..5 {
            oracle.fault("message", &[Lost], |_| true);
        }
        Ok::<(), String>(())
    };
    let whole = Search::Exhaustive(Share::WHOLE);
    assert_eq!(explore(&whole, BUDGET, ok), Ok(1 + 5 + 10 + 10));
    let halves = (0..2).map(|worker| {
        let half = Search::Exhaustive(Share { worker, of: 2 });
        explore(&half, BUDGET, ok).expect("nothing fails")
    });
    assert_eq!(halves.sum::<u64>(), 26);
    let seeds = Search::Random { seed: 5, seeds: 7 };
    assert_eq!(explore(&seeds, BUDGET, ok), Ok(7));
    for workers in 1..=3 {
        assert_eq!(explore_together(workers, &whole, BUDGET, ok), Ok(26));
        assert_eq!(explore_together(workers, &seeds, BUDGET, ok), Ok(7));
    }
}

#[test]
fn workers_run_every_schedule_between_them_once() {
    let one = Search::Replay(Schedule::default());
    let random = Search::Random { seed: 5, seeds: 7 };
    for search in [one, random, Search::Exhaustive(Share::WHOLE)] {
        let alone = ran(1, &search);
        assert_eq!(ran(3, &search), alone, "{search:?}");
    }
    let failure = explore_together(2, &Search::Exhaustive(Share::WHOLE), BUDGET, run);
    assert!(failure.is_err());
}

/// The schedules that count, sorted.
fn ran(workers: u32, search: &Search) -> Vec<String> {
    let ran = std::sync::Mutex::new(Vec::new());
    let note = |oracle: &Oracle| {
        for _ in 0..5 {
            oracle.fault("message", &[Lost], |_| true);
        }
        if oracle.counts() {
            let schedule = Schedule::of(oracle).to_string();
            let line = format!("{schedule} {:?}", oracle.seed());
            ran.lock().map_err(|_| "poisoned")?.push(line);
        }
        Ok::<(), &str>(())
    };
    explore_together(workers, search, BUDGET, note).expect("nothing fails");
    let mut ran = ran.into_inner().expect("nobody panicked");
    ran.sort();
    ran
}
