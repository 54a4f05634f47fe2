//! The market that a simulated venue is shown: bars are kept until somebody needs the venue to know
//! them, because one call with many bars costs far less than many calls.

use investbot_plugin_api::{Bar, BarBatch};

use crate::plugin::{Answer, Venue};

/// Bars not shown yet.
#[derive(Debug)]
pub struct Market {
    pending: BarBatch,
    limit: usize,
    /// Whether the venue looks at bars at all.
    simulated: bool,
}

impl Market {
    /// The market of `instrument`, shown to the venue in batches of at most `limit` bars.
    #[must_use]
    pub fn new(instrument: &str, limit: usize, simulated: bool) -> Self {
        let bars = Vec::with_capacity(limit);
        let pending = BarBatch {
            instrument: instrument.to_owned(),
            bars,
        };
        Self {
            pending,
            limit,
            simulated,
        }
    }

    /// Adds the latest bar.
    pub fn push(&mut self, bar: &Bar) {
        if self.simulated {
            self.pending.bars.push(*bar);
        }
    }

    /// Whether there is nothing to be shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.bars.is_empty()
    }

    /// Whether the bars have to be shown before another is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.pending.bars.len() >= self.limit
    }

    /// Shows the venue what it has not seen, and answers how many bars that were.
    pub fn show(&mut self, venue: &dyn Venue) -> Answer<usize> {
        let shown = self.pending.bars.len();
        if shown > 0 {
            venue.on_bars(&self.pending)?;
            self.pending.bars.clear();
        }
        Ok(shown)
    }
}
