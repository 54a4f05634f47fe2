//! The disk of a simulated process: the host's simulated files, with crashes and faults where the oracle
//! wants them.
//!
//! Every call that changes something is a step of the process: it may die before and after it. What the
//! disk then keeps of what was not synced, [`SimDisk::crash`] lets the oracle choose. The disk also knows
//! how much of a file is durable at any moment, for those who check what was durable when.

mod file;
mod loss;
mod meaning;
mod track;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use investbot::fs::{Fault, FaultKind, Fs, FsFile, Image, SimFs};

use super::oracle::{Named, Oracle};
use super::process::Process;
use file::SimDiskFile;
use loss::Chosen;
pub use loss::Damage;
pub use meaning::Closeness;
use track::Tracks;

/// How a call of the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// The disk fails, this once (EIO).
    Io,
    /// It fails from now on, until the process ends.
    IoForGood,
    /// There is no space, this once (ENOSPC).
    Full,
    /// There is none from now on.
    FullForGood,
    /// Half of a write is done.
    Short,
    /// A signal comes first (EINTR).
    Interrupted,
}

impl Named for DiskFault {
    fn name(self) -> &'static str {
        match self {
            Self::Io => "an I/O error",
            Self::IoForGood => "I/O errors from now on",
            Self::Full => "no space",
            Self::FullForGood => "no space from now on",
            Self::Short => "a short write",
            Self::Interrupted => "interrupted",
        }
    }
}

impl DiskFault {
    const fn kind(self) -> FaultKind {
        match self {
            Self::Io | Self::IoForGood => FaultKind::Io,
            Self::Full | Self::FullForGood => FaultKind::Full,
            Self::Short => FaultKind::Short,
            Self::Interrupted => FaultKind::Interrupted,
        }
    }

    const fn hits(self, call: Call) -> bool {
        match self {
            Self::Io | Self::IoForGood | Self::Interrupted => true,
            Self::Full | Self::FullForGood => matches!(call, Call::Write | Call::Create),
            Self::Short => matches!(call, Call::Write),
        }
    }
}

/// What is called, as far as faults care.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Write,
    Create,
    Other,
}

/// What can happen to calls of a disk.
#[derive(Clone, Copy, Debug)]
pub struct DiskMenu {
    /// To those that change something.
    pub changes: &'static [DiskFault],
    /// To those that look.
    pub looks: &'static [DiskFault],
    /// What a power failure may do to what was not synced.
    pub damage: Damage,
}

impl DiskMenu {
    /// Everything.
    pub const FULL: Self = Self {
        changes: &[
            DiskFault::Io,
            DiskFault::IoForGood,
            DiskFault::Full,
            DiskFault::FullForGood,
            DiskFault::Short,
            DiskFault::Interrupted,
        ],
        looks: &[DiskFault::Io, DiskFault::IoForGood, DiskFault::Interrupted],
        damage: Damage::AnyByte,
    };

    /// A disk that fails once it fails, for trees that are walked whole.
    pub const SMALL: Self = Self {
        changes: &[DiskFault::IoForGood],
        looks: &[],
        damage: Damage::Lines,
    };

    /// A disk that only forgets.
    pub const NONE: Self = Self {
        changes: &[],
        looks: &[],
        damage: Damage::Lines,
    };
}

/// The disk. Clones share it.
#[derive(Clone)]
pub struct SimDisk {
    fs: SimFs,
    menu: DiskMenu,
    oracle: Oracle,
    process: Process,
    tracks: Arc<Mutex<Tracks>>,
}

/// What outlives a process: the files, and what is known to be durable of them.
#[derive(Clone, Debug, Default, Hash)]
pub struct DiskState {
    image: Image,
    tracks: Tracks,
}

impl SimDisk {
    /// An empty disk of a process.
    #[must_use]
    pub fn new(menu: DiskMenu, oracle: Oracle, process: Process) -> Self {
        Self::on(&DiskState::default(), menu, oracle, process)
    }

    /// A disk that another process worked on before.
    #[must_use]
    pub fn on(state: &DiskState, menu: DiskMenu, oracle: Oracle, process: Process) -> Self {
        Self {
            fs: SimFs::of(&state.image),
            menu,
            oracle,
            process,
            tracks: Arc::new(Mutex::new(state.tracks.clone())),
        }
    }

