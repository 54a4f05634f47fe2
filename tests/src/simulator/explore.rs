//! Runs schedules until one fails, and says how to run that one again.

use std::any::Any;
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

impl Search {
    /// A worker's share of the schedules; `None` if there is none for it.
    fn share(&self, share: Share) -> Option<Self> {
        let (worker, of) = (u64::from(share.worker), u64::from(share.of));
        match self {
            Self::Exhaustive(whole) => Some(Self::Exhaustive(Share {
                worker: whole.worker + whole.of * share.worker,
                of: whole.of * share.of,
            })),
            Self::Random { seed, seeds } => {
                let from = |worker| seeds * worker / of;
                Some(Self::Random {
                    seed: seed + from(worker),
                    seeds: from(worker + 1) - from(worker),
                })
            }
            Self::Replay(_) => (worker == 0).then(|| self.clone()),
        }
    }
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

/// The same, with the schedules dealt out to so many workers. Each of them runs its own to the end, or to
/// its first failure.
///
/// # Errors
///
/// Some schedule that fails or panics; if there are several, the same one every time.
pub fn explore_together<E: Send>(
    workers: u32,
    search: &Search,
    budget: Budget,
    run: impl Fn(&Oracle) -> Result<(), E> + Sync,
) -> Result<u64, Failure<E>> {
    std::thread::scope(|scope| {
        let run = &run;
        let share = |worker| {
            search.share(Share {
                worker,
                of: workers,
            })
        };
        let shares: Vec<Search> = (0..workers).filter_map(share).collect();
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || explore(&share, budget, run)))
            .collect();
        let ran = threads
            .into_iter()
            .map(|thread| thread.join().expect("panics of a schedule are caught"));
        ran.collect::<Vec<_>>().into_iter().sum()
    })
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
        Err(panic) => Err(Wrong::Panicked(message(panic.as_ref()))),
    }
}

/// What a panic said.
pub(super) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
    text.unwrap_or_else(|| "no message".into())
}

#[cfg(test)]
mod tests;
