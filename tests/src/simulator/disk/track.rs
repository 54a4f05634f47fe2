//! What is known to be durable of every file: never more than is.

use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

/// The number of a file that was opened.
pub(super) type TrackId = usize;

/// What is known of the files that were opened since the power came back. All others are durable.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Tracks {
    files: Vec<Track>,
    /// Directories with entries that are not synced.
    unsynced_dirs: Vec<PathBuf>,
    /// Whether the sync of a directory failed.
    is_spoilt: bool,
}

#[derive(Clone, Debug, Hash)]
struct Track {
    /// `None` once it has no name any more.
    path: Option<PathBuf>,
    written: usize,
    synced: usize,
    name: Name,
    /// Whether it was cut since the last sync.
    is_cut: bool,
    /// Whether a sync failed: what was written then is not known to be durable ever after.
    is_spoilt: bool,
}

/// Whether a name is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name {
    Durable,
    /// The next sync of its directory makes it so.
    Pending,
    /// A sync of its directory failed.
    Spoilt,
}

impl Tracks {
    /// Forgets the files that have no name, of which no handle is left. What is durable for good need not
    /// be known either.
    pub(super) fn forget_nameless(&mut self) {
        self.files
            .retain(|file| file.path.is_some() && !file.is_plain());
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.unsynced_dirs.sort();
    }

    /// Takes in what may be lost of which file, not where in it that is.
    pub(super) fn hash_meaning<H: Hasher>(&self, state: &mut H) {
        let Self {
            files,
            unsynced_dirs,
            is_spoilt,
        } = self;
        for Track {
            path,
            written,
            synced,
            name,
            is_cut,
            is_spoilt,
        } in files
        {
            (path, written - synced, name, is_cut, is_spoilt).hash(state);
        }
        (unsynced_dirs, is_spoilt).hash(state);
    }

    pub(super) fn has_unsynced(&self) -> bool {
        let has_names = self.is_spoilt || !self.unsynced_dirs.is_empty();
        has_names || self.files.iter().any(Track::is_unsynced)
    }

    /// How much of a file is durable; `None` if nothing was done to it.
    pub(super) fn durable(&self, path: &Path) -> Option<usize> {
        let file = &self.files[self.find(path)?];
        Some(if file.name == Name::Durable {
            file.synced
        } else {
            0
        })
    }

    pub(super) fn create(&mut self, path: &Path) -> TrackId {
        self.unsync_dir(path);
        self.add(path, 0, Name::Pending)
    }

    pub(super) fn open(&mut self, path: &Path, length: impl FnOnce() -> usize) -> TrackId {
        self.find(path)
            .unwrap_or_else(|| self.add(path, length(), Name::Durable))
    }

    fn add(&mut self, path: &Path, length: usize, name: Name) -> TrackId {
        self.files.push(Track {
            path: Some(path.to_owned()),
            written: length,
            synced: length,
            name,
            is_cut: false,
            is_spoilt: false,
        });
        self.files.len() - 1
    }

    pub(super) fn write(
        &mut self,
        id: TrackId,
        written: &io::Result<usize>,
        length: impl FnOnce(&Path) -> usize,
    ) {
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        match (written, &file.path) {
            (Ok(bytes), _) => file.written += bytes,
            // Some of it may be in the file.
            (Err(_), Some(path)) => file.written = length(path),
            (Err(_), None) => {}
        }
    }

    pub(super) fn truncate(&mut self, id: TrackId, length: u64) {
        if let Some(file) = self.files.get_mut(id) {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            file.is_cut |= length < file.written;
            file.written = file.written.min(length);
            file.synced = file.synced.min(length);
        }
    }

    pub(super) fn sync(&mut self, id: TrackId, done: &io::Result<()>) {
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        match done {
            Ok(()) if !file.is_spoilt => {
                file.synced = file.written;
                file.is_cut = false;
            }
            Err(error) if is_harmless(error) => {}
            Ok(()) | Err(_) => file.is_spoilt = true,
        }
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        self.remove(to);
        self.unsync_dir(from);
        self.unsync_dir(to);
        if let Some(id) = self.find(from) {
            self.files[id].path = Some(to.to_owned());
            self.files[id].name = Name::Pending;
        }
    }

    pub(super) fn remove(&mut self, path: &Path) {
        self.unsync_dir(path);
        if let Some(id) = self.find(path) {
            // Nobody asks about it any more.
            let file = &mut self.files[id];
            file.path = None;
            file.synced = file.written;
            file.is_cut = false;
        }
    }

    pub(super) fn sync_dir(&mut self, dir: &Path, done: &io::Result<()>) {
        let becomes = match done {
            Ok(()) => Name::Durable,
            Err(error) if is_harmless(error) => return,
            Err(_) => Name::Spoilt,
        };
        self.is_spoilt |= becomes == Name::Spoilt;
        self.unsynced_dirs.retain(|unsynced| unsynced != dir);
        let here = |file: &&mut Track| file.path.as_deref().and_then(Path::parent) == Some(dir);
        let pending = |file: &&mut Track| file.name == Name::Pending;
        for file in self.files.iter_mut().filter(here).filter(pending) {
            file.name = becomes;
        }
    }

    fn unsync_dir(&mut self, path: &Path) {
        let dir = path.parent().unwrap_or(path);
        if !self.unsynced_dirs.iter().any(|unsynced| unsynced == dir) {
            self.unsynced_dirs.push(dir.to_owned());
        }
    }

    fn find(&self, path: &Path) -> Option<TrackId> {
        self.files
            .iter()
            .position(|file| file.path.as_deref() == Some(path))
    }
}

impl Track {
    const fn is_unsynced(&self) -> bool {
        self.synced != self.written || self.is_cut || self.is_spoilt
    }

    /// Whether all of it is durable, as it is of a file that nothing is known of.
    fn is_plain(&self) -> bool {
        self.name == Name::Durable && !self.is_unsynced()
    }
}

/// Whether a sync that ended so has done nothing.
fn is_harmless(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted
}
