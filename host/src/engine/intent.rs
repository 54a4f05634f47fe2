//! Intents: orders that somebody wants, before risk checks and before they have a client order id.

use investbot_plugin_api::{Decimal, OrderType, Side, TimeInForce, UnixNanos};
use serde::{Deserialize, Serialize};

/// What somebody wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// An order.
    Order {
        /// The caller's own id. Without one the order is known by its place in the stream.
        id: Option<String>,
        /// The order.
        spec: OrderSpec,
    },
    /// An order of the caller's taken back.
    Cancel {
        /// The id it was given.
        id: String,
    },
}

/// The parameters of an order; what its digest is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSpec {
    /// The instrument's symbol.
    pub instrument: String,
    /// Buy or sell.
    pub side: Side,
    /// Market, limit, …
    pub order_type: OrderType,
    /// In base units; above 0.
    pub quantity: Decimal,
    /// For limit and stop-limit orders.
    pub limit_price: Option<Decimal>,
    /// For stop and stop-limit orders.
    pub stop_price: Option<Decimal>,
    /// How long it stays wanted.
    pub time_in_force: TimeInForce,
    /// For good-till-date orders.
    pub expire_time: Option<UnixNanos>,
    /// Must not take liquidity.
    pub post_only: bool,
    /// Must not open or grow a position.
    pub reduce_only: bool,
}

impl OrderSpec {
    /// A market order, good till cancelled.
    pub fn market(instrument: impl Into<String>, side: Side, quantity: Decimal) -> Self {
        Self {
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
        }
    }
}
