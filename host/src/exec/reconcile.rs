//! Compares the books with what the venue says of the account: open orders, balances, positions.
//!
//! An answer that is missing, cut short or cannot be read is no comparison, and is told as such. What
//! the venue has and the books do not is told, never taken over.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use investbot_plugin_api::{AdapterError, Balance, Decimal, OrderReport, Position, UnixNanos};

use super::desk::Desk;
use super::policy::SendPolicy;
use super::session::SessionError;
use super::signals::StopFlag;
use super::watch::{Thoroughness, Watch};
use crate::clock::Clock as _;
use crate::engine::Core;
use crate::engine::protocol::Asking;
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

impl NoComparison {
    /// How long the venue wants to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unanswered { error, .. } => error.retry_after(),
            Self::Incomplete { .. } => None,
        }
    }
}

/// What is not as it must be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unsound {
    /// The venue could not be asked.
    #[error(
        "the books cannot be compared with the venue: {0}\n  hint: nothing was sent; try again once the venue answers"
    )]
    NoComparison(#[from] NoComparison),
    /// The venue has orders of this run that the journal does not know.
    #[error(
        "the venue has orders of this run that its journal does not know: {}\n  hint: the end of the journal \
         is lost, or another process uses the same run id; restore the journal from a copy of this run directory. \
         Without one, cancel what is open of these orders at the venue, and begin a new run", .0.join(", ")
    )]
    Lost(Vec<String>),
    /// The account is not as the books say.
    #[error(
        "the account is not as the books say{}\n  hint: if something else trades on the account, set \
         reconcile.on_difference = \"warn\"; otherwise find out what happened first", listed(.0)
    )]
    Differences(Vec<Difference>),
}

fn listed(differences: &[Difference]) -> String {
    let lines = differences.iter().map(|found| format!("\n  {found}"));
    lines.collect()
}

/// Compares the books with the venue, at the start and now and then.
#[derive(Clone, Copy, Debug)]
pub struct Reconciler {
    /// How often; `None` for never again.
    interval: Option<Duration>,
    /// Whether a difference stops the run.
    strict: bool,
    next: Option<UnixNanos>,
}

impl Reconciler {
    /// Compares every `interval`. A difference is told, and stops the run if it is `strict`.
    #[must_use]
    pub const fn new(interval: Option<Duration>, strict: bool) -> Self {
        Self {
            interval,
            strict,
            next: None,
        }
    }

    /// Looks for orders of this run that the journal does not know, before anything is sent: a journal that lost
    /// whole lines at its end looks like one that ended there.
    pub fn before_sending(desk: &mut Desk, stop: &StopFlag) -> Result<(), StartError> {
        let lost = persist(desk, stop, |desk| Ok(unrecorded(desk)))?;
        if lost.is_empty() {
            Ok(())
        } else {
            Err(Unsound::Lost(lost).into())
        }
    }

    /// Compares before the run goes on.
    pub fn at_start(&self, desk: &mut Desk, stop: &StopFlag) -> Result<(), StartError> {
        let findings = persist(desk, stop, look)?;
        Ok(self.judge(desk.books().core(), findings)?)
    }

    /// Compares while the run goes on, if it is time. What is not as it must be halts the run.
    pub fn if_due(&mut self, desk: &mut Desk) -> Result<(), SessionError> {
        let Some(interval) = self.interval else {
            return Ok(());
        };
        let now = desk.now();
        let next = *self.next.get_or_insert(now.after(interval));
        if now < next {
            return Ok(());
        }
        self.next = Some(now.after(interval));
        match look(desk)? {
            Err(none) => tracing::warn!(%none, "the books were not compared with the venue"),
            Ok(findings) => {
                if let Err(unsound) = self.judge(desk.books().core(), findings) {
                    let reason = unsound.to_string();
                    desk.on_record(&Record::Halt(Cow::Owned(reason)))?;
                }
            }
        }
        Ok(())
    }

