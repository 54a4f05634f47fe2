//! What the venue says when it is asked, and what of it can be wrong.

use super::faults::{BookFault, EventFault, FillsFault, QueryFault};
use super::*;

fn choice<K: PartialEq>(kinds: &[K], kind: &K) -> u32 {
    let at = kinds.iter().position(|other| other == kind);
    1 + u32::try_from(at.expect("it is one of them")).expect("few")
}

#[test]
fn a_query_fails_or_is_old_or_is_about_another_order() {
    let menu = Menu {
        queries: Menu::FULL.queries,
        ..CALM
    };
    let query = |kind| {
        let choice = choice(menu.queries, &kind);
        let scene = Scene::new(Model::C, menu.clone(), &[choice]);
        scene.place("a").expect("it is accepted");
        scene.place("b").expect("it is accepted");
        scene.wait(LAG + NS);
        scene.venue.order(&reference("b"))
    };
    assert_eq!(effect(&query(QueryFault::Failed)), Effect::NotSent);
    assert_eq!(effect(&query(QueryFault::Garbled)), Effect::Unknown);
    let told = |kind| query(kind).expect("an answer").expect("an order");
    let stale = told(QueryFault::Stale);
    assert_eq!(
        (stale.client_order_id.as_str(), stale.status),
        ("b", OrderStatus::Open)
    );
    assert_eq!(stale.filled_quantity, Decimal::ZERO);
    assert_eq!(told(QueryFault::WrongOrder).client_order_id, "a");
}

#[test]
fn only_what_could_make_a_difference_is_asked_of_the_oracle() {
    let stale_only = Menu {
        queries: &[QueryFault::Stale, QueryFault::WrongOrder],
        books: &[BookFault::Stale],
        fills: &[FillsFault::Late, FillsFault::Doubled],
        events: Menu::FULL.events,
        ..CALM
    };
    let scene = Scene::new(Model::C, stale_only, &[]);
    assert_eq!(scene.venue.order(&reference("a")), Ok(None));
    assert_eq!(
        scene.venue.open_orders(),
        Ok(OpenOrders::complete(Vec::new()))
    );
    assert!(scene.venue.fills_since(None).is_ok());
    scene.venue.drain_events(&mut Vec::new());
    assert_eq!(scene.oracle.taken(), []);
}

#[test]
fn a_list_of_open_orders_can_be_short_or_old() {
    let menu = Menu {
        books: Menu::FULL.books,
        accounts: Menu::FULL.accounts,
        lives: &[Life::FilledLater],
        ..CALM
    };
    let ask = |kind, wait| {
        let choice = choice(menu.books, &kind);
        let scene = Scene::new(Model::D, menu.clone(), &[choice]);
        scene.place("a").expect("it is accepted");
        scene.place("b").expect("it is accepted");
        scene.wait(wait);
        scene.venue.open_orders()
    };
    assert_eq!(effect(&ask(BookFault::Failed, NS)), Effect::NotSent);
    let short = ask(BookFault::Incomplete, NS).expect("some");
    assert_eq!((short.orders.len(), short.complete), (1, false));
    let old = ask(BookFault::Stale, A_WHILE).expect("some");
    assert_eq!((old.orders.len(), old.complete), (2, true));
    assert!(old.orders.iter().all(|r| r.status == OrderStatus::Open));
}

fn three_fills(choices: &[u32]) -> Scene {
    let menu = Menu {
        fills: Menu::FULL.fills,
        ..CALM
    };
    let scene = Scene::new(Model::E, menu, choices);
    for id in ["a", "b", "c"] {
        scene.place(id).expect("it is accepted");
    }
    scene
}

fn ids(page: &FillsPage) -> Vec<&str> {
    page.fills
        .iter()
        .map(|fill| fill.fill_id.as_str())
        .collect()
}

