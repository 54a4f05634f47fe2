//! Two records of one run that know nothing of each other: what the host wrote, and what the venue wrote.

use std::collections::BTreeMap;
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::Value;

/// One execution, as both sides know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Of the order.
    pub client_order_id: String,
    /// The instrument's symbol.
    pub instrument: String,
    /// `buy` or `sell`.
    pub side: String,
    /// In quote currency per base unit.
    pub price: Decimal,
    /// In base units.
    pub quantity: Decimal,
    /// What the venue took.
    pub fee: Decimal,
    /// Of what.
    pub fee_currency: String,
}

/// Executions by the venue's id.
pub type Fills = BTreeMap<String, Fill>;

/// An order in the venue's ledger.
#[derive(Debug)]
pub struct VenueOrder {
    /// In base units.
    pub quantity: Decimal,
    /// How much of it was executed.
    pub filled: Decimal,
    /// The status it left the book with.
    pub closed: Option<String>,
}

impl VenueOrder {
    /// What the host has to call it.
    fn state(&self) -> &str {
        match &self.closed {
            Some(status) => status,
            None if self.filled == self.quantity => "filled",
            None if self.filled.is_zero() => "accepted",
            None => "partially_filled",
        }
    }
}

/// The venue's ledger, added up.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By client order id; more than one if the host sent it twice.
    pub orders: BTreeMap<String, Vec<VenueOrder>>,
    /// What was executed.
    pub fills: Fills,
    /// What the account was given, by currency.
    pub deposits: BTreeMap<String, Decimal>,
}

impl Ledger {
    /// The ledger in a run directory.
    pub fn read(run_dir: &Path) -> Self {
        let mut ledger = Self::default();
        for record in json_lines(&run_dir.join("venue/ledger.jsonl")) {
            ledger.add(&record);
        }
        ledger
    }

    fn add(&mut self, record: &Value) {
        match record["type"].as_str() {
            Some("deposit") => {
                *self.deposits.entry(text(record, "currency")).or_default() +=
                    decimal(record, "amount");
            }
            Some("order") => self.open(record),
            Some("fill") => self.fill(record, text(record, "fill_id")),
            Some("close") => {
                let order = self.order(record);
                assert_eq!(order.closed, None, "closed twice: {record}");
                order.closed = Some(text(record, "status"));
            }
            Some("trigger") => {}
            Some(other) => panic!("an unknown record `{other}`"),
            // The stub's orders are filled when they are taken up, and cost nothing.
            None => {
                self.open(record);
                let mut fill = record.clone();
                fill["fee"] = "0".into();
                fill["fee_currency"] = "".into();
                self.fill(&fill, text(record, "client_order_id"));
            }
        }
    }

    fn open(&mut self, record: &Value) {
        let orders = self
            .orders
            .entry(text(record, "client_order_id"))
            .or_default();
        orders.push(VenueOrder {
            quantity: decimal(record, "quantity"),
            filled: Decimal::ZERO,
            closed: None,
        });
    }

    fn order(&mut self, record: &Value) -> &mut VenueOrder {
        let id = text(record, "client_order_id");
        let orders = self
            .orders
            .get_mut(&id)
            .and_then(|orders| orders.last_mut());
        orders.unwrap_or_else(|| panic!("no such order: {record}"))
    }

    fn fill(&mut self, record: &Value, id: String) {
        let fill = Fill::of(record, record);
        self.order(record).filled += fill.quantity;
        let before = self.fills.insert(id, fill);
        assert_eq!(before, None, "an execution has a name of its own");
    }

    /// What the account holds of the quote currency, and of the instrument.
    pub fn account(&self, cash: Decimal) -> (Decimal, Decimal) {
        let deposited = self.deposits.get("USD").copied().unwrap_or(cash);
        self.fills
            .values()
            .fold((deposited, Decimal::ZERO), |(cash, position), fill| {
                let bought = if fill.side == "buy" {
                    fill.quantity
                } else {
                    -fill.quantity
                };
                assert!(fill.fee.is_zero() || fill.fee_currency == "USD");
                (cash - bought * fill.price - fill.fee, position + bought)
            })
    }
}

/// The host's record of the run.
pub struct Host {
    /// The last state of each order that got a client order id.
    pub orders: BTreeMap<String, String>,
    /// What `fills.csv` says.
    pub fills: Fills,
    /// What `fills.jsonl` says.
    pub fills_jsonl: Fills,
    /// What `summary.json` says.
    pub summary: Value,
}

