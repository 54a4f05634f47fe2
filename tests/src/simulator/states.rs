//! Walks all schedules of a world by the situations that they lead to.
//!
//! What comes after a process has ended depends on what it left and on nothing else. So every situation is
//! gone on from once, however many schedules lead there, by every way in which one life can go; and the
//! schedules are counted by counting the ways through the graph that this makes. That is all of them: a
//! schedule that was not run from its beginning to its end was run life by life, each from the very
//! situation that the one before it had left.

#![allow(clippy::result_large_err, reason = "a failure ends the search")]

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::coverage::Coverage;
use super::explore::{Failure, Search, Wrong, explore, message};
use super::invariants::Broken;
use super::oracle::{Budget, Oracle, Schedule, Share};
use super::world::{Likeness, Situation, World};

/// What was walked.
#[derive(Clone, Debug, Default)]
pub struct Walked {
    /// How many schedules there are among what was walked.
    pub schedules: u128,
    /// How often a process is killed in them, all together.
    pub crashes: u128,
    /// How often something else goes wrong in them.
    pub faults: u128,
    /// How many lives were run.
    pub lives: u64,
    /// How many different situations they led to.
    pub situations: u64,
    /// How many situations were left that nobody went on from, for want of time.
    pub left: u64,
    /// What happened, how often.
    pub coverage: Coverage,
}

/// A situation in the graph.
struct Node {
    /// The one from which it was reached first, and the choices on the way.
    parent: u32,
    path: Box<[u16]>,
    /// Schedules that end here.
    ends: Tally,
    /// What it leads to, by how many ways, and what goes wrong on them.
    next: Vec<(u32, Tally)>,
    is_walked: bool,
}

/// A number of schedules, and what goes wrong in them.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    ways: u128,
    crashes: u128,
    faults: u128,
}

impl Tally {
    fn add(&mut self, spent: Budget) {
        self.ways += 1;
        self.crashes += u128::from(spent.crashes);
        self.faults += u128::from(spent.faults);
    }

    /// Those that go these ways and then any of `rest`.
    fn then(self, rest: Self) -> Self {
        Self {
            ways: self.ways.saturating_mul(rest.ways),
            crashes: (self.crashes.saturating_mul(rest.ways))
                .saturating_add(self.ways.saturating_mul(rest.crashes)),
            faults: (self.faults.saturating_mul(rest.ways))
                .saturating_add(self.ways.saturating_mul(rest.faults)),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            ways: self.ways.saturating_add(other.ways),
            crashes: self.crashes.saturating_add(other.crashes),
            faults: self.faults.saturating_add(other.faults),
        }
    }
}

#[derive(Default)]
struct Graph {
    nodes: Vec<Node>,
    known: HashMap<u128, u32>,
    /// Situations to go on from, by what was spent on the way there.
    queue: BTreeMap<u32, Vec<(u32, Option<Situation>)>>,
    waiting: u64,
    at_work: u32,
    lives: u64,
    coverage: Coverage,
    failure: Option<Failure<Broken>>,
}

struct Walk<'a> {
    world: &'a World,
    likeness: Likeness,
    graph: Mutex<Graph>,
    changed: Condvar,
    deadline: Option<Instant>,
    stop: AtomicBool,
}

/// Walks a world with some threads, to the end or until `deadline`: what little went wrong comes first.
///
/// # Errors
///
/// A schedule that breaks a rule.
pub fn walk(
    world: &World,
    threads: u32,
    deadline: Option<Instant>,
) -> Result<Walked, Failure<Broken>> {
    walk_by(Likeness::Meaning, world, threads, deadline)
}

fn walk_by(
    likeness: Likeness,
    world: &World,
    threads: u32,
    deadline: Option<Instant>,
) -> Result<Walked, Failure<Broken>> {
    let walk = Walk {
        world,
        likeness,
        graph: Mutex::default(),
        changed: Condvar::new(),
        deadline,
        stop: AtomicBool::new(false),
    };
    {
        let mut graph = walk.graph();
        graph.nodes.push(Node::new(0, Box::default()));
        graph.queue.insert(0, vec![(0, None)]);
        graph.waiting = 1;
    }
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| walk.work());
        }
    });
    let graph = walk
        .graph
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match graph.failure {
        Some(failure) => Err(told_whole(world, &failure.schedule)),
        None => Ok(graph.sum_up()),
    }
}

/// The failure of a schedule with all of its words, from its first life on.
fn told_whole(world: &World, schedule: &Schedule) -> Failure<Broken> {
    let search = Search::Replay(schedule.clone());
    explore(&search, world.budget, |oracle| world.run(oracle)).expect_err(
        "a schedule fails however its situation was reached: a fingerprint has forgotten something",
    )
}

