//! `checkpoint.json`: where a run had got to, so that a resume need not replay all of it.
//!
//! ```json
//! {"format":"investbot.checkpoint","version":1,"sha256":"<of the body's bytes>","body":{…}}
//! ```
//!
//! It is [sealed](crate::sealed): read as nothing else than what was written. It is replaced as a whole, so that
//! there is always one that was whole on the disk. It is only a short cut: everything in it follows from
//! the journal and the source.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::journal::IoFailure;
use crate::fs::{Fs, uninterrupted, write_all};
use crate::planted::{self, Bug};
use crate::sealed::{Layout, Seal, SealError};

/// The file's name in a run directory.
pub const NAME: &str = "checkpoint.json";

const SEAL: Seal = Seal {
    format: "investbot.checkpoint",
    version: 1,
    layout: Layout::Compact,
};

/// Why a checkpoint cannot be saved or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The file is not as it was written.
    #[error(
        "the checkpoint is damaged: {}: {error}\n  hint: delete the file; the resume then replays the whole \
         journal instead, and nothing is lost", .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        error: SealError,
    },
    /// The file is whole, and its content cannot be understood.
    #[error(
        "the checkpoint cannot be understood: {}: {text}\n  hint: another version of investbot wrote it: \
         use that, or delete the file; the resume then replays the whole journal instead, and nothing is \
         lost", .file.display()
    )]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        text: String,
    },
    /// The system said no.
    #[error("{}\n  hint: {}", .0, checkpoint_hint(.0))]
    Io(IoFailure),
}

const fn checkpoint_hint(failure: &IoFailure) -> &'static str {
    match failure {
        IoFailure { gone: true, .. } => failure.way_out(),
        IoFailure { full: true, .. } => {
            "free some space, or raise the limit that is in the way, and resume the run; its state is safe in \
             its journal"
        }
        _ => "check the disk and the rights and resume the run; its state is safe in its journal",
    }
}

impl From<IoFailure> for CheckpointError {
    fn from(failure: IoFailure) -> Self {
        Self::Io(failure)
    }
}

/// Puts a checkpoint in the place of the last one. It must say nothing that the journal on the disk does not.
pub fn save<T: Serialize>(fs: &dyn Fs, dir: &Path, body: &T) -> Result<(), CheckpointError> {
    save_atomic(fs, dir, SEAL.seal(body).as_bytes())
}

/// The checkpoint in a run directory, if there is one. What an interrupted [`save`] left is removed.
pub fn load<T: DeserializeOwned>(fs: &dyn Fs, dir: &Path) -> Result<Option<T>, CheckpointError> {
    remove_left_over(fs, &dir.join(NAME).with_added_extension("tmp"))?;
    read(fs, dir)
}

/// The same, and nothing is changed.
pub fn read<T: DeserializeOwned>(fs: &dyn Fs, dir: &Path) -> Result<Option<T>, CheckpointError> {
    let file = dir.join(NAME);
    let failed = |action, error: &std::io::Error| IoFailure::new(action, &file, error);
    if !uninterrupted(|| fs.exists(&file)).map_err(|error| failed("look for", &error))? {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    uninterrupted(|| fs.read(&file, 0))
        .and_then(|mut input| input.read_to_end(&mut bytes))
        .map_err(|error| failed("read", &error))?;
    let body = match SEAL.body(&bytes) {
        Ok(body) => body,
        Err(error) => return Err(CheckpointError::Damaged { file, error }),
    };
    serde_json::from_str(body)
        .map(Some)
        .map_err(|error| CheckpointError::Content {
            text: error.to_string(),
            file,
        })
}

/// Puts `bytes` in the place of the checkpoint: whole and on the disk before it has the name, and the name
/// on the disk when this returns.
pub fn save_atomic(fs: &dyn Fs, dir: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let file = dir.join(NAME);
    let new = file.with_added_extension("tmp");
    remove_left_over(fs, &new)?;
    let written = write(fs, &new, bytes);
    if written.is_err() {
        // What it takes up may be what the journal lacks. That it stays does no other harm.
        let _ = uninterrupted(|| fs.remove(&new));
    }
    written?;
    uninterrupted(|| fs.rename(&new, &file)).map_err(|e| IoFailure::new("replace", &file, &e))?;
    uninterrupted(|| fs.sync_dir(dir))
        .map_err(|e| IoFailure::new("sync the directory of", &file, &e))?;
    Ok(())
}

fn write(fs: &dyn Fs, new: &Path, bytes: &[u8]) -> Result<(), IoFailure> {
    let failed = |action, error: &std::io::Error| IoFailure::new(action, new, error);
    let mut file = uninterrupted(|| fs.create_new(new)).map_err(|e| failed("create", &e))?;
    write_all(file.as_mut(), bytes).map_err(|e| failed("write", &e))?;
    if planted::is(Bug::CheckpointNotSynced) {
        return Ok(());
    }
    uninterrupted(|| file.sync_data()).map_err(|e| failed("sync", &e))
}

fn remove_left_over(fs: &dyn Fs, new: &Path) -> Result<(), CheckpointError> {
    let there = uninterrupted(|| fs.exists(new));
    if there.map_err(|error| IoFailure::new("look for", new, &error))? {
        uninterrupted(|| fs.remove(new)).map_err(|e| IoFailure::new("remove", new, &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
