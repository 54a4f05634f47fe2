//! A loss of power: what was written and not synced is there, or is not, or a part of it is. The calls of an
//! undisturbed run are recorded; after every one of them the power fails, in several ways, and somebody goes
//! on with what is left.
//!
//! The venue is elsewhere and loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::audit::{books, each_once, unnoticeable, verified};
use crate::disk::{Disk, Loss};
use crate::program::Ended;
use crate::scene::{Scene, Venue};
use crate::shim::{Call, Owner, Shim};
use crate::sweep::places;
use crate::tell::tell;

#[test]
fn the_power_fails_at_every_call() {
    let Some(shim) = Shim::build() else { return };
    for venue in [Venue::Paper, Venue::Realish] {
        let scene = Scene::new(shim, venue);
        let images = places(images(&scene.recorded(), Disk::default()));
        for image in &images {
            image.try_on(&scene);
        }
        tell(format_args!(
            "faults: power lost, {venue:?}: {} images; 0 duplicates, 0 lost, 0 lies",
            images.len()
        ));
    }
}

/// A host that does not wait for its journal to be on the disk loses orders, and these tests see it.
#[test]
fn a_host_that_does_not_sync_its_journal_is_found_out() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Realish);
    let careless = Disk::that_ignores_syncs_of("idempotency_keys.jsonl");
    let images = images(&scene.recorded(), careless);
    let bears = |image: &Image| {
        let tried = std::panic::AssertUnwindSafe(|| image.try_on(&scene));
        std::panic::catch_unwind(tried).is_ok()
    };
    let late_first = || {
        images
            .iter()
            .rev()
            .filter(|image| image.loss == Loss::Everything)
    };
    let found_out = late_first().take(40).filter(|image| !bears(image)).count();
    assert!(found_out > 0, "nobody noticed");
    tell(format_args!(
        "faults: a journal that is not synced: found out by {found_out} of 40 images"
    ));
}

/// Contents by name.
type Files = BTreeMap<String, Vec<u8>>;

/// What is left when the power fails.
struct Image {
    disk: Disk,
    loss: Loss,
    /// The venue's files.
    venue: Files,
    /// What was told by then.
    told: String,
    what: String,
}

/// The images after every call, without those that are the same.
fn images(calls: &[Call], mut disk: Disk) -> Vec<Image> {
    let mut seen = BTreeSet::new();
    let mut images = Vec::new();
    let (mut venue, mut told) = (Files::new(), String::new());
    let mut of_venue = 0;
    for (number, call) in (0..).zip(calls) {
        match call.owner {
            Owner::Host | Owner::Index => disk.take(call),
            Owner::Venue => {
                of_venue += 1;
                take_venue(call, &mut venue);
            }
            Owner::Told => {
                let (_, bytes) = call.data();
                told.push_str(std::str::from_utf8(&bytes).expect("it tells in text"));
            }
        }
        for loss in Loss::all(number) {
            let left = disk.after(loss);
            if seen.insert((left.digest(), of_venue, told.len())) {
                images.push(Image {
                    disk: left,
                    loss,
                    venue: venue.clone(),
                    told: told.clone(),
                    what: format!("{loss:?} lost after {call:?}"),
                });
            }
        }
    }
    images
}

fn take_venue(call: &Call, files: &mut Files) {
    let file = files.entry(call.path.clone()).or_default();
    match call.what.as_str() {
        "open" if call.detail == "truncate" => file.clear(),
        "write" => {
            let (at, bytes) = call.data();
            file.truncate(at);
            file.extend(bytes);
        }
        "cut" => file.truncate(call.detail.parse().expect("a length")),
        "rename" => {
            let file = files.remove(&call.path).unwrap_or_default();
            files.insert(call.detail.clone(), file);
        }
        _ => {}
    }
}

impl Image {
    fn try_on(&self, scene: &Scene) {
        let room = scene.room("powerless");
        self.disk.write_to(&room.run_dir);
        for (name, content) in &self.venue {
            write(&room.run_dir.join(name), content);
        }
        let before = Ended {
            code: None,
            stdout: self.told.clone(),
            stderr: String::new(),
        };
        let next = room.end(scene.start_or_resume(&room), None);
        assert_eq!(next.code, Some(0), "{}:\n{}", self.what, next.stderr);
        let processes = [before, next];
        each_once(&room, &self.what);
        match scene.venue {
            Venue::Paper => unnoticeable(scene, &room, &processes, &self.what),
            Venue::Realish => books(&room, &processes, &self.what),
        }
        verified(scene, &room, &self.what);
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("it is in a directory")).unwrap();
    std::fs::write(path, bytes).unwrap();
}
