//! Placing, cancelling and asking.

use std::time::Duration;

use investbot_plugin_api::manifest::Query;
use investbot_plugin_api::{Decimal, Effect, ErrorKind, OrderReport, OrderType, Side, TimeInForce};

use super::instruments::refused;
use super::subject::{Session, shown};
use super::{Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::Venue as _;

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "orders.market",
        "an order is acknowledged with what was ordered",
        "Compares client order id, instrument, side and quantity of the answer with the order.",
        acknowledged,
    ),
    Test::new(
        "orders.venue-id",
        "the venue's own id is told and stays",
        "Compares the id of the acknowledgement with that of a later query.",
        venue_id,
    ),
    Test::new(
        "orders.limit",
        "a limit order far from the market is in the book",
        "Places it and looks for it among the open orders.",
        |subject| {
            let session = subject.open()?;
            let order = session.resting()?;
            if matches!(subject.capabilities().query, Query::None) {
                return skipped("it claims no query");
            }
            session.sleep(subject.capabilities().visibility_lag() + Duration::from_nanos(1));
            let found = session.in_book(&order.client_order_id)?;
            ensure(found.is_some(), || {
                format!("{} is not among the open orders", shown(&order))
            })
        },
    ),
    Test::new(
        "orders.types",
        "every claimed order type is taken",
        "Places one order of each type that the manifest claims.",
        types,
    ),
    Test::new(
        "orders.types-unclaimed",
        "a type that is not claimed is refused",
        "The host never sends one; a plugin that takes it for another type loses money.",
        unclaimed_types,
    ),
    Test::new(
        "orders.times-in-force",
        "every claimed time in force is taken",
        "Places one order of each.",
        times_in_force,
    ),
    Test::new(
        "orders.times-unclaimed",
        "a time in force that is not claimed is refused",
        "A fill-or-kill order that rests is another order.",
        unclaimed_times,
    ),
    Test::new(
        "orders.post-only",
        "a post-only order never takes liquidity",
        "Sends one through the market: it must be refused, cancelled, or rest.",
        post_only,
    ),
    Test::new(
        "orders.reduce-only",
        "a reduce-only order never opens a position",
        "Sends one to an account without a position: nothing may be filled.",
        reduce_only,
    ),
    Test::new(
        "orders.cancel",
        "a cancelled order is final and out of the book",
        "Cancels an order that rests, and looks for it.",
        |subject| {
            let session = subject.open()?;
            let order = session.resting()?;
            match session.cancel(&order.client_order_id)? {
                Ok(report) => ensure(report.status.is_final(), || {
                    format!("it is {}", report.status)
                })?,
                Err(error) => return failed(format!("the cancel was refused: {error}")),
            }
            session.sleep(subject.capabilities().visibility_lag() + Duration::from_nanos(1));
            let open = session.in_book(&order.client_order_id)?;
            ensure(open.is_none(), || {
                "it is still among the open orders".to_owned()
            })
        },
    ),
    Test::new(
        "orders.cancel-twice",
        "cancelling a final order is no error",
        "The host repeats a cancel whose answer was lost.",
        |subject| {
            let session = subject.open()?;
            let order = session.resting()?;
            let first = session.cancel(&order.client_order_id)?;
            let second = session.cancel(&order.client_order_id)?;
            match (first, second) {
                (Ok(_), Ok(report)) => ensure(report.status.is_final(), || {
                    format!("it is {}", report.status)
                }),
                (_, Err(error)) | (Err(error), _) => failed(error.to_string()),
            }
        },
    ),
    Test::new(
        "orders.cancel-unknown",
        "cancelling an order that never was is an error",
        "An answer that it is cancelled would be a lie.",
        |subject| {
            let session = subject.open()?;
            match session.cancel(&subject.id())? {
                Ok(report) => failed(format!(
                    "it was answered with an order that is {}",
                    report.status
                )),
                Err(error) => ensure(error.kind == ErrorKind::UnknownOrder, || {
                    format!("the kind is {}, expected unknown_order", error.kind)
                }),
            }
        },
    ),
    Test::new(
        "orders.query-unknown",
        "an order that never was is not found",
        "`None` is for the venue's word that it does not know the order, so it has to be said.",
        |subject| {
            let session = subject.open()?;
            if !matches!(subject.capabilities().query, Query::ByClientId { .. }) {
                return skipped("it claims no query by client order id");
            }
            let order = session.named(&subject.id());
            let found = session.read("order", |venue| venue.order(&order))?;
            ensure(found.is_none(), || format!("it found {found:?}"))
        },
    ),
    Test::new(
        "orders.zero",
        "a quantity of 0 is refused",
        "Sends one, definitively refused.",
        |subject| quantity(subject, Decimal::ZERO),
    ),
    Test::new(
        "orders.negative",
        "a negative quantity is refused",
        "Taken at its word it would trade on the other side.",
        |subject| quantity(subject, Decimal::NEGATIVE_ONE),
    ),
    Test::new(
        "orders.no-price",
        "a limit order without a price is refused",
        "It must not become a market order.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.maker()?;
            order.limit_price = None;
            refused(&session, &order)
        },
    ),
    Test::new(
        "orders.unknown-instrument",
        "an instrument that is not listed is refused",
        "Its kind has to say so, or a person looks for the fault elsewhere.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.taker(Side::Buy);
            order.instrument = "NO-SUCH/THING".to_owned();
            match session.place(&order)? {
                Ok(report) => failed(format!("it was taken: {}", report.status)),
                Err(error) => ensure(error.kind == ErrorKind::UnknownInstrument, || {
                    format!("the kind is {}, expected unknown_instrument", error.kind)
                }),
            }
        },
    ),
];

