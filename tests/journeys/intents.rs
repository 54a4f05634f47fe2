//! Strategies in any language: intents as JSON lines in, execution reports as JSON lines out.

use crate::program::{Ended, run};
use investbot_tests::scratch;
use serde_json::{Value, json};

const VENUES: [&str; 2] = ["paper", "stub"];

/// A market order with an id.
fn buy(id: &str, quantity: &str) -> String {
    order(json!({ "id": id, "quantity": quantity }))
}

/// A market order to buy, with these fields added or changed.
fn order(fields: Value) -> String {
    let mut order = json!({
        "instrument": "BTC/USD", "side": "buy", "type": "market", "quantity": "0.1",
    });
    let Value::Object(fields) = fields else {
        panic!("fields are an object")
    };
    order.as_object_mut().unwrap().extend(fields);
    order.to_string()
}

/// A run of these lines.
fn intents(lines: &[impl AsRef<str>], args: &[&str]) -> Ended {
    let lines: String = lines
        .iter()
        .map(|line| format!("{}\n", line.as_ref()))
        .collect();
    run(["--intents", "-"]).args(args).stdin(lines).end()
}

/// What is said about the intents of a file.
fn refusal(line: &str) -> String {
    let dir = scratch();
    dir.file("orders.jsonl", format!("{}\n{line}\n", buy("good", "0.1")));
    let ended = run(["--intents", "orders.jsonl", "--exchange", "stub"])
        .in_dir(&dir)
        .end()
        .with_code(3);
    assert!(
        ended.lines().iter().any(|line| line["state"] == "filled"),
        "the line before it was taken: {}",
        ended.stdout
    );
    ended.stderr
}

