#![allow(clippy::unwrap_used)]

use std::io::Read;

use investbot_plugin_api::{Decimal, OrderType, Side, TimeInForce, UnixNanos};
use proptest::prelude::*;

use super::{IntentError, IntentFault, IntentLine, IntentReader};
use crate::engine::{Intent, OrderSpec};
use crate::exit::ExitCode;

fn read(text: &[u8]) -> Result<Vec<IntentLine>, IntentError> {
    IntentReader::new("in.jsonl", text).collect()
}

fn one(text: &str) -> Intent {
    let mut lines = read(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(lines.len(), 1, "{text}");
    lines.remove(0).intent
}

fn refused(text: &str) -> String {
    match read(text.as_bytes()) {
        Ok(lines) => panic!("{text}: {lines:?}"),
        Err(error) => {
            assert_eq!(error.exit_code(), ExitCode::ConfigOrData);
            error.to_string()
        }
    }
}

/// A market order with more fields, and the column at which they begin.
fn market(more: &str) -> (String, usize) {
    let start = r#"{"instrument":"BTC/USD","side":"buy","type":"market","quantity":"1","#;
    (format!("{start}{more}}}"), start.len() + 1)
}

fn assert_refused(more: &str, column: usize, words: &[&str]) {
    let (line, start) = market(more);
    let text = refused(&line);
    let place = format!("in.jsonl:1:{}: ", start + column);
    assert!(text.starts_with(&place), "{text} is not at {place}");
    for word in words {
        assert!(text.contains(word), "{text} lacks {word}");
    }
}

#[test]
fn every_field_is_read() {
    let line = r#"{"id":"a1","instrument":"BTC/USD","side":"sell","type":"stop_limit",
        "quantity":"0.50","limit_price":4300.10,"stop_price":"4.31e3","time_in_force":"gtd",
        "expire_time":"2017-10-02T00:00:00Z","post_only":false,"reduce_only":true,
        "time":"2017-10-01T12:00:00+02:00"}"#
        .replace('\n', "");
    let lines = read(line.as_bytes()).unwrap();
    let second = 1_000_000_000;
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    let spec = OrderSpec {
        instrument: "BTC/USD".to_owned(),
        side: Side::Sell,
        order_type: OrderType::StopLimit,
        quantity: decimal("0.50"),
        limit_price: Some(decimal("4300.10")),
        stop_price: Some(decimal("4310")),
        time_in_force: TimeInForce::Gtd,
        expire_time: Some(UnixNanos(1_506_902_400 * second)),
        post_only: false,
        reduce_only: true,
    };
    let want = IntentLine {
        position: 0,
        line: 1,
        time: Some(UnixNanos(1_506_852_000 * second)),
        intent: Intent::Order {
            id: Some("a1".to_owned()),
            spec,
        },
    };
    assert_eq!(lines, [want]);
}

