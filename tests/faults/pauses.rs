//! Processes that are stopped and go on, and others that come to their run directory meanwhile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::audit::{books, each_once, unnoticeable, verified};
use crate::program::{Ended, Live, Run, program};
use crate::scene::{Room, Scene, Venue, in_real_time};
use crate::shim::{Call, Fault, Owner, Shim};
use crate::sweep::places;
use crate::tell::tell;
use crate::trial::{hit, hit_by};

/// SIGSTOP before every call, and SIGCONT.
#[test]
fn stopped_and_continued_at_every_call() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let calls = places(hit_by(Fault::Stop, &scene.calls, Owner::Host));
    for call in &calls {
        let room = scene.room("stopped");
        let ended = stopped(&room, scene.start(&room), call)
            .go_on()
            .with_code(0);
        let what = format!("stopped at {call:?}");
        unnoticeable(&scene, &room, &[ended], &what);
        verified(&scene, &room, &what);
    }
    tell(format_args!(
        "faults: stopped and continued: {} calls; 0 duplicates, 0 lost, 0 lies",
        calls.len()
    ));
}

/// The deadline of an attempt passes while the process is stopped, also between the attempt's sync and its
/// request, and time goes on by itself.
#[test]
fn deadlines_pass_while_the_process_is_stopped() {
    const DEADLINE: Duration = Duration::from_millis(200);
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Realish);
    let syncs = scene.calls.iter().filter(|call| {
        call.path == "idempotency_keys.jsonl" && matches!(call.what.as_str(), "write" | "sync")
    });
    let calls: Vec<&Call> = syncs.step_by(5).collect();
    for call in &calls {
        let room = scene.room("late");
        let deadline = DEADLINE.as_millis().to_string();
        let run =
            in_real_time(scene.start(&room), 2).env("INVESTBOT_EXCHANGE_CALL_TIMEOUT_MS", deadline);
        let stopped = stopped(&room, run, call);
        // Nothing else than time can make a deadline pass.
        std::thread::sleep(DEADLINE * 2);
        let ended = stopped.go_on();
        let what = format!("late at {call:?}");
        assert_eq!(ended.code, Some(0), "{what}: {}", ended.stderr);
        books(&room, &[ended], &what);
        each_once(&room, &what);
        verified(&scene, &room, &what);
    }
    tell(format_args!(
        "faults: deadlines that pass in a pause: {} calls; 0 duplicates, 0 lost, 0 lies",
        calls.len()
    ));
}

/// Two at once: whoever comes second is sent away, and the first does not notice.
#[test]
fn two_at_once() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    // From where there is a run.
    let calls = hit_by(Fault::Stop, &scene.calls, Owner::Host).skip(13);
    let calls = places(calls);
    for call in &calls {
        let room = scene.room("shared");
        let stopped = stopped(&room, scene.start(&room), call);
        let before = tree(&room.run_dir);
        for (second, name) in seconds(&scene, &room) {
            let what = format!("{name} beside a run at {call:?}");
            let ended = second.end();
            assert_eq!(ended.code, Some(7), "{what}: {}", ended.stderr);
            let said = &ended.stderr;
            assert!(
                said.contains("is locked by another process"),
                "{what}: {said}"
            );
            assert_eq!(tree(&room.run_dir), before, "{what}");
        }
        let ended = stopped.go_on().with_code(0);
        let what = format!("not alone at {call:?}");
        unnoticeable(&scene, &room, &[ended], &what);
        verified(&scene, &room, &what);
    }
    tell(format_args!(
        "faults: two at once: {} calls, 4 commands sent away at each; 0 duplicates, 0 lost, 0 lies",
        calls.len()
    ));
}

fn seconds(scene: &Scene, room: &Room) -> [(Run, &'static str); 4] {
    let run_dir = &room.run_dir;
    [
        (scene.resume(room), "run --resume"),
        (scene.start(room), "run --run-dir"),
        (scene.verify(room), "verify"),
        (scene.in_place(program("resolve").arg(run_dir)), "resolve"),
    ]
}

/// A drill has directories of its own: it is refused that of a run, and it does not disturb one.
#[test]
fn a_drill_beside_a_run() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let call = &hit_by(Fault::Stop, &scene.calls, Owner::Host).nth(60);
    let call = call.expect("a run makes more calls");
    let room = scene.room("drilled");
    let stopped = stopped(&room, scene.start(&room), call);
    let before = tree(&room.run_dir);
    let drill = |dir: &Path| {
        let run = program("drill").args(["--kills", "2", "--dir"]).arg(dir);
        scene.in_place(run).end()
    };
    let refused = drill(&room.run_dir);
    assert_eq!(refused.code, Some(7), "{}", refused.stderr);
    assert_eq!(tree(&room.run_dir), before);
    let _ = drill(&room.run_dir.with_file_name("drill")).with_code(0);
    assert_eq!(tree(&room.run_dir), before);
    let ended = stopped.go_on().with_code(0);
    unnoticeable(&scene, &room, &[ended], "beside a drill");
}

/// A process that is stopped.
struct Stopped(Live);

/// Runs it until it is stopped at a call.
fn stopped(room: &Room, run: Run, call: &Call) -> Stopped {
    const PATIENCE: Duration = Duration::from_secs(60);
    let live = room.over(run, Some(hit(Fault::Stop, call))).start();
    let stat = format!("/proc/{}/stat", live.id());
    let begin = Instant::now();
    loop {
        let about = std::fs::read_to_string(&stat).unwrap_or_default();
        match about
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next())
        {
            Some('T') => return Stopped(live),
            // It may never come to the call where requests overlap.
            Some('Z') | None => return Stopped(live),
            Some(_) => std::thread::yield_now(),
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "it comes neither to {call:?} nor to its end"
        );
    }
}

impl Stopped {
    fn go_on(self) -> Ended {
        self.0.signal("CONT");
        self.0.end()
    }
}

/// What is in a directory, by name.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}
