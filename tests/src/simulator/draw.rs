//! Draws schedules of a world, by some threads, for as long as there is time.

#![allow(clippy::result_large_err, reason = "a failure ends the search")]

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::coverage::Coverage;
use super::explore::{Failure, Search, explore};
use super::invariants::Broken;
use super::world::World;

/// Which schedules are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// The first seed.
    pub seed: u64,
    /// How many seeds.
    pub seeds: u64,
    /// How many threads draw.
    pub threads: u32,
    /// When to stop, however many there are left.
    pub deadline: Option<Instant>,
}

/// What was drawn.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// How many schedules.
    pub schedules: u64,
    /// How often a process was killed in them, all together.
    pub crashes: u64,
    /// How often something else went wrong in them.
    pub faults: u64,
    /// What happened, how often.
    pub coverage: Coverage,
}

impl Drawn {
    fn plus(mut self, other: &Self) -> Self {
        self.schedules += other.schedules;
        self.crashes += other.crashes;
        self.faults += other.faults;
        self.coverage.add(&other.coverage);
        self
    }
}

/// How many seeds a thread takes at once.
const CHUNK: u64 = 16;

impl Draw {
    /// Runs the schedules of the seeds, in order.
    ///
    /// # Errors
    ///
    /// A schedule that breaks a rule.
    pub fn from(self, world: &World) -> Result<Drawn, Failure<Broken>> {
        let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let work = || {
                let drawn = self.take_part(world, &next, &failed);
                failed.fetch_or(drawn.is_err(), Relaxed);
                drawn
            };
            let threads: Vec<_> = (0..self.threads.max(1))
                .map(|_| scope.spawn(work))
                .collect();
            let mut all = Drawn::default();
            for thread in threads {
                let drawn = thread.join().unwrap_or_else(|panic| resume_unwind(panic))?;
                all = all.plus(&drawn);
            }
            Ok(all)
        })
    }

    fn take_part(
        &self,
        world: &World,
        next: &AtomicU64,
        failed: &AtomicBool,
    ) -> Result<Drawn, Failure<Broken>> {
        let mut drawn = Drawn::default();
        loop {
            let from = next.fetch_add(CHUNK, Relaxed);
            let is_late = self.deadline.is_some_and(|end| Instant::now() >= end);
            if from >= self.seeds || is_late || failed.load(Relaxed) {
                return Ok(drawn);
            }
            let search = Search::Random {
                seed: self.seed + from,
                seeds: CHUNK.min(self.seeds - from),
            };
            drawn.schedules += explore(&search, world.budget, |oracle| {
                world.run(oracle)?;
                let spent = oracle.spent();
                drawn.crashes += u64::from(spent.crashes);
                drawn.faults += u64::from(spent.faults);
                drawn.coverage.count(oracle);
                Ok(())
            })?;
        }
    }
}
