//! Damaged files of a run: flipped bits, cut ends, lines that are missing, there twice or in another order. A
//! resume and `investbot verify` either say so, or what was damaged does not matter.

use std::path::{Path, PathBuf};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use crate::audit::{books, each_once, killed};
use crate::program::Ended;
use crate::scene::{Left, Room, Scene, Venue};
use crate::shim::{Fault, Owner, Shim};
use crate::sweep::how_many;
use crate::tell::tell;
use crate::trial::{hit, hit_by};

/// Every state file of a run that came to its end.
#[test]
fn a_finished_run_is_damaged() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let room = scene.room("image");
    let _ = room.end(scene.start(&room), None).with_code(0);
    damaged(&scene, &room, "finished");
}

/// Every state file of a run that was killed in the middle.
#[test]
fn a_killed_run_is_damaged() {
    let Some(shim) = Shim::build() else { return };
    let scene = Scene::new(shim, Venue::Paper);
    let writes = hit_by(Fault::Kill, &scene.calls, Owner::Host);
    let writes = writes.filter(|call| call.path == "idempotency_keys.jsonl");
    let middle = writes.clone().count() * 2 / 3;
    let call = writes
        .clone()
        .nth(middle)
        .expect("a run writes its journal");
    let room = scene.room("image");
    killed(&room.end(scene.start(&room), Some(hit(Fault::Kill, call))));
    damaged(&scene, &room, "killed");
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip,
    Cut,
    Delete,
    Double,
    Swap,
}

impl Damage {
    const ALL: [Self; 5] = [
        Self::Flip,
        Self::Cut,
        Self::Delete,
        Self::Double,
        Self::Swap,
    ];

    /// The file damaged so; `None` where that changes nothing.
    fn of(self, bytes: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let line = chance.below(lines.len())?;
        let damaged = match self {
            Self::Flip => {
                let mut bytes = bytes.to_vec();
                let at = chance.below(bytes.len())?;
                bytes[at] ^= 1 << chance.below(8)?;
                bytes
            }
            Self::Cut => bytes[..chance.below(bytes.len())?].to_vec(),
            Self::Delete => {
                lines.remove(line);
                lines.concat()
            }
            Self::Double => {
                lines.insert(line, lines[line]);
                lines.concat()
            }
            Self::Swap => {
                let other = chance.below(lines.len())?;
                lines.swap(line, other);
                lines.concat()
            }
        };
        (damaged != bytes).then_some(damaged)
    }
}

struct Chance(Xoshiro256PlusPlus);

impl Chance {
    fn below(&mut self, count: usize) -> Option<usize> {
        let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        usize::try_from(self.0.next_u64() % count).ok()
    }
}

#[derive(Default)]
struct Count {
    refused: usize,
    mended: usize,
    without: usize,
    asked: usize,
}

fn damaged(scene: &Scene, image: &Room, title: &str) {
    let often = how_many().clamp(12, 240) / 4;
    let mut chance = Chance(Xoshiro256PlusPlus::seed_from_u64(7));
    let mut count = Count::default();
    for name in state_files(&image.run_dir, Path::new("")) {
        let bytes = std::fs::read(image.run_dir.join(&name)).unwrap();
        for damage in Damage::ALL {
            for _ in 0..often {
                if let Some(damaged) = damage.of(&bytes, &mut chance) {
                    let what = format!("{damage:?} in {} of a {title} run", name.display());
                    tried(scene, image, &name, &damaged, &what, &mut count);
                }
            }
        }
    }
    let Count {
        refused,
        mended,
        without,
        asked,
    } = count;
    tell(format_args!(
        "faults: damage to a {title} run: {} times: {refused} refused, {without} found by verify, \
         {mended} of no account, {asked} ends of a journal cut off and the venue asked; 0 silently accepted",
        refused + mended + without + asked
    ));
}

fn tried(scene: &Scene, image: &Room, name: &Path, damaged: &[u8], what: &str, count: &mut Count) {
    let room = scene.copy(&image.run_dir, "damaged");
    std::fs::write(room.run_dir.join(name), damaged).unwrap();
    let before = scene.verify(&room).end();
    says(&before, &[0, 1, 7, 8], what);
    let resumed = room.end(scene.resume(&room), None);
    says(&resumed, &[0, 1, 3, 5, 7, 8], what);
    if resumed.code != Some(0) {
        count.refused += 1;
        return;
    }
    // It went on: then it has to have come to what it would have come to, or it can be seen that it did not.
    let after = scene.verify(&room).end();
    says(&after, &[0, 1, 7, 8], what);
    if after.code == Some(0) {
        if Left::read(&room.run_dir) == scene.undisturbed {
            count.mended += 1;
            return;
        }
        // Nobody can tell a journal that was cut off from one that ended there; the venue is asked, and what it
        // has is in the books.
        let whole = std::fs::read(image.run_dir.join(name)).unwrap();
        let is_end =
            name == Path::new("idempotency_keys.jsonl") && whole.starts_with(lines_of(damaged));
        assert!(is_end, "silently accepted: {what}");
        each_once(&room, what);
        let reports = std::fs::read_to_string(room.run_dir.join("reports.jsonl")).unwrap();
        // A fill of an order that the journal has lost is told as such.
        if !reports.contains("unmatched_fill") {
            books(&room, &[resumed], what);
        }
        count.asked += 1;
    } else {
        count.without += 1;
    }
}

/// The whole lines of a file.
fn lines_of(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    &bytes[..end.map_or(0, |end| end + 1)]
}

/// It ends with one of these codes, and an error says what to do.
fn says(ended: &Ended, codes: &[i32], what: &str) {
    let Ended { code, stderr, .. } = ended;
    assert!(
        code.is_some_and(|code| codes.contains(&code)),
        "{what}: {code:?}: {stderr}"
    );
    assert!(!stderr.contains("panicked"), "{what}: {stderr}");
    let is_error = stderr.contains("error: ");
    assert!(
        !is_error || stderr.contains("\n  hint: "),
        "{what}: {stderr}"
    );
}

/// All files, without what nobody relies on, and without the venue's own.
fn state_files(dir: &Path, below: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = below.join(entry.file_name());
        if name == Path::new("venue") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            files.extend(state_files(dir, &name));
        } else {
            files.push(name);
        }
    }
    files.sort();
    files
}
