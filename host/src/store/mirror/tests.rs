//! Nothing that the engine reads is lost on the way through JSON.

use investbot_plugin_api::{
    Decimal, Fill, Instrument, Liquidity, NewOrder, OrderReport, OrderStatus, OrderType, Side,
    TimeInForce, UnixNanos,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::order::OrderData;
use super::*;
use crate::engine::identity::SpecDigest;
use crate::engine::{Intent, OrderSpec, Seen, SourcePlace};
use crate::store::Claim;

/// Any decimal, of any scale and sign; -0 too.
pub(in crate::store) fn decimal() -> impl Strategy<Value = Decimal> {
    (
        any::<u32>(),
        any::<u32>(),
        any::<u32>(),
        any::<bool>(),
        0u32..=28,
        0u8..4,
    )
        .prop_map(|(low, middle, high, negative, scale, size)| match size {
            0 => Decimal::from_parts(0, 0, 0, negative, scale),
            1 => Decimal::from_parts(low, 0, 0, negative, scale),
            _ => Decimal::from_parts(low, middle, high, negative, scale),
        })
}

/// Any text: control characters, quotes, the unusual planes of Unicode.
pub(in crate::store) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,20}",
        proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter),
    ]
}

fn time() -> impl Strategy<Value = UnixNanos> {
    any::<i64>().prop_map(UnixNanos)
}

fn side() -> impl Strategy<Value = Side> {
    proptest::sample::select(Side::ALL)
}

prop_compose! {
    pub(in crate::store) fn spec()(
        names in text(),
        side in side(),
        order_type in proptest::sample::select(OrderType::ALL),
        quantity in decimal(),
        prices in proptest::collection::vec(proptest::option::of(decimal()), 2),
        time_in_force in proptest::sample::select(TimeInForce::ALL),
        expire_time in proptest::option::of(time()),
        flags in any::<[bool; 2]>(),
    ) -> OrderSpec {
        OrderSpec {
            instrument: names,
            side,
            order_type,
            quantity,
            limit_price: prices[0],
            stop_price: prices[1],
            time_in_force,
            expire_time,
            post_only: flags[0],
            reduce_only: flags[1],
        }
    }
}

prop_compose! {
    pub(in crate::store) fn intent()(
        spec in spec(),
        id in proptest::option::of(text()),
        cancel in any::<bool>(),
    ) -> Intent {
        match (cancel, id) {
            (true, Some(id)) => Intent::Cancel { id },
            (_, id) => Intent::Order { id, spec },
        }
    }
}

prop_compose! {
    pub(in crate::store) fn seen()(
        spec in spec(),
        client_order_id in proptest::option::of(text()),
    ) -> Seen {
        Seen { digest: SpecDigest::new(&spec), client_order_id }
    }
}

prop_compose! {
    pub(in crate::store) fn claim()(
        names in [text(), text(), text()],
        spec in spec(),
        place in proptest::option::of(any::<(u64, u32)>()),
        attempt in any::<u32>(),
        deadline in proptest::option::of(time()),
    ) -> Claim {
        let [key, digest, client_order_id] = names;
        let mut order = NewOrder::new(client_order_id, spec.instrument, spec.side, spec.quantity);
        order.order_type = spec.order_type;
        order.limit_price = spec.limit_price;
        order.stop_price = spec.stop_price;
        order.time_in_force = spec.time_in_force;
        order.expire_time = spec.expire_time;
        order.post_only = spec.post_only;
        order.reduce_only = spec.reduce_only;
        order.deadline = deadline;
        let place = place.map(|(position, index)| SourcePlace { position, index });
        Claim { key, digest, place, attempt, order }
    }
}

fn status() -> impl Strategy<Value = OrderStatus> {
    let known = proptest::sample::select(OrderStatus::ALL);
    prop_oneof![9 => known, 1 => Just(OrderStatus::Unrecognized)]
}

fn liquidity() -> impl Strategy<Value = Liquidity> {
    let known = proptest::sample::select(Liquidity::ALL);
    prop_oneof![2 => known, 1 => Just(Liquidity::Unrecognized)]
}

prop_compose! {
    fn bare_report()(
        names in [text(), text(), text()],
        side in side(),
        status in status(),
        quantity in decimal(),
        filled in decimal(),
        time in time(),
        reason in proptest::option::of(text()),
    ) -> OrderReport {
        let [client, venue, instrument] = names;
        let mut report = OrderReport::new(client, venue, instrument, side, status, quantity, time);
        report.filled_quantity = filled;
        report.reason = reason;
        report
    }
}

