//! The threads that make the requests of a simulated process: which of them goes on, and how long it takes.

use std::sync::Arc;
use std::time::Duration;

use investbot::clock::{Clock as _, RunClock};
use investbot::exec::hands::{Choice, Chooser, Turn};

use super::life::TIME_TO_LIVE;
use crate::simulator::oracle::{Named, Oracle};
use crate::simulator::process::Process;

/// How long the whole process stands still, between two of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// For a nanosecond less than an attempt has.
    JustInTime,
    /// For as long as an attempt has.
    ToTheDeadline,
    /// For an hour.
    AnHour,
}

impl Stall {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::JustInTime, Self::ToTheDeadline, Self::AnHour];

    fn duration(self) -> Duration {
        match self {
            Self::JustInTime => TIME_TO_LIVE.saturating_sub(Duration::from_nanos(1)),
            Self::ToTheDeadline => TIME_TO_LIVE,
            Self::AnHour => Duration::from_secs(3600),
        }
    }
}

impl Named for Stall {
    fn name(self) -> &'static str {
        match self {
            Self::JustInTime => "until just before a deadline",
            Self::ToTheDeadline => "until a deadline",
            Self::AnHour => "for an hour",
        }
    }
}

/// Who chooses which thread goes on.
pub(super) fn chooser(
    oracle: Oracle,
    process: Process,
    clock: Arc<RunClock>,
    stalls: &'static [Stall],
) -> Chooser {
    Box::new(move |choice: Choice| {
        let chosen = if process.is_alive() {
            stall(&oracle, &clock, stalls);
            choose(&oracle, choice, !stalls.is_empty())
        } else {
            0
        };
        if chosen < choice.answers {
            Turn::Hear(chosen)
        } else if chosen < choice.answers + choice.requests {
            Turn::Make(chosen - choice.answers)
        } else {
            Turn::Rest
        }
    })
}

fn stall(oracle: &Oracle, clock: &RunClock, stalls: &[Stall]) {
    if let Some(stall) = oracle.fault("the process stands still", stalls, |_| true) {
        clock.sleep(stall.duration(), &|| false);
    }
}

/// Whoever waits is not kept waiting.
fn choose(oracle: &Oracle, choice: Choice, may_rest: bool) -> usize {
    let rest = usize::from(may_rest && choice.patience.is_zero());
    let options = choice.answers + choice.requests + rest;
    let options = u32::try_from(options).expect("there are few threads");
    oracle.choose(options, "the thread that goes on") as usize
}
