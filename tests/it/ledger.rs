//! The host's books against the venue's own ledger, an independent record of what really happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use investbot_tests::run::{Ran, Session, realish, run};
use rust_decimal::Decimal;
use serde_json::Value;

/// What the host recorded of its orders: client order id to last state.
fn host_orders(dir: &Path) -> BTreeMap<String, String> {
    lines(&dir.join("run/reports.jsonl"))
        .iter()
        .filter_map(|report| {
            let id = report["client_order_id"]
                .as_str()
                .filter(|id| !id.is_empty())?;
            Some((id.to_owned(), report["state"].as_str()?.to_owned()))
        })
        .collect()
}

/// Fills as (fill id, side, price, quantity, fee).
type Fills = BTreeSet<(String, String, Decimal, Decimal, Decimal)>;

fn host_fills(dir: &Path) -> Fills {
    let text = std::fs::read_to_string(dir.join("run/fills.csv")).unwrap();
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let values: Vec<&str> = line.split(',').collect();
            let get = |name: &str| values[columns.iter().position(|c| *c == name).unwrap()];
            let number = |name: &str| get(name).parse::<Decimal>().unwrap().normalize();
            (
                get("fill_id").to_owned(),
                get("side").to_owned(),
                number("price"),
                number("quantity"),
                number("fee"),
            )
        })
        .collect()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

fn number(value: &Value) -> Decimal {
    text(value).parse::<Decimal>().unwrap().normalize()
}

/// The ledger of paper and realish: orders and fills as the venue wrote them.
struct Ledger {
    orders: Vec<String>,
    fills: Fills,
    position: Decimal,
}

fn ledger(dir: &Path) -> Ledger {
    let mut ledger = Ledger {
        orders: Vec::new(),
        fills: Fills::new(),
        position: Decimal::ZERO,
    };
    for line in lines(&dir.join("run/venue/ledger.jsonl")) {
        match line["type"].as_str() {
            Some("order") => ledger.orders.push(text(&line["client_order_id"])),
            Some("fill") => {
                let (side, quantity) = (text(&line["side"]), number(&line["quantity"]));
                ledger.position += if side == "buy" { quantity } else { -quantity };
                ledger.fills.insert((
                    text(&line["fill_id"]),
                    side,
                    number(&line["price"]),
                    quantity,
                    number(&line["fee"]),
                ));
            }
            _ => {}
        }
    }
    ledger
}

/// Runs it with a run directory and compares the two records.
fn audit(session: Session, what: &str) -> Ran {
    let mut session = session.args(&["--run-dir", "run", "--json"]);
    let ran = session.output();
    assert!(
        matches!(ran.code, Some(0 | 5)),
        "{what}: {:?} {}",
        ran.code,
        ran.stderr
    );
    let (host, venue) = (host_orders(&session.dir), ledger(&session.dir));

    let distinct: BTreeSet<&String> = venue.orders.iter().collect();
    assert_eq!(
        distinct.len(),
        venue.orders.len(),
        "{what}: an order was sent twice"
    );
    for id in &distinct {
        let state = host
            .get(*id)
            .unwrap_or_else(|| panic!("{what}: {id} is unknown to the host"));
        let denies = ["rejected", "abandoned", "absent", "denied", "new"].contains(&state.as_str());
        assert!(
            !denies,
            "{what}: the host calls {id} {state}, and the venue has it"
        );
    }
    for (id, state) in &host {
        let claims = [
            "accepted",
            "partially_filled",
            "filled",
            "cancelled",
            "expired",
        ];
        if claims.contains(&state.as_str()) {
            assert!(
                distinct.contains(id),
                "{what}: the host calls {id} {state}, the venue has none"
            );
        }
    }
    let open_questions = host
        .values()
        .any(|state| state == "held" || state == "in_doubt");
    assert_eq!(ran.code == Some(5), open_questions, "{what}");
    if !open_questions {
        assert_eq!(
            host_fills(&session.dir),
            venue.fills,
            "{what}: fills differ"
        );
        let position = number(&ran.summary()["result"]["position"]);
        assert_eq!(
            position,
            venue.position.normalize(),
            "{what}: positions differ"
        );
    }
    ran
}

#[test]
fn paper_agrees_with_the_host() {
    for strategy in ["sma-cross", "mean-reversion", "buy-and-hold"] {
        let ran = audit(run(&["--strategy", strategy]), strategy);
        assert!(
            ran.summary()["result"]["fills"].as_u64().unwrap() > 0,
            "{strategy}"
        );
    }
}

#[test]
fn the_stub_agrees_with_the_host() {
    let mut session = run(&["--exchange", "stub", "--run-dir", "run", "--json"]);
    let ran = session.output().expect(0);
    let orders = lines(&session.path("run/venue/ledger.jsonl"));
    let ledger: BTreeSet<(String, Decimal, Decimal)> = orders
        .iter()
        .map(|o| {
            (
                text(&o["client_order_id"]),
                number(&o["price"]),
                number(&o["quantity"]),
            )
        })
        .collect();
    assert_eq!(ledger.len(), orders.len(), "an order was sent twice");
    let host: BTreeSet<(String, Decimal, Decimal)> = host_fills(&session.dir)
        .into_iter()
        .map(|(id, _, price, quantity, _)| (id, price, quantity))
        .collect();
    assert_eq!(host, ledger);
    assert_eq!(
        ran.summary()["result"]["fills"].as_u64().unwrap(),
        ledger.len() as u64
    );
}

/// A network on which hardly anything works.
const TERRIBLE: &[&str] = &[
    "--set",
    "connect_failure=0.2",
    "--set",
    "request_lost=0.15",
    "--set",
    "request_delayed=0.15",
    "--set",
    "ack_lost=0.15",
    "--set",
    "connection_reset=0.1",
    "--set",
    "read_failure=0.2",
    "--set",
    "event_lost=0.3",
    "--set",
    "event_late=0.3",
    "--set",
    "event_doubled=0.3",
];

#[test]
fn realish_agrees_with_the_host_on_its_usual_network() {
    for seed in 1..=6 {
        audit(
            realish(&["--seed", &seed.to_string()]),
            &format!("seed {seed}"),
        );
    }
}

#[test]
fn realish_agrees_with_the_host_on_a_terrible_network() {
    let mut questions = 0;
    for seed in 1..=12 {
        let seed = seed.to_string();
        let session = realish(&["--seed", &seed, "--to", "2018-04-01T00:00:00Z"]).args(TERRIBLE);
        let ran = audit(session, &format!("seed {seed}"));
        questions += u32::from(ran.code == Some(5));
    }
    // Class B settles everything that it can ask about; only a venue that never answers leaves questions.
    assert!(
        questions <= 6,
        "{questions} of 12 runs ended with orders held"
    );
}
