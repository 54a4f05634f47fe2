//! Schedules a second of the simulator's own parts, with a model client in place of the host's:
//! `cargo bench -p investbot-tests --bench simulator`.
//!
//! One order, the oracle, the venue, a journal that is a list, and every check. What the host's session,
//! its journal and its recovery take comes on top.

#![allow(missing_docs, clippy::unwrap_used)]
#![allow(clippy::float_arithmetic, reason = "figures, not money")]

#[path = "../../host/benches/support/figures.rs"]
mod figures;

use std::time::{Duration, Instant};

use figures::{Target, figure};
use investbot_tests::simulator::explore::{Search, explore};
use investbot_tests::simulator::model::Model;
use investbot_tests::simulator::oracle::{Budget, Share};
use investbot_tests::simulator::rehearsal::Rehearsal;
use investbot_tests::simulator::venue::Menu;
use investbot_tests::simulator::venue::faults::Life;

const BUDGET: Budget = Budget {
    crashes: 3,
    faults: 2,
};
const SEEDS: u64 = 200_000;

fn main() {
    let whole = std::env::args().any(|arg| arg == "--bench");
    let (budget, seeds) = if whole {
        (BUDGET, SEEDS)
    } else {
        (Budget::default(), 100)
    };
    // Nobody tells the client of a venue of class D or E that an order was cancelled.
    let full = Menu {
        lives: &[Life::FilledAtOnce, Life::FilledLater, Life::FilledInParts],
        ..Menu::FULL
    };
    let exhaustive = Search::Exhaustive(Share::WHOLE);
    let random = Search::Random { seed: 0, seeds };
    for (name, menu, search) in [
        ("exhaustive.small", Menu::SMALL, &exhaustive),
        ("exhaustive.full", full.clone(), &exhaustive),
        ("random.full", full, &random),
    ] {
        let mut all = (0, Duration::ZERO);
        for model in Model::ALL {
            let (schedules, time) = timed(model, menu.clone(), search, budget);
            all = (all.0 + schedules, all.1 + time);
        }
        report(name, all.0, all.1);
    }
}

fn timed(model: Model, menu: Menu, search: &Search, budget: Budget) -> (u64, Duration) {
    let rehearsal = Rehearsal {
        model,
        menu,
        orders: 1,
        bug: None,
    };
    let start = Instant::now();
    let schedules = explore(search, budget, |oracle| rehearsal.run(oracle)).unwrap();
    (schedules, start.elapsed())
}

fn report(name: &str, schedules: u64, time: Duration) {
    figure(
        &format!("simulator.{name}.schedules"),
        schedules as f64,
        "",
        Target::None,
    );
    let each = time.as_secs_f64() * 1e6 / schedules as f64;
    figure(
        &format!("simulator.{name}.each"),
        each,
        "us",
        Target::AtMost(150.0),
    );
}
