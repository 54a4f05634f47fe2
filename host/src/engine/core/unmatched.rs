//! Fills that belong to no order of the run, remembered so that each is told once.

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::engine::text;

/// How many are remembered.
const REMEMBERED: usize = 4096;

/// Those that are remembered, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnmatchedRecord {
    #[serde(with = "text")]
    count: u64,
    recent: VecDeque<String>,
}

/// Fills that belong to no order of the run.
#[derive(Default)]
pub(super) struct Unmatched {
    pub(super) count: u64,
    recent: VecDeque<String>,
    known: HashSet<String>,
}

impl Unmatched {
    /// Whether this one was not known.
    pub(super) fn note(&mut self, instrument: &str, fill_id: &str) -> bool {
        let name = format!("{instrument}\n{fill_id}");
        if !self.known.insert(name.clone()) {
            return false;
        }
        self.count += 1;
        self.recent.push_back(name);
        if self.recent.len() > REMEMBERED
            && let Some(oldest) = self.recent.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    pub(super) fn record(&self) -> UnmatchedRecord {
        UnmatchedRecord {
            count: self.count,
            recent: self.recent.clone(),
        }
    }

    pub(super) fn restore(record: UnmatchedRecord) -> Self {
        Self {
            count: record.count,
            known: record.recent.iter().cloned().collect(),
            recent: record.recent,
        }
    }
}
