//! Why a journal cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It has not the form of a record.
    #[error("it is not a record")]
    NoRecord,
    /// Its bytes are not the ones that were written.
    #[error("its checksum does not fit")]
    Checksum,
    /// It has no end.
    #[error("it has no end")]
    NoEnd,
    /// It is longer than any record.
    #[error("it is longer than any record")]
    TooLong,
    /// Lines are missing, doubled or in another order.
    #[error("it is record {found}, where record {expected} belongs")]
    Sequence {
        /// The number that should be there.
        expected: u64,
        /// The number that is there.
        found: u64,
    },
    /// It was written after another line than the one before it.
    #[error("it does not follow the line before it: the chain hash is another")]
    Chain,
    /// Its checksum fits, and what it says cannot be read.
    #[error("it cannot be understood ({0}); perhaps a newer version wrote it")]
    Content(String),
    /// It says what cannot have happened.
    #[error("it contradicts the lines before it: {0}")]
    Contradiction(String),
    /// The checkpoint knows another history.
    #[error("the checkpoint knows another record {0}: the two are not of the same run")]
    OtherHistory(u64),
}

/// Why damage is more than a write that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Because {
    /// The line is whole and wrong.
    #[error("the line is whole, so no write was cut off here")]
    Whole,
    /// Whole records follow.
    #[error("whole records follow, so no write was cut off here")]
    Followed,
    /// The checkpoint was written later.
    #[error("the checkpoint was written after it, so it was whole once")]
    BeforeCheckpoint,
    /// The damaged bytes have an end.
    #[error("the damage has an end, so no write was cut off here")]
    Ended,
    /// There is too much of it.
    #[error("no write that was cut off leaves so much")]
    TooMuch,
}

/// Why a journal cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The journal is damaged.
    #[error(
        "the journal is damaged: {}, line {line}: {flaw}; {because}\n  hint: nothing was changed and \
         nothing was sent; restore the file from a copy of this run directory. Without one, start a \
         new run, and settle this run's open orders at the venue by hand", .file.display()
    )]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        flaw: Flaw,
        /// Why that cannot be a torn write.
        because: Because,
    },
    /// A file of the journal is not there.
    #[error(
        "a part of the journal is missing: {}\n  hint: restore the file from a copy of this run \
         directory; nothing was sent", .file.display()
    )]
    MissingSegment {
        /// The file.
        file: PathBuf,
    },
    /// The journal ends before the checkpoint.
    #[error(
        "the journal in {} ends before record {expected}, after which the checkpoint was written\n  hint: \
         restore the journal from a copy of this run directory; nothing was sent",
        .dir.display()
    )]
    CutShort {
        /// The directory.
        dir: PathBuf,
        /// The last record that the checkpoint has seen.
        expected: u64,
    },
    /// There is no room left, not even what was held back.
    #[error(
        "no room for the journal: {0}\n  hint: nothing more is written or sent; free some space, or \
         raise the limit that is in the way (ulimit -f), and resume the run, which asks the venue about the \
         open orders"
    )]
    Full(IoFailure),
    /// The system said no.
    #[error("{}\n  hint: nothing more is written or sent; {}", .0, .0.way_out())]
    Io(IoFailure),
    /// A write or sync failed before.
    #[error(
        "nothing more is written to the journal, because a call failed before: {}\n  hint: {}",
        .0, .0.way_out()
    )]
    Failed(IoFailure),
    /// A record is too long, or cannot be written as JSON.
    #[error("a record does not fit into the journal: {text}")]
    Record {
        /// What is wrong.
        text: String,
    },
}

/// A call of the system that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} {}: {text}", .path.display())]
pub struct IoFailure {
    /// What was to be done.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub text: String,
    /// Whether it was for want of space.
    pub full: bool,
    /// Whether something was not where it had been put.
    pub gone: bool,
}

impl IoFailure {
    pub(in crate::store) fn new(action: &'static str, path: &Path, error: &io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            text: error.to_string(),
            full: is_full(error),
            gone: error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// What the reader of the message can do.
    pub(in crate::store) const fn way_out(&self) -> &'static str {
        if self.gone {
            "the run directory, or a part of it, is gone: put it back where it was and resume the run; without \
             it nobody knows what was sent: look the run's orders up at the venue before you start a new one"
        } else {
            "check the disk and resume the run, which asks the venue about the open orders"
        }
    }
}

impl From<IoFailure> for JournalError {
    fn from(failure: IoFailure) -> Self {
        if failure.full {
            Self::Full(failure)
        } else {
            Self::Io(failure)
        }
    }
}

/// Whether an error is for want of space.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::WriteZero
    )
}
