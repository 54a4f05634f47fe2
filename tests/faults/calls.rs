//! Every file call of a run of ten orders, one after another: the process is killed at it, or it fails.

use crate::audit::killed;
use crate::scene::{Scene, Venue};
use crate::shim::{Fault, Owner, Shim};
use crate::sweep::places;
use crate::tell::tell;
use crate::trial::{Count, Trial, hit, hit_by};

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
    for call in places(hit_by(fault, &scene.calls, Owner::Host)) {
        Trial::new(&scene, fault, call, None).run(&mut count);
    }
    tell(format_args!("faults: {title}: {count}"));
}

/// What can be deleted at any time must not cost anything when it fails.
#[test]
fn an_index_that_fails() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    for (title, fault) in [
        ("killed", Fault::Kill),
        ("killed in a write", Fault::Torn),
        ("EIO once", Fault::Io),
        ("EIO from then on", Fault::Gone),
        ("ENOSPC", Fault::Full),
        ("a short write", Fault::Short),
        ("EINTR", Fault::Interrupted),
    ] {
        let mut count = Count::default();
        for call in places(hit_by(fault, &scene.calls, Owner::Index)) {
            Trial::new(&scene, fault, call, None).run(&mut count);
        }
        tell(format_args!("faults: the index, {title}: {count}"));
    }
}

/// A venue that takes an order twice if it is sent twice.
#[test]
fn killed_at_every_call_with_a_venue_that_forgets() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Realish);
    let mut count = Count::default();
    for owner in [Owner::Host, Owner::Venue] {
        for call in places(hit_by(Fault::Kill, &scene.calls, owner)) {
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
        for call in places(hit_by(fault, &scene.calls, Owner::Venue)) {
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
        for call in places(hit_by(fault, &scene.calls, Owner::Venue)) {
            Trial::new(&scene, fault, call, None).run(&mut count);
        }
    }
    tell(format_args!("faults: the venue's disk: {count}"));
}

/// A run that was killed in the write of an order's attempt: the resume is disturbed as well.
#[test]
fn a_disturbed_resume_in_the_middle() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let writes = hit_by(Fault::Torn, &scene.calls, Owner::Host);
    let writes = writes.filter(|call| call.path == "idempotency_keys.jsonl");
    let count = writes.clone().count();
    let (number, fault) = (count * 2 / 3, Fault::Torn);
    let call = writes
        .clone()
        .nth(number)
        .expect("a run writes its journal");
    disturbed_resume(&scene, "in the middle", fault, call.number);
}

/// A run that was killed when it had just ended: the resume is disturbed as well.
#[test]
fn a_disturbed_resume_at_the_end() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let calls = hit_by(Fault::Kill, &scene.calls, Owner::Host);
    let last = calls.filter(|call| call.path == "summary.json.new").last();
    let last = last.expect("a run writes its summary").number;
    disturbed_resume(&scene, "at the end", Fault::Kill, last);
}

fn disturbed_resume(scene: &Scene, title: &str, fault: Fault, number: u64) {
    let mut calls = scene.calls.iter();
    let call = calls.find(|call| call.owner == Owner::Host && call.number == number);
    let image = scene.room("image");
    killed(&image.end(scene.start(&image), Some(hit(fault, call.unwrap()))));
    let whole = scene.copy(&image.run_dir, "whole");
    let _ = whole.end(scene.resume(&whole), None).with_code(0);
    let calls = whole.calls();
    for (name, fault) in [
        ("killed", Fault::Kill),
        ("killed in a write", Fault::Torn),
        ("EIO once", Fault::Io),
        ("EIO from then on", Fault::Gone),
        ("ENOSPC", Fault::Full),
        ("a short write", Fault::Short),
        ("EINTR", Fault::Interrupted),
    ] {
        let mut count = Count::default();
        for call in places(hit_by(fault, &calls, Owner::Host)) {
            Trial::new(scene, fault, call, Some(&image)).run(&mut count);
        }
        tell(format_args!("faults: a resume {title}, {name}: {count}"));
    }
}
