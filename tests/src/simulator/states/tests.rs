//! Walking by situations finds what running every schedule finds.

use investbot_plugin_api::manifest::Dedupe;

use super::*;
use crate::simulator::model::Model;
use crate::simulator::oracle::Named as _;
use crate::simulator::world::Scope;

fn world(model: Model, crashes: u32, faults: u32) -> World {
    let mut world = World::small(model, Scope::One);
    world.budget = Budget { crashes, faults };
    world
}

/// How many schedules there are, by running each.
fn run_each(world: &World) -> u128 {
    let search = Search::Exhaustive(Share::WHOLE);
    let ran = explore(&search, world.budget, |oracle| world.run(oracle));
    ran.unwrap_or_else(|failure| panic!("{failure}")).into()
}

fn walked_by(likeness: Likeness, world: &World) -> Walked {
    let walked = walk_by(likeness, world, 2, None);
    let walked = walked.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(walked.left, 0);
    walked
}

#[test]
fn a_walk_counts_the_schedules_that_there_are() {
    for (model, crashes, faults) in [(Model::B, 1, 0), (Model::C, 0, 1)] {
        let world = world(model, crashes, faults);
        let there_are = run_each(&world);
        let walked = walked_by(Likeness::Meaning, &world);
        assert_eq!(walked.schedules, there_are, "{}", model.name());
        assert!(u128::from(walked.lives) < 4 * there_are);
    }
}

/// A venue that is not what it claims is found out both ways, by the same rule.
#[test]
fn a_walk_finds_what_goes_wrong() {
    let mut forgets = world(Model::A, 0, 1);
    forgets.rules.dedupe = Dedupe::None;
    let search = Search::Exhaustive(Share::WHOLE);
    let by_each = explore(&search, forgets.budget, |oracle| forgets.run(oracle));
    let by_walk = walk(&forgets, 1, None);
    for failed in [by_each.map(drop), by_walk.map(drop)] {
        match failed.expect_err("it is not what it claims").what {
            Wrong::Broken(broken) => assert_eq!(broken.violation.rule(), 'a', "{broken}"),
            Wrong::Panicked(text) => panic!("{text}"),
        }
    }
}
