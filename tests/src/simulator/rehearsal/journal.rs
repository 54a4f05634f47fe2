//! The model client's journal: what a crash leaves of it, and what that says about every order.

use std::sync::{Mutex, PoisonError};

use investbot::engine::OrderState;
use investbot_plugin_api::UnixNanos;

use crate::simulator::durable::{Durable, DurableView};
use crate::simulator::oracle::Oracle;

/// A list of records, of which a crash takes the end.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) records: Vec<(usize, Entry)>,
    pub(super) synced: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Attempt {
        attempt: u32,
        at: UnixNanos,
        deadline: Option<UnixNanos>,
    },
    Absent {
        attempt: u32,
    },
    Ended(OrderState),
}

/// What is known of an order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    pub(super) durable: Durable,
    pub(super) first_sent: Option<UnixNanos>,
    pub(super) ended: Option<OrderState>,
}

impl Journal {
    pub(super) fn known(&self, order: usize, records: usize) -> Known {
        let mut known = Known::default();
        let own = self.records[..records]
            .iter()
            .filter(|(of, _)| *of == order);
        for (_, entry) in own {
            match *entry {
                Entry::Attempt {
                    attempt,
                    at,
                    deadline,
                } => {
                    known.durable.attempt = attempt;
                    known.durable.deadline = deadline;
                    known.first_sent = known.first_sent.or(Some(at));
                }
                Entry::Absent { attempt } => known.durable.absent_through = attempt,
                Entry::Ended(state) => known.ended = Some(state),
            }
        }
        known.durable.settled = known.ended.is_some();
        known
    }

    /// The power fails: what was not synced is lost, or not.
    pub(super) fn crash(&mut self, oracle: &Oracle) {
        let unsynced = self.records.len() - self.synced;
        let kept = oracle.choose(
            1 + u32::try_from(unsynced).unwrap_or(0),
            "unsynced lines kept",
        );
        self.records.truncate(self.synced + kept as usize);
        self.synced = self.records.len();
    }
}

impl DurableView for Mutex<Journal> {
    fn of(&self, client_order_id: &str) -> Durable {
        let journal = self.lock().unwrap_or_else(PoisonError::into_inner);
        let order = number(client_order_id);
        order.map_or_else(Durable::default, |order| {
            journal.known(order, journal.synced).durable
        })
    }
}

/// The client order id of an order.
pub(super) fn name(order: usize) -> String {
    format!("{order:08x}")
}

fn number(client_order_id: &str) -> Option<usize> {
    usize::from_str_radix(client_order_id, 16).ok()
}
