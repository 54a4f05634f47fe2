//! No room: a file system that fills up, and files that may grow no more. Then there is room again.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::audit::{books, verified};
use crate::program::Ended;
use crate::scene::{Room, Scene, Venue};
use crate::shim::{Fault, Hit, Owner, Shim};
use crate::sweep::places;
use crate::tell::{skipped, tell};
use crate::trial::hit_by;

/// Of every size from nothing to more than a run needs, page by page.
#[test]
fn a_file_system_that_fills_up() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let sizes = (1..=64).map(|pages| format!("size={}k", 4 * pages));
    on_small_file_systems(&scene, "a file system of 4 to 256 KiB", sizes);
}

/// With room for content, and none for names.
#[test]
fn a_file_system_that_takes_no_more_files() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let counts = (2..=24).map(|files| format!("size=16m,nr_inodes={files}"));
    on_small_file_systems(&scene, "a file system of 2 to 24 files", counts);
}

fn on_small_file_systems(scene: &Scene, title: &str, all: impl Iterator<Item = String>) {
    let all = places(all);
    let mut failed = 0;
    for options in &all {
        let place = scene.room("small");
        std::fs::create_dir(&place.run_dir).unwrap();
        let small = match Small::mount(&place.run_dir, options) {
            Ok(small) => small,
            Err(why) => return skipped(why),
        };
        let room = scene.room_in(&place.run_dir, "on it");
        let first = room.end(scene.start(&room), None);
        small.grow();
        failed += usize::from(goes_on(scene, &room, first, options));
    }
    assert!(
        failed > 0 && failed < all.len(),
        "{failed} of {} failed",
        all.len()
    );
    tell(format_args!(
        "faults: {title}: {} sizes, {failed} runs ended with an error and went on when there was room; \
         0 duplicates, 0 lost, 0 lies",
        all.len()
    ));
}

/// Looks at how a process ended that may have found no room, and goes on where there is room again; whether
/// it found none.
fn goes_on(scene: &Scene, room: &Room, first: Ended, what: &str) -> bool {
    let is_over = first.code == Some(0);
    if !is_over {
        let said = &first.stderr;
        assert!(
            matches!(first.code, Some(1 | 4)),
            "{what}: {:?}: {said}",
            first.code
        );
        assert!(
            said.contains("error: ") && said.contains("\n  hint: "),
            "{what}: {said}"
        );
        assert!(!said.contains("panicked"), "{what}: {said}");
        let blamed = ["space", "large", "room", "only", "Space"];
        assert!(
            blamed.iter().any(|word| said.contains(word)),
            "{what}: {said}"
        );
    }
    let mut processes = vec![first];
    if !is_over {
        let next = room.end(scene.start_or_resume(room), None);
        assert_eq!(next.code, Some(0), "after {what}:\n{}", next.stderr);
        processes.push(next);
    }
    // The venue's ledger is on the same disk, so that it may have refused orders.
    books(room, &processes, what);
    verified(scene, room, what);
    !is_over
}

/// A small file system, for as long as it is needed.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path, options: &str) -> Result<Self, String> {
        let options = format!("{options},mode=700");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "none"])
            .arg(at)
            .output();
        match mount {
            Ok(output) if output.status.success() => Ok(Self(at.to_owned())),
            Ok(output) => Err(format!(
                "a small file system cannot be mounted: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
            Err(error) => Err(format!("there is no mount: {error}")),
        }
    }

    fn grow(&self) {
        let status = Command::new("mount")
            .args(["-o", "remount,size=64m,nr_inodes=100000"])
            .arg(&self.0)
            .status();
        assert!(
            status.unwrap().success(),
            "what was mounted can be mounted larger"
        );
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A limit of the size of every file, that of the plugin's copy apart. The system would end the process by a
/// signal.
#[test]
fn files_that_may_grow_no_more() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let opens = hit_by(Fault::Limit, &scene.calls, Owner::Host);
    let number = |path: &str| {
        let mut calls = opens.clone();
        let first = calls.find(|call| call.path == path && call.what == "write");
        first
            .unwrap_or_else(|| panic!("a run writes {path}"))
            .number
    };
    // Everything but the question meets it; or, with the reserve there, smaller files do.
    let early = [0, 4096, 65_535, 65_536].map(|limit| (number(".reserve"), limit));
    let late = (0..48).map(|step| (number("idempotency_keys.jsonl"), step * 500));
    let all = places(early.into_iter().chain(late));
    let mut failed = 0;
    for (number, limit) in &all {
        let hit = Hit {
            owner: Owner::Host,
            number: *number,
            path: None,
            fault: Fault::Limit,
        };
        let room = scene.room("limited");
        let run = scene.start(&room).env("SHIM_FILE_SIZE", limit.to_string());
        let first = room.end(run, Some(hit));
        let what = format!("files of at most {limit} bytes from call {number} on");
        failed += usize::from(goes_on(&scene, &room, first, &what));
    }
    assert!(
        failed > 0 && failed < all.len(),
        "{failed} of {} failed",
        all.len()
    );
    tell(format_args!(
        "faults: a limit of file sizes: {} limits, {failed} runs ended with an error and went on without it; \
         0 duplicates, 0 lost, 0 lies",
        all.len()
    ));
}
