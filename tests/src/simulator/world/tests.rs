//! The shipping code breaks no rule.

use super::*;
use crate::simulator::explore::{Search, explore};
use crate::simulator::oracle::{Named as _, Share};
use crate::simulator::states::walk;
use crate::simulator::venue::faults::{BookFault, Life};

#[test]
fn nothing_goes_wrong_where_nothing_goes_wrong() {
    for model in Model::ALL {
        for scope in Scope::ALL {
            let mut world = World::small(model, scope);
            world.budget = Budget::default();
            let run = |oracle: &Oracle| world.run(oracle);
            // Of many orders there is no end, even where all goes well.
            let search = if scope == Scope::Many {
                Search::Random { seed: 1, seeds: 10 }
            } else {
                Search::Exhaustive(Share::WHOLE)
            };
            match explore(&search, world.budget, run) {
                Ok(schedules) => assert!(schedules > 0, "{} {}", model.name(), scope.name()),
                Err(failure) => panic!("{} {}: {failure}", model.name(), scope.name()),
            }
        }
    }
}

/// An order is cancelled at a venue that nobody can ask about it, and the answer is lost: it stays open in the
/// books, and that is all that can be known.
#[test]
fn a_cancel_that_nobody_answered_leaves_an_order_open_where_nobody_can_ask() {
    for (model, crashes, faults) in [(Model::D, 0, 1), (Model::E, 0, 1), (Model::E, 1, 0)] {
        let mut world = World::small(model, Scope::Two);
        world.budget = Budget { crashes, faults };
        world.disk = DiskMenu::NONE;
        world.venue = Menu {
            requests: &[],
            answers: &[],
            lives: &[Life::FilledLater],
            cancels: Menu::FULL.cancels,
            ..Menu::SMALL
        };
        let walked = walk(&world, 1, None).unwrap_or_else(|failure| panic!("{failure}"));
        let lost = walked.coverage.of("the cancel", "lost on the way back");
        assert_eq!((lost > 0, walked.left), (faults > 0, 0), "{walked:?}");
    }
}

/// Where the last look of a run was spoilt, the books are as good as they can be, and another process will learn
/// more: that is no second recovery yet. Here an order is held because it was not shown yet, is cancelled while the
/// process stands still, and is then listed as open.
#[test]
fn a_life_that_was_spoilt_is_followed_by_one_that_is_not() {
    let mut world = World::small(Model::C, Scope::One);
    world.budget = Budget {
        crashes: 0,
        faults: 3,
    };
    world.disk = DiskMenu::NONE;
    world.stalls = &[Stall::AnHour];
    world.venue = Menu {
        requests: &[],
        queries: &[],
        books: &[BookFault::Stale],
        fills: &[],
        lives: &[Life::Cancelled],
        ..Menu::SMALL
    };
    let walked = walk(&world, 1, None).unwrap_or_else(|failure| panic!("{failure}"));
    let stale = walked.coverage.of("the open orders", "stale");
    assert!(stale > 0 && walked.left == 0, "{walked:?}");
}

/// An answer to a query about another order of the same name was taken for the truth.
#[test]
fn an_answer_about_another_order_is_none() {
    let mut world = World::small(Model::C, Scope::One);
    world.budget = Budget {
        crashes: 0,
        faults: 2,
    };
    world.disk = DiskMenu::NONE;
    world.venue = Menu {
        requests: &[],
        queries: Menu::FULL.queries,
        fills: &[],
        lives: &[Life::HalfCancelled, Life::Cancelled],
        ..Menu::SMALL
    };
    let walked = walk(&world, 1, None).unwrap_or_else(|failure| panic!("{failure}"));
    let other = walked.coverage.of("the query", "about another order");
    assert!(other > 0 && walked.left == 0, "{walked:?}");
}
