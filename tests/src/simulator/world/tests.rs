//! The shipping code breaks no rule.

use super::*;
use crate::simulator::explore::{Search, explore};
use crate::simulator::states::walk;
use crate::simulator::venue::faults::Life;
use crate::simulator::oracle::{Named as _, Share};

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
