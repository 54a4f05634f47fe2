//! What the ledger consists of: one record for every change.

use investbot_plugin_api::{Decimal, Liquidity, NewOrder, OrderStatus, Side, UnixNanos};
use serde::{Deserialize, Serialize};

/// One line of the ledger. Moments are integer nanoseconds, decimals are strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The venue's time of the change.
    pub time: UnixNanos,
    /// The close of the latest bar that the venue had been shown; none before the first.
    pub market_time: Option<UnixNanos>,
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
