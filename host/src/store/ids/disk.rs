//! The index on the disk: a log-structured tree of sorted, checksummed blocks, so that memory is bounded
//! and no damage makes a known id look unknown.
//!
//! `lsm-tree` verifies each block as it is read: of ids, of filters and of block indexes, so that "not
//! there" is as well founded as "there". Ids and the mark that goes with them are put on the disk together
//! or not at all. What it does not verify in time, [`check`] does.

mod check;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use lsm_tree::compaction::Leveled;
use lsm_tree::config::PinningPolicy;
use lsm_tree::{AbstractTree as _, AnyTree, Cache, Config, SeqNo, SequenceNumberCounter};
use sha2::{Digest as _, Sha256};

use super::IdIndex;
use crate::engine::Seen;
use crate::engine::identity::SpecDigest;
use crate::store::StoreError;
use crate::store::journal::Mark;

/// The directory's name in a run directory.
pub const NAME: &str = "caller_ids.index";

/// No id begins with this byte.
const MARK_KEY: &[u8] = b"\0mark";

/// Ids that are longer are known by their hash.
const LONG: usize = 200;

/// Bytes of blocks that are kept in memory.
const CACHE: u64 = 8 << 20;

/// Bytes of a sorted file. Small, so that no single merge takes long.
const TABLE: u64 = 4 << 20;

/// With this many unsorted files their merge begins; with this many it is waited for.
const MERGE: usize = 4;
const WAIT: usize = 32;

/// Reads see everything.
const LATEST: SeqNo = SeqNo::MAX >> 1;

/// Ids on the disk.
pub struct DiskIndex {
    dir: PathBuf,
    tree: AnyTree,
    numbers: SequenceNumberCounter,
    filled_to: Mark,
    merge: Option<JoinHandle<lsm_tree::Result<()>>>,
}

impl DiskIndex {
    /// Opens the index in a run directory. One that is damaged is begun anew.
    pub fn open(run_dir: &Path) -> Result<Self, StoreError> {
        let dir = run_dir.join(NAME);
        if matches!(std::fs::exists(&dir), Ok(false)) {
            return Self::tree(&dir).map_err(|error| unusable(&dir, &error));
        }
        match Self::open_whole(&dir) {
            Ok(index) => Ok(index),
            Err(text) => {
                tracing::warn!(dir = %dir.display(), %text, "the index of callers' ids is made anew");
                Self::create(&dir)
            }
        }
    }

    fn open_whole(dir: &Path) -> Result<Self, String> {
        check::check(dir)?;
        let mut index = Self::tree(dir).map_err(|error| error.to_string())?;
        let highest = index.tree.get_highest_seqno().unwrap_or_default();
        index.numbers.set(highest + 1);
        if let Some(mark) = index
            .tree
            .get(MARK_KEY, LATEST)
            .map_err(|e| e.to_string())?
        {
            index.filled_to = serde_json::from_slice(&mark).map_err(|e| e.to_string())?;
        }
        Ok(index)
    }

