//! The table of order states: what may follow what.

use investbot_plugin_api::OrderStatus;

use crate::engine::event::{Decision, OrderState};

/// Something that happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// An attempt is about to be sent.
    Attempt,
    /// The venue told a status.
    Status(OrderStatus),
    /// The venue told of an execution; `complete` if nothing is left to fill.
    Fill {
        /// Whether the order's whole quantity is filled now.
        complete: bool,
    },
    /// The attempt was refused, definitively.
    Rejected,
    /// The attempt is proven absent; another may follow.
    Absent,
    /// Every attempt is proven absent and none will follow.
    Abandoned,
    /// The attempt's fate is unknown.
    Unknown,
    /// The attempt's fate cannot be found out.
    Held,
    /// A person decided what became of it.
    Decided {
        /// What the person knows.
        decision: Decision,
        /// What the books know.
        filled: Filled,
    },
}

/// How much of an order is known to be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// Nothing.
    Nothing,
    /// Some of it.
    Part,
    /// All of it, or more.
    Whole,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impossible {
    /// The order was final already and the event is old news.
    Late,
    /// The event and the state cannot both be true: somebody has to look at it.
    Conflict,
}

/// The state after `event`.
///
/// What the venue says positively (a status, a fill) is taken from every state but the final ones and
/// those that it contradicts: an order proven absent cannot be open, an order with fills cannot have been
/// refused. What the host concluded (unknown, held) never overrides what the venue said. A state that the
/// venue names and this host does not know changes nothing.
pub const fn next(state: OrderState, event: OrderEvent) -> Result<OrderState, Impossible> {
    use OrderState as S;
    if state.is_final() {
        return next_of_final(state, event);
    }
    match event {
        OrderEvent::Attempt => match state {
            S::New | S::Absent | S::InDoubt => Ok(S::InDoubt),
            _ => Err(Impossible::Late),
        },
        OrderEvent::Status(status) => match OrderState::from_status(status) {
            None => Ok(state),
            Some(told) => next_by_status(state, told),
        },
        OrderEvent::Fill { complete } => match state {
            S::Absent => Err(Impossible::Conflict),
            _ if complete => Ok(S::Filled),
            _ => Ok(S::PartiallyFilled),
        },
        OrderEvent::Rejected => negative(state, S::Rejected),
        OrderEvent::Absent => negative(state, S::Absent),
        OrderEvent::Abandoned => negative(state, S::Abandoned),
        OrderEvent::Unknown => match state {
            S::New | S::Absent => Ok(S::InDoubt),
            _ => Ok(state),
        },
        OrderEvent::Held => match state {
            S::New | S::Absent | S::InDoubt => Ok(S::Held),
            _ => Ok(state),
        },
        OrderEvent::Decided { decision, filled } => match state {
            S::Held => Ok(decided(decision, filled)),
            _ => Err(Impossible::Late),
        },
    }
}

/// The end of being held. Fills are facts: of an order that has some, "refused" and "absent" can only mean
/// that nothing of it lives any more.
const fn decided(decision: Decision, filled: Filled) -> OrderState {
    match (decision, filled) {
        (_, Filled::Whole) => OrderState::Filled,
        (Decision::Accepted, Filled::Part) => OrderState::PartiallyFilled,
        (Decision::Accepted, Filled::Nothing) => OrderState::Accepted,
        (Decision::Rejected | Decision::Absent, Filled::Part) => OrderState::Cancelled,
        (Decision::Rejected, Filled::Nothing) => OrderState::Rejected,
        (Decision::Absent, Filled::Nothing) => OrderState::Abandoned,
    }
}

/// A status of an order that is not final.
const fn next_by_status(state: OrderState, told: OrderState) -> Result<OrderState, Impossible> {
    use OrderState as S;
    match (state, told) {
        (S::PartiallyFilled, S::Rejected) => Err(Impossible::Conflict),
        (S::Absent, S::Rejected) => Ok(S::Rejected),
        (S::Absent, _) => Err(Impossible::Conflict),
        // Reports overtake one another; an order never becomes less filled.
        (S::PartiallyFilled, S::Accepted) => Ok(S::PartiallyFilled),
        _ => Ok(told),
    }
}

/// What the worker concluded to the effect that nothing lives at the venue.
const fn negative(state: OrderState, concluded: OrderState) -> Result<OrderState, Impossible> {
    match state {
        OrderState::Accepted | OrderState::PartiallyFilled => Err(Impossible::Conflict),
        _ => Ok(concluded),
    }
}

