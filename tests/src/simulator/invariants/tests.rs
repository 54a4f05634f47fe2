//! Every rule, kept and broken, on ledgers that are written down.

use std::time::Duration;

use investbot_plugin_api::{NewOrder, OrderStatus, Side};

use super::*;
use crate::simulator::durable::Durable;
use crate::simulator::venue::ledger::{Executed, FEE, Fate, PRICE, Sent};

const DEADLINE: UnixNanos = UnixNanos(1_000);

/// Adds to a ledger what a client sent while this much was durable.
fn send(ledger: &mut Ledger, order: &str, durable: Durable, at: i64, fate: Fate) {
    let mut new = NewOrder::new(order, "BTC/USD", Side::Buy, Decimal::ONE);
    new.deadline = durable.deadline;
    ledger.sends.push(Sent {
        order: new.into(),
        at: UnixNanos(at),
        durable: Some(durable),
        fate,
    });
}

/// The last order that was sent is accepted.
fn accept(ledger: &mut Ledger, at: i64, status: OrderStatus) {
    let sent = ledger.sends.len() - 1;
    ledger.sends[sent].fate = Fate::Accepted;
    ledger.orders.push(Booked {
        order: ledger.sends[sent].order.clone(),
        sent,
        accepted_at: UnixNanos(at),
        status,
        since: UnixNanos(at),
        filled: Decimal::ZERO,
        told: false,
    });
}

const fn attempt(attempt: u32) -> Durable {
    Durable {
        attempt,
        deadline: Some(DEADLINE),
        absent_through: attempt - 1,
        settled: false,
    }
}

/// A ledger with one order, accepted from attempt `n` as it should be.
fn one_order(n: u32, status: OrderStatus) -> Ledger {
    let mut ledger = Ledger::default();
    send(&mut ledger, "a", attempt(n), 1, Fate::Lost);
    accept(&mut ledger, 1, status);
    ledger
}

fn rule(checked: Checked) -> char {
    checked.expect_err("a rule is broken").violation.rule()
}

fn look(may_resend: bool, ledger: &Ledger) -> Checked {
    Checker::new(may_resend).look(7, ledger)
}

#[test]
fn a_broken_rule_names_the_step_and_the_order() {
    let mut ledger = one_order(1, OrderStatus::Filled);
    send(&mut ledger, "a", attempt(2), 2, Fate::Lost);
    accept(&mut ledger, 3, OrderStatus::Filled);
    let broken = look(false, &ledger).expect_err("two orders");
    assert_eq!(
        broken.to_string(),
        "step 7: (a) two orders of a lived at the venue: accepted at 1970-01-01T00:00:00.000000001Z and \
         at 1970-01-01T00:00:00.000000003Z"
    );
}

#[test]
fn two_orders_of_one_key_are_found_however_they_came_about() {
    for may_resend in [false, true] {
        let mut ledger = one_order(1, OrderStatus::Filled);
        let mut checker = Checker::new(may_resend);
        assert_eq!(checker.look(1, &ledger), Ok(()));
        send(&mut ledger, "b", attempt(1), 2, Fate::Lost);
        accept(&mut ledger, 2, OrderStatus::Open);
        assert_eq!(checker.look(2, &ledger), Ok(()), "another key");
        send(&mut ledger, "a", attempt(2), 3, Fate::Lost);
        accept(&mut ledger, 3, OrderStatus::Open);
        assert_eq!(rule(checker.look(3, &ledger)), 'a');
    }
}

#[test]
fn a_send_needs_its_durable_attempt() {
    let unsettled = attempt(1);
    for (durable, breaks) in [
        (unsettled, None),
        (Durable::default(), Some('d')),
        (
            Durable {
                settled: true,
                ..unsettled
            },
            Some('d'),
        ),
        (
            Durable {
                absent_through: 1,
                ..unsettled
            },
            Some('d'),
        ),
        (attempt(2), None),
        (
            Durable {
                absent_through: 0,
                ..attempt(2)
            },
            Some('l'),
        ),
    ] {
        let mut ledger = Ledger::default();
        send(&mut ledger, "a", durable, 1, Fate::Lost);
        let found = look(false, &ledger).err().map(|b| b.violation.rule());
        assert_eq!(found, breaks, "{durable:?}");
    }
    let mut ledger = Ledger::default();
    send(&mut ledger, "a", unsettled, 1, Fate::Lost);
    ledger.sends[0].durable = Some(Durable {
        deadline: Some(UnixNanos(2_000)),
        ..unsettled
    });
    assert_eq!(
        rule(look(false, &ledger)),
        'd',
        "the deadline is another attempt's"
    );
    ledger.sends[0].durable = None;
    assert_eq!(look(false, &ledger), Ok(()), "nobody can tell");
}

