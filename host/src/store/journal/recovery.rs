//! Makes a journal fit to be written on after a process that ended anyhow.

use std::path::{Path, PathBuf};

use super::error::{IoFailure, JournalError};
use super::reader::{Contents, Torn};
use super::segment;
use crate::fs::{Fs, uninterrupted, write_all};

/// Puts the file that was written on last on the disk anew, with its name, before anybody reads it.
///
/// Anew, because the process before may have ended at a failed sync: what is read then comes from the
/// system's cache and is nowhere else, and no further sync would write it. Before it is read, because what
/// is read is told: a power failure must not take it back.
pub(super) fn secure(fs: &dyn Fs, dir: &Path) -> Result<(), JournalError> {
    for number in (1..=segment::count(fs, dir)?).rev() {
        let file = segment::path(dir, number);
        if length(fs, &file)? > 0 {
            rewrite(fs, &file, u64::MAX)?;
            return sync_dir(fs, dir);
        }
    }
    Ok(())
}

/// Cuts a torn write off, after putting its bytes aside; returns where. Empty files after the one to go on
/// in are removed.
pub(super) fn mend(
    fs: &dyn Fs,
    dir: &Path,
    contents: &Contents,
) -> Result<Option<PathBuf>, JournalError> {
    let broken = match &contents.torn {
        Some(torn) => {
            let broken = put_aside(fs, torn)?;
            rewrite(fs, &torn.file, torn.offset)?;
            Some(broken)
        }
        None => None,
    };
    for empty in (contents.current() + 1..=contents.segments).rev() {
        let file = segment::path(dir, empty);
        uninterrupted(|| fs.remove(&file)).map_err(|e| IoFailure::new("remove", &file, &e))?;
    }
    sync_dir(fs, dir)?;
    Ok(broken)
}

fn sync_dir(fs: &dyn Fs, dir: &Path) -> Result<(), JournalError> {
    uninterrupted(|| fs.sync_dir(dir))
        .map_err(|error| IoFailure::new("sync the directory", dir, &error).into())
}

fn length(fs: &dyn Fs, file: &Path) -> Result<u64, JournalError> {
    uninterrupted(|| fs.open_append(file))
        .and_then(|mut open| uninterrupted(|| open.length()))
        .map_err(|error| IoFailure::new("look at", file, &error).into())
}

fn put_aside(fs: &dyn Fs, torn: &Torn) -> Result<PathBuf, JournalError> {
    let mut number = 1;
    let path = loop {
        let path = suffixed(
            &torn.file,
            &match number {
                1 => ".broken".to_owned(),
                _ => format!(".broken.{number}"),
            },
        );
        let taken = uninterrupted(|| fs.exists(&path));
        if !taken.map_err(|error| IoFailure::new("look for", &path, &error))? {
            break path;
        }
        number += 1;
    };
    copy(fs, &torn.file, torn.offset, u64::MAX, &path)?;
    Ok(path)
}

/// Writes the first `length` bytes of a file to a new one and puts that in its place.
fn rewrite(fs: &dyn Fs, file: &Path, length: u64) -> Result<(), JournalError> {
    let new = suffixed(file, ".tmp");
    let left_over = uninterrupted(|| fs.exists(&new))
        .map_err(|error| IoFailure::new("look for", &new, &error))?;
    if left_over {
        uninterrupted(|| fs.remove(&new)).map_err(|e| IoFailure::new("remove", &new, &e))?;
    }
    copy(fs, file, 0, length, &new)?;
    uninterrupted(|| fs.rename(&new, file)).map_err(|e| IoFailure::new("replace", file, &e))?;
    Ok(())
}

fn suffixed(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies up to `length` bytes from `offset` on to a new file, and syncs it.
fn copy(fs: &dyn Fs, from: &Path, offset: u64, length: u64, to: &Path) -> Result<(), JournalError> {
    use std::io::Read as _;
    let read_failed = |error| IoFailure::new("read", from, &error);
    let write_failed = |error| IoFailure::new("write", to, &error);
    let mut input = uninterrupted(|| fs.read(from, offset))
        .map_err(read_failed)?
        .take(length);
    let mut output = uninterrupted(|| fs.create_new(to)).map_err(write_failed)?;
    let mut chunk = vec![0; 1 << 14];
    loop {
        let read = uninterrupted(|| input.read(&mut chunk)).map_err(read_failed)?;
        if read == 0 {
            break;
        }
        write_all(output.as_mut(), &chunk[..read]).map_err(write_failed)?;
    }
    uninterrupted(|| output.sync_data()).map_err(write_failed)?;
    Ok(())
}
