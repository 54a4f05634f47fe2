//! Limits of the configuration: what they refuse is told with a stable code, and nothing is sent.

use crate::program::{Ended, run};
use serde_json::{Value, json};

fn order(fields: Value) -> String {
    let mut order =
        json!({ "instrument": "BTC/USD", "side": "buy", "type": "market", "quantity": "0.1" });
    order
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    order.to_string()
}

/// A run of these intents at the beginning of 2018, when a bitcoin cost about 13,500.
fn intents(limit: [&str; 2], lines: &[Value]) -> Ended {
    let stream: String = lines
        .iter()
        .map(|fields| {
            let mut fields = fields.clone();
            let time = fields["time"]
                .as_str()
                .unwrap_or("2018-01-01T12:00:00Z")
                .to_owned();
            fields["time"] = time.into();
            order(fields) + "\n"
        })
        .collect();
    run(["--intents", "-", "--exchange", "stub", "--quiet"])
        .args(limit)
        .stdin(stream)
        .end()
}

/// Whether each order was filled, or the code of its denial.
fn verdicts(ended: &Ended) -> Vec<String> {
    let reports = ended.reports();
    let last = |r: &&Value| r["state"] == "denied" || r["state"] == "filled";
    reports
        .iter()
        .filter(last)
        .map(|r| {
            let code = r["code"].as_str().unwrap_or("filled");
            if code != "filled" {
                assert_eq!(r["state"], "denied");
                assert_eq!(r["client_order_id"], "", "nothing was sent");
                assert!(r["text"].as_str().is_some_and(|text| !text.is_empty()));
            }
            code.to_owned()
        })
        .collect()
}

fn judged(limit: [&str; 2], lines: &[Value]) -> Vec<String> {
    let ended = intents(limit, lines).with_code(0);
    let verdicts = verdicts(&ended);
    let denied = verdicts.iter().filter(|v| *v != "filled").count();
    assert_eq!(ended.summary()["result"]["orders"]["denied"], denied);
    verdicts
}

#[test]
fn each_limit_denies_with_its_code() {
    let quantities = [
        json!({ "quantity": "0.5" }),
        json!({ "quantity": "0.50001" }),
        json!({ "quantity": "0.5" }),
    ];
    assert_eq!(
        judged(["--max-order-quantity", "0.5"], &quantities),
        ["filled", "MAX_ORDER_QUANTITY", "filled"]
    );

    let prices = [
        json!({ "quantity": "0.05" }),
        json!({ "quantity": "0.1" }),
        json!({ "type": "limit", "limit_price": "10000", "quantity": "0.1" }),
        json!({ "type": "limit", "limit_price": "10000.01", "quantity": "0.1" }),
    ];
    assert_eq!(
        judged(["--max-order-notional", "1000"], &prices),
        [
            "filled",
            "MAX_ORDER_NOTIONAL",
            "filled",
            "MAX_ORDER_NOTIONAL"
        ]
    );

    let positions = [
        json!({ "quantity": "0.3" }),
        json!({ "quantity": "0.3" }),
        json!({ "quantity": "0.2" }),
        json!({ "quantity": "1.0", "side": "sell" }),
        json!({ "quantity": "0.1", "side": "sell" }),
    ];
    assert_eq!(
        judged(["--max-position", "0.5"], &positions),
        ["filled", "MAX_POSITION", "filled", "filled", "MAX_POSITION"]
    );

    let band = [
        json!({ "type": "limit", "limit_price": "13500" }),
        json!({ "type": "limit", "limit_price": "16000" }),
        json!({ "type": "limit", "limit_price": "11000" }),
        json!({}),
    ];
    assert_eq!(
        judged(["--price-band-percent", "5"], &band),
        ["filled", "PRICE_BAND", "PRICE_BAND", "filled"]
    );

    let times = ["12:00:00", "12:00:10", "12:00:20", "12:01:00", "12:01:30"];
    let times = times.map(|time| json!({ "time": format!("2018-01-01T{time}Z") }));
    assert_eq!(
        judged(["--max-orders-per-minute", "2"], &times),
        [
            "filled",
            "filled",
            "MAX_ORDERS_PER_MINUTE",
            "filled",
            "filled"
        ]
    );
}

/// What the venue's own rules forbid is denied before it is sent, too.
#[test]
fn orders_that_the_venue_could_not_take() {
    let lines = [
        json!({ "instrument": "DOGE/USD" }),
        json!({ "type": "stop", "stop_price": "14000" }),
        json!({ "reduce_only": true }),
        json!({ "quantity": "0.123456789" }),
    ];
    assert_eq!(
        judged(["--seed", "0"], &lines),
        [
            "UNKNOWN_INSTRUMENT",
            "UNSUPPORTED_ORDER_TYPE",
            "UNSUPPORTED_FIELD",
            "LOT_SIZE"
        ]
    );
}

/// A loss halts the run: nothing new is sent, and the exit code says so.
#[test]
fn a_loss_halts_the_run() {
    // Everything into bitcoin in December 2017, of which half is lost by February.
    let lines = [
        json!({ "quantity": "0.5", "time": "2017-12-17T00:00:00Z" }),
        json!({ "id": "late", "time": "2018-03-01T00:00:00Z" }),
    ];
    let ended = intents(["--loss-limit", "3000"], &lines).with_code(6);
    let summary = ended.summary();
    assert_eq!(summary["ended"], "halted");
    assert_eq!(summary["reason"]["code"], "LOSS_LIMIT");
    assert_eq!(summary["result"]["orders"], json!({ "filled": 1 }));
    let reports = ended.reports();
    assert!(
        reports
            .iter()
            .any(|r| r["kind"] == "halt" && r["code"] == "LOSS_LIMIT")
    );
    assert!(
        reports.iter().all(|r| r["id"] != "late"),
        "it is not even looked at"
    );

    let bars = run([
        "--strategy",
        "buy-and-hold",
        "--loss-limit",
        "2000",
        "--from",
        "2018-01-01",
    ])
    .end()
    .with_code(6);
    assert!(
        bars.stdout
            .contains("halted (LOSS_LIMIT): the account lost"),
        "{}",
        bars.stdout
    );
    let bars = run([
        "--strategy",
        "buy-and-hold",
        "--loss-limit",
        "9000",
        "--from",
        "2018-01-01",
    ])
    .end();
    let _ = bars.with_code(0);
}

#[test]
fn a_strategy_runs_on_within_its_limits() {
    let ended = run(["--json", "--max-order-quantity", "0.01"])
        .end()
        .with_code(0);
    let orders = &ended.summary()["result"]["orders"];
    assert!(orders["denied"].as_u64().unwrap() > 100, "{orders}");
    assert_eq!(orders["filled"], Value::Null);
}