#[test]
fn nothing_is_sent_at_its_deadline() {
    for (at, breaks) in [(DEADLINE.0 - 1, false), (DEADLINE.0, true)] {
        let mut ledger = Ledger::default();
        send(&mut ledger, "a", attempt(1), at, Fate::Lost);
        assert_eq!(look(false, &ledger).is_err(), breaks);
    }
}

#[test]
fn one_attempt_is_in_flight_at_a_time() {
    let under_way = |in_time| Fate::UnderWay {
        until: DEADLINE,
        in_time,
    };
    for (first, fate, second, may_resend, breaks) in [
        (1, Fate::Lost, 2, false, None),
        (1, Fate::Lost, 1, false, Some('e')),
        (1, Fate::Lost, 1, true, None),
        (1, under_way(true), 2, false, Some('e')),
        (1, under_way(true), 2, true, None),
        // The venue will refuse it, so it is as good as gone.
        (1, under_way(false), 2, false, None),
    ] {
        let mut ledger = Ledger::default();
        send(&mut ledger, "a", attempt(first), 1, fate);
        send(&mut ledger, "b", attempt(second), 1, Fate::Lost);
        send(&mut ledger, "a", attempt(second), 2, Fate::Lost);
        let found = look(may_resend, &ledger).err().map(|b| b.violation.rule());
        assert_eq!(found, breaks, "{fate:?}, {first} and {second}");
    }
}

#[test]
fn what_is_called_absent_must_not_live_before_or_after() {
    let refused = Claim::Never(OrderState::Rejected);
    for (claim, from_attempt, breaks) in [
        (refused, 1, true),
        (refused, 9, true),
        (Claim::AbsentThrough(1), 1, true),
        (Claim::AbsentThrough(1), 2, false),
        (Claim::AbsentThrough(3), 2, true),
    ] {
        let ledger = one_order(from_attempt, OrderStatus::Open);
        let mut before = Checker::new(false);
        before.claim("a", claim);
        before.claim("b", refused);
        assert_eq!(before.look(1, &Ledger::default()), Ok(()));
        let mut after = Checker::new(false);
        assert_eq!(after.look(1, &ledger), Ok(()));
        after.claim("a", claim);
        for mut checker in [before, after] {
            let found = checker.look(2, &ledger).err().map(|b| b.violation.rule());
            assert_eq!(found, breaks.then_some('c'), "{claim:?}, {from_attempt}");
        }
    }
}

#[test]
fn what_is_shown_as_refused_is_a_claim() {
    for state in [
        OrderState::Denied,
        OrderState::Rejected,
        OrderState::Abandoned,
        OrderState::Held,
        OrderState::InDoubt,
        OrderState::Cancelled,
    ] {
        let mut checker = Checker::new(false);
        assert_eq!(checker.shown("a", state), Ok(()));
        let found = checker.look(1, &one_order(1, OrderStatus::Open));
        assert_eq!(found.is_err(), is_negative(state), "{state:?}");
    }
}

#[test]
fn what_was_shown_as_final_stays() {
    let mut checker = Checker::new(false);
    for state in [
        OrderState::InDoubt,
        OrderState::Held,
        OrderState::Accepted,
        OrderState::Filled,
        OrderState::Filled,
    ] {
        assert_eq!(checker.shown("a", state), Ok(()), "{state:?}");
    }
    assert_eq!(checker.shown("b", OrderState::Rejected), Ok(()));
    for state in [OrderState::Cancelled, OrderState::InDoubt] {
        assert_eq!(rule(checker.shown("a", state)), 'i', "{state:?}");
    }
}

fn end(state: Option<OrderState>, ledger: &Ledger) -> Option<char> {
    let intents = [Ended {
        order: "a".into(),
        state,
    }];
    let mut checker = Checker::new(false);
    let ended = checker.end(&intents, ledger);
    ended.err().map(|b| b.violation.rule())
}

#[test]
fn in_the_end_every_intent_is_final_or_held_or_in_the_book() {
    use OrderState as S;
    use OrderStatus::{Cancelled, Filled, Open, PartiallyFilled};
    let nothing = Ledger::default();
    for (state, status, broken) in [
        (Some(S::Filled), Some(Filled), None),
        (Some(S::Filled), Some(Cancelled), Some('b')),
        (Some(S::Filled), None, Some('b')),
        (Some(S::Cancelled), Some(Cancelled), None),
        (Some(S::Cancelled), Some(Open), Some('b')),
        (Some(S::Rejected), None, None),
        (Some(S::Rejected), Some(Filled), Some('b')),
        (Some(S::Denied), None, None),
        (Some(S::Abandoned), None, None),
        (Some(S::Abandoned), Some(Open), Some('b')),
        (Some(S::Accepted), Some(Open), None),
        (Some(S::Accepted), Some(Filled), Some('b')),
        (Some(S::Accepted), None, Some('b')),
        (Some(S::PartiallyFilled), Some(PartiallyFilled), None),
        (Some(S::InDoubt), Some(Open), Some('b')),
        (Some(S::Absent), None, Some('b')),
        (Some(S::New), None, Some('b')),
        (None, None, Some('b')),
    ] {
        let ledger = status.map(|status| one_order(1, status));
        let found = end(state, ledger.as_ref().unwrap_or(&nothing));
        assert_eq!(found, broken, "{state:?} and {status:?}");
    }
}

