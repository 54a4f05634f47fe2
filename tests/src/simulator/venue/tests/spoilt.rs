//! What can happen to an order and to the answer about it.

use super::faults::{AnswerFault, CancelFault, EventFault};
use super::ledger::Fate;
use super::*;
use crate::simulator::model::DEFINITIVE_CODE;

#[test]
fn an_order_that_is_spoilt_on_its_way_is_told_as_it_should_be() {
    const KINDS: &[RequestFault] = Menu::FULL.requests;
    for (kind, told, fate) in [
        (RequestFault::Lost, Effect::Unknown, Fate::Lost),
        (RequestFault::ServerError, Effect::Unknown, Fate::Lost),
        (RequestFault::NotSent, Effect::NotSent, Fate::Lost),
        (RequestFault::RateLimited, Effect::NotSent, Fate::Refused),
        (RequestFault::Refused, Effect::Rejected, Fate::Refused),
        (RequestFault::RefusedByCode, Effect::Unknown, Fate::Refused),
        (RequestFault::Outage, Effect::Unknown, Fate::Lost),
    ] {
        for model in Model::ALL {
            let menu = Menu {
                requests: KINDS,
                moments: Menu::FULL.moments,
                ..CALM
            };
            let at = KINDS.iter().position(|other| *other == kind);
            let choice = 1 + u32::try_from(at.expect("all")).expect("few");
            let scene = Scene::new(model, menu, &[choice]);
            let answer = scene.place("a");
            assert_eq!(effect(&answer), told, "{kind:?}");
            assert_eq!(scene.fates(), [fate], "{kind:?}");
            let error = answer.expect_err("it failed");
            let by_code = error.venue_code.as_deref() == Some(DEFINITIVE_CODE);
            assert_eq!(by_code, kind == RequestFault::RefusedByCode);
            let waits = error.retry_after().is_some();
            assert_eq!(waits, kind == RequestFault::RateLimited);
            assert_eq!(scene.venue.next_due(), None);
            assert_eq!(scene.lived("a"), 0, "{kind:?}");
        }
    }
}

#[test]
fn a_venue_that_is_out_of_reach_stays_so_for_a_while() {
    let outage = Menu {
        requests: &[RequestFault::Outage],
        ..CALM
    };
    let scene = Scene::new(Model::C, outage.clone(), &[1]);
    assert_eq!(effect(&scene.place("a")), Effect::Unknown);
    scene.wait(Duration::from_secs(30) - NS);
    assert_eq!(effect(&scene.place("a")), Effect::Unknown);
    assert_eq!(effect(&scene.venue.order(&reference("a"))), Effect::NotSent);
    assert_eq!(effect(&scene.venue.fills_since(None)), Effect::NotSent);
    let cancel = CancelOrder::new(reference("a"));
    assert_eq!(effect(&scene.venue.cancel(&cancel)), Effect::Unknown);
    assert_eq!(scene.oracle.left().faults, 2, "it is one fault");
    scene.wait(NS);
    assert_eq!(status(&scene.place("a")), OrderStatus::Filled);

    let scene = Scene::new(Model::C, outage, &[1]);
    assert_eq!(effect(&scene.place("a")), Effect::Unknown);
    scene.venue.heal();
    assert_eq!(status(&scene.place("a")), OrderStatus::Filled);
    assert_eq!(scene.oracle.left(), Budget::default());
}

#[test]
fn a_refusal_says_nothing_of_an_earlier_order_of_the_same_id() {
    let menu = Menu {
        requests: &[RequestFault::Refused],
        ..CALM
    };
    let scene = Scene::new(Model::A, menu, &[0, 1]);
    scene.place("a").expect("it is accepted");
    assert_eq!(effect(&scene.place("a")), Effect::Rejected);
    assert_eq!(scene.lived("a"), 1);
}