prop_compose! {
    pub(in crate::store) fn fill()(
        order in bare_report(),
        names in [text(), text()],
        price in decimal(),
        quantity in decimal(),
        fee in decimal(),
        liquidity in liquidity(),
        time in time(),
    ) -> Fill {
        let [id, currency] = names;
        let mut fill = Fill::of(&order, id, price, quantity, time);
        fill.fee = fee;
        fill.fee_currency = currency;
        fill.liquidity = liquidity;
        fill
    }
}

prop_compose! {
    /// A report with fills, each with fields of its own.
    pub(in crate::store) fn report()(
        mut report in bare_report(),
        fills in proptest::collection::vec(fill(), 0..4),
    ) -> OrderReport {
        report.fills = fills;
        report
    }
}

prop_compose! {
    pub(in crate::store) fn instrument()(
        names in [text(), text(), text()],
        steps in proptest::collection::vec(decimal(), 4),
        max_quantity in proptest::option::of(decimal()),
    ) -> Instrument {
        let [symbol, base, quote] = names;
        let mut rules = Instrument::new(symbol, steps[0], steps[1]);
        rules.base = base;
        rules.quote = quote;
        rules.min_quantity = steps[2];
        rules.min_notional = steps[3];
        rules.max_quantity = max_quantity;
        rules
    }
}

/// The value after it was written and read, and its JSON.
fn through<'a, D, T>(data: D, text: &'a mut String, back: impl Fn(D) -> T) -> T
where
    D: Serialize + Deserialize<'a>,
{
    *text = serde_json::to_string(&data).expect("plain data");
    back(serde_json::from_str(text).expect("its own"))
}

/// Equal, and the scale and the sign of every decimal too: they show in what users read.
fn same<T: std::fmt::Debug + PartialEq>(found: &T, expected: &T) -> Result<(), TestCaseError> {
    prop_assert_eq!(found, expected);
    prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    Ok(())
}

proptest! {
    #[test]
    fn claims(value in claim()) {
        same(&through(ClaimData::of(&value), &mut String::new(), ClaimData::into_claim), &value)?;
    }

    #[test]
    fn intents(value in intent()) {
        let read = through(IntentData::of(&value), &mut String::new(), IntentData::into_intent);
        same(&read, &value)?;
    }

    #[test]
    fn what_ids_became(value in seen()) {
        same(&through(SeenData::of(&value), &mut String::new(), SeenData::into_seen), &value)?;
    }

    #[test]
    fn reports(value in report()) {
        same(&through(ReportData::of(&value), &mut String::new(), ReportData::into_report), &value)?;
    }

    #[test]
    fn instruments(value in instrument()) {
        let read = through(
            InstrumentData::of(&value),
            &mut String::new(),
            InstrumentData::into_instrument,
        );
        same(&read, &value)?;
    }
}

fn names(value: impl Serialize) -> Vec<String> {
    let value: Value = serde_json::to_value(value).expect("plain data");
    let fields = value.as_object().expect("an object");
    let mut names: Vec<_> = fields.keys().cloned().collect();
    names.sort();
    names
}

/// A field that is added to a type has to be added to its mirror: it would be lost at a resume.
#[test]
fn nothing_is_left_out() {
    let mut order = NewOrder::new("c", "i", Side::Buy, Decimal::ONE);
    order.limit_price = Some(Decimal::ONE);
    order.stop_price = Some(Decimal::ONE);
    order.expire_time = Some(UnixNanos(1));
    order.deadline = Some(UnixNanos(1));
    assert_eq!(names(&order), names(OrderData::of(&order)));

    let time = UnixNanos(1);
    let status = OrderStatus::Open;
    let mut report = OrderReport::new("c", "v", "i", Side::Buy, status, Decimal::ONE, time);
    report.reason = Some("r".into());
    let fill = Fill::of(&report, "f", Decimal::ONE, Decimal::ONE, time);
    report.fills = vec![fill.clone()];
    assert_eq!(names(&report), names(ReportData::of(&report)));
    assert_eq!(names(&fill), names(FillData::of(&fill)));

    let mut rules = Instrument::new("A/B", Decimal::ONE, Decimal::ONE);
    rules.max_quantity = Some(Decimal::ONE);
    assert_eq!(names(&rules), names(InstrumentData::of(&rules)));
}
