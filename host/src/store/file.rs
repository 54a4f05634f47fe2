//! The store for money: what it says is kept is on the disk.

use std::path::Path;
use std::sync::Arc;

use investbot_plugin_api::UnixNanos;

use super::ids::{Ids, IdsAt};
use super::journal::{
    Committed, Contents, Journal, JournalError, Mark, Opening, Position, Reading, Sink, Sizes, read,
};
use super::ledger::{Ledger, LedgerState};
use super::{Claim, Epoch, IdempotencyStore, Record, StoreError};
use crate::engine::Seen;
use crate::fs::Fs;
use crate::planted::{self, Bug};

/// How a store is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How large the journal's files are.
    pub sizes: Sizes,
    /// What a checkpoint kept, so that only what came after it is read.
    pub from: Option<(Mark, LedgerState)>,
    /// What a checkpoint has seen of the journal, where all of it is read nevertheless.
    pub expected: Option<Position>,
    /// Where the index of callers' ids is.
    pub ids: IdsAt,
}

/// Who goes to work on the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The run's id.
    pub run_id: String,
    /// The digest of the plugin's file.
    pub plugin_sha256: String,
    /// When, by the system's clock.
    pub started_at: UnixNanos,
}

/// A store that was read, and on which nobody works yet.
#[derive(Debug)]
pub struct Found {
    /// Whether a write had to be cut off.
    pub opening: Opening,
    store: FileIdempotencyStore,
}

impl Found {
    /// Who worked on it last.
    #[must_use]
    pub const fn last_epoch(&self) -> Option<&Epoch> {
        self.store.epoch()
    }

    /// Where the journal ends.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        self.store.journal.mark()
    }

    /// The attempts without a settlement, by key.
    #[must_use]
    pub fn in_doubt(&self) -> Vec<Claim> {
        self.store.ledger.in_doubt()
    }

    /// The attempts that wait for a person, by key.
    #[must_use]
    pub fn held(&self) -> Vec<Claim> {
        self.store.ledger.held()
    }

    /// Goes to work; from here on, this process is the run.
    pub fn begin(self, start: Start, now: UnixNanos) -> Result<FileIdempotencyStore, StoreError> {
        let mut store = self.store;
        let number = store.epoch().map_or(1, |last| last.number + 1);
        let epoch = Epoch {
            number,
            run_id: start.run_id,
            plugin_sha256: start.plugin_sha256,
            started_at: start.started_at,
        };
        store.stage(Record::Epoch(epoch), now)?;
        store.commit()?;
        Ok(store)
    }
}

/// A run's memory in a journal.
pub struct FileIdempotencyStore {
    journal: Journal,
    ledger: Ledger,
    pub(super) ids: Ids,
}

impl std::fmt::Debug for FileIdempotencyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileIdempotencyStore")
            .field("journal", &self.journal)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

impl FileIdempotencyStore {
    /// Reads the journal in a directory, or begins one. `sink` is given every record that comes after the
    /// checkpoint; what the rules would not have let happen is not believed.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: Options,
        sink: &mut Sink<'_>,
    ) -> Result<Found, StoreError> {
        let (reading, mut ledger) = begin_with(options.from, options.expected);
        let mut ids = Ids::new(options.ids, fs.clone(), dir);
        // An index in memory needs all that the journal says, and here it is read.
        let fills = options.ids == IdsAt::Memory && reading.from.is_none();
        let mut noting = |mark: Mark, at: UnixNanos, record: Record<'_>| {
            if let (true, Record::Intent(taken)) = (fills, &record) {
                ids.note(taken);
            }
            sink(mark, at, record)
        };
        let (journal, opening) = Journal::open(
            fs,
            dir,
            options.sizes,
            reading,
            &mut believing(&mut ledger, &mut noting),
        )?;
        if fills {
            ids.filled(journal.mark());
        }
        let store = Self {
            journal,
            ledger,
            ids,
        };
        Ok(Found { opening, store })
    }

    /// The process that works on the run, or that did.
    #[must_use]
    pub const fn epoch(&self) -> Option<&Epoch> {
        self.ledger.epoch()
    }
}

