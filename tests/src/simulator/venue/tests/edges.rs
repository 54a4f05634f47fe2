//! Deadlines, lags and the memory of client order ids, on their edges.

use super::faults::Moment;
use super::ledger::Fate;
use super::*;

/// The same order twice, the second a while after the first was filled.
fn twice(model: Model, apart: Duration) -> usize {
    let scene = Scene::new(model, CALM, &[]);
    assert_eq!(status(&scene.place("a")), OrderStatus::Filled);
    scene.wait(apart);
    let second = scene.place("a");
    assert_eq!(status(&second), OrderStatus::Filled, "{model:?}");
    scene.lived("a")
}

#[test]
fn each_class_knows_the_ids_that_it_claims_to_know() {
    let year = Duration::from_secs(365 * 86_400);
    assert_eq!(twice(Model::A, year), 1, "for ever");
    assert_eq!(twice(Model::AWindow, WINDOW), 1, "to the last nanosecond");
    assert_eq!(twice(Model::AWindow, WINDOW + NS), 2, "and no longer");
    for model in [Model::B, Model::C, Model::D, Model::E] {
        assert_eq!(twice(model, NS), 2, "{model:?}");
    }
}

#[test]
fn a_venue_that_knows_open_orders_takes_the_same_id_again_once_they_are_closed() {
    let menu = Menu {
        lives: &[Life::FilledLater],
        ..CALM
    };
    let scene = Scene::new(Model::B, menu.clone(), &[]);
    assert_eq!(status(&scene.place("a")), OrderStatus::Open);
    scene.wait(A_WHILE - NS);
    assert_eq!(status(&scene.place("a")), OrderStatus::Open);
    assert_eq!(scene.lived("a"), 1, "it is open");
    scene.wait(NS);
    assert_eq!(status(&scene.place("a")), OrderStatus::Open);
    assert_eq!(scene.lived("a"), 2, "it is filled, and so the id is free");

    let scene = Scene::new(Model::C, menu, &[]);
    scene.place("a").expect("it is accepted");
    scene.place("a").expect("and so is the other");
    assert_eq!(scene.lived("a"), 2, "no ids are known here");
}

#[test]
fn a_known_id_is_answered_with_the_order_or_refused() {
    let scene = Scene::new(Model::A, CALM, &[0, 1]);
    for is_refused in [false, false, true] {
        let answer = scene.place("a");
        match answer {
            Ok(report) => assert!(!is_refused && report.status == OrderStatus::Filled),
            Err(error) => {
                assert!(is_refused);
                assert_eq!(
                    (error.kind, error.effect),
                    (
                        investbot_plugin_api::ErrorKind::DuplicateClientOrderId,
                        Effect::Rejected
                    )
                );
            }
        }
    }
    assert_eq!(scene.lived("a"), 1);
    assert_eq!(
        scene.fates(),
        [Fate::Accepted, Fate::Known, Fate::Known],
        "one of three"
    );
}

fn delayed(model: Model, moment: &'static [Moment]) -> Scene {
    let menu = Menu {
        requests: &[RequestFault::Delayed],
        moments: moment,
        ..CALM
    };
    Scene::new(model, menu, &[1])
}

#[test]
fn a_deadline_is_enforced_to_the_nanosecond_of_a_clock_that_is_late() {
    for (moment, after, lived) in [
        (&[Moment::AtDeadline], TIME_TO_LIVE, 1),
        (&[Moment::LastMoment], TIME_TO_LIVE + SKEW, 1),
        (&[Moment::TooLate], TIME_TO_LIVE + SKEW + NS, 0),
        (&[Moment::Soon], Duration::from_millis(1), 1),
    ] {
        let scene = delayed(Model::B, moment);
        assert_eq!(effect(&scene.place_in_time("a")), Effect::Unknown);
        let until = START.after(after);
        let in_time = lived == 1;
        assert_eq!(scene.fates(), [Fate::UnderWay { until, in_time }]);
        assert_eq!(scene.venue.next_due(), Some(until), "{moment:?}");
        scene.wait(after - NS);
        assert_eq!(scene.lived("a"), 0, "{moment:?}");
        scene.wait(NS);
        assert_eq!(scene.lived("a"), lived, "{moment:?}");
        let accepted_at = scene
            .venue
            .look(|ledger| ledger.orders.first().map(|booked| booked.accepted_at));
        assert_eq!(accepted_at, in_time.then_some(until));
    }
}

#[test]
fn an_order_that_arrives_at_once_is_held_against_its_deadline_too() {
    let scene = Scene::new(Model::B, CALM, &[]);
    let mut late = order("a");
    late.deadline = Some(START);
    scene.wait(SKEW);
    assert_eq!(status(&scene.venue.place(&late)), OrderStatus::Filled);
    scene.wait(NS);
    late.client_order_id = "b".into();
    assert_eq!(effect(&scene.venue.place(&late)), Effect::Rejected);
    let mut far = order("c");
    far.deadline = Some(START.after(Duration::from_secs(3600)));
    assert_eq!(effect(&scene.venue.place(&far)), Effect::Rejected);
    assert_eq!((scene.lived("b"), scene.lived("c")), (0, 0));
    assert_eq!(scene.fates()[1..], [Fate::Refused, Fate::Refused]);

    let scene = Scene::new(Model::C, CALM, &[]);
    scene.wait(Duration::from_secs(3600));
    assert_eq!(status(&scene.venue.place(&late)), OrderStatus::Filled);
}

