//! The orders of a run: each one's state, what of it is filled, and what they add up to.
//!
//! Every change goes through [`Orders::update`], which keeps the totals (exposure by instrument, orders
//! by state) in step, so that a risk check costs the same with one open order as with a thousand. An
//! order that is settled (final, all its fills known, nothing contradictory) leaves for a ring of recent
//! ones, where late duplicates are still recognised, and is forgotten when the ring is full: memory does
//! not grow with the run.

mod order;
mod state;
mod transition;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use investbot_plugin_api::{Decimal, Side};

use super::arithmetic::{Checked, add, sub};
use super::event::OrderState;
pub use order::{Applied, Order};
pub(super) use state::OrdersRecord;
pub use transition::{Filled, Impossible, OrderEvent, next};

/// How many settled orders are remembered.
const RECENT: usize = 4096;

/// What the orders of one instrument add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// What may still be bought.
    pub buying: Decimal,
    /// What may still be sold.
    pub selling: Decimal,
    /// Orders that are not settled.
    pub unsettled: u64,
    /// Orders that keep the instrument from taking new ones.
    pub blocking: u64,
}

/// All orders that are remembered.
#[derive(Debug, Default)]
pub struct Orders {
    /// Boxed, so that the map itself stays small enough for a cache.
    all: HashMap<String, Box<Order>>,
    /// Unsettled orders by number, for iteration in a fixed order.
    unsettled: BTreeMap<u64, String>,
    by_venue_id: HashMap<String, Vec<String>>,
    recent: VecDeque<String>,
    exposure: HashMap<String, Exposure>,
    by_state: BTreeMap<OrderState, u64>,
    count: u64,
}

impl Orders {
    /// Adds a new order; false if its client order id is taken.
    pub fn insert(&mut self, mut order: Order) -> Checked<bool> {
        if self.all.contains_key(&order.client_order_id) {
            return Ok(false);
        }
        self.count += 1;
        order.number = self.count;
        *self.by_state.entry(order.state).or_default() += 1;
        let counted = self.totals().recount(&mut order);
        self.all
            .insert(order.client_order_id.clone(), Box::new(order));
        counted.map(|()| true)
    }

    /// Counts an order that was refused by our own checks; there is nothing to remember of it.
    pub fn count_denied(&mut self) {
        *self.by_state.entry(OrderState::Denied).or_default() += 1;
    }

    /// An order.
    #[must_use]
    pub fn get(&self, client_order_id: &str) -> Option<&Order> {
        self.all.get(client_order_id).map(Box::as_ref)
    }

    /// The order that a fill or report is about: by client order id, else by the venue's, the oldest first.
    #[must_use]
    pub fn find(
        &self,
        client_order_id: &str,
        venue_order_id: &str,
        instrument: &str,
    ) -> Option<&Order> {
        if !client_order_id.is_empty() {
            return self.get(client_order_id);
        }
        let candidates = self.by_venue_id.get(venue_order_id)?;
        candidates
            .iter()
            .filter_map(|id| self.get(id))
            .filter(|order| order.spec.instrument == instrument)
            .min_by_key(|order| order.number)
    }

    /// Changes an order and keeps the totals in step; `None` if there is no such order.
    pub fn update<R>(
        &mut self,
        client_order_id: &str,
        change: impl FnOnce(&mut Order) -> Checked<R>,
    ) -> Checked<Option<R>> {
        let Self {
            all,
            unsettled,
            by_venue_id,
            recent,
            exposure,
            by_state,
            ..
        } = self;
        let Some(order) = all.get_mut(client_order_id) else {
            return Ok(None);
        };
        let (state, had_venue_id) = (order.state, order.venue_order_id.is_some());
        let result = change(order);
        // Whatever became of the change, the totals follow the order.
        if order.state != state {
            *by_state.entry(state).or_default() -= 1;
            *by_state.entry(order.state).or_default() += 1;
        }
        if let (false, Some(venue_id)) = (had_venue_id, &order.venue_order_id) {
            let ids = by_venue_id.entry(venue_id.clone()).or_default();
            ids.push(client_order_id.to_owned());
        }
        let mut totals = Totals {
            unsettled,
            recent,
            exposure,
        };
        totals.recount(order)?;
        self.forget_oldest();
        result.map(Some)
    }

    /// What the orders of an instrument add up to.
    #[must_use]
    pub fn exposure(&self, instrument: &str) -> Exposure {
        self.exposure.get(instrument).copied().unwrap_or_default()
    }

    /// Whether an order of an instrument is not settled.
    #[inline]
    #[must_use]
    pub fn has_unsettled(&self, instrument: &str) -> bool {
        !self.unsettled.is_empty() && self.exposure(instrument).unsettled > 0
    }

    /// The orders that are not settled, oldest first.
    pub fn unsettled(&self) -> impl Iterator<Item = &Order> {
        self.unsettled.values().filter_map(|id| self.get(id))
    }

    /// How many orders are in each state.
    #[must_use]
    pub const fn by_state(&self) -> &BTreeMap<OrderState, u64> {
        &self.by_state
    }

    const fn totals(&mut self) -> Totals<'_> {
        Totals {
            unsettled: &mut self.unsettled,
            recent: &mut self.recent,
            exposure: &mut self.exposure,
        }
    }

    /// Keeps the ring within its size.
    fn forget_oldest(&mut self) {
        while self.recent.len() > RECENT {
            let Some(id) = self.recent.pop_front() else {
                return;
            };
            let Some(mut order) = self.all.remove(&id) else {
                continue;
            };
            if order.counted.unsettled {
                // It came back from the ring and has a later turn.
                order.recent = false;
                self.all.insert(id, order);
                continue;
            }
            if let Some(venue_id) = order.venue_order_id.take()
                && let Entry::Occupied(mut ids) = self.by_venue_id.entry(venue_id)
            {
                ids.get_mut().retain(|other| *other != id);
                if ids.get().is_empty() {
                    ids.remove();
                }
            }
        }
    }
}

/// What is kept in step with every order.
struct Totals<'a> {
    unsettled: &'a mut BTreeMap<u64, String>,
    recent: &'a mut VecDeque<String>,
    exposure: &'a mut HashMap<String, Exposure>,
}

impl Totals<'_> {
    /// Brings the totals in step with an order, and moves it to the ring if it is settled.
    fn recount(&mut self, order: &mut Order) -> Checked<()> {
        let share = order.share();
        let before = std::mem::replace(&mut order.counted, share);
        if share == before {
            return Ok(());
        }
        match (before.unsettled, share.unsettled) {
            (false, true) => {
                let id = order.client_order_id.clone();
                self.unsettled.insert(order.number, id);
            }
            (true, false) => {
                let id = self.unsettled.remove(&order.number);
                if !std::mem::replace(&mut order.recent, true) {
                    self.recent.extend(id);
                }
            }
            _ => {}
        }

        let instrument = &order.spec.instrument;
        let exposure = match self.exposure.get_mut(instrument) {
            Some(exposure) => exposure,
            None => self.exposure.entry(instrument.clone()).or_default(),
        };
        let total = match order.spec.side {
            Side::Buy => &mut exposure.buying,
            _ => &mut exposure.selling,
        };
        exposure.unsettled += u64::from(share.unsettled);
        exposure.unsettled -= u64::from(before.unsettled);
        exposure.blocking += u64::from(share.blocking);
        exposure.blocking -= u64::from(before.blocking);
        let Ok(changed) = sub(*total, before.outstanding).and_then(|t| add(t, share.outstanding))
        else {
            order.counted.outstanding = before.outstanding;
            return add(*total, share.outstanding).map(drop);
        };
        *total = changed;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