/// What a journal says, and what is still to come by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Where it ends, and how.
    pub contents: Contents,
    /// Who worked on it last.
    pub last_epoch: Option<Epoch>,
    /// The attempts without a settlement, by key.
    pub in_doubt: Vec<Claim>,
    /// The attempts that wait for a person, by key.
    pub held: Vec<Claim>,
}

/// Reads a run's journal by the same rules as [`FileIdempotencyStore::open`] and changes nothing, not even a
/// write that was cut off.
pub fn inspect(
    fs: &dyn Fs,
    dir: &Path,
    from: Option<(Mark, LedgerState)>,
    expected: Option<Position>,
    sink: &mut Sink<'_>,
) -> Result<Inspected, StoreError> {
    let (reading, mut ledger) = begin_with(from, expected);
    let contents = read(fs, dir, reading, &mut believing(&mut ledger, sink))?;
    Ok(Inspected {
        contents,
        last_epoch: ledger.epoch().cloned(),
        in_doubt: ledger.in_doubt(),
        held: ledger.held(),
    })
}

fn begin_with(from: Option<(Mark, LedgerState)>, expected: Option<Position>) -> (Reading, Ledger) {
    let (from, state) = from.unzip();
    let ledger = Ledger::restore(state.unwrap_or_default());
    (Reading { from, expected }, ledger)
}

/// Takes records into a ledger. What the rules would not have let happen is not believed.
fn believing<'s>(
    ledger: &'s mut Ledger,
    sink: &'s mut Sink<'_>,
) -> impl FnMut(Mark, UnixNanos, Record<'_>) -> Result<(), String> + 's {
    move |mark, at, record| {
        ledger.check(&record).map_err(|refused| {
            // Without its hint, which is for the one who breaks the rule.
            let text = refused.to_string();
            text.lines().next().unwrap_or_default().to_owned()
        })?;
        ledger.apply(&record);
        ledger.committed();
        sink(mark, at, record)
    }
}

impl IdempotencyStore for FileIdempotencyStore {
    fn stage(&mut self, record: Record<'_>, at: UnixNanos) -> Result<(), StoreError> {
        self.ledger.check(&record)?;
        self.journal
            .stage(at, &record)
            .map_err(|error| match (error, &record) {
                (JournalError::Full(failure), Record::Attempt(claim)) => StoreError::Full {
                    keys: vec![claim.key.clone()],
                    failure,
                },
                (error, _) => error.into(),
            })?;
        if let Record::Intent(taken) = &record {
            self.ids.note(taken);
        }
        self.ledger.apply(&record);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.journal.commit()?;
        let keys = match &committed {
            Committed::All => Vec::new(),
            Committed::WithoutAttempts(_) => self.ledger.take_back(),
        };
        self.ledger.committed();
        self.ids.committed(self.journal.mark());
        match committed {
            Committed::All => Ok(()),
            Committed::WithoutAttempts(failure) => Err(StoreError::Full { keys, failure }),
        }
    }

    fn in_doubt(&self) -> Vec<Claim> {
        self.ledger.in_doubt()
    }

    fn absent(&self) -> Vec<Claim> {
        self.ledger.absent()
    }

    fn held(&self) -> Vec<Claim> {
        self.ledger.held()
    }

    fn seen(&mut self, id: &str) -> Result<Option<Seen>, StoreError> {
        self.ids.seen(id, self.journal.mark())
    }

    fn snapshot(&self) -> Option<(Mark, LedgerState)> {
        let committed = self.journal.is_committed() || planted::is(Bug::CheckpointAhead);
        committed.then(|| (self.journal.mark(), self.ledger.state()))
    }

    fn mark(&self) -> Option<Mark> {
        Some(self.journal.mark())
    }
}

#[cfg(test)]
mod tests;
