//! What a venue knows whoever is connected.

use std::hash::{Hash, Hasher};

use investbot_plugin_api::UnixNanos;

use super::book::Due;
use super::ledger::{Booked, Executed, Ledger, Sent};

/// What outlives a session with a client: the ledger, what is under way, and until when it is out of reach.
#[derive(Clone, Debug)]
pub struct Memory {
    /// What really happened.
    pub ledger: Ledger,
    pub(super) due: Vec<Due>,
    pub(super) down_until: UnixNanos,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            ledger: Ledger::default(),
            due: Vec::new(),
            down_until: UnixNanos(i64::MIN),
        }
    }
}

/// An order of one client order id is the same order, but for its deadline.
impl Hash for Memory {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Ledger {
            sends,
            orders,
            fills,
        } = &self.ledger;
        sends.len().hash(state);
        for Sent {
            order,
            at,
            durable,
            fate,
        } in sends
        {
            (&order.client_order_id, order.deadline).hash(state);
            (at, durable, fate).hash(state);
        }
        orders.len().hash(state);
        for Booked {
            order: _,
            sent,
            accepted_at,
            status,
            since,
            filled,
            told,
        } in orders
        {
            (sent, accepted_at, *status as u8, since, filled, told).hash(state);
        }
        fills.len().hash(state);
        for Executed {
            booked,
            price,
            quantity,
            at,
        } in fills
        {
            (booked, price, quantity, at).hash(state);
        }
        (&self.due, self.down_until).hash(state);
    }
}
