//! Where each bug is hunted for, and the rules one of which it must be caught by.
//!
//! The worlds are the simulator's small ones with so little that may go wrong in them that every schedule can be run:
//! what the bug needs, and whatever else is to be had for the same price. Where a bug needs many orders, or so much to
//! go wrong that nobody can run it all, schedules are drawn.

use std::fmt;

use investbot::planted::Bug;
use investbot_tests::simulator::disk::{DiskFault, DiskMenu};
use investbot_tests::simulator::model::Model::{self, A, AWindow, B, C, D, E};
use investbot_tests::simulator::oracle::{Budget, Named as _};
use investbot_tests::simulator::venue::Menu;
use investbot_tests::simulator::venue::faults::{AnswerFault, Life, QueryFault, RequestFault};
use investbot_tests::simulator::world::{Scope, Stall, World};

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    /// What can in the simulator's small worlds.
    Usual,
    /// The same, but for the disk.
    GoodDisk,
    /// Orders are under way for long.
    Delays,
    /// Answers are lost, and the process stands still.
    Stalls,
    /// The usual, and the venue tells unasked, and tells fills with its reports.
    Events,
    /// Answers are about other orders, and the venue takes orders out of its book.
    WrongAnswers,
    /// A call of the disk fails.
    BadDisk,
    /// A call of the disk fails, has no space, or writes half.
    SickDisk,
    /// The venue asks for fewer requests.
    RateLimits,
    /// Everything.
    Everything,
}

/// A world in which a bug is hunted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ground {
    model: Model,
    scope: Scope,
    crashes: u32,
    faults: u32,
    with: With,
}

/// A bug, and where it must be caught.
pub(super) struct Hunt {
    pub(super) bug: Bug,
    /// The letters of the rules, of which it breaks one first.
    pub(super) rules: &'static str,
    models: &'static [Model],
    scope: Scope,
    crashes: u32,
    faults: u32,
    with: With,
}

const ALL: &[Model] = &Model::ALL;
const DEDUPES: &[Model] = &[A, AWindow];
const DOES_NOT: &[Model] = &[B, C, D, E];
const HAS_TO_HOLD: &[Model] = &[C, D, E];

/// Where a bug is hunted for.
pub(super) fn hunt(bug: Bug) -> Hunt {
    use Scope::{Many, One, Two};
    use With::{
        BadDisk, Delays, Events, GoodDisk, RateLimits, SickDisk, Stalls, Usual, WrongAnswers,
    };
    let (rules, models, scope, (crashes, faults), with) = match bug {
        Bug::SendBeforeSync => ("d", ALL, One, (0, 0), Usual),
        Bug::NoAttempt => ("d", ALL, One, (0, 0), Usual),
        Bug::BlindResend => ("ae", DOES_NOT, One, (0, 1), Usual),
        Bug::CrashMeansNotSent => ("ac", ALL, One, (1, 0), Usual),
        Bug::TimeoutMeansRejected => ("c", ALL, One, (0, 1), Usual),
        Bug::NotFoundMeansAbsent => ("ac", &[C, D][..], One, (0, 1), Usual),
        Bug::QueryTooEarly => ("ac", &[B][..], One, (0, 1), Usual),
        Bug::NoSkew => ("ac", &[B][..], One, (0, 1), Usual),
        Bug::NoLagWait => ("ac", &[B][..], One, (0, 1), Usual),
        Bug::EdgeOfTheLag => ("ac", &[B][..], One, (0, 1), Usual),
        Bug::FenceNotChecked => ("ac", &[B, C][..], One, (1, 1), Delays),
        Bug::DeadlineNotChecked => ("e", &[B][..], One, (0, 1), Stalls),
        Bug::WindowNotChecked => ("a", &[AWindow][..], One, (0, 2), Stalls),
        Bug::NextBeforeAbsent => ("l", ALL, One, (0, 1), Usual),
        Bug::RefusedWhileInDoubt => ("c", DEDUPES, One, (0, 2), GoodDisk),
        Bug::NotSentWhileInDoubt => ("c", DEDUPES, One, (0, 2), GoodDisk),
        Bug::GivingUpMeansRejected => ("c", DEDUPES, One, (0, 2), GoodDisk),
        Bug::BelievesAnyAnswer => ("b", &[A, B, C][..], One, (0, 1), WrongAnswers),
        Bug::OtherQuantityBelieved => ("b", &[A, B, C][..], One, (0, 1), WrongAnswers),
        Bug::SilentHold => ("k", HAS_TO_HOLD, One, (0, 1), Usual),
        Bug::ShownBeforeDurable => ("gi", ALL, One, (1, 0), Usual),
        Bug::FillsBookedTwice => ("f", ALL, One, (0, 0), Events),
        Bug::CursorNotNoted => ("f", ALL, One, (1, 0), Usual),
        Bug::LaterOrderFirst => ("m", &[A, E][..], Many, (0, 2), RateLimits),
        Bug::FullDiskBelieved => ("b", ALL, One, (0, 1), SickDisk),
        Bug::CheckpointAhead => ("gim", ALL, Two, (1, 0), Usual),
        Bug::CheckpointNotSynced => ("m", ALL, One, (1, 0), Usual),
        Bug::IdsForgotten => ("d", ALL, Two, (1, 0), Usual),
        Bug::OpenIdsForgotten => ("o", ALL, Two, (0, 0), Usual),
        Bug::TornTailAccepted => ("mn", ALL, One, (1, 0), Usual),
        Bug::TailNotSecured => ("dgimn", &[E][..], One, (1, 1), BadDisk),
        Bug::FailedSyncIgnored => ("d", ALL, One, (0, 1), SickDisk),
        Bug::ShortWriteBelieved => ("m", ALL, One, (0, 1), SickDisk),
        Bug::NewFileNotSynced => ("d", ALL, One, (0, 0), Usual),
    };
    Hunt {
        bug,
        rules,
        models,
        scope,
        crashes,
        faults,
        with,
    }
}

