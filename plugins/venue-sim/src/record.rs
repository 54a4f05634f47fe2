//! What the ledger consists of: one record for every change.
//!
//! The ledger is the venue's own truth, written by the venue alone, as a foreign system would write it. An
//! audit of a run reads it beside the host's files, and believes it where the two differ.
//!
//! # The file
//!
//! `ledger.jsonl`: one JSON object a line, in the order in which things happened. Moments are integer
//! nanoseconds UTC by the venue's clock, decimals are strings, words are in lower case. A line ends with a
//! newline; what follows the last newline was being written when the process died, and never happened.
//! A change is one line, or several in one write of which all but the last say `"more":true`: all that one
//! bar did. A change whose last line is missing never happened either. The venue answers and tells events
//! only after the write, so that whatever anybody was told is in the file. The file is not synced: it
//! survives the process, which is what a foreign system does; that the machine survives is assumed.
//!
//! # The lines
//!
//! Every line has `type`, `time` (when it happened) and `market_time` (of what a bar did: that bar's close;
//! otherwise the close of the latest bar that the venue had been shown, `null` before the first).
//!
//! | type | says | fields |
//! |---|---|---|
//! | `deposit` | the account was given money when it was opened | `currency`, `amount` |
//! | `order` | an order was taken up: from here on it lives at the venue | `order_id` (the venue's), `client_order_id`, `instrument`, `side`, `order_type`, `quantity` and whatever else the order says, `marketable` |
//! | `trigger` | the market reached the order's stop price | `order_id`, `client_order_id` |
//! | `fill` | the order was executed, whole or in part | `order_id`, `client_order_id`, `fill_id`, `instrument`, `side`, `price`, `quantity`, `fee`, `fee_currency`, `liquidity` |
//! | `close` | the order left the book before it was filled whole | `order_id`, `client_order_id`, `status` (`cancelled`, `expired`), `reason` |
//!
//! An order that the venue refused has no line, and neither has a request that repeated an order. So:
//! two `order` lines with one `client_order_id` are two orders of one; an order is filled once its fills
//! add up to its quantity, and open until then unless a `close` came; an order without a line was never
//! at the venue. `fill_id` is unique in the file.

use investbot_plugin_api::{Decimal, Liquidity, NewOrder, OrderStatus, Side, UnixNanos};
use serde::{Deserialize, Serialize};

/// One line of the ledger. Moments are integer nanoseconds, decimals are strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The venue's time of the change.
    pub time: UnixNanos,
    /// Of what a bar did, that bar's close; otherwise the close of the latest bar that the venue had been
    /// shown, none before the first.
    pub market_time: Option<UnixNanos>,
    /// Whether the next line belongs to the same change, so that neither counts without the other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// The change.
    #[serde(flatten)]
    pub entry: Entry,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Entry {
    /// The account was given money.
    Deposit {
        /// Of what.
        currency: String,
        /// How much.
        amount: Decimal,
    },
    /// An order was taken up.
    Order {
        /// The venue's id.
        order_id: String,
        /// Whether its limit price was at the market already.
        marketable: bool,
        /// The order.
        #[serde(flatten)]
        order: NewOrder,
    },
    /// The market reached an order's stop price.
    Trigger(OrderName),
    /// An order was executed, whole or in part.
    Fill {
        /// The order.
        #[serde(flatten)]
        order: OrderName,
        /// The venue's id of the execution.
        fill_id: String,
        /// The instrument's symbol.
        instrument: String,
        /// Buy or sell.
        side: Side,
        /// In quote currency per base unit.
        price: Decimal,
        /// In base units.
        quantity: Decimal,
        /// What the venue took.
        fee: Decimal,
        /// Of what.
        fee_currency: String,
        /// Maker or taker.
        liquidity: Liquidity,
    },
    /// An order left the book before it was filled whole.
    Close {
        /// The order.
        #[serde(flatten)]
        order: OrderName,
        /// Cancelled or expired.
        status: OrderStatus,
        /// Why.
        reason: CloseReason,
    },
}

impl Entry {
    /// The order that a bar did this to; none for what somebody asked for.
    pub(crate) const fn by_bar(&self) -> Option<&OrderName> {
        match self {
            Self::Trigger(order) | Self::Fill { order, .. } => Some(order),
            Self::Close { order, reason, .. } if !matches!(reason, CloseReason::Requested) => {
                Some(order)
            }
            Self::Deposit { .. } | Self::Order { .. } | Self::Close { .. } => None,
        }
    }
}

/// Names an order in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderName {
    /// The venue's id.
    pub order_id: String,
    /// The client's id.
    pub client_order_id: String,
}

/// Why an order left the book before it was filled whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The client asked for it.
    Requested,
    /// Its time in force is over.
    TimeOver,
    /// IOC: the rest could not be filled at once.
    ImmediateOrCancel,
    /// FOK: it could not be filled whole at once.
    FillOrKill,
    /// The account could not pay the price it would have got.
    InsufficientFunds,
    /// Reduce-only: there is no position left to reduce.
    NothingToReduce,
    /// The price times the quantity is beyond what a decimal can hold.
    TooLarge,
}

impl CloseReason {
    /// The status that an order closed for this reason has.
    #[must_use]
    pub const fn status(self) -> OrderStatus {
        match self {
            Self::TimeOver => OrderStatus::Expired,
            _ => OrderStatus::Cancelled,
        }
    }

    /// One line for a person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Requested => "cancelled on request",
            Self::TimeOver => "its time in force is over",
            Self::ImmediateOrCancel => "IOC: the rest could not be filled at once",
            Self::FillOrKill => "FOK: it could not be filled whole at once",
            Self::InsufficientFunds => "the account could not pay for it at the price of the fill",
            Self::NothingToReduce => "reduce-only: there is no position left to reduce",
            Self::TooLarge => "price times quantity is too large to be represented",
        }
    }
}
