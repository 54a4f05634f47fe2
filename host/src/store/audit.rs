//! Reads a run's journal as a store would, and changes nothing: for whoever checks it.

use std::path::Path;

use investbot_plugin_api::UnixNanos;

use super::journal::{Contents, Mark, Position, Reading, read};
use super::ledger::Ledger;
use super::{LedgerState, Record, StoreError};
use crate::fs::Fs;

/// What a store would know of its run.
pub struct Known<'l>(&'l Ledger);

impl Known<'_> {
    /// All of it, as a checkpoint keeps it.
    #[must_use]
    pub fn state(&self) -> LedgerState {
        self.0.state()
    }
}

/// Takes the records, one at a time, with where they are, when they were taken in, and what a store knows
/// after each. It may object.
pub type Each<'e> = dyn FnMut(Mark, UnixNanos, &Record<'_>, Known<'_>) -> Result<(), String> + 'e;

/// Reads the whole journal from its first segment: every checksum, every link, every rule of the order
/// protocol. It has to hold `expected`, if that is given.
pub fn audit(
    fs: &dyn Fs,
    dir: &Path,
    expected: Option<Position>,
    each: &mut Each<'_>,
) -> Result<Contents, StoreError> {
    let mut ledger = Ledger::default();
    let reading = Reading {
        from: None,
        expected,
    };
    let contents = read(fs, dir, reading, &mut |mark, at, record| {
        ledger
            .check(&record)
            .map_err(|refused| refused.to_string())?;
        ledger.apply(&record);
        ledger.committed();
        each(mark, at, &record, Known(&ledger))
    })?;
    Ok(contents)
}
