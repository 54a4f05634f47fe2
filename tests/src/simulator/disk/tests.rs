//! The disk dies, fails and forgets as it is told, and never claims that more is durable than is.

use super::*;
use crate::simulator::oracle::{Budget, Schedule, Share};

const DIR: &str = "run";

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

fn disk(menu: DiskMenu, budget: Budget, choices: &[u32]) -> SimDisk {
    let oracle = Oracle::replay(budget, Schedule::new(choices.to_vec()));
    SimDisk::new(menu, oracle.clone(), Process::new(oracle))
}

fn calm() -> SimDisk {
    disk(DiskMenu::NONE, Budget::default(), &[])
}

#[test]
fn what_is_durable_is_what_was_synced_under_a_synced_name() {
    let disk = calm();
    let a = path("a");
    let mut file = disk.create_new(&a).expect("it is new");
    assert_eq!(file.write(b"first").expect("room"), 5);
    file.sync_data().expect("it can");
    assert_eq!(disk.durable(&a), 0, "its name could be lost");
    disk.sync_dir(Path::new(DIR)).expect("it can");
    assert_eq!(disk.durable(&a), 5);
    file.write(b"second").expect("room");
    assert_eq!(disk.durable(&a), 5);
    file.sync_data().expect("it can");
    assert_eq!(disk.durable(&a), 11);
    file.truncate(7).expect("it can");
    assert_eq!(disk.durable(&a), 7);
    file.write(b"x").expect("room");
    assert_eq!(disk.durable(&a), 7);
    file.sync_data().expect("it can");
    assert_eq!(disk.durable(&a), 8);
    let b = path("b");
    disk.rename(&a, &b).expect("it can");
    assert_eq!(disk.durable(&b), 0);
    disk.sync_dir(Path::new(DIR)).expect("it can");
    assert_eq!(disk.durable(&b), 8);
    disk.remove(&b).expect("it can");
    assert_eq!((disk.durable(&b), disk.peek(&b)), (0, None));
}

#[test]
fn what_a_failed_sync_should_have_kept_is_not_durable_ever_after() {
    for fault_at in 0..3 {
        let menu = DiskMenu {
            changes: &[DiskFault::Io],
            ..DiskMenu::NONE
        };
        let budget = Budget {
            crashes: 0,
            faults: 1,
        };
        // Create, write, and then the syncs: of the directory, of the file, of neither.
        let choices = [[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]][fault_at];
        let disk = disk(menu, budget, &choices);
        let mut file = disk.create_new(&path("a")).expect("it is new");
        file.write(b"first").expect("room");
        for _ in 0..2 {
            let dir = disk.sync_dir(Path::new(DIR)).is_ok();
            let data = file.sync_data().is_ok();
            assert!((dir && data) || fault_at < 2);
            if dir && data {
                break;
            }
        }
        let durable = if fault_at == 2 { 5 } else { 0 };
        assert_eq!(disk.durable(&path("a")), durable);
    }
}

/// Writes, syncs and renames, and says what was durable at the end: name, content.
fn work(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let work = || -> io::Result<()> {
        let mut a = disk.create_new(&path("a"))?;
        disk.sync_dir(Path::new(DIR))?;
        a.write(b"one,")?;
        a.sync_data()?;
        a.write(b"two,")?;
        a.write(b"three,")?;
        a.sync_data()?;
        a.truncate(8)?;
        a.write(b"four")?;
        let mut b = disk.create_new(&path("b"))?;
        b.write(b"snapshot")?;
        b.sync_data()?;
        disk.rename(&path("b"), &path("c"))?;
        disk.sync_dir(Path::new(DIR))?;
        a.sync_data()
    };
    // However it ends: what was durable then is what counts.
    drop(work());
    let names = ["a", "b", "c"].map(path);
    let durable = names.into_iter().filter_map(|name| {
        let length = disk.durable(&name);
        let content = disk.peek(&name)?;
        Some((name, content[..length].to_vec()))
    });
    durable.collect()
}

#[test]
fn whatever_fails_and_wherever_it_dies_what_was_durable_is_there_afterwards() {
    let budget = Budget {
        crashes: 1,
        faults: 1,
    };
    let oracle = Oracle::exhaustive(budget, Share::WHOLE);
    let (mut runs, mut damaged) = (0, 0);
    loop {
        let process = Process::new(oracle.clone());
        let disk = SimDisk::new(DiskMenu::FULL, oracle.clone(), process.clone());
        let durable = work(&disk);
        process.crash();
        disk.crash();
        process.revive();
        for (name, content) in durable.iter().filter(|(_, content)| !content.is_empty()) {
            let left = disk.peek(name).expect("its name was durable");
            assert!(
                left.starts_with(content),
                "{name:?}: {left:?}, but {content:?} was durable\n{}",
                oracle.words()
            );
            assert!(disk.durable(name) >= content.len());
        }
        runs += 1;
        damaged += usize::from(disk.peek(&path("a")).is_none());
        if !oracle.advance() {
            break;
        }
    }
    assert!(runs > 500 && damaged > 10, "{runs} runs, {damaged}");
}

#[test]
fn the_process_may_die_at_every_change() {
    let budget = Budget {
        crashes: 1,
        faults: 0,
    };
    let oracle = Oracle::exhaustive(budget, Share::WHOLE);
    let mut deaths = 0;
    loop {
        let process = Process::new(oracle.clone());
        let disk = SimDisk::new(DiskMenu::NONE, oracle.clone(), process.clone());
        work(&disk);
        if !process.is_alive() {
            deaths += 1;
            assert!(disk.create_new(&path("z")).is_err());
            assert!(disk.list(Path::new(DIR)).is_err());
            disk.files().restart();
            process.revive();
            assert!(!disk.exists(&path("z")).expect("it lives again"));
        }
        if !oracle.advance() {
            break;
        }
    }
    assert_eq!(deaths, 15, "after each of the calls");
}

#[test]
fn a_lasting_fault_lasts_until_the_process_ends() {
    let budget = Budget {
        crashes: 0,
        faults: 1,
    };
    let disk = disk(DiskMenu::SMALL, budget, &[1]);
    for _ in 0..3 {
        assert!(disk.create_new(&path("a")).is_err());
        assert!(disk.exists(&path("a")).is_err());
    }
    disk.files().restart();
    assert!(disk.create_new(&path("a")).is_ok());
}

#[test]
fn a_call_fails_only_in_ways_that_it_can() {
    let budget = Budget {
        crashes: 0,
        faults: 1,
    };
    let kinds = |call: &dyn Fn(&SimDisk)| {
        let disk = disk(DiskMenu::FULL, budget, &[]);
        call(&disk);
        let taken = disk.oracle.taken();
        taken.last().map_or(0, |fork| fork.of - 1)
    };
    let create = |disk: &SimDisk| disk.create_new(&path("a")).expect("it is new");
    assert_eq!(
        kinds(&|disk| drop(create(disk))),
        5,
        "all but a short write"
    );
    let write = |disk: &SimDisk| drop(create(disk).write(b"x"));
    assert_eq!(kinds(&write), 6);
    assert_eq!(kinds(&|disk| drop(create(disk).sync_data())), 3);
    assert_eq!(kinds(&|disk| drop(disk.list(Path::new(DIR)))), 3);
}
