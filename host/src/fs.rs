//! Files as the durable parts of the host see them: only the calls whose failure and whose loss at a
//! crash are thought through.
//!
//! [`RealFs`] is the system's. [`SimFs`] lives in memory, knows what was synced and what was not, loses
//! what was not when it is crashed, and fails where it is told to; the shipping journal runs on both.

mod kill;
mod real;
mod sim;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use kill::{KillFs, KillPoint, NoKillPoint, When};
pub use real::RealFs;
pub use sim::{EditView, Fault, FaultKind, FileView, Image, Loss, SimFs};

/// A file that is open for appending.
pub trait FsFile: Send {
    /// Appends by one call of the system. Fewer bytes than given may have been taken.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Waits until the content and its length are on the disk. After an error nothing may be relied on:
    /// the system counts the pages as written, so that a second call would succeed and prove nothing.
    fn sync_data(&mut self) -> io::Result<()>;

    /// Cuts the file to `length` bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// How long the file is.
    fn length(&mut self) -> io::Result<u64>;
}

/// A file system.
pub trait Fs: Send + Sync {
    /// Makes a file that was not there, open for appending.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FsFile>>;

    /// Opens a file that is there for appending.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>>;

    /// Opens a file for reading from `offset` on.
    fn read(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>>;

    /// Waits until the entries of a directory are on the disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name, in place of whatever had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Whether there is something by this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The names in a directory, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
}

/// Calls again what a signal interrupted; it has done nothing then. Gives up on a call that is
/// interrupted without end.
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    const TRIES: u32 = 1000;
    for _ in 1..TRIES {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
    call()
}

/// Writes everything, by as many calls as it takes.
pub fn write_all(file: &mut dyn FsFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let taken = uninterrupted(|| file.write(bytes))?;
        if taken == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[taken..];
    }
    Ok(())
}
