//! Space that is kept back, so that outcomes can be written when the disk is full.

use std::path::{Path, PathBuf};

use super::error::{IoFailure, JournalError};
use crate::fs::{Fs, uninterrupted, write_all};

/// A file that is there to be removed.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    const NAME: &'static str = ".reserve";

    /// Takes `size` bytes of space, or what an earlier process left of it.
    pub(super) fn take(fs: &dyn Fs, dir: &Path, size: usize) -> Result<Self, JournalError> {
        let path = dir.join(Self::NAME);
        Self::fill(fs, &path, size)
            .map_err(|error| IoFailure::new("keep space back in", &path, &error))?;
        Ok(Self { path })
    }

    fn fill(fs: &dyn Fs, path: &Path, size: usize) -> std::io::Result<()> {
        let mut file = if uninterrupted(|| fs.exists(path))? {
            uninterrupted(|| fs.open_append(path))?
        } else {
            uninterrupted(|| fs.create_new(path))?
        };
        let length = usize::try_from(uninterrupted(|| file.length())?).unwrap_or(usize::MAX);
        if length < size {
            write_all(file.as_mut(), &vec![0; size - length])?;
            uninterrupted(|| file.sync_data())?;
        }
        Ok(())
    }

    /// Gives the space back. That it cannot be is no further harm: the next write will tell.
    pub(super) fn free(self, fs: &dyn Fs) {
        let _ = uninterrupted(|| fs.remove(&self.path));
    }
}