#[test]
fn an_answer_that_is_spoilt_leaves_the_order_where_it_is() {
    const KINDS: &[AnswerFault] = Menu::FULL.answers;
    let menu = Menu {
        answers: KINDS,
        fills_in_reports: true,
        ..CALM
    };
    for (kind, choice) in KINDS.iter().zip(1..) {
        // Nothing happens to the first.
        let scene = Scene::new(Model::C, menu.clone(), &[0, choice]);
        let first = scene.place("a").expect("nothing goes wrong with it");
        let second = scene.place("b");
        assert_eq!(scene.lived("b"), 1, "{kind:?}");
        let mut events = Vec::new();
        scene.venue.drain_events(&mut events);
        match kind {
            AnswerFault::Lost | AnswerFault::ServerError | AnswerFault::Garbled => {
                assert_eq!(effect(&second), Effect::Unknown, "{kind:?}");
            }
            AnswerFault::WrongOrder => assert_eq!(second, Ok(first), "another order's"),
            AnswerFault::Doubled => {
                let report = second.expect("it came");
                assert_eq!(report.client_order_id, "b");
                let fill = VenueEvent::Fill(report.fills[0].clone());
                assert_eq!(events, [fill, VenueEvent::Order(report)]);
                continue;
            }
        }
        assert_eq!(events, []);
    }
}

#[test]
fn a_wrong_answer_is_wrong_even_where_there_is_one_order() {
    let menu = Menu {
        answers: &[AnswerFault::WrongOrder],
        ..CALM
    };
    let scene = Scene::new(Model::C, menu, &[1]);
    let report = scene.place("a").expect("some report");
    assert_ne!(report.quantity, order("a").quantity);
}

#[test]
fn a_cancel_is_done_or_refused_or_lost() {
    let menu = Menu {
        lives: &[Life::FilledLater],
        cancels: Menu::FULL.cancels,
        ..CALM
    };
    let cancel = |choices: &[u32], wait| {
        let scene = Scene::new(Model::C, menu.clone(), choices);
        scene.place("a").expect("it is accepted");
        scene.wait(wait);
        let answer = scene.venue.cancel(&CancelOrder::new(reference("a")));
        let is = scene.venue.look(|ledger| ledger.orders[0].status);
        (answer, is)
    };
    let (answer, is) = cancel(&[], Duration::ZERO);
    assert_eq!(
        (status(&answer), is),
        (OrderStatus::Cancelled, OrderStatus::Cancelled)
    );
    let (answer, is) = cancel(&[], A_WHILE);
    assert_eq!(
        (effect(&answer), is),
        (Effect::Rejected, OrderStatus::Filled)
    );
    for (kind, choice) in menu.cancels.iter().zip(1..) {
        let (answer, is) = cancel(&[choice], Duration::ZERO);
        assert_eq!(effect(&answer), Effect::Unknown);
        let done = *kind == CancelFault::AnswerLost;
        assert_eq!(is == OrderStatus::Cancelled, done, "{kind:?}");
    }
    let scene = Scene::new(Model::C, CALM, &[]);
    let answer = scene.venue.cancel(&CancelOrder::new(reference("a")));
    assert_eq!(effect(&answer), Effect::Rejected, "no such order");
}

#[test]
fn what_the_client_heard_of_the_end_of_an_order_is_noted_until_it_loses_it() {
    let menu = Menu {
        lives: &[Life::FilledLater],
        cancels: &[CancelFault::AnswerLost],
        events: &[EventFault::Dropped],
        pushes: true,
        ..CALM
    };
    let told = |scene: &Scene| scene.venue.look(|ledger| ledger.orders[0].told);
    // Whether the cancel's answer is lost, and the events.
    for (choices, by_answer, by_events) in [
        ([0, 0], true, true),
        ([1, 0], false, true),
        ([1, 1], false, false),
    ] {
        let scene = Scene::new(Model::D, menu.clone(), &choices);
        scene.place("a").expect("it is accepted");
        assert!(!told(&scene), "it is not over");
        let _ = scene.venue.cancel(&CancelOrder::new(reference("a")));
        assert_eq!(told(&scene), by_answer, "{choices:?}");
        scene.venue.drain_events(&mut Vec::new());
        assert_eq!(told(&scene), by_events, "{choices:?}");
        scene.venue.forget_told();
        assert!(!told(&scene), "the client died");
    }
}
