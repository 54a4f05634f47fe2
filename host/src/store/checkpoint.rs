//! `checkpoint.json`: where a run had got to, so that a resume need not replay all of it.
//!
//! ```json
//! {"format":"investbot.checkpoint","version":1,"sha256":"<of the body's bytes>","body":{…}}
//! ```
//!
//! The file is written in exactly this form and read as nothing else. It is replaced as a whole, so that
//! there is always one that was whole on the disk. It is only a short cut: everything in it follows from
//! the journal and the source.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::journal::IoFailure;
use crate::fs::{Fs, uninterrupted, write_all};

/// The file's name in a run directory.
pub const NAME: &str = "checkpoint.json";

const FORMAT: &[u8] = b"{\"format\":\"investbot.checkpoint\",\"version\":";
const VERSION: &[u8] = b"1";
const DIGEST: &[u8] = b",\"sha256\":\"";
const DIGITS: usize = 64;
const BODY: &[u8] = b"\",\"body\":";
const END: &[u8] = b"}\n";

/// Why a checkpoint cannot be saved or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The file is not as it was written.
    #[error(
        "the checkpoint is damaged: {}: {what}\n  hint: delete the file; the resume then replays the whole \
         journal instead, and nothing is lost", .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: &'static str,
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
    let failed = |error: serde_json::Error| CheckpointError::Content {
        file: dir.join(NAME),
        text: error.to_string(),
    };
    let body = serde_json::to_vec(body).map_err(failed)?;
    let digest = hex::encode(Sha256::digest(&body));
    let parts = [FORMAT, VERSION, DIGEST, digest.as_bytes(), BODY, &body, END];
    save_atomic(fs, dir, &parts.concat())
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
    let body = match open(&bytes) {
        Ok(body) => body,
        Err(what) => return Err(CheckpointError::Damaged { file, what }),
    };
    serde_json::from_slice(body)
        .map(Some)
        .map_err(|error| CheckpointError::Content {
            text: error.to_string(),
            file,
        })
}

/// The body, if the envelope is in order.
fn open(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let rest = bytes
        .strip_prefix(FORMAT)
        .ok_or("it does not begin as a checkpoint does")?;
    let rest = rest
        .strip_prefix(VERSION)
        .and_then(|rest| rest.strip_prefix(DIGEST))
        .ok_or("it is of another version")?;
    let (digest, rest) = rest.split_at_checked(DIGITS).ok_or("it is cut short")?;
    let body = rest
        .strip_prefix(BODY)
        .ok_or("its head is not a checkpoint's")?
        .strip_suffix(END)
        .ok_or("it does not end as a checkpoint does")?;
    if digest != hex::encode(Sha256::digest(body)).as_bytes() {
        return Err("its digest does not fit");
    }
    Ok(body)
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
