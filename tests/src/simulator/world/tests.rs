//! The shipping code breaks no rule.

use super::*;
use crate::simulator::explore::{Search, explore};
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
