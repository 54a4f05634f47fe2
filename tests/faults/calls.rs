//! Every file call of a run of ten orders, one after another: the process is killed at it, or it fails.

use crate::audit::{books, each_once, killed, says_what_to_do, unnoticeable};
use crate::program::Ended;
use crate::scene::{Room, Scene, Venue};
use crate::shim::{Call, Fault, Hit, Owner, Shim};
use crate::tell::tell;

#[test]
fn killed_at_every_call() {
    from_the_start("killed", Fault::Kill);
}

#[test]
fn killed_in_every_write() {
    from_the_start("killed in a write", Fault::Torn);
}

#[test]
fn a_disk_that_fails_once() {
    from_the_start("EIO once", Fault::Io);
}

#[test]
fn a_disk_that_fails_for_good() {
    from_the_start("EIO from then on", Fault::Gone);
}

#[test]
fn no_space() {
    from_the_start("ENOSPC", Fault::Full);
}

#[test]
fn a_short_write() {
    from_the_start("a short write", Fault::Short);
}

#[test]
fn an_interrupted_call() {
    from_the_start("EINTR", Fault::Interrupted);
}

/// Every call of the host on its files.
fn from_the_start(title: &str, fault: Fault) {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let mut count = Count::default();
    for call in hit_by(fault, &scene.calls, Owner::Host) {
        Trial::new(&scene, fault, call, None).run(&mut count);
    }
    tell(format_args!("faults: {title}: {count}"));
}

/// A venue that takes an order twice if it is sent twice.
#[test]
fn killed_at_every_call_with_a_venue_that_forgets() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Realish);
    let mut count = Count::default();
    for owner in [Owner::Host, Owner::Venue] {
        for call in hit_by(Fault::Kill, &scene.calls, owner) {
            Trial::new(&scene, Fault::Kill, call, None).run(&mut count);
        }
    }
    tell(format_args!("faults: killed, class B: {count}"));
}

/// The venue's own file: the process dies before or after an order is at the venue.
#[test]
fn killed_at_every_call_of_the_venue() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let mut count = Count::default();
    for fault in [Fault::Kill, Fault::Torn] {
        for call in hit_by(fault, &scene.calls, Owner::Venue) {
            Trial::new(&scene, fault, call, None).run(&mut count);
        }
    }
    tell(format_args!("faults: killed at the venue: {count}"));
}

/// A venue that cannot keep an order refuses it, and one that cannot keep what a bar did does not take the
/// bar: what comes of it is another run than the undisturbed one, and a true one.
#[test]
fn a_venue_whose_disk_fails() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let mut count = Count::default();
    for fault in [Fault::Io, Fault::Full, Fault::Short, Fault::Interrupted] {
        for call in hit_by(fault, &scene.calls, Owner::Venue) {
            Trial::new(&scene, fault, call, None).run(&mut count);
        }
    }
    tell(format_args!("faults: the venue's disk: {count}"));
}

/// A run that was killed in the write of an order's attempt, and one that was killed when it had just
/// ended: the resume is disturbed as well.
#[test]
fn a_disturbed_resume() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let writes: Vec<_> = hit_by(Fault::Torn, &scene.calls, Owner::Host)
        .filter(|call| call.path == "idempotency_keys.jsonl")
        .collect();
    let in_the_middle = (writes[writes.len() * 2 / 3], Fault::Torn);
    let renames = hit_by(Fault::Kill, &scene.calls, Owner::Host);
    let at_the_end = renames
        .filter(|call| call.path == "summary.json.new")
        .last();
    let at_the_end = (at_the_end.unwrap(), Fault::Kill);
    let mut count = Count::default();
    for (number, (call, fault)) in [in_the_middle, at_the_end].into_iter().enumerate() {
        let image = scene.room(&format!("image-{number}"));
        killed(&image.end(scene.start(&image), Some(hit(fault, call))));
        let whole = scene.copy(&image.run_dir, "whole");
        let _ = whole.end(scene.resume(&whole), None).with_code(0);
        for fault in [
            Fault::Kill,
            Fault::Torn,
            Fault::Io,
            Fault::Full,
            Fault::Short,
            Fault::Interrupted,
        ] {
            for call in hit_by(fault, &whole.calls(), Owner::Host) {
                Trial::new(&scene, fault, call, Some(&image)).run(&mut count);
            }
        }
    }
    tell(format_args!("faults: a disturbed resume: {count}"));
}

fn hit_by(fault: Fault, calls: &[Call], owner: Owner) -> impl Iterator<Item = &Call> {
    let ours = calls.iter().filter(move |call| call.owner == owner);
    ours.filter(move |call| fault.hits(call))
}

fn hit(fault: Fault, call: &Call) -> Hit {
    Hit {
        owner: call.owner,
        number: call.number,
        fault,
    }
}

#[derive(Default)]
struct Count {
    calls: usize,
    kills: usize,
    failed: usize,
    began_again: usize,
    resumed: usize,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            calls,
            kills,
            failed,
            began_again,
            resumed,
        } = self;
        write!(
            f,
            "{calls} calls hit: {kills} processes killed, {failed} ended with an error, {} went on; \
             {resumed} resumed, {began_again} started again; 0 duplicates, 0 lost, 0 lies",
            calls - kills - failed
        )
    }
}

/// One process that is hit at one call, and what comes after it.
struct Trial<'a> {
    scene: &'a Scene,
    fault: Fault,
    call: &'a Call,
    /// What an earlier process left; without it the process is the first.
    image: Option<&'a Room>,
    what: String,
}

impl<'a> Trial<'a> {
    fn new(scene: &'a Scene, fault: Fault, call: &'a Call, image: Option<&'a Room>) -> Self {
        let begins = image.map_or("", |_| " of a resume");
        let what = format!("{fault:?} at {call:?}{begins}");
        Self {
            scene,
            fault,
            call,
            image,
            what,
        }
    }

    fn run(&self, count: &mut Count) {
        let (room, first) = self.disturb();
        count.calls += 1;
        let is_over = first.code == Some(0);
        if self.fault.kills() {
            killed(&first);
            count.kills += 1;
        } else if !is_over {
            says_what_to_do(&first, &room, self.call, &self.what);
            count.failed += 1;
        }
        let mut processes = vec![first];
        if !is_over {
            let begins_again = !room.run_dir.join("run.json").exists();
            let next = room.end(self.scene.start_or_resume(&room), None);
            let what = &self.what;
            assert_eq!(next.code, Some(0), "after {what}:\n{}", next.stderr);
            processes.push(next);
            *(if begins_again {
                &mut count.began_again
            } else {
                &mut count.resumed
            }) += 1;
        }
        let venue_fails = self.call.owner == Owner::Venue && !self.fault.kills();
        if !venue_fails {
            each_once(&room, &self.what);
        }
        if venue_fails || self.scene.venue == Venue::Realish {
            books(&room, &processes, &self.what);
        } else {
            unnoticeable(self.scene, &room, &processes, &self.what);
        }
    }

    fn disturb(&self) -> (Room, Ended) {
        let hit = Some(hit(self.fault, self.call));
        match self.image {
            None => {
                let room = self.scene.room("disturbed");
                let ended = room.end(self.scene.start(&room), hit);
                (room, ended)
            }
            Some(image) => {
                let room = self.scene.copy(&image.run_dir, "disturbed");
                let ended = room.end(self.scene.resume(&room), hit);
                (room, ended)
            }
        }
    }
}