#[test]
fn fills_come_in_pages() {
    let scene = three_fills(&[]);
    let first = scene.venue.fills_since(None).expect("a page");
    assert_eq!((ids(&first), first.more), (vec!["f0", "f1"], true));
    let rest = scene
        .venue
        .fills_since(Some(&first.cursor))
        .expect("a page");
    assert_eq!((ids(&rest), rest.more), (vec!["f2"], false));
    let none = scene.venue.fills_since(Some(&rest.cursor)).expect("a page");
    assert_eq!((ids(&none), none.more), (vec![], false));
    assert_eq!(none.cursor, rest.cursor);
    scene.place("d").expect("it is accepted");
    let new = scene.venue.fills_since(Some(&none.cursor)).expect("a page");
    assert_eq!((ids(&new), new.more), (vec!["f3"], false));
    for cursor in ["x", "-1", "5"] {
        assert!(scene.venue.fills_since(Some(cursor)).is_err(), "{cursor}");
    }
}

#[test]
fn a_page_of_fills_fails_or_repeats_or_is_late_and_no_fill_is_lost() {
    let late = choice(&[FillsFault::Failed, FillsFault::Late], &FillsFault::Late);
    let scene = three_fills(&[late]);
    let page = scene.venue.fills_since(None).expect("a page");
    assert_eq!((ids(&page), page.more), (vec![], false));
    let page = scene.venue.fills_since(Some(&page.cursor)).expect("a page");
    assert_eq!(ids(&page), ["f0", "f1"]);

    let doubled = choice(Menu::FULL.fills, &FillsFault::Doubled);
    let scene = three_fills(&[0, doubled]);
    let page = scene.venue.fills_since(None).expect("a page");
    let page = scene.venue.fills_since(Some(&page.cursor)).expect("a page");
    assert_eq!((ids(&page), page.more), (vec!["f1", "f2"], false));
    assert_eq!(page.cursor, "3");

    let scene = three_fills(&[choice(Menu::FULL.fills, &FillsFault::Failed)]);
    assert_eq!(effect(&scene.venue.fills_since(None)), Effect::NotSent);
}

#[test]
fn what_is_told_unasked_may_be_lost_or_doubled_and_is_for_one_life() {
    let menu = Menu {
        pushes: true,
        events: Menu::FULL.events,
        ..CALM
    };
    let hear = |choices: &[u32]| {
        let scene = Scene::new(Model::C, menu.clone(), choices);
        scene.place("a").expect("it is accepted");
        let mut events = Vec::new();
        scene.venue.drain_events(&mut events);
        (scene, events)
    };
    let (scene, events) = hear(&[]);
    let statuses: Vec<_> = events
        .iter()
        .map(|event| match event {
            VenueEvent::Order(report) => Some(report.status),
            _ => None,
        })
        .collect();
    let (open, filled) = (Some(OrderStatus::Open), Some(OrderStatus::Filled));
    assert_eq!(statuses, [open, None, filled], "accepted, executed, filled");
    assert_eq!(scene.venue.events_lost(), 0);

    let (scene, none) = hear(&[choice(menu.events, &EventFault::Dropped)]);
    assert_eq!((none, scene.venue.events_lost()), (vec![], 3));
    let (_, both) = hear(&[choice(menu.events, &EventFault::Doubled)]);
    assert_eq!(both, [events.clone(), events].concat());

    let scene = Scene::new(Model::C, menu.clone(), &[]);
    scene.place("a").expect("it is accepted");
    scene.process.crash();
    let mut heard = Vec::new();
    scene.venue.drain_events(&mut heard);
    scene.process.revive();
    scene.venue.drain_events(&mut heard);
    assert_eq!(heard, [], "they were for the process that died");
}

#[test]
fn a_question_about_the_account_can_fail() {
    let menu = Menu {
        books: Menu::FULL.books,
        accounts: Menu::FULL.accounts,
        ..CALM
    };
    let scene = Scene::new(Model::C, menu, &[1, 1, 1]);
    assert!(scene.venue.balances().is_err());
    assert!(scene.venue.positions().is_err());
    assert!(scene.venue.instruments().is_err());
    assert_eq!(scene.venue.positions(), Ok(Vec::new()));
    assert_eq!(scene.venue.instruments().map(|all| all.len()), Ok(1));
    assert_eq!(scene.venue.health(), Ok(Health::ok()));
}
