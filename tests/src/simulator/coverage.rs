//! What happened in the schedules that were run, and how often: a simulation in which something never
//! happens proves nothing about it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::oracle::{Fork, Oracle};

/// How often what was chosen.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// By the texts themselves, which the program holds once each.
    counts: HashMap<(usize, usize), (&'static str, &'static str, u64)>,
}

impl Coverage {
    /// Counts the choices of a schedule that has just ended: those that have a name.
    pub fn count(&mut self, oracle: &Oracle) {
        oracle.look(|taken| {
            for fork in taken {
                self.note(fork);
            }
        });
    }

    fn note(&mut self, fork: &Fork) {
        let Fork { what, name, .. } = *fork;
        if !name.is_empty() {
            let key = (what.as_ptr() as usize, name.as_ptr() as usize);
            self.counts.entry(key).or_insert((what, name, 0)).2 += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (key, (what, name, count)) in &other.counts {
            self.counts.entry(*key).or_insert((*what, *name, 0)).2 += count;
        }
    }

    /// How often something was chosen.
    #[must_use]
    pub fn of(&self, what: &str, name: &str) -> u64 {
        let counts = self.counts.values();
        let own = counts.filter(|(w, n, _)| *w == what && *n == name);
        own.map(|(_, _, count)| count).sum()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = BTreeMap::<&str, BTreeMap<&str, u64>>::new();
        for (what, name, count) in self.counts.values() {
            *sorted.entry(what).or_default().entry(name).or_default() += count;
        }
        for (what, names) in sorted {
            writeln!(f, "  {what}")?;
            for (name, count) in names {
                writeln!(f, "    {count:>12}  {name}")?;
            }
        }
        Ok(())
    }
}
