//! Orders, reports and fills as a journal writes them.

use std::borrow::Cow;

use investbot_plugin_api::{
    Decimal, Fill, Liquidity, NewOrder, OrderReport, OrderStatus, OrderType, Side, TimeInForce,
    UnixNanos,
};
use serde::{Deserialize, Serialize};

use super::text;

fn moment(time: Option<UnixNanos>) -> Option<i64> {
    time.map(|time| time.0)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderData<'a> {
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
    pub(super) fn of(order: &'a NewOrder) -> Self {
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

    pub(super) fn into_order(self) -> NewOrder {
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportData<'a> {
    #[serde(borrow)]
    client_order_id: Cow<'a, str>,
    #[serde(borrow)]
    venue_order_id: Cow<'a, str>,
    #[serde(borrow)]
    instrument: Cow<'a, str>,
    side: Side,
    #[serde(with = "status")]
    status: OrderStatus,
    #[serde(with = "text")]
    quantity: Decimal,
    #[serde(with = "text")]
    filled_quantity: Decimal,
    #[serde(with = "text")]
    time: i64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    fills: Vec<FillData<'a>>,
}

impl<'a> ReportData<'a> {
    pub(super) fn of(report: &'a OrderReport) -> Self {
        Self {
            client_order_id: Cow::Borrowed(&report.client_order_id),
            venue_order_id: Cow::Borrowed(&report.venue_order_id),
            instrument: Cow::Borrowed(&report.instrument),
            side: report.side,
            status: report.status,
            quantity: report.quantity,
            filled_quantity: report.filled_quantity,
            time: report.time.0,
            reason: report.reason.as_deref().map(Cow::Borrowed),
            fills: report.fills.iter().map(FillData::of).collect(),
        }
    }

    pub(super) fn into_report(self) -> OrderReport {
        let mut report = OrderReport::new(
            self.client_order_id,
            self.venue_order_id,
            self.instrument,
            self.side,
            self.status,
            self.quantity,
            UnixNanos(self.time),
        );
        report.filled_quantity = self.filled_quantity;
        report.reason = self.reason.map(Cow::into_owned);
        report.fills = self.fills.into_iter().map(FillData::into_fill).collect();
        report
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FillData<'a> {
    #[serde(borrow)]
    fill_id: Cow<'a, str>,
    #[serde(borrow)]
    client_order_id: Cow<'a, str>,
    #[serde(borrow)]
    venue_order_id: Cow<'a, str>,
    #[serde(borrow)]
    instrument: Cow<'a, str>,
    side: Side,
    #[serde(with = "text")]
    price: Decimal,
    #[serde(with = "text")]
    quantity: Decimal,
    #[serde(with = "text")]
    fee: Decimal,
    #[serde(borrow)]
    fee_currency: Cow<'a, str>,
    #[serde(with = "liquidity")]
    liquidity: Liquidity,
    #[serde(with = "text")]
    time: i64,
}

impl<'a> FillData<'a> {
    pub(super) fn of(fill: &'a Fill) -> Self {
        Self {
            fill_id: Cow::Borrowed(&fill.fill_id),
            client_order_id: Cow::Borrowed(&fill.client_order_id),
            venue_order_id: Cow::Borrowed(&fill.venue_order_id),
            instrument: Cow::Borrowed(&fill.instrument),
            side: fill.side,
            price: fill.price,
            quantity: fill.quantity,
            fee: fill.fee,
            fee_currency: Cow::Borrowed(&fill.fee_currency),
            liquidity: fill.liquidity,
            time: fill.time.0,
        }
    }

    pub(super) fn into_fill(self) -> Fill {
        // The constructor takes what an order's report shares with its fills.
        let order = OrderReport::new(
            self.client_order_id,
            self.venue_order_id,
            self.instrument,
            self.side,
            OrderStatus::Unrecognized,
            self.quantity,
            UnixNanos(self.time),
        );
        let time = UnixNanos(self.time);
        let mut fill = Fill::of(&order, self.fill_id, self.price, self.quantity, time);
        fill.fee = self.fee;
        fill.fee_currency = self.fee_currency.into_owned();
        fill.liquidity = self.liquidity;
        fill
    }
}

/// The words of an enumeration, and one for the value that this host does not know: a report that was
/// understood in part when it came is read back in part.
macro_rules! word {
    ($name:ident, $type:ident) => {
        mod $name {
            use super::{Cow, Deserialize, $type};
            use serde::{Deserializer, Serializer};

            pub(super) fn serialize<S: Serializer>(
                value: &$type,
                to: S,
            ) -> Result<S::Ok, S::Error> {
                match value {
                    $type::Unrecognized => to.serialize_str("unrecognized"),
                    known => to.serialize_str(known.as_str()),
                }
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<$type, D::Error> {
                match &*<Cow<'de, str>>::deserialize(from)? {
                    "unrecognized" => Ok($type::Unrecognized),
                    word => word.parse().map_err(serde::de::Error::custom),
                }
            }
        }
    };
}

word!(status, OrderStatus);
word!(liquidity, Liquidity);
