//! The store for money: what it says is kept is on the disk.

use std::path::Path;
use std::sync::Arc;

use investbot_plugin_api::UnixNanos;

use super::ids::{Ids, IdsAt};
use super::journal::{Committed, Journal, JournalError, Mark, Opening, Sink, Sizes};
use super::ledger::{Ledger, LedgerState};
use super::{Claim, Epoch, IdempotencyStore, Record, StoreError};
use crate::engine::Seen;
use crate::fs::Fs;

/// How a store is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How large the journal's files are.
    pub sizes: Sizes,
    /// What a checkpoint kept, so that only what came after it is read.
    pub from: Option<(Mark, LedgerState)>,
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
    ids: Ids,
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
        let (from, state) = options.from.unzip();
        let mut ledger = Ledger::restore(state.unwrap_or_default());
        let take = &mut |mark, at, record: Record<'_>| {
            ledger
                .check(&record)
                .map_err(|refused| refused.to_string())?;
            ledger.apply(&record);
            ledger.committed();
            sink(mark, at, record)
        };
        let (journal, opening) = Journal::open(fs.clone(), dir, options.sizes, from, take)?;
        let store = Self {
            journal,
            ledger,
            ids: Ids::new(options.ids, fs, dir),
        };
        Ok(Found { opening, store })
    }

    /// The process that works on the run, or that did.
    #[must_use]
    pub const fn epoch(&self) -> Option<&Epoch> {
        self.ledger.epoch()
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
        let committed = self.journal.is_committed();
        committed.then(|| (self.journal.mark(), self.ledger.state()))
    }

    fn mark(&self) -> Option<Mark> {
        Some(self.journal.mark())
    }
}

#[cfg(test)]
mod tests;
