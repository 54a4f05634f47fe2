use super::*;
use crate::engine::identity::{Key, Origin, Place, SpecDigest};
use crate::engine::intent::OrderSpec;
use investbot_plugin_api::{Fill, OrderReport, OrderStatus, UnixNanos};

fn order(number: u64) -> Order {
    let origin = Origin {
        run_id: "r".into(),
        stream: "s".into(),
        partition: 0,
    };
    let spec = OrderSpec::market("BTC/USD", Side::Buy, 2.into());
    Order::new(
        Key::new(&origin, Place::Position(number), 0),
        SpecDigest::new(&spec),
        None,
        format!("c{number}"),
        spec,
    )
}

fn report(client_order_id: &str, status: OrderStatus, filled: i64) -> OrderReport {
    let mut report = OrderReport::new(
        client_order_id,
        format!("v-{client_order_id}"),
        "BTC/USD",
        Side::Buy,
        status,
        2.into(),
        UnixNanos(0),
    );
    report.filled_quantity = filled.into();
    report
}

fn fill(client_order_id: &str, fill_id: &str, quantity: i64) -> Fill {
    let report = report(client_order_id, OrderStatus::Open, 0);
    Fill::of(&report, fill_id, 10.into(), quantity.into(), UnixNanos(0))
}

fn status(orders: &mut Orders, report: &OrderReport) -> Applied {
    orders
        .update(&report.client_order_id, |order| {
            order.note_report(report);
            Ok(order.apply(OrderEvent::Status(report.status)))
        })
        .expect("fits")
        .expect("known")
}

fn book(orders: &mut Orders, fill: &Fill) -> bool {
    orders
        .update(&fill.client_order_id, |order| {
            let new = order.note_fill(fill)?;
            if new {
                let complete = order.filled >= order.spec.quantity;
                order.apply(OrderEvent::Fill { complete });
            }
            Ok(new)
        })
        .expect("fits")
        .expect("known")
}

fn buying(orders: &Orders) -> Decimal {
    orders.exposure("BTC/USD").buying
}

#[test]
fn totals_follow_the_order() {
    let mut orders = Orders::default();
    assert_eq!(orders.insert(order(1)), Ok(true));
    assert_eq!(orders.insert(order(1)), Ok(false), "the id is taken");
    assert_eq!(orders.insert(order(2)), Ok(true));
    assert_eq!(buying(&orders), 4.into());

    assert!(book(&mut orders, &fill("c1", "f1", 1)));
    assert!(!book(&mut orders, &fill("c1", "f1", 1)), "known");
    assert_eq!(buying(&orders), 3.into());
    status(&mut orders, &report("c1", OrderStatus::Cancelled, 1));
    assert_eq!(buying(&orders), 2.into());
    assert_eq!(orders.exposure("BTC/USD").unsettled, 1);
    assert_eq!(orders.by_state()[&OrderState::Cancelled], 1);
    assert_eq!(orders.by_state()[&OrderState::New], 1);
    let open: Vec<_> = orders
        .unsettled()
        .map(|o| o.client_order_id.as_str())
        .collect();
    assert_eq!(open, ["c2"]);
}

#[test]
fn filled_by_status_waits_for_its_fills() {
    let mut orders = Orders::default();
    orders.insert(order(1)).expect("fits");
    status(&mut orders, &report("c1", OrderStatus::Filled, 0));
    assert_eq!(orders.get("c1").expect("known").state, OrderState::Filled);
    assert!(orders.has_unsettled("BTC/USD"), "two units are to come");
    assert_eq!(buying(&orders), 2.into());
    book(&mut orders, &fill("c1", "f1", 1));
    assert!(orders.has_unsettled("BTC/USD"));
    book(&mut orders, &fill("c1", "f2", 1));
    assert!(!orders.has_unsettled("BTC/USD"));
    assert_eq!(buying(&orders), Decimal::ZERO);
}

