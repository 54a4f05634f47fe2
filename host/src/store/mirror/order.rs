//! Orders, and what is wanted of them, as a journal writes them.

use std::borrow::Cow;

use investbot_plugin_api::{Decimal, NewOrder, OrderType, Side, TimeInForce, UnixNanos};
use serde::{Deserialize, Serialize};

use crate::engine::identity::SpecDigest;
use crate::engine::{Intent, OrderSpec, Seen, SourcePlace};
use crate::store::{Claim, text};

fn moment(time: Option<UnixNanos>) -> Option<i64> {
    time.map(|time| time.0)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct OrderData<'a> {
    #[serde(borrow)]
    client_order_id: Cow<'a, str>,
    #[serde(borrow)]
    instrument: Cow<'a, str>,
    side: Side,
    order_type: OrderType,
    #[serde(with = "text")]
    quantity: Decimal,
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    limit_price: Option<Decimal>,
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    stop_price: Option<Decimal>,
    time_in_force: TimeInForce,
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    expire_time: Option<i64>,
    post_only: bool,
    reduce_only: bool,
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    deadline: Option<i64>,
}

impl<'a> OrderData<'a> {
    pub(in crate::store) fn of(order: &'a NewOrder) -> Self {
        Self {
            client_order_id: Cow::Borrowed(&order.client_order_id),
            instrument: Cow::Borrowed(&order.instrument),
            side: order.side,
            order_type: order.order_type,
            quantity: order.quantity,
            limit_price: order.limit_price,
            stop_price: order.stop_price,
            time_in_force: order.time_in_force,
            expire_time: moment(order.expire_time),
            post_only: order.post_only,
            reduce_only: order.reduce_only,
            deadline: moment(order.deadline),
        }
    }

    pub(in crate::store) fn into_order(self) -> NewOrder {
        let mut order = NewOrder::new(
            self.client_order_id,
            self.instrument,
            self.side,
            self.quantity,
        );
        order.order_type = self.order_type;
        order.limit_price = self.limit_price;
        order.stop_price = self.stop_price;
        order.time_in_force = self.time_in_force;
        order.expire_time = self.expire_time.map(UnixNanos);
        order.post_only = self.post_only;
        order.reduce_only = self.reduce_only;
        order.deadline = self.deadline.map(UnixNanos);
        order
    }
}

/// The parameters of an order that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct SpecData<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    instrument: Cow<'a, str>,
    side: Side,
    order_type: OrderType,
    #[serde(with = "text")]
    quantity: Decimal,
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    limit_price: Option<Decimal>,
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    stop_price: Option<Decimal>,
    time_in_force: TimeInForce,
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    expire_time: Option<i64>,
    post_only: bool,
    reduce_only: bool,
}

/// What a line of the intent stream wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum IntentData<'a> {
    #[serde(borrow)]
    Order(SpecData<'a>),
    #[serde(borrow)]
    Cancel(Cow<'a, str>),
}

impl<'a> IntentData<'a> {
    pub(in crate::store) fn of(intent: &'a Intent) -> Self {
        match intent {
            Intent::Order { id, spec } => Self::Order(SpecData {
                id: id.as_deref().map(Cow::Borrowed),
                instrument: Cow::Borrowed(&spec.instrument),
                side: spec.side,
                order_type: spec.order_type,
                quantity: spec.quantity,
                limit_price: spec.limit_price,
                stop_price: spec.stop_price,
                time_in_force: spec.time_in_force,
                expire_time: moment(spec.expire_time),
                post_only: spec.post_only,
                reduce_only: spec.reduce_only,
            }),
            Intent::Cancel { id } => Self::Cancel(Cow::Borrowed(id)),
        }
    }

    pub(in crate::store) fn into_intent(self) -> Intent {
        match self {
            Self::Order(data) => Intent::Order {
                id: data.id.map(Cow::into_owned),
                spec: OrderSpec {
                    instrument: data.instrument.into_owned(),
                    side: data.side,
                    order_type: data.order_type,
                    quantity: data.quantity,
                    limit_price: data.limit_price,
                    stop_price: data.stop_price,
                    time_in_force: data.time_in_force,
                    expire_time: data.expire_time.map(UnixNanos),
                    post_only: data.post_only,
                    reduce_only: data.reduce_only,
                },
            },
            Self::Cancel(id) => Intent::Cancel {
                id: id.into_owned(),
            },
        }
    }
}

/// What became of a caller's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct SeenData<'a> {
    digest: SpecDigest,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    client_order_id: Option<Cow<'a, str>>,
}

impl<'a> SeenData<'a> {
    pub(in crate::store) fn of(seen: &'a Seen) -> Self {
        Self {
            digest: seen.digest,
            client_order_id: seen.client_order_id.as_deref().map(Cow::Borrowed),
        }
    }

    pub(in crate::store) fn into_seen(self) -> Seen {
        Seen {
            digest: self.digest,
            client_order_id: self.client_order_id.map(Cow::into_owned),
        }
    }
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct PlaceData {
    #[serde(with = "text")]
    position: u64,
    #[serde(with = "text")]
    index: u32,
}

impl PlaceData {
    pub(in crate::store) const fn of(place: SourcePlace) -> Self {
        Self {
            position: place.position,
            index: place.index,
        }
    }

    pub(in crate::store) const fn into_place(self) -> SourcePlace {
        SourcePlace {
            position: self.position,
            index: self.index,
        }
    }
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct ClaimData<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<PlaceData>,
    #[serde(with = "text")]
    attempt: u32,
    #[serde(borrow)]
    order: OrderData<'a>,
}

impl<'a> ClaimData<'a> {
    pub(in crate::store) fn of(claim: &'a Claim) -> Self {
        Self {
            key: Cow::Borrowed(&claim.key),
            digest: Cow::Borrowed(&claim.digest),
            place: claim.place.map(PlaceData::of),
            attempt: claim.attempt,
            order: OrderData::of(&claim.order),
        }
    }

    pub(in crate::store) fn into_claim(self) -> Claim {
        Claim {
            key: self.key.into_owned(),
            digest: self.digest.into_owned(),
            place: self.place.map(PlaceData::into_place),
            attempt: self.attempt,
            order: self.order.into_order(),
        }
    }
}
