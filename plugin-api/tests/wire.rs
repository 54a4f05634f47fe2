//! Everything that crosses the boundary comes out as it went in, to the last digit.

use investbot_plugin_api::host::LogRecord;
use investbot_plugin_api::op::{CallHeader, Frame};
use investbot_plugin_api::*;
use minicbor::{Decode, Encode, Encoder};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

/// Every decimal there is: 96 bits, 28 places, both signs, trailing zeros.
fn decimal() -> impl Strategy<Value = Decimal> {
    const MOST: i128 = (1 << 96) - 1;
    let mantissa = prop_oneof![
        -MOST..=MOST,
        select(vec![0, 1, -1, 10, 1_000_000, MOST, -MOST]),
        select(vec![
            i128::from(i64::MAX),
            i128::from(i64::MIN),
            i128::from(i64::MAX) + 1,
            i128::from(i64::MIN) - 1,
            i128::from(u64::MAX) + 1,
        ]),
    ];
    (mantissa, 0_u32..=28).prop_map(|(m, scale)| Decimal::from_i128_with_scale(m, scale))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9/-]{0,40}", any::<String>()]
}

fn time() -> impl Strategy<Value = UnixNanos> {
    any::<i64>().prop_map(UnixNanos)
}

fn side() -> impl Strategy<Value = Side> {
    select(Side::ALL)
}

fn order_ref() -> impl Strategy<Value = OrderRef> {
    (text(), text(), of(text())).prop_map(|(instrument, id, venue_id)| {
        let mut order = OrderRef::new(instrument, id);
        order.venue_order_id = venue_id;
        order
    })
}

fn new_order() -> impl Strategy<Value = NewOrder> {
    let kind = (select(OrderType::ALL), select(TimeInForce::ALL), side());
    let prices = (decimal(), of(decimal()), of(decimal()));
    let times = (of(time()), of(time()));
    let flags = (any::<bool>(), any::<bool>());
    (text(), text(), kind, prices, times, flags).prop_map(
        |(id, instrument, (order_type, tif, side), (quantity, limit, stop), times, flags)| {
            let mut order = NewOrder::new(id, instrument, side, quantity);
            order.order_type = order_type;
            order.time_in_force = tif;
            (order.limit_price, order.stop_price) = (limit, stop);
            (order.expire_time, order.deadline) = times;
            (order.post_only, order.reduce_only) = flags;
            order
        },
    )
}

fn amend() -> impl Strategy<Value = AmendOrder> {
    (order_ref(), of(decimal()), of(decimal())).prop_map(|(order, quantity, limit)| {
        let mut amend = AmendOrder::new(order);
        (amend.quantity, amend.limit_price) = (quantity, limit);
        amend
    })
}

/// A report without fills.
fn bare_report() -> impl Strategy<Value = OrderReport> {
    let status = prop_oneof![select(OrderStatus::ALL), Just(OrderStatus::Unrecognized)];
    let ids = (text(), text(), text());
    (
        ids,
        side(),
        status,
        decimal(),
        decimal(),
        time(),
        of(text()),
    )
        .prop_map(
            |((id, venue_id, instrument), side, status, quantity, filled, time, reason)| {
                let mut report =
                    OrderReport::new(id, venue_id, instrument, side, status, quantity, time);
                report.filled_quantity = filled;
                report.reason = reason;
                report
            },
        )
}

fn fill() -> impl Strategy<Value = Fill> {
    let liquidity = prop_oneof![select(Liquidity::ALL), Just(Liquidity::Unrecognized)];
    let amounts = (decimal(), decimal(), decimal());
    (bare_report(), text(), amounts, text(), liquidity, time()).prop_map(
        |(report, id, (price, quantity, fee), currency, liquidity, time)| {
            let mut fill = Fill::of(&report, id, price, quantity, time);
            fill.fee = fee;
            fill.fee_currency = currency;
            fill.liquidity = liquidity;
            fill
        },
    )
}

fn fills() -> impl Strategy<Value = Vec<Fill>> {
    proptest::collection::vec(fill(), 0..3)
}

fn report() -> impl Strategy<Value = OrderReport> {
    (bare_report(), fills()).prop_map(|(mut report, fills)| {
        report.fills = fills;
        report
    })
}

fn bar() -> impl Strategy<Value = Bar> {
    let prices = (decimal(), decimal(), decimal(), decimal());
    (time(), time(), prices, decimal()).prop_map(
        |(open_time, close_time, (open, high, low, close), volume)| Bar {
            open_time,
            close_time,
            open,
            high,
            low,
            close,
            volume,
        },
    )
}

fn instrument() -> impl Strategy<Value = Instrument> {
    let rules = (decimal(), decimal(), decimal(), decimal(), of(decimal()));
    (text(), rules).prop_map(|(symbol, (tick, lot, min, notional, max))| {
        let mut instrument = Instrument::new(symbol, tick, lot).with_min_notional(notional);
        instrument.min_quantity = min;
        instrument.max_quantity = max;
        instrument
    })
}

