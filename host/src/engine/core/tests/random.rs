//! Random inputs, and somebody who keeps books of their own beside the core's.

use proptest::prelude::{Strategy, any, prop, prop_oneof};

use super::*;

/// An input that names its order by number.
#[derive(Clone, Debug)]
pub(super) enum Any {
    Bar(Decimal),
    Order {
        id: Option<u8>,
        buy: bool,
        quantity: i64,
    },
    Cancel(u8),
    Attempt(usize),
    Outcome(usize, u8),
    Status(usize, OrderStatus, i64),
    Fill {
        order: usize,
        id: u8,
        quantity: i64,
        honest: bool,
    },
    Decide(usize, Decision),
    /// A report that names its order by the venue's id alone, which is not the only one of its kind.
    Nameless(usize, OrderStatus, i64),
    /// An execution of somebody else's order.
    Stray(u8),
    CancelFailed(usize),
    Halt,
}

/// A price of some cents, with some zeros too many.
pub(super) fn price() -> impl Strategy<Value = Decimal> {
    (5_000..15_000_i64, 0..3_u32).prop_map(|(cents, zeros)| {
        let mut price = Decimal::new(cents, 2);
        price.rescale(2 + zeros);
        price
    })
}

pub(super) fn any_input() -> impl Strategy<Value = Any> {
    let statuses: Vec<_> = OrderStatus::ALL
        .iter()
        .copied()
        .chain([OrderStatus::Unrecognized])
        .collect();
    let decisions = vec![Decision::Accepted, Decision::Rejected, Decision::Absent];
    let order = 0..12_usize;
    prop_oneof![
        1 => price().prop_map(Any::Bar),
        3 => (prop::option::of(0..40_u8), any::<bool>(), 1..30_i64)
            .prop_map(|(id, buy, quantity)| Any::Order { id, buy, quantity }),
        1 => (0..40_u8).prop_map(Any::Cancel),
        3 => order.clone().prop_map(Any::Attempt),
        3 => (order.clone(), 0..6_u8).prop_map(|(order, outcome)| Any::Outcome(order, outcome)),
        3 => (order.clone(), prop::sample::select(statuses.clone()), 0..30_i64)
            .prop_map(|(order, status, filled)| Any::Status(order, status, filled)),
        1 => (order.clone(), prop::sample::select(statuses), 0..30_i64)
            .prop_map(|(order, status, filled)| Any::Nameless(order, status, filled)),
        1 => (0..9_u8).prop_map(Any::Stray),
        1 => order.clone().prop_map(Any::CancelFailed),
        1 => (order.clone(), prop::sample::select(decisions))
            .prop_map(|(order, decision)| Any::Decide(order, decision)),
        5 => (order, 0..6_u8, 1..30_i64, prop::bool::weighted(0.8))
            .prop_map(|(order, id, quantity, honest)| Any::Fill { order, id, quantity, honest }),
    ]
}

/// Feeds inputs to a core and keeps its own books beside it.
pub(super) struct Witness {
    pub(super) core: Core,
    pub(super) sent: Vec<Submission>,
    seen: BTreeMap<String, Seen>,
    pub(super) commands: Vec<Command>,
    pub(super) position: Decimal,
    pub(super) cash: Decimal,
}

impl Witness {
    pub(super) fn new(core: Core) -> Self {
        Self {
            core,
            sent: Vec::new(),
            seen: BTreeMap::new(),
            commands: Vec::new(),
            position: Decimal::ZERO,
            cash: dec("1000"),
        }
    }

