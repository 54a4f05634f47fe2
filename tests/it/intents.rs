//! Orders from any program: JSON lines in, execution reports out.

use investbot_tests::run::{Ran, run};

fn order(id: &str, more: &str) -> String {
    format!(r#"{{"id":"{id}","instrument":"BTC/USD","side":"buy","type":"market"{more}}}"#)
}

fn states(ran: &Ran, id: &str) -> Vec<String> {
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    ran.reports()
        .iter()
        .filter(|r| r["id"] == id)
        .map(|r| text(&r["state"]))
        .collect()
}

/// The code that an order was denied with.
fn denial(args: &[&str], lines: &str) -> (Ran, Option<String>) {
    let ran = run(&["--exchange", "stub", "--intents", "i.jsonl"])
        .args(args)
        .file("i.jsonl", lines)
        .output();
    let reports = ran.reports();
    let denied = reports.iter().find(|r| r["state"] == "denied");
    let code = denied.and_then(|r| r["code"].as_str()).map(str::to_owned);
    (ran, code)
}

#[test]
fn a_program_hears_of_each_order_before_it_says_the_next() {
    for pace in ["virtual", "realtime"] {
        let mut talk = run(&[
            "--exchange",
            "stub",
            "--set",
            "latency_ms=1",
            "--intents",
            "-",
            "--pace",
            pace,
        ])
        .talk();
        assert_eq!(talk.hear()["format"], "investbot.run");
        for id in ["one", "two", "three"] {
            talk.say(&order(id, r#","quantity":"1""#));
            assert_eq!(talk.hear_state("filled")["id"], id, "{pace}");
        }
        let ran = talk.finish().expect(0);
        assert_eq!(ran.summary()["result"]["fills"], 3);
    }
}

#[test]
fn orders_take_effect_at_their_time_and_can_be_taken_back() {
    let lines = [
        order(
            "market",
            r#","quantity":"0.5","time":"2017-10-01T12:00:00Z""#,
        ),
        order(
            "limit",
            r#","quantity":0.1,"limit_price":"1000","time":"2017-10-01T12:00:00Z""#,
        )
        .replace(r#""type":"market""#, r#""type":"limit""#),
        r#"{"cancel":"limit","time":"2017-10-02T12:00:00Z"}"#.to_owned(),
        r#"{"cancel":"nobody"}"#.to_owned(),
    ]
    .join("\n");
    let ran = run(&["--intents", "i.jsonl"])
        .file("i.jsonl", lines)
        .output()
        .expect(0);
    assert_eq!(states(&ran, "market"), ["new", "accepted", "filled"]);
    assert_eq!(states(&ran, "limit"), ["new", "accepted", "cancelled"]);
    assert!(ran.reports().iter().any(|r| r["code"] == "UNKNOWN_ORDER"));
    // The bar that opens at noon is the first that the order may be filled on.
    let reports = ran.reports();
    let fill = reports
        .iter()
        .find(|r| r["kind"] == "fill")
        .expect("it was filled");
    assert_eq!(fill["time"], 1_506_859_200_000_000_000_i64);
}

#[test]
fn every_limit_denies_with_its_code() {
    let buy = order("a", r#","quantity":"1""#);
    let two = format!("{buy}\n{}", order("b", r#","quantity":"1""#));
    let limit = r#"{"instrument":"BTC/USD","side":"buy","type":"limit","quantity":"1","limit_price":"9999","time":"2017-10-02T00:00:00Z"}"#;
    for (flag, value, lines, code) in [
        (
            "--max-order-quantity",
            "0.5",
            buy.as_str(),
            "MAX_ORDER_QUANTITY",
        ),
        ("--max-order-notional", "500", limit, "MAX_ORDER_NOTIONAL"),
        ("--max-position", "1.5", &two, "MAX_POSITION"),
        ("--price-band-percent", "10", limit, "PRICE_BAND"),
        (
            "--max-orders-per-minute",
            "1",
            &two,
            "MAX_ORDERS_PER_MINUTE",
        ),
    ] {
        let (ran, denied) = denial(&[flag, value], lines);
        assert_eq!(denied.as_deref(), Some(code), "{flag}: {}", ran.stdout);
        let (_, without) = denial(&[], lines);
        assert_eq!(without, None, "{flag}");
    }
}

#[test]
fn what_the_venue_does_not_take_is_denied_and_not_sent() {
    for (line, code) in [
        (
            order("a", r#","quantity":"1""#).replace("BTC", "XRP"),
            "UNKNOWN_INSTRUMENT",
        ),
        (
            order("a", r#","quantity":"1","reduce_only":true"#),
            "UNSUPPORTED_FIELD",
        ),
        (
            order("a", r#","quantity":"1","time_in_force":"day""#),
            "UNSUPPORTED_TIME_IN_FORCE",
        ),
        (
            order("a", r#","quantity":"1","stop_price":"1""#).replace("market", "stop"),
            "UNSUPPORTED_ORDER_TYPE",
        ),
        (order("a", r#","quantity":"0.000000001""#), "LOT_SIZE"),
    ] {
        let (ran, denied) = denial(&[], &line);
        assert_eq!(denied.as_deref(), Some(code), "{line}: {}", ran.stdout);
    }
}

#[test]
fn a_loss_above_the_limit_halts_the_run() {
    let ran = run(&[
        "--strategy",
        "buy-and-hold",
        "--loss-limit",
        "500",
        "--json",
    ])
    .output();
    let ran = ran.expect(6);
    let summary = ran.summary();
    assert_eq!(summary["ended"], "halted");
    assert_eq!(summary["reason"]["code"], "LOSS_LIMIT");
}
