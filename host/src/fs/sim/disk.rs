//! What a simulated disk holds, and what a crash makes of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::not_found;

/// What became of a change that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    /// In the cache: the next sync keeps it.
    Pending,
    /// On the disk.
    Kept,
    /// In the cache, and counted as written though it may not be: a sync of it failed.
    Forsaken,
}

/// Changes in order, on top of what is surely on the disk.
#[derive(Clone, Debug, Hash)]
struct Log<T>(Vec<(T, Fate)>);

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Log<T> {
    fn push(&mut self, change: T) {
        self.0.push((change, Fate::Pending));
    }

    fn turn(&mut self, which: impl Fn(&T) -> bool, to: Fate) {
        for (change, fate) in &mut self.0 {
            if *fate == Fate::Pending && which(change) {
                *fate = to;
            }
        }
    }

    /// Takes the changes from the front that are on the disk.
    fn settled(&mut self) -> impl Iterator<Item = T> {
        let count = self
            .0
            .iter()
            .take_while(|(_, fate)| *fate == Fate::Kept)
            .count();
        self.0.drain(..count).map(|(change, _)| change)
    }
}

#[derive(Clone, Debug, Hash)]
enum Edit {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

impl Edit {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() == *at {
                    return content.extend_from_slice(bytes);
                }
                if content.len() < end {
                    // Where an earlier write was lost there is a hole.
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Truncate { length } => content.truncate(*length),
        }
    }
}

fn view((edit, fate): &(Edit, Fate)) -> EditView<'_> {
    match edit {
        Edit::Write { at, bytes } => EditView::Write {
            at: *at,
            bytes,
            pending: *fate == Fate::Pending,
        },
        Edit::Truncate { .. } => EditView::Cut,
    }
}

/// One file's content. Copied when it is changed, not when it is looked at.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Inode {
    seen: Arc<Vec<u8>>,
    disk: Arc<Vec<u8>>,
    edits: Log<Edit>,
}

impl Inode {
    pub(super) fn content(&self) -> Arc<Vec<u8>> {
        self.seen.clone()
    }

    pub(super) fn length(&self) -> usize {
        self.seen.len()
    }

    fn edit(&mut self, edit: Edit) {
        edit.apply(Arc::make_mut(&mut self.seen));
        self.edits.push(edit);
    }

    pub(super) fn truncate(&mut self, length: u64) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.edit(Edit::Truncate { length });
    }

    pub(super) fn sync(&mut self) {
        self.edits.turn(|_| true, Fate::Kept);
        for edit in self.edits.settled() {
            edit.apply(Arc::make_mut(&mut self.disk));
        }
    }

    pub(super) fn fail_sync(&mut self) {
        self.edits.turn(|_| true, Fate::Forsaken);
    }

    fn crash(&mut self, loss: &mut dyn Loss) {
        for (edit, fate) in self.edits.0.drain(..) {
            let edit = match (fate, edit) {
                (Fate::Kept, edit) => edit,
                (_, Edit::Write { at, mut bytes }) => {
                    match loss.of_write(&bytes) {
                        0 => continue,
                        kept => bytes.truncate(kept),
                    }
                    Edit::Write { at, bytes }
                }
                (_, edit) if loss.keeps_cut() => edit,
                _ => continue,
            };
            edit.apply(Arc::make_mut(&mut self.disk));
        }
        self.seen = self.disk.clone();
    }
}

/// A file of a disk, as somebody sees it who knows what there will be of it.
#[derive(Debug)]
pub struct FileView<'a> {
    /// All names that it has, or can have after a crash.
    pub names: Vec<&'a OsStr>,
    /// What a process sees.
    pub seen: &'a [u8],
    /// What is surely there after a crash.
    pub disk: &'a [u8],
    /// What is between the two.
    pub edits: Vec<EditView<'a>>,
}

/// A change of a file that a crash may undo.
#[derive(Clone, Copy, Debug)]
pub enum EditView<'a> {
    /// Bytes were written.
    Write {
        /// From where on.
        at: usize,
        /// The bytes.
        bytes: &'a [u8],
        /// Whether the next sync makes it last; none does after one that failed.
        pending: bool,
    },
    /// It was cut.
    Cut,
}

