//! The orders of a run: each one's state, what of it is filled, and what they add up to.
//!
//! Every change goes through [`Orders::update`], which keeps the totals (exposure by instrument, orders
//! by state) in step, so that a risk check costs the same with one open order as with a thousand. An
//! order that is settled (final, all its fills known, nothing contradictory) leaves for a ring of recent
//! ones, where late duplicates are still recognised, and is forgotten when the ring is full: memory does
//! not grow with the run.

mod transition;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use investbot_plugin_api::{Decimal, Fill, OrderRef, OrderReport, OrderStatus, Side};

use super::arithmetic::{Checked, add, sub};
use super::event::OrderState;
use super::identity::{Key, SpecDigest};
use super::intent::OrderSpec;
pub use transition::{Impossible, OrderEvent, next};

/// How many settled orders are remembered.
const RECENT: usize = 4096;

/// One order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Counts the orders of the run.
    pub number: u64,
    /// Its idempotency key.
    pub key: Key,
    /// The digest of its parameters.
    pub digest: SpecDigest,
    /// The caller's own id.
    pub id: Option<String>,
    /// The client order id.
    pub client_order_id: String,
    /// The venue's id, once known.
    pub venue_order_id: Option<String>,
    /// What is wanted.
    pub spec: OrderSpec,
    /// The state.
    pub state: OrderState,
    /// The last attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Whether an attempt's fate was reported unknown, and still is.
    pub doubtful: bool,
    /// Whether the venue contradicted itself or us; never taken back.
    pub conflict: bool,
    /// The sum of the known fills.
    pub filled: Decimal,
    /// What the venue's statuses said is filled; may be ahead of the fills.
    pub reported_filled: Decimal,
    fill_ids: HashSet<String>,
    counted: Share,
    recent: bool,
}

/// What one order adds to its instrument's [`Exposure`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    outstanding: Decimal,
    unsettled: bool,
    blocking: bool,
}

/// What an event did to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The state changed.
    Changed,
    /// It was known already.
    Same,
    /// It came too late to change anything.
    Late,
    /// It contradicts what is known; new as a conflict.
    Conflict,
}

impl Order {
    /// A new order, before its first attempt.
    #[must_use]
    pub fn new(
        key: Key,
        digest: SpecDigest,
        id: Option<String>,
        client_order_id: String,
        spec: OrderSpec,
    ) -> Self {
        Self {
            number: 0,
            key,
            digest,
            id,
            client_order_id,
            venue_order_id: None,
            spec,
            state: OrderState::New,
            attempt: 0,
            doubtful: false,
            conflict: false,
            filled: Decimal::ZERO,
            reported_filled: Decimal::ZERO,
            fill_ids: HashSet::new(),
            counted: Share::default(),
            recent: false,
        }
    }

    /// The names of the order.
    #[must_use]
    pub fn reference(&self) -> OrderRef {
        let mut order = OrderRef::new(&self.spec.instrument, &self.client_order_id);
        order.venue_order_id.clone_from(&self.venue_order_id);
        order
    }

    /// The most that is known to be filled.
    #[must_use]
    pub fn known_filled(&self) -> Decimal {
        self.filled.max(self.reported_filled)
    }

    /// Whether the order's instrument should rest until somebody knows more.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.conflict || self.doubtful || self.state == OrderState::Held
    }

    /// Puts the order through `event`. A contradiction makes it held, or flags it if it was final.
    pub fn apply(&mut self, event: OrderEvent) -> Applied {
        let before = self.state;
        let next = next(self.state, event);
        let applied = match next {
            // Once contradictory, a person decides; only what is final by now is believed no less.
            _ if self.conflict && !before.is_final() => Applied::Same,
            Ok(state) if state == before => Applied::Same,
            Ok(state) => {
                self.state = state;
                Applied::Changed
            }
            Err(Impossible::Late) => Applied::Late,
            Err(Impossible::Conflict) if self.conflict => Applied::Same,
            Err(Impossible::Conflict) => {
                self.contradict();
                Applied::Conflict
            }
        };
        self.doubtful = self.state == OrderState::InDoubt
            && (self.doubtful || matches!(event, OrderEvent::Unknown));
        applied
    }

    /// Notes a contradiction.
    pub fn contradict(&mut self) {
        self.conflict = true;
        self.doubtful = false;
        if !self.state.is_final() {
            self.state = OrderState::Held;
        }
    }

    /// Notes a fill; false if it was known.
    pub fn note_fill(&mut self, fill: &Fill) -> Checked<bool> {
        if self.fill_ids.contains(&fill.fill_id) {
            return Ok(false);
        }
        self.filled = add(self.filled, fill.quantity)?;
        self.fill_ids.insert(fill.fill_id.clone());
        Ok(true)
    }

    /// Takes over what a report says besides the status.
    pub fn note_report(&mut self, report: &OrderReport) {
        if self.venue_order_id.is_none() && !report.venue_order_id.is_empty() {
            self.venue_order_id = Some(report.venue_order_id.clone());
        }
        // A venue that says "filled" means the whole of it, whatever it counted.
        let told = if report.status == OrderStatus::Filled {
            report.filled_quantity.max(self.spec.quantity)
        } else {
            report.filled_quantity
        };
        self.reported_filled = self.reported_filled.max(told);
    }

    /// Whether more is filled than was wanted.
    #[must_use]
    pub fn is_overfilled(&self) -> bool {
        self.known_filled() > self.spec.quantity
    }

    /// Whether nothing is expected of the order any more.
    fn is_settled(&self) -> bool {
        self.state.is_final() && !self.conflict && self.filled >= self.reported_filled
    }

    /// How much of it may still be filled, as far as the fills tell.
    fn outstanding(&self) -> Decimal {
        let most = if self.state.is_final() {
            self.reported_filled
        } else {
            self.spec.quantity.max(self.reported_filled)
        };
        // Both are not negative, so their difference fits.
        most.saturating_sub(self.filled).max(Decimal::ZERO)
    }

    fn share(&self) -> Share {
        Share {
            outstanding: self.outstanding(),
            unsettled: !self.is_settled(),
            blocking: self.blocks(),
        }
    }
}

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

    /// The order that a fill or report is about: by client order id, else by the venue's.
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
            .find(|order| order.spec.instrument == instrument)
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
