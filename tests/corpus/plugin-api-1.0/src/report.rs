//! Reports about orders and accounts: adapter to host.

use minicbor::{Decode, Encode};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::order::{NewOrder, Side};
use crate::time::UnixNanos;
use crate::wire::wire_enum;

wire_enum! {
    /// What the venue says about an order.
    pub enum OrderStatus {
        /// In the book (or waiting for its stop price), nothing filled.
        Open = 0 "open",
        /// In the book, partly filled.
        PartiallyFilled = 1 "partially_filled",
        /// Filled whole.
        Filled = 2 "filled",
        /// Taken out by a cancel, by IOC or by the venue; perhaps partly filled before.
        Cancelled = 3 "cancelled",
        /// Its time in force ended; perhaps partly filled before.
        Expired = 4 "expired",
        /// Refused before it reached the book.
        Rejected = 5 "rejected",
    } else
    /// A status that a newer adapter knows and this host does not. Treated as not final.
    Unrecognized
}

impl OrderStatus {
    /// Whether the venue will never change the order again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Filled | Self::Cancelled | Self::Expired | Self::Rejected
        )
    }
}

wire_enum! {
    /// Whether a fill took or gave liquidity.
    pub enum Liquidity {
        /// Was in the book first.
        Maker = 0 "maker",
        /// Took from the book.
        Taker = 1 "taker",
    } else
    /// The venue does not say.
    Unrecognized
}

/// What the venue says about one order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct OrderReport {
    /// The host's id. An order that did not come from an API client may have an empty one.
    #[n(0)]
    pub client_order_id: String,
    /// The venue's id.
    #[n(1)]
    pub venue_order_id: String,
    /// The instrument's symbol.
    #[n(2)]
    pub instrument: String,
    /// Buy or sell.
    #[n(3)]
    pub side: Side,
    /// The order's status.
    #[n(4)]
    pub status: OrderStatus,
    /// The order's whole quantity, in base units.
    #[cbor(n(5), with = "codec::decimal")]
    pub quantity: Decimal,
    /// How much of it is filled.
    #[cbor(n(6), with = "codec::decimal")]
    pub filled_quantity: Decimal,
    /// The venue's time of this status.
    #[n(7)]
    pub time: UnixNanos,
    /// Why, for a status that needs a reason.
    #[n(8)]
    pub reason: Option<String>,
    /// Fills that the venue gave along with this report. The host knows a fill by its id: giving one
    /// twice does no harm, and giving none is fine where `fills_since` has them.
    #[n(9)]
    pub fills: Vec<Fill>,
}

impl OrderReport {
    /// A report of an order with nothing filled.
    pub fn new(
        client_order_id: impl Into<String>,
        venue_order_id: impl Into<String>,
        instrument: impl Into<String>,
        side: Side,
        status: OrderStatus,
        quantity: Decimal,
        time: UnixNanos,
    ) -> Self {
        Self {
            client_order_id: client_order_id.into(),
            venue_order_id: venue_order_id.into(),
            instrument: instrument.into(),
            side,
            status,
            quantity,
            filled_quantity: Decimal::ZERO,
            time,
            reason: None,
            fills: Vec::new(),
        }
    }

    /// A report of `order` with nothing filled.
    pub fn of(
        order: &NewOrder,
        venue_order_id: impl Into<String>,
        status: OrderStatus,
        time: UnixNanos,
    ) -> Self {
        Self::new(
            &order.client_order_id,
            venue_order_id,
            &order.instrument,
            order.side,
            status,
            order.quantity,
            time,
        )
    }
}

/// One execution of an order, or of part of one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct Fill {
    /// The venue's id of this execution; never the same for two executions of one instrument.
    #[n(0)]
    pub fill_id: String,
    /// The host's id of the order.
    #[n(1)]
    pub client_order_id: String,
    /// The venue's id of the order.
    #[n(2)]
    pub venue_order_id: String,
    /// The instrument's symbol.
    #[n(3)]
    pub instrument: String,
    /// Buy or sell.
    #[n(4)]
    pub side: Side,
    /// In quote currency per base unit.
    #[cbor(n(5), with = "codec::decimal")]
    pub price: Decimal,
    /// In base units; above 0.
    #[cbor(n(6), with = "codec::decimal")]
    pub quantity: Decimal,
    /// What the venue took for it; negative for a rebate.
    #[cbor(n(7), with = "codec::decimal")]
    pub fee: Decimal,
    /// The currency of the fee.
    #[n(8)]
    pub fee_currency: String,
    /// Maker or taker.
    #[n(9)]
    pub liquidity: Liquidity,
    /// The venue's time of the execution.
    #[n(10)]
    pub time: UnixNanos,
}