impl Host {
    /// The record in a run directory.
    pub fn read(run_dir: &Path) -> Self {
        let mut orders = BTreeMap::new();
        for report in json_lines(&run_dir.join("reports.jsonl")) {
            let kind = text(&report, "kind");
            assert_ne!(kind, "unmatched_fill", "{report}");
            if matches!(kind.as_str(), "order" | "fill") && report["client_order_id"] != "" {
                orders.insert(text(&report, "client_order_id"), text(&report, "state"));
            }
        }
        let summary = std::fs::read(run_dir.join("summary.json")).expect("a summary");
        Self {
            orders,
            fills: csv_fills(&run_dir.join("fills.csv")),
            fills_jsonl: json_lines(&run_dir.join("fills.jsonl"))
                .iter()
                .map(|report| {
                    (
                        text(&report["fill"], "fill_id"),
                        Fill::of(report, &report["fill"]),
                    )
                })
                .collect(),
            summary: serde_json::from_slice(&summary).expect("it is JSON"),
        }
    }

    /// A number of the summary.
    pub fn result(&self, name: &str) -> Decimal {
        decimal(&self.summary["result"], name)
    }

    /// How many orders of the summary are in this state.
    pub fn count(&self, state: &str) -> u64 {
        self.summary["result"]["orders"][state]
            .as_u64()
            .unwrap_or_default()
    }
}

impl Fill {
    fn of(order: &Value, fill: &Value) -> Self {
        Self {
            client_order_id: text(order, "client_order_id"),
            instrument: text(order, "instrument"),
            side: text(order, "side"),
            price: decimal(fill, "price"),
            quantity: decimal(fill, "quantity"),
            fee: decimal(fill, "fee"),
            fee_currency: text(fill, "fee_currency"),
        }
    }
}

/// The two records of the run in this directory have to tell the same story.
///
/// # Panics
///
/// If they do not, or a file cannot be read.
pub fn compare(run_dir: &Path, cash: Decimal, exit_code: i32) -> (Host, Ledger) {
    let (host, ledger) = (Host::read(run_dir), Ledger::read(run_dir));

    for (id, orders) in &ledger.orders {
        assert_eq!(orders.len(), 1, "order {id} was sent twice: {orders:?}");
        let Some(state) = host.orders.get(id) else {
            panic!("the venue has an order {id} that the host does not know")
        };
        if !matches!(state.as_str(), "in_doubt" | "held") {
            assert_eq!(state, orders[0].state(), "order {id}: {:?}", orders[0]);
        }
    }
    let at_venue = [
        "accepted",
        "partially_filled",
        "filled",
        "cancelled",
        "expired",
    ];
    for (id, state) in &host.orders {
        let known = ledger.orders.contains_key(id);
        assert!(
            known || !at_venue.contains(&state.as_str()),
            "the host calls order {id} {state}, and the venue has none"
        );
    }

    assert_same(&host.fills, &ledger.fills, "fills.csv");
    assert_same(&host.fills_jsonl, &ledger.fills, "fills.jsonl");
    assert_eq!(host.summary["result"]["fills"], ledger.fills.len());
    assert_eq!(host.summary["result"]["unmatched_fills"], 0);
    let account = (host.result("cash"), host.result("position"));
    assert_eq!(account, ledger.account(cash));

    let open_questions = host.count("in_doubt") + host.count("held");
    assert_eq!(exit_code, if open_questions > 0 { 5 } else { 0 });
    (host, ledger)
}

fn assert_same(host: &Fills, ledger: &Fills, file: &str) {
    for (id, fill) in ledger {
        assert_eq!(host.get(id), Some(fill), "{id} in {file}");
    }
    for id in host.keys() {
        assert!(
            ledger.contains_key(id),
            "{file} has a fill {id} that never was"
        );
    }
}

fn csv_fills(path: &Path) -> Fills {
    let text = std::fs::read_to_string(path).expect("it was written");
    let mut lines = text.lines();
    let columns: Vec<_> = lines.next().expect("a header").split(',').collect();
    let fill = |line: &str| {
        let record: Value = columns
            .iter()
            .map(|c| (*c).to_owned())
            .zip(line.split(',').map(Value::from))
            .collect::<serde_json::Map<_, _>>()
            .into();
        (self::text(&record, "fill_id"), Fill::of(&record, &record))
    };
    let rows = lines.clone().count();
    let fills: Fills = lines.map(fill).collect();
    assert_eq!(fills.len(), rows, "no fill is there twice");
    fills
}

fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("it was written");
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "{} is whole",
        path.display()
    );
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(parse).collect()
}

fn text(record: &Value, field: &str) -> String {
    let value = record[field].as_str();
    value
        .unwrap_or_else(|| panic!("no {field} in {record}"))
        .to_owned()
}

fn decimal(record: &Value, field: &str) -> Decimal {
    text(record, field).parse().expect("a decimal")
}
