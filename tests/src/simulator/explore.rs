//! Runs schedules until one fails, and says how to run that one again.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::oracle::{Budget, Oracle, Schedule, Share};

/// Which schedules to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// All of this worker's share.
    Exhaustive(Share),
    /// Those of so many seeds from this one on.
    Random {
        /// The first seed.
        seed: u64,
        /// How many.
        seeds: u64,
    },
    /// One that was written down.
    Replay(Schedule),
}

/// A schedule that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure<E> {
    /// What was wrong.
    pub what: Wrong<E>,
    /// The schedule.
    pub schedule: Schedule,
    /// Its seed, if it was drawn.
    pub seed: Option<u64>,
    /// The schedule in words.
    pub words: String,
}

/// What was wrong with a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong<E> {
    /// A rule was broken.
    Broken(E),
    /// The code panicked, with this message.
    Panicked(String),
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Wrong::Broken(rule) => writeln!(f, "{rule}")?,
            Wrong::Panicked(message) => writeln!(f, "panicked: {message}")?,
        }
        write!(f, "{}", self.words)?;
        write!(f, "  hint: run it again with --schedule {}", self.schedule)?;
        self.seed
            .map_or(Ok(()), |seed| write!(f, " or --seed {seed}"))
    }
}

impl<E: fmt::Display + fmt::Debug> std::error::Error for Failure<E> {}

/// Runs schedules, each with what the oracle chooses, and counts them. `run` must be deterministic, and
/// must begin anew each time.
///
/// # Errors
///
/// The first schedule that fails or panics.
pub fn explore<E>(
    search: &Search,
    budget: Budget,
    mut run: impl FnMut(&Oracle) -> Result<(), E>,
) -> Result<u64, Failure<E>> {
    let (oracle, limit) = match search {
        Search::Exhaustive(share) => (Oracle::exhaustive(budget, *share), u64::MAX),
        Search::Random { seed, seeds } => (Oracle::random(budget, *seed), *seeds),
        Search::Replay(schedule) => (Oracle::replay(budget, schedule.clone()), 1),
    };
    let mut ran = 0;
    while ran < limit {
        if let Err(what) = guarded(&mut run, &oracle) {
            return Err(Failure {
                what,
                schedule: Schedule::of(&oracle),
                seed: oracle.seed(),
                words: oracle.words(),
            });
        }
        ran += u64::from(oracle.counts());
        if !oracle.advance() {
            break;
        }
    }
    Ok(ran)
}

/// The same failure with as little as possible going wrong on the way there.
pub fn shrink<E>(
    failure: Failure<E>,
    budget: Budget,
    mut run: impl FnMut(&Oracle) -> Result<(), E>,
) -> Failure<E> {
    let mut best = None;
    let simplest = failure.schedule.shrink(|schedule| {
        let found = explore(&Search::Replay(schedule.clone()), budget, &mut run).err();
        let fails = found.is_some();
        best = found.or(best.take());
        fails
    });
    best.filter(|best| best.schedule == simplest)
        .unwrap_or(failure)
}

fn guarded<E>(
    run: &mut impl FnMut(&Oracle) -> Result<(), E>,
    oracle: &Oracle,
) -> Result<(), Wrong<E>> {
    // What the run leaves behind after a panic is not used again.
    match catch_unwind(AssertUnwindSafe(|| run(oracle))) {
        Ok(result) => result.map_err(Wrong::Broken),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Err(Wrong::Panicked(text.unwrap_or_else(|| "no message".into())))
        }
    }
}

#[cfg(test)]
mod tests {
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
    }
}