/// By the bytes of the path, which compare faster than its components.
type Names = BTreeMap<OsString, usize>;

#[derive(Clone, Debug, Hash)]
enum Naming {
    Add {
        path: OsString,
        inode: usize,
    },
    Remove {
        path: OsString,
    },
    /// The file goes by its new name whatever else is kept: a name holds a file, not another name.
    Rename {
        from: OsString,
        to: OsString,
        inode: usize,
    },
}

impl Naming {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Add { path, inode } => {
                names.insert(path.clone(), *inode);
            }
            Self::Remove { path } => {
                names.remove(path);
            }
            Self::Rename { from, to, inode } => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }

    /// The file that gets a name.
    const fn named(&self) -> Option<usize> {
        match self {
            Self::Add { inode, .. } | Self::Rename { inode, .. } => Some(*inode),
            Self::Remove { .. } => None,
        }
    }

    /// The name that it is about.
    fn to(&self) -> &OsStr {
        match self {
            Self::Add { path, .. } | Self::Remove { path } => path,
            Self::Rename { to, .. } => to,
        }
    }

    const fn named_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Add { inode, .. } | Self::Rename { inode, .. } => Some(inode),
            Self::Remove { .. } => None,
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Self::Add { path, .. } | Self::Remove { path } => is_child(path, dir),
            Self::Rename { to, .. } => is_child(to, dir),
        }
    }
}

/// Whether a path is that of something right in a directory.
fn is_child(path: &OsStr, dir: &Path) -> bool {
    let separator = std::path::MAIN_SEPARATOR as u8;
    path.as_encoded_bytes()
        .strip_prefix(dir.as_os_str().as_encoded_bytes())
        .and_then(|rest| rest.strip_prefix(&[separator]))
        .is_some_and(|name| !name.contains(&separator))
}

/// All files and their names.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Disk {
    inodes: Vec<Inode>,
    seen: Names,
    names: Names,
    changes: Log<Naming>,
    pub(super) capacity: Option<u64>,
    pub(super) file_limit: Option<u64>,
}

impl Disk {
    pub(super) fn find(&self, path: &Path) -> Option<usize> {
        self.seen.get(path.as_os_str()).copied()
    }

    pub(super) fn inode(&self, path: &Path) -> Option<&Inode> {
        self.find(path).map(|id| &self.inodes[id])
    }

    pub(super) fn file(&mut self, id: usize) -> &mut Inode {
        &mut self.inodes[id]
    }

    pub(super) fn list(&self, dir: &Path) -> Vec<PathBuf> {
        let paths = self.seen.keys();
        paths
            .filter(|path| is_child(path, dir))
            .map(PathBuf::from)
            .collect()
    }