#[test]
fn a_settled_order_can_come_back() {
    let mut orders = Orders::default();
    orders.insert(order(1)).expect("fits");
    status(&mut orders, &report("c1", OrderStatus::Cancelled, 0));
    assert!(!orders.has_unsettled("BTC/USD"));
    status(&mut orders, &report("c1", OrderStatus::Cancelled, 1));
    assert!(
        orders.has_unsettled("BTC/USD"),
        "a fill is missing after all"
    );
    book(&mut orders, &fill("c1", "f1", 1));
    assert!(!orders.has_unsettled("BTC/USD"));
    assert_eq!(orders.recent.len(), 1);
}

#[test]
fn memory_does_not_grow_with_the_run() {
    let mut orders = Orders::default();
    let last = RECENT as u64 * 2;
    for number in 0..=last {
        orders.insert(order(number)).expect("fits");
        let id = format!("c{number}");
        status(&mut orders, &report(&id, OrderStatus::Open, 0));
        book(&mut orders, &fill(&id, "f", 2));
    }
    assert_eq!(orders.all.len(), RECENT);
    assert_eq!(orders.by_venue_id.len(), RECENT);
    assert_eq!(orders.recent.len(), RECENT);
    assert!(orders.unsettled.is_empty());
    assert!(orders.get("c0").is_none());
    assert!(
        !book(&mut orders, &fill(&format!("c{last}"), "f", 2)),
        "late duplicates are known"
    );
    assert_eq!(orders.by_state()[&OrderState::Filled], last + 1);
}

#[test]
fn found_by_either_id() {
    let mut orders = Orders::default();
    orders.insert(order(1)).expect("fits");
    status(&mut orders, &report("c1", OrderStatus::Open, 0));
    let find = |client: &str, venue: &str, instrument: &str| {
        orders
            .find(client, venue, instrument)
            .map(|order| order.client_order_id.clone())
    };
    assert_eq!(find("c1", "", ""), Some("c1".into()));
    assert_eq!(find("", "v-c1", "BTC/USD"), Some("c1".into()));
    assert_eq!(find("", "v-c1", "ETH/USD"), None);
    assert_eq!(
        find("c9", "v-c1", "BTC/USD"),
        None,
        "a client order id of somebody else's"
    );
}

#[test]
fn the_oldest_of_those_with_the_same_venue_id() {
    let mut orders = Orders::default();
    for number in [1, 2] {
        orders.insert(order(number)).expect("fits");
    }
    for id in ["c2", "c1"] {
        let mut told = report(id, OrderStatus::Open, 0);
        told.venue_order_id = "v".into();
        status(&mut orders, &told);
    }
    // Whichever of them learned it first, so that it is the same after the indexes were made anew.
    let found = orders.find("", "v", "BTC/USD").expect("known");
    assert_eq!(found.client_order_id, "c1");
}

#[test]
fn only_a_reported_doubt_blocks() {
    let mut orders = Orders::default();
    orders.insert(order(1)).expect("fits");
    let mut apply = |event| {
        orders
            .update("c1", |order| Ok(order.apply(event)))
            .expect("fits");
        orders.exposure("BTC/USD").blocking
    };
    assert_eq!(apply(OrderEvent::Attempt), 0, "under way is not in doubt");
    assert_eq!(apply(OrderEvent::Unknown), 1);
    assert_eq!(apply(OrderEvent::Attempt), 1, "sent again, still in doubt");
    assert_eq!(apply(OrderEvent::Absent), 0);
    assert_eq!(apply(OrderEvent::Held), 1);
    assert_eq!(
        apply(OrderEvent::Status(OrderStatus::Open)),
        0,
        "the venue shows it"
    );
}

#[test]
fn a_conflict_stays() {
    let mut order = order(1);
    order.apply(OrderEvent::Fill { complete: false });
    assert_eq!(order.apply(OrderEvent::Rejected), Applied::Conflict);
    assert_eq!(order.state, OrderState::Held);
    assert_eq!(
        order.apply(OrderEvent::Status(OrderStatus::Open)),
        Applied::Same
    );
    assert_eq!(order.state, OrderState::Held);
    assert!(order.blocks() && !order.is_settled());
}