    /// What is left to the next process. Whatever is still open here is of no use any more.
    #[must_use]
    pub fn leave(&self) -> DiskState {
        let mut tracks = self.tracks();
        tracks.forget_nameless();
        DiskState {
            image: self.fs.image(),
            tracks: tracks.clone(),
        }
    }

    /// The process has died. Either it alone, and the disk is as it saw it; or the power failed with it, and
    /// what remains of what was not synced is chosen.
    pub fn crash(&self) {
        let may_lose = u32::from(self.tracks().has_unsynced());
        if self.oracle.choose(1 + may_lose, "the power fails") == 1 {
            self.lose_power();
        } else {
            self.fs.restart();
        }
    }

    /// The power fails, and the process is over, if there still was one.
    pub fn lose_power(&self) {
        let mut loss = Chosen::new(&self.oracle, self.menu.damage);
        self.fs.crash_by(&mut loss);
        *self.tracks() = Tracks::default();
    }

    /// Whether there is something that a power failure could take.
    #[must_use]
    pub fn has_unsynced(&self) -> bool {
        self.tracks().has_unsynced()
    }

    /// How many bytes of a file, from its start, would survive if the power failed now, whatever else would.
    #[must_use]
    pub fn durable(&self, path: &Path) -> usize {
        let known = self.tracks().durable(path);
        known.unwrap_or_else(|| self.fs.look(path, <[u8]>::len).unwrap_or(0))
    }

    /// What a file holds; a look from outside that no fault hits.
    #[must_use]
    pub fn peek(&self, path: &Path) -> Option<Vec<u8>> {
        self.fs.peek(path)
    }

    /// The files themselves, to look at and to damage.
    #[must_use]
    pub const fn files(&self) -> &SimFs {
        &self.fs
    }

    fn tracks(&self) -> MutexGuard<'_, Tracks> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call that changes something.
    fn change<T>(&self, call: Call, act: impl FnOnce(&Self) -> io::Result<T>) -> io::Result<T> {
        self.process.step("before the disk is changed")?;
        let kinds = self.menu.changes;
        let fault = self.oracle.fault("the disk", kinds, |kind| kind.hits(call));
        self.spoil(fault);
        let done = act(self);
        self.process.touch();
        self.process.crash_point("after the disk was changed")?;
        done
    }

    /// Makes a call that looks at something.
    fn look<T>(&self, act: impl FnOnce(&Self) -> io::Result<T>) -> io::Result<T> {
        self.process.step("before a file is read")?;
        let kinds = self.menu.looks;
        let fault = self
            .oracle
            .fault("the disk", kinds, |kind| kind.hits(Call::Other));
        self.spoil(fault);
        act(self)
    }

    /// The next call fails.
    fn spoil(&self, fault: Option<DiskFault>) {
        if let Some(fault) = fault {
            self.fs.inject(Fault {
                at: self.fs.calls(),
                kind: fault.kind(),
                sticky: matches!(fault, DiskFault::IoForGood | DiskFault::FullForGood),
            });
        }
    }
}

impl Fs for SimDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        self.change(Call::Create, |disk| {
            let file = disk.fs.create_new(path)?;
            let track = disk.tracks().create(path);
            Ok(SimDiskFile::boxed(disk, file, track))
        })
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        self.look(|disk| {
            let file = disk.fs.open_append(path)?;
            let length = || disk.fs.look(path, <[u8]>::len).unwrap_or(0);
            let track = disk.tracks().open(path, length);
            Ok(SimDiskFile::boxed(disk, file, track))
        })
    }

    fn read(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        self.look(|disk| disk.fs.read(path, offset))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Other, |disk| {
            let done = disk.fs.sync_dir(path);
            disk.tracks().sync_dir(path, &done);
            done
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::Other, |disk| {
            disk.fs.rename(from, to)?;
            disk.tracks().rename(from, to);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Other, |disk| {
            disk.fs.remove(path)?;
            disk.tracks().remove(path);
            Ok(())
        })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.look(|disk| disk.fs.exists(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.look(|disk| disk.fs.list(path))
    }
}

#[cfg(test)]
mod tests;