fn acknowledged(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let order = session.taker(Side::Buy);
    let report = session.taken_up(&order)?;
    ensure(report.client_order_id == order.client_order_id, || {
        format!("it is about `{}`", report.client_order_id)
    })?;
    ensure(
        report.instrument == order.instrument && report.side == order.side,
        || format!("it says {} {}", report.side, report.instrument),
    )?;
    ensure(report.quantity == order.quantity, || {
        format!("it says {}", report.quantity)
    })?;
    sound(&report)
}

/// Whether a report makes sense by itself.
pub(super) fn sound(report: &OrderReport) -> Verdict {
    ensure(
        report.filled_quantity >= Decimal::ZERO && report.filled_quantity <= report.quantity,
        || {
            format!(
                "{} of {} are filled",
                report.filled_quantity, report.quantity
            )
        },
    )
}

fn venue_id(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let order = session.taker(Side::Buy);
    let report = session.taken_up(&order)?;
    ensure(!report.venue_order_id.is_empty(), || {
        "it is empty".to_owned()
    })?;
    match session.state(&order.client_order_id)? {
        None => Ok(()),
        Some(later) => ensure(later.venue_order_id == report.venue_order_id, || {
            format!(
                "first `{}`, then `{}`",
                report.venue_order_id, later.venue_order_id
            )
        }),
    }
}

fn types(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    for kind in &subject.capabilities().order_types {
        session.taken_up(&of_type(&session, *kind))?;
    }
    Ok(())
}

fn of_type(session: &Session<'_>, kind: OrderType) -> investbot_plugin_api::NewOrder {
    let mut order = session.taker(Side::Buy);
    order.order_type = kind;
    // A stop to buy above the market, a limit below it.
    order.limit_price = match kind {
        OrderType::Limit => Some(Session::PRICE / Decimal::TWO),
        OrderType::StopLimit => Some(Session::PRICE * Decimal::TWO),
        _ => None,
    };
    order.stop_price = kind
        .has_stop_price()
        .then(|| Session::PRICE + Session::PRICE / Decimal::TWO);
    order
}

fn unclaimed_types(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let others = OrderType::ALL.iter().filter(|kind| !subject.takes(**kind));
    let mut tried = 0;
    for kind in others {
        tried += 1;
        refused(&session, &of_type(&session, *kind))?;
    }
    if tried == 0 {
        skipped("it claims every type")
    } else {
        Ok(())
    }
}

fn of_time(session: &Session<'_>, time: TimeInForce) -> investbot_plugin_api::NewOrder {
    let mut order = session.taker(Side::Buy);
    order.time_in_force = time;
    order.expire_time =
        (time == TimeInForce::Gtd).then(|| session.now().after(Duration::from_secs(86_400)));
    order
}

fn times_in_force(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    for time in &subject.capabilities().times_in_force {
        let order = of_time(&session, *time);
        if let Err(error) = session.place(&order)? {
            return failed(format!("{} was refused: {error}", shown(&order)));
        }
    }
    Ok(())
}

fn unclaimed_times(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let claimed = &subject.capabilities().times_in_force;
    let others = TimeInForce::ALL
        .iter()
        .filter(|time| !claimed.contains(time));
    let mut tried = 0;
    for time in others {
        tried += 1;
        refused(&session, &of_time(&session, *time))?;
    }
    if tried == 0 {
        skipped("it claims every time in force")
    } else {
        Ok(())
    }
}

fn honours(subject: &Subject<'_>, field: &str) -> bool {
    subject
        .capabilities()
        .order_fields
        .iter()
        .any(|known| known == field)
}

fn post_only(subject: &Subject<'_>) -> Verdict {
    if !honours(subject, "post_only") {
        return skipped("it does not claim post_only");
    }
    let session = subject.open()?;
    let mut order = session.maker()?;
    order.limit_price = Some(Session::PRICE * Decimal::TWO);
    order.post_only = true;
    if let Ok(report) = session.place(&order)? {
        session.tick();
        let fills = session.fills_of(&order.client_order_id)?;
        let taker = investbot_plugin_api::Liquidity::Taker;
        ensure(!fills.iter().any(|fill| fill.liquidity == taker), || {
            format!("it took liquidity; it was {} at first", report.status)
        })?;
    }
    Ok(())
}

fn reduce_only(subject: &Subject<'_>) -> Verdict {
    if !honours(subject, "reduce_only") {
        return skipped("it does not claim reduce_only");
    }
    let session = subject.open()?;
    let mut order = session.taker(Side::Buy);
    order.reduce_only = true;
    let _ = session.place(&order)?;
    session.tick();
    let fills = session.fills_of(&order.client_order_id)?;
    ensure(fills.is_empty(), || "it opened a position".to_owned())
}

fn quantity(subject: &Subject<'_>, quantity: Decimal) -> Verdict {
    let session = subject.open()?;
    let mut order = session.taker(Side::Buy);
    order.quantity = quantity;
    match session.place(&order)? {
        Ok(report) => failed(format!("it was taken: {}", report.status)),
        Err(error) => ensure(error.effect != Effect::Unknown, || {
            format!("nobody need doubt that it is refused: {error}")
        }),
    }
}
