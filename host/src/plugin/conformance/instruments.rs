//! The instruments and their rules.

use std::collections::BTreeSet;

use investbot_plugin_api::{AdapterError, Decimal, Instrument, NewOrder, OrderReport, Side};

use super::subject::Session;
use super::{Objection, Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::Venue as _;

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "instruments.listed",
        "what the run trades is among the instruments",
        "Opens it for one symbol and looks for that.",
        |subject| subject.open().map(drop),
    ),
    Test::new(
        "instruments.unique",
        "no symbol is listed twice",
        "The host looks rules up by symbol.",
        |subject| {
            let all = all(subject)?;
            let symbols: BTreeSet<_> = all.iter().map(|known| &known.symbol).collect();
            ensure(symbols.len() == all.len(), || {
                "some symbol is there twice".to_owned()
            })
        },
    ),
    Test::new(
        "instruments.steps",
        "ticks and lots are above 0",
        "Prices and quantities are rounded to them.",
        |subject| {
            each(subject, |known| {
                known.tick_size > Decimal::ZERO && known.lot_size > Decimal::ZERO
            })
        },
    ),
    Test::new(
        "instruments.limits",
        "the least is not above the most, and both are whole lots",
        "An order at the limit has to be one that can be sent.",
        |subject| {
            each(subject, |known| {
                let whole = |quantity: Decimal| (quantity % known.lot_size).is_zero();
                known.min_quantity >= Decimal::ZERO
                    && known.min_notional >= Decimal::ZERO
                    && whole(known.min_quantity)
                    && known
                        .max_quantity
                        .is_none_or(|most| most >= known.min_quantity && most > Decimal::ZERO)
            })
        },
    ),
    Test::new(
        "instruments.currencies",
        "base and quote are named",
        "Balances and fees are in them.",
        |subject| {
            each(subject, |known| {
                !known.base.is_empty() && !known.quote.is_empty() && !known.symbol.is_empty()
            })
        },
    ),
    Test::new(
        "instruments.stable",
        "the rules are the same when they are asked for again",
        "The host records them at the start of a run.",
        |subject| {
            let session = subject.open()?;
            let read = || session.read("instruments", |venue| venue.instruments());
            ensure(read()? == read()?, || {
                "they changed between two calls".to_owned()
            })
        },
    ),
    Test::new(
        "instruments.off-tick",
        "a price between two ticks is refused, or taken as it is",
        "An order that is rounded in silence is another order.",
        off_tick,
    ),
    Test::new(
        "instruments.off-lot",
        "a quantity between two lots is refused, or taken as it is",
        "An order that is rounded in silence is another order.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.taker(Side::Buy);
            order.quantity += session.instrument.lot_size / Decimal::TWO;
            as_it_is(&order, session.place(&order)?)
        },
    ),
    Test::new(
        "instruments.below-least",
        "less than the least is refused before the book",
        "Sends an order below min_quantity.",
        |subject| {
            let session = subject.open()?;
            let rules = &session.instrument;
            let less = rules.min_quantity - rules.lot_size;
            if less <= Decimal::ZERO {
                return skipped("one lot is the least");
            }
            let mut order = session.taker(Side::Buy);
            order.quantity = less;
            refused(&session, &order)
        },
    ),
];

fn all(subject: &Subject<'_>) -> Result<Vec<Instrument>, Objection> {
    let session = subject.open()?;
    session.read("instruments", |venue| venue.instruments())
}

fn each(subject: &Subject<'_>, is_sound: impl Fn(&Instrument) -> bool) -> Verdict {
    let all = all(subject)?;
    match all.iter().find(|known| !is_sound(known)) {
        Some(known) => failed(format!("not so of {known:?}")),
        None => Ok(()),
    }
}

fn off_tick(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let mut order = session.maker()?;
    let half = session.instrument.tick_size / Decimal::TWO;
    order.limit_price = order.limit_price.map(|price| price + half);
    as_it_is(&order, session.place(&order)?)
}

fn as_it_is(order: &NewOrder, answer: Result<OrderReport, AdapterError>) -> Verdict {
    match answer {
        Ok(report) => ensure(report.quantity == order.quantity, || {
            format!(
                "{} were ordered, and {} taken",
                order.quantity, report.quantity
            )
        }),
        Err(_) => Ok(()),
    }
}

/// The order has to be refused, definitively, and not to live.
pub(super) fn refused(session: &Session<'_>, order: &NewOrder) -> Verdict {
    match session.place(order)? {
        Ok(report) if report.status == investbot_plugin_api::OrderStatus::Rejected => Ok(()),
        Ok(report) => failed(format!(
            "{} was taken: it is {}",
            super::subject::shown(order),
            report.status
        )),
        Err(_) => {
            let lives = session.in_book(&order.client_order_id)?.is_some();
            ensure(!lives, || "it was refused, and is in the book".to_owned())
        }
    }
}