    pub(super) fn feed(&mut self, number: i64, input: &Any) {
        let now = UnixNanos(number);
        let known = |order: &usize| self.sent.get(*order).cloned();
        let mut out = Vec::new();
        let bar_shown;
        let sent;
        let input = match input {
            Any::Bar(close) => {
                bar_shown = bar(number, *close);
                Input::Bar {
                    position: number.unsigned_abs(),
                    bar: &bar_shown,
                }
            }
            Any::Order { id, buy, quantity } => {
                let side = if *buy { Side::Buy } else { Side::Sell };
                let spec = OrderSpec::market(SYMBOL, side, Decimal::new(*quantity, 1));
                let id = id.map(|id| id.to_string());
                Input::Intent {
                    position: number.unsigned_abs(),
                    now,
                    seen: id.as_ref().and_then(|id| self.seen.get(id)).cloned(),
                    intent: Intent::Order { id, spec },
                }
            }
            Any::Cancel(id) => Input::Intent {
                position: number.unsigned_abs(),
                now,
                intent: Intent::Cancel { id: id.to_string() },
                seen: self.seen.get(&id.to_string()).cloned(),
            },
            Any::Attempt(order) => {
                let Some(order) = known(order) else { return };
                sent = order;
                Input::Attempt {
                    client_order_id: &sent.order.client_order_id,
                    attempt: 1,
                    now,
                }
            }
            Any::Outcome(order, outcome) => {
                let Some(order) = known(order) else { return };
                sent = order;
                let text = "x".to_owned();
                let outcome = match outcome {
                    0 => Outcome::Accepted(told(&sent, OrderStatus::Open, 0)),
                    1 => Outcome::Rejected {
                        code: "c".into(),
                        text,
                    },
                    2 => Outcome::Absent,
                    3 => Outcome::Abandoned { text },
                    4 => Outcome::Unknown { text },
                    _ => Outcome::Held { text },
                };
                Input::Outcome {
                    client_order_id: &sent.order.client_order_id,
                    outcome,
                    now,
                }
            }
            Any::Status(order, status, filled) => {
                let Some(order) = known(order) else { return };
                Input::Order {
                    report: told(&order, *status, *filled),
                    now,
                }
            }
            Any::Nameless(order, status, filled) => {
                let Some(order) = known(order) else { return };
                let mut report = told(&order, *status, *filled);
                report.client_order_id.clear();
                Input::Order { report, now }
            }
            Any::Stray(id) => {
                let report = OrderReport::new(
                    "",
                    "stray",
                    SYMBOL,
                    Side::Buy,
                    OrderStatus::Open,
                    dec("1"),
                    now,
                );
                let fill = Fill::of(&report, id.to_string(), dec("100"), dec("1"), now);
                Input::Fill { fill, now }
            }
            Any::CancelFailed(order) => {
                let Some(order) = known(order) else { return };
                sent = order;
                Input::CancelFailed {
                    client_order_id: &sent.order.client_order_id,
                    code: "timeout".into(),
                    text: "x".into(),
                    now,
                }
            }
            Any::Halt => Input::Halt {
                reason: "enough".into(),
                now,
            },
            Any::Fill {
                order,
                id,
                quantity,
                honest,
            } => {
                let Some(order) = known(order) else { return };
                Input::Fill {
                    fill: self.execution(&order, *id, *quantity, *honest),
                    now,
                }
            }
            Any::Decide(order, decision) => {
                let Some(order) = known(order) else { return };
                sent = order;
                Input::Resolved {
                    client_order_id: &sent.order.client_order_id,
                    decision: *decision,
                    reason: "seen".into(),
                    now,
                }
            }
        };
        self.core.step(input, &mut out);
        for command in &out {
            match command {
                Command::TakenUp { id, seen } => {
                    self.seen.insert(id.clone(), seen.clone());
                }
                Command::Submit(sent) => self.sent.push(sent.clone()),
                Command::Report(report) if report.kind == ReportKind::Fill => {
                    let fill = report.fill.as_ref().expect("a fill has its parts");
                    let signed = report.side.expect("a side").sign() * fill.quantity;
                    self.position += signed;
                    self.cash -= signed * fill.price;
                }
                _ => {}
            }
        }
        self.commands.extend(out);
    }

    /// An execution; an honest venue never executes more than is left.
    fn execution(&self, sent: &Submission, id: u8, quantity: i64, honest: bool) -> Fill {
        let mut quantity = Decimal::new(quantity, 1);
        if honest {
            let order = self.core.order(&sent.order.client_order_id);
            let left = order.map_or(quantity, |order| order.spec.quantity - order.filled);
            quantity = quantity.min(left);
        }
        let report = told(sent, OrderStatus::Open, 0);
        let fill_id = format!("{}-{id}", sent.order.client_order_id);
        Fill::of(&report, fill_id, dec("100"), quantity, UnixNanos(0))
    }
}

fn told(sent: &Submission, status: OrderStatus, filled: i64) -> OrderReport {
    let order = &sent.order;
    let mut report = OrderReport::new(
        &order.client_order_id,
        format!("v{}", order.client_order_id.bytes().last().unwrap_or(0) % 4),
        SYMBOL,
        order.side,
        status,
        order.quantity,
        UnixNanos(0),
    );
    report.filled_quantity = Decimal::new(filled, 1).min(order.quantity);
    report
}
