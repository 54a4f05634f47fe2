//! An order as the venue keeps it.

use std::sync::Arc;

use investbot_plugin_api::{
    Decimal, NewOrder, OrderStatus, OrderType, Side, TimeInForce, UnixNanos,
};

use crate::account::Lock;
use crate::record::CloseReason;

/// What was ordered: everything that makes two orders the same order. The deadline does not: it belongs
/// to the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    /// Index of the instrument.
    pub(crate) instrument: usize,
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    pub(crate) quantity: Decimal,
    pub(crate) limit_price: Option<Decimal>,
    pub(crate) stop_price: Option<Decimal>,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) expire_time: Option<UnixNanos>,
    pub(crate) post_only: bool,
    pub(crate) reduce_only: bool,
}

impl Spec {
    pub(crate) fn new(instrument: usize, order: &NewOrder) -> Self {
        Self {
            instrument,
            side: order.side,
            order_type: order.order_type,
            quantity: order.quantity,
            limit_price: order.limit_price,
            stop_price: order.stop_price,
            time_in_force: order.time_in_force,
            expire_time: order.expire_time,
            post_only: order.post_only,
            reduce_only: order.reduce_only,
        }
    }
}

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Working {
    /// For an open.
    Market,
    /// For its limit price.
    Limit(Decimal),
    /// For its stop price, to become a market order.
    Stop(Decimal),
    /// For its stop price, to become a limit order.
    StopLimit { stop: Decimal, limit: Decimal },
}

/// One order, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) client_order_id: Arc<str>,
    /// The order before this one that had the same client order id.
    pub(crate) earlier: Option<usize>,
    /// Which order with this client order id it is, from 1.
    pub(crate) generation: u32,
    pub(crate) spec: Spec,
    /// Whether its limit price was at the market when it was accepted.
    pub(crate) marketable: bool,
    pub(crate) accepted: UnixNanos,
    /// Bars that open before this are none of its business; `None` if no bar had been shown.
    pub(crate) after: Option<UnixNanos>,
    /// When its time in force ends.
    pub(crate) expires: Option<UnixNanos>,
    pub(crate) triggered: bool,
    pub(crate) filled: Decimal,
    /// How many fills it had.
    pub(crate) fills: u32,
    pub(crate) locked: Lock,
    pub(crate) closed: Option<CloseReason>,
    pub(crate) changed: UnixNanos,
}

impl Order {
    pub(crate) fn remaining(&self) -> Decimal {
        self.spec.quantity - self.filled
    }

    pub(crate) fn status(&self) -> OrderStatus {
        match self.closed {
            Some(reason) => reason.status(),
            None if self.remaining().is_zero() => OrderStatus::Filled,
            None if self.filled.is_zero() => OrderStatus::Open,
            None => OrderStatus::PartiallyFilled,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.status().is_final()
    }

    pub(crate) fn working(&self) -> Working {
        let spec = &self.spec;
        match (spec.stop_price, spec.limit_price) {
            (Some(stop), None) if !self.triggered => Working::Stop(stop),
            (Some(stop), Some(limit)) if !self.triggered => Working::StopLimit { stop, limit },
            (_, Some(limit)) => Working::Limit(limit),
            (_, None) => Working::Market,
        }
    }

    /// Whether it is to be filled at the first open or not at all.
    pub(crate) fn is_immediate(&self) -> bool {
        matches!(self.spec.time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
    }

    /// Whether its time is over at `time`.
    pub(crate) fn is_over_at(&self, time: UnixNanos) -> bool {
        self.expires.is_some_and(|expires| expires <= time)
    }

    /// The venue's id, made from the client's and not from the order of arrival, so that it is the same
    /// however the requests of several threads overtake each other.
    pub(crate) fn order_id(&self) -> String {
        venue_order_id(&self.client_order_id, self.generation)
    }

    /// The venue's id of the `nth` execution, from 1.
    pub(crate) fn fill_id(&self, nth: u32) -> String {
        format!("{}.{nth}", self.order_id())
    }
}

/// The venue's id of the `generation`th order of a client order id.
pub(crate) fn venue_order_id(client_order_id: &str, generation: u32) -> String {
    let hash = fnv1a(client_order_id.as_bytes());
    match generation {
        1 => format!("{hash:016x}"),
        n => format!("{hash:016x}-{n}"),
    }
}

/// FNV-1a, 64 bits: fixed for ever, unlike the standard library's hasher.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// When the time in force of an order ends that was accepted at `accepted`.
pub(crate) fn expiry(order: &NewOrder, accepted: UnixNanos) -> Option<UnixNanos> {
    const DAY: i64 = 86_400_000_000_000;
    match order.time_in_force {
        TimeInForce::Gtd => order.expire_time,
        TimeInForce::Day => {
            let day = accepted.0.div_euclid(DAY);
            Some(UnixNanos((day + 1).saturating_mul(DAY)))
        }
        _ => None,
    }
}
