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

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use investbot_plugin_api::UnixNanos;

use super::Record;
use crate::fs::{Fs, FsFile, uninterrupted};
pub use error::{Because, Flaw, IoFailure, JournalError};
use line::Line;
pub use line::{Chain, Mark, Position};
pub use reader::{Contents, Reading, Sink, Torn, read};
use reserve::Reserve;

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
            segment: 16 * 1024 * 1024,
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
    /// Opens the journal in a directory, or begins it. `sink` is given every record after `from`.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        sizes: Sizes,
        from: Option<Mark>,
        sink: &mut Sink<'_>,
    ) -> Result<(Self, Opening), JournalError> {
        let reading = Reading {
            from,
            expected: None,
        };
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

    fn write_out(&mut self) -> Result<Committed, IoFailure> {
        let mut committed = Committed::All;
        if self.length >= self.sizes.segment && matches!(self.health, Health::Well) {
            match self.next_segment() {
                Err(failure) if failure.full => committed = self.run_full(failure),
                done => done?,
            }
        }
        while let Err(failure) = self.write_batch() {
            if !failure.full {
                return Err(failure);
            }
            self.cut_back()?;
            match &self.health {
                Health::Well => committed = self.run_full(failure),
                // A limit of the file's size is no limit of the next one's.
                _ if self.length > 0 => self.next_segment()?,
                _ => return Err(failure),
            }
        }
        if !self.batch.is_empty() {
            self.sync()?;
        }
        self.advance();
        Ok(committed)
    }

    /// What was staged is on the disk.
    fn advance(&mut self) {
        let staged = self.staged;
        if staged.lines == 0 {
            return;
        }
        self.lines += staged.lines;
        self.last = Mark {
            position: staged.position,
            segment: self.segment,
            offset: self.length + staged.last_begin as u64,
            line: self.lines,
        };
        self.length += self.batch.len() as u64;
    }

    fn write_batch(&mut self) -> Result<(), IoFailure> {
        if self.batch.is_empty() {
            return Ok(());
        }
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

    fn sync(&mut self) -> Result<(), IoFailure> {
        uninterrupted(|| self.file.sync_data())
            .map_err(|error| IoFailure::new("sync", &self.path, &error))
    }

    /// Back to the last whole line. On the disk, before anything is written in its place: a mixture of
    /// the two batches could not be told from damage.
    fn cut_back(&mut self) -> Result<(), IoFailure> {
        let length = self.length;
        uninterrupted(|| self.file.truncate(length))
            .map_err(|error| IoFailure::new("cut back", &self.path, &error))?;
        self.sync()
    }

    fn next_segment(&mut self) -> Result<(), IoFailure> {
        let path = segment::path(&self.dir, self.segment + 1);
        self.file = begin(self.fs.as_ref(), &self.dir, &path)?;
        self.segment += 1;
        self.path = path;
        self.length = 0;
        self.lines = 0;
        Ok(())
    }

    /// From here on, no attempts; those that are staged neither. The space that was held back is for what
    /// is known already.
    fn run_full(&mut self, failure: IoFailure) -> Committed {
        if let Some(reserve) = self.reserve.take() {
            reserve.free(self.fs.as_ref());
        }
        self.health = Health::Full(failure.clone());
        if self.staged.attempts == 0 {
            return Committed::All;
        }
        let batch = std::mem::take(&mut self.batch);
        self.staged = Staged::after(self.last.position);
        for line in batch.split_inclusive(|byte| *byte == b'\n') {
            let line = Line::parse(&line[..line.len() - 1]).expect("it was just written");
            if !line.is_attempt() {
                let begin = self.batch.len();
                let position = line::move_after(&mut self.batch, self.staged.position, &line);
                self.staged.position = position.expect("it fitted before");
                self.staged.last_begin = begin;
                self.staged.lines += 1;
            }
        }
        Committed::WithoutAttempts(failure)
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
