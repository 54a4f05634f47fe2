//! What came of a run, in one value.

use std::time::Duration;

use crate::engine::{OrderState, Summary};
use crate::feed::BarStats;

/// A run that came to an end.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// How it ended.
    pub end: End,
    /// What came of it.
    pub summary: Summary,
    /// What its bars were, if it had any.
    pub bars: Option<BarsRead>,
    /// The digest over its execution reports.
    pub report_digest: String,
    /// The plugin that it ran on.
    pub plugin: PluginUsed,
    /// The strategy's or stream's name.
    pub stream: String,
    /// The instrument of its bars.
    pub instrument: String,
    /// How long it took, from the first item to the last.
    pub elapsed: Duration,
}

impl RunResult {
    /// How many orders somebody has to look up.
    #[must_use]
    pub fn open_questions(&self) -> u64 {
        let count = |state| self.summary.orders.get(&state).copied().unwrap_or_default();
        count(OrderState::InDoubt) + count(OrderState::Held)
    }
}

/// How a run ended, if not by an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The source came to its end.
    Complete,
    /// Somebody asked for a stop.
    Stopped,
    /// The core halted the run: a limit was broken, or the source contradicts itself.
    Halted {
        /// The stable code of the reason.
        code: &'static str,
        /// What happened.
        text: String,
    },
}

/// What a run read.
#[derive(Clone, Debug)]
pub struct BarsRead {
    /// The name of the source.
    pub source: String,
    /// How long a bar is.
    pub interval: Duration,
    /// Rows, gaps, duplicates.
    pub stats: BarStats,
    /// The SHA-256 of the file, if it was read to the end.
    pub digest: Option<String>,
}

/// What a run traded through.
#[derive(Clone, Debug)]
pub struct PluginUsed {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The digest of its bytes.
    pub sha256: String,
}