    /// Appends as much as there is room for.
    pub(super) fn append(&mut self, id: usize, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room().min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let limit = self.file_limit.unwrap_or(u64::MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let room = room.min(limit.saturating_sub(self.inodes[id].length()));
        if room == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let inode = &mut self.inodes[id];
        inode.edit(Edit::Write {
            at: inode.seen.len(),
            bytes: bytes[..room].to_vec(),
        });
        Ok(room)
    }

    fn room(&self) -> usize {
        let Some(capacity) = self.capacity else {
            return usize::MAX;
        };
        let used: usize = self
            .seen
            .values()
            .map(|id| self.inodes[*id].seen.len())
            .sum();
        usize::try_from(capacity)
            .unwrap_or(usize::MAX)
            .saturating_sub(used)
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<usize> {
        if self.find(path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.inodes.len();
        self.inodes.push(Inode::default());
        let path = path.as_os_str().to_owned();
        self.name(Naming::Add { path, inode });
        Ok(inode)
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.find(path).ok_or_else(|| not_found(path))?;
        let path = path.as_os_str().to_owned();
        self.name(Naming::Remove { path });
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.find(from).ok_or_else(|| not_found(from))?;
        self.name(Naming::Rename {
            from: from.as_os_str().to_owned(),
            to: to.as_os_str().to_owned(),
            inode,
        });
        Ok(())
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.seen);
        self.changes.push(naming);
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        self.changes.turn(|naming| naming.is_in(dir), Fate::Kept);
        for naming in self.changes.settled() {
            naming.apply(&mut self.names);
        }
    }

    pub(super) fn fail_sync_dir(&mut self, dir: &Path) {
        self.changes
            .turn(|naming| naming.is_in(dir), Fate::Forsaken);
    }

    pub(super) fn plant(&mut self, path: &Path, content: &[u8]) {
        let inode = self.inodes.len();
        let content = Arc::new(content.to_vec());
        self.inodes.push(Inode {
            seen: content.clone(),
            disk: content,
            edits: Log::default(),
        });
        for names in [&mut self.seen, &mut self.names] {
            names.insert(path.as_os_str().to_owned(), inode);
        }
    }

    /// The files, in the order of their numbers.
    pub(super) fn files(&self) -> impl Iterator<Item = FileView<'_>> {
        self.inodes.iter().enumerate().map(|(number, inode)| {
            let held = self.seen.iter().chain(&self.names);
            let held = held.filter(|(_, named)| **named == number);
            let changes = self.changes.0.iter().map(|(naming, _)| naming);
            let changes = changes.filter(|naming| naming.named() == Some(number));
            let names = held.map(|(name, _)| name.as_os_str());
            FileView {
                names: names.chain(changes.map(Naming::to)).collect(),
                seen: &inode.seen,
                disk: &inode.disk,
                edits: inode.edits.0.iter().map(view).collect(),
            }
        })
    }

    /// Takes in what files go by which names, and could.
    pub(super) fn hash_names<H: Hasher>(&self, state: &mut H) {
        (&self.seen, &self.names, &self.changes).hash(state);
        (self.capacity, self.file_limit).hash(state);
    }

    pub(super) fn crash(&mut self, loss: &mut dyn Loss) {
        for (naming, fate) in self.changes.0.drain(..) {
            if fate == Fate::Kept || loss.keeps_name() {
                naming.apply(&mut self.names);
            }
        }
        self.seen.clone_from(&self.names);
        self.forget_nameless();
        for inode in &mut self.inodes {
            inode.crash(loss);
        }
    }

    /// Forgets the files that have no name and can get none back, and counts the others anew, in the order
    /// of their names: disks that hold the same are the same.
    pub(super) fn forget_nameless(&mut self) {
        let mut order = Vec::with_capacity(self.inodes.len());
        let held = self.seen.values().chain(self.names.values()).copied();
        let named = self
            .changes
            .0
            .iter()
            .filter_map(|(naming, _)| naming.named());
        for inode in held.chain(named) {
            if !order.contains(&inode) {
                order.push(inode);
            }
        }
        let new = |old: usize| order.iter().position(|inode| *inode == old);
        let held = self.seen.values_mut().chain(self.names.values_mut());
        let changes = self.changes.0.iter_mut();
        for inode in held.chain(changes.filter_map(|(naming, _)| naming.named_mut())) {
            *inode = new(*inode).expect("it is one of those that are kept");
        }
        self.inodes = order
            .iter()
            .map(|old| std::mem::take(&mut self.inodes[*old]))
            .collect();
    }
}

/// Decides what a power failure leaves of what was not synced.
pub trait Loss {
    /// Whether a change of a directory is kept.
    fn keeps_name(&mut self) -> bool;

    /// How many bytes of a write are kept, from its first.
    fn of_write(&mut self, bytes: &[u8]) -> usize;

    /// Whether it is kept that a file was cut.
    fn keeps_cut(&mut self) -> bool;
}

/// SplitMix64: a sequence of numbers that is the same for the same seed.
pub(super) struct Dice(pub(super) u64);

impl Loss for Dice {
    fn keeps_name(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Often all or nothing, so that schedules with several crashes get anywhere.
    fn of_write(&mut self, bytes: &[u8]) -> usize {
        match self.below(4) {
            0 => 0,
            1 => bytes.len(),
            _ => self.below(bytes.len() + 1),
        }
    }

    fn keeps_cut(&mut self) -> bool {
        self.below(2) == 0
    }
}

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let scaled = (u128::from(z) * limit as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }
}
