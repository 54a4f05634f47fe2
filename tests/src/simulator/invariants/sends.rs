//! What must hold of a send, at the moment at which it is made.

use super::Violation;
use crate::simulator::durable::Durable;
use crate::simulator::venue::ledger::{Fate, Sent};

/// (d), (e) and (l) of one send, after those before it.
pub(super) fn check_send(may_resend: bool, earlier: &[Sent], sent: &Sent) -> Result<(), Violation> {
    let Some(durable) = sent.durable else {
        return Ok(());
    };
    let order = || sent.order.client_order_id.clone();
    if let Some(why) = unrecorded(&durable, sent) {
        return Err(Violation::SentUnrecorded {
            order: order(),
            why,
        });
    }
    let attempt = durable.attempt;
    if durable.absent_through + 1 < attempt {
        return Err(Violation::NextBeforeAbsent {
            order: order(),
            attempt,
        });
    }
    if sent.order.deadline.is_some_and(|at| sent.at >= at) {
        return Err(Violation::SentTooLate {
            order: order(),
            attempt,
        });
    }
    if may_resend {
        return Ok(());
    }
    let same = |other: &&Sent| other.order.client_order_id == sent.order.client_order_id;
    for other in earlier.iter().filter(same) {
        if other.durable.is_some_and(|other| other.attempt == attempt) {
            return Err(Violation::SentAgain {
                order: order(),
                attempt,
            });
        }
        if matches!(other.fate, Fate::UnderWay { in_time: true, .. }) {
            return Err(Violation::TwoUnderWay {
                order: order(),
                attempt,
            });
        }
    }
    Ok(())
}

/// Why a send had no durable attempt; `None` if it had one.
fn unrecorded(durable: &Durable, sent: &Sent) -> Option<&'static str> {
    if durable.attempt == 0 {
        Some("no attempt was durable")
    } else if durable.settled {
        Some("its outcome was durable already")
    } else if durable.attempt <= durable.absent_through {
        Some("only an attempt that was absent was durable")
    } else if durable.deadline != sent.order.deadline {
        Some("the attempt that was durable has another deadline")
    } else {
        None
    }
}
