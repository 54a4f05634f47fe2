//! What must hold of an intent when all is over.

use investbot::engine::OrderState;
use investbot_plugin_api::OrderStatus;

use super::{Ended, Violation};
use crate::simulator::venue::Ledger;
use crate::simulator::venue::ledger::Booked;

/// (b) and (k) of one intent.
pub(super) fn check_end(
    ended: &Ended,
    shown_held: bool,
    can_ask: bool,
    ledger: &Ledger,
) -> Result<(), Violation> {
    let order = ended.order.clone();
    let booked = ledger.of(&ended.order).last();
    let is = booked.map(|booked| booked.status);
    match ended.state {
        Some(OrderState::Held) if shown_held => Ok(()),
        Some(OrderState::Held) => Err(Violation::HeldSilently { order }),
        Some(said) if said.is_final() => {
            if is_true(said, is) {
                Ok(())
            } else {
                Err(Violation::Untrue { order, said, is })
            }
        }
        // What is in the book may stay there.
        Some(OrderState::Accepted) if is == Some(OrderStatus::Open) => Ok(()),
        Some(OrderState::PartiallyFilled) if is == Some(OrderStatus::PartiallyFilled) => Ok(()),
        // Fills are told later at the latest. That an order was cancelled may be told by nobody.
        Some(OrderState::Accepted | OrderState::PartiallyFilled)
            if !can_ask && booked.is_some_and(is_cancelled_unheard) =>
        {
            Ok(())
        }
        said => Err(Violation::Unfinished { order, said, is }),
    }
}

fn is_cancelled_unheard(booked: &Booked) -> bool {
    booked.status == OrderStatus::Cancelled && !booked.told
}

/// Whether the state says that nothing is or will be at the venue.
pub(super) const fn is_negative(state: OrderState) -> bool {
    matches!(
        state,
        OrderState::Denied | OrderState::Rejected | OrderState::Abandoned
    )
}

/// Whether a final state is what the venue says of the order.
fn is_true(said: OrderState, is: Option<OrderStatus>) -> bool {
    if is_negative(said) {
        is.is_none()
    } else {
        is.and_then(OrderState::from_status) == Some(said)
    }
}
