//! The venue does what its class claims, to the nanosecond, and misbehaves as it is told.

mod asked;
mod edges;
mod spoilt;

use std::sync::Arc;
use std::time::Duration;

use investbot::clock::{Clock as _, VirtualClock};
use investbot_plugin_api::{Effect, OrderStatus, Side};

use super::faults::{Life, RequestFault};
use super::*;
use crate::simulator::model::{LAG, Model, SKEW, WINDOW};
use crate::simulator::oracle::{Budget, Schedule, Share};

const NS: Duration = Duration::from_nanos(1);
const TIME_TO_LIVE: Duration = Duration::from_secs(5);
const START: UnixNanos = UnixNanos(1_000_000_000_000);

/// Nothing can happen but what a test adds.
const CALM: Menu = Menu {
    requests: &[],
    answers: &[],
    queries: &[],
    books: &[],
    accounts: &[],
    fills: &[],
    cancels: &[],
    events: &[],
    moments: &[],
    lives: &[Life::FilledAtOnce],
    pushes: false,
    fills_in_reports: false,
};

/// A venue of which every choice is written down.
struct Scene {
    venue: SimVenue,
    clock: Arc<VirtualClock>,
    process: Process,
    oracle: Oracle,
}

impl Scene {
    fn new(model: Model, menu: Menu, choices: &[u32]) -> Self {
        let budget = Budget {
            crashes: 0,
            faults: 3,
        };
        let schedule = Schedule::new(choices.to_vec());
        Self::of(model, menu, Oracle::replay(budget, schedule))
    }

    fn of(model: Model, menu: Menu, oracle: Oracle) -> Self {
        let clock = Arc::new(VirtualClock::default());
        clock.advance_to(START);
        let process = Process::new(oracle.clone());
        let venue = SimVenue::new(Setup {
            rules: model.rules(),
            menu,
            instruments: vec![Instrument::new("BTC/USD", Decimal::ONE, Decimal::ONE)],
            cash: Decimal::ONE_THOUSAND,
            clock: clock.clone(),
            oracle: oracle.clone(),
            process: process.clone(),
            durable: None,
        });
        Self {
            venue,
            clock,
            process,
            oracle,
        }
    }

    fn wait(&self, time: Duration) {
        self.clock.sleep(time, &|| false);
    }

    fn place(&self, client_order_id: &str) -> Answer<OrderReport> {
        self.venue.place(&order(client_order_id))
    }

    /// Places an order with a deadline in [`TIME_TO_LIVE`], if the venue heeds deadlines.
    fn place_in_time(&self, client_order_id: &str) -> Answer<OrderReport> {
        let mut order = order(client_order_id);
        order.deadline = Some(self.clock.now().after(TIME_TO_LIVE));
        self.venue.place(&order)
    }

    fn query(&self, client_order_id: &str) -> Option<OrderStatus> {
        let found = self.venue.order(&reference(client_order_id));
        found.expect("it answers").map(|report| report.status)
    }

    /// How many orders of that id ever lived.
    fn lived(&self, client_order_id: &str) -> usize {
        self.venue.look(|ledger| ledger.of(client_order_id).count())
    }

    fn fates(&self) -> Vec<ledger::Fate> {
        self.venue
            .look(|ledger| ledger.sends.iter().map(|sent| sent.fate).collect())
    }
}

fn order(client_order_id: &str) -> NewOrder {
    NewOrder::new(client_order_id, "BTC/USD", Side::Buy, Decimal::TWO)
}

fn reference(client_order_id: &str) -> OrderRef {
    OrderRef::new("BTC/USD", client_order_id)
}

fn status(answer: &Answer<OrderReport>) -> OrderStatus {
    answer.as_ref().expect("it was placed").status
}

fn effect<T: std::fmt::Debug>(answer: &Answer<T>) -> Effect {
    answer.as_ref().expect_err("it failed").effect
}

#[test]
fn a_venue_that_nothing_spoils_answers_rightly() {
    for model in Model::ALL {
        let scene = Scene::new(model, Menu::FULL, &[]);
        let report = scene.place("a").expect("nothing goes wrong");
        assert_eq!(report.status, OrderStatus::Filled, "{model:?}");
        assert_eq!(report.fills.len(), 1, "{model:?}");
        scene.wait(LAG + NS);
        let page = scene.venue.fills_since(None).expect("fills");
        assert_eq!(page.fills, report.fills, "{model:?}");
        let (cash, position) = (
            scene.venue.balances().expect("balances"),
            scene.venue.positions().expect("positions"),
        );
        assert_eq!(cash[0].total, Decimal::new(79_975, 2), "2 at 100, and 0.25");
        assert_eq!(position, [Position::new("BTC/USD", Decimal::TWO)]);
        assert_eq!(scene.oracle.left().faults, 3);
    }
}

