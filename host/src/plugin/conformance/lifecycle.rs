//! A session from its beginning to its end, and the next one.

use investbot_plugin_api::{ErrorKind, HealthStatus, Side, UnixNanos};

use super::subject::Session;
use super::{Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::Venue as _;

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "lifecycle.healthy",
        "an adapter that opened can reach its venue",
        "Asks for its health until it is not down.",
        |subject| {
            let session = subject.open()?;
            for _ in 0..30 {
                let health = session.read("health", |venue| venue.health())?;
                if health.status != HealthStatus::Down {
                    return Ok(());
                }
                session.sleep(std::time::Duration::from_secs(60));
            }
            failed("it said for half an hour that it is down")
        },
    ),
    Test::new(
        "lifecycle.shutdown",
        "a session ends when it is asked to",
        "Calls shutdown once, last, as the host does.",
        |subject| {
            let session = subject.open()?;
            session.read("shutdown", |venue| venue.shutdown())
        },
    ),
    Test::new(
        "lifecycle.shutdown-twice",
        "a second shutdown does no harm",
        "An answer of any kind will do; a panic, a crash or a hang will not.",
        |subject| {
            let session = subject.open()?;
            session.read("shutdown", |venue| venue.shutdown())?;
            no_panic("shutdown", session.venue.shutdown())
        },
    ),
    Test::new(
        "lifecycle.after-shutdown",
        "a call after the end is answered",
        "Places, cancels and asks after shutdown. It must not panic, crash or hang.",
        |subject| {
            let session = subject.open()?;
            let order = session.taker(Side::Buy);
            session.read("shutdown", |venue| venue.shutdown())?;
            no_panic("place", session.venue.place(&order))?;
            no_panic(
                "order",
                session.venue.order(&session.named(&order.client_order_id)),
            )?;
            no_panic("open_orders", session.venue.open_orders())?;
            no_panic("health", session.venue.health())
        },
    ),
    Test::new(
        "lifecycle.drop",
        "an adapter can be dropped without a shutdown",
        "A host that fails drops its adapters. Threads that outlive them use memory that is gone.",
        |subject| {
            for _ in 0..5 {
                let session = subject.open()?;
                session.taken_up(&session.taker(Side::Buy))?;
            }
            Ok(())
        },
    ),
    Test::new(
        "lifecycle.open-again",
        "it can be opened again after it was closed",
        "Opens, uses, shuts down and drops it ten times in one process.",
        |subject| {
            let mut at = UnixNanos(0);
            for _ in 0..10 {
                let session = subject.open_keeping("venue", at)?;
                session.taken_up(&session.taker(Side::Buy))?;
                session.read("shutdown", |venue| venue.shutdown())?;
                at = session.now();
            }
            Ok(())
        },
    ),
    Test::new(
        "lifecycle.orders-stay",
        "open orders stay at the venue when a session ends",
        "Places an order that rests, ends the session, opens another and looks for it.",
        orders_stay,
    ),
    Test::new(
        "lifecycle.fills-stay",
        "fills are still told to the next session",
        "An order is filled, the session ends; the next one asks for the whole history.",
        fills_stay,
    ),
    Test::new(
        "lifecycle.cursor-stays",
        "a cursor is good for the next session",
        "The host keeps the cursor across restarts: fills before it must not come again, later ones must.",
        cursor_stays,
    ),
    Test::new(
        "lifecycle.killed",
        "orders are known after a session that was never ended",
        "Drops the adapter without a shutdown after an order was acknowledged, as a crash does, and looks for it.",
        killed,
    ),
];

fn no_panic<T>(op: &str, answer: Result<T, investbot_plugin_api::AdapterError>) -> Verdict {
    match answer {
        Err(error) if error.kind == ErrorKind::Panicked => {
            failed(format!("`{op}` {}", error.message))
        }
        _ => Ok(()),
    }
}

/// Ends a session and begins the next one, on the same venue.
fn next<'s>(
    subject: &'s Subject<'_>,
    session: Session<'_>,
) -> Result<Session<'s>, super::Objection> {
    session.read("shutdown", |venue| venue.shutdown())?;
    let at = session.now();
    drop(session);
    subject.open_keeping("venue", at)
}

fn orders_stay(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let order = session.resting()?;
    let session = next(subject, session)?;
    if subject.capabilities().class() == investbot_plugin_api::manifest::VenueClass::E {
        return skipped("it claims no query");
    }
    let found = session.state(&order.client_order_id)?;
    ensure(found.is_some(), || {
        "the order is not known any more".to_owned()
    })
}

fn fills_stay(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let (order, fills) = session.filled()?;
    let session = next(subject, session)?;
    let again = session.fills_of(&order.client_order_id)?;
    ensure(again.len() == fills.len(), || {
        format!("{} fills before, {} after", fills.len(), again.len())
    })
}

fn cursor_stays(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    session.filled()?;
    let (_, cursor) = session.fills_after(None)?;
    let session = next(subject, session)?;
    let (early, _) = session.fills_after(Some(cursor.clone()))?;
    ensure(early.is_empty(), || {
        format!("{} fills came again", early.len())
    })?;
    let (order, fills) = session.filled()?;
    let (late, _) = session.fills_after(Some(cursor))?;
    let found = late
        .iter()
        .filter(|fill| fill.client_order_id == order.client_order_id)
        .count();
    ensure(found == fills.len(), || {
        format!(
            "{found} of {} later fills came after the cursor",
            fills.len()
        )
    })
}

fn killed(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let (order, _) = session.filled()?;
    let at = session.now();
    drop(session);
    let session = subject.open_keeping("venue", at)?;
    let fills = session.fills_of(&order.client_order_id)?;
    ensure(!fills.is_empty(), || {
        "its fills are not known any more".to_owned()
    })
}
