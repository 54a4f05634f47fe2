//! The plugin with programs that are a few lines of a shell.

use std::sync::{Arc, Mutex};

use investbot_plugin_api::host::{HostServices, LogRecord};
use investbot_plugin_api::op::{CallHeader, host_op};
use investbot_plugin_api::serde_json::{Value, json};

use super::*;

// The tests' own, which this crate cannot depend on: they depend on everything.
#[path = "../../../tests/src/schema.rs"]
#[allow(unreachable_pub)]
mod schema;

/// A host that remembers what it is told.
#[derive(Clone, Default)]
struct FakeHost {
    told: Arc<Mutex<Vec<String>>>,
}

impl HostServices for FakeHost {
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let mut told = self.told.lock().expect("nobody panics");
        match op {
            host_op::NOW => return Ok(codec::to_vec(&UnixNanos(1_700_000_000_000_000_000))),
            host_op::EVENT => match codec::from_slice(body).expect("an event") {
                VenueEvent::Fill(fill) => told.push(format!("fill {}", fill.fill_id)),
                VenueEvent::Order(report) => told.push(format!("order {}", report.client_order_id)),
                _ => {}
            },
            host_op::LOG => {
                let record: LogRecord = codec::from_slice(body).expect("a log record");
                told.push(format!("{} {}", record.level, record.message));
            }
            _ => {}
        }
        Ok(Vec::new())
    }
}

struct Opened {
    host: FakeHost,
    handle: Host,
    exec: Exec,
}

/// Answers `open`, and keeps what it was told in `$line`.
const GREETING: &str = r#"read -r line; echo '{"id":1,"ok":{"protocol":1}}'"#;

/// Opens the plugin with a script that follows the greeting.
fn open(script: &str) -> Opened {
    let config = json!({
        "program": "sh", "args": format!("-c '{}'", script_of(script)), "restarts": 1, "venue": "east",
    });
    let mut params = OpenParams::new(config.to_string());
    params.seed = 7;
    params.instruments = vec!["BTC/USD".to_owned()];
    let params = params.with_secret("VENUE_KEY", "hush-hush".to_owned().into());
    let host = FakeHost::default();
    let handle = Host::from_services(host.clone());
    let exec = Exec::open(handle.clone(), params).expect("it answers");
    Opened { host, handle, exec }
}

/// As one word of `args`.
fn script_of(script: &str) -> String {
    format!("{GREETING}; {script}").replace('\'', r"'\''")
}

impl Opened {
    fn call(&self) -> Call<'_> {
        let header = CallHeader {
            call_id: 1,
            deadline: Some(UnixNanos(9)),
        };
        Call::new(&self.handle, header)
    }

    fn place(&self) -> Answer<OrderReport> {
        let order = NewOrder::new("a", "BTC/USD", Side::Buy, Decimal::ONE);
        self.exec.place(&self.call(), &order)
    }

    fn told(&self) -> Vec<String> {
        self.host.told.lock().expect("nobody panics").clone()
    }
}

fn report() -> Value {
    json!({
        "client_order_id": "a", "venue_order_id": "v", "instrument": "BTC/USD", "side": "buy", "status": "open",
        "quantity": "1", "filled_quantity": "0.50", "time": 5, "fills": [], "a field of a later version": 1,
    })
}

fn fill() -> Value {
    json!({
        "fill_id": "f", "client_order_id": "a", "venue_order_id": "v", "instrument": "BTC/USD", "side": "buy",
        "price": "100", "quantity": "0.5", "fee": "0", "fee_currency": "", "liquidity": "maker", "time": 5,
    })
}

