//! All kinds of trouble at once, as by default but more often.

use std::collections::BTreeSet;

use investbot_plugin_api::serde_json::{Value, json};
use investbot_plugin_api::*;

use super::world::{World, buy, rest};
use crate::config::{Config, EventFate, WriteFate};
use crate::dice::{Dice, Roll};

/// A tenth of everything goes wrong.
fn storm() -> Vec<(&'static str, Value)> {
    [
        "connect_failure",
        "request_lost",
        "request_delayed",
        "ack_lost",
        "connection_reset",
        "read_failure",
        "event_lost",
        "event_late",
        "event_doubled",
    ]
    .map(|key| (key, json!("0.1")))
    .to_vec()
}

/// Places, cancels, asks and watches; everything that the adapter said, and what it left in the ledger.
fn trace(seed: u64) -> (Vec<String>, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(&storm(), seed, Some(dir.path())).unwrap();
    let mut said = Vec::new();
    for n in 0..150 {
        let id = format!("o{n}");
        let order = if n % 2 == 0 { buy(&id) } else { rest(&id) };
        said.push(format!("{:?}", world.place(&order)));
        said.push(format!("{:?}", world.query(&id)));
        if n % 2 == 1 {
            said.push(format!("{:?}", world.cancel(&id)));
        }
        let price = 1_000 + n % 7;
        said.extend(world.bar(price).iter().map(|event| format!("{event:?}")));
        said.push(format!("{:?}", world.fake.now()));
    }
    let ledger = std::fs::read_to_string(dir.path().join("ledger.jsonl")).unwrap();
    (said, ledger)
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    assert_eq!(trace(1), trace(1));
}

#[test]
fn another_seed_gives_other_faults() {
    let ((said, ledger), (other, elsewhere)) = (trace(1), trace(2));
    assert_ne!(said, other);
    assert_ne!(ledger, elsewhere);
}

#[test]
fn an_operation_has_its_own_sequence() {
    let (alone, among) = (Dice::new(3), Dice::new(3));
    for _ in 0..20 {
        among.roll("order");
        let roll = alone.roll("place");
        assert_eq!(roll, among.roll("place"));
        assert_ne!(roll, among.roll("cancel"));
    }
    assert_ne!(Roll::of(3, "place", 1), Roll::of(4, "place", 1));
}

#[test]
fn by_default_every_kind_of_fault_happens() {
    let defaults = investbot_venue_sim::testing::params(&super::world::manifest(), &[]);
    let config: Config = defaults.config().unwrap();
    config.check().unwrap();
    let rolls = |operation: &'static str| (1..2_000).map(move |n| Roll::of(0, operation, n));
    let writes: BTreeSet<_> = rolls("place").map(|r| config.write_fate(&r)).collect();
    assert_eq!(
        writes.into_iter().collect::<Vec<_>>(),
        [
            WriteFate::Answered,
            WriteFate::NotSent,
            WriteFate::Lost,
            WriteFate::Delayed,
            WriteFate::AckLost,
            WriteFate::Reset,
        ]
    );
    let events: BTreeSet<_> = rolls("event").map(|r| config.event_fate(&r)).collect();
    assert_eq!(
        events.into_iter().collect::<Vec<_>>(),
        [
            EventFate::Prompt,
            EventFate::Lost,
            EventFate::Late,
            EventFate::Doubled,
        ]
    );
    let reads: BTreeSet<_> = rolls("order").map(|r| config.read_fails(&r)).collect();
    assert_eq!(reads.len(), 2);
    // Near the probabilities that were asked for: 6 of 100 orders.
    let bad = rolls("place").filter(|r| config.write_fate(r) != WriteFate::Answered);
    assert!((80..160).contains(&bad.count()));
}

#[test]
fn no_order_that_lives_is_ever_denied() {
    let (mut lived, mut gone, mut denied) = (0, 0, 0);
    for seed in 0..20 {
        let mut world = World::open(&storm(), seed, None).unwrap();
        world.bar(1_000);
        let mut answers = Vec::new();
        for n in 0..60 {
            let id = format!("o{n}");
            let mut order = rest(&id);
            // Some break a rule, some come late.
            if n % 9 == 0 {
                order.quantity = Decimal::new(1, 9);
            }
            if n % 7 == 0 {
                let late = std::time::Duration::from_millis(200);
                order.deadline = Some(world.fake.now().after(late));
            }
            answers.push((id.clone(), world.place(&order)));
            if n % 5 == 0 {
                world.bar(1_000);
            }
            let _ = world.cancel(&id);
        }
        world.wait(3_600_000);
        let _ = world.query("");
        for (id, answer) in answers {
            match answer {
                Ok(report) => {
                    assert_eq!(report.client_order_id, id);
                    assert!(world.lives(&id), "acknowledged and not there: {id}");
                }
                Err(error) if error.effect == Effect::Unknown && world.lives(&id) => lived += 1,
                Err(error) if error.effect == Effect::Unknown => gone += 1,
                Err(error) => {
                    assert!(!world.lives(&id), "denied and alive: {id}: {error}");
                    denied += 1;
                }
            }
        }
    }
    assert!(
        lived > 100 && gone > 100 && denied > 100,
        "{lived} {gone} {denied}"
    );
}

#[test]
fn what_was_told_is_a_part_of_the_history() {
    let mut world = World::open(&storm(), 5, None).unwrap();
    let mut told = Vec::new();
    for n in 0..200 {
        let _ = world.place(&buy(&format!("o{n}")));
        told.extend(world.bar(100));
    }
    world.wait(60_000);
    while world.query("").is_err() {}
    told.extend(world.fake.take_events());
    let history = loop {
        if let Ok(page) = world
            .adapter
            .fills_since(&investbot_venue_sim::testing::call(&world.host), None)
        {
            break page.fills;
        }
    };
    let told: Vec<_> = told
        .into_iter()
        .filter_map(|event| match event {
            VenueEvent::Fill(fill) => Some(fill),
            _ => None,
        })
        .collect();
    assert!(told.iter().all(|fill| history.contains(fill)));
    let ids: BTreeSet<_> = told.iter().map(|fill| &fill.fill_id).collect();
    assert!(ids.len() < told.len(), "some were told twice");
    assert!(ids.len() < history.len(), "some were lost");
}

#[test]
fn a_client_that_comes_back_meets_another_network() {
    let dir = tempfile::tempdir().unwrap();
    let rolls = || {
        let dice = Dice::of_session(3, Some(dir.path())).unwrap();
        [(); 3].map(|()| dice.roll("place"))
    };
    let first = rolls();
    let anew = Dice::new(3);
    assert_eq!(
        first,
        [(); 3].map(|()| anew.roll("place")),
        "the first session is as without a directory"
    );
    let second = rolls();
    assert_ne!(second, first);
    assert_ne!(rolls(), second);
}
