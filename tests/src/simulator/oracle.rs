//! The source of all choices of a simulated schedule.
//!
//! Whatever could go one way or another asks here: what the network does to a request, where the process
//! dies, which of the unsynced writes the disk keeps. The choices of one run are its *schedule*. Either
//! every schedule there is gets its turn ([`Oracle::exhaustive`]), or they are drawn at random
//! ([`Oracle::random`]), or one that was written down is repeated ([`Oracle::replay`]).
//!
//! The first option of a choice, 0, is always the harmless one. Crashes and faults draw on a
//! [`Budget`]; when it is used up they are not asked about any more, so that "up to three crashes and two
//! faults" is a finite tree.

mod dice;
mod schedule;
mod walk;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use schedule::{BadSchedule, Schedule};
pub use walk::Share;

use dice::Dice;
use walk::Walk;

/// How much may go wrong in one schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// How often the process may be killed.
    pub crashes: u32,
    /// How often something else may misbehave.
    pub faults: u32,
}

/// An option of a choice that can be called by its name.
pub trait Named: Copy {
    /// One or two words.
    fn name(self) -> &'static str;
}

/// One choice that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// What was chosen about.
    pub what: &'static str,
    /// The name of what was chosen, where it has one.
    pub name: &'static str,
    /// Which option was taken, from 0.
    pub chosen: u32,
    /// How many options there were.
    pub of: u32,
}

/// The source of all choices. Clones share it; one schedule runs at a time.
#[derive(Clone, Debug)]
pub struct Oracle(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    budget: Budget,
    left: Budget,
    /// How much of it, crashes and faults together.
    together: u32,
    /// What went wrong in this schedule so far.
    spent: Budget,
    /// The choices of this schedule. What lies ahead of `at` is decided already.
    path: Vec<Fork>,
    at: usize,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Exhaustive(Walk),
    Random(Dice),
    Replay(Schedule),
}

/// What a choice costs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cost {
    Nothing,
    Crash,
    Fault,
}

impl Oracle {
    /// Every schedule once, depth first; of several workers' share, this one's.
    #[must_use]
    pub fn exhaustive(budget: Budget, share: Share) -> Self {
        Self::new(budget, Source::Exhaustive(Walk::new(share)))
    }

    /// The schedule of a seed; [`advance`](Self::advance) goes on to the next seed.
    #[must_use]
    pub fn random(budget: Budget, seed: u64) -> Self {
        Self::new(budget, Source::Random(Dice::new(seed)))
    }

    /// One schedule that was written down. Beyond its end everything is harmless; an option that is not
    /// there is the last one.
    #[must_use]
    pub fn replay(budget: Budget, schedule: Schedule) -> Self {
        Self::new(budget, Source::Replay(schedule))
    }