#[test]
fn what_the_program_is_told_when_it_is_opened() {
    let opened = open(r#"echo "$line" >&2; read -r line"#);
    // Its end is waited for, and with it what it wrote.
    let error = opened.place().expect_err("it ends");
    assert_eq!(error.effect, Effect::Unknown);
    let told = opened.told();
    let line = told
        .iter()
        .find_map(|text| text.strip_prefix("info {"))
        .expect("the first line");
    let said: Value = serde_json::from_str(&format!("{{{line}")).expect("JSON");
    assert_eq!(
        said,
        json!({
            "id": 1, "op": "open", "now": 1_700_000_000_000_000_000_i64, "deadline": null, "protocol": 1,
            "config": { "venue": "east" }, "secrets": { "VENUE_KEY": "[VENUE_KEY]" }, "data_dir": null, "seed": 7,
            "instruments": ["BTC/USD"],
        })
    );
}

#[test]
fn answers_events_and_log_lines_in_their_order() {
    let lines = [
        json!({ "event": { "order": report() } }),
        json!({ "log": { "level": "warn", "message": "the key is hush-hush" } }),
        json!({ "event": { "fill": fill() } }),
        json!({ "id": 2, "ok": report() }),
    ];
    let says: String = lines
        .iter()
        .map(|line| format!("echo '{line}'; "))
        .collect();
    let opened = open(&format!("read -r line; {says} read -r line"));
    let placed = opened.place().expect("it answers");
    assert_eq!(placed.filled_quantity, Decimal::new(50, 2));
    assert_eq!(
        opened.told(),
        ["order a", "warn the key is [VENUE_KEY]", "fill f"]
    );
}

/// What the program says of an order is believed; what it does not say is not made up.
#[test]
fn errors_are_the_programs_own() {
    let error = json!({
        "kind": "rate_limited", "effect": "not_sent", "message": "slower, hush-hush", "venue_code": "429",
        "retry_after_ms": 1500,
    });
    let unsupported = json!({ "kind": "unsupported", "effect": "not_sent", "message": "not here" });
    let opened = open(&format!(
        "read -r line; echo '{}'; read -r line; echo '{}'; read -r line; exit 3",
        json!({ "id": 2, "error": error }),
        json!({ "id": 3, "error": unsupported }),
    ));
    let error = opened.place().expect_err("it refuses");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::RateLimited, Effect::NotSent)
    );
    assert_eq!(error.message, "slower, [VENUE_KEY]");
    assert_eq!(
        error.retry_after(),
        Some(std::time::Duration::from_millis(1500))
    );
    assert_eq!(error.venue_code.as_deref(), Some("429"));
    let error = opened
        .exec
        .server_time(&opened.call())
        .expect_err("it cannot");
    assert_eq!(error.kind, ErrorKind::Unsupported);
    let error = opened.exec.balances(&opened.call()).expect_err("it ends");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Network, Effect::NotSent),
        "a read has done nothing"
    );
    assert!(
        error
            .message
            .contains("`balances` has no answer: the program `sh` ended with exit code 3"),
        "{error}"
    );
}

/// Several requests wait for a program that answers none: each is told what is certain about it.
#[test]
fn everybody_who_waits_is_told() {
    let opened = open("read -r line; read -r line; read -r line; exit 9");
    let errors = std::thread::scope(|threads| {
        let calls = [
            threads.spawn(|| opened.place().map(drop)),
            threads.spawn(|| opened.place().map(drop)),
            threads.spawn(|| opened.exec.health(&opened.call()).map(drop)),
        ];
        calls.map(|call| {
            call.join()
                .expect("no panic")
                .expect_err("no answer")
                .effect
        })
    });
    assert_eq!(errors, [Effect::Unknown, Effect::Unknown, Effect::NotSent]);
}

#[test]
fn a_batch_has_an_answer_for_every_order() {
    let refusal = json!({ "kind": "invalid_order", "effect": "rejected", "message": "no" });
    let batch = json!([{ "ok": report() }, { "error": refusal }, {}]);
    let opened = open(&format!(
        "read -r line; echo '{}'; read -r line; echo '{}'; read -r line",
        json!({ "id": 2, "ok": batch }),
        json!({ "id": 3, "ok": [] }),
    ));
    let orders = ["a", "b", "c"].map(|id| NewOrder::new(id, "BTC/USD", Side::Buy, Decimal::ONE));
    let place = || opened.exec.place_batch(&opened.call(), &orders);
    let answers = place().expect("it answers");
    assert_eq!(
        answers[0].as_ref().map(|report| report.status),
        Ok(OrderStatus::Open)
    );
    let effect = |n: usize| answers[n].as_ref().map_err(|error| error.effect).err();
    assert_eq!(
        (effect(1), effect(2)),
        (Some(Effect::Rejected), Some(Effect::Unknown))
    );
    let error = place().expect_err("too few answers");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Protocol, Effect::Unknown)
    );
}