    fn create(dir: &Path) -> Result<Self, StoreError> {
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(unusable(dir, &error))
            }
            _ => Self::tree(dir).map_err(|error| unusable(dir, &error)),
        }
    }

    fn tree(dir: &Path) -> lsm_tree::Result<Self> {
        let numbers = SequenceNumberCounter::default();
        let tree = Config::new(dir, numbers.clone(), numbers.clone())
            .use_cache(Arc::new(Cache::with_capacity_bytes(CACHE)))
            // In small blocks that come and go with the cache, or memory would grow with the ids.
            .index_block_partitioning_policy(PinningPolicy::all(true))
            .index_block_pinning_policy(PinningPolicy::disabled())
            .filter_block_partitioning_policy(PinningPolicy::all(true))
            .filter_block_pinning_policy(PinningPolicy::disabled())
            .open()?;
        Ok(Self {
            dir: dir.to_owned(),
            tree,
            numbers,
            filled_to: Mark::START,
            merge: None,
        })
    }

    fn write(&self, ids: &HashMap<String, Seen>, mark: Mark) -> lsm_tree::Result<()> {
        let number = self.numbers.next();
        for (id, seen) in ids {
            self.tree.insert(key(id), value(seen), number);
        }
        let mark = serde_json::to_vec(&mark).expect("a mark is strings and numbers");
        self.tree.insert(MARK_KEY, mark, number);
        self.tree.rotate_memtable();
        let lock = self.tree.get_flush_lock();
        self.tree.flush(&lock, self.numbers.get())?;
        Ok(())
    }

    /// Merges files in a thread of its own, so that nobody waits for it unless it falls far behind.
    fn merge(&mut self) -> lsm_tree::Result<()> {
        let files = self.tree.l0_run_count();
        if self
            .merge
            .as_ref()
            .is_some_and(|merge| files >= WAIT || merge.is_finished())
        {
            self.finish_merge()?;
        }
        if self.merge.is_none() && files >= MERGE {
            let tree = self.tree.clone();
            let strategy = Arc::new(Leveled::default().with_table_target_size(TABLE));
            let number = self.numbers.get();
            let merge = std::thread::Builder::new().name("ids-merge".into());
            self.merge = Some(merge.spawn(move || tree.compact(strategy, number))?);
        }
        Ok(())
    }

    fn finish_merge(&mut self) -> lsm_tree::Result<()> {
        let Some(merge) = self.merge.take() else {
            return Ok(());
        };
        let panicked = |_| std::io::Error::other("the thread that merges files panicked");
        merge.join().map_err(panicked)?
    }
}

impl IdIndex for DiskIndex {
    fn filled_to(&self) -> Mark {
        self.filled_to
    }

    fn get(&self, id: &str) -> Result<Option<Seen>, StoreError> {
        let found = self.tree.get(key(id), LATEST);
        match found.map_err(|error| unusable(&self.dir, &error))? {
            None => Ok(None),
            Some(value) => seen(&value)
                .map(Some)
                .ok_or_else(|| unusable(&self.dir, &"it holds what no index holds")),
        }
    }

    fn put(&mut self, ids: &HashMap<String, Seen>, mark: Mark) -> Result<(), StoreError> {
        self.write(ids, mark)
            .and_then(|()| self.merge())
            .map_err(|error| unusable(&self.dir, &error))?;
        self.filled_to = mark;
        Ok(())
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        // What it came to does not matter any more.
        let _ = self.finish_merge();
        *self = Self::create(&self.dir)?;
        Ok(())
    }
}

impl Drop for DiskIndex {
    fn drop(&mut self) {
        let _ = self.finish_merge();
    }
}

fn unusable(dir: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Index {
        dir: dir.to_owned(),
        text: error.to_string(),
    }
}

fn key(id: &str) -> Vec<u8> {
    let (tag, bytes) = if id.len() > LONG {
        (b'h', Sha256::digest(id).to_vec())
    } else {
        (b'i', id.as_bytes().to_vec())
    };
    [&[tag], &bytes[..]].concat()
}

/// The digest, then the client order id after a space, if there is one.
fn value(seen: &Seen) -> Vec<u8> {
    let mut value = seen.digest.to_hex().into_bytes();
    if let Some(client_order_id) = &seen.client_order_id {
        value.push(b' ');
        value.extend_from_slice(client_order_id.as_bytes());
    }
    value
}

fn seen(value: &[u8]) -> Option<Seen> {
    let text = std::str::from_utf8(value).ok()?;
    let (digest, client_order_id) = match text.split_once(' ') {
        None => (text, None),
        Some((digest, client_order_id)) => (digest, Some(client_order_id.to_owned())),
    };
    Some(Seen {
        digest: SpecDigest::try_from(digest.to_owned()).ok()?,
        client_order_id,
    })
}

#[cfg(test)]
mod tests;
