//! Commands about orders: host to adapter.
//!
//! Commands grow only by fields that an adapter has to declare in its manifest before the host will
//! send them, and an adapter refuses a command with a field it does not know ([`strict_fields`]).
//!
//! [`strict_fields`]: crate::op::Operation::strict_fields

use minicbor::{Decode, Encode};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::adapter::Answer;
use crate::codec;
use crate::error::{AdapterError, ErrorKind};
use crate::time::UnixNanos;
use crate::wire::wire_enum;

wire_enum! {
    /// Which side of the market an order is on.
    pub enum Side {
        /// Buys base for quote.
        Buy = 0 "buy",
        /// Sells base for quote.
        Sell = 1 "sell",
    }
}

impl Side {
    /// +1 for a buy, -1 for a sell.
    #[must_use]
    pub fn sign(self) -> Decimal {
        match self {
            Self::Buy => Decimal::ONE,
            Self::Sell => Decimal::NEGATIVE_ONE,
        }
    }
}

wire_enum! {
    /// How an order finds its price.
    pub enum OrderType {
        /// At the best price there is.
        Market = 0 "market",
        /// At `limit_price` or better.
        Limit = 1 "limit",
        /// Becomes a market order once the market trades at `stop_price` or beyond.
        Stop = 2 "stop",
        /// Becomes a limit order once the market trades at `stop_price` or beyond.
        StopLimit = 3 "stop_limit",
    }
}

impl OrderType {
    /// Whether this type needs a `limit_price`.
    #[must_use]
    pub const fn has_limit_price(self) -> bool {
        matches!(self, Self::Limit | Self::StopLimit)
    }

    /// Whether this type needs a `stop_price`.
    #[must_use]
    pub const fn has_stop_price(self) -> bool {
        matches!(self, Self::Stop | Self::StopLimit)
    }
}

wire_enum! {
    /// How long an order stays wanted.
    pub enum TimeInForce {
        /// Until cancelled.
        Gtc = 0 "gtc",
        /// What can be filled at once; the rest is cancelled.
        Ioc = 1 "ioc",
        /// All at once or nothing.
        Fok = 2 "fok",
        /// Until `expire_time`.
        Gtd = 3 "gtd",
        /// Until the end of the trading day.
        Day = 4 "day",
    }
}

/// A new order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct NewOrder {
    /// The host's id for the order, in the charset and length that the manifest declares. Every attempt
    /// at one order carries the same id.
    #[n(0)]
    pub client_order_id: String,
    /// The instrument's symbol.
    #[n(1)]
    pub instrument: String,
    /// Buy or sell.
    #[n(2)]
    pub side: Side,
    /// Market, limit, …; only types that the manifest declares.
    #[n(3)]
    pub order_type: OrderType,
    /// In base units; above 0.
    #[cbor(n(4), with = "codec::decimal")]
    pub quantity: Decimal,
    /// For limit and stop-limit orders.
    #[cbor(n(5), with = "codec::decimal::optional", has_nil)]
    pub limit_price: Option<Decimal>,
    /// For stop and stop-limit orders.
    #[cbor(n(6), with = "codec::decimal::optional", has_nil)]
    pub stop_price: Option<Decimal>,
    /// Only times in force that the manifest declares.
    #[n(7)]
    pub time_in_force: TimeInForce,
    /// For [`TimeInForce::Gtd`].
    #[n(8)]
    pub expire_time: Option<UnixNanos>,
    /// Must not take liquidity. Sent as true only if the manifest's `order_fields` has `post_only`.
    #[n(9)]
    pub post_only: bool,
    /// Must not open or grow a position. Sent as true only if `order_fields` has `reduce_only`.
    #[n(10)]
    pub reduce_only: bool,
    /// The venue must not accept the order after this moment. Sent only if the manifest declares an
    /// enforced deadline.
    #[n(11)]
    pub deadline: Option<UnixNanos>,
}

impl NewOrder {
    /// A market order, good till cancelled; set the other fields on the value.
    pub fn new(
        client_order_id: impl Into<String>,
        instrument: impl Into<String>,
        side: Side,
        quantity: Decimal,
    ) -> Self {
        Self {
            client_order_id: client_order_id.into(),
            instrument: instrument.into(),
            side,
            order_type: OrderType::Market,
            quantity,
            limit_price: None,
            stop_price: None,
            time_in_force: TimeInForce::Gtc,
            expire_time: None,
            post_only: false,
            reduce_only: false,
            deadline: None,
        }
    }

    /// Refuses an order that is none of these types and times in force, whose quantity is not above 0, or
    /// that lacks a price or an expiry that it needs.
    ///
    /// For the beginning of [`place`](crate::Adapter::place), with what the manifest claims. The host sends
    /// nothing else; an order that is something else must not become one of these.
    pub fn check(&self, types: &[OrderType], times: &[TimeInForce]) -> Answer<()> {
        let refused = |text| Err(AdapterError::rejected(ErrorKind::InvalidOrder, text));
        if !types.contains(&self.order_type) {
            return refused(format!("{} orders are not taken", self.order_type));
        }
        if !times.contains(&self.time_in_force) {
            return refused(format!("{} orders are not taken", self.time_in_force));
        }
        if self.quantity <= Decimal::ZERO {
            return refused(format!("quantity {} is not above 0", self.quantity));
        }
        let has = [
            (
                "limit_price",
                self.order_type.has_limit_price(),
                self.limit_price.is_some(),
            ),
            (
                "stop_price",
                self.order_type.has_stop_price(),
                self.stop_price.is_some(),
            ),
            (
                "expire_time",
                self.time_in_force == TimeInForce::Gtd,
                self.expire_time.is_some(),
            ),
        ];
        match has.iter().find(|(_, needed, there)| *needed && !there) {
            Some((field, ..)) => refused(format!("{field} is missing")),
            None => Ok(()),
        }
    }
}

/// Names one order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct OrderRef {
    /// The instrument's symbol.
    #[n(0)]
    pub instrument: String,
    /// The host's id; always there.
    #[n(1)]
    pub client_order_id: String,
    /// The venue's id, where the host knows it.
    #[n(2)]
    pub venue_order_id: Option<String>,
}

impl OrderRef {
    /// An order by its client order id.
    pub fn new(instrument: impl Into<String>, client_order_id: impl Into<String>) -> Self {
        Self {
            instrument: instrument.into(),
            client_order_id: client_order_id.into(),
            venue_order_id: None,
        }
    }
}

/// Asks the venue to take an order out of the book.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct CancelOrder {
    /// The order.
    #[n(0)]
    pub order: OrderRef,
}

impl CancelOrder {
    /// Cancels `order`.
    #[must_use]
    pub const fn new(order: OrderRef) -> Self {
        Self { order }
    }
}

/// Asks the venue to change an open order; a field that is `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct AmendOrder {
    /// The order.
    #[n(0)]
    pub order: OrderRef,
    /// The new total quantity, including what has been filled.
    #[cbor(n(1), with = "codec::decimal::optional", has_nil)]
    pub quantity: Option<Decimal>,
    /// The new limit price.
    #[cbor(n(2), with = "codec::decimal::optional", has_nil)]
    pub limit_price: Option<Decimal>,
}

impl AmendOrder {
    /// An amendment that changes nothing yet.
    #[must_use]
    pub const fn new(order: OrderRef) -> Self {
        Self {
            order,
            quantity: None,
            limit_price: None,
        }
    }
}