fn ticker() -> impl Strategy<Value = Ticker> {
    let prices = (of(decimal()), of(decimal()), of(decimal()));
    (text(), time(), prices).prop_map(|(symbol, time, prices)| {
        let mut ticker = Ticker::new(symbol, time);
        (ticker.bid, ticker.ask, ticker.last) = prices;
        ticker
    })
}

fn adapter_error() -> impl Strategy<Value = AdapterError> {
    let kind = prop_oneof![select(ErrorKind::ALL), Just(ErrorKind::Unrecognized)];
    (
        kind,
        select(Effect::ALL),
        text(),
        of(text()),
        any::<Option<u64>>(),
    )
        .prop_map(|(kind, effect, message, code, wait)| {
            let mut error = AdapterError::new(kind, effect, message);
            error.venue_code = code;
            error.retry_after_ns = wait;
            error
        })
}

/// Comparing the bytes as well sees a trailing zero that equality of decimals does not.
fn roundtrip<T>(value: &T) -> Result<(), TestCaseError>
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + std::fmt::Debug,
{
    let bytes = codec::to_vec(value);
    let back: T = codec::from_slice(&bytes).map_err(TestCaseError::fail)?;
    prop_assert_eq!(&back, value);
    prop_assert_eq!(codec::to_vec(&back), bytes);
    Ok(())
}

proptest! {
    #[test]
    fn decimals_keep_every_digit(value in decimal()) {
        let bar = BarBatch {
            instrument: String::new(),
            bars: vec![Bar {
                open_time: UnixNanos(0), close_time: UnixNanos(0),
                open: value, high: value, low: value, close: value, volume: value,
            }],
        };
        let back: BarBatch = codec::from_slice(&codec::to_vec(&bar)).map_err(TestCaseError::fail)?;
        prop_assert_eq!(back.bars[0].close.to_string(), value.to_string());
        prop_assert_eq!(back.bars[0].close.scale(), value.scale());
    }

    #[test]
    fn commands_come_through(
        order in new_order(), named in order_ref(), amend in amend(),
        id in any::<u64>(), deadline in of(time()), cursor in of(text()),
    ) {
        let header = CallHeader { call_id: id, deadline };
        roundtrip(&Frame { header, body: order })?;
        roundtrip(&Frame { header, body: named.clone() })?;
        roundtrip(&Frame { header, body: CancelOrder::new(named) })?;
        roundtrip(&Frame { header, body: amend })?;
        roundtrip(&Frame { header, body: cursor })?;
    }

    #[test]
    fn reports_come_through(
        report in report(), fills in fills(), cursor in text(), flag in any::<bool>(),
        batch in proptest::collection::vec(
            prop_oneof![report().prop_map(Ok), adapter_error().prop_map(Err)], 0..3),
    ) {
        roundtrip(&batch)?;
        roundtrip(&Some(report.clone()))?;
        roundtrip(&VenueEvent::Order(report.clone()))?;
        for fill in &fills {
            roundtrip(&VenueEvent::Fill(fill.clone()))?;
        }
        roundtrip(&FillsPage::new(fills, cursor, flag))?;
        let mut open = OpenOrders::complete(vec![report]);
        open.complete = flag;
        roundtrip(&open)?;
    }

    #[test]
    fn markets_and_accounts_come_through(
        instrument in instrument(), ticker in ticker(), symbol in text(),
        bars in proptest::collection::vec(bar(), 0..4), from in time(), to in time(),
        a in decimal(), b in decimal(), c in of(decimal()),
    ) {
        roundtrip(&vec![instrument])?;
        roundtrip(&ticker)?;
        roundtrip(&BarsQuery { instrument: symbol.clone(), interval_ns: from.0, from, to })?;
        roundtrip(&Balance::new(symbol.as_str(), a, b))?;
        let mut position = Position::new(symbol.as_str(), a);
        position.average_price = c;
        roundtrip(&position)?;
        roundtrip(&BarBatch { instrument: symbol, bars })?;
    }

    #[test]
    fn errors_logs_and_health_come_through(
        error in adapter_error(), message in text(), level in select(Level::ALL),
        status in prop_oneof![select(HealthStatus::ALL), Just(HealthStatus::Unrecognized)],
    ) {
        roundtrip(&error)?;
        roundtrip(&Health::new(status, message.as_str()))?;
        roundtrip(&LogRecord { level, message })?;
    }

    #[test]
    fn open_parameters_come_through(
        dir in of("[a-z/]{1,20}"), seed in any::<u64>(), name in text(), secret in text(),
        instruments in proptest::collection::vec(text(), 0..3),
    ) {
        let mut params = OpenParams::new("{\"a\":1}").with_secret(name.as_str(), secret.as_str().into());
        params.data_dir = dir.map(Into::into);
        params.seed = seed;
        params.instruments = instruments;
        let bytes = params.to_bytes();
        let back = OpenParams::from_bytes(&bytes).map_err(TestCaseError::fail)?;
        prop_assert_eq!(back.to_bytes(), bytes);
        let kept = back.secret(&name).map(|s| s.expose_secret().to_owned());
        prop_assert_eq!(kept, Ok(secret));
    }

    #[test]
    fn garbage_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = codec::from_slice::<NewOrder>(&bytes);
        let _ = codec::from_slice::<OrderReport>(&bytes);
        let _ = codec::from_slice::<Vec<Instrument>>(&bytes);
        let _ = codec::from_slice::<BarBatch>(&bytes);
        let _ = codec::from_slice::<VenueEvent>(&bytes);
        let _ = codec::from_slice::<AdapterError>(&bytes);
        let _ = codec::from_slice::<LogRecord>(&bytes);
        let _ = codec::from_slice::<Frame<Option<String>>>(&bytes);
        let _ = OpenParams::from_bytes(&bytes);
    }

    /// A newer adapter may say more than this host knows.
    #[test]
    fn unknown_fields_of_a_report_are_skipped(report in bare_report(), note in text()) {
        let mut bytes = codec::to_vec(&report);
        // The head of a map of up to 22 fields is one byte.
        prop_assert_eq!(bytes[0] & 0xF0, 0xA0);
        bytes[0] += 1;
        Encoder::new(&mut bytes).u32(999).and_then(|e| e.array(2)?.str(&note)?.u8(1))
            .expect("into memory");
        let back: OrderReport = codec::from_slice(&bytes).map_err(TestCaseError::fail)?;
        prop_assert_eq!(back, report);
    }
}

