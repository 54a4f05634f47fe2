//! Files of the run directory that grow line by line.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::RunDirError;
use crate::fs::uninterrupted;

/// A file of the run directory that is written line by line.
#[derive(Debug)]
pub struct RunFile {
    path: PathBuf,
    file: io::BufWriter<Sound>,
    length: u64,
}

/// Takes nothing more once a write has failed: how much of it was taken is not known, and whatever came after
/// it would be in the wrong place.
#[derive(Debug)]
struct Sound {
    file: File,
    failed: bool,
}

impl io::Write for Sound {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("a write to it failed before"));
        }
        let written = self.file.write(bytes);
        let is_over = |error: &io::Error| error.kind() != io::ErrorKind::Interrupted;
        self.failed = written.as_ref().is_err_and(is_over);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file whose content is to be brought to the disk, by whichever thread has the time.
#[derive(Debug)]
pub struct SyncHandle {
    path: PathBuf,
    file: File,
}

impl RunFile {
    /// A file that is there (or, from 0, need not be), to be written over after its first `length` bytes. What is there stays until it
    /// is written over or [`finish`](Self::finish)ed: a process that writes the same again, and dies at
    /// that, leaves it whole.
    pub(super) fn resume(path: PathBuf, length: u64) -> Result<Self, RunDirError> {
        let found = match uninterrupted(|| std::fs::metadata(&path)) {
            Ok(about) => Some(about.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(RunDirError::inside(&path, source)),
        };
        if found.unwrap_or_default() < length {
            return Err(RunDirError::Short {
                path,
                found,
                expected: length,
            });
        }
        match open_at(&path, length) {
            Ok(file) => Ok(Self::on(path, file, length)),
            Err(source) => Err(RunDirError::inside(&path, source)),
        }
    }

    fn on(path: PathBuf, file: File, length: u64) -> Self {
        let file = io::BufWriter::new(Sound {
            file,
            failed: false,
        });
        Self { path, file, length }
    }

    /// How long the file is, with what the system does not have yet.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) -> Result<(), RunDirError> {
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|source| self.failed(source))?;
        self.length += text.len() as u64 + 1;
        Ok(())
    }

    /// Hands everything to the system, and cuts off what an earlier process wrote after it.
    pub fn finish(&mut self) -> Result<(), RunDirError> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().file.set_len(self.length))
            .map_err(|source| self.failed(source))
    }

    /// Hands everything to the system, to be brought to the disk through what this answers.
    pub fn sync_handle(&mut self) -> Result<SyncHandle, RunDirError> {
        self.finish()?;
        let file = uninterrupted(|| self.file.get_ref().file.try_clone());
        Ok(SyncHandle {
            path: self.path.clone(),
            file: file.map_err(|source| self.failed(source))?,
        })
    }

    fn failed(&self, source: io::Error) -> RunDirError {
        RunDirError::inside(&self.path, source)
    }
}

impl SyncHandle {
    /// Waits until the content is on the disk.
    pub fn sync(&self) -> Result<(), RunDirError> {
        let synced = self.file.sync_data();
        synced.map_err(|source| RunDirError::inside(&self.path, source))
    }
}

fn open_at(path: &Path, length: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Without a byte that must be there, the file need not be there.
    options.write(true).create(length == 0).truncate(false);
    let mut file = options.open(path)?;
    file.seek(SeekFrom::Start(length))?;
    Ok(file)
}
