//! Runs the schedules of a world, with a bug or without one.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::available_parallelism;

use investbot::planted::{self, Bug};
use investbot_tests::simulator::explore::{Failure, Search, Wrong, explore};
use investbot_tests::simulator::invariants::Broken;
use investbot_tests::simulator::oracle::{Oracle, Schedule, Share};

use super::hunts::Ground;

/// What a search came to.
pub(super) struct Found {
    /// How many schedules were run.
    pub(super) schedules: u64,
    /// The last of them, if it broke a rule.
    pub(super) failure: Option<Failure<Broken>>,
}

/// Runs the schedules of a world, in order or as they are drawn, until one breaks a rule.
pub(super) fn search(bug: Option<Bug>, ground: &Ground) -> Found {
    let search = match ground.drawn() {
        None => Search::Exhaustive(Share::WHOLE),
        Some(seeds) => Search::Random { seed: 1, seeds },
    };
    run(bug, ground, &search)
}

/// What is wrong with one schedule.
pub(super) fn replay(
    bug: Option<Bug>,
    ground: &Ground,
    schedule: &Schedule,
) -> Option<Wrong<Broken>> {
    let replayed = run(bug, ground, &Search::Replay(schedule.clone()));
    replayed.failure.map(|failure| failure.what)
}

fn run(bug: Option<Bug>, ground: &Ground, search: &Search) -> Found {
    let world = ground.world();
    let schedules = Cell::new(0);
    let explored = explore(search, world.budget, |oracle: &Oracle| {
        schedules.set(schedules.get() + 1);
        planted::with(bug, || world.run(oracle))
    });
    Found {
        schedules: schedules.get(),
        failure: explored.err(),
    }
}

/// The letter of the rule that was broken. A panic is the simulator's own word that something cannot be so.
pub(super) fn rule(failure: &Failure<Broken>) -> char {
    match &failure.what {
        Wrong::Broken(broken) => broken.violation.rule(),
        Wrong::Panicked(_) => '!',
    }
}

/// Does something with every item, by as many threads as there are processors; the results in the items' order.
pub(super) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let at = next.fetch_add(1, Relaxed);
        items.get(at).map(|item| (at, item))
    };
    let one = || -> Vec<(usize, R)> {
        let items = std::iter::from_fn(take);
        items.map(|(at, item)| (at, work(item))).collect()
    };
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let threads = available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let parts = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        parts.flatten().collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
