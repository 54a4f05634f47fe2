//! The matching engine and ledger that the simulated venues share.
//!
//! A [`SimVenue`] is a venue without a network: it takes orders, fills them against the bars it is
//! shown, and keeps balances, positions and a ledger. It has no clock, no thread and no randomness: the
//! time comes with every call, the caller holds the lock, and what happened comes back as events. What
//! a network does to those calls and events is the business of the adapter around it.
//!
//! Every change is one [`Record`](record::Record), or several for all that a bar did. A change is in the
//! ledger, by one write, before anybody is told of it, so the books are always what the ledger adds up to,
//! and a venue that is opened on an existing ledger is the venue that wrote it. What exactly the ledger
//! says, and to an audit too, is told in [`record`].
//!
//! # When the client was killed and comes back
//!
//! The venue lives in its client's process, so it dies and comes back with it, and it must not show. All
//! that a bar did is in the ledger whole or not at all. A bar that did something is known by that and does
//! nothing when it is shown again; a bar that did nothing is not in the ledger, and does nothing again,
//! because the books are those that it did nothing to. An order that is sent again under its client order
//! id gets the report of the order that it is (where ids are unique for ever). What the ledger does not
//! have is the market's last price, which funds, post-only and the least value of an order are judged by:
//! a client that comes back shows the last bar that it had taken in, or more, before it asks for anything.
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
