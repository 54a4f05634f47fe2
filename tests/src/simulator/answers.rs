//! What becomes of an order whose venue answers ambiguously: every kind of answer, at every class of venue, through
//! the shipping session.

#![allow(clippy::result_large_err, reason = "a failure ends the search")]

use std::collections::BTreeSet;
use std::fmt;

use investbot::engine::OrderState;

use super::disk::DiskMenu;
use super::explore::{Failure, Search, explore};
use super::invariants::Broken;
use super::model::Model;
use super::oracle::{Budget, Named as _, Share};
use super::venue::Menu;
use super::venue::faults::{AnswerFault, Life, Moment, QueryFault, RequestFault};
use super::world::{Ending, Scope, World};

/// An ambiguous answer, and the faults that make it up.
struct Ambiguity {
    name: &'static str,
    requests: &'static [RequestFault],
    answers: &'static [AnswerFault],
    queries: &'static [QueryFault],
    moments: &'static [Moment],
    /// How many faults there are in it.
    faults: u32,
}

const CLEAR: Ambiguity = Ambiguity {
    name: "",
    requests: &[],
    answers: &[],
    queries: &[],
    moments: &[],
    faults: 1,
};

const ALL: &[Ambiguity] = &[
    Ambiguity {
        name: "500, not taken up",
        requests: &[RequestFault::ServerError],
        ..CLEAR
    },
    Ambiguity {
        name: "accepted, then 500",
        answers: &[AnswerFault::ServerError],
        ..CLEAR
    },
    Ambiguity {
        name: "no connection, nothing written",
        requests: &[RequestFault::NotSent],
        ..CLEAR
    },
    Ambiguity {
        name: "reset after the write, never arrived",
        requests: &[RequestFault::Lost],
        ..CLEAR
    },
    Ambiguity {
        name: "accepted, reply lost",
        answers: &[AnswerFault::Lost],
        ..CLEAR
    },
    Ambiguity {
        name: "no reply, arrives late",
        requests: &[RequestFault::Delayed],
        moments: &[
            Moment::Soon,
            Moment::AfterTheLag,
            Moment::MuchLater,
            Moment::HalfWindow,
        ],
        ..CLEAR
    },
    Ambiguity {
        name: "no reply, arrives at its deadline",
        requests: &[RequestFault::Delayed],
        moments: &[Moment::AtDeadline, Moment::LastMoment],
        ..CLEAR
    },
    Ambiguity {
        name: "no reply, arrives just too late",
        requests: &[RequestFault::Delayed],
        moments: &[Moment::TooLate],
        ..CLEAR
    },
    Ambiguity {
        name: "accepted, reply doubled",
        answers: &[AnswerFault::Doubled],
        ..CLEAR
    },
    Ambiguity {
        name: "accepted, reply garbled",
        answers: &[AnswerFault::Garbled],
        ..CLEAR
    },
    Ambiguity {
        name: "accepted, reply about another order",
        answers: &[AnswerFault::WrongOrder],
        ..CLEAR
    },
    Ambiguity {
        name: "reply lost, query stale",
        answers: &[AnswerFault::Lost],
        queries: &[QueryFault::Stale],
        faults: 2,
        ..CLEAR
    },
    Ambiguity {
        name: "reply lost, query about another order",
        answers: &[AnswerFault::Lost],
        queries: &[QueryFault::WrongOrder],
        faults: 2,
        ..CLEAR
    },
];

/// The classes, each as one venue.
const MODELS: [Model; 5] = [Model::A, Model::B, Model::C, Model::D, Model::E];

/// What became of orders, for each ambiguous answer and class of venue.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    rows: Vec<(&'static str, Vec<BTreeSet<&'static str>>)>,
    /// How many schedules were run.
    pub schedules: u64,
}

impl Answers {
    /// Runs one order through every ambiguity at every class, in every way in which that can go.
    ///
    /// # Errors
    ///
    /// A schedule that breaks a rule.
    pub fn find_out() -> Result<Self, Failure<Broken>> {
        let mut all = Self::default();
        for ambiguity in ALL {
            let mut row = Vec::new();
            for model in MODELS {
                let mut became = BTreeSet::new();
                all.schedules += ambiguity.run(model, &mut became)?;
                row.push(became);
            }
            all.rows.push((ambiguity.name, row));
        }
        Ok(all)
    }
}

impl Ambiguity {
    fn run(
        &self,
        model: Model,
        became: &mut BTreeSet<&'static str>,
    ) -> Result<u64, Failure<Broken>> {
        let world = self.world(model);
        explore(&Search::Exhaustive(Share::WHOLE), world.budget, |oracle| {
            let ending = world.run_to_end(oracle)?;
            // What does not happen here is another row's.
            if oracle.spent().faults == self.faults {
                became.insert(fate(&ending));
            }
            Ok(())
        })
    }

    fn world(&self, model: Model) -> World {
        World {
            budget: Budget {
                crashes: 0,
                faults: self.faults,
            },
            disk: DiskMenu::NONE,
            venue: Menu {
                requests: self.requests,
                answers: self.answers,
                queries: self.queries,
                moments: self.moments,
                books: &[],
                fills: &[],
                cancels: &[],
                lives: &[Life::FilledAtOnce, Life::Cancelled],
                ..Menu::SMALL
            },
            ..World::small(model, Scope::One)
        }
    }
}

/// What became of the order.
fn fate(ending: &Ending) -> &'static str {
    let sends = &ending.ledger.sends;
    let attempts = sends.iter().filter_map(|sent| sent.durable);
    let attempts = attempts.map(|durable| durable.attempt).max().unwrap_or(0);
    let lives = !ending.ledger.orders.is_empty();
    match (ending.states.first().copied().flatten(), lives) {
        // Where nobody can ask, an order that was cancelled is still accepted for all that is known.
        (Some(OrderState::Filled | OrderState::Cancelled | OrderState::Accepted), true) => {
            match (sends.len(), attempts) {
                (1, _) => "adopted",
                (_, 1) => "sent again, one order",
                _ => "absent, attempt 2",
            }
        }
        (Some(OrderState::Held), true) => "held, it lives",
        (Some(OrderState::Held), false) => "held, it does not live",
        (Some(OrderState::Rejected), _) => "REJECTED",
        (Some(OrderState::Abandoned), _) => "given up",
        _ => "UNFINISHED",
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| the venue's answer |")?;
        for model in MODELS {
            write!(f, " {} |", model.name())?;
        }
        writeln!(f)?;
        writeln!(f, "|---|{}", "---|".repeat(MODELS.len()))?;
        for (name, row) in &self.rows {
            write!(f, "| {name} |")?;
            for became in row {
                let all: Vec<_> = became.iter().copied().collect();
                let cell = if all.is_empty() {
                    "-".to_owned()
                } else {
                    all.join("; or ")
                };
                write!(f, " {cell} |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not known is found out, sent again, or held: never rejected.
    #[test]
    fn no_unknown_becomes_rejected() {
        let answers = Answers::find_out().unwrap_or_else(|failure| panic!("{failure}"));
        let table = answers.to_string();
        for never in ["REJECTED", "UNFINISHED"] {
            assert!(!table.contains(never), "{table}");
        }
        insta::assert_snapshot!(table);
    }
}
