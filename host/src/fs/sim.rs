//! Files in memory that forget what was not synced.
//!
//! What a program sees and what a crash leaves are two things here, as on a disk behind a cache. Every
//! call can be made to fail, and everything is a function of the calls and the seeds.

mod disk;
mod fault;

use std::hash::Hasher;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Fs, FsFile};
use disk::{Dice, Disk};
pub use disk::{EditView, FileView, Loss};
use fault::{Call, Faults, Verdict};
pub use fault::{Fault, FaultKind};

/// Files in memory, with faults and crashes. Clones share the disk. Directories are there without being
/// made.
#[derive(Clone, Debug, Default)]
pub struct SimFs {
    state: Arc<Mutex<State>>,
}

/// All that is on a disk, and in the cache before it.
#[derive(Clone, Debug, Default, Hash)]
pub struct Image(Disk);

impl Image {
    /// The files, in the order of their numbers.
    pub fn files(&self) -> impl Iterator<Item = FileView<'_>> {
        self.0.files()
    }

    /// Takes in which files, by their numbers, go by which names, or may after a crash.
    pub fn hash_names<H: Hasher>(&self, state: &mut H) {
        self.0.hash_names(state);
    }
}

#[derive(Debug, Default)]
struct State {
    disk: Disk,
    faults: Faults,
    /// Counts the processes; a handle of an earlier one is dead.
    process: u64,
}

impl SimFs {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another disk with the same on it, for the next process.
    #[must_use]
    pub fn of(image: &Image) -> Self {
        let state = State {
            disk: image.0.clone(),
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// All that is on the disk, and in the cache before it.
    #[must_use]
    pub fn image(&self) -> Image {
        let mut state = self.state();
        state.disk.forget_nameless();
        // No handle of the process that is over means another file now.
        state.process += 1;
        Image(state.disk.clone())
    }

    /// How many calls there were since the last [`restart`](Self::restart).
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().faults.calls()
    }

    /// Makes calls fail.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.add(fault);
    }

    /// Limits what all files together may hold; a write that does not fit is short, then refused.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().disk.capacity = bytes;
    }

    /// Limits what each file may hold, as a system may do for a process; a write that does not fit is short,
    /// then refused.
    pub fn set_file_limit(&self, bytes: Option<u64>) {
        self.state().disk.file_limit = bytes;
    }

    /// The process is killed: open files die, nothing on the disk changes. Faults are taken back and
    /// calls counted anew.
    pub fn restart(&self) {
        let mut state = self.state();
        state.process += 1;
        state.faults = Faults::default();
    }

    /// The power fails, and comes back. Of the unsynced writes any subset is kept, each cut at any byte;
    /// unsynced renames and directory entries may be lost. The seed says which.
    pub fn crash(&self, seed: u64) {
        self.crash_by(&mut Dice(seed));
    }

    /// The same, where `loss` says what is kept.
    pub fn crash_by(&self, loss: &mut dyn Loss) {
        self.restart();
        self.state().disk.crash(loss);
    }

    /// What a file holds now; a look from outside that no fault hits.
    #[must_use]
    pub fn peek(&self, path: &Path) -> Option<Vec<u8>> {
        self.look(path, <[u8]>::to_vec)
    }

    /// Looks at what a file holds now, from outside.
    pub fn look<R>(&self, path: &Path, look: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let state = self.state();
        state.disk.inode(path).map(|inode| look(&inode.content()))
    }

    /// Puts a file there as if it had always been, for tests that damage one.
    pub fn plant(&self, path: &Path, content: &[u8]) {
        self.state().disk.plant(path, content);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A state is changed by whole calls; a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(path: &Path) -> io::Error {
    let text = format!("{} is not there", path.display());
    io::Error::new(io::ErrorKind::NotFound, text)
}

impl Fs for SimFs {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let mut state = self.state();
        state.faults.judge(Call::Create).error()?;
        let id = state.disk.create(path)?;
        Ok(self.handle(&state, id))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let mut state = self.state();
        state.faults.judge(Call::Other).error()?;
        let id = state.disk.find(path).ok_or_else(|| not_found(path))?;
        Ok(self.handle(&state, id))
    }

    fn read(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut state = self.state();
        state.faults.judge(Call::Other).error()?;
        let inode = state.disk.inode(path).ok_or_else(|| not_found(path))?;
        Ok(Box::new(SimReader {
            content: inode.content(),
            position: usize::try_from(offset).unwrap_or(usize::MAX),
        }))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let verdict = state.faults.judge(Call::Other);
        match verdict {
            Verdict::Done | Verdict::Short => state.disk.sync_dir(path),
            Verdict::Broken => state.disk.fail_sync_dir(path),
            Verdict::Refused(_) | Verdict::Dying | Verdict::Dead => {}
        }
        verdict.error()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.faults.judge(Call::Other).error()?;
        state.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.faults.judge(Call::Other).error()?;
        state.disk.remove(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.state();
        state.faults.judge(Call::Other).error()?;
        Ok(state.disk.find(path).is_some())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut state = self.state();
        state.faults.judge(Call::Other).error()?;
        Ok(state.disk.list(path))
    }
}

impl SimFs {
    fn handle(&self, state: &State, inode: usize) -> Box<dyn FsFile> {
        Box::new(SimFile {
            fs: self.clone(),
            process: state.process,
            inode,
        })
    }
}

/// A file that is being read, as it was when it was opened.
struct SimReader {
    content: Arc<Vec<u8>>,
    position: usize,
}

impl Read for SimReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.content.get(self.position..).unwrap_or_default();
        let taken = rest.read(buffer)?;
        self.position += taken;
        Ok(taken)
    }
}

/// An open file of a simulated disk.
struct SimFile {
    fs: SimFs,
    process: u64,
    inode: usize,
}

impl SimFile {
    /// Counts a call of the file, and gives the disk to do it on.
    fn call(&self, call: Call) -> (MutexGuard<'_, State>, Verdict) {
        let mut state = self.fs.state();
        let verdict = if state.process == self.process {
            state.faults.judge(call)
        } else {
            Verdict::Dead
        };
        (state, verdict)
    }
}

impl FsFile for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (mut state, verdict) = self.call(Call::Write);
        let half = &bytes[..bytes.len() / 2];
        match verdict {
            Verdict::Done => state.disk.append(self.inode, bytes),
            Verdict::Short => state.disk.append(self.inode, half),
            failed => {
                if matches!(failed, Verdict::Broken | Verdict::Dying) {
                    state.disk.append(self.inode, half)?;
                }
                failed.error().map(|()| 0)
            }
        }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let (mut state, verdict) = self.call(Call::Other);
        match verdict {
            Verdict::Done | Verdict::Short => state.disk.file(self.inode).sync(),
            Verdict::Broken => state.disk.file(self.inode).fail_sync(),
            Verdict::Refused(_) | Verdict::Dying | Verdict::Dead => {}
        }
        verdict.error()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let (mut state, verdict) = self.call(Call::Other);
        verdict.error()?;
        state.disk.file(self.inode).truncate(length);
        Ok(())
    }

    fn length(&mut self) -> io::Result<u64> {
        let (mut state, verdict) = self.call(Call::Other);
        verdict.error()?;
        Ok(state.disk.file(self.inode).length() as u64)
    }
}

#[cfg(test)]
mod tests;
