//! The journal of a run: what was tried and what became of it, on the disk before anybody relies on it.
//!
//! Records are JSON lines in `idempotency_keys.jsonl` and, as that grows, in `idempotency_keys.000002.jsonl`
//! and so on. A batch of records is one write and one sync. Each line carries a sequence number, a link to
//! the line before it and a checksum, so that nothing can be changed, left out, doubled or moved without
//! being noticed; the one thing a journal cannot notice by itself is that whole lines are missing at its
//! end, for which a checkpoint keeps the [`Position`] it has seen.

mod error;
mod json;
mod line;
mod reader;
mod recovery;
mod reserve;
mod segment;
mod write_out;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use investbot_plugin_api::UnixNanos;

use super::Record;
use crate::fs::{Fs, FsFile, uninterrupted};
use crate::planted::{self, Bug};
pub use error::{Because, Flaw, IoFailure, JournalError};
pub use line::{Chain, Mark, Position};
pub use reader::{Contents, Reading, Sink, Torn, read};
use reserve::Reserve;
use write_out::begin;

/// How large the files of a journal are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// A file that has grown to this many bytes is not written on.
    pub segment: u64,
    /// How many bytes are held back for what must be written when the disk is full.
    pub reserve: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            // Of which the last is written anew at every start.
            segment: 4 * 1024 * 1024,
            reserve: 64 * 1024,
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

/// What a commit came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Everything that was staged is on the disk.
    All,
    /// The disk is full. Everything but the attempts is on the disk; those are gone.
    WithoutAttempts(IoFailure),
}

/// What may still be written.
#[derive(Debug)]
enum Health {
    Well,
    /// All but attempts: the space that is left is not theirs.
    Full(IoFailure),
    /// Nothing: what is on the disk is not known.
    Failed(IoFailure),
}

/// A journal that is open for writing.
pub struct Journal {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    path: PathBuf,
    file: Box<dyn FsFile>,
    /// How long the file is, without what is staged.
    length: u64,
    /// The last record that is on the disk.
    last: Mark,
    /// The file that is written on, and how many lines it has.
    segment: u32,
    lines: u64,
    sizes: Sizes,
    reserve: Option<Reserve>,
    health: Health,
    /// The lines that are staged.
    batch: Vec<u8>,
    staged: Staged,
}

/// What goes with the lines that are staged.
#[derive(Clone, Copy, Debug)]
struct Staged {
    position: Position,
    /// Where in the batch the last of them begins.
    last_begin: usize,
    lines: u64,
    attempts: u64,
}

impl Staged {
    /// Nothing, after `position`.
    const fn after(position: Position) -> Self {
        Self {
            position,
            last_begin: 0,
            lines: 0,
            attempts: 0,
        }
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .field("last", &self.last)
            .field("staged", &self.staged)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens the journal in a directory, or begins it. `sink` is given every record that is to be read.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        sizes: Sizes,
        reading: Reading,
        sink: &mut Sink<'_>,
    ) -> Result<(Self, Opening), JournalError> {
        if !planted::is(Bug::TailNotSecured) {
            recovery::secure(fs.as_ref(), dir)?;
        }
        let contents = read(fs.as_ref(), dir, reading, sink)?;
        let reserve = Reserve::take(fs.as_ref(), dir, sizes.reserve)?;
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
        let last = contents.mark;
        let journal = Self {
            fs,
            dir: dir.to_owned(),
            path,
            file,
            length,
            last,
            segment,
            lines: if segment == last.segment {
                last.line
            } else {
                0
            },
            sizes,
            reserve: Some(reserve),
            health: Health::Well,
            batch: Vec::new(),
            staged: Staged::after(last.position),
        };
        let torn = contents.torn;
        Ok((journal, Opening { torn, broken }))
    }

    /// The last record that is on the disk.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        self.last
    }

    /// Whether nothing is staged.
    #[must_use]
    pub const fn is_committed(&self) -> bool {
        self.batch.is_empty()
    }

    /// Makes the line of a record, which the next commit writes. An error changes nothing.
    pub fn stage(&mut self, at: UnixNanos, record: &Record<'_>) -> Result<(), JournalError> {
        let is_attempt = matches!(record, Record::Attempt(_));
        match &self.health {
            Health::Failed(first) => return Err(JournalError::Failed(first.clone())),
            Health::Full(first) if is_attempt => return Err(JournalError::Full(first.clone())),
            Health::Full(_) | Health::Well => {}
        }
        let begin = self.batch.len();
        let written = line::write(&mut self.batch, self.staged.position, at, record);
        let length = self.batch.len() - begin;
        let position = match written {
            Ok(position) if length < line::MAX_LINE => position,
            failed => {
                self.batch.truncate(begin);
                let text = match failed {
                    Ok(_) => format!("its line has {length} bytes, of at most {}", line::MAX_LINE),
                    Err(error) => error.to_string(),
                };
                return Err(JournalError::Record { text });
            }
        };
        self.staged = Staged {
            position,
            last_begin: begin,
            lines: self.staged.lines + 1,
            attempts: self.staged.attempts + u64::from(is_attempt),
        };
        Ok(())
    }

    /// Writes what was staged: all of it is on the disk when this returns, or all but the attempts, as the
    /// answer says. After an error it is not known what is on the disk, and nothing can be written any more.
    pub fn commit(&mut self) -> Result<Committed, JournalError> {
        if let Health::Failed(first) = &self.health {
            return Err(JournalError::Failed(first.clone()));
        }
        let answer = if self.batch.is_empty() {
            Ok(Committed::All)
        } else {
            self.write_out()
        };
        self.batch.clear();
        self.staged = Staged::after(self.last.position);
        answer.map_err(|failure| {
            self.health = Health::Failed(failure.clone());
            failure.into()
        })
    }
}

#[cfg(test)]
mod tests;
