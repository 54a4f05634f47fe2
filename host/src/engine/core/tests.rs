use super::*;
use crate::engine::event::{Decision, OrderState, Outcome, Submission};
use crate::engine::identity::{Seen, SourcePlace};
use crate::engine::intent::Intent;
use crate::engine::performance::{Summary, share};
use crate::engine::report::{ExecutionReport, ReportDigest, ReportKind, canonical_json};
use crate::engine::strategy;
use investbot_plugin_api::{
    Bar, Fill, OrderReport, OrderStatus, OrderType, Side, TimeInForce, UnixNanos,
};

mod decisions;
mod halts;
mod intake;
mod properties;
mod random;
mod snapshots;
mod strategies;
mod venue;

pub(super) const SYMBOL: &str = "BTC/USD";

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

pub(super) fn config(risk: RiskLimits) -> CoreConfig {
    CoreConfig {
        run_id: "run".into(),
        stream: "stream".into(),
        partition: 0,
        instrument: SYMBOL.into(),
        cash: dec("1000"),
        position: Decimal::ZERO,
        risk,
        client_order_id: serde_json::from_value(
            serde_json::json!({"charset": "alphanumeric", "max_length": 32}),
        )
        .expect("a rule"),
        support: OrderSupport {
            order_types: vec![OrderType::Market, OrderType::Limit],
            times_in_force: vec![TimeInForce::Gtc],
            post_only: false,
            reduce_only: false,
        },
        strategy: None,
    }
}

pub(super) fn bar(number: i64, close: Decimal) -> Bar {
    let minute = 60_000_000_000;
    Bar {
        open_time: UnixNanos(number * minute),
        close_time: UnixNanos((number + 1) * minute),
        open: close,
        high: close,
        low: close,
        close,
        volume: Decimal::ONE,
    }
}

/// A core with its commands sorted: what a test asks about.
struct Bench {
    core: Core,
    lines: u64,
    seen: BTreeMap<String, Seen>,
}

/// What one step did.
#[derive(Debug, Default)]
struct Done {
    submitted: Vec<Submission>,
    cancelled: Vec<String>,
    reports: Vec<ExecutionReport>,
    stops: Vec<&'static str>,
}

impl Done {
    /// The codes of the reports, or their states where they have none.
    fn told(&self) -> Vec<String> {
        self.reports
            .iter()
            .map(|report| {
                report.code.clone().unwrap_or_else(|| {
                    format!("{:?} {:?}", report.kind, report.state)
                        .replace("Some(", "")
                        .replace(')', "")
                })
            })
            .collect()
    }
}

impl Bench {
    fn new(risk: RiskLimits) -> Self {
        Self {
            core: Core::new(config(risk)),
            lines: 0,
            seen: BTreeMap::new(),
        }
    }

    fn step(&mut self, input: Input<'_>) -> Done {
        let mut out = Vec::new();
        self.core.step(input, &mut out);
        let mut done = Done::default();
        for command in out {
            match command {
                Command::TakenUp { id, seen } => {
                    let before = self.seen.insert(id, seen);
                    assert_eq!(before, None, "taken up once");
                }
                Command::Submit(submission) => done.submitted.push(submission),
                Command::Cancel(order) => done.cancelled.push(order.client_order_id),
                Command::Report(report) => done.reports.push(report),
                Command::Stop { code, .. } => done.stops.push(code),
            }
        }
        done
    }

    fn bar(&mut self, number: i64, close: &str) -> Done {
        let bar = bar(number, dec(close));
        self.step(Input::Bar {
            position: number.unsigned_abs(),
            bar: &bar,
        })
    }

    fn intent(&mut self, id: Option<&str>, spec: OrderSpec) -> Done {
        self.lines += 1;
        self.step(Input::Intent {
            position: self.lines,
            now: UnixNanos(self.lines as i64),
            intent: Intent::Order {
                id: id.map(str::to_owned),
                spec,
            },
            seen: id.and_then(|id| self.seen.get(id)).cloned(),
        })
    }

    /// An order that was accepted; its client order id.
    fn open(&mut self, id: &str, quantity: &str) -> String {
        let done = self.intent(Some(id), buy(quantity));
        let client_order_id = done.submitted[0].order.client_order_id.clone();
        self.step(Input::Attempt {
            client_order_id: &client_order_id,
            attempt: 1,
            now: UnixNanos(1),
        });
        let report = report(&client_order_id, OrderStatus::Open, quantity);
        self.outcome(&client_order_id, Outcome::Accepted(report));
        client_order_id
    }

    fn outcome(&mut self, client_order_id: &str, outcome: Outcome) -> Done {
        self.step(Input::Outcome {
            client_order_id,
            outcome,
            now: UnixNanos(2),
        })
    }

    fn order(&mut self, report: OrderReport) -> Done {
        self.step(Input::Order {
            report,
            now: UnixNanos(3),
        })
    }

    fn fill(&mut self, fill: Fill) -> Done {
        self.step(Input::Fill {
            fill,
            now: UnixNanos(4),
        })
    }

    fn state(&self, client_order_id: &str) -> OrderState {
        self.core.order(client_order_id).expect("remembered").state
    }
}

fn buy(quantity: &str) -> OrderSpec {
    OrderSpec::market(SYMBOL, Side::Buy, dec(quantity))
}

fn report(client_order_id: &str, status: OrderStatus, quantity: &str) -> OrderReport {
    OrderReport::new(
        client_order_id,
        "v1",
        SYMBOL,
        Side::Buy,
        status,
        dec(quantity),
        UnixNanos(7),
    )
}

fn fill(client_order_id: &str, fill_id: &str, quantity: &str) -> Fill {
    let report = report(client_order_id, OrderStatus::Open, quantity);
    Fill::of(&report, fill_id, dec("100"), dec(quantity), UnixNanos(8))
}
