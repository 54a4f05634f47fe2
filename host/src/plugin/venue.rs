//! A venue, as the worker sees it: typed calls, each of which may fail with an [`AdapterError`].

use investbot_plugin_api::{
    AdapterError, AmendOrder, Balance, BarBatch, CancelOrder, FillsPage, Health, Instrument,
    NewOrder, OpenOrders, OrderRef, OrderReport, Position, VenueEvent,
};

/// What an answer of a venue is.
pub type Answer<T> = Result<T, AdapterError>;

/// A venue. Calls block, and may be made from several threads at once.
///
/// An implementation never turns its own failure into a definite answer: a panic, a hang, a crash or
/// bytes that cannot be decoded are [`Effect::Unknown`](investbot_plugin_api::Effect) in a write.
pub trait Venue: Send + Sync {
    /// Sends one order.
    fn place(&self, order: &NewOrder) -> Answer<OrderReport>;
    /// Cancels one order.
    fn cancel(&self, cancel: &CancelOrder) -> Answer<OrderReport>;
    /// Changes one order.
    fn amend(&self, amend: &AmendOrder) -> Answer<OrderReport>;
    /// Looks one order up.
    fn order(&self, order: &OrderRef) -> Answer<Option<OrderReport>>;
    /// All open orders.
    fn open_orders(&self) -> Answer<OpenOrders>;
    /// Fills after a cursor.
    fn fills_since(&self, cursor: Option<&str>) -> Answer<FillsPage>;
    /// The instruments.
    fn instruments(&self) -> Answer<Vec<Instrument>>;
    /// The balances.
    fn balances(&self) -> Answer<Vec<Balance>>;
    /// The positions.
    fn positions(&self) -> Answer<Vec<Position>>;
    /// How the adapter is.
    fn health(&self) -> Answer<Health>;
    /// Shows bars to a simulated venue.
    fn on_bars(&self, bars: &BarBatch) -> Answer<()>;
    /// Ends the session.
    fn shutdown(&self) -> Answer<()>;
    /// Moves what the venue told unasked since the last call into `events`, in order.
    fn drain_events(&self, events: &mut Vec<VenueEvent>);
    /// How many events never came through since the start. A worker that sees it grow asks
    /// [`fills_since`](Self::fills_since) and looks up its open orders.
    fn events_lost(&self) -> u64 {
        0
    }
    /// Why the venue's adapter is not called any more, if it is not: every call fails, and none is made.
    fn quarantine(&self) -> Option<String> {
        None
    }
}
