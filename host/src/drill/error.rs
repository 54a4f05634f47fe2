//! Why a drill cannot be held.

use std::io;
use std::path::{Path, PathBuf};

use crate::exec::RunError;
use crate::exit::ExitCode;

/// Why a drill cannot be held. What it finds is no error.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The configuration or the plugin cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The venue is a real one.
    #[error(
        "the venue `{id}` is not simulated: a drill would trade there\n  hint: choose a simulated venue \
         with --exchange, such as the default"
    )]
    NotSimulated {
        /// The plugin.
        id: String,
    },
    /// The directory is a run's own.
    #[error("{} holds a run, and a drill would write into it\n  hint: choose another --dir", dir.display())]
    HoldsARun {
        /// The directory.
        dir: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}\n  hint: check the disk and the rights, or choose another --dir", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// What a run left cannot be read.
    #[error("{}:{line}: {text}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong with it.
        text: String,
    },
    /// Nobody was killed, and yet the run did not come to its end.
    #[error("a run that nobody killed did not come to its end: {what}\n  hint: see {}", dir.display())]
    Undisturbed {
        /// What happened.
        what: String,
        /// Its run directory.
        dir: PathBuf,
    },
    /// Runs end before anybody can kill them.
    #[error("the runs are over too fast: {runs} of them, and only {kills} could be killed")]
    TooFast {
        /// How many there were.
        runs: u64,
        /// How many kills there were.
        kills: u64,
    },
}

impl DrillError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, error }
    }

    pub(super) fn content(path: &Path, line: usize, error: &serde_json::Error) -> Self {
        Self::Content {
            path: path.to_owned(),
            line,
            text: error.to_string(),
        }
    }

    /// The exit code of the class of the error.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Run(error) => error.exit_code(),
            Self::NotSimulated { .. } => ExitCode::PluginRefused,
            Self::HoldsARun { .. } => ExitCode::RunDir,
            Self::Undisturbed { .. } => ExitCode::Mismatch,
            Self::Io { .. } | Self::Content { .. } | Self::TooFast { .. } => ExitCode::Unexpected,
        }
    }
}
