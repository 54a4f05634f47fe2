//! A file that is replaced between its check and its load: what runs is what was checked.

#![cfg(unix)]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use investbot::plugin::{LoadError, Plugin, SearchPath};
use investbot_tests::scratch;

use crate::plugin_open::{misbehaving, open};

const SWAPS: u32 = 10_000;

/// Libraries are never unloaded, so not every load that passes the check is carried out.
const OPENED: u32 = 20;

fn put(from: &Path, at: &Path) {
    let new = at.with_extension("new");
    std::fs::hard_link(from, &new).unwrap();
    std::fs::rename(new, at).unwrap();
}

/// Raises a flag when it goes.
struct Raised<'a>(&'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One file is the pinned plugin. The other has a manifest as good, and cannot be opened: if one byte of it were mapped
/// after the check of the first, that would show.
#[test]
fn ten_thousand_swaps_run_no_unapproved_byte() {
    let dir = scratch();
    let approved = dir.copy("fixture_echo", "approved.so");
    let other = dir.copy("fixture_layout", "other.so");
    let target = dir.join("plugin.so");
    put(&approved, &target);
    let search = SearchPath::default();
    let inspect = |pin: Option<&str>| Plugin::inspect(target.to_str().unwrap(), &search, pin);
    let digest = inspect(None).unwrap().sha256().to_owned();

    let (swaps, done) = (AtomicU32::new(0), AtomicBool::new(false));
    let (mut refused, mut opened) = (0, 0);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                put(&other, &target);
                put(&approved, &target);
                swaps.fetch_add(2, Ordering::Relaxed);
            }
        });
        // Also if an assertion fails.
        let _done = Raised(&done);
        while swaps.load(Ordering::Relaxed) < SWAPS || opened < OPENED || refused < OPENED {
            match inspect(Some(&digest)) {
                Ok(plugin) if opened < OPENED => {
                    opened += 1;
                    open(&plugin, &misbehaving("none", "")).expect("it is the approved one");
                }
                Ok(plugin) => assert_eq!(plugin.manifest().plugin.id, "echo"),
                Err(LoadError::HashMismatch { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    });
    put(&other, &target);
    let last = inspect(Some(&digest)).expect_err("it is the other one");
    assert_eq!(last.code(), "HASH_MISMATCH");
}
