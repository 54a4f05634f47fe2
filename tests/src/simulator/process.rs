//! The client's process: alive until the oracle kills it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use investbot_plugin_api::{AdapterError, ErrorKind};

use super::oracle::Oracle;

/// The process is dead: the call had no effect, or nobody is left to see which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dead;

const DEAD: &str = "the process is dead";

impl From<Dead> for AdapterError {
    fn from(_: Dead) -> Self {
        Self::unknown(ErrorKind::Cancelled, DEAD)
    }
}

impl From<Dead> for io::Error {
    fn from(_: Dead) -> Self {
        Self::other(DEAD)
    }
}

/// The switch that turns the client's process off and on again. Clones share it.
///
/// Whatever the client does to the outside is a [`step`](Self::step) of it: the process may die before
/// it, and after its effect ([`crash_point`](Self::crash_point)) but before the client sees an answer.
/// A crash is offered only where something outside has [changed](Self::touch) since the last one that
/// was not taken: dying a moment later finds the same disk and the same venue, and is the same schedule.
#[derive(Clone, Debug)]
pub struct Process {
    oracle: Oracle,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    alive: AtomicBool,
    changed: AtomicBool,
    /// Counts the steps of all lives.
    steps: AtomicU64,
    /// Counts the lives, from 1.
    life: AtomicU32,
    /// No steps after this one.
    last_step: AtomicU64,
}

impl Process {
    /// A living process.
    #[must_use]
    pub fn new(oracle: Oracle) -> Self {
        let state = Arc::new(State {
            alive: AtomicBool::new(true),
            changed: AtomicBool::new(false),
            steps: AtomicU64::new(0),
            life: AtomicU32::new(1),
            last_step: AtomicU64::new(u64::MAX),
        });
        Self { oracle, state }
    }

    /// A process that did `steps` steps in `life - 1` lives before this one.
    #[must_use]
    pub fn after(oracle: Oracle, life: u32, steps: u64) -> Self {
        let process = Self::new(oracle);
        process.state.life.store(life, Relaxed);
        process.state.steps.store(steps, Relaxed);
        process
    }

    /// Kills it when it has done so many steps: it would never come to rest.
    pub fn limit(&self, steps: u64) {
        self.state.last_step.store(steps, Relaxed);
    }

    /// Whether it did more steps than it may.
    #[must_use]
    pub fn ran_away(&self) -> bool {
        self.state.steps.load(Relaxed) > self.state.last_step.load(Relaxed)
    }

    /// Counts a step, before which the process may die.
    ///
    /// # Errors
    ///
    /// If it is dead: the step must have no effect.
    pub fn step(&self, what: &'static str) -> Result<(), Dead> {
        let steps = self.state.steps.fetch_add(1, Relaxed);
        if steps >= self.state.last_step.load(Relaxed) {
            self.crash();
        }
        self.crash_point(what)
    }

    /// A moment at which the process may die.
    ///
    /// # Errors
    ///
    /// If it is dead: the client must not learn what its step did.
    pub fn crash_point(&self, what: &'static str) -> Result<(), Dead> {
        if !self.is_alive() {
            return Err(Dead);
        }
        if self.state.changed.swap(false, Relaxed) && self.oracle.crash(what) {
            self.crash();
            return Err(Dead);
        }
        Ok(())
    }

    /// Something outside that outlives the process has changed: the disk, the venue, what was shown.
    pub fn touch(&self) {
        self.state.changed.store(true, Relaxed);
    }

    /// Kills the process.
    pub fn crash(&self) {
        self.state.alive.store(false, Relaxed);
    }

    /// The next process begins.
    pub fn revive(&self) {
        self.state.alive.store(true, Relaxed);
        self.state.changed.store(false, Relaxed);
        self.state.life.fetch_add(1, Relaxed);
    }

    /// Whether it lives. What a dead process does or shows is of no account.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state.alive.load(Relaxed)
    }

    /// Which life of the process this is, from 1.
    #[must_use]
    pub fn life(&self) -> u32 {
        self.state.life.load(Relaxed)
    }

    /// The steps of all lives.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state.steps.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::oracle::{Budget, Schedule};
    use super::*;

    fn process(crashes: u32, choices: Vec<u32>) -> Process {
        let budget = Budget { crashes, faults: 0 };
        Process::new(Oracle::replay(budget, Schedule::new(choices)))
    }

    #[test]
    fn a_dead_process_does_nothing_until_it_is_revived() {
        let process = process(1, vec![1]);
        process.touch();
        assert_eq!(process.step("send"), Err(Dead));
        assert!(!process.is_alive());
        assert_eq!(process.step("send"), Err(Dead));
        process.revive();
        assert_eq!((process.step("send"), process.life()), (Ok(()), 2));
        assert_eq!(process.steps(), 3);
    }

    #[test]
    fn a_crash_is_offered_once_for_each_change() {
        let process = process(9, vec![0, 0, 1]);
        assert_eq!(
            process.step("first"),
            Ok(()),
            "nothing to lose, nothing asked"
        );
        for _ in 0..2 {
            process.touch();
            assert_eq!(process.crash_point("after"), Ok(()));
            assert_eq!(process.step("read"), Ok(()), "the same as after");
        }
        process.touch();
        assert_eq!(process.crash_point("after"), Err(Dead));
        process.revive();
        assert_eq!(process.step("read"), Ok(()), "as before the first step");
    }
}
