//! A venue that fills every order at once and remembers nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use investbot::plugin::{Answer, Venue};
use investbot_plugin_api::{
    AdapterError, AmendOrder, Balance, BarBatch, CancelOrder, Decimal, ErrorKind, Fill, FillsPage,
    Health, Instrument, NewOrder, OpenOrders, OrderRef, OrderReport, OrderStatus, Position,
    UnixNanos, VenueEvent,
};

pub(super) const MANIFEST: &str = "
    plugin = { id = 'filling', version = '1.0.0', requires_api = '1.0', description = 'fills at once' }
    [capabilities]
    order_types = ['market']
    times_in_force = ['gtc']
    max_in_flight = 64
    client_order_id = { charset = 'hex', max_length = 32 }
    dedupe = { kind = 'permanent' }
    deadline = { kind = 'none' }
    query = { kind = 'by_client_id', includes_closed = true, visibility_lag_ms = 0 }";

pub(super) fn rules(symbol: &str) -> Vec<Instrument> {
    vec![Instrument::new(symbol, Decimal::ONE, Decimal::ONE)]
}

#[derive(Default)]
pub(super) struct Filling {
    orders: AtomicU64,
}

impl Venue for Filling {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        let number = self.orders.fetch_add(1, Ordering::Relaxed);
        let mut report = OrderReport::new(
            &order.client_order_id,
            format!("venue-{}", order.client_order_id),
            &order.instrument,
            order.side,
            OrderStatus::Filled,
            order.quantity,
            UnixNanos(number.try_into().unwrap_or(i64::MAX)),
        );
        report.filled_quantity = order.quantity;
        let fill_id = format!("fill-{}", order.client_order_id);
        let fill = Fill::of(
            &report,
            fill_id,
            Decimal::ONE_HUNDRED,
            order.quantity,
            report.time,
        );
        report.fills = vec![fill];
        Ok(report)
    }
    fn order(&self, _: &OrderRef) -> Answer<Option<OrderReport>> {
        Ok(None)
    }
    fn open_orders(&self) -> Answer<OpenOrders> {
        Ok(OpenOrders::complete(Vec::new()))
    }
    fn cancel(&self, _: &CancelOrder) -> Answer<OrderReport> {
        let kind = ErrorKind::UnknownOrder;
        Err(AdapterError::rejected(kind, "no such order"))
    }
    fn amend(&self, _: &AmendOrder) -> Answer<OrderReport> {
        Err(AdapterError::unsupported("amend"))
    }
    fn fills_since(&self, _: Option<&str>) -> Answer<FillsPage> {
        Ok(FillsPage::default())
    }
    fn instruments(&self) -> Answer<Vec<Instrument>> {
        Ok(Vec::new())
    }
    fn balances(&self) -> Answer<Vec<Balance>> {
        Ok(Vec::new())
    }
    fn positions(&self) -> Answer<Vec<Position>> {
        Ok(Vec::new())
    }
    fn health(&self) -> Answer<Health> {
        Ok(Health::ok())
    }
    fn on_bars(&self, _: &BarBatch) -> Answer<()> {
        Ok(())
    }
    fn shutdown(&self) -> Answer<()> {
        Ok(())
    }
    fn drain_events(&self, _: &mut Vec<VenueEvent>) {}
}