/// What cannot be had is no error of `health`, which says so.
#[test]
fn it_is_started_again_once_and_then_stays_down() {
    let opened = open("read -r line; exit 3");
    for _ in 0..2 {
        assert_eq!(opened.place().expect_err("it ends").effect, Effect::Unknown);
    }
    let error = opened.place().expect_err("it stays down");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Network, Effect::NotSent)
    );
    let health = opened.exec.health(&opened.call()).expect("an answer");
    assert_eq!(health.status, HealthStatus::Down);
    assert!(
        health.message.contains("failed 2 times in a row"),
        "{}",
        health.message
    );
    assert_eq!(opened.exec.shutdown(&opened.call()), Ok(()));
}

#[test]
fn a_session_ends_with_the_end_of_standard_input() {
    let opened =
        open(r#"read -r line; echo "{\"id\":2,\"ok\":{}}"; read -r line || echo over >&2"#);
    assert_eq!(opened.exec.shutdown(&opened.call()), Ok(()));
    assert_eq!(opened.told(), ["info over"]);
    let error = opened.place().expect_err("there is no session");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Cancelled, Effect::NotSent)
    );
    assert_eq!(
        opened.exec.shutdown(&opened.call()),
        Ok(()),
        "once more does no harm"
    );
}

/// A program that does not read its standard input holds up who writes, and nobody longer than its limit.
#[test]
fn a_program_that_does_not_read_is_ended() {
    let config = json!({ "program": "sh", "args": format!("-c '{}'", script_of("sleep 1000")), "answer_timeout_ms": 500 });
    let handle = Host::from_services(FakeHost::default());
    let exec = Exec::open(handle.clone(), OpenParams::new(config.to_string())).expect("it answers");
    let opened = Opened {
        host: FakeHost::default(),
        handle,
        exec,
    };
    let order = NewOrder::new("a".repeat(1 << 20), "BTC/USD", Side::Buy, Decimal::ONE);
    let effects = std::thread::scope(|threads| {
        let calls = [0, 1].map(|_| threads.spawn(|| opened.exec.place(&opened.call(), &order)));
        calls.map(|call| {
            call.join()
                .expect("no panic")
                .expect_err("no answer")
                .effect
        })
    });
    // One was being written; the other had to wait, and never was.
    assert!(
        effects.contains(&Effect::Unknown) && effects.contains(&Effect::NotSent),
        "{effects:?}"
    );
}

/// Every request, as the program reads it, and an answer to each, as the plugin reads it.
#[test]
fn the_schema_has_every_operation_as_it_is() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/exec-protocol.schema.json"))
            .expect("JSON");
    let dir = tempfile::tempdir().expect("room");
    let file = dir.path().join("said");
    let bar = json!({
        "open_time": 1, "close_time": 2, "open": "1", "high": "1.5", "low": "0.50", "close": "1", "volume": "0",
    });
    let batch = json!([{ "ok": report() }, { "error": { "kind": "auth", "effect": "rejected", "message": "no" } }]);
    let instrument = json!({
        "symbol": "A/B", "base": "A", "quote": "B", "tick_size": "1", "lot_size": "1", "min_quantity": "1",
        "min_notional": "0",
    });
    let fills = json!({ "fills": [fill()], "cursor": "c", "more": true });
    let balances = json!([{ "currency": "A", "total": "1", "available": "-1" }]);
    let positions = json!([{ "instrument": "A/B", "quantity": "1", "average_price": "2" }]);
    let ticker = json!({ "instrument": "A/B", "bid": "1", "ask": null, "time": 3 });
    let answers = [
        ("place", report()),
        ("place_batch", batch),
        ("cancel", report()),
        ("cancel_all", json!([report()])),
        ("amend", report()),
        ("order", report()),
        (
            "open_orders",
            json!({ "orders": [report()], "complete": false }),
        ),
        ("fills_since", fills),
        ("instruments", json!([instrument])),
        ("balances", balances),
        ("positions", positions),
        ("health", json!({ "status": "degraded", "message": "slow" })),
        ("on_bars", json!({})),
        ("bars", json!([bar])),
        ("ticker", ticker),
        ("server_time", json!(4)),
        ("shutdown", Value::Null),
    ];
    let mut script = format!("echo \"$line\" > {};", file.display());
    for (n, (op, answer)) in answers.iter().enumerate() {
        assert_eq!(
            schema::check(&schema, &format!("ok_{op}"), answer),
            Ok(()),
            "{op}"
        );
        let line = json!({ "id": n + 2, "ok": answer });
        assert_eq!(schema::check(&schema, "said", &line), Ok(()), "{op}");
        script += &format!(
            "read -r line; echo \"$line\" >> {}; echo '{line}';",
            file.display()
        );
    }
    let opened = open(&script);
    ask_everything(&opened);
    let said = std::fs::read_to_string(&file).expect("the script wrote it");
    let mut ops = Vec::new();
    for line in said.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let op = line["op"].as_str().expect("a name");
        assert_eq!(schema::check(&schema, "request", &line), Ok(()), "{line}");
        assert_eq!(
            schema::check(&schema, &format!("request_{op}"), &line),
            Ok(())
        );
        ops.push(op.to_owned());
    }
    let expected = std::iter::once("open").chain(answers.iter().map(|(op, _)| *op));
    assert_eq!(ops, expected.collect::<Vec<_>>());
    assert_eq!(
        ops.len(),
        1 + Operation::ALL.len(),
        "an operation is missing here"
    );
}

