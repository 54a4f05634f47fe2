//! The run directory: what was asked, what came of it.
//!
//! One process owns it, by a lock on a file inside it that the system lets go of when the process ends.

mod error;
mod file;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::asked::Asked;
use crate::fs::{Fs as _, RealFs, uninterrupted};

pub use error::{AskedError, RunDirError};
pub use file::{RunFile, SyncHandle};

/// A run directory that this process owns.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// Held for the lock.
    lock: File,
}

impl RunDir {
    const LOCK: &'static str = ".lock";

    /// What is written there first, and what a start leaves that is killed while it writes it.
    const ASKED: &'static str = "run.json";
    const UNFINISHED: &'static str = "run.json.new";

    /// The process of an isolated plugin holds the lock for a moment longer than its host that was killed.
    const TRIES: u32 = 50;
    const PAUSE: Duration = Duration::from_millis(10);

    /// Makes a new run directory, or takes one in which nothing has begun.
    pub fn create(path: &Path) -> Result<Self, RunDirError> {
        let failed = |source| io_error(path, source);
        match uninterrupted(|| fs::create_dir(path)) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(e) => {
                return Err(match e.kind() {
                    io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                        RunDirError::NotADirectory {
                            path: path.to_owned(),
                        }
                    }
                    _ => failed(e),
                });
            }
        }
        // The directory itself must be on the disk, or all that is in it could vanish.
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        RealFs
            .sync_dir(above)
            .map_err(|source| io_error(above, source))?;
        // Not ours if that cannot be seen.
        let lock = path.join(Self::LOCK);
        let ours = uninterrupted(|| fs::exists(&lock)).is_ok_and(|there| !there);
        let run_dir = Self::lock(path)?;
        // Looked at under the lock, so that of two processes only one can find it empty.
        let is_other = |entry: io::Result<fs::DirEntry>| {
            entry.map_or(true, |entry| {
                let name = entry.file_name();
                name != Self::LOCK && name != Self::UNFINISHED
            })
        };
        let mut entries = uninterrupted(|| fs::read_dir(path)).map_err(failed)?;
        if entries.any(is_other) {
            if ours {
                // Somebody else's directory is left as it was.
                let _ = fs::remove_file(lock);
            }
            return Err(RunDirError::Exists {
                path: path.to_owned(),
            });
        }
        Ok(run_dir)
    }

    /// The lock, for another process to hold: the directory is not free before both have let go of it.
    pub fn share_lock(&self) -> io::Result<File> {
        self.lock.try_clone()
    }

    /// Takes a directory with a run in it, to go on with it.
    pub fn reopen(path: &Path) -> Result<Self, RunDirError> {
        let is_no_run = |what| RunDirError::NotARun {
            path: path.to_owned(),
            what,
        };
        match uninterrupted(|| fs::metadata(path)) {
            Ok(about) if about.is_dir() => {}
            Ok(_) => return Err(is_no_run("it is not a directory")),
            Err(error) => {
                return Err(match error.kind() {
                    io::ErrorKind::NotFound => is_no_run("there is no such directory"),
                    io::ErrorKind::NotADirectory => is_no_run("it is not a directory"),
                    _ => io_error(path, error),
                });
            }
        }
        // Looked at before the lock is made, so that somebody else's directory is left as it was.
        let asked = path.join(Self::ASKED);
        if !uninterrupted(|| fs::exists(&asked)).map_err(|source| io_error(&asked, source))? {
            return Err(is_no_run("there is no run in it"));
        }
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self, RunDirError> {
        let file = path.join(Self::LOCK);
        let failed = |source| io_error(&file, source);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&file)
            .map_err(failed)?;
        let mut tries = 0;
        let locked = loop {
            let locked = uninterrupted(|| match lock.try_lock() {
                Ok(()) => Ok(true),
                Err(TryLockError::WouldBlock) => Ok(false),
                Err(TryLockError::Error(error)) => Err(error),
            });
            let locked = locked.map_err(failed)?;
            if locked || tries == Self::TRIES {
                break locked;
            }
            tries += 1;
            std::thread::sleep(Self::PAUSE);
        };
        let path = path.to_owned();
        if locked {
            Ok(Self { path, lock })
        } else {
            Err(RunDirError::Locked { path })
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down what was asked. It is on the disk then: from here on there is a run.
    pub fn write_asked(&self, asked: &Asked) -> Result<(), RunDirError> {
        self.replace(Self::ASKED, asked.to_text().as_bytes())
    }

    /// What was asked when the run was started.
    pub fn asked(&self) -> Result<Asked, RunDirError> {
        let path = self.path.join(Self::ASKED);
        read(&path)
            .map_err(AskedError::from)
            .and_then(|bytes| Ok(Asked::of_text(&bytes)?))
            .map_err(|error| RunDirError::Asked { path, error })
    }

    /// Makes a directory inside, for a simulated venue's own records.
    pub fn make_dir(&self, name: &str) -> Result<PathBuf, RunDirError> {
        let path = self.path.join(name);
        uninterrupted(|| fs::create_dir_all(&path))
            .map_err(|source| RunDirError::inside(&path, source))?;
        self.sync_names()?;
        Ok(path)
    }

    /// Goes on with a file inside after its first `length` bytes; what follows them is written over, and cut
    /// off with [`RunFile::finish`].
    ///
    /// # Errors
    ///
    /// [`RunDirError::Short`] if it has not that many.
    pub fn resume_file(&self, name: &str, length: u64) -> Result<RunFile, RunDirError> {
        RunFile::resume(self.path.join(name), length)
    }

    /// Writes a JSON document whole or not at all.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), RunDirError> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|error| io_error(&self.path.join(name), error.into()))?;
        text.push(b'\n');
        self.replace(name, &text)
    }

    /// Waits until the names of the files are on the disk.
    pub fn sync_names(&self) -> Result<(), RunDirError> {
        RealFs
            .sync_dir(&self.path)
            .map_err(|source| RunDirError::inside(&self.path, source))
    }

    fn replace(&self, name: &str, text: &[u8]) -> Result<(), RunDirError> {
        let new = self.path.join(format!("{name}.new"));
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(text)?;
            file.sync_all()
        };
        write().map_err(|source| RunDirError::inside(&new, source))?;
        let path = self.path.join(name);
        uninterrupted(|| fs::rename(&new, &path))
            .map_err(|source| RunDirError::inside(&path, source))?;
        self.sync_names()
    }
}

fn io_error(path: &Path, source: io::Error) -> RunDirError {
    let path = path.to_owned();
    RunDirError::Io { path, source }
}

/// The bytes of a file. Bounded, because what is there may be anything.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    const LARGEST: u64 = 1 << 20;
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(bytes)
}
