use investbot_plugin_api::Decimal;

use super::*;
use crate::drill::told::{Summary, Totals};

fn ledger(text: &str) -> Ledger {
    Ledger::parse(text).unwrap()
}

const LEDGER: &str = r#"{"type":"order","client_order_id":"filled","side":"buy","quantity":"2"}
{"type":"fill","client_order_id":"filled","fill_id":"f1","side":"buy","price":"10","quantity":"2","fee":"1","fee_currency":"USD"}
{"type":"order","client_order_id":"open","side":"buy","quantity":"1"}
{"type":"order","client_order_id":"gone","side":"sell","quantity":"1"}
{"type":"close","client_order_id":"gone","status":"cancelled"}
"#;

const STATES: [(&str, &str); 4] = [
    ("filled", "filled"),
    ("open", "accepted"),
    ("gone", "cancelled"),
    ("refused", "rejected"),
];

fn told(states: &[(&str, &str)]) -> Told {
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    let order = |(name, state): &(&str, &str)| {
        let order = ToldOrder {
            id: Some(format!("id-{name}")),
            state: (*state).to_owned(),
        };
        ((*name).to_owned(), order)
    };
    let fill = FillEntry {
        client_order_id: "filled".to_owned(),
        side: Side::Buy,
        price: decimal("10.0"),
        quantity: decimal("2"),
        fee: decimal("1"),
        fee_currency: "USD".to_owned(),
    };
    Told {
        orders: states.iter().map(order).collect(),
        fills: [("f1".to_owned(), vec![fill])].into(),
        summary: Some(Summary {
            result: Totals {
                currency: "USD".to_owned(),
                cash: decimal("79"),
                position: decimal("2.5"),
                fills: 1,
            },
            report_digest: "d".to_owned(),
        }),
        began: Some(Account {
            cash: decimal("100"),
            position: decimal("0.5"),
        }),
        ..Told::default()
    }
}

/// What is found, by breach, in the order in which it is found.
fn found(ledger: &Ledger, told: &Told, wanted: &Wanted) -> Vec<Breach> {
    let findings = audit(ledger, told, wanted).findings;
    findings.into_iter().map(|finding| finding.breach).collect()
}

#[test]
fn where_both_say_the_same_nothing_is_found() {
    let told = told(&STATES);
    let audited = audit(&ledger(LEDGER), &told, &Wanted::of(&told));
    assert_eq!(audited.findings, []);
    assert_eq!((audited.orders, audited.held), (4, 0));
}

#[test]
fn what_is_said_of_an_order_is_held_against_the_ledger() {
    use Breach::{FalseRejection, Lost, WrongState};
    let of = |name: &str, state: &str| {
        let mut states = STATES;
        let order = states.iter_mut().find(|(known, _)| *known == name);
        order.unwrap().1 = state;
        found(&ledger(LEDGER), &told(&states), &Wanted::default())
    };
    for state in ["denied", "rejected", "abandoned"] {
        assert_eq!(of("open", state), [FalseRejection], "{state}");
        assert_eq!(of("refused", state), [], "{state}");
    }
    for state in ["new", "in_doubt", "absent"] {
        assert_eq!(of("open", state), [Lost], "{state}");
        assert_eq!(of("refused", state), [Lost], "{state}");
    }
    for (name, state) in [
        ("refused", "accepted"),
        ("refused", "filled"),
        ("filled", "partially_filled"),
        ("open", "filled"),
        ("open", "cancelled"),
        ("gone", "expired"),
        ("gone", "filled"),
    ] {
        assert_eq!(of(name, state), [WrongState], "{name} {state}");
    }
    for (name, _) in STATES {
        assert_eq!(of(name, "held"), [], "{name}");
    }
    assert_eq!(of("open", "partially_filled"), []);
}

#[test]
fn two_orders_of_one_id_are_one_too_many() {
    let twice = format!(
        "{LEDGER}{}\n",
        r#"{"type":"order","client_order_id":"gone","side":"sell","quantity":"1"}"#
    );
    let told = told(&STATES);
    assert_eq!(
        found(&ledger(&twice), &told, &Wanted::default()),
        [Breach::Duplicate]
    );
}

#[test]
fn an_order_that_is_nowhere_is_lost() {
    let wanted = Wanted::of(&told(&STATES));
    let mut less = told(&STATES);
    less.orders.remove("refused");
    assert_eq!(found(&ledger(LEDGER), &less, &wanted), [Breach::Lost]);
    // It was denied, which is an end too.
    less.denied.push(Some("id-refused".to_owned()));
    assert_eq!(found(&ledger(LEDGER), &less, &wanted), []);
    // The venue has it, and nobody tells of it.
    let mut less = told(&STATES);
    less.orders.remove("open");
    assert_eq!(
        found(&ledger(LEDGER), &less, &Wanted::default()),
        [Breach::Lost]
    );
}

#[test]
fn orders_without_an_id_are_counted() {
    let mut all = told(&STATES);
    all.orders.get_mut("refused").unwrap().id = None;
    all.denied.push(None);
    let wanted = Wanted::of(&all);
    all.orders.remove("refused");
    assert_eq!(found(&ledger(LEDGER), &all, &wanted), [Breach::Lost]);
    all.denied.push(None);
    assert_eq!(found(&ledger(LEDGER), &all, &wanted), []);
}

#[test]
fn fills_are_the_venues_and_come_once() {
    let wrong = |change: &dyn Fn(&mut Told)| {
        let mut told = told(&STATES);
        change(&mut told);
        found(&ledger(LEDGER), &told, &Wanted::default())
    };
    let twice = |told: &mut Told| {
        let fills = told.fills.get_mut("f1").unwrap();
        fills.extend(fills.clone());
    };
    let dearer = |told: &mut Told| told.fills.get_mut("f1").unwrap()[0].price += Decimal::ONE;
    let renamed = |told: &mut Told| {
        let fill = told.fills.remove("f1").unwrap();
        told.fills.insert("f2".to_owned(), fill);
    };
    assert_eq!(wrong(&twice), [Breach::WrongTotal]);
    assert_eq!(wrong(&dearer), [Breach::WrongTotal]);
    assert_eq!(wrong(&renamed), [Breach::WrongTotal; 2]);
    assert_eq!(wrong(&|told| told.unmatched = 1), [Breach::WrongTotal]);
    let richer = |told: &mut Told| told.summary.as_mut().unwrap().result.cash += Decimal::ONE;
    assert_eq!(wrong(&richer), [Breach::WrongTotal]);
    assert_eq!(wrong(&|told| told.summary = None), [Breach::WrongTotal]);
}