#[test]
fn little_is_enough() {
    let line = r#"{"instrument":"ETH/USD","side":"buy","type":"market","quantity":2}"#;
    let spec = OrderSpec::market("ETH/USD", Side::Buy, Decimal::TWO);
    assert_eq!(one(line), Intent::Order { id: None, spec });
    let (line, _) = market(r#""id":null,"limit_price":null,"post_only":null,"time":null"#);
    let spec = OrderSpec::market("BTC/USD", Side::Buy, Decimal::ONE);
    assert_eq!(one(&line), Intent::Order { id: None, spec });
    let id = "a1".to_owned();
    assert_eq!(one(r#"{"cancel":"a1"}"#), Intent::Cancel { id });
    let id = "é\"".to_owned();
    assert_eq!(one(r#"{"c\u0061ncel":"\u00e9\""}"#), Intent::Cancel { id });
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let text =
        "\u{feff}{\"cancel\":\"a\"}\r\n\n  \n{\"cancel\":\"b\",\"time\":1506816000000000001}";
    let lines = read(text.as_bytes()).unwrap();
    let places: Vec<_> = lines.iter().map(|l| (l.position, l.line, l.time)).collect();
    let time = UnixNanos(1_506_816_000_000_000_001);
    assert_eq!(places, [(0, 1, None), (3, 4, Some(time))]);
    assert_eq!(read(b"").unwrap(), []);
    assert_eq!(read(b"\n\n").unwrap(), []);
}

/// A file that goes on has its own line numbers, and positions that are those of the whole file.
#[test]
fn lines_that_were_read_before_are_passed_over() {
    let text = "\u{feff}{\"cancel\":\"a\"}\n\nnonsense\n{\"cancel\":\"b\"}\n{\"cancel\":\"c\"}";
    let rest = |lines| IntentReader::new("in.jsonl", text.as_bytes()).skip_lines(lines);
    for (lines, want) in [(3, &[(3, 4), (4, 5)][..]), (4, &[(4, 5)]), (5, &[])] {
        let rest: Vec<_> = rest(lines)
            .unwrap()
            .map(|line| line.map(|line| (line.position, line.line)).unwrap())
            .collect();
        assert_eq!(rest, want, "after {lines}");
    }
    let error = rest(6).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::ConfigOrData);
    insta::assert_snapshot!(error, @"in.jsonl: has 5 lines, and 6 were read before; the run needs the file that it was started with");
    let error = rest(2).unwrap().next().unwrap().unwrap_err().to_string();
    assert!(error.starts_with("in.jsonl:3:1: "), "{error}");
}

#[test]
fn a_stream_that_goes_on_has_positions_of_its_own() {
    let text = "\n{\"cancel\":\"a\"}\n{\"cancel\":1}\n";
    let mut lines = IntentReader::new("stdin", text.as_bytes()).numbered_from(7);
    let line = lines.next().unwrap().unwrap();
    assert_eq!((line.position, line.line), (8, 2));
    let error = lines.next().unwrap().unwrap_err().to_string();
    assert!(error.starts_with("stdin:3:"), "{error}");
}

#[test]
fn numbers_are_exact() {
    for text in [
        "0.1",
        "0.1234567890123456789012345678",
        "123456789012345678.123456789",
        "1.10",
    ] {
        for value in [text.to_owned(), format!("\"{text}\"")] {
            let line = format!(
                r#"{{"instrument":"A/B","side":"buy","type":"market","quantity":{value}}}"#
            );
            let Intent::Order { spec, .. } = one(&line) else {
                panic!("{line}")
            };
            assert_eq!(spec.quantity.to_string(), text);
        }
    }
}

#[test]
fn fields_and_words_that_nobody_knows_are_refused() {
    assert_refused(
        r#""limit_prize":"1""#,
        0,
        &["unknown field `limit_prize`", "`limit_price`"],
    );
    assert_refused(
        r#" "Quantity":"1""#,
        1,
        &["unknown field `Quantity`", "`quantity`"],
    );
    assert_refused(
        r#""leverage":5"#,
        0,
        &["unknown field `leverage`", "known are: id, instrument"],
    );
    assert_refused(
        r#""time_in_force":"gtx""#,
        16,
        &["`gtx`", "did you mean `gt"],
    );
    assert_refused(r#""time_in_force":"forever""#, 16, &["known are: gtc, ioc"]);
    assert_refused(r#""side":"sell""#, 7, &["`side` is there twice"]);
    assert_refused(
        r#""post_only":"yes""#,
        12,
        &["`post_only`", "true or false"],
    );
    assert_refused(
        r#""reduce_only":1"#,
        14,
        &["`reduce_only`", "true or false"],
    );
}

#[test]
fn what_does_not_go_together_is_refused() {
    assert_refused(
        r#""limit_price":"1""#,
        14,
        &["a market order cannot have", "`limit_price`"],
    );
    assert_refused(
        r#""stop_price":"1""#,
        13,
        &["a market order cannot have", "`stop_price`"],
    );
    assert_refused(
        r#""expire_time":"2020-01-02T00:00:00Z""#,
        14,
        &["not gtd", "`expire_time`"],
    );
    assert_refused(
        r#""post_only":true"#,
        12,
        &["a market order cannot have", "`post_only`"],
    );
}

#[test]
fn what_an_order_needs_is_named() {
    let order = |more: &str| format!(r#"{{"instrument":"A/B","quantity":1,{more}}}"#);
    for (more, words) in [
        (
            r#""side":"buy","type":"limit""#,
            "a limit order needs the field `limit_price`",
        ),
        (
            r#""side":"buy","type":"stop""#,
            "a stop order needs the field `stop_price`",
        ),
        (
            r#""side":"buy","type":"stop_limit","limit_price":1"#,
            "a stop_limit order needs the field `stop_price`",
        ),
        (r#""side":"buy""#, "an order needs the field `type`"),
        (r#""type":"market""#, "an order needs the field `side`"),
        (
            r#""side":"buy","type":"market","time_in_force":"gtd""#,
            "gtd needs the field `expire_time`",
        ),
    ] {
        let text = refused(&order(more));
        assert!(text.contains(words), "{text}");
    }
    assert!(refused("{}").contains("an order needs the field `type`"));
    let text = refused(
        r#"{"instrument":"A/B","side":"buy","type":"limit","limit_price":1,"quantity":1,"post_only":true,"time_in_force":"ioc"}"#,
    );
    assert!(text.contains("ioc"), "{text}");
}

#[test]
fn bad_values_are_named_with_their_place() {
    let quantity = |value: &str| {
        refused(&format!(
            r#"{{"instrument":"A/B","side":"buy","type":"market","quantity":{value}}}"#
        ))
    };
    for (value, words) in [
        ("\"-1\"", "must be above 0; to sell"),
        ("-1", "must be above 0"),
        ("0", "must be above 0"),
        ("\"0.00\"", "must be above 0"),
        ("\"\"", "is empty"),
        ("\"abc\"", "is not a number"),
        ("\"NaN\"", "is no finite number"),
        ("1e-29", "it is not rounded"),
        ("0.12345678901234567890123456789", "it is not rounded"),
        ("true", "a number, best as a string"),
        ("[1]", "a number, best as a string"),
    ] {
        let text = quantity(value);
        assert!(text.starts_with("in.jsonl:1:61: "), "{text}");
        assert!(
            text.contains(words) && text.contains("`quantity`"),
            "{text}"
        );
    }
    assert_refused(r#""time":"2020-01-02""#, 7, &["is not RFC 3339"]);
    assert_refused(r#""time":1577836800000"#, 7, &["too small for nanoseconds"]);
    assert_refused(r#""time":99999999999999999999"#, 7, &["1677 to 2262"]);
    assert_refused(r#""time":1.5e18"#, 7, &["whole nanoseconds"]);
    assert_refused(r#""id":"""#, 5, &["1 to 64 characters"]);
    assert_refused(
        &format!(r#""id":"{}""#, "x".repeat(65)),
        5,
        &["1 to 64 characters"],
    );
    assert_refused(r#""id":"a\nb""#, 5, &["a\\nb", "no control characters"]);
    assert_refused(r#""id":7"#, 5, &["`id` is `7`", "a string"]);
    assert_eq!(
        market(&format!(r#""id":"{}""#, "é".repeat(64)))
            .0
            .lines()
            .count(),
        1
    );
    one(&market(&format!(r#""id":"{}""#, "é".repeat(64))).0);
}

#[test]
fn a_cancel_has_an_id_and_perhaps_a_time() {
    let text = refused(r#"{"cancel":"a1","quantity":"1"}"#);
    assert!(
        text.contains("a cancel cannot have the field `quantity`"),
        "{text}"
    );
    assert!(text.starts_with("in.jsonl:1:27: "), "{text}");
    assert!(refused(r#"{"cancel":7}"#).contains("a string"));
}

#[test]
fn what_is_no_object_is_refused() {
    for (line, column, words) in [
        ("[1]", 1, "`[1]` where a JSON object"),
        ("  buy 1 BTC", 3, "`buy 1 BTC` where a JSON object"),
        (r#"{"cancel":"a"} x"#, 16, "trailing characters"),
        (r#"{"cancel":"a"}{"cancel":"b"}"#, 15, "trailing characters"),
        (r#"{"cancel":"a""#, 13, "EOF"),
        (r#"{"cancel":"a",}"#, 15, "trailing comma"),
        (r#"{'cancel':"a"}"#, 2, "not valid JSON"),
    ] {
        let text = refused(line);
        assert!(
            text.starts_with(&format!("in.jsonl:1:{column}: ")),
            "{text}"
        );
        assert!(text.contains(words), "{text}");
    }
    let error = read(b"\n{\"cancel\":\"\xc3\xa9\xff\"}").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("in.jsonl:2:13: this is not UTF-8"),
        "{error}"
    );
}

/// Counts what is taken from it, and never ends.
struct Endless(u64);

impl Read for &mut Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        out.fill(b'x');
        self.0 += out.len() as u64;
        Ok(out.len())
    }
}

#[test]
fn an_endless_line_is_refused_soon() {
    let mut source = Endless(0);
    let mut reader = IntentReader::new("stdin", &mut source);
    let error = reader.next().unwrap().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("stdin:1:1: this line is longer than 65536"),
        "{error}"
    );
    assert!(reader.next().is_none());
    assert!(source.0 < 1_000_000, "{} bytes were read", source.0);
    let mut text = b"{\"cancel\":\"a\"}\n".to_vec();
    text.resize(10_000_000, b' ');
    let mut reader = IntentReader::new("f", &text[..]);
    assert!(reader.next().unwrap().is_ok());
    assert!(matches!(
        reader.next(),
        Some(Err(IntentError::LineTooLong { .. }))
    ));
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk is gone"))
    }
}

#[test]
fn a_failing_source_is_no_bad_data() {
    let text = b"{\"cancel\":\"a\"}\n".chain(Broken);
    let mut reader = IntentReader::new("f", text);
    assert!(reader.next().unwrap().is_ok());
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Unexpected);
    assert!(error.to_string().contains("the disk is gone"));
    assert!(reader.next().is_none());
}

#[test]
fn after_an_error_nothing_follows() {
    let mut reader = IntentReader::new("f", &b"nonsense\n{\"cancel\":\"a\"}\n"[..]);
    let error = reader.next().unwrap().unwrap_err();
    let fault = IntentFault::NotAnObject {
        found: "nonsense".to_owned(),
    };
    assert!(matches!(error, IntentError::Line { fault: f, .. } if f == fault));
    assert!(reader.next().is_none());
}

proptest! {
    #[test]
    fn never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn never_panics_on_something_like_an_intent(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "\"", ":", ",", "\"id\"", "\"type\"", "\"market\"", "\"limit\"", "\"side\"",
                "\"quantity\"", "\"limit_price\"", "\"time\"", "\"cancel\"", "1", "-", "e9", ".5", "null",
                "true", "[", "]", "\n", "\\", "\\u0000", "é", "\u{feff}", "\"buy\"", "\"instrument\"",
            ]),
            0..40,
        )
    ) {
        let _ = read(parts.concat().as_bytes());
    }

    #[test]
    fn an_order_comes_back_as_it_was_written(
        mantissa in 1_u64..u64::MAX,
        scale in 0_u32..18,
        seconds in 100_000_000_i64..9_000_000_000,
        id in "[a-zA-Z0-9 é_\"\\\\-]{1,64}",
        quoted in any::<bool>(),
        reduce_only in any::<bool>(),
    ) {
        let price = Decimal::from_i128_with_scale(mantissa.into(), scale);
        let time = UnixNanos(seconds * 1_000_000_000);
        let number = if quoted { format!("\"{price}\"") } else { price.to_string() };
        let id_text = serde_json::to_string(&id).unwrap();
        let line = format!(
            r#"{{"id":{id_text},"instrument":"A/B","side":"sell","type":"limit","quantity":{number},"limit_price":{number},"reduce_only":{reduce_only},"time":{}}}"#,
            time.0
        );
        let got = read(line.as_bytes()).unwrap().remove(0);
        prop_assert_eq!(got.time, Some(time));
        let Intent::Order { id: got_id, spec } = got.intent else { panic!("{line}") };
        prop_assert_eq!(got_id, Some(id));
        prop_assert_eq!(spec.limit_price.unwrap().to_string(), price.to_string());
        prop_assert_eq!(spec.quantity, price);
        prop_assert_eq!(spec.reduce_only, reduce_only);
    }
}
