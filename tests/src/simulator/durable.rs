//! What of an order would survive if the process died and the power failed at this very moment.

use investbot_plugin_api::UnixNanos;

/// The durable records of one order, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Durable {
    /// The last attempt that is recorded; 0 before the first.
    pub attempt: u32,
    /// T of that attempt.
    pub deadline: Option<UnixNanos>,
    /// The last attempt whose absence is recorded; 0 if none is.
    pub absent_through: u32,
    /// Whether an outcome of the order is recorded that ends its sending: accepted, refused, given up, held.
    pub settled: bool,
}

/// Tells what is durable. Asked at the moment of every send, so it should be cheap.
pub trait DurableView: Send + Sync {
    /// What is durable of an order; all zero if nothing is.
    fn of(&self, client_order_id: &str) -> Durable;
}
