//! What holds for every sequence of inputs.

use std::collections::BTreeSet;

use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

use super::random::{Any, Witness, any_input};
use super::*;

const LIMIT: &str = "5";

fn limits() -> RiskLimits {
    RiskLimits {
        max_position: Some(dec(LIMIT)),
        allow_while_in_doubt: true,
        ..RiskLimits::default()
    }
}

proptest! {
    /// No sequence panics; final states stay; more filled than wanted is always a conflict, as are fills of
    /// what never lived, until a person has decided; the books are the sum of the fills that were told; every order is counted once; the totals match the orders.
    #[test]
    fn the_books_hold(inputs in prop::collection::vec(any_input(), 1..120)) {
        let mut witness = Witness::new(Core::new(config(limits())));
        let mut finals: BTreeMap<String, OrderState> = BTreeMap::new();
        let mut decided = BTreeSet::new();
        for (number, input) in (0..).zip(&inputs) {
            witness.feed(number, input);
            if let Any::Decide(order, _) = input {
                decided.insert(*order);
            }
            let core = &witness.core;
            for (number, sent) in witness.sent.iter().enumerate() {
                let id = &sent.order.client_order_id;
                let order = core.order(id).expect("few orders are all remembered");
                if let Some(state) = finals.get(id) {
                    prop_assert_eq!(order.state, *state);
                }
                if order.state.is_final() {
                    finals.insert(id.clone(), order.state);
                }
                let told = order.conflict || decided.contains(&number);
                prop_assert!(order.filled <= order.spec.quantity || told);
                let never_lived = matches!(order.state, OrderState::Rejected | OrderState::Abandoned | OrderState::Absent);
                prop_assert!(!never_lived || order.filled.is_zero() || told);
            }
            prop_assert_eq!(core.portfolio().position(SYMBOL), witness.position);
            prop_assert_eq!(core.portfolio().cash(), witness.cash);
        }
        let summary = witness.core.summary();
        let sent = witness.sent.len() as u64;
        let denied = summary.orders.get(&OrderState::Denied).copied().unwrap_or_default();
        prop_assert_eq!(summary.orders.values().sum::<u64>(), sent + denied);

        let exposure = witness.core.orders.exposure(SYMBOL);
        let unsettled = witness.core.unsettled_orders().count() as u64;
        prop_assert_eq!(exposure.unsettled, unsettled);
        let blocking = witness.core.unsettled_orders().filter(|order| order.blocks()).count() as u64;
        prop_assert_eq!(exposure.blocking, blocking);
    }

    /// Whatever the timing, a venue that executes no more than it was asked to cannot push the position
    /// beyond its limit. Statuses that lie about being over are not honest, so they are left out.
    #[test]
    fn the_position_stays_within_its_limit(inputs in prop::collection::vec(any_input(), 1..150)) {
        let mut witness = Witness::new(Core::new(config(limits())));
        for (number, input) in (0..).zip(&inputs) {
            let honest = match input {
                Any::Status(_, status, _) => !status.is_final(),
                Any::Nameless(..) => false,
                Any::Outcome(_, outcome) => matches!(outcome, 0 | 4 | 5),
                Any::Fill { honest, .. } => *honest,
                // A person may err: what was decided to be gone can still be filled.
                Any::Decide(_, decision) => *decision == Decision::Accepted,
                _ => true,
            };
            if honest {
                witness.feed(number, input);
                prop_assert!(witness.position.abs() <= dec(LIMIT), "{}", witness.position);
            }
        }
    }

    /// The same inputs give the same commands, to the byte.
    #[test]
    fn a_replay_gives_the_same_commands(inputs in prop::collection::vec(any_input(), 1..80)) {
        let run = || {
            let mut witness = Witness::new(Core::new(config(limits())));
            for (number, input) in (0..).zip(&inputs) {
                witness.feed(number, input);
            }
            witness.commands
        };
        prop_assert_eq!(run(), run());
    }
}
