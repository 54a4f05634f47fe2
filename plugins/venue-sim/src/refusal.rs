//! The refusals of the venue: every one is definitive, and has a code and a text.

use investbot_plugin_api::{AdapterError, Decimal, ErrorKind, OrderType, TimeInForce, UnixNanos};

use crate::ledger::LedgerError;

/// Why the venue did not do what it was asked. The order is not in the book.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The instrument is not traded here.
    #[error("instrument `{instrument}` is not traded here; traded are: {traded}")]
    UnknownInstrument {
        /// What was asked for.
        instrument: String,
        /// What there is.
        traded: String,
    },
    /// The order that was named is not known.
    #[error("no order has the client order id `{client_order_id}`")]
    UnknownOrder {
        /// The name.
        client_order_id: String,
    },
    /// A price that the order type needs is missing, or one that it does not know is given.
    #[error("a {order_type} order {problem}")]
    PriceFields {
        /// The type.
        order_type: OrderType,
        /// What is wrong.
        problem: &'static str,
    },
    /// A price between two ticks.
    #[error("{field} {price} is not a multiple of the tick size {tick_size}")]
    PriceTick {
        /// Which price.
        field: &'static str,
        /// The price.
        price: Decimal,
        /// The tick.
        tick_size: Decimal,
    },
    /// A price that is no price.
    #[error("{field} {price} is not above 0 and at most {largest}")]
    PriceRange {
        /// Which price.
        field: &'static str,
        /// The price.
        price: Decimal,
        /// The limit.
        largest: Decimal,
    },
    /// A quantity between two lots.
    #[error("quantity {quantity} is not a multiple of the lot size {lot_size}")]
    LotSize {
        /// The quantity.
        quantity: Decimal,
        /// The lot.
        lot_size: Decimal,
    },
    /// A quantity that is too small or too large.
    #[error("quantity {quantity} is not between {smallest} and {largest}")]
    Quantity {
        /// The quantity.
        quantity: Decimal,
        /// The lower limit.
        smallest: Decimal,
        /// The upper limit.
        largest: Decimal,
    },
    /// Too little money.
    #[error("the order is worth {notional}; the least is {min_notional}")]
    MinNotional {
        /// Price times quantity.
        notional: Decimal,
        /// The least.
        min_notional: Decimal,
    },
    /// A time in force that the type cannot have.
    #[error(
        "a {order_type} order cannot be {time_in_force}: it is not meant to be filled at once; use gtc, gtd or day"
    )]
    TimeInForce {
        /// The type.
        order_type: OrderType,
        /// The time in force.
        time_in_force: TimeInForce,
    },
    /// A GTD order without a moment, or another order with one.
    #[error("expire_time belongs to gtd orders, and to all of them; this order is {time_in_force}")]
    ExpireTime {
        /// The time in force.
        time_in_force: TimeInForce,
    },
    /// It had expired on arrival.
    #[error("expire_time {expire_time} had passed at {now} (nanoseconds UTC)", expire_time = .expire_time.0, now = .now.0)]
    Expired {
        /// The order's end.
        expire_time: UnixNanos,
        /// The venue's time.
        now: UnixNanos,
    },
    /// The request came too late.
    #[error("the order arrived at {now}, after its deadline {deadline} (nanoseconds UTC)", deadline = .deadline.0, now = .now.0)]
    DeadlinePassed {
        /// The order's deadline.
        deadline: UnixNanos,
        /// The venue's time.
        now: UnixNanos,
    },
    /// A post-only order that is no limit order, or would take.
    #[error("post_only: {problem}")]
    PostOnly {
        /// What is wrong.
        problem: &'static str,
    },
    /// A reduce-only order with nothing to reduce.
    #[error("reduce_only: the position is {position}, which this order would not reduce")]
    ReduceOnly {
        /// The position.
        position: Decimal,
    },
    /// The account does not have it.
    #[error("the order needs {needed} {currency}; {available} are available")]
    InsufficientFunds {
        /// How much it takes.
        needed: Decimal,
        /// How much there is.
        available: Decimal,
        /// Of what.
        currency: String,
    },
    /// The id belongs to a different order.
    #[error("client order id `{client_order_id}` belongs to an order with other parameters")]
    DuplicateClientOrderId {
        /// The id.
        client_order_id: String,
    },
    /// The id belongs to the very same order, which is in the book.
    #[error("an order with the client order id `{client_order_id}` is open")]
    AlreadyOpen {
        /// The id.
        client_order_id: String,
    },
    /// The venue could not write its ledger, and so did not take the order up.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Refusal {
    /// The venue's code, stable.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownInstrument { .. } => "UNKNOWN_INSTRUMENT",
            Self::UnknownOrder { .. } => "UNKNOWN_ORDER",
            Self::PriceFields { .. } => "PRICE_FIELDS",
            Self::PriceTick { .. } => "PRICE_TICK",
            Self::PriceRange { .. } => "PRICE_RANGE",
            Self::LotSize { .. } => "LOT_SIZE",
            Self::Quantity { .. } => "QUANTITY_RANGE",
            Self::MinNotional { .. } => "MIN_NOTIONAL",
            Self::TimeInForce { .. } => "TIME_IN_FORCE",
            Self::ExpireTime { .. } => "EXPIRE_TIME",
            Self::Expired { .. } => "EXPIRED",
            Self::DeadlinePassed { .. } => "DEADLINE_PASSED",
            Self::PostOnly { .. } => "POST_ONLY",
            Self::ReduceOnly { .. } => "REDUCE_ONLY",
            Self::InsufficientFunds { .. } => "INSUFFICIENT_FUNDS",
            Self::DuplicateClientOrderId { .. } => "DUPLICATE_CLIENT_ORDER_ID",
            Self::AlreadyOpen { .. } => "ALREADY_OPEN",
            Self::Ledger(_) => "LEDGER",
        }
    }

    const fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownInstrument { .. } => ErrorKind::UnknownInstrument,
            Self::UnknownOrder { .. } => ErrorKind::UnknownOrder,
            Self::DeadlinePassed { .. } => ErrorKind::DeadlinePassed,
            Self::InsufficientFunds { .. } => ErrorKind::InsufficientFunds,
            Self::DuplicateClientOrderId { .. } | Self::AlreadyOpen { .. } => {
                ErrorKind::DuplicateClientOrderId
            }
            Self::Ledger(_) => ErrorKind::Internal,
            _ => ErrorKind::InvalidOrder,
        }
    }
}

impl From<Refusal> for AdapterError {
    fn from(refusal: Refusal) -> Self {
        let (kind, text) = (refusal.kind(), refusal.to_string());
        let error = match refusal {
            // This request was refused, but the order it describes lives: saying "rejected" would be
            // taken for "not in the book". The host has to look.
            Refusal::AlreadyOpen { .. } => Self::unknown(kind, text),
            _ => Self::rejected(kind, text),
        };
        error.with_venue_code(refusal.code())
    }
}