#[test]
fn the_market_does_with_an_order_what_was_chosen() {
    use OrderStatus::{Cancelled, Filled, Open, PartiallyFilled};
    let one = Decimal::ONE;
    for (life, first, last, filled) in [
        (Life::FilledAtOnce, Filled, Filled, Decimal::TWO),
        (Life::FilledLater, Open, Filled, Decimal::TWO),
        (Life::FilledInParts, PartiallyFilled, Filled, Decimal::TWO),
        (Life::Cancelled, Open, Cancelled, Decimal::ZERO),
        (Life::HalfCancelled, Cancelled, Cancelled, one),
    ] {
        let lives = &[
            Life::FilledAtOnce,
            Life::FilledLater,
            Life::FilledInParts,
            Life::Cancelled,
            Life::HalfCancelled,
        ];
        let menu = Menu { lives, ..CALM };
        let chosen = lives.iter().position(|other| *other == life);
        let scene = Scene::new(
            Model::C,
            menu,
            &[u32::try_from(chosen.expect("all")).expect("few")],
        );
        assert_eq!(status(&scene.place("a")), first, "{life:?}");
        scene.wait(A_WHILE - NS);
        assert_eq!(scene.query("a"), Some(first), "{life:?}");
        scene.wait(NS);
        assert_eq!(scene.query("a"), Some(last), "{life:?}");
        assert_eq!(scene.venue.next_due(), None);
        scene.venue.look(|ledger| {
            assert_eq!(ledger.orders[0].filled, filled);
            assert_eq!(ledger.bought("BTC/USD"), filled);
            let fees = ledger::FEE * Decimal::from(ledger.fills.len());
            assert_eq!(ledger.spent(), filled * ledger::PRICE + fees);
        });
    }
}

#[test]
fn no_schedule_has_more_faults_than_the_budget_allows() {
    let budget = Budget {
        crashes: 0,
        faults: 2,
    };
    let oracle = Oracle::exhaustive(budget, Share::WHOLE);
    let mut most = 0;
    loop {
        let scene = Scene::of(Model::A, Menu::FULL, oracle.clone());
        let mut failed = 0;
        for _ in 0..4 {
            failed += usize::from(scene.venue.fills_since(None).is_err());
            failed += usize::from(scene.venue.open_orders().is_err());
        }
        let used = 2 - oracle.left().faults as usize;
        assert!(failed <= used && used <= 2);
        most = most.max(failed);
        if !oracle.advance() {
            break;
        }
    }
    assert_eq!(most, 2);
}

#[test]
fn a_dead_client_reaches_nothing_and_what_it_sent_still_arrives() {
    let menu = Menu {
        requests: &[RequestFault::Delayed],
        moments: &[faults::Moment::MuchLater],
        ..CALM
    };
    let scene = Scene::new(Model::C, menu, &[1]);
    assert_eq!(effect(&scene.place("a")), Effect::Unknown);
    scene.process.crash();
    assert_eq!(effect(&scene.place("b")), Effect::Unknown);
    assert!(scene.venue.open_orders().is_err());
    assert!(scene.venue.fills_since(None).is_err());
    let cancel = CancelOrder::new(reference("a"));
    assert_eq!(effect(&scene.venue.cancel(&cancel)), Effect::Unknown);
    assert_eq!((scene.lived("a"), scene.lived("b")), (0, 0));
    assert_eq!(scene.venue.look(|ledger| ledger.sends.len()), 1);
    scene
        .clock
        .advance_to(scene.venue.next_due().expect("the order"));
    assert_eq!(scene.lived("a"), 1, "while the client is dead");
    scene.process.revive();
    scene.wait(LAG + NS);
    assert_eq!(scene.query("a"), Some(OrderStatus::Filled));
}

#[test]
fn a_client_may_die_before_and_after_the_effect_of_an_order() {
    let budget = Budget {
        crashes: 1,
        faults: 0,
    };
    for (choices, lived) in [([1, 0], 0), ([0, 1], 1)] {
        let schedule = Schedule::new(choices.to_vec());
        let scene = Scene::of(Model::C, CALM, Oracle::replay(budget, schedule));
        scene.process.touch();
        assert_eq!(effect(&scene.place("a")), Effect::Unknown);
        assert!(!scene.process.is_alive());
        assert_eq!(scene.lived("a"), lived);
    }
}
