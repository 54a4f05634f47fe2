//! Compares the books with what the venue says of the account: open orders, balances, positions.
//!
//! An answer that is missing, cut short or cannot be read is no comparison, and is told as such. What
//! the venue has and the books do not is told, never taken over.

use std::borrow::Cow;

use investbot_plugin_api::{AdapterError, Balance, Decimal, OrderReport, Position};

use super::desk::Desk;
use super::session::SessionError;
use super::watch::Thoroughness;
use crate::engine::Core;
use crate::plugin::{Answer, Venue};
use crate::store::record::Record;

/// Something that the books and the venue do not agree on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: the books say {books}, the venue says {venue}")]
pub struct Difference {
    /// A currency or an instrument.
    pub what: String,
    /// What the books say.
    pub books: Decimal,
    /// What the venue says.
    pub venue: Decimal,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Orders in the venue's book that this run does not know.
    pub unknown_orders: Vec<OrderReport>,
    /// What is not as the books say.
    pub differences: Vec<Difference>,
}

/// Why there is no comparison.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoComparison {
    /// The venue did not answer.
    #[error("the venue did not tell its {what}: {error}")]
    Unanswered {
        /// What it was asked for.
        what: &'static str,
        /// What it said instead.
        error: AdapterError,
    },
    /// It did not tell all.
    #[error("the venue told only some of its {what}")]
    Incomplete {
        /// What it was asked for.
        what: &'static str,
    },
}

/// Takes in what the venue tells of orders and fills, and compares the rest.
pub fn reconcile(desk: &mut Desk) -> Result<Result<Findings, NoComparison>, SessionError> {
    if let Some(error) = desk.look(Thoroughness::Book)? {
        let what = "fills and orders";
        return Ok(Err(NoComparison::Unanswered { what, error }));
    }
    let book = match desk.venue().open_orders() {
        Ok(book) if book.complete => book.orders,
        Ok(_) => {
            return Ok(Err(NoComparison::Incomplete {
                what: "open orders",
            }));
        }
        Err(error) => {
            let what = "open orders";
            return Ok(Err(NoComparison::Unanswered { what, error }));
        }
    };
    let mut findings = Findings::default();
    for report in book {
        let known = desk.books().core().order(&report.client_order_id);
        let is_open = known.map(|order| !order.state.is_final());
        if is_open != Some(true) {
            desk.on_record(&Record::Order(Cow::Borrowed(&report)))?;
        }
        if is_open.is_none() {
            findings.unknown_orders.push(report);
        }
    }
    // With an order in doubt or a fill still to come, the two need not agree yet.
    if desk.is_settled() {
        match differences(desk.books().core(), desk.venue()) {
            Ok(differences) => findings.differences = differences,
            Err(none) => return Ok(Err(none)),
        }
    }
    Ok(Ok(findings))
}

fn differences(core: &Core, venue: &dyn Venue) -> Result<Vec<Difference>, NoComparison> {
    let balances = ask("balances", venue.balances())?;
    let positions = ask("positions", venue.positions())?;
    let portfolio = core.portfolio();
    let mut expected = vec![(portfolio.currency().to_owned(), portfolio.cash())];
    for holding in portfolio.holdings() {
        expected.push((core.base_of(&holding.instrument), holding.quantity));
    }
    let mut found: Vec<_> = expected
        .into_iter()
        .filter_map(|(currency, books)| {
            let venue = balance_of(&balances, &currency);
            differ(currency, books, venue)
        })
        .collect();
    for Position {
        instrument,
        quantity,
        ..
    } in positions
    {
        let books = portfolio.position(&instrument);
        found.extend(differ(instrument, books, quantity));
    }
    Ok(found)
}

fn differ(what: String, books: Decimal, venue: Decimal) -> Option<Difference> {
    (books != venue).then_some(Difference { what, books, venue })
}

fn balance_of(balances: &[Balance], currency: &str) -> Decimal {
    let own = balances.iter().filter(|b| b.currency == currency);
    own.map(|balance| balance.total).sum()
}

fn ask<T>(what: &'static str, answer: Answer<T>) -> Result<T, NoComparison> {
    answer.map_err(|error| NoComparison::Unanswered { what, error })
}
