//! A disk that is told of calls, and what a loss of power leaves on it.
//!
//! Content is kept by a sync of its file, a name by a sync of its directory; of everything else any part may
//! be there. It is not the disk of the simulator: that one is the host's own idea of a disk, this one sees
//! what the system was really asked for.

use std::collections::BTreeMap;
use std::path::Path;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

use crate::shim::Call;

/// What is lost of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Everything,
    /// Names are kept, content is not: files that are there and empty.
    Content,
    /// Content is kept, names are not.
    Names,
    /// Any part: of writes, of bytes of a write, of names.
    Some(u64),
}

impl Loss {
    const DRAWN: u64 = 4;

    /// All kinds, those that are drawn with seeds of the `number`th moment.
    pub(crate) fn all(number: u64) -> impl Iterator<Item = Self> {
        let drawn = (0..Self::DRAWN).map(move |draw| Self::Some(number * Self::DRAWN + draw));
        [Self::Everything, Self::Content, Self::Names]
            .into_iter()
            .chain(drawn)
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

#[derive(Clone, Debug, Default)]
struct Content {
    kept: Vec<u8>,
    edits: Vec<Edit>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Directory,
    File(usize),
}

#[derive(Clone, Debug)]
enum Naming {
    Add(String, Entry),
    Remove(String),
    Rename(String, String, Entry),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    contents: Vec<Content>,
    /// Names as the program sees them.
    names: BTreeMap<String, Entry>,
    kept: BTreeMap<String, Entry>,
    namings: Vec<Naming>,
    ignored: Option<&'static str>,
}

impl Disk {
    /// A disk that keeps nothing of a file because of a sync: as if the program had not asked for it.
    pub(crate) fn that_ignores_syncs_of(name: &'static str) -> Self {
        Self {
            ignored: Some(name),
            ..Self::default()
        }
    }

    /// Takes note of a call that was done.
    pub(crate) fn take(&mut self, call: &Call) {
        if call.errno != 0 {
            return;
        }
        let name = call.path.clone();
        match call.what.as_str() {
            "mkdir" => self.name(Naming::Add(name, Entry::Directory)),
            "open" if !call.detail.is_empty() => {
                if let Some(Entry::File(file)) = self.names.get(&name).copied() {
                    if call.detail == "truncate" {
                        self.contents[file].edits.push(Edit::Cut(0));
                    }
                } else {
                    self.contents.push(Content::default());
                    let file = Entry::File(self.contents.len() - 1);
                    self.name(Naming::Add(name, file));
                }
            }
            "write" => {
                let (at, bytes) = call.data();
                self.edit(&name, Edit::Write { at, bytes });
            }
            "cut" => self.edit(&name, Edit::Cut(call.detail.parse().expect("a length"))),
            "rename" => {
                let entry = self.names[&name];
                self.name(Naming::Rename(name, call.detail.clone(), entry));
            }
            "unlink" => self.name(Naming::Remove(name)),
            "sync" => self.sync(&name),
            _ => {}
        }
    }

    fn edit(&mut self, name: &str, edit: Edit) {
        let Some(Entry::File(file)) = self.names.get(name) else {
            panic!("{name} was written and never made");
        };
        self.contents[*file].edits.push(edit);
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.namings.push(naming);
    }

    fn sync(&mut self, name: &str) {
        if self.ignored == Some(name) {
            return;
        }
        match self.names.get(name) {
            Some(Entry::File(file)) => {
                let content = &mut self.contents[*file];
                let edits = std::mem::take(&mut content.edits);
                edits.iter().for_each(|edit| edit.apply(&mut content.kept));
            }
            _ => {
                self.put_index_in_place(name);
                let (its, others) = std::mem::take(&mut self.namings)
                    .into_iter()
                    .partition(|naming| naming.directory() == name);
                self.namings = others;
                let its: Vec<Naming> = its;
                its.iter().for_each(|naming| naming.apply(&mut self.kept));
            }
        }
    }

    /// The index renames its list of files without the C library, just before it syncs the directory.
    fn put_index_in_place(&mut self, directory: &str) {
        let prefix = format!("{directory}/.tmp");
        let of_index = |name: &&String| name.starts_with(&prefix);
        let Some(new) = self.names.keys().find(of_index).cloned() else {
            return;
        };
        let entry = self.names[&new];
        self.name(Naming::Rename(new, format!("{directory}/current"), entry));
    }

    /// What is left of it after a loss of power.
    pub(crate) fn after(&self, loss: Loss) -> Self {
        let mut left = self.clone();
        let mut chance = Chance::of(loss);
        for content in &mut left.contents {
            let edits = std::mem::take(&mut content.edits);
            for mut edit in edits {
                if chance.keeps_content(&mut edit) {
                    edit.apply(&mut content.kept);
                }
            }
        }
        for naming in std::mem::take(&mut left.namings) {
            if chance.keeps_name() {
                naming.apply(&mut left.kept);
            }
        }
        left.names = left.kept.clone();
        left
    }

    /// The files whose directories are there too.
    fn files(&self) -> impl Iterator<Item = (&str, Entry)> {
        let is_there = |name: &str| {
            let mut above = parent(name);
            while above != ".." {
                if !self.kept.contains_key(above) {
                    return false;
                }
                above = parent(above);
            }
            true
        };
        let there = self.kept.iter().filter(move |(name, _)| is_there(name));
        there.map(|(name, entry)| (name.as_str(), *entry))
    }

    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (name, entry) in self.files() {
            digest.update(name);
            match entry {
                Entry::Directory => digest.update([0]),
                Entry::File(file) => digest.update(Sha256::digest(&self.contents[file].kept)),
            }
        }
        hex::encode(digest.finalize())
    }

    /// Makes it real.
    pub(crate) fn write_to(&self, run_dir: &Path) {
        // Sorted, so that directories come before what is in them.
        for (name, entry) in self.files() {
            let path = if name == "." {
                run_dir.to_owned()
            } else {
                run_dir.join(name)
            };
            match entry {
                Entry::Directory => std::fs::create_dir(path).unwrap(),
                Entry::File(file) => std::fs::write(path, &self.contents[file].kept).unwrap(),
            }
        }
    }
}

fn parent(name: &str) -> &str {
    match name.rsplit_once('/') {
        Some((above, _)) => above,
        None if name == "." => "..",
        None => ".",
    }
}

impl Naming {
    fn directory(&self) -> &str {
        let (Self::Add(name, _) | Self::Remove(name) | Self::Rename(name, ..)) = self;
        parent(name)
    }

