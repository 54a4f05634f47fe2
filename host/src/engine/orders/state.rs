//! Orders as they are kept in a checkpoint. Thousands of them are written at a time, so their names are
//! short and what is usual is left out; what follows from the rest is worked out anew.

use std::collections::{BTreeMap, BTreeSet};

use investbot_plugin_api::{Decimal, OrderType, Side, TimeInForce, UnixNanos};
use serde::{Deserialize, Serialize};

use super::{Exposure, Order, Orders};
use crate::engine::event::OrderState;
use crate::engine::identity::{Key, Origin, SourcePlace, SpecDigest};
use crate::engine::intent::OrderSpec;
use crate::engine::text::{self, Text};

/// All orders that are remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::engine) struct OrdersRecord {
    #[serde(with = "text")]
    count: u64,
    by_state: BTreeMap<OrderState, Text<u64>>,
    /// Sums of decimals may be rounded and depend on their order, so they are kept and not added up anew.
    exposure: BTreeMap<String, ExposureRecord>,
    /// Orders that are not settled, oldest first.
    unsettled: Vec<OrderRecord>,
    /// The ring, the first to be forgotten first. An order that came back from being settled is here too.
    recent: Vec<OrderRecord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExposureRecord {
    buying: Decimal,
    selling: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderRecord {
    #[serde(rename = "n", with = "text")]
    number: u64,
    #[serde(rename = "id", default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "at", default, skip_serializing_if = "Option::is_none")]
    position: Option<Text<u64>>,
    #[serde(rename = "ix", default, skip_serializing_if = "Option::is_none")]
    index: Option<Text<u32>>,
    #[serde(rename = "cid")]
    client_order_id: String,
    #[serde(rename = "vid", default, skip_serializing_if = "Option::is_none")]
    venue_order_id: Option<String>,
    #[serde(rename = "sym")]
    instrument: String,
    side: Side,
    #[serde(rename = "type")]
    order_type: OrderType,
    #[serde(rename = "qty")]
    quantity: Decimal,
    #[serde(rename = "lim", default, skip_serializing_if = "Option::is_none")]
    limit_price: Option<Decimal>,
    #[serde(rename = "stop", default, skip_serializing_if = "Option::is_none")]
    stop_price: Option<Decimal>,
    /// Absent: good till cancelled.
    #[serde(rename = "tif", default, skip_serializing_if = "Option::is_none")]
    time_in_force: Option<TimeInForce>,
    #[serde(rename = "exp", default, skip_serializing_if = "Option::is_none")]
    expire_time: Option<Text<i64>>,
    #[serde(rename = "post", default, skip_serializing_if = "is_not")]
    post_only: bool,
    #[serde(rename = "red", default, skip_serializing_if = "is_not")]
    reduce_only: bool,
    #[serde(rename = "st")]
    state: OrderState,
    #[serde(rename = "try", with = "text")]
    attempt: u32,
    #[serde(rename = "doubt", default, skip_serializing_if = "is_not")]
    doubtful: bool,
    #[serde(rename = "clash", default, skip_serializing_if = "is_not")]
    conflict: bool,
    #[serde(rename = "got")]
    filled: Decimal,
    #[serde(rename = "told")]
    reported_filled: Decimal,
    #[serde(rename = "fills", default, skip_serializing_if = "BTreeSet::is_empty")]
    fill_ids: BTreeSet<String>,
    /// What it adds to the exposure, if that is not what it should: the sum did not fit into a decimal.
    #[serde(rename = "adds", default, skip_serializing_if = "Option::is_none")]
    outstanding: Option<Decimal>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_not(flag: &bool) -> bool {
    !*flag
}

impl OrderRecord {
    fn of(order: &Order) -> Self {
        let spec = &order.spec;
        let gtc = spec.time_in_force == TimeInForce::Gtc;
        let index = order.place.map(|place| place.index);
        let adds = order.counted.outstanding;
        Self {
            number: order.number,
            id: order.id.clone(),
            position: order.place.map(|place| Text(place.position)),
            index: index.filter(|index| *index > 0).map(Text),
            client_order_id: order.client_order_id.clone(),
            venue_order_id: order.venue_order_id.clone(),
            instrument: spec.instrument.clone(),
            side: spec.side,
            order_type: spec.order_type,
            quantity: spec.quantity,
            limit_price: spec.limit_price,
            stop_price: spec.stop_price,
            time_in_force: (!gtc).then_some(spec.time_in_force),
            expire_time: spec.expire_time.map(|time| Text(time.0)),
            post_only: spec.post_only,
            reduce_only: spec.reduce_only,
            state: order.state,
            attempt: order.attempt,
            doubtful: order.doubtful,
            conflict: order.conflict,
            filled: order.filled,
            reported_filled: order.reported_filled,
            fill_ids: order.fill_ids.clone(),
            outstanding: (adds != order.share().outstanding).then_some(adds),
        }
    }

    fn into_order(self, origin: &Origin) -> Order {
        let place = self.position.map(|Text(position)| SourcePlace {
            position,
            index: self.index.map_or(0, |Text(index)| index),
        });
        let spec = OrderSpec {
            instrument: self.instrument,
            side: self.side,
            order_type: self.order_type,
            quantity: self.quantity,
            limit_price: self.limit_price,
            stop_price: self.stop_price,
            time_in_force: self.time_in_force.unwrap_or(TimeInForce::Gtc),
            expire_time: self.expire_time.map(|Text(time)| UnixNanos(time)),
            post_only: self.post_only,
            reduce_only: self.reduce_only,
        };
        let key = Key::of(origin, self.id.as_deref(), place.unwrap_or_default());
        let digest = SpecDigest::new(&spec);
        let mut order = Order::new(key, digest, self.id, self.client_order_id, spec);
        order.number = self.number;
        order.place = place;
        order.venue_order_id = self.venue_order_id;
        order.state = self.state;
        order.attempt = self.attempt;
        order.doubtful = self.doubtful;
        order.conflict = self.conflict;
        order.filled = self.filled;
        order.reported_filled = self.reported_filled;
        order.fill_ids = self.fill_ids;
        order.counted = order.share();
        if let Some(outstanding) = self.outstanding {
            order.counted.outstanding = outstanding;
        }
        order
    }
}

impl Orders {
    /// Everything, as it is kept.
    pub(in crate::engine) fn record(&self) -> OrdersRecord {
        let in_ring = |order: &&Order| order.recent;
        OrdersRecord {
            count: self.count,
            by_state: self
                .by_state
                .iter()
                .filter(|(_, count)| **count > 0)
                .map(|(state, count)| (*state, Text(*count)))
                .collect(),
            exposure: self
                .exposure
                .iter()
                .map(|(instrument, exposure)| {
                    let Exposure {
                        buying, selling, ..
                    } = *exposure;
                    (instrument.clone(), ExposureRecord { buying, selling })
                })
                .collect(),
            unsettled: self
                .unsettled()
                .filter(|order| !in_ring(order))
                .map(OrderRecord::of)
                .collect(),
            recent: self
                .recent
                .iter()
                .filter_map(|id| self.get(id))
                .map(OrderRecord::of)
                .collect(),
        }
    }

    /// The orders that were kept; the reason if what was kept cannot be.
    pub(in crate::engine) fn restore(
        record: OrdersRecord,
        origin: &Origin,
    ) -> Result<Self, String> {
        let mut orders = Self {
            count: record.count,
            ..Self::default()
        };
        for (state, Text(count)) in record.by_state {
            orders.by_state.insert(state, count);
        }
        for (instrument, ExposureRecord { buying, selling }) in record.exposure {
            let exposure = Exposure {
                buying,
                selling,
                ..Exposure::default()
            };
            orders.exposure.insert(instrument, exposure);
        }
        let mut numbers = BTreeSet::new();
        let mut by_state: BTreeMap<OrderState, u64> = BTreeMap::new();
        let unsettled = record.unsettled.into_iter().map(|order| (order, false));
        let recent = record.recent.into_iter().map(|order| (order, true));
        for (order, in_ring) in unsettled.chain(recent) {
            let mut order = order.into_order(origin);
            order.recent = in_ring;
            let is_counted = (1..=record.count).contains(&order.number);
            if !is_counted || !numbers.insert(order.number) {
                return Err(format!("order {} is one too many", order.number));
            }
            *by_state.entry(order.state).or_default() += 1;
            orders.take_back(order)?;
        }
        let counted = |state| orders.by_state.get(&state).copied().unwrap_or_default();
        if by_state
            .iter()
            .any(|(state, count)| counted(*state) < *count)
        {
            return Err("more orders are in a state than were counted".into());
        }
        Ok(orders)
    }

    /// Takes an order that was kept into the indexes.
    fn take_back(&mut self, order: Order) -> Result<(), String> {
        let id = order.client_order_id.clone();
        let Some(exposure) = self.exposure.get_mut(&order.spec.instrument) else {
            return Err(format!("order {id} counts for nothing"));
        };
        exposure.unsettled += u64::from(order.counted.unsettled);
        exposure.blocking += u64::from(order.counted.blocking);
        if order.counted.unsettled {
            self.unsettled.insert(order.number, id.clone());
        } else if !order.recent {
            return Err(format!(
                "order {id} is settled, but not among those that are"
            ));
        }
        if order.recent {
            self.recent.push_back(id.clone());
        }
        if let Some(venue_id) = &order.venue_order_id {
            let ids = self.by_venue_id.entry(venue_id.clone()).or_default();
            ids.push(id.clone());
        }
        match self.all.insert(id, Box::new(order)) {
            None => Ok(()),
            Some(order) => Err(format!("order {} is there twice", order.client_order_id)),
        }
    }
}
