//! Bars as people have them.

use super::super::{BarFormat, BarOptions, TimeUnit};
use super::{options, read, shown};

const WANT: [&str; 2] = [
    "2020-01-02T00:00:00Z 2020-01-03T00:00:00Z 1.0 1.50 0.5 1.2 100",
    "2020-01-03T00:00:00Z 2020-01-04T00:00:00Z 1.2 2 1.2 1.99999999 0",
];

fn check(format: BarFormat, unit: Option<TimeUnit>, text: &str) {
    let (bars, reader) = read(text, &options()).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let got: Vec<_> = bars.iter().map(shown).collect();
    assert_eq!(got, WANT, "{text}");
    assert_eq!(
        (reader.format(), reader.time_unit()),
        (format, unit),
        "{text}"
    );
}

#[test]
fn the_plain_format() {
    check(
        BarFormat::Csv,
        None,
        "timestamp,open,high,low,close,volume\n\
         2020-01-02T00:00:00Z,1.0,1.50,0.5,1.2,100\n\
         2020-01-03T00:00:00Z,1.2,2,1.2,1.99999999,0\n",
    );
}

#[test]
fn the_plain_format_as_other_programs_write_it() {
    check(
        BarFormat::Csv,
        None,
        "\u{feff}\r\n\"Volume\",\"Close\",\"Low\",\"High\",\"Open\",\"Comment\",\"Timestamp\"\r\n\
         \"100\",\"1.2\",\"0.5\",\"1.50\",\"1.0\",\"a, \"\"b\"\"\",\"2020-01-02T01:00:00+01:00\"\r\n\
         0, 1.99999999 ,1.2,2,12e-1,,2020-01-03T00:00:00.000Z\r\n  \r\n\r\n",
    );
    check(
        BarFormat::Csv,
        None,
        "2020-01-02 00:00:00,1.0,1.50,0.5,1.2,100\n2020-01-03 00:00,1.2,2,1.2,1.99999999,0",
    );
}

#[test]
fn klines() {
    let rest = ",1577923199999,1,2,3,4,0\n";
    let rows = |a: &str, b: &str| {
        format!("{a},1.0,1.50,0.5,1.2,100{rest}{b},1.2,2,1.2,1.99999999,0{rest}")
    };
    let millis = rows("1577923200000", "1578009600000");
    let micros = rows("1577923200000000", "1578009600000000");
    let header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
                  taker_buy_volume,taker_buy_quote_volume,ignore\n";
    let klines = BarFormat::BinanceKlines;
    check(klines, Some(TimeUnit::Millis), &millis);
    check(klines, Some(TimeUnit::Micros), &micros);
    check(klines, Some(TimeUnit::Millis), &format!("{header}{millis}"));
    check(klines, Some(TimeUnit::Micros), &format!("{header}{micros}"));
}

#[test]
fn dates_with_capitals() {
    let yahoo = |a: &str, b: &str| {
        let header = "Date,Open,High,Low,Close,Adj Close,Volume\n";
        format!("{header}{a},1.0,1.50,0.5,1.2,0.9,100\n{b},1.2,2,1.2,1.99999999,0.9,0\n")
    };
    check(BarFormat::Yahoo, None, &yahoo("2020-01-02", "2020-01-03"));
    check(
        BarFormat::Yahoo,
        None,
        &yahoo("2020-01-02 00:00:00+00:00", "2020-01-03 00:00:00+00:00"),
    );
    check(
        BarFormat::Yahoo,
        None,
        "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n\
         2020-01-02,1.2,1.50,0.5,1.0,100\n2020-01-03,1.99999999,2,1.2,1.2,0\n",
    );
}

#[test]
fn numbers_since_1970() {
    for (unit, zeros) in [
        (TimeUnit::Seconds, ""),
        (TimeUnit::Millis, "000"),
        (TimeUnit::Micros, "000000"),
        (TimeUnit::Nanos, "000000000"),
    ] {
        let rows = format!(
            "1577923200{zeros},1.0,1.50,0.5,1.2,100\n1578009600{zeros},1.2,2,1.2,1.99999999,0\n"
        );
        check(BarFormat::EpochCsv, Some(unit), &rows);
        check(
            BarFormat::EpochCsv,
            Some(unit),
            &format!("Unix,O,H,L,C,Vol\n{rows}"),
        );
    }
}

#[test]
fn json() {
    let unit = Some(TimeUnit::Millis);
    check(
        BarFormat::CcxtJson,
        unit,
        "[[1577923200000,1.0,1.50,0.5,1.2,100],[1578009600000,1.2,2,1.2,1.99999999,0]]",
    );
    check(
        BarFormat::CcxtJson,
        unit,
        "\u{feff} [\n  [\n 1577923200000, \"1.0\", \"1.50\", 5e-1, 1.2, 100, null, 7 ],\r\n\
         \t[1578009600000 ,12E-1,2,1.2,1.99999999,0]\n]\n",
    );
}

#[test]
fn a_given_unit_is_not_guessed() {
    let given = BarOptions {
        time_unit: Some(TimeUnit::Millis),
        ..options()
    };
    let text = "0,1,2,1,2,5\n86400000,1,2,1,2,5\n200000000000,1,2,1,2,5\n";
    let (bars, reader) = read(text, &given).unwrap();
    assert_eq!(reader.time_unit(), Some(TimeUnit::Millis));
    assert_eq!(
        shown(&bars[1]),
        "1970-01-02T00:00:00Z 1970-01-03T00:00:00Z 1 2 1 2 5"
    );
}
