//! Why a run directory cannot be used, in words.

use std::io;
use std::path::{Path, PathBuf};

use crate::sealed::SealError;

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
    /// There is no run to go on with.
    #[error(
        "cannot go on with {}: {what}\n  hint: --resume takes a directory that --run-dir has made; a run \
         that had not come to begin is started with --run-dir again", .path.display()
    )]
    NotARun {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// What was asked cannot be read back.
    #[error("{}{error}\n  hint: {}", at(.path, .error), asked_hint(.error))]
    Asked {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: AskedError,
    },
    /// A file has lost something since the checkpoint.
    #[error(
        "{} {}, and the checkpoint says {expected} bytes\n  hint: delete checkpoint.json: then the file \
         is written anew from the journal", .path.display(), has(*.found)
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// How many bytes it has; `None` if it is not there.
        found: Option<u64>,
        /// How many it should have, or more.
        expected: u64,
    },
    /// It was taken away from the process that works in it.
    #[error(
        "cannot write {}: the run directory, or a part of it, is gone\n  hint: put it back where it was and \
         resume the run; without it nobody knows what was sent: look the run's orders up at the venue before you \
         start a new one", .path.display()
    )]
    Gone {
        /// The file or directory.
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

/// Why what was asked cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum AskedError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error(transparent)]
    Sealed(#[from] SealError),
}

impl RunDirError {
    /// A call that failed inside a directory that was there.
    pub(super) fn inside(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Gone { path },
            _ => Self::Io { path, source },
        }
    }
}

/// The file and what is between it and the message.
fn at(path: &Path, error: &AskedError) -> String {
    let between = match error {
        AskedError::Sealed(SealError::Syntax { .. }) => ":",
        AskedError::Sealed(_) => ": ",
        AskedError::Io(_) => " ",
    };
    format!("{}{between}", path.display())
}

const fn asked_hint(error: &AskedError) -> &'static str {
    match error {
        AskedError::Io(_) => "check the permissions and the disk",
        AskedError::Sealed(SealError::Version { .. }) => {
            "go on with the investbot that started the run"
        }
        AskedError::Sealed(_) => {
            "restore the file from a copy; if there is none, look the run's orders up at the venue and \
             start a new run"
        }
    }
}

fn has(found: Option<u64>) -> String {
    found.map_or_else(
        || "is missing".to_owned(),
        |found| format!("has {found} bytes"),
    )
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space and resume the run; one that had not begun can have a --run-dir on another disk"
        }
        io::ErrorKind::FileTooLarge => "raise the limit of a file's size (ulimit -f)",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a --run-dir that you may write to"
        }
        io::ErrorKind::NotFound => "create the directory above it first",
        _ => "check the disk and the path",
    }
}