    fn apply(&self, names: &mut BTreeMap<String, Entry>) {
        match self {
            Self::Add(name, entry) => drop(names.insert(name.clone(), *entry)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Rename(from, to, entry) => {
                names.remove(from);
                names.insert(to.clone(), *entry);
            }
        }
    }
}

impl Edit {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Cut(length) => content.resize(*length, 0),
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    // Where an earlier write was lost there is a hole.
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
        }
    }
}

/// What happens to what was not synced.
struct Chance {
    loss: Loss,
    drawn: Xoshiro256PlusPlus,
}

impl Chance {
    fn of(loss: Loss) -> Self {
        let seed = match loss {
            Loss::Some(seed) => seed,
            _ => 0,
        };
        let drawn = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self { loss, drawn }
    }

    fn keeps_content(&mut self, edit: &mut Edit) -> bool {
        match self.loss {
            Loss::Everything | Loss::Content => false,
            Loss::Names => true,
            Loss::Some(_) => match (self.drawn.next_u64() % 3, edit) {
                (0, _) => false,
                (1, Edit::Write { bytes, .. }) if !bytes.is_empty() => {
                    let count = u64::try_from(bytes.len()).expect("it was written");
                    let part = self.drawn.next_u64() % count;
                    bytes.truncate(usize::try_from(part).expect("it is less"));
                    true
                }
                _ => true,
            },
        }
    }

    fn keeps_name(&mut self) -> bool {
        match self.loss {
            Loss::Everything | Loss::Names => false,
            Loss::Content => true,
            Loss::Some(_) => self.drawn.next_u64().is_multiple_of(2),
        }
    }
}
