//! The rules of the order protocol, as they are broken.

use std::time::Duration;

use investbot::clock::rfc3339;
use investbot::engine::OrderState;
use investbot_plugin_api::{Decimal, OrderStatus, UnixNanos};

use super::Claim;

/// A rule was broken, at some step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {step}: {violation}")]
pub struct Broken {
    /// Which step of the schedule, over all lives of the process.
    pub step: u64,
    /// The rule.
    pub violation: Violation,
}

/// A rule that was broken. `order` is the client order id, which stands for the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// (a) No two orders of one key ever live at the venue.
    #[error(
        "(a) two orders of {order} lived at the venue: accepted at {} and at {}",
        rfc3339(*first),
        rfc3339(*second)
    )]
    TwoOrders {
        /// The order.
        order: String,
        /// When the first was accepted.
        first: UnixNanos,
        /// When the second was.
        second: UnixNanos,
    },
    /// (b) In the end every intent is final, held, or in the book.
    #[error(
        "(b) order {order} was left unfinished: the client says {}, the venue {}",
        debug_or(said.as_ref(), "nothing"),
        status_or_none(*is)
    )]
    Unfinished {
        /// The order.
        order: String,
        /// What the client says.
        said: Option<OrderState>,
        /// What the venue says.
        is: Option<OrderStatus>,
    },
    /// (b) What is final in the end is true.
    #[error("(b) the client says that order {order} is {said:?}, the venue {}", status_or_none(*is))]
    Untrue {
        /// The order.
        order: String,
        /// What the client says.
        said: OrderState,
        /// What the venue says.
        is: Option<OrderStatus>,
    },
    /// (c) What is called refused, absent, given up or denied never lives at the venue.
    #[error(
        "(c) order {order} was called {}, and the venue accepted it at {}",
        claimed(*claim),
        rfc3339(*accepted_at)
    )]
    FalselyDenied {
        /// The order.
        order: String,
        /// What was said of it.
        claim: Claim,
        /// When the venue accepted it, before that or after.
        accepted_at: UnixNanos,
    },
    /// (d) Nothing is sent before its attempt is durable.
    #[error("(d) order {order} was sent while {why}")]
    SentUnrecorded {
        /// The order.
        order: String,
        /// What was durable instead.
        why: &'static str,
    },
    /// (e) An attempt is sent once, where the venue does not dedupe.
    #[error("(e) attempt {attempt} of {order} was sent twice, to a venue that does not dedupe")]
    SentAgain {
        /// The order.
        order: String,
        /// The attempt.
        attempt: u32,
    },
    /// (e) One attempt of a key is in flight at a time.
    #[error("(e) attempt {attempt} of {order} was sent while an earlier one was under way")]
    TwoUnderWay {
        /// The order.
        order: String,
        /// The attempt.
        attempt: u32,
    },
    /// (e) Nothing is sent at its deadline or after it.
    #[error("(e) attempt {attempt} of {order} was sent when its deadline had come")]
    SentTooLate {
        /// The order.
        order: String,
        /// The attempt.
        attempt: u32,
    },
    /// (f) The books are the sum of the venue's executions.
    #[error("(f) {what}: the client's books say {said}, the venue's {is}")]
    Books {
        /// What of them.
        what: &'static str,
        /// What the client says.
        said: Decimal,
        /// What is true.
        is: Decimal,
    },
    /// (g), (h) A replay gives the same state, and a second recovery changes nothing; (i) what was told is
    /// told again as it was.
    #[error("(g, h, i) {what} changed: first `{first}`, then `{second}`")]
    Changed {
        /// What was done.
        what: &'static str,
        /// Where the states differ, the first.
        first: String,
        /// The same place in the second.
        second: String,
    },
    /// (i) What was shown as final never changes.
    #[error("(i) order {order} was shown as {was:?}, which is final, and then as {is:?}")]
    FinalChanged {
        /// The order.
        order: String,
        /// What was shown first.
        was: OrderState,
        /// What was shown then.
        is: OrderState,
    },
    /// (i) What was told is told again, all of it.
    #[error("(i) report {said} was told when only {told} had been")]
    LeftOut {
        /// How many were told before.
        told: usize,
        /// Which one came next.
        said: u64,
    },
    /// (m) A life ends when it is killed, when something fails in it, or when it is done.
    #[error("(m) the run broke off though nothing had failed in this life of it: {error}")]
    BrokeOff {
        /// What it said.
        error: String,
    },
    /// (j) When nothing goes wrong any more, the client comes to rest.
    #[error("(j) the client was not at rest {took:?} after the last fault; it may take {bound:?}")]
    Restless {
        /// How long after the last fault.
        took: Duration,
        /// How long it may take.
        bound: Duration,
    },
    /// (k) Nothing is held silently.
    #[error("(k) order {order} is held, and nobody was told")]
    HeldSilently {
        /// The order.
        order: String,
    },
    /// (l) Attempt n + 1 is sent only after the absence of attempt n is durable.
    #[error(
        "(l) attempt {attempt} of {order} was sent before the absence of the one before it was durable"
    )]
    NextBeforeAbsent {
        /// The order.
        order: String,
        /// The attempt.
        attempt: u32,
    },
    /// (n) What is durable of the journal is whole lines.
    #[error("(n) the journal has a durable line that is none: `{line}`")]
    Damaged {
        /// The line.
        line: String,
    },
    /// (o) A caller's id that became an order is not called unknown, nor another order denied in its name.
    #[error("(o) the caller's id `{id}` had become an order, and then there was none")]
    Forgotten {
        /// The id.
        id: String,
    },
}

impl Violation {
    /// The rule's letter.
    #[must_use]
    pub const fn rule(&self) -> char {
        match self {
            Self::TwoOrders { .. } => 'a',
            Self::Unfinished { .. } | Self::Untrue { .. } => 'b',
            Self::FalselyDenied { .. } => 'c',
            Self::SentUnrecorded { .. } => 'd',
            Self::SentAgain { .. } | Self::TwoUnderWay { .. } | Self::SentTooLate { .. } => 'e',
            Self::Books { .. } => 'f',
            Self::Changed { .. } => 'g',
            Self::FinalChanged { .. } | Self::LeftOut { .. } => 'i',
            Self::BrokeOff { .. } => 'm',
            Self::Restless { .. } => 'j',
            Self::HeldSilently { .. } => 'k',
            Self::NextBeforeAbsent { .. } => 'l',
            Self::Damaged { .. } => 'n',
            Self::Forgotten { .. } => 'o',
        }
    }

    /// Two texts that should be the same, cut down to where they differ.
    pub(super) fn differs(what: &'static str, first: &str, second: &str) -> Self {
        const BEFORE: usize = 40;
        const SHOWN: usize = 120;
        let same = first
            .chars()
            .zip(second.chars())
            .take_while(|(a, b)| a == b);
        let skipped = same.count().saturating_sub(BEFORE);
        let cut = |text: &str| text.chars().skip(skipped).take(SHOWN).collect();
        Self::Changed {
            what,
            first: cut(first),
            second: cut(second),
        }
    }
}

fn debug_or(value: Option<&impl std::fmt::Debug>, none: &str) -> String {
    value.map_or_else(|| none.to_owned(), |value| format!("{value:?}"))
}

fn status_or_none(status: Option<OrderStatus>) -> String {
    debug_or(status.as_ref(), "never had it")
}

fn claimed(claim: Claim) -> String {
    match claim {
        Claim::Never(state) => format!("{state:?}"),
        Claim::AbsentThrough(attempt) => format!("absent up to attempt {attempt}"),
    }
}
