//! What the manifest claims about duplicates, deadlines and queries. The host's promise rests on these: a claim that is
//! not true sends an order twice, or calls one absent that lives.

use std::time::Duration;

use investbot_plugin_api::manifest::{Deadline, Dedupe, Query};
use investbot_plugin_api::{Decimal, NewOrder, OrderStatus, Side};

use super::subject::{Session, shown};
use super::{Objection, Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::Venue as _;

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "claims.duplicate-open",
        "the same id while the order is open makes no second order",
        "Sends an order that rests once more, byte for byte.",
        |subject| {
            if matches!(subject.capabilities().dedupe, Dedupe::None) {
                return skipped("it does not claim to know duplicates");
            }
            let session = subject.open()?;
            let order = session.resting()?;
            let _ = session.place(&order)?;
            let book = session.read("open_orders", |venue| venue.open_orders())?;
            let same = book
                .orders
                .iter()
                .filter(|known| known.client_order_id == order.client_order_id);
            let count = same.count();
            ensure(count <= 1, || {
                format!("there are {count} of it in the book")
            })
        },
    ),
    Test::new(
        "claims.duplicate-filled",
        "the same id after the order was filled makes no second order",
        "What a venue that remembers ids among open orders only does not do: it trades twice.",
        |subject| {
            let session = remembers(subject)?;
            let (order, fills) = session.filled()?;
            let _ = session.place(&order)?;
            once(&session, &order, sum(&fills))
        },
    ),
    Test::new(
        "claims.duplicate-cancelled",
        "the same id after the order was cancelled makes no second order",
        "Cancels an order that rests, and sends it again.",
        |subject| {
            let session = remembers(subject)?;
            let order = session.resting()?;
            let _ = session.cancel(&order.client_order_id)?;
            if let Ok(report) = session.place(&order)? {
                ensure(report.status.is_final(), || {
                    format!("it is {} now", report.status)
                })?;
            }
            let open = session.in_book(&order.client_order_id)?;
            ensure(open.is_none(), || "it is in the book again".to_owned())
        },
    ),
    Test::new(
        "claims.duplicate-session",
        "the same id in another session makes no second order",
        "The host resends after a restart: the venue must remember, not the adapter.",
        |subject| {
            let session = remembers(subject)?;
            let (order, fills) = session.filled()?;
            let at = session.now();
            drop(session);
            let session = subject.open_keeping("venue", at)?;
            let _ = session.place(&order)?;
            once(&session, &order, sum(&fills))
        },
    ),
    Test::new(
        "claims.duplicate-other",
        "the same id with another order is refused",
        "It is neither the first order nor a new one.",
        |subject| {
            let session = remembers(subject)?;
            let (order, fills) = session.filled()?;
            let mut other = order.clone();
            other.quantity += session.instrument.lot_size;
            if let Ok(report) = session.place(&other)? {
                let is_first = report.quantity == order.quantity;
                let refused = report.status == OrderStatus::Rejected;
                ensure(is_first || refused, || {
                    format!("it was taken: {}", report.status)
                })?;
            }
            once(&session, &order, sum(&fills))
        },
    ),
    Test::new(
        "claims.deadline-past",
        "an order whose deadline has passed is not taken up",
        "The host takes its absence for proven after the deadline.",
        deadline_past,
    ),
    Test::new(
        "claims.deadline-far",
        "a deadline beyond the farthest is refused",
        "The manifest says how far away a deadline may be that the venue accepts.",
        deadline_far,
    ),
    Test::new(
        "claims.query-after-accept",
        "a query finds an order after the claimed lag",
        "Places ten orders, and asks for each when the lag is over.",
        query_after_accept,
    ),
    Test::new(
        "claims.query-closed",
        "a query finds filled orders, if it is claimed to",
        "The host takes an order that is not found for absent.",
        |subject| {
            if !finds_closed(subject) {
                return skipped("it does not claim to find closed orders");
            }
            let session = subject.open()?;
            let (order, _) = session.filled()?;
            match session.state(&order.client_order_id)? {
                None => failed("a filled order was not found"),
                Some(report) => ensure(report.status == OrderStatus::Filled, || {
                    format!("it is {}", report.status)
                }),
            }
        },
    ),
    Test::new(
        "claims.query-cancelled",
        "a query finds cancelled orders, if it is claimed to",
        "The host takes an order that is not found for absent.",
        |subject| {
            if !finds_closed(subject) {
                return skipped("it does not claim to find closed orders");
            }
            let session = subject.open()?;
            let order = session.resting()?;
            let _ = session.cancel(&order.client_order_id)?;
            let found = session.state(&order.client_order_id)?;
            ensure(found.is_some_and(|report| report.status.is_final()), || {
                "it was not found, or is open".to_owned()
            })
        },
    ),
    Test::new(
        "claims.open-orders-complete",
        "the open orders are all of them, or the answer says that they are not",
        "Places twenty orders that rest, and counts.",
        open_orders_complete,
    ),
    Test::new(
        "claims.open-orders-open",
        "no order that is over is among the open ones",
        "Has one order filled and one cancelled, and looks.",
        open_orders_open,
    ),
    Test::new(
        "claims.id-longest",
        "the longest client order id is taken and told back whole",
        "Sends ids of the claimed length out of all claimed characters.",
        |subject| {
            let session = subject.open()?;
            let length = subject.capabilities().client_order_id.max_length as usize;
            for _ in 0..10 {
                let mut order = session.taker(Side::Buy);
                order.client_order_id = subject.id_of_length(length);
                let report = session.taken_up(&order)?;
                ensure(report.client_order_id == order.client_order_id, || {
                    format!(
                        "`{}` came back as `{}`",
                        order.client_order_id, report.client_order_id
                    )
                })?;
            }
            Ok(())
        },
    ),
];

