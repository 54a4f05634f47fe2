//! Every bug that is planted in the shipping code is caught by the simulator, by the rule that it breaks; and where
//! none is planted the same searches find nothing. See [`investbot::planted`] and `.ci/planted`.

#![allow(clippy::print_stdout, reason = "the table is what is wanted of it")]

mod hunts;
mod search;
mod sites;
mod table;

use hunts::{Ground, Hunt, hunt};
use investbot::planted::{self, Bug};
use investbot_tests::simulator::model::Model;
use search::{Found, in_parallel, search};
use table::{Caught, summary, what};

#[test]
fn the_simulator_catches_every_bug_and_nothing_else() {
    let hunts: Vec<Hunt> = Bug::ALL.iter().map(|bug| hunt(*bug)).collect();
    let mut hunted: Vec<(&Hunt, Ground)> = Vec::new();
    let mut grounds: Vec<Ground> = Vec::new();
    for hunt in &hunts {
        for ground in hunt.grounds() {
            hunted.push((hunt, ground));
            if !grounds.contains(&ground) {
                grounds.push(ground);
            }
        }
    }
    let mut wrong = Vec::new();
    let caught = in_parallel(&hunted, |(hunt, ground)| catch(hunt, ground));
    let mut caught = caught.into_iter();

    println!("| bug | where | in a world of | by rule, at class, after so many schedules |");
    println!("|---|---|---|---|");
    for hunt in &hunts {
        let own = caught.by_ref().take(hunt.grounds().count());
        let (own, missed): (Vec<_>, Vec<_>) = own.partition(Result::is_ok);
        let own: Vec<Caught> = own.into_iter().flatten().collect();
        wrong.extend(missed.into_iter().filter_map(Result::err));
        let world = hunt.grounds().next().expect("it is hunted for somewhere");
        println!(
            "| {} | `{}` | {} | {} |",
            what(hunt.bug),
            sites::of(hunt.bug).join("`, `"),
            world.words(),
            summary(&own)
        );
    }
    let mut schedules = 0;
    for passed in in_parallel(&grounds, pass) {
        match passed {
            Ok(ran) => schedules += ran,
            Err(failure) => wrong.push(failure),
        }
    }
    println!(
        "\n{} bugs; without them: {} worlds, {schedules} schedules; wrong: {}",
        hunts.len(),
        grounds.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A world with a bug in it must break one of the bug's rules, and do so again.
fn catch(hunt: &Hunt, ground: &Ground) -> Result<Caught, String> {
    let bug = hunt.bug.name();
    let Found { schedules, failure } = search(Some(hunt.bug), ground);
    let Some(failure) = failure else {
        return Err(format!(
            "{bug} is not caught in {schedules} schedules: {ground}"
        ));
    };
    let rule = search::rule(&failure);
    if !hunt.rules.contains(rule) {
        return Err(format!("{bug}, {ground}: {failure}"));
    }
    let again = search::replay(Some(hunt.bug), ground, &failure.schedule);
    if again.as_ref() != Some(&failure.what) {
        return Err(format!("{bug}, {ground}: {failure}, and then {again:?}"));
    }
    Ok(Caught {
        class: ground.class(),
        rule,
        schedules,
    })
}

/// The same world without a bug breaks no rule; how many schedules it has.
fn pass(ground: &Ground) -> Result<u64, String> {
    let Found { schedules, failure } = search(None, ground);
    match failure {
        None => Ok(schedules),
        Some(failure) => Err(format!("{ground}, without a bug: {failure}")),
    }
}

/// What the simulator finds where nobody has told it where to look.
#[test]
#[ignore = "takes minutes"]
fn schedules_drawn_of_the_large_worlds_find_most_of_the_bugs_too() {
    println!("| bug | by rule, at class, at the seed | not at |\n|---|---|---|");
    for bug in Bug::ALL {
        let grounds: Vec<Ground> = hunt(*bug).grounds().map(|small| small.large()).collect();
        let found = in_parallel(&grounds, |ground| search(Some(*bug), ground));
        let (mut caught, mut not) = (Vec::new(), Vec::new());
        for (ground, Found { schedules, failure }) in grounds.iter().zip(&found) {
            let class = ground.class();
            match failure.as_ref().map(search::rule) {
                None => not.push(class),
                Some(rule) => caught.push(Caught {
                    class,
                    rule,
                    schedules: *schedules,
                }),
            }
        }
        println!(
            "| {} | {} | {} |",
            what(*bug),
            summary(&caught),
            not.join(", ")
        );
    }
    let passed = in_parallel(&Model::ALL.map(Ground::large_of), pass);
    let wrong: Vec<String> = passed.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_bug_is_there_while_it_is_switched_on_and_in_its_thread_alone() {
    let bug = Bug::SendBeforeSync;
    assert!(!Bug::ALL.iter().any(|bug| planted::is(*bug)));
    planted::with(Some(bug), || {
        assert!(planted::is(bug) && !planted::is(Bug::NoAttempt));
        let elsewhere = std::thread::spawn(move || planted::is(bug)).join();
        assert!(!elsewhere.expect("it only looks"));
        planted::with(None, || assert!(!planted::is(bug)));
        assert!(planted::is(bug));
    });
    assert!(!planted::is(bug));
}
