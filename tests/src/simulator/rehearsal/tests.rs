//! The simulator finds nothing in a right client, and something in every wrong one.

use super::*;
use crate::simulator::explore::{Search, Wrong, explore, shrink};
use crate::simulator::oracle::{Budget, Named as _, Share};
use crate::simulator::venue::faults::Life;

const WHOLE: Search = Search::Exhaustive(Share::WHOLE);

fn rehearsal(model: Model, mut menu: Menu, bug: Option<Bug>) -> Rehearsal {
    if matches!(model, Model::D | Model::E) {
        // Nobody tells the client of such a venue that an order was cancelled.
        menu.lives = &[Life::FilledAtOnce, Life::FilledLater, Life::FilledInParts];
    }
    Rehearsal {
        model,
        menu,
        orders: 1,
        bug,
    }
}

fn finds_nothing(rehearsal: &Rehearsal, search: &Search, budget: Budget) -> u64 {
    match explore(search, budget, |oracle| rehearsal.run(oracle)) {
        Ok(schedules) => schedules,
        Err(failure) => panic!("{}: {failure}", rehearsal.model.name()),
    }
}

#[test]
fn a_right_client_breaks_no_rule_on_any_small_schedule() {
    let budget = Budget {
        crashes: 2,
        faults: 2,
    };
    for model in Model::ALL {
        let schedules = finds_nothing(&rehearsal(model, Menu::SMALL, None), &WHOLE, budget);
        assert!(schedules > 200, "{}: {schedules}", model.name());
    }
}

#[test]
fn a_right_client_breaks_no_rule_whatever_goes_wrong_once() {
    let budget = Budget {
        crashes: 1,
        faults: 1,
    };
    for model in Model::ALL {
        let schedules = finds_nothing(&rehearsal(model, Menu::FULL, None), &WHOLE, budget);
        assert!(schedules > 200, "{}: {schedules}", model.name());
    }
}

#[test]
fn a_right_client_breaks_no_rule_on_random_schedules() {
    let budget = Budget {
        crashes: 4,
        faults: 6,
    };
    let search = Search::Random {
        seed: 1,
        seeds: 3_000,
    };
    for model in Model::ALL {
        let mut rehearsal = rehearsal(model, Menu::FULL, None);
        rehearsal.orders = 5;
        finds_nothing(&rehearsal, &search, budget);
    }
}

#[test]
fn every_bug_is_caught_where_it_matters() {
    use Model::{A, AWindow, B, C, D, E};
    const DEDUPES: &[Model] = &[A, AWindow];
    const DOES_NOT: &[Model] = &[B, C, D, E];
    const HAS_TO_HOLD: &[Model] = &[C, D, E];
    let budget = Budget {
        crashes: 1,
        faults: 2,
    };
    for (bug, rules, models) in [
        (Bug::SendBeforeSync, "d", &Model::ALL[..]),
        (Bug::NoAttempt, "d", &Model::ALL),
        (Bug::BlindResend, "ae", DOES_NOT),
        (Bug::TimeoutMeansRejected, "c", &Model::ALL),
        (Bug::NotFoundMeansAbsent, "c", &[C, D]),
        (Bug::QueryTooEarly, "c", &[B]),
        (Bug::NoLagWait, "c", &[B]),
        (Bug::EdgeOfTheLag, "c", &[B]),
        (Bug::NextBeforeAbsent, "l", &[B]),
        (Bug::RefusedWhileInDoubt, "c", DEDUPES),
        (Bug::GivingUpMeansRejected, "c", DEDUPES),
        (Bug::SilentHold, "k", HAS_TO_HOLD),
        (Bug::ForgetsOutcomes, "dei", &Model::ALL),
        (Bug::ShownBeforeDurable, "ci", &Model::ALL),
        (Bug::FillsBookedTwice, "bf", &Model::ALL),
        (Bug::BelievesAnyAnswer, "b", &[A, AWindow, B, C]),
    ] {
        for model in models {
            let rehearsal = rehearsal(*model, Menu::FULL, Some(bug));
            let run = |oracle: &Oracle| rehearsal.run(oracle);
            let Err(failure) = explore(&WHOLE, budget, run) else {
                panic!("{bug:?} is not caught at {}", model.name());
            };
            let failure = shrink(failure, budget, run);
            let Wrong::Broken(broken) = &failure.what else {
                panic!("{bug:?}: {failure}");
            };
            let rule = broken.violation.rule();
            assert!(
                rules.contains(rule),
                "{bug:?} at {}: {failure}",
                model.name()
            );
            let again = Search::Replay(failure.schedule.clone());
            let again = explore(&again, budget, run).expect_err("it fails again");
            assert_eq!(again.what, failure.what);
        }
    }
}

#[test]
fn what_goes_wrong_is_told_in_words() {
    let rehearsal = rehearsal(Model::E, Menu::SMALL, Some(Bug::TimeoutMeansRejected));
    let budget = Budget {
        crashes: 1,
        faults: 1,
    };
    let failure = explore(&WHOLE, budget, |oracle| rehearsal.run(oracle)).expect_err("a lie");
    assert_eq!(
        failure.to_string(),
        "step 3: (c) order 00000000 was called Rejected, and the venue accepted it at \
         2023-11-14T22:13:20Z\n    2  the market: filled at once\n    4  the answer: lost on the way \
         back\n  hint: run it again with --schedule 0.0.0.0.1"
    );
}