    fn judge(&self, core: &Core, findings: Findings) -> Result<(), Unsound> {
        let (ours, others): (Vec<_>, Vec<_>) = findings
            .unknown_orders
            .into_iter()
            .partition(|order| core.is_ours(&order.client_order_id));
        for order in others {
            tracing::warn!(
                client_order_id = order.client_order_id,
                venue_order_id = order.venue_order_id,
                instrument = order.instrument,
                "the venue has an open order that is not of this run; it is left alone"
            );
        }
        if !ours.is_empty() {
            let ids = ours.into_iter().map(|order| order.client_order_id);
            return Err(Unsound::Lost(ids.collect()));
        }
        if findings.differences.is_empty() {
            return Ok(());
        }
        if self.strict {
            return Err(Unsound::Differences(findings.differences));
        }
        for found in findings.differences {
            tracing::warn!(%found, "the account is not as the books say");
        }
        Ok(())
    }
}

/// Why a run does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The books and the venue are not at one.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// What was found out could not be kept.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// What the venue answers, or did not answer; or why the run cannot go on.
type Answered<T> = Result<Result<T, NoComparison>, SessionError>;

/// Asks until there is an answer, for a while.
fn persist<T>(
    desk: &mut Desk,
    stop: &StopFlag,
    mut ask: impl FnMut(&mut Desk) -> Answered<T>,
) -> Result<T, StartError> {
    let mut tries = 1;
    loop {
        let none = match ask(desk)? {
            Ok(answer) => return Ok(answer),
            Err(none) => none,
        };
        if tries >= SendPolicy::MAX_QUERIES || stop.is_raised() {
            return Err(Unsound::NoComparison(none).into());
        }
        // A venue that says when it will answer is right.
        let wait = none.retry_after().unwrap_or_else(|| {
            let backoff = desk.worker_mut().policy().backoff();
            backoff.delay("reconcile", tries)
        });
        desk.clock().sleep(wait, &|| stop.is_raised());
        tries += 1;
    }
}

/// The orders of this run that are open at the venue, or were filled since the journal's cursor, and that the
/// journal does not know.
fn unrecorded(desk: &Desk) -> Result<Vec<String>, NoComparison> {
    let (venue, books) = (desk.venue(), desk.books());
    let open = open_orders(desk)?.into_iter();
    let cursor = books.progress().cursor;
    let filled = ask("fills", Watch::read_since(venue, cursor))?.into_iter();
    let ids = open
        .map(|order| order.client_order_id)
        .chain(filled.map(|fill| fill.client_order_id));
    let core = books.core();
    let unrecorded = ids.filter(|id| core.is_ours(id) && core.order(id).is_none());
    Ok(unrecorded.collect::<BTreeSet<_>>().into_iter().collect())
}

/// All open orders; none of a venue that claims no query: its book cannot be compared, its fills and balances can.
fn open_orders(desk: &Desk) -> Result<Vec<OrderReport>, NoComparison> {
    if desk.worker().policy().asking() == Asking::Nothing {
        return Ok(Vec::new());
    }
    let what = "open orders";
    let book = ask(what, desk.venue().open_orders())?;
    if book.complete {
        Ok(book.orders)
    } else {
        Err(NoComparison::Incomplete { what })
    }
}

/// Takes in what the venue tells of orders and fills, and compares the rest.
fn look(desk: &mut Desk) -> Answered<Findings> {
    if let Some(error) = desk.look(Thoroughness::Book)? {
        let what = "fills and orders";
        return Ok(Err(NoComparison::Unanswered { what, error }));
    }
    let book = match open_orders(desk) {
        Ok(book) => book,
        Err(none) => return Ok(Err(none)),
    };
    let mut findings = Findings::default();
    for report in book {
        let known = desk.books().core().order(&report.client_order_id);
        match known.map(|order| order.state.is_final()) {
            None => findings.unknown_orders.push(report),
            Some(false) => {}
            // An order that is over for us and open at the venue: the core says what that means.
            Some(true) => desk.on_record(&Record::Order(Cow::Borrowed(&report)))?,
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
