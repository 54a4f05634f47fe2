//! The journal of a run: what was tried and what became of it, on the disk before anybody relies on it.
//!
//! Records are JSON lines in `idempotency_keys.jsonl` and, as that grows, in `idempotency_keys.000002.jsonl`
//! and so on. A batch of records is one write and one sync. Each line carries a sequence number, a link to
//! the line before it and a checksum, so that nothing can be changed, left out, doubled or moved without
//! being noticed; the one thing a journal cannot notice by itself is that whole lines are missing at its
//! end, for which a checkpoint keeps the [`Position`] it has seen.

mod error;
mod line;
mod mirror;
mod reader;
mod record;
mod recovery;
mod reserve;
mod segment;
mod text;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use investbot_plugin_api::UnixNanos;

use crate::fs::{Fs, FsFile, uninterrupted};
pub use error::{Because, Flaw, IoFailure, JournalError};
pub use line::{Chain, Position};
pub use reader::{Contents, Sink, Torn, read};
pub use record::{Epoch, Held, Outcome, Record, Resolved};
use reserve::Reserve;

/// How a journal is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A file that has grown to this many bytes is not written on.
    pub segment_bytes: u64,
    /// What a checkpoint has seen of the journal, and what must therefore be there.
    pub expected: Option<Position>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 16 * 1024 * 1024,
            expected: None,
        }
    }
}

/// What opening a journal came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The write that was cut off, if there was one.
    pub torn: Option<Torn>,
    /// Where its bytes are kept.
    pub broken: Option<PathBuf>,
}

/// What may still be written.
#[derive(Debug)]
enum Health {
    Well,
    /// Outcomes, but no attempts: the space that is left is theirs.
    Full(IoFailure),
    /// Nothing: what is on the disk is not known.
    Failed(IoFailure),
}