#[test]
fn a_delay_is_one_that_can_happen_at_the_venue() {
    use Moment::{AfterTheLag, AtDeadline, HalfWindow, LastMoment, MuchLater, Soon, TooLate};
    let arrivals = |model, in_time: bool| -> Vec<Duration> {
        let all = [
            LastMoment,
            TooLate,
            AtDeadline,
            Soon,
            AfterTheLag,
            MuchLater,
            HalfWindow,
        ];
        let count = u32::try_from(all.len()).expect("few");
        let menu = Menu {
            requests: &[RequestFault::Delayed],
            moments: Menu::FULL.moments,
            ..CALM
        };
        assert_eq!(menu.moments, all);
        let mut arrivals: Vec<_> = (0..count)
            .map(|moment| {
                let scene = Scene::new(model, menu.clone(), &[1, moment]);
                let answer = if in_time {
                    scene.place_in_time("a")
                } else {
                    scene.place("a")
                };
                assert_eq!(effect(&answer), Effect::Unknown);
                scene
                    .venue
                    .next_due()
                    .expect("it is under way")
                    .since(START)
            })
            .collect();
        arrivals.dedup();
        arrivals
    };
    let (soon, hour) = (Duration::from_millis(1), Duration::from_secs(3600));
    let last = TIME_TO_LIVE + SKEW;
    assert_eq!(
        arrivals(Model::B, true),
        [last, last + NS, TIME_TO_LIVE, soon]
    );
    assert_eq!(
        arrivals(Model::B, false),
        [soon, LAG + NS, hour],
        "without a deadline"
    );
    assert_eq!(arrivals(Model::C, true), [soon, LAG + NS, hour]);
    assert_eq!(arrivals(Model::A, false), [soon, LAG + NS, hour]);
    assert_eq!(arrivals(Model::E, false), [soon, hour]);
    assert_eq!(
        arrivals(Model::AWindow, false),
        [soon, LAG + NS, WINDOW / 2]
    );
}

#[test]
fn an_order_may_be_hidden_until_the_lag_is_over_and_no_longer() {
    for model in [Model::A, Model::AWindow, Model::B, Model::C] {
        for (apart, shown) in [
            (Duration::ZERO, [true, false]),
            (LAG, [true, false]),
            (LAG + NS, [true, true]),
        ] {
            for (choice, shown) in [0, 1].into_iter().zip(shown) {
                let scene = Scene::new(model, CALM, &[choice]);
                scene.place("a").expect("it is accepted");
                scene.wait(apart);
                let found = scene.query("a").is_some();
                assert_eq!(found, shown, "{model:?}, {apart:?} later, {choice}");
            }
        }
    }
}

#[test]
fn open_orders_lag_where_queries_do() {
    let menu = Menu {
        lives: &[Life::FilledLater],
        ..CALM
    };
    for (model, shown) in [(Model::C, false), (Model::D, true)] {
        let scene = Scene::new(model, menu.clone(), &[1]);
        scene.place("a").expect("it is accepted");
        let book = scene.venue.open_orders().expect("it answers");
        assert!(book.complete);
        assert_eq!(!book.orders.is_empty(), shown, "{model:?}");
        scene.wait(LAG + NS);
        let book = scene.venue.open_orders().expect("it answers");
        assert_eq!(book.orders.len(), 1, "{model:?}");
    }
}

#[test]
fn each_class_finds_the_orders_that_it_claims_to_find() {
    let menu = Menu {
        lives: &[Life::FilledLater],
        ..CALM
    };
    let (open, filled) = (Some(OrderStatus::Open), Some(OrderStatus::Filled));
    for (model, first, last) in [
        (Model::A, open, filled),
        (Model::AWindow, open, filled),
        (Model::B, open, filled),
        (Model::C, open, filled),
        (Model::D, open, None),
    ] {
        let scene = Scene::new(model, menu.clone(), &[]);
        scene.place("a").expect("it is accepted");
        scene.wait(LAG + NS);
        assert_eq!(scene.query("a"), first, "{model:?}");
        assert_eq!(scene.query("b"), None, "{model:?}");
        scene.wait(A_WHILE);
        assert_eq!(scene.query("a"), last, "{model:?}");
        let book = scene.venue.open_orders().expect("it answers");
        assert_eq!(book, OpenOrders::complete(Vec::new()), "{model:?}");
    }
    let scene = Scene::new(Model::E, menu, &[]);
    scene.place("a").expect("it is accepted");
    assert_eq!(effect(&scene.venue.order(&reference("a"))), Effect::NotSent);
    assert_eq!(effect(&scene.venue.open_orders()), Effect::NotSent);
    assert!(
        scene.venue.fills_since(None).is_ok(),
        "fills are always told"
    );
}