    fn new(budget: Budget, source: Source) -> Self {
        Self(Arc::new(Mutex::new(State {
            budget,
            left: budget,
            together: u32::MAX,
            spent: Budget::default(),
            path: Vec::new(),
            at: 0,
            source,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a schedule is caught and told; the choices made until then are whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses one of `n` options, from 0, at no cost.
    pub fn choose(&self, n: u32, what: &'static str) -> u32 {
        self.state().choose(n, what, Cost::Nothing)
    }

    /// Chooses one of the options, at no cost. There must be one.
    pub fn pick<K: Named>(&self, what: &'static str, options: &[K]) -> K {
        self.pick_where(what, options, |_| true)
            .expect("there is something to choose from")
    }

    /// Chooses one of those options that are possible, at no cost; `None` if none is. `possible` may not
    /// ask the oracle.
    pub fn pick_where<K: Named>(
        &self,
        what: &'static str,
        options: &[K],
        possible: impl Fn(K) -> bool,
    ) -> Option<K> {
        let mut open = options.iter().copied().filter(|kind| possible(*kind));
        let options = count(open.clone());
        let mut state = self.state();
        let chosen = state.choose(options, what, Cost::Nothing);
        let kind = open.nth(chosen as usize)?;
        if options > 1 {
            state.name_last(kind.name());
        }
        Some(kind)
    }

    /// Whether the process dies here.
    pub fn crash(&self, what: &'static str) -> bool {
        let mut state = self.state();
        if state.left.crashes == 0 || state.together == 0 || state.choose(2, what, Cost::Crash) == 0
        {
            return false;
        }
        state.left.crashes -= 1;
        state.together -= 1;
        state.spent.crashes += 1;
        state.name_last("the process dies");
        true
    }

    /// Which of the possible misbehaviours happens here; `None` if none does. `possible` may not ask the
    /// oracle.
    pub fn fault<K: Named>(
        &self,
        what: &'static str,
        kinds: &[K],
        possible: impl Fn(K) -> bool,
    ) -> Option<K> {
        let mut state = self.state();
        if state.left.faults == 0 || state.together == 0 {
            return None;
        }
        let mut open = kinds.iter().copied().filter(|kind| possible(*kind));
        let chosen = state.choose(count(open.clone()) + 1, what, Cost::Fault);
        let kind = open.nth(chosen.checked_sub(1)? as usize)?;
        state.left.faults -= 1;
        state.together -= 1;
        state.spent.faults += 1;
        state.name_last(kind.name());
        Some(kind)
    }

    /// What may still go wrong.
    #[must_use]
    pub fn left(&self) -> Budget {
        self.state().left
    }

    /// From here on no more than so much may go wrong, crashes and faults together.
    pub fn limit(&self, together: u32) {
        self.state().together = together;
    }

    /// How much may still go wrong, crashes and faults together.
    #[must_use]
    pub fn together(&self) -> u32 {
        self.state().together
    }

    /// What went wrong in this schedule so far.
    #[must_use]
    pub fn spent(&self) -> Budget {
        self.state().spent
    }

    /// From here on nothing goes wrong any more.
    pub fn heal(&self) {
        self.state().left = Budget::default();
    }

    /// Ends this schedule and begins the next; false if that was the last.
    pub fn advance(&self) -> bool {
        self.state().advance()
    }

    /// Whether this schedule is one of this worker's share, and not only passed on the way there.
    #[must_use]
    pub fn counts(&self) -> bool {
        match &self.state().source {
            Source::Exhaustive(walk) => walk.is_mine(),
            Source::Random(_) | Source::Replay(_) => true,
        }
    }

    /// The seed of this schedule, if it was drawn.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        match &self.state().source {
            Source::Random(dice) => Some(dice.seed()),
            Source::Exhaustive(_) | Source::Replay(_) => None,
        }
    }

    /// The choices of this schedule so far in words, one a line: what has a name and what is not harmless.
    #[must_use]
    pub fn words(&self) -> String {
        schedule::words(&self.taken())
    }

    /// Looks at the choices of this schedule so far.
    pub fn look<R>(&self, look: impl FnOnce(&[Fork]) -> R) -> R {
        let state = self.state();
        look(&state.path[..state.at])
    }

    /// The choices of this schedule so far.
    #[must_use]
    pub fn taken(&self) -> Vec<Fork> {
        let state = self.state();
        state.path[..state.at].to_vec()
    }
}

fn count<K>(options: impl Iterator<Item = K>) -> u32 {
    u32::try_from(options.count()).expect("a choice has fewer than 2^32 options")
}

impl State {
    fn choose(&mut self, n: u32, what: &'static str, cost: Cost) -> u32 {
        if n <= 1 {
            return 0;
        }
        if let Some(decided) = self.path.get(self.at) {
            assert!(
                decided.of == n && decided.what == what,
                "the same choices led elsewhere: {n} options for `{what}` where there were {} for `{}`; \
                 what runs here is not deterministic",
                decided.of,
                decided.what
            );
        } else {
            let chosen = match &mut self.source {
                Source::Exhaustive(_) => 0,
                Source::Replay(schedule) => schedule.get(self.at).min(n - 1),
                Source::Random(dice) => match cost {
                    Cost::Nothing => dice.pick(n),
                    Cost::Crash => u32::from(dice.crashes()),
                    Cost::Fault if dice.faults() => 1 + dice.pick(n - 1),
                    Cost::Fault => 0,
                },
            };
            self.path.push(Fork {
                what,
                name: "",
                chosen,
                of: n,
            });
        }
        self.at += 1;
        self.path[self.at - 1].chosen
    }

    /// Notes what the choice just made is called.
    fn name_last(&mut self, name: &'static str) {
        self.path[self.at - 1].name = name;
    }

    fn advance(&mut self) -> bool {
        assert!(
            self.at == self.path.len(),
            "the same choices led to an earlier end; what runs here is not deterministic"
        );
        (self.left, self.spent) = (self.budget, Budget::default());
        self.together = u32::MAX;
        self.at = 0;
        match &mut self.source {
            Source::Exhaustive(walk) => walk.advance(&mut self.path),
            Source::Random(dice) => {
                *dice = Dice::new(dice.seed().wrapping_add(1));
                self.path.clear();
                true
            }
            Source::Replay(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