/// A journal that is open for writing.
pub struct Journal {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    segment: u32,
    path: PathBuf,
    file: Box<dyn FsFile>,
    length: u64,
    position: Position,
    segment_bytes: u64,
    reserve: Option<Reserve>,
    health: Health,
    /// The batch that is being written; kept for its memory.
    batch: Vec<u8>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .field("position", &self.position)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens the journal in a directory, or begins it. `sink` is given every record that is there.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: Options,
        sink: &mut Sink<'_>,
    ) -> Result<(Self, Opening), JournalError> {
        let contents = read(fs.as_ref(), dir, options.expected, sink)?;
        let reserve = Reserve::take(fs.as_ref(), dir)?;
        let broken = recovery::mend(fs.as_ref(), dir, &contents)?;
        let segment = contents.current().max(1);
        let path = segment::path(dir, segment);
        let mut file = if contents.current() == 0 {
            begin(fs.as_ref(), dir, &path)?
        } else {
            uninterrupted(|| fs.open_append(&path))
                .map_err(|e| IoFailure::new("open", &path, &e))?
        };
        let length = uninterrupted(|| file.length())
            .map_err(|error| IoFailure::new("look at", &path, &error))?;
        let journal = Self {
            fs,
            dir: dir.to_owned(),
            segment,
            path,
            file,
            length,
            position: contents.position,
            segment_bytes: options.segment_bytes,
            reserve: Some(reserve),
            health: Health::Well,
            batch: Vec::new(),
        };
        let torn = contents.torn;
        Ok((journal, Opening { torn, broken }))
    }

    /// The last record that is on the disk.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Writes a batch: all of it is on the disk when this returns, or an error says that it may not be.
    /// After an error other than [`JournalError::Full`] nothing can be written any more; after that one,
    /// no attempts.
    pub fn append(
        &mut self,
        at: UnixNanos,
        records: &[Record<'_>],
    ) -> Result<Position, JournalError> {
        let attempts = records
            .iter()
            .any(|record| matches!(record, Record::Attempt(_)));
        match &self.health {
            Health::Failed(first) => return Err(JournalError::Failed(first.clone())),
            Health::Full(first) if attempts => return Err(JournalError::Full(first.clone())),
            Health::Full(_) | Health::Well => {}
        }
        if records.is_empty() {
            return Ok(self.position);
        }
        let after = self.encode(at, records)?;
        if self.length >= self.segment_bytes && matches!(self.health, Health::Well) {
            match self.next_segment() {
                Err(failure) if failure.full && !attempts => self.run_full(failure),
                Err(failure) => return Err(self.give_up(failure)),
                Ok(()) => {}
            }
        }
        if let Err(failure) = self.write_batch() {
            if !failure.full {
                return Err(self.give_up(failure));
            }
            let first = matches!(self.health, Health::Well);
            self.cut_back()?;
            self.run_full(failure.clone());
            if attempts || !first {
                return Err(JournalError::Full(failure));
            }
            // What is known must not be lost for want of the space that was kept back for it.
            if let Err(failure) = self.write_batch() {
                if !failure.full {
                    return Err(self.give_up(failure));
                }
                self.cut_back()?;
                return Err(JournalError::Full(failure));
            }
        }
        self.sync()?;
        self.length += self.batch.len() as u64;
        self.position = after;
        Ok(after)
    }

    /// Makes the batch's lines; they count only once they are on the disk.
    fn encode(&mut self, at: UnixNanos, records: &[Record<'_>]) -> Result<Position, JournalError> {
        self.batch.clear();
        let mut position = self.position;
        for record in records {
            let begin = self.batch.len();
            position = line::write(&mut self.batch, position, at, record).map_err(|error| {
                JournalError::Record {
                    text: error.to_string(),
                }
            })?;
            let length = self.batch.len() - begin;
            if length >= line::MAX_LINE {
                let text = format!("its line has {length} bytes, of at most {}", line::MAX_LINE);
                return Err(JournalError::Record { text });
            }
        }
        Ok(position)
    }

    fn write_batch(&mut self) -> Result<(), IoFailure> {
        let failed = |error: &io::Error| IoFailure::new("write", &self.path, error);
        match uninterrupted(|| self.file.write(&self.batch)) {
            Ok(taken) if taken == self.batch.len() => Ok(()),
            // Part of it was taken: what a disk or a limit does that has no room for the rest.
            Ok(taken) => {
                let text = format!("only {taken} of {} bytes were taken", self.batch.len());
                Err(failed(&io::Error::new(io::ErrorKind::WriteZero, text)))
            }
            Err(error) => Err(failed(&error)),
        }
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        uninterrupted(|| self.file.sync_data()).map_err(|error| {
            let failure = IoFailure::new("sync", &self.path, &error);
            self.fail(failure)
        })
    }

    /// Back to the last whole line. On the disk, before anything is written in its place: a mixture of
    /// the two batches could not be told from damage.
    fn cut_back(&mut self) -> Result<(), JournalError> {
        let length = self.length;
        uninterrupted(|| self.file.truncate(length)).map_err(|error| {
            let failure = IoFailure::new("cut back", &self.path, &error);
            self.fail(failure)
        })?;
        self.sync()
    }

    fn next_segment(&mut self) -> Result<(), IoFailure> {
        let path = segment::path(&self.dir, self.segment + 1);
        match begin(self.fs.as_ref(), &self.dir, &path) {
            Ok(file) => {
                self.segment += 1;
                self.path = path;
                self.file = file;
                self.length = 0;
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// From here on, outcomes only.
    fn run_full(&mut self, failure: IoFailure) {
        if let Some(reserve) = self.reserve.take() {
            reserve.free(self.fs.as_ref());
        }
        if matches!(self.health, Health::Well) {
            self.health = Health::Full(failure);
        }
    }

    /// The error for a failure before the sync: want of space leaves room for outcomes, all else nothing.
    fn give_up(&mut self, failure: IoFailure) -> JournalError {
        if failure.full {
            self.run_full(failure.clone());
            JournalError::Full(failure)
        } else {
            self.fail(failure)
        }
    }

    /// From here on, nothing.
    fn fail(&mut self, failure: IoFailure) -> JournalError {
        self.health = Health::Failed(failure.clone());
        JournalError::Io(failure)
    }
}

/// Makes a new file, on the disk with its name before anything is in it.
fn begin(fs: &dyn Fs, dir: &Path, path: &Path) -> Result<Box<dyn FsFile>, IoFailure> {
    let failed = |action, error: &io::Error| IoFailure::new(action, path, error);
    let mut file =
        uninterrupted(|| fs.create_new(path)).map_err(|error| failed("create", &error))?;
    uninterrupted(|| file.sync_data()).map_err(|error| failed("sync", &error))?;
    uninterrupted(|| fs.sync_dir(dir)).map_err(|error| failed("sync the directory of", &error))?;
    Ok(file)
}

#[cfg(test)]
mod tests;
