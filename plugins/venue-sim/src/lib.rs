//! The matching engine and ledger that the simulated venues share.
//!
//! A [`SimVenue`] is a venue without a network: it takes orders, fills them against the bars it is
//! shown, and keeps balances, positions and a ledger. It has no clock, no thread and no randomness: the
//! time comes with every call, the caller holds the lock, and what happened comes back as events. What
//! a network does to those calls and events is the business of the adapter around it.
//!
//! Every change is one [`Record`](record::Record). A record is written to the ledger first and applied
//! to the books second, so the books are always what the ledger adds up to, and a venue that is opened
//! on an existing ledger is the venue that wrote it.
//!
//! # How orders are filled
//!
//! An order is matched against bars that opened after everything the venue had been shown when it took
//! the order: nobody trades at a price that was known before. In each bar, first everything that happens
//! at the open, then everything inside, both in the order of acceptance.
//!
//! | order | filled at |
//! |---|---|
//! | market | the open, plus slippage |
//! | limit | the open if it is at the limit or better, else the limit once the bar touches it |
//! | stop | the open if it is at the stop or worse, else the stop once touched, plus slippage |
//! | stop-limit | triggered like a stop; at once if the limit allows that price, else as a limit order |
//!
//! Slippage is against the trader and so is its rounding to the tick. All orders together get at most
//! `volume_share` of a bar's volume; what is left of an order works on in the following bars. IOC and FOK
//! have the open of their first bar. An order with an expiry that falls into a bar has only that bar's
//! open, because nobody can tell what came first inside.
//!
//! A limit order that was at the market when it was accepted pays the taker's fee if an open fills it;
//! otherwise limit orders pay the maker's. Market and stop orders pay the taker's.
//!
//! # Money
//!
//! Open orders lock what they will need as far as it is known: limit buys their notional and fee, sells
//! their base (unless short positions are allowed). A market or stop buy is judged by the price it gets:
//! if the account cannot pay, the order is cancelled and says so. With `allow_short` a sale may exceed
//! the holdings; borrowing costs and margin calls are not simulated.

mod account;
mod books;
mod ledger;
mod matching;
mod order;
mod pricing;
pub mod record;
mod refusal;
mod rules;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;
mod venue;

pub use ledger::{LEDGER_FILE, LedgerError};
pub use refusal::Refusal;
pub use settings::{ClientIds, Settings, SettingsError};
pub use venue::{OpenError, SimVenue};
