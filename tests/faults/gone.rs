//! What cannot be kept any more in the middle of a run, and what the run does and says then.

use crate::audit::{each_has_an_end, verified};
use crate::program::Ended;
use crate::scene::{Room, Scene, Venue};
use crate::shim::{Fault, Hit, Owner, Shim};

/// Many orders at once at a venue that takes its time: some are under way when the file of the reports takes
/// no more. Once the run ended on the spot, and left them in doubt.
#[test]
fn a_record_that_finds_no_room_lets_what_is_under_way_be_settled() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Realish);
    for fault in [Fault::Full, Fault::Io] {
        let what = format!("{fault:?}");
        let room = scene.room("full record");
        let hit = Hit {
            owner: Owner::Host,
            number: first_write(&scene),
            path: Some("reports.jsonl"),
            fault,
        };
        let first = room.end(scene.start_many(&room), Some(hit));
        let said = &first.stderr;
        assert_eq!(first.code, Some(1), "{what}: {said}");
        assert!(
            said.contains("cannot write") && said.contains("reports.jsonl"),
            "{what}: {said}"
        );
        assert!(said.contains("\n  hint: "), "{what}: {said}");
        assert!(!said.contains("InDoubt"), "{what}: left in doubt: {said}");
        verified(&scene, &room, &what);
        let next = room.end(scene.resume(&room), None).with_code(0);
        each_has_an_end(&room, &[first, next], &what);
        verified(&scene, &room, &what);
    }
}

/// How many calls on the file of the reports come before the first write.
fn first_write(scene: &Scene) -> u64 {
    let calls = scene
        .calls
        .iter()
        .filter(|call| call.path == "reports.jsonl");
    let before = calls.take_while(|call| call.what != "write");
    u64::try_from(before.count()).expect("there are few")
}

/// Somebody removes the directory of a run under way. Its files can be written and synced without complaint,
/// and what was sent then was in no journal: a resume knew nothing of it.
#[test]
fn a_run_directory_that_is_removed() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let room = scene.room("removed");
    let mut live = scene.converse(&room).start();
    live.say(ORDER);
    live.hear_until(|report| report["state"] == "filled");
    std::fs::remove_dir_all(&room.run_dir).unwrap();
    live.say(&ORDER.replace("first", "second"));
    let ended = live.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    gone_is_said(&ended, &room);
    assert!(
        !ended.stdout.contains("second"),
        "told though it is not kept: {}",
        ended.stdout
    );
}

const ORDER: &str =
    r#"{"id":"first","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.1"}"#;

/// The same at the very end, where only the checkpoint and the summary are to be written.
#[test]
fn a_run_directory_that_is_removed_at_the_end() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let room = scene.room("removed");
    let mut live = scene.converse(&room).start();
    live.say(ORDER);
    live.hear_until(|report| report["state"] == "filled");
    std::fs::remove_dir_all(&room.run_dir).unwrap();
    let ended = live.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    gone_is_said(&ended, &room);
}

fn gone_is_said(ended: &Ended, room: &Room) {
    let said = &ended.stderr;
    assert!(said.contains(room.run_dir.to_str().unwrap()), "{said}");
    assert!(
        said.contains("is gone") && said.contains("put it back where it was"),
        "{said}"
    );
}