#[test]
fn debug_output_shows_no_secret() {
    let params = OpenParams::new("{}").with_secret("KEY", "hunter2".into());
    let text = format!("{params:?}");
    assert!(text.contains("KEY") && !text.contains("hunter2"), "{text}");
}

#[test]
fn unknown_values_of_a_report_are_tolerated() {
    let number = codec::to_vec(&4711_u32);
    let status: OrderStatus = codec::from_slice(&number).expect("it is a report's");
    assert_eq!(status, OrderStatus::Unrecognized);
    assert!(!status.is_final(), "what nobody knows is not the end");
    assert_eq!(codec::from_slice(&number), Ok(ErrorKind::Unrecognized));
    assert_eq!(codec::from_slice(&number), Ok(Liquidity::Unrecognized));
    assert_eq!(codec::from_slice(&number), Ok(HealthStatus::Unrecognized));
}

/// What an order does depends on these, so a guess will not do.
/// An adapter that keeps its reports in a file reads them again.
#[test]
fn what_is_unrecognized_is_so_in_a_file_too() {
    let fill = Fill::of(
        &report_of("a"),
        "f",
        Decimal::ONE,
        Decimal::ONE,
        UnixNanos(1),
    );
    assert_eq!(fill.liquidity, Liquidity::Unrecognized);
    let text = serde_json::to_string(&fill).expect("words and numbers are JSON");
    assert_eq!(serde_json::from_str::<Fill>(&text).ok(), Some(fill));
    assert!(serde_json::from_str::<Liquidity>("\"other\"").is_err());
}

fn report_of(id: &str) -> OrderReport {
    let order = NewOrder::new(id, "BTC/USD", Side::Buy, Decimal::ONE);
    OrderReport::of(&order, "v", OrderStatus::Open, UnixNanos(1))
}

#[test]
fn unknown_values_of_a_command_and_unknown_effects_are_errors() {
    let number = codec::to_vec(&4711_u32);
    assert!(codec::from_slice::<Side>(&number).is_err());
    assert!(codec::from_slice::<OrderType>(&number).is_err());
    assert!(codec::from_slice::<TimeInForce>(&number).is_err());
    assert!(codec::from_slice::<Effect>(&number).is_err());
}

/// Longer ones would have to be rounded.
#[test]
fn decimals_that_do_not_fit_are_errors() {
    let decimal = |exponent: i64, mantissa: i64| {
        let mut bytes = codec::to_vec(&Balance::new("", Decimal::ZERO, Decimal::ZERO));
        let zero = [0xC4, 0x82, 0x00, 0x00];
        let at = bytes
            .windows(4)
            .position(|w| w == zero)
            .expect("it is there");
        let mut number = Vec::new();
        Encoder::new(&mut number)
            .i64(exponent)
            .and_then(|e| e.i64(mantissa))
            .expect("into memory");
        bytes.splice(at + 2..at + 4, number);
        codec::from_slice::<Balance>(&bytes)
    };
    assert!(decimal(-28, i64::MAX).is_ok());
    for exponent in [-29, 1, i64::MIN, i64::MAX] {
        assert!(decimal(exponent, 1).is_err(), "{exponent}");
    }
}