/// A session with a venue that remembers ids after the order is over.
fn remembers<'s>(subject: &'s Subject<'_>) -> Result<Session<'s>, Objection> {
    match subject.capabilities().dedupe {
        Dedupe::Permanent | Dedupe::Window { .. } => subject.open(),
        _ => skipped("it does not claim to remember orders that are over"),
    }
}

fn finds_closed(subject: &Subject<'_>) -> bool {
    matches!(
        subject.capabilities().query,
        Query::ByClientId {
            includes_closed: true,
            ..
        }
    )
}

fn sum(fills: &[investbot_plugin_api::Fill]) -> Decimal {
    fills.iter().map(|fill| fill.quantity).sum()
}

/// No more was filled of an order than once.
fn once(session: &Session<'_>, order: &NewOrder, filled: Decimal) -> Verdict {
    session.tick();
    session.sleep(Duration::from_secs(10));
    let now = sum(&session.fills_of(&order.client_order_id)?);
    ensure(now == filled, || {
        format!(
            "{} was filled {now} in all, {filled} before it was sent again",
            shown(order)
        )
    })
}

fn deadline_past(subject: &Subject<'_>) -> Verdict {
    let Deadline::Enforced { skew_ms, .. } = subject.capabilities().deadline else {
        return skipped("it does not claim to enforce deadlines");
    };
    let session = subject.open()?;
    session.sleep(Duration::from_secs(60));
    for _ in 0..5 {
        let mut order = session.taker(Side::Buy);
        let late = Duration::from_millis(skew_ms) + Duration::from_secs(2);
        let before = investbot_plugin_api::UnixNanos(
            session.now().0 - i64::try_from(late.as_nanos()).unwrap_or(i64::MAX),
        );
        order.deadline = Some(before);
        // Once, as it is: the kit's own resend would give it a new deadline.
        let answer = session.venue.place(&order);
        if let Ok(report) = &answer
            && report.status != OrderStatus::Rejected
        {
            return failed(format!("it was taken: {}", report.status));
        }
        session.sleep(Duration::from_secs(60));
        session.tick();
        let fills = session.fills_of(&order.client_order_id)?;
        let open = session.in_book(&order.client_order_id)?;
        ensure(fills.is_empty() && open.is_none(), || "it lives".to_owned())?;
    }
    Ok(())
}

fn deadline_far(subject: &Subject<'_>) -> Verdict {
    let Deadline::Enforced { max_ms, .. } = subject.capabilities().deadline else {
        return skipped("it does not claim to enforce deadlines");
    };
    let session = subject.open()?;
    let mut order = session.taker(Side::Buy);
    order.deadline = Some(
        session
            .now()
            .after(Duration::from_millis(max_ms.saturating_mul(10))),
    );
    match session.venue.place(&order) {
        Ok(report) if report.status != OrderStatus::Rejected => {
            failed(format!("it was taken: {}", report.status))
        }
        Err(error) if error.kind == investbot_plugin_api::ErrorKind::Panicked => {
            failed(error.message)
        }
        _ => Ok(()),
    }
}

fn query_after_accept(subject: &Subject<'_>) -> Verdict {
    if !matches!(subject.capabilities().query, Query::ByClientId { .. }) {
        return skipped("it claims no query by client order id");
    }
    let session = subject.open()?;
    for _ in 0..10 {
        let order = if finds_closed(subject) {
            session.taker(Side::Buy)
        } else {
            session.maker()?
        };
        session.taken_up(&order)?;
        let found = session.state(&order.client_order_id)?;
        ensure(found.is_some(), || {
            let lag = subject.capabilities().visibility_lag();
            format!(
                "{} was not found {} ms after it was accepted",
                shown(&order),
                lag.as_millis()
            )
        })?;
    }
    Ok(())
}

fn open_orders_complete(subject: &Subject<'_>) -> Verdict {
    if matches!(subject.capabilities().query, Query::None) {
        return skipped("it claims no query");
    }
    let session = subject.open()?;
    let mut placed = Vec::new();
    for _ in 0..20 {
        placed.push(session.resting()?.client_order_id);
    }
    session.sleep(subject.capabilities().visibility_lag() + Duration::from_nanos(1));
    let book = session.read("open_orders", |venue| venue.open_orders())?;
    let missing = placed.iter().filter(|id| {
        !book
            .orders
            .iter()
            .any(|order| order.client_order_id == **id)
    });
    let missing = missing.count();
    ensure(missing == 0 || !book.complete, || {
        format!("{missing} of 20 orders are missing from an answer that calls itself complete")
    })
}

fn open_orders_open(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let (filled, _) = session.filled()?;
    session.sleep(subject.capabilities().visibility_lag() + Duration::from_nanos(1));
    let book = session.read("open_orders", |venue| venue.open_orders())?;
    let over = book
        .orders
        .iter()
        .find(|order| order.status.is_final() || order.client_order_id == filled.client_order_id);
    ensure(over.is_none(), || format!("{over:?}"))
}