/// A final state stays; the question is only whether the event contradicts it.
const fn next_of_final(state: OrderState, event: OrderEvent) -> Result<OrderState, Impossible> {
    use OrderState as S;
    let never_lived = matches!(state, S::Denied | S::Rejected | S::Abandoned);
    match event {
        // Fills may come after the status that they led to.
        OrderEvent::Fill { .. } if !never_lived => Ok(state),
        OrderEvent::Fill { .. } => Err(Impossible::Conflict),
        OrderEvent::Status(status) => match OrderState::from_status(status) {
            None => Ok(state),
            Some(told) if told as u8 == state as u8 => Ok(state),
            // An old "open" can come after "rejected", but not after proof that nothing ever was there.
            Some(S::Rejected) if !never_lived => Err(Impossible::Conflict),
            Some(S::Rejected) => Err(Impossible::Late),
            Some(_) if matches!(state, S::Denied | S::Abandoned) => Err(Impossible::Conflict),
            Some(S::Filled) if matches!(state, S::Rejected) => Err(Impossible::Conflict),
            Some(_) => Err(Impossible::Late),
        },
        _ => Err(Impossible::Late),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderEvent as E;
    use OrderState as S;

    const STATES: [OrderState; 12] = [
        S::Denied,
        S::New,
        S::InDoubt,
        S::Accepted,
        S::PartiallyFilled,
        S::Filled,
        S::Cancelled,
        S::Expired,
        S::Rejected,
        S::Absent,
        S::Abandoned,
        S::Held,
    ];

    /// One row a state, one column an event: the next state, `.` for no change, `L` late, `X` conflict.
    const TABLE: &str = "
        state            attempt  open      partial          filled  cancelled  rejected  fill             complete  refused   absent  abandoned  unknown  held
        Denied           L        X         X                X       X          L         X                X         L         L       L          L        L
        New              InDoubt  Accepted  PartiallyFilled  Filled  Cancelled  Rejected  PartiallyFilled  Filled    Rejected  Absent  Abandoned  InDoubt  Held
        InDoubt          .        Accepted  PartiallyFilled  Filled  Cancelled  Rejected  PartiallyFilled  Filled    Rejected  Absent  Abandoned  .        Held
        Accepted         L        .         PartiallyFilled  Filled  Cancelled  Rejected  PartiallyFilled  Filled    X         X       X          .        .
        PartiallyFilled  L        .         .                Filled  Cancelled  X         .                Filled    X         X       X          .        .
        Filled           L        L         L                .       L          X         .                .         L         L       L          L        L
        Cancelled        L        L         L                L       .          X         .                .         L         L       L          L        L
        Expired          L        L         L                L       L          X         .                .         L         L       L          L        L
        Rejected         L        L         L                X       L          .         X                X         L         L       L          L        L
        Absent           InDoubt  X         X                X       X          Rejected  X                X         Rejected  .       Abandoned  InDoubt  Held
        Abandoned        L        X         X                X       X          L         X                X         L         L       L          L        L
        Held             L        Accepted  PartiallyFilled  Filled  Cancelled  Rejected  PartiallyFilled  Filled    Rejected  Absent  Abandoned  .        .
    ";

    const EVENTS: [OrderEvent; 13] = [
        E::Attempt,
        E::Status(OrderStatus::Open),
        E::Status(OrderStatus::PartiallyFilled),
        E::Status(OrderStatus::Filled),
        E::Status(OrderStatus::Cancelled),
        E::Status(OrderStatus::Rejected),
        E::Fill { complete: false },
        E::Fill { complete: true },
        E::Rejected,
        E::Absent,
        E::Abandoned,
        E::Unknown,
        E::Held,
    ];

    #[test]
    fn the_whole_table() {
        let rows: Vec<Vec<&str>> = TABLE
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|row| !row.is_empty())
            .skip(1)
            .collect();
        assert_eq!(rows.len(), STATES.len());
        for (row, state) in rows.iter().zip(STATES) {
            assert_eq!(row[0], format!("{state:?}"));
            assert_eq!(row.len(), EVENTS.len() + 1);
            for (cell, event) in row[1..].iter().zip(EVENTS) {
                let told = match next(state, event) {
                    Ok(same) if same == state => ".".to_owned(),
                    Ok(new) => format!("{new:?}"),
                    Err(Impossible::Late) => "L".to_owned(),
                    Err(Impossible::Conflict) => "X".to_owned(),
                };
                assert_eq!(told, *cell, "{state:?} and {event:?}");
            }
        }
    }

    #[test]
    fn a_decision_is_about_a_held_order_and_minds_the_fills() {
        use Decision as D;
        use Filled as F;
        let table = [
            (D::Accepted, [S::Accepted, S::PartiallyFilled, S::Filled]),
            (D::Rejected, [S::Rejected, S::Cancelled, S::Filled]),
            (D::Absent, [S::Abandoned, S::Cancelled, S::Filled]),
        ];
        for (decision, row) in table {
            for (filled, after) in [F::Nothing, F::Part, F::Whole].into_iter().zip(row) {
                let event = E::Decided { decision, filled };
                for state in STATES {
                    let expected = match state {
                        S::Held => Ok(after),
                        _ => Err(Impossible::Late),
                    };
                    assert_eq!(next(state, event), expected, "{state:?} and {event:?}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_status_changes_nothing() {
        for state in STATES {
            assert_eq!(next(state, E::Status(OrderStatus::Unrecognized)), Ok(state));
        }
    }

    #[test]
    fn final_states_stay() {
        for state in STATES.into_iter().filter(|state| state.is_final()) {
            for event in EVENTS {
                if let Ok(after) = next(state, event) {
                    assert_eq!(after, state, "{event:?}");
                }
            }
        }
    }
}