/// All operations, in the order of the answers.
fn ask_everything(opened: &Opened) {
    let (exec, call) = (&opened.exec, &opened.call());
    let mut order = NewOrder::new("a", "A/B", Side::Buy, Decimal::ONE);
    order.limit_price = Some(Decimal::new(150, 2));
    let name = OrderRef::new("A/B", "a");
    let bar = Bar {
        open_time: UnixNanos(1),
        close_time: UnixNanos(2),
        open: Decimal::ONE,
        high: Decimal::ONE,
        low: Decimal::ONE,
        close: Decimal::ONE,
        volume: Decimal::ZERO,
    };
    let batch = BarBatch {
        instrument: "A/B".to_owned(),
        bars: vec![bar],
    };
    let query = BarsQuery {
        instrument: "A/B".to_owned(),
        interval_ns: 60_000_000_000,
        from: UnixNanos(1),
        to: UnixNanos(2),
    };
    let done = [
        exec.place(call, &order).map(drop),
        exec.place_batch(call, &[order.clone(), order]).map(drop),
        exec.cancel(call, &CancelOrder::new(name.clone())).map(drop),
        exec.cancel_all(call, None).map(drop),
        exec.amend(call, &AmendOrder::new(name.clone())).map(drop),
        exec.order(call, &name).map(drop),
        exec.open_orders(call).map(drop),
        exec.fills_since(call, Some("c")).map(drop),
        exec.instruments(call).map(drop),
        exec.balances(call).map(drop),
        exec.positions(call).map(drop),
        exec.health(call).map(drop),
        exec.on_bars(call, &batch),
        exec.bars(call, &query).map(drop),
        exec.ticker(call, "A/B").map(drop),
        exec.server_time(call).map(drop),
        exec.shutdown(call),
    ];
    assert!(done.iter().all(Result::is_ok), "{done:?}");
}

/// What a program said last is heard, whether the request could be written or not.
#[test]
fn a_program_that_ends_before_it_reads() {
    let config = json!({ "program": "sh", "args": "-c 'echo hello'" });
    for _ in 0..20 {
        let host = Host::from_services(FakeHost::default());
        let error = Exec::open(host, OpenParams::new(config.to_string())).err();
        let text = error.expect("this is no answer").message;
        assert!(text.contains("wrote a line that makes no sense"), "{text}");
    }
}

#[test]
fn a_program_that_closes_its_standard_input_and_lives() {
    let greeting = json!({ "id": 1, "ok": { "protocol": 1 } });
    let script = format!(
        r#"-c "read -r line; exec <&-; echo '{}'; sleep 1000""#,
        greeting.to_string().replace('"', r#"\""#)
    );
    let handle = Host::from_services(FakeHost::default());
    let config = json!({ "program": "sh", "args": script });
    let exec = Exec::open(handle.clone(), OpenParams::new(config.to_string())).expect("it answers");
    let opened = Opened {
        host: FakeHost::default(),
        handle,
        exec,
    };
    let error = opened.place().expect_err("it is found out");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Network, Effect::Unknown)
    );
    assert!(
        error.message.contains("closed its standard input"),
        "{error}"
    );
}