impl Hunt {
    /// The world at each of the classes.
    pub(super) fn grounds(&self) -> impl Iterator<Item = Ground> {
        let Self {
            models,
            scope,
            crashes,
            faults,
            with,
            ..
        } = *self;
        models.iter().map(move |model| Ground {
            model: *model,
            scope,
            crashes,
            faults,
            with,
        })
    }
}

impl Ground {
    /// The world.
    pub(super) fn world(&self) -> World {
        if self.with == With::Everything {
            return World::large(self.model, self.scope);
        }
        let mut world = World::small(self.model, self.scope);
        world.budget = Budget {
            crashes: self.crashes,
            faults: self.faults,
        };
        if !matches!(self.with, With::Usual | With::Events) {
            world.disk = DiskMenu::NONE;
        }
        let calm = Menu {
            requests: &[],
            answers: &[],
            queries: &[],
            books: &[],
            fills: &[],
            cancels: &[],
            ..Menu::SMALL
        };
        let venue = &mut world.venue;
        match self.with {
            With::Usual | With::GoodDisk | With::Everything => {}
            With::Delays => {
                *venue = Menu {
                    requests: &[RequestFault::Delayed],
                    ..calm
                }
            }
            With::Stalls => {
                *venue = Menu {
                    answers: &[AnswerFault::Lost],
                    ..calm
                };
                world.stalls = Stall::ALL;
            }
            With::Events => (venue.pushes, venue.fills_in_reports) = (true, true),
            With::WrongAnswers => {
                venue.answers = &[AnswerFault::WrongOrder];
                venue.queries = &[QueryFault::WrongOrder];
                venue.lives = &[Life::FilledAtOnce, Life::Cancelled];
            }
            With::BadDisk => {
                *venue = calm;
                world.disk.changes = &[DiskFault::Io];
            }
            With::SickDisk => {
                *venue = calm;
                world.disk.changes = &[DiskFault::Io, DiskFault::Full, DiskFault::Short];
            }
            With::RateLimits => {
                *venue = Menu {
                    requests: &[RequestFault::RateLimited],
                    ..calm
                }
            }
        }
        world
    }

    /// The same venue in a world in which everything can happen.
    pub(super) fn large(&self) -> Self {
        Self::large_of(self.model)
    }

    pub(super) fn large_of(model: Model) -> Self {
        Self {
            model,
            scope: Scope::Many,
            crashes: 6,
            faults: 8,
            with: With::Everything,
        }
    }

    /// How many schedules are drawn, if they are not all run.
    pub(super) fn drawn(&self) -> Option<u64> {
        (self.scope == Scope::Many).then_some(500)
    }

    /// The venue's class.
    pub(super) fn class(&self) -> &'static str {
        self.model.name()
    }

    /// What can happen in it.
    pub(super) fn words(&self) -> String {
        let scope = match self.scope {
            Scope::One => "1 order",
            Scope::Two => "2 orders",
            Scope::Many => "20 orders",
        };
        let with = match self.with {
            With::Usual => "",
            With::GoodDisk => ", a good disk",
            With::Delays => ": delays",
            With::Stalls => ": lost answers, stalls",
            With::Events => ", events",
            With::WrongAnswers => ", wrong answers",
            With::BadDisk => ": a bad disk",
            With::SickDisk => ": a sick disk",
            With::RateLimits => ": rate limits",
            With::Everything => " of any kind",
        };
        let crashes = counted(self.crashes, "crash", "es");
        let faults = counted(self.faults, "fault", "s");
        let drawn = self.drawn().map_or("", |_| " (drawn)");
        format!("{scope}{crashes}{faults}{with}{drawn}")
    }
}

fn counted(count: u32, what: &str, many: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(", 1 {what}"),
        _ => format!(", {count} {what}{many}"),
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {}, {}", self.class(), self.words())
    }
}
