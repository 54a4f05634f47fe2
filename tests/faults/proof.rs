//! Tests that cannot fail prove nothing: what these tests are made to find is planted, and has to be found.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::audit::{books, each_once, unnoticeable, verified};
use crate::program::Ended;
use crate::scene::{Room, Scene, Venue};
use crate::shim::{Fault, Owner, Shim};
use crate::tell::tell;
use crate::trial::{Count, Trial, hit_by};

/// A disk that says that it wrote, and did not: no host can bear that. Every write of the journal and of the
/// reports that is lost in that way is found out.
#[test]
fn a_disk_that_lies_is_found_out() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let written = [
        "idempotency_keys.jsonl",
        "reports.jsonl",
        "fills.jsonl",
        "fills.csv",
    ];
    let writes = hit_by(Fault::Lie, &scene.calls, Owner::Host);
    let mut count = 0;
    for call in writes.filter(|call| written.contains(&call.path.as_str())) {
        let trial = Trial::new(&scene, Fault::Lie, call, None);
        let found_out =
            catch_unwind(AssertUnwindSafe(|| trial.run(&mut Count::default()))).is_err();
        assert!(found_out, "nobody noticed: {call:?}");
        count += 1;
    }
    assert!(count > 0);
    tell(format_args!(
        "faults: writes that were lies: {count}, all found out"
    ));
}

/// What a run must not leave, and which of the checks has to see it.
#[test]
fn the_audit_sees_what_is_wrong() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let room = scene.room("sound");
    let ended = room.end(scene.start(&room), None).with_code(0);
    let ended = std::slice::from_ref(&ended);
    let sees = |name: &str, spoil: &dyn Fn(&Path), check: &dyn Fn(&Room)| {
        let spoilt = scene.copy(&room.run_dir, "spoilt");
        check(&spoilt);
        spoil(&spoilt.run_dir);
        assert!(
            catch_unwind(AssertUnwindSafe(|| check(&spoilt))).is_err(),
            "{name}"
        );
    };
    let same = |room: &Room| unnoticeable(&scene, room, ended, "spoilt");
    let sound = |room: &Room| books(room, ended, "spoilt");
    let once = |room: &Room| each_once(room, "spoilt");
    let whole = |room: &Room| verified(&scene, room, "spoilt");
    let ledger = "venue/ledger.jsonl";
    sees(
        "an order twice",
        &|dir| double(dir, ledger, "\"order\""),
        &once,
    );
    sees(
        "an order twice",
        &|dir| double(dir, ledger, "\"order\""),
        &sound,
    );
    sees(
        "an order lost",
        &|dir| drop_line(dir, "reports.jsonl", "order-0"),
        &same,
    );
    sees(
        "an order lost",
        &|dir| drop_line(dir, "reports.jsonl", "order-0"),
        &whole,
    );
    sees(
        "a fill not booked",
        &|dir| drop_line(dir, "fills.csv", "order-"),
        &whole,
    );
    sees(
        "an outcome lost",
        &|dir| drop_line(dir, "idempotency_keys.jsonl", "order-2"),
        &whole,
    );
    let told = Ended {
        code: Some(0),
        stdout: format!(
            "{}{{\"kind\":\"order\",\"state\":\"filled\"}}\n",
            ended[0].stdout
        ),
        stderr: String::new(),
    };
    let lie = || unnoticeable(&scene, &room, std::slice::from_ref(&told), "a lie");
    assert!(catch_unwind(AssertUnwindSafe(lie)).is_err(), "a lie");
}

fn double(dir: &Path, name: &str, with: &str) {
    change(dir, name, |lines| {
        let at = lines.iter().position(|line| line.contains(with));
        let at = at.unwrap_or_else(|| panic!("no line of {name} has {with}"));
        lines.insert(at, lines[at].clone());
    });
}

fn drop_line(dir: &Path, name: &str, with: &str) {
    change(dir, name, |lines| {
        let at = lines.iter().position(|line| line.contains(with));
        // Where no line has it, one in the middle will do.
        lines.remove(at.unwrap_or(lines.len() / 2));
    });
}

fn change(dir: &Path, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let path = dir.join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(path, lines.concat()).unwrap();
}
