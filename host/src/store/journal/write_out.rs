//! How a batch gets to the disk, and what is done when there is no room for it.

use std::io;
use std::path::Path;

use super::error::IoFailure;
use super::line::{self, Line, Mark};
use super::{Committed, Health, Journal, Staged, segment};
use crate::fs::{Fs, FsFile, uninterrupted};
use crate::planted::{self, Bug};

impl Journal {
    /// Writes the batch, by one call where there is room, and waits until it is on the disk.
    pub(super) fn write_out(&mut self) -> Result<Committed, IoFailure> {
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
            let synced = self.sync();
            if !planted::is(Bug::FailedSyncIgnored) {
                synced?;
            }
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
            Ok(_) if planted::is(Bug::ShortWriteBelieved) => Ok(()),
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
pub(super) fn begin(fs: &dyn Fs, dir: &Path, path: &Path) -> Result<Box<dyn FsFile>, IoFailure> {
    let failed = |action, error: &io::Error| IoFailure::new(action, path, error);
    let mut file =
        uninterrupted(|| fs.create_new(path)).map_err(|error| failed("create", &error))?;
    uninterrupted(|| file.sync_data()).map_err(|error| failed("sync", &error))?;
    if planted::is(Bug::NewFileNotSynced) {
        return Ok(file);
    }
    uninterrupted(|| fs.sync_dir(dir)).map_err(|error| failed("sync the directory of", &error))?;
    Ok(file)
}
