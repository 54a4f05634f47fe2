//! The run directory: what was asked, what came of it.
//!
//! One process owns it, by a lock on a file inside it that the system lets go of when the process ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Why a run directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// There is something in it.
    #[error(
        "run directory {} already holds a run\n  hint: choose another --run-dir, or remove it if it \
         is not needed any more", .path.display()
    )]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// Another process works in it.
    #[error(
        "run directory {} is locked by another process\n  hint: wait for it to end, or choose \
         another --run-dir", .path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The path is something else.
    #[error("run directory {} is not a directory\n  hint: choose another --run-dir", .path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// The system said no.
    #[error("cannot write {}: {source}\n  hint: {}", .path.display(), hint(.source))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or choose a --run-dir on another disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a --run-dir that you may write to"
        }
        io::ErrorKind::NotFound => "create the directory above it first",
        _ => "check the disk and the path",
    }
}

/// A run directory that this process owns.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// Held for the lock.
    _lock: File,
}

impl RunDir {
    const LOCK: &'static str = ".lock";

    /// Makes a new run directory, or takes an empty one.
    pub fn create(path: &Path) -> Result<Self, RunDirError> {
        let failed = |source| RunDirError::Io {
            path: path.to_owned(),
            source,
        };
        match fs::create_dir(path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                if !path.is_dir() {
                    return Err(RunDirError::NotADirectory {
                        path: path.to_owned(),
                    });
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                return Err(RunDirError::NotADirectory {
                    path: path.to_owned(),
                });
            }
            Err(e) => return Err(failed(e)),
        }
        let lock_path = path.join(Self::LOCK);
        let ours = !lock_path.exists();
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RunDirError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
        // Looked at under the lock, so that of two processes only one can find it empty.
        let others = fs::read_dir(path)
            .map_err(failed)?
            .any(|entry| match entry {
                Ok(entry) => entry.file_name() != Self::LOCK,
                Err(_) => true,
            });
        if others {
            if ours {
                // Somebody else's directory is left as it was.
                let _ = fs::remove_file(&lock_path);
            }
            return Err(RunDirError::Exists {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// STUB
    pub fn reopen(path: &Path) -> Result<Self, RunDirError> { Self::create(path) }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a directory inside, for a simulated venue's own records.
    pub fn make_dir(&self, name: &str) -> Result<PathBuf, RunDirError> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(|source| RunDirError::Io {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    /// Opens a new file inside for appending.
    pub fn create_file(&self, name: &str) -> Result<RunFile, RunDirError> {
        let path = self.path.join(name);
        let file = File::create_new(&path).map_err(|source| RunDirError::Io {
            path: path.clone(),
            source,
        })?;
        Ok(RunFile {
            path,
            file: io::BufWriter::new(file),
        })
    }

    /// Writes a JSON document whole or not at all.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), RunDirError> {
        let path = self.path.join(name);
        self.replace(&path, value)
            .map_err(|source| RunDirError::Io { path, source })
    }

    fn replace(&self, path: &Path, value: &impl Serialize) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        serde_json::to_writer_pretty(&mut file, value)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}

/// A file of the run directory that is written line by line.
#[derive(Debug)]
pub struct RunFile {
    path: PathBuf,
    file: io::BufWriter<File>,
}

impl RunFile {
    /// Adds a line.
    pub fn line(&mut self, text: &str) -> Result<(), RunDirError> {
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|source| self.failed(source))
    }

    /// Hands everything to the system.
    pub fn finish(&mut self) -> Result<(), RunDirError> {
        self.file.flush().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> RunDirError {
        RunDirError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_owners_the_second_is_refused_and_a_used_directory_is_never_taken() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let path = parent.path().join("run");
        let first = RunDir::create(&path).expect("new");
        assert!(matches!(
            RunDir::create(&path),
            Err(RunDirError::Locked { .. })
        ));
        first.write_json("run.json", &1).expect("writable");
        drop(first);
        assert!(matches!(
            RunDir::create(&path),
            Err(RunDirError::Exists { .. })
        ));
    }

    #[test]
    fn an_empty_directory_is_taken_and_a_file_is_not() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        RunDir::create(parent.path()).expect("empty");
        let file = parent.path().join("file");
        fs::write(&file, "").expect("writable");
        assert!(matches!(
            RunDir::create(&file),
            Err(RunDirError::NotADirectory { .. })
        ));
        let below = RunDir::create(&file.join("run"));
        assert!(
            matches!(below, Err(RunDirError::NotADirectory { .. })),
            "{below:?}"
        );
    }

    #[test]
    fn a_directory_of_somebody_else_is_left_as_it_was() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        fs::write(parent.path().join("mine"), "x").expect("writable");
        let refused = RunDir::create(parent.path());
        assert!(matches!(refused, Err(RunDirError::Exists { .. })));
        let names: Vec<_> = fs::read_dir(parent.path())
            .expect("readable")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        assert_eq!(names, ["mine"]);
    }

    #[test]
    fn a_missing_parent_is_named_with_a_way_out() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let error = RunDir::create(&parent.path().join("a/b")).expect_err("no parent");
        assert!(
            error
                .to_string()
                .contains("create the directory above it first"),
            "{error}"
        );
    }
}
