//! What can be read out of the books.

use investbot_plugin_api::{Fill, OrderRef, OrderReport, Position};

use super::{Books, Misfit};
use crate::order::Order;
use crate::record::{CloseReason, OrderName};

impl Books {
    pub(crate) fn listing(&self, symbol: &str) -> Option<usize> {
        self.listings
            .iter()
            .position(|l| l.instrument.symbol == symbol)
    }

    pub(crate) fn order(&self, index: usize) -> &Order {
        &self.orders[index]
    }

    /// The latest order of a client order id.
    pub(crate) fn latest(&self, client_order_id: &str) -> Option<usize> {
        self.by_client_id.get(client_order_id).copied()
    }

    /// How many orders a client order id has had.
    pub(crate) fn generations(&self, client_order_id: &str) -> u32 {
        self.latest(client_order_id)
            .map_or(0, |index| self.orders[index].generation)
    }

    /// The order that is meant: by the venue's id if it is given, else the latest of the client's.
    pub(crate) fn find(&self, wanted: &OrderRef) -> Option<usize> {
        let latest = self.latest(&wanted.client_order_id)?;
        let index = match &wanted.venue_order_id {
            None => latest,
            Some(id) => self.by_order_id(latest, id)?,
        };
        let symbol = &self.listings[self.orders[index].spec.instrument]
            .instrument
            .symbol;
        (*symbol == wanted.instrument).then_some(index)
    }

    fn by_order_id(&self, latest: usize, order_id: &str) -> Option<usize> {
        std::iter::successors(Some(latest), |index| self.orders[*index].earlier)
            .find(|index| self.orders[*index].order_id() == order_id)
    }

    pub(super) fn open_order(&self, name: &OrderName) -> Result<usize, Misfit> {
        self.latest(&name.client_order_id)
            .and_then(|latest| self.by_order_id(latest, &name.order_id))
            .filter(|index| self.orders[*index].is_open())
            .ok_or_else(|| Misfit::NotOpen(name.order_id.clone()))
    }

    pub(crate) fn name(&self, index: usize) -> OrderName {
        let order = &self.orders[index];
        OrderName {
            order_id: order.order_id(),
            client_order_id: order.client_order_id.to_string(),
        }
    }

    pub(crate) fn report(&self, index: usize) -> OrderReport {
        let order = &self.orders[index];
        let mut report = OrderReport::new(
            &*order.client_order_id,
            order.order_id(),
            &self.listings[order.spec.instrument].instrument.symbol,
            order.spec.side,
            order.status(),
            order.spec.quantity,
            order.changed,
        );
        report.filled_quantity = order.filled;
        report.reason = order.closed.map(CloseReason::text).map(str::to_owned);
        report
    }

    pub(crate) fn open_orders(&self) -> Vec<OrderReport> {
        let mut open: Vec<usize> = self
            .listings
            .iter()
            .flat_map(|listing| listing.open.iter().copied())
            .collect();
        open.sort_unstable();
        open.into_iter().map(|index| self.report(index)).collect()
    }

    pub(crate) fn fill_count(&self) -> usize {
        self.fills.len()
    }

    /// The fill with the given number, from 0.
    pub(crate) fn fill_at(&self, number: usize) -> Fill {
        let row = &self.fills[number];
        let order = &self.orders[row.order];
        let instrument = &self.listings[order.spec.instrument].instrument;
        let mut fill = Fill::of(
            &self.report(row.order),
            order.fill_id(row.nth),
            row.price,
            row.quantity,
            row.time,
        );
        fill.fee = row.fee;
        fill.fee_currency.clone_from(&instrument.quote);
        fill.liquidity = row.liquidity;
        fill
    }

    pub(crate) fn positions(&self) -> Vec<Position> {
        self.listings
            .iter()
            .filter(|l| !l.position.is_zero())
            .map(|l| Position::new(&l.instrument.symbol, l.position.normalize()))
            .collect()
    }
}
