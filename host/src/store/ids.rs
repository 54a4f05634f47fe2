//! What became of callers' ids: an index over the journal, so that none has to be searched for there.
//!
//! The index is a cache. It knows up to which record it was filled, and is filled from there, or from the
//! journal's beginning if it is gone or damaged. What it holds was in the journal, on the disk, before: an index
//! that knows a record which the journal does not have shows that the journal's end is lost. It is opened when it
//! is first asked: a run whose orders carry no ids pays nothing for it.

mod disk;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal::{Flaw, JournalError, Mark, Reading, read};
use super::{Record, StoreError, TakenIn};
use crate::engine::Seen;
use crate::fs::Fs;
use crate::planted::{self, Bug};
pub use disk::{DiskIndex, NAME};

/// How many ids are collected before they are put into the index.
const BATCH: usize = 4096;

/// What is known of ids up to some record of a journal.
pub trait IdIndex: Send {
    /// The record up to which it was filled.
    fn filled_to(&self) -> Mark;

    /// What became of an id.
    fn get(&self, id: &str) -> Result<Option<Seen>, StoreError>;

    /// Adds ids; afterwards it is filled up to `mark`. Of a crash it may keep the ids and the mark, or
    /// neither.
    fn put(&mut self, ids: &HashMap<String, Seen>, mark: Mark) -> Result<(), StoreError>;

    /// Forgets everything.
    fn clear(&mut self) -> Result<(), StoreError>;
}

/// An index that ends with the process.
#[derive(Debug)]
pub struct MemoryIndex {
    ids: HashMap<String, Seen>,
    mark: Mark,
}

impl Default for MemoryIndex {
    fn default() -> Self {
        Self {
            ids: HashMap::new(),
            mark: Mark::START,
        }
    }
}

impl IdIndex for MemoryIndex {
    fn filled_to(&self) -> Mark {
        self.mark
    }

    fn get(&self, id: &str) -> Result<Option<Seen>, StoreError> {
        Ok(self.ids.get(id).cloned())
    }

    fn put(&mut self, ids: &HashMap<String, Seen>, mark: Mark) -> Result<(), StoreError> {
        let copies = ids.iter().map(|(id, seen)| (id.clone(), seen.clone()));
        self.ids.extend(copies);
        self.mark = mark;
        Ok(())
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        *self = Self::default();
        Ok(())
    }
}

/// Where the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdsAt {
    /// In memory, filled from the journal by every process.
    #[default]
    Memory,
    /// In a directory of the run directory, on the system's own disk.
    Disk,
}

/// The ids of a run: those in the index, and those that came since it was filled.
pub(super) struct Ids {
    at: IdsAt,
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    index: Option<Box<dyn IdIndex>>,
    recent: HashMap<String, Seen>,
    /// The file that the journal was in when ids were last put into the index.
    put_in: u32,
}

impl Ids {
    pub(super) fn new(at: IdsAt, fs: Arc<dyn Fs>, dir: &Path) -> Self {
        Self {
            at,
            fs,
            dir: dir.to_owned(),
            index: None,
            recent: HashMap::new(),
            put_in: 0,
        }
    }

    /// Takes note of an id that was just taken up.
    pub(super) fn note(&mut self, taken: &TakenIn<'_>) {
        if let Some((id, seen)) = taken.taken_up() {
            self.recent.insert(id.to_owned(), seen.clone());
        }
    }

    /// All ids of the journal up to `end` were noted: the index need not look for them.
    pub(super) fn filled(&mut self, end: Mark) {
        let ids = std::mem::take(&mut self.recent);
        self.index = Some(Box::new(MemoryIndex { ids, mark: end }));
    }

    /// What became of an id; `end` is where the journal ends.
    pub(super) fn seen(&mut self, id: &str, end: Mark) -> Result<Option<Seen>, StoreError> {
        if let Some(seen) = self.recent.get(id) {
            return Ok(Some(seen.clone()));
        }
        if planted::is(Bug::IdsForgotten) {
            return Ok(None);
        }
        match self.index(end).and_then(|index| index.get(id)) {
            Err(error @ StoreError::Index { .. }) => {
                tracing::warn!(%error, "the index of callers' ids is made anew");
                if let Some(mut index) = self.index.take() {
                    index.clear()?;
                }
                self.index(end)?.get(id)
            }
            answer => answer,
        }
    }

    /// Everything up to `end` is in the journal now. An index that fails is put down, and opened and filled
    /// from the journal when it is next asked.
    pub(super) fn committed(&mut self, end: Mark) {
        // Now and then though there are few ids, or the next process would have much to read.
        let is_behind = self.index.is_some() && self.put_in != end.segment;
        if !is_behind && self.recent.len() < BATCH {
            return;
        }
        self.put_in = end.segment;
        let recent = std::mem::take(&mut self.recent);
        let put = self.index(end).and_then(|index| index.put(&recent, end));
        if let Err(error) = put {
            tracing::warn!(%error, "the index of callers' ids is put down");
            self.index = None;
        }
    }

    /// The index; when it is opened, it is filled up to where the journal ends.
    fn index(&mut self, end: Mark) -> Result<&mut dyn IdIndex, StoreError> {
        let index = match self.index.take() {
            Some(index) => index,
            None => {
                let mut index: Box<dyn IdIndex> = match self.at {
                    IdsAt::Memory => Box::new(MemoryIndex::default()),
                    IdsAt::Disk => Box::new(DiskIndex::open(&self.dir)?),
                };
                catch_up(index.as_mut(), self.fs.as_ref(), &self.dir, end)?;
                index
            }
        };
        Ok(self.index.insert(index).as_mut())
    }
}

/// Fills an index with what the journal has and it has not.
fn catch_up(index: &mut dyn IdIndex, fs: &dyn Fs, dir: &Path, end: Mark) -> Result<(), StoreError> {
    let from = index.filled_to();
    if from == end {
        return Ok(());
    }
    fill(index, fs, dir, from).map_err(|error| match error {
        StoreError::Journal(
            JournalError::CutShort { .. }
            | JournalError::Corrupt {
                flaw: Flaw::OtherHistory(_),
                ..
            },
        ) => StoreError::LostEnd {
            dir: dir.to_owned(),
            index: dir.join(NAME),
            expected: from.position.seq,
        },
        other => other,
    })
}

fn fill(index: &mut dyn IdIndex, fs: &dyn Fs, dir: &Path, from: Mark) -> Result<(), StoreError> {
    let mut ids = HashMap::new();
    let mut failed = None;
    let reading = Reading {
        from: Some(from),
        expected: None,
    };
    let contents = read(fs, dir, reading, &mut |mark, _, record| {
        if let Record::Intent(taken) = &record
            && let Some((id, seen)) = taken.taken_up()
        {
            ids.insert(id.to_owned(), seen.clone());
        }
        if ids.len() < BATCH {
            return Ok(());
        }
        let put = index.put(&ids, mark);
        ids.clear();
        put.map_err(|error| {
            let text = error.to_string();
            failed = Some(error);
            text
        })
    });
    if let Some(failed) = failed {
        return Err(failed);
    }
    index.put(&ids, contents?.mark)
}

#[cfg(test)]
mod tests;
