//! How a venue comes to be: from its settings, and from what its ledger has.

use std::path::Path;

use investbot_plugin_api::{AdapterError, ErrorKind, Instrument, UnixNanos};

use super::SimVenue;
use crate::books::Books;
use crate::ledger::{Ledger, LedgerError};
use crate::record::Entry;
use crate::settings::{ClientIds, Settings, SettingsError};

/// Why a venue cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A setting that makes no market.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A symbol that names no pair.
    #[error(
        "`{symbol}` cannot be traded: it has to be BASE/QUOTE with two different currencies, or BASE alone for BASE/USD"
    )]
    Symbol {
        /// The symbol.
        symbol: String,
    },
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<OpenError> for AdapterError {
    fn from(error: OpenError) -> Self {
        Self::not_sent(ErrorKind::Config, error.to_string())
    }
}

impl SimVenue {
    /// Opens the venue for `symbols`. With a directory it keeps its ledger there, and goes on where the
    /// ledger ends.
    pub fn open(
        settings: Settings,
        client_ids: ClientIds,
        symbols: &[String],
        dir: Option<&Path>,
        now: UnixNanos,
    ) -> Result<Self, OpenError> {
        settings.check()?;
        let mut books = Books::new(&settings, symbols);
        for Instrument {
            symbol,
            base,
            quote,
            ..
        } in books.listings.iter().map(|l| &l.instrument)
        {
            if base == quote || base.is_empty() || quote.is_empty() {
                let symbol = symbol.clone();
                return Err(OpenError::Symbol { symbol });
            }
        }
        let ledger = Ledger::open(dir, |record| {
            books.apply(record).map_err(|misfit| misfit.to_string())
        })?;
        let mut venue = Self {
            settings,
            client_ids,
            books,
            ledger,
        };
        venue.deposit(now)?;
        Ok(venue)
    }

    /// Gives the account the starting amount of every currency that it has not been given yet.
    fn deposit(&mut self, now: UnixNanos) -> Result<(), LedgerError> {
        let quotes = |i: &Instrument| i.quote.clone();
        let bases = |i: &Instrument| i.base.clone();
        let instruments = self.instruments();
        let amounts = (instruments.iter().map(quotes))
            .map(|currency| (currency, self.settings.starting_cash))
            .chain(
                (instruments.iter().map(bases))
                    .map(|currency| (currency, self.settings.starting_base)),
            )
            .collect::<Vec<_>>();
        for (currency, amount) in amounts {
            if !self.books.account.knows(&currency) {
                self.record(now, Entry::Deposit { currency, amount })?;
            }
        }
        Ok(())
    }
}
