//! Which trials there are.

use super::chance::Chance;
use super::trial::{Kill, Plot, Trial, Undisturbed};
use super::work::Work;
use crate::fs::{KillPoint, When};

/// Hands out trials until everything was tried.
pub(super) struct Schedule {
    chance: Chance,
    /// Whether every trial is of the run that was compared with, so that its seed must be the same.
    seed: SeedOf,
    /// What has to be killed at every step, and how far that is.
    series: Vec<Series>,
    /// How many kills at random instants are wanted, and how many there were.
    wanted: u64,
    killed: u64,
    random: u64,
    undisturbed: Vec<(Work, Undisturbed)>,
}

/// The seeds of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeedOf {
    /// All runs have this one.
    All(u64),
    /// Each run has its own, so that each meets another network.
    Each,
}

/// Kills before, in or after the first call, the second, and so on.
struct Series {
    work: Work,
    when: When,
    next: u64,
    over: bool,
}

/// A trial, and what it was for.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) plot: Plot,
    series: Option<usize>,
}

impl Schedule {
    /// How many lives more than one are killed, at most.
    const DEPTH: u64 = 3;
    /// Resumes are killed within so many calls.
    const CALLS_OF_A_RESUME: u64 = 60;
    /// Runs that end before their kill, for each that is killed, before that is given up.
    const PATIENCE: u64 = 50;

    pub(super) fn new(
        seed: u64,
        seed_of: SeedOf,
        steps: bool,
        kills: u64,
        undisturbed: Vec<(Work, Undisturbed)>,
    ) -> Self {
        let all = Work::ALL
            .into_iter()
            .flat_map(|work| When::ALL.map(|when| (work, when)));
        let series = all.filter(|_| steps).map(|(work, when)| Series {
            work,
            when,
            next: 1,
            over: false,
        });
        Self {
            chance: Chance::new(seed),
            seed: seed_of,
            series: series.collect(),
            wanted: kills,
            killed: 0,
            random: 0,
            undisturbed,
        }
    }

    /// What a run of this work comes to that nobody kills.
    pub(super) fn undisturbed(&self, work: Work) -> Undisturbed {
        let mut all = self.undisturbed.iter();
        all.find(|(of, _)| *of == work)
            .map(|(_, undisturbed)| undisturbed.clone())
            .unwrap_or_default()
    }

    /// The next trial; none if there is nothing left to try.
    pub(super) fn next(&mut self) -> Option<Task> {
        let open = self.series.iter().position(|series| !series.over);
        match open {
            Some(index) => Some(self.next_step(index)),
            None if self.killed < self.wanted && !self.is_hopeless() => Some(self.next_random()),
            None => None,
        }
    }

    /// Whether runs are over before anybody can kill them.
    pub(super) const fn is_hopeless(&self) -> bool {
        self.random > Self::PATIENCE * (self.killed + 1)
    }

    /// How many kills at random instants there were, and in how many runs.
    pub(super) const fn random(&self) -> (u64, u64) {
        (self.killed, self.random)
    }

    /// Hands out nothing more.
    pub(super) fn end(&mut self) {
        self.series.clear();
        self.wanted = 0;
    }

    /// Learns what became of a trial.
    pub(super) fn learn(&mut self, task: &Task, trial: &Trial) {
        match task.series {
            None => self.killed += trial.kills,
            // It got through: there is no such call.
            Some(index) if trial.kills == 0 => {
                if let Some(series) = self.series.get_mut(index) {
                    series.over = true;
                }
            }
            Some(_) => {}
        }
    }

    fn next_step(&mut self, index: usize) -> Task {
        let series = &mut self.series[index];
        let call = series.next;
        series.next += 1;
        let (work, when) = (series.work, series.when);
        let first = KillPoint { when, call };
        let name = format!("{}-{}", work.name(), first.to_string().replace(':', "-"));
        let chance = self.chance.of(&name, 0);
        let more = (0..Self::depth(chance)).map(|life| {
            let chance = chance.of("life", life);
            let when = When::ALL[usize::try_from(chance.below("when", 3)).unwrap_or(0)];
            let call = 1 + chance.below("call", Self::CALLS_OF_A_RESUME);
            KillPoint { when, call }
        });
        let kills = [first].into_iter().chain(more).map(Kill::Step).collect();
        self.task(name, work, chance, kills, Some(index))
    }

    fn next_random(&mut self) -> Task {
        let number = self.random;
        self.random += 1;
        let work = Work::ALL[usize::from(number % 2 == 1)];
        let name = format!("random-{number}");
        let chance = self.chance.of("random", number);
        let lasted = self.undisturbed(work).lasted;
        let kills = (0..=Self::depth(chance)).map(|life| {
            let part = chance.of("instant", life).below("part", 10_000);
            Kill::Instant(lasted * u32::try_from(part).unwrap_or(0) / 10_000)
        });
        let kills = kills.collect();
        self.task(name, work, chance, kills, None)
    }

    /// How many resumes are killed too: none in half of the trials.
    fn depth(chance: Chance) -> u64 {
        chance
            .below("depth", 2 * Self::DEPTH)
            .saturating_sub(Self::DEPTH - 1)
    }

    fn task(
        &self,
        name: String,
        work: Work,
        chance: Chance,
        kills: Vec<Kill>,
        series: Option<usize>,
    ) -> Task {
        let seed = match self.seed {
            SeedOf::All(seed) => seed,
            SeedOf::Each => chance.value(),
        };
        let plot = Plot {
            name,
            work,
            seed,
            kills,
        };
        Task { plot, series }
    }
}
