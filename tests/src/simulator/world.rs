//! The whole simulation with the shipping code: its session, its journal and its recovery, on simulated
//! files, a simulated clock and a simulated venue.
//!
//! A [`Situation`] is all that outlives a process. [`World::live`] takes one up, lets a process recover from
//! it and work until it is killed, breaks off or is done, and gives back the next.

mod course;
mod ends;
mod eye;
mod journal;
mod life;
mod threads;

use std::hash::Hash;
use std::time::Duration;

use investbot::engine::OrderState;
use investbot_plugin_api::UnixNanos;
use xxhash_rust::xxh3::Xxh3;

pub use course::{Course, Scope};
use journal::Remembered;
pub use threads::Stall;

use super::disk::{Closeness, DiskMenu, DiskState};
use super::invariants::{Broken, Checker};
use super::model::{Model, Rules};
use super::oracle::{Budget, Oracle};
use super::venue::{Ledger, Memory, Menu};

/// The run's id.
const RUN_ID: &str = "simulated";
/// The time at the start.
const START: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

/// What is simulated.
#[derive(Clone, Debug)]
pub struct World {
    /// The venue, as it says it is.
    pub model: Model,
    /// What it does.
    pub rules: Rules,
    /// What is to be done.
    pub scope: Scope,
    /// How often something may go wrong.
    pub budget: Budget,
    /// How much of it in one schedule, crashes and faults together.
    pub together: u32,
    /// What can happen at the venue.
    pub venue: Menu,
    /// What can happen to the files.
    pub disk: DiskMenu,
    /// How long the process may stand still.
    pub stalls: &'static [Stall],
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Whatever the budget allows may go wrong.
    Working,
    /// Nothing goes wrong any more, since then; whatever was under way has arrived.
    Settling(UnixNanos),
    /// All is done: what the core was like, and how many orders the venue was sent.
    Recalling {
        core: String,
        sends: usize,
        states: Vec<Option<OrderState>>,
    },
    /// The schedule is over.
    Over,
}

/// What a schedule came to.
pub(super) struct Ending {
    /// The client's last word of each order, in the order in which they were wanted.
    pub(super) states: Vec<Option<OrderState>>,
    /// What really happened.
    pub(super) ledger: Ledger,
}

/// By what situations are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// By every byte of the files.
    Bytes,
    /// By what the files mean.
    Meaning,
}

/// All that outlives a process.
#[derive(Clone, Debug)]
pub struct Situation {
    course: Course,
    phase: Phase,
    disk: DiskState,
    venue: Memory,
    checker: Checker,
    /// What the files say, read already.
    journal: Remembered,
    now: UnixNanos,
    left: Budget,
    /// How much of it, together.
    together: u32,
    /// What of the budget was never used, because the last life came to its end.
    unused: Budget,
    /// Counts the processes, and their steps.
    life: u32,
    steps: u64,
}

impl Situation {
    /// What may still go wrong.
    #[must_use]
    pub const fn left(&self) -> Budget {
        self.left
    }

    /// Whether nothing goes wrong any more.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        self.phase != Phase::Working
    }

    /// What went wrong in the life that led here, where there was `before` to go wrong.
    #[must_use]
    pub fn spent(&self, before: Budget) -> Budget {
        Budget {
            crashes: before.crashes - self.left.crashes - self.unused.crashes,
            faults: before.faults - self.left.faults - self.unused.faults,
        }
    }

    /// Whether there is nothing left to happen.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Situations of the same fingerprint have the same future.
    #[must_use]
    pub fn fingerprint(&self, likeness: Likeness) -> u128 {
        let mut hasher = self.hash_all_but_the_disk();
        match likeness {
            Likeness::Bytes => self.disk.hash(&mut hasher),
            Likeness::Meaning => {
                let lengths = self.course.counts();
                self.disk.hash_meaning(Closeness { lengths }, &mut hasher);
            }
        }
        hasher.digest128()
    }

    fn hash_all_but_the_disk(&self) -> Xxh3 {
        let Self {
            course,
            phase,
            disk: _,
            venue,
            checker,
            journal: _,
            now,
            left,
            together,
            unused: _,
            life: _,
            steps: _,
        } = self;
        let mut hasher = Xxh3::new();
        (course, phase, venue, checker, now).hash(&mut hasher);
        let together = (*together).min(left.crashes + left.faults);
        (left.crashes, left.faults, together).hash(&mut hasher);
        hasher
    }
}

impl World {
    /// A world of a scope that is small enough to be walked whole.
    #[must_use]
    pub fn small(model: Model, scope: Scope) -> Self {
        let crashes = if scope == Scope::One { 3 } else { 2 };
        Self {
            model,
            rules: model.rules(),
            scope,
            budget: Budget { crashes, faults: 2 },
            together: u32::MAX,
            venue: Menu::SMALL,
            disk: DiskMenu::SMALL,
            stalls: &[],
        }
    }

    /// A world of one order, small enough to be walked whole as far as two things go wrong, in which anything can
    /// happen at the venue.
    #[must_use]
    pub fn wide(model: Model) -> Self {
        Self {
            venue: Menu::FULL,
            ..Self::small(model, Scope::One)
        }
    }

    /// A world in which everything can happen.
    #[must_use]
    pub fn large(model: Model, scope: Scope) -> Self {
        Self {
            model,
            rules: model.rules(),
            scope,
            budget: Budget {
                crashes: 6,
                faults: 8,
            },
            together: u32::MAX,
            venue: Menu::FULL,
            disk: DiskMenu::FULL,
            stalls: Stall::ALL,
        }
    }

    /// Runs one schedule.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn run(&self, oracle: &Oracle) -> Result<(), Broken> {
        self.run_to_end(oracle).map(drop)
    }

    /// The same; what it came to.
    pub(super) fn run_to_end(&self, oracle: &Oracle) -> Result<Ending, Broken> {
        let mut situation = self.begin(oracle);
        let mut ends = Vec::new();
        while !situation.is_over() {
            situation = self.live(situation, oracle)?;
            if let Phase::Recalling { states, .. } = &situation.phase {
                ends.clone_from(states);
            }
        }
        Ok(Ending {
            states: ends,
            ledger: situation.venue.ledger,
        })
    }

    const fn checker(&self) -> Checker {
        let checker = Checker::new(matches!(self.model, Model::A | Model::AWindow));
        match self.model {
            Model::A | Model::AWindow | Model::B | Model::C => checker,
            Model::D | Model::E => checker.unasked(),
        }
    }

    /// Before the first process.
    #[must_use]
    pub fn begin(&self, oracle: &Oracle) -> Situation {
        Situation {
            course: oracle.pick("the run is", self.scope.courses()),
            phase: Phase::Working,
            disk: DiskState::default(),
            venue: Memory::default(),
            checker: self.checker(),
            journal: Remembered::default(),
            now: START,
            left: oracle.left(),
            together: self.together,
            unused: Budget::default(),
            life: 1,
            steps: 0,
        }
    }
}

/// How long the client may take to come to rest when nothing goes wrong any more.
const REST: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
