//! What the journal keeps, as the core takes it in. What happens for the first time and what is read
//! back go through here alike, so that a replay cannot differ.

use std::borrow::Cow;

use investbot_plugin_api::{OrderRef, OrderReport, UnixNanos};

use crate::engine::{self, Command, Input, Intent, Seen};
use crate::plugin::Answer;
use crate::store::record::{CancelFailed, Claim, Outcome, Record, TakenIn};

/// What the core takes in of a record; `None` if that is nothing, or not for the core alone: bars, and
/// what a run starts from.
pub(super) fn input_of<'r>(record: &'r Record<'_>, now: UnixNanos) -> Option<Input<'r>> {
    Some(match record {
        Record::Epoch(_)
        | Record::Account(_)
        | Record::Instruments(_)
        | Record::Offset(_)
        | Record::Cursor(_)
        | Record::Closed => return None,
        Record::Intent(taken) => Input::Intent {
            position: taken.position,
            now,
            intent: taken.intent.clone().into_owned(),
            seen: taken.seen.clone().map(Cow::into_owned),
        },
        Record::Attempt(claim) => Input::Attempt {
            client_order_id: &claim.order.client_order_id,
            attempt: claim.attempt,
            now,
        },
        // Another attempt follows; the order is as much on its way as before.
        Record::Outcome(known) if *known.outcome == engine::Outcome::Absent => return None,
        Record::Outcome(known) => Input::Outcome {
            client_order_id: &known.client_order_id,
            outcome: known.outcome.clone().into_owned(),
            now,
        },
        Record::Resolved(resolved) => Input::Resolved {
            client_order_id: &resolved.client_order_id,
            decision: resolved.decision,
            reason: resolved.reason.clone().into_owned(),
            now,
        },
        Record::Fill(fill) => Input::Fill {
            fill: fill.clone().into_owned(),
            now,
        },
        Record::Order(report) => Input::Order {
            report: report.clone().into_owned(),
            now,
        },
        Record::CancelFailed(failed) => Input::CancelFailed {
            client_order_id: &failed.client_order_id,
            code: failed.code.clone().into_owned(),
            text: failed.text.clone().into_owned(),
            now,
        },
        Record::Halt(reason) => Input::Halt {
            reason: reason.clone().into_owned(),
            now,
        },
    })
}

/// What became known about a claimed attempt.
pub(super) fn outcome(claim: &Claim, outcome: engine::Outcome) -> Record<'static> {
    Record::Outcome(Outcome {
        key: Cow::Owned(claim.key.clone()),
        client_order_id: Cow::Owned(claim.order.client_order_id.clone()),
        attempt: claim.attempt,
        outcome: Cow::Owned(outcome),
    })
}

/// That an attempt before `claim` is proven absent.
pub(super) fn absent(claim: &Claim, attempt: u32) -> Record<'_> {
    Record::Outcome(Outcome {
        key: Cow::Borrowed(&claim.key),
        client_order_id: Cow::Borrowed(&claim.order.client_order_id),
        attempt,
        outcome: Cow::Owned(engine::Outcome::Absent),
    })
}

/// The answer to a cancel.
pub(super) fn cancelled(order: OrderRef, answer: Answer<OrderReport>) -> Record<'static> {
    match answer {
        Ok(report) => Record::Order(Cow::Owned(report)),
        Err(error) => Record::CancelFailed(CancelFailed {
            client_order_id: Cow::Owned(order.client_order_id),
            code: Cow::Owned(error.venue_code.unwrap_or_else(|| error.kind.to_string())),
            text: Cow::Owned(error.message),
        }),
    }
}

/// The id that an intent's caller gave it.
pub(super) fn id_of(intent: &Intent) -> Option<&str> {
    match intent {
        Intent::Order { id, .. } => id.as_deref(),
        Intent::Cancel { id } => Some(id),
    }
}

/// A line of the stream that the core has just taken in, and what it made of the line's id.
pub(super) fn taken_in<'a>(
    position: u64,
    intent: &'a Intent,
    seen: Option<&'a Seen>,
    commands: &'a [Command],
) -> Record<'a> {
    let taken = commands.iter().find_map(|command| match command {
        Command::TakenUp { seen, .. } => Some(Cow::Borrowed(seen)),
        _ => None,
    });
    Record::Intent(TakenIn {
        position,
        intent: Cow::Borrowed(intent),
        seen: seen.map(Cow::Borrowed),
        taken,
    })
}