#[test]
fn an_order_that_was_cancelled_may_stay_open_only_where_nobody_can_ask_or_has_told() {
    use OrderState as S;
    use OrderStatus::{Cancelled, Filled};
    for (status, can_ask, told, broken) in [
        (Cancelled, false, false, None),
        (Cancelled, false, true, Some('b')),
        (Cancelled, true, false, Some('b')),
        (Filled, false, false, Some('b')),
    ] {
        let mut ledger = one_order(1, status);
        ledger.orders[0].told = told;
        let checker = Checker::new(false);
        let mut checker = if can_ask { checker } else { checker.unasked() };
        for state in [S::Accepted, S::PartiallyFilled] {
            let ended = Ended {
                order: "a".into(),
                state: Some(state),
            };
            let found = checker.end(&[ended], &ledger).err();
            let found = found.map(|b| b.violation.rule());
            assert_eq!(found, broken, "{status:?}, {can_ask}, {told}");
        }
    }
}

#[test]
fn nothing_is_held_silently() {
    let ledger = one_order(1, OrderStatus::Open);
    assert_eq!(end(Some(OrderState::Held), &ledger), Some('k'));
    let mut checker = Checker::new(false);
    let held = [Ended {
        order: "a".into(),
        state: Some(OrderState::Held),
    }];
    assert_eq!(checker.shown("b", OrderState::Held), Ok(()));
    assert_eq!(rule(checker.end(&held, &ledger)), 'k', "told of another");
    assert_eq!(checker.shown("a", OrderState::Held), Ok(()));
    assert_eq!(checker.end(&held, &ledger), Ok(()));
}

#[test]
fn the_books_are_the_sum_of_the_executions() {
    let mut ledger = one_order(1, OrderStatus::Filled);
    for quantity in [3, 4] {
        ledger.fills.push(Executed {
            booked: 0,
            price: PRICE,
            quantity: Decimal::new(quantity, 1),
            at: UnixNanos(2),
        });
    }
    let (bought, spent) = (Decimal::new(7, 1), Decimal::from(70) + FEE + FEE);
    let checker = Checker::new(false);
    let books = |instrument, bought, spent| checker.books(instrument, bought, spent, &ledger);
    assert_eq!(books("BTC/USD", bought, spent), Ok(()));
    assert_eq!(rule(books("BTC/USD", Decimal::new(3, 1), spent)), 'f');
    assert_eq!(rule(books("BTC/USD", bought, spent - FEE)), 'f');
    assert_eq!(rule(books("ETH/USD", bought, spent)), 'f');
    assert_eq!(books("ETH/USD", Decimal::ZERO, spent), Ok(()));
}

#[test]
fn a_state_that_changed_is_shown_where_it_differs() {
    let checker = Checker::new(false);
    let (first, mut second) = (vec![7; 100], vec![7; 100]);
    assert_eq!(checker.same("a replay", &first, &second), Ok(()));
    second[60] = 8;
    let broken = checker.same("a replay", &first, &second);
    let text = broken.expect_err("one differs").to_string();
    assert!(text.contains("(g, h, i) a replay changed"), "{text}");
    let (before, after) = text.split_once("then").expect("both");
    assert!(!before.contains('8') && after.contains('8'), "{text}");
    assert!(text.len() < 400, "{text}");
}

#[test]
fn a_client_comes_to_rest_in_time() {
    let checker = Checker::new(false);
    let bound = Duration::from_nanos(10);
    let rests = |at_rest, now| checker.rests(at_rest, UnixNanos(5), UnixNanos(now), bound);
    assert_eq!(rests(true, 15), Ok(()));
    assert_eq!(rule(rests(true, 16)), 'j');
    assert_eq!(rule(rests(false, 6)), 'j');
}

#[test]
fn an_id_that_became_an_order_stays_one() {
    let mut checker = Checker::new(false);
    for (id, is_order) in [
        ("denied", false),
        ("a", true),
        ("a", true),
        ("denied", false),
    ] {
        checker.known(id, is_order).expect("so it is");
    }
    assert_eq!(rule(checker.known("a", false)), 'o');
}

#[test]
fn a_durable_line_that_is_none_is_a_broken_rule() {
    assert_eq!(rule(Checker::new(false).damaged("{}".to_owned())), 'n');
}
