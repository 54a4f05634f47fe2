//! Any bars, written in any format, come back as they were.

use std::time::Duration;

use investbot_plugin_api::{Bar, Decimal, UnixNanos};
use proptest::prelude::*;

use super::super::{BarOptions, BarReader};
use super::drain;
use crate::clock::rfc3339 as show;

const MINUTE: i64 = 60_000_000_000;

/// A row of bars, some of them missing, with up to 12 decimals.
fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let number = (1_u64..1_000_000_000_000_000, 0_u32..13);
    let bar = (1_i64..4, prop::array::uniform4(number.clone()), number);
    let start = 100_000_000_i64 / 60..8_000_000_000_i64 / 60;
    (start, prop::collection::vec(bar, 1..40)).prop_map(|(start, rows)| {
        let mut minute = start;
        let mut bars = Vec::new();
        for (step, prices, (volume, scale)) in rows {
            minute += step;
            let mut prices = prices.map(|(m, s)| Decimal::from_i128_with_scale(m.into(), s));
            prices.sort();
            let [low, open, close, high] = prices;
            bars.push(Bar {
                open_time: UnixNanos(minute * MINUTE),
                close_time: UnixNanos((minute + 1) * MINUTE),
                open,
                high,
                low,
                close,
                volume: Decimal::from_i128_with_scale(volume.into(), scale),
            });
        }
        bars
    })
}

fn write(bars: &[Bar], head: &str, line: impl Fn(&Bar, String) -> String, tail: &str) -> String {
    let rows = bars.iter().map(|bar| {
        let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume];
        line(bar, numbers.map(|n| n.to_string()).join(","))
    });
    format!("{head}{}{tail}", rows.collect::<Vec<_>>().join("\n"))
}

fn reread(text: String) -> Vec<Bar> {
    let options = BarOptions {
        interval: Some(Duration::from_secs(60)),
        ..BarOptions::default()
    };
    let mut reader = BarReader::memory("bars", text.clone().into_bytes(), &options)
        .unwrap_or_else(|e| panic!("{e}\n{text}"));
    drain(&mut reader).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// The text of every number too, which `==` on decimals does not compare.
fn texts(bars: &[Bar]) -> Vec<String> {
    bars.iter().map(super::shown).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bars_come_back_from_every_format(bars in bars()) {
        let nanos = |b: &Bar| b.open_time.0;
        let rfc = write(
            &bars,
            "timestamp,open,high,low,close,volume\n",
            |b, n| format!("{},{n}", show(b.open_time)),
            "\n",
        );
        let pandas = write(
            &bars,
            "Date,Open,High,Low,Close,Volume\n",
            |b, n| format!("{},{n}", show(b.open_time).replace('T', " ").replace('Z', "+00:00")),
            "",
        );
        let quoted = write(
            &bars,
            "",
            |b, n| format!("\"{}\",\"{}\"", nanos(b) / 1_000_000_000, n.replace(',', "\",\"")),
            "\r\n\r\n",
        );
        let klines = write(&bars, "", |b, n| format!("{},{n},1,2,3,4,5,6", nanos(b) / 1_000), "");
        let json = write(&bars, "[", |b, n| {
            let comma = if b.open_time == bars[0].open_time { "" } else { "," };
            format!("{comma}[{},{n}]", b.open_time.as_millis())
        }, "]");
        for text in [rfc, pandas, quoted, klines, json] {
            let got = reread(text);
            prop_assert_eq!(&got, &bars);
            prop_assert_eq!(texts(&got), texts(&bars));
        }
    }

    #[test]
    fn never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = BarReader::memory("bars", bytes, &BarOptions::default())
            .and_then(|mut reader| drain(&mut reader));
    }

    #[test]
    fn never_panics_on_something_like_bars(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "timestamp,open,high,low,close,volume\n", "2020-01-01T00:00:00Z", "1577836800", ",", "\n",
                "\"", "1.5", "2", "-", "e5", "[", "]", "[[1577836800000,1,2,1,2,5]", ",1,2,1,2,5\n", "NaN",
                "\r", "\u{feff}", "é", "\0", "000", " ", "Price,Close,High,Low,Open,Volume\nTicker\nDate\n",
            ]),
            0..30,
        )
    ) {
        let _ = BarReader::memory("bars", parts.concat().into_bytes(), &BarOptions::default())
            .and_then(|mut reader| drain(&mut reader));
    }
}