impl Fill {
    /// A fill without a fee, of an order that `report` describes.
    pub fn of(
        report: &OrderReport,
        fill_id: impl Into<String>,
        price: Decimal,
        quantity: Decimal,
        time: UnixNanos,
    ) -> Self {
        Self {
            fill_id: fill_id.into(),
            client_order_id: report.client_order_id.clone(),
            venue_order_id: report.venue_order_id.clone(),
            instrument: report.instrument.clone(),
            side: report.side,
            price,
            quantity,
            fee: Decimal::ZERO,
            fee_currency: String::new(),
            liquidity: Liquidity::Unrecognized,
            time,
        }
    }
}

/// Fills after a cursor, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct FillsPage {
    /// The fills.
    #[n(0)]
    pub fills: Vec<Fill>,
    /// Where the next page begins. Opaque to the host, which keeps it across restarts.
    #[n(1)]
    pub cursor: String,
    /// Whether there is more now.
    #[n(2)]
    pub more: bool,
}

impl FillsPage {
    /// A page that ends at `cursor`.
    pub fn new(fills: Vec<Fill>, cursor: impl Into<String>, more: bool) -> Self {
        Self {
            fills,
            cursor: cursor.into(),
            more,
        }
    }
}

/// All open orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct OpenOrders {
    /// The orders.
    #[n(0)]
    pub orders: Vec<OrderReport>,
    /// Whether these are all. An adapter that hit a page limit says false; the host then takes the
    /// answer as no proof of anything.
    #[n(1)]
    pub complete: bool,
}

impl OpenOrders {
    /// All of them.
    #[must_use]
    pub const fn complete(orders: Vec<OrderReport>) -> Self {
        Self {
            orders,
            complete: true,
        }
    }
}

/// What the account holds of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct Balance {
    /// The currency or asset.
    #[n(0)]
    pub currency: String,
    /// Everything, including what open orders have locked.
    #[cbor(n(1), with = "codec::decimal")]
    pub total: Decimal,
    /// What a new order could use.
    #[cbor(n(2), with = "codec::decimal")]
    pub available: Decimal,
}

impl Balance {
    /// A balance.
    pub fn new(currency: impl Into<String>, total: Decimal, available: Decimal) -> Self {
        Self {
            currency: currency.into(),
            total,
            available,
        }
    }
}

/// What the account holds of one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct Position {
    /// The instrument's symbol.
    #[n(0)]
    pub instrument: String,
    /// In base units; negative when short.
    #[cbor(n(1), with = "codec::decimal")]
    pub quantity: Decimal,
    /// Average entry price, where the venue tells it.
    #[cbor(n(2), with = "codec::decimal::optional", has_nil)]
    pub average_price: Option<Decimal>,
}

impl Position {
    /// A position.
    pub fn new(instrument: impl Into<String>, quantity: Decimal) -> Self {
        Self {
            instrument: instrument.into(),
            quantity,
            average_price: None,
        }
    }
}

wire_enum! {
    /// How well the adapter can reach its venue.
    pub enum HealthStatus {
        /// Orders can be sent.
        Ok = 0 "ok",
        /// Orders can be sent, with trouble.
        Degraded = 1 "degraded",
        /// Orders cannot be sent.
        Down = 2 "down",
    } else
    /// A status that a newer adapter knows and this host does not.
    Unrecognized
}

/// How the adapter is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct Health {
    /// The status.
    #[n(0)]
    pub status: HealthStatus,
    /// One line for a person.
    #[n(1)]
    pub message: String,
}

impl Health {
    /// All is well.
    #[must_use]
    pub const fn ok() -> Self {
        Self {
            status: HealthStatus::Ok,
            message: String::new(),
        }
    }

    /// Some other status, with its reason.
    pub fn new(status: HealthStatus, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

/// What a venue tells without being asked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[non_exhaustive]
pub enum VenueEvent {
    /// An order changed.
    #[n(0)]
    Order(#[n(0)] OrderReport),
    /// An order was executed, whole or in part.
    #[n(1)]
    Fill(#[n(0)] Fill),
}
