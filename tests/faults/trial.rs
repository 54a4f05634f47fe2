//! One process that is hit at one call, and what comes after it.

use crate::audit::{books, each_once, killed, says_what_to_do, unnoticeable, verified};
use crate::program::Ended;
use crate::scene::{Room, Scene, Venue};
use crate::shim::{Call, Fault, Hit, Owner};

/// The calls of an owner to which a fault can happen.
pub(crate) fn hit_by(
    fault: Fault,
    calls: &[Call],
    owner: Owner,
) -> impl Iterator<Item = &Call> + Clone {
    let its = calls.iter().filter(move |call| call.owner == owner);
    its.filter(move |call| fault.hits(call))
}

pub(crate) fn hit(fault: Fault, call: &Call) -> Hit {
    Hit {
        owner: call.owner,
        number: call.number,
        path: None,
        fault,
    }
}

#[derive(Default)]
pub(crate) struct Count {
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
pub(crate) struct Trial<'a> {
    scene: &'a Scene,
    fault: Fault,
    call: &'a Call,
    /// What an earlier process left; without it the process is the first.
    image: Option<&'a Room>,
    what: String,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(
        scene: &'a Scene,
        fault: Fault,
        call: &'a Call,
        image: Option<&'a Room>,
    ) -> Self {
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

    pub(crate) fn run(&self, count: &mut Count) {
        let (room, first) = self.disturb();
        count.calls += 1;
        let is_over = first.code == Some(0);
        // The calls on the index are others in every run: the one that was to be hit may not have come.
        if first.code.is_none() {
            assert!(self.fault.kills(), "{}: {}", self.what, first.stderr);
            killed(&first);
            count.kills += 1;
        } else if !is_over {
            says_what_to_do(&first, &room, self.call, &self.what);
            count.failed += 1;
        } else {
            assert!(
                !self.fault.kills() || self.call.owner == Owner::Index,
                "{}",
                self.what
            );
        }
        let mut processes = vec![first];
        if !is_over {
            processes.push(self.go_on(&room, count));
        }
        self.check(&room, &processes);
    }

    fn go_on(&self, room: &Room, count: &mut Count) -> Ended {
        let begins_again = !room.run_dir.join("run.json").exists();
        if !begins_again {
            verified(self.scene, room, &self.what);
        }
        let next = room.end(self.scene.start_or_resume(room), None);
        let what = &self.what;
        assert_eq!(next.code, Some(0), "after {what}:\n{}", next.stderr);
        *(if begins_again {
            &mut count.began_again
        } else {
            &mut count.resumed
        }) += 1;
        next
    }

    fn check(&self, room: &Room, processes: &[Ended]) {
        let venue_fails = self.call.owner == Owner::Venue && !self.fault.kills();
        if !venue_fails {
            each_once(room, &self.what);
        }
        if venue_fails || self.scene.venue == Venue::Realish {
            books(room, processes, &self.what);
        } else {
            unnoticeable(self.scene, room, processes, &self.what);
        }
        verified(self.scene, room, &self.what);
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
