//! A schedule as it is written down: `2.0.1.3`.

use std::fmt;
use std::str::FromStr;

use super::{Fork, Oracle};

/// The choices of one run, in order; after the last of them everything is harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule(Vec<u32>);

impl Schedule {
    /// From choices.
    #[must_use]
    pub fn new(mut choices: Vec<u32>) -> Self {
        let end = choices.iter().rposition(|chosen| *chosen != 0);
        choices.truncate(end.map_or(0, |last| last + 1));
        Self(choices)
    }

    /// What the oracle's schedule was so far.
    #[must_use]
    pub fn of(oracle: &Oracle) -> Self {
        Self::new(oracle.taken().iter().map(|fork| fork.chosen).collect())
    }

    /// The choice at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> u32 {
        self.0.get(at).copied().unwrap_or(0)
    }

    /// The choices.
    #[must_use]
    pub fn choices(&self) -> &[u32] {
        &self.0
    }

    /// A schedule that fails as this one does, with as little as can be going wrong in it: choices are
    /// made harmless one after another for as long as `fails` says that it still does.
    #[must_use]
    pub fn shrink(&self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let mut best = self.clone();
        let mut at = best.0.len();
        while let Some(place) = at.checked_sub(1) {
            at = place;
            let simpler = best.simpler(place).find(&mut fails);
            if let Some(simpler) = simpler {
                // What comes after may mean something else now.
                at = simpler.0.len();
                best = simpler;
            }
        }
        best
    }

    /// The schedule without what was chosen at a place, and without the choices that followed from it, of
    /// which nobody knows how many they were.
    fn simpler(&self, place: usize) -> impl Iterator<Item = Self> {
        let followers = if self.get(place) == 0 { 0 } else { 3 };
        (0..followers).map(move |followers| {
            let mut choices = self.0.clone();
            choices[place] = 0;
            let rest = choices.len().min(place + 1 + followers);
            choices.drain(place + 1..rest);
            Self::new(choices)
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut choices = self.0.iter();
        write!(f, "{}", choices.next().unwrap_or(&0))?;
        choices.try_for_each(|chosen| write!(f, ".{chosen}"))
    }
}

/// Text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a schedule\n  hint: a schedule is numbers with dots between them, such as 2.0.1.3"
)]
pub struct BadSchedule(String);

impl FromStr for Schedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        let choices: Result<Vec<u32>, _> = text.trim().split('.').map(str::parse).collect();
        choices
            .map(Self::new)
            .map_err(|_| BadSchedule(text.to_owned()))
    }
}

/// The choices in words: those that have a name or are not harmless, one a line.
pub(super) fn words(taken: &[Fork]) -> String {
    let mut text = String::new();
    for (at, fork) in taken.iter().enumerate() {
        let Fork {
            what,
            name,
            chosen,
            of,
        } = fork;
        let line = match (name.is_empty(), chosen) {
            (true, 0) => continue,
            (true, _) => format!("{at:>5}  {what}: option {chosen} of {of}\n"),
            (false, _) => format!("{at:>5}  {what}: {name}\n"),
        };
        text.push_str(&line);
    }
    text
}