#[test]
fn the_format_then_reports_then_the_summary() {
    for venue in VENUES {
        let ended = intents(&[buy("a", "0.1")], &["--exchange", venue]).with_code(0);
        let lines = ended.lines();
        assert_eq!(
            lines[0],
            json!({ "kind": "format", "format": "investbot.run", "version": 1 })
        );
        let reports = ended.reports();
        let numbers: Vec<_> = reports
            .iter()
            .map(|r| r["sequence"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, (1..=reports.len() as u64).collect::<Vec<_>>());
        let fill = reports
            .iter()
            .find(|r| r["kind"] == "fill")
            .expect("it is filled");
        assert_eq!(
            (&fill["id"], &fill["state"]),
            (&json!("a"), &json!("filled"))
        );
        let result = &ended.summary()["result"];
        assert_eq!(result["orders"], json!({ "filled": 1 }));
        assert_eq!(result["position"], "0.1");
        assert!(
            ended.stderr.contains("intents on BTC/USD"),
            "the table is for people"
        );
        let quiet = intents(&[buy("a", "0.1")], &["--exchange", venue, "--quiet"]).with_code(0);
        assert_eq!(quiet.stderr, "");
        assert_eq!(quiet.digest(), ended.digest());
    }
}

#[test]
fn no_intents_at_all() {
    for lines in ["", "\n\n"] {
        let ended = run(["--intents", "-"]).stdin(lines).end().with_code(0);
        assert_eq!(ended.reports(), [] as [Value; 0]);
        assert_eq!(ended.summary()["ended"], "complete");
    }
}

#[test]
fn lines_that_are_no_intents() {
    insta::assert_snapshot!(refusal(&order(json!({ "quantty": "0.1" }))), @"error: orders.jsonl:2:42: unknown field `quantty`; did you mean `quantity`?");
    insta::assert_snapshot!(refusal(&order(json!({ "quantity": "-0.1" }))), @r#"error: orders.jsonl:2:36: `quantity` is `"-0.1"`, and must be above 0; to sell, use "side":"sell""#);
    insta::assert_snapshot!(refusal(&order(json!({ "quantity": 0 }))), @r#"error: orders.jsonl:2:36: `quantity` is `0`, and must be above 0; to sell, use "side":"sell""#);
    insta::assert_snapshot!(refusal(&order(json!({ "side": "bye" }))), @"error: orders.jsonl:2:49: `side` is `bye`; did you mean `buy`?");
    insta::assert_snapshot!(refusal(&order(json!({ "type": "limit" }))), @"error: orders.jsonl:2:1: a limit order needs the field `limit_price`; add it");
    insta::assert_snapshot!(refusal("[1, 2]"), @"error: orders.jsonl:2:1: found `[1, 2]` where a JSON object was expected; write one object a line");
    insta::assert_snapshot!(refusal("{\"id\": \"b\""), @"error: orders.jsonl:2:10: this is not valid JSON: EOF while parsing an object; write one object a line");
}

/// Nobody's memory grows with a line that does not end.
#[test]
fn a_line_of_ten_megabytes() {
    let mut line = buy("a", "0.1");
    line.insert_str(
        line.len() - 1,
        &format!(", \"id\": \"{}\"", "x".repeat(10 << 20)),
    );
    let said = refusal(&line);
    assert!(
        said.contains("orders.jsonl:2:1: this line is longer than"),
        "{said}"
    );
    assert!(said.len() < 300, "{said}");
}

#[test]
fn files_that_cannot_be_read() {
    let dir = scratch();
    let said = |path: &str| {
        run(["--intents", path])
            .in_dir(&dir)
            .end()
            .with_code(3)
            .stderr
    };
    insta::assert_snapshot!(said("missing.jsonl"), @r"
    error: cannot open the intents missing.jsonl: No such file or directory (os error 2)
      hint: check --intents; `-` reads standard input
    ");
    insta::assert_snapshot!(said("."), @r"
    error: cannot open the intents .: is a directory
      hint: check --intents; `-` reads standard input
    ");
}

#[test]
fn the_same_id_again_is_not_sent_twice() {
    for venue in VENUES {
        let dir = scratch();
        let lines = [
            buy("a", "0.1"),
            buy("a", "0.1"),
            buy("a", "0.10"),
            buy("b", "0.1"),
        ];
        let ended = intents(
            &lines,
            &[
                "--exchange",
                venue,
                "--run-dir",
                dir.join("run").to_str().unwrap(),
            ],
        )
        .with_code(0);
        let again = ended
            .reports()
            .iter()
            .filter(|r| r["code"] == "DUPLICATE_INTENT")
            .count();
        assert_eq!(again, 2);
        let result = &ended.summary()["result"];
        assert_eq!(result["orders"], json!({ "filled": 2 }));
        assert_eq!(result["position"], "0.2");
        let ledger = std::fs::read_to_string(dir.join("run/venue/ledger.jsonl")).unwrap();
        let of_a = ended.reports()[0]["client_order_id"].clone();
        let orders = ledger
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|record| record["client_order_id"] == of_a)
            .filter(|record| venue == "stub" || record["type"] == "order")
            .count();
        assert_eq!(orders, 1, "{ledger}");
    }
}

#[test]
fn the_same_id_with_other_parameters_stops_the_run() {
    for venue in VENUES {
        let lines = [buy("a", "0.1"), buy("a", "0.2"), buy("b", "0.1")];
        let ended = intents(&lines, &["--exchange", venue]).with_code(3);
        let reports = ended.reports();
        let conflict: Vec<_> = reports
            .iter()
            .filter(|r| r["code"] == "IDEMPOTENCY_CONFLICT")
            .collect();
        assert_eq!(conflict.len(), 2, "the line, and the halt");
        assert_eq!(conflict[1]["kind"], "halt");
        assert!(
            reports.iter().all(|r| r["id"] != "b"),
            "nothing after it is taken up"
        );
        let summary = ended.summary();
        assert_eq!(summary["ended"], "halted");
        assert_eq!(summary["reason"]["code"], "IDEMPOTENCY_CONFLICT");
        let state = if venue == "stub" {
            "filled"
        } else {
            "accepted"
        };
        assert_eq!(
            summary["result"]["orders"],
            json!({ state: 1 }),
            "no bar was shown"
        );
        assert!(
            ended.stderr.contains(
                "halted (IDEMPOTENCY_CONFLICT): the id `a` came again with other parameters"
            ),
            "{}",
            ended.stderr
        );
    }
}

/// A program that waits for the report of an order before it writes the next one. Nothing may wait for
/// the end of the stream, for a full buffer, or for a bar.
#[test]
fn a_conversation() {
    for (venue, first_answer) in [("paper", "accepted"), ("stub", "filled")] {
        for pace in ["virtual", "realtime"] {
            let mut live = run(["--intents", "-", "--exchange", venue, "--pace", pace]).start();
            assert_eq!(live.hear()["kind"], "format", "at once");
            for n in 0..3 {
                let id = format!("order-{n}");
                live.say(&buy(&id, "0.1"));
                let answer = live.hear_until(|report| report["state"] == first_answer);
                assert_eq!(answer["id"], id, "{venue} {pace}");
            }
            let ended = live.end().with_code(0);
            let summary = ended.summary();
            assert_eq!(summary["ended"], "complete");
            assert_eq!(summary["result"]["orders"], json!({ "filled": 3 }));
        }
    }
}

/// Cancels, and orders that wait for their price, at times of the market.
#[test]
fn orders_in_the_course_of_the_bars() {
    let limit = |fields: Value| {
        let mut all = json!({ "type": "limit", "side": "buy" });
        all.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        order(all)
    };
    let lines = [
        limit(json!({ "id": "far", "limit_price": "1000", "time": "2017-10-02T00:00:00Z" })),
        limit(json!({ "id": "near", "limit_price": "4300", "time": "2017-10-03T00:00:00Z" })),
        json!({ "cancel": "far", "time": "2017-11-01T00:00:00Z" }).to_string(),
        json!({ "cancel": "near", "time": "2017-11-02T00:00:00Z" }).to_string(),
        json!({ "cancel": "nobody" }).to_string(),
    ];
    let ended = intents(&lines, &[]).with_code(0);
    let reports = ended.reports();
    let last = |id: &str| reports.iter().rfind(|r| r["id"] == id).unwrap().clone();
    assert_eq!(last("far")["state"], "cancelled");
    assert_eq!(last("near")["code"], "ALREADY_FINAL");
    assert_eq!(last("near")["state"], "filled");
    assert_eq!(last("nobody")["code"], "UNKNOWN_ORDER");
    let fill = reports.iter().find(|r| r["kind"] == "fill").unwrap();
    assert_eq!(fill["fill"]["price"], "4300");
    assert_eq!(
        ended.summary()["result"]["orders"],
        json!({ "cancelled": 1, "filled": 1 })
    );
}