impl Walk<'_> {
    fn graph(&self) -> MutexGuard<'_, Graph> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some((id, situation)) = self.take() {
            let found = self.go_on(id, situation);
            let mut graph = self.graph();
            graph.at_work -= 1;
            match found {
                Ok(found) => graph.add(id, found, self.world.budget),
                Err(failure) => {
                    graph.failure.get_or_insert(failure);
                    self.stop.store(true, Relaxed);
                }
            }
            drop(graph);
            self.changed.notify_all();
        }
    }

    /// The next situation to go on from; `None` if there is none and none will come.
    fn take(&self) -> Option<(u32, Option<Situation>)> {
        let mut graph = self.graph();
        loop {
            if self.stop.load(Relaxed) || self.deadline.is_some_and(|end| Instant::now() >= end) {
                return None;
            }
            if let Some(next) = graph.take() {
                graph.at_work += 1;
                return Some(next);
            }
            if graph.at_work == 0 {
                return None;
            }
            let waited = self.changed.wait(graph);
            graph = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Every way in which one life can go from here.
    fn go_on(&self, id: u32, from: Option<Situation>) -> Result<Found, Failure<Broken>> {
        let left = from.as_ref().map_or(self.world.budget, Situation::left);
        let oracle = Oracle::exhaustive(left, Share::WHOLE);
        let mut found = Found::default();
        loop {
            let ran = catch_unwind(AssertUnwindSafe(|| {
                let situation = from.clone().unwrap_or_else(|| self.world.begin(&oracle));
                self.world.live(situation, &oracle)
            }));
            let what = match ran {
                Ok(Ok(situation)) => {
                    found.take(situation, left, &oracle, self.likeness);
                    if !oracle.advance() {
                        return Ok(found);
                    }
                    continue;
                }
                Ok(Err(broken)) => Wrong::Broken(broken),
                Err(panic) => Wrong::Panicked(message(panic.as_ref())),
            };
            return Err(self.failure(id, what, &oracle));
        }
    }

    fn failure(&self, id: u32, what: Wrong<Broken>, oracle: &Oracle) -> Failure<Broken> {
        let mut choices = self.graph().path(id);
        choices.extend(oracle.taken().iter().map(|fork| fork.chosen));
        Failure {
            what,
            schedule: Schedule::new(choices),
            seed: None,
            words: oracle.words(),
        }
    }
}

/// What the lives from one situation led to.
#[derive(Default)]
struct Found {
    lives: u64,
    ends: Tally,
    /// By fingerprint: by how many ways, and the first of them.
    next: HashMap<u128, (Tally, Box<[u16]>, Situation)>,
    coverage: Coverage,
}

impl Found {
    fn take(&mut self, situation: Situation, before: Budget, oracle: &Oracle, likeness: Likeness) {
        self.lives += 1;
        self.coverage.count(oracle);
        let spent = situation.spent(before);
        if situation.is_over() {
            self.ends.add(spent);
            return;
        }
        let entry = self.next.entry(situation.fingerprint(likeness));
        let (tally, _, _) = entry.or_insert_with(|| {
            let taken = oracle.taken();
            let path = taken
                .iter()
                .map(|fork| u16::try_from(fork.chosen).unwrap_or(u16::MAX));
            (Tally::default(), path.collect(), situation)
        });
        tally.add(spent);
    }
}

impl Node {
    fn new(parent: u32, path: Box<[u16]>) -> Self {
        Self {
            parent,
            path,
            ends: Tally::default(),
            next: Vec::new(),
            is_walked: false,
        }
    }
}

impl Graph {
    /// What was reached with the least going wrong; of that, the latest.
    fn take(&mut self) -> Option<(u32, Option<Situation>)> {
        let mut entry = self.queue.first_entry()?;
        let next = entry.get_mut().pop();
        if entry.get().is_empty() {
            entry.remove();
        }
        self.waiting -= 1;
        next
    }

    fn add(&mut self, id: u32, found: Found, budget: Budget) {
        self.lives += found.lives;
        self.coverage.add(&found.coverage);
        let mut edges = Vec::with_capacity(found.next.len());
        // In an order that does not depend on how the map was filled.
        let mut next: Vec<_> = found.next.into_iter().collect();
        next.sort_unstable_by_key(|(fingerprint, _)| *fingerprint);
        for (fingerprint, (tally, path, situation)) in next {
            let new = u32::try_from(self.nodes.len()).expect("fewer than 2^32 situations");
            let to = *self.known.entry(fingerprint).or_insert(new);
            if to == new {
                self.nodes.push(Node::new(id, path));
                let left = situation.left();
                let spent = if situation.is_healed() {
                    0
                } else {
                    budget.crashes + budget.faults - left.crashes - left.faults
                };
                self.queue
                    .entry(spent)
                    .or_default()
                    .push((to, Some(situation)));
                self.waiting += 1;
            }
            edges.push((to, tally));
        }
        let node = &mut self.nodes[id as usize];
        (node.ends, node.next, node.is_walked) = (found.ends, edges, true);
    }

    /// The choices that led to a situation first.
    fn path(&self, mut id: u32) -> Vec<u32> {
        let mut parts = Vec::new();
        while id != 0 {
            let node = &self.nodes[id as usize];
            parts.push(&node.path);
            id = node.parent;
        }
        let parts = parts.into_iter().rev().flat_map(|path| path.iter());
        parts.map(|chosen| u32::from(*chosen)).collect()
    }

    fn sum_up(self) -> Walked {
        let all = self.schedules();
        Walked {
            schedules: all.ways,
            crashes: all.crashes,
            faults: all.faults,
            lives: self.lives,
            situations: self.nodes.len() as u64,
            left: self.waiting,
            coverage: self.coverage,
        }
    }

    /// All ways through the graph.
    fn schedules(&self) -> Tally {
        let mut sums: Vec<Option<Tally>> = vec![None; self.nodes.len()];
        let mut stack = vec![0_usize];
        while let Some(at) = stack.last().copied() {
            let node = &self.nodes[at];
            let missing = node.next.iter().map(|(to, _)| *to as usize);
            let missing: Vec<_> = missing.filter(|to| sums[*to].is_none()).collect();
            if sums[at].is_none() && missing.is_empty() {
                let next = node
                    .next
                    .iter()
                    .map(|(to, ways)| ways.then(sums[*to as usize].expect("it is not missing")));
                sums[at] = Some(next.fold(node.ends, Tally::plus));
            }
            if sums[at].is_some() {
                stack.pop();
            }
            stack.extend(missing);
        }
        sums[0].unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
