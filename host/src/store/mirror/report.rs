//! What a venue reports, as a journal writes it.

use std::borrow::Cow;

use investbot_plugin_api::{
    Decimal, Fill, Instrument, Liquidity, OrderReport, OrderStatus, Side, UnixNanos,
};
use serde::{Deserialize, Serialize};

use crate::store::text;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct ReportData<'a> {
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
    pub(in crate::store) fn of(report: &'a OrderReport) -> Self {
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

    pub(in crate::store) fn into_report(self) -> OrderReport {
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct FillData<'a> {
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
    pub(in crate::store) fn of(fill: &'a Fill) -> Self {
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

    pub(in crate::store) fn into_fill(self) -> Fill {
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

/// The venue's rules for an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct InstrumentData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    base: Cow<'a, str>,
    #[serde(borrow)]
    quote: Cow<'a, str>,
    #[serde(with = "text")]
    tick_size: Decimal,
    #[serde(with = "text")]
    lot_size: Decimal,
    #[serde(with = "text")]
    min_quantity: Decimal,
    #[serde(with = "text")]
    min_notional: Decimal,
    #[serde(
        default,
        with = "text::option",
        skip_serializing_if = "Option::is_none"
    )]
    max_quantity: Option<Decimal>,
}

impl<'a> InstrumentData<'a> {
    pub(in crate::store) fn of(rules: &'a Instrument) -> Self {
        Self {
            symbol: Cow::Borrowed(&rules.symbol),
            base: Cow::Borrowed(&rules.base),
            quote: Cow::Borrowed(&rules.quote),
            tick_size: rules.tick_size,
            lot_size: rules.lot_size,
            min_quantity: rules.min_quantity,
            min_notional: rules.min_notional,
            max_quantity: rules.max_quantity,
        }
    }

    pub(in crate::store) fn into_instrument(self) -> Instrument {
        let mut rules = Instrument::new(self.symbol, self.tick_size, self.lot_size);
        rules.base = self.base.into_owned();
        rules.quote = self.quote.into_owned();
        rules.min_quantity = self.min_quantity;
        rules.min_notional = self.min_notional;
        rules.max_quantity = self.max_quantity;
        rules
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
