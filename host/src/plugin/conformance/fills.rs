//! Executions, cursors, and the account that they move.

use std::collections::BTreeSet;

use investbot_plugin_api::{Decimal, ErrorKind, Fill};

use super::subject::Session;
use super::{Objection, Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::Venue as _;

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "fills.told",
        "an execution is in the history",
        "Has an order filled and asks for all fills.",
        |subject| {
            let session = subject.open()?;
            let (order, fills) = session.filled()?;
            let sum: Decimal = fills.iter().map(|fill| fill.quantity).sum();
            ensure(sum == order.quantity, || {
                format!("{sum} of {} were filled", order.quantity)
            })
        },
    ),
    Test::new(
        "fills.sound",
        "a fill says what it is about, at a price above 0",
        "Checks instrument, side, price, quantity, and the currency of a fee.",
        |subject| {
            let session = subject.open()?;
            let (order, fills) = session.filled()?;
            for fill in fills {
                let about = fill.instrument == order.instrument && fill.side == order.side;
                let sound = fill.price > Decimal::ZERO && fill.quantity > Decimal::ZERO;
                let fee = fill.fee.is_zero() || !fill.fee_currency.is_empty();
                ensure(about && sound && fee && !fill.fill_id.is_empty(), || {
                    format!("{fill:?}")
                })?;
            }
            Ok(())
        },
    ),
    Test::new(
        "fills.unique",
        "no two executions have the same id",
        "The host books each id once: a second execution of the same id is lost.",
        |subject| {
            let all = several(&subject.open()?)?;
            let ids: BTreeSet<_> = all.iter().map(|fill| &fill.fill_id).collect();
            ensure(ids.len() == all.len(), || {
                format!("{} ids for {} fills", ids.len(), all.len())
            })
        },
    ),
    Test::new(
        "fills.order",
        "the oldest come first",
        "Compares the times of the whole history.",
        |subject| {
            let all = several(&subject.open()?)?;
            ensure(all.is_sorted_by_key(|fill| fill.time), || {
                "their times go back".to_owned()
            })
        },
    ),
    Test::new(
        "fills.cursor",
        "after a cursor comes what is new, and nothing else",
        "Asks, has another order filled, asks again after the cursor.",
        |subject| {
            let session = subject.open()?;
            session.filled()?;
            let (_, cursor) = session.fills_after(None)?;
            let (order, fills) = session.filled()?;
            let (new, _) = session.fills_after(Some(cursor))?;
            let strange = new
                .iter()
                .find(|fill| fill.client_order_id != order.client_order_id);
            ensure(strange.is_none(), || {
                format!("an old one came again: {strange:?}")
            })?;
            ensure(new.len() == fills.len(), || {
                format!("{} of {} came", new.len(), fills.len())
            })
        },
    ),
    Test::new(
        "fills.cursor-again",
        "the same cursor gives the same again",
        "An answer that was lost is asked for once more.",
        |subject| {
            let session = subject.open()?;
            let (_, cursor) = session.fills_after(None)?;
            session.filled()?;
            let (first, _) = session.fills_after(Some(cursor.clone()))?;
            let (second, _) = session.fills_after(Some(cursor))?;
            ensure(first == second, || {
                format!("first {}, then {}", first.len(), second.len())
            })
        },
    ),
    Test::new(
        "fills.cursor-empty",
        "without news the cursor is good for later",
        "Asks three times in a row, each time after the cursor of the last.",
        |subject| {
            let session = subject.open()?;
            session.filled()?;
            let (_, mut cursor) = session.fills_after(None)?;
            for _ in 0..3 {
                let (new, next) = session.fills_after(Some(cursor))?;
                ensure(new.is_empty(), || format!("{} fills came again", new.len()))?;
                cursor = next;
            }
            Ok(())
        },
    ),
    Test::new(
        "fills.cursor-garbage",
        "a cursor that is none is refused",
        "An empty page in answer to it would mean that there were no fills.",
        |subject| {
            let session = subject.open()?;
            session.filled()?;
            for garbage in ["", "\u{0}", "18446744073709551616", "no such cursor", "-1"] {
                match session.venue.fills_since(Some(garbage)) {
                    Ok(page) if page.fills.is_empty() => {
                        return failed(format!("{garbage:?} was answered with an empty page"));
                    }
                    Err(error) if error.kind == ErrorKind::Panicked => {
                        return failed(error.message);
                    }
                    _ => {}
                }
            }
            Ok(())
        },
    ),
    Test::new(
        "fills.reported",
        "a report says as much filled as there are fills",
        "Compares filled_quantity of a query with the sum of the history.",
        |subject| {
            let session = subject.open()?;
            let (order, fills) = session.filled()?;
            let sum: Decimal = fills.iter().map(|fill| fill.quantity).sum();
            match session.state(&order.client_order_id)? {
                None => skipped("it cannot be asked about a filled order"),
                Some(report) => ensure(report.filled_quantity == sum, || {
                    format!(
                        "the report says {}, the fills {sum}",
                        report.filled_quantity
                    )
                }),
            }
        },
    ),
    Test::new(
        "fills.balances",
        "the balances move by what was filled",
        "Adds up price times quantity and fees, and compares the quote currency before and after.",
        balances,
    ),
    Test::new(
        "fills.positions",
        "the positions move by what was filled",
        "Compares the position before and after.",
        positions,
    ),
];

/// The history after several orders were filled.
fn several(session: &Session<'_>) -> Result<Vec<Fill>, Objection> {
    for _ in 0..5 {
        session.filled()?;
    }
    session.fills_after(None).map(|(fills, _)| fills)
}

fn total(session: &Session<'_>, currency: &str) -> Result<Decimal, Objection> {
    let balances = session.read("balances", |venue| venue.balances())?;
    let own = balances
        .iter()
        .filter(|balance| balance.currency == currency);
    Ok(own.map(|balance| balance.total).sum())
}

fn balances(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let quote = session.instrument.quote.clone();
    let before = total(&session, &quote)?;
    let (_, fills) = session.filled()?;
    let after = total(&session, &quote)?;
    let spent: Decimal = fills
        .iter()
        .map(|fill| {
            let fee = if fill.fee_currency == quote {
                fill.fee
            } else {
                Decimal::ZERO
            };
            fill.side.sign() * fill.price * fill.quantity + fee
        })
        .sum();
    ensure(before - after == spent, || {
        format!("{quote}: {before} before, {after} after, and the fills come to {spent}")
    })
}

fn positions(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let held = || -> Result<Option<Decimal>, Objection> {
        let positions = session.read("positions", |venue| venue.positions())?;
        let own =
            |known: &&investbot_plugin_api::Position| known.instrument == session.instrument.symbol;
        Ok(positions.iter().find(own).map(|known| known.quantity))
    };
    let before = held()?.unwrap_or_default();
    let (_, fills) = session.filled()?;
    let Some(after) = held()? else {
        return skipped("it has balances only");
    };
    let bought: Decimal = fills
        .iter()
        .map(|fill| fill.side.sign() * fill.quantity)
        .sum();
    ensure(after - before == bought, || {
        format!("{before} before, {after} after, and the fills come to {bought}")
    })
}
