//! One order: what is wanted, its state, and what of it is filled.

use std::collections::BTreeSet;

use investbot_plugin_api::{Decimal, Fill, NewOrder, OrderRef, OrderReport, OrderStatus};

use super::transition::{Filled, Impossible, OrderEvent, next};
use crate::engine::arithmetic::{Checked, add};
use crate::engine::event::{Decision, OrderState, Submission};
use crate::engine::identity::{Key, SourcePlace, SpecDigest};
use crate::engine::intent::OrderSpec;
use crate::planted::{self, Bug};

/// One order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Counts the orders of the run.
    pub number: u64,
    /// Its idempotency key.
    pub key: Key,
    /// The digest of its parameters.
    pub digest: SpecDigest,
    /// The caller's own id.
    pub id: Option<String>,
    /// Where in the source it came from, if that is what it is known by.
    pub place: Option<SourcePlace>,
    /// The client order id.
    pub client_order_id: String,
    /// The venue's id, once known.
    pub venue_order_id: Option<String>,
    /// What is wanted.
    pub spec: OrderSpec,
    /// The state.
    pub state: OrderState,
    /// The last attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Whether an attempt's fate was reported unknown, and still is.
    pub doubtful: bool,
    /// Whether the venue contradicted itself or us, and nobody has decided yet what is true.
    pub conflict: bool,
    /// Whether somebody wants it cancelled and has not heard that it cannot be.
    pub cancel_wanted: bool,
    /// The sum of the known fills.
    pub filled: Decimal,
    /// What the venue's statuses said is filled; may be ahead of the fills.
    pub reported_filled: Decimal,
    pub(super) fill_ids: BTreeSet<String>,
    pub(super) counted: Share,
    pub(super) recent: bool,
}

/// What one order adds to its instrument's [`Exposure`](super::Exposure).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) outstanding: Decimal,
    pub(super) unsettled: bool,
    pub(super) blocking: bool,
}

/// What an event did to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The state changed.
    Changed,
    /// It was known already.
    Same,
    /// It came too late to change anything.
    Late,
    /// It contradicts what is known; new as a conflict.
    Conflict,
}

impl Order {
    /// A new order, before its first attempt.
    #[must_use]
    pub fn new(
        key: Key,
        digest: SpecDigest,
        id: Option<String>,
        client_order_id: String,
        spec: OrderSpec,
    ) -> Self {
        Self {
            number: 0,
            key,
            digest,
            id,
            place: None,
            client_order_id,
            venue_order_id: None,
            spec,
            state: OrderState::New,
            attempt: 0,
            doubtful: false,
            conflict: false,
            cancel_wanted: false,
            filled: Decimal::ZERO,
            reported_filled: Decimal::ZERO,
            fill_ids: BTreeSet::new(),
            counted: Share::default(),
            recent: false,
        }
    }

    /// The names of the order.
    #[must_use]
    pub fn reference(&self) -> OrderRef {
        let mut order = OrderRef::new(&self.spec.instrument, &self.client_order_id);
        order.venue_order_id.clone_from(&self.venue_order_id);
        order
    }

    /// The order on its way to the worker.
    #[must_use]
    pub fn submission(&self) -> Submission {
        Submission {
            key: self.key.to_hex(),
            digest: self.digest.to_hex(),
            place: self.place,
            order: self.to_place(),
        }
    }

    /// The order as it is sent; its deadline is set by whoever sends it.
    #[must_use]
    pub fn to_place(&self) -> NewOrder {
        let spec = &self.spec;
        let mut order = NewOrder::new(
            &self.client_order_id,
            &spec.instrument,
            spec.side,
            spec.quantity,
        );
        order.order_type = spec.order_type;
        order.limit_price = spec.limit_price;
        order.stop_price = spec.stop_price;
        order.time_in_force = spec.time_in_force;
        order.expire_time = spec.expire_time;
        order.post_only = spec.post_only;
        order.reduce_only = spec.reduce_only;
        order
    }

    /// The most that is known to be filled.
    #[must_use]
    pub fn known_filled(&self) -> Decimal {
        self.filled.max(self.reported_filled)
    }

    /// Whether the order's instrument should rest until somebody knows more.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.conflict || self.doubtful || self.state == OrderState::Held
    }

    /// Puts the order through `event`. A contradiction makes it held, or flags it if it was final.
    pub fn apply(&mut self, event: OrderEvent) -> Applied {
        let before = self.state;
        let next = next(self.state, event);
        let applied = match next {
            // Once contradictory, a person decides; only what is final by now is believed no less.
            _ if self.conflict && !before.is_final() => Applied::Same,
            Ok(state) if state == before => Applied::Same,
            Ok(state) => {
                self.state = state;
                Applied::Changed
            }
            Err(Impossible::Late) => Applied::Late,
            Err(Impossible::Conflict) if self.conflict => Applied::Same,
            Err(Impossible::Conflict) => {
                self.contradict();
                Applied::Conflict
            }
        };
        self.doubtful = self.state == OrderState::InDoubt
            && (self.doubtful || matches!(event, OrderEvent::Unknown));
        applied
    }

    /// Takes over what a person decided, and with it an end to what was contradictory. What is final stays
    /// as it is; then all there is to decide is that somebody has seen to the contradiction.
    pub fn decide(&mut self, decision: Decision) -> Applied {
        let filled = self.filled_part();
        let decided = match next(self.state, OrderEvent::Decided { decision, filled }) {
            Ok(state) => state,
            Err(_) if self.conflict => self.state,
            Err(_) => return Applied::Late,
        };
        self.state = decided;
        self.conflict = false;
        Applied::Changed
    }

    fn filled_part(&self) -> Filled {
        let filled = self.known_filled();
        if filled <= Decimal::ZERO {
            Filled::Nothing
        } else if filled < self.spec.quantity {
            Filled::Part
        } else {
            Filled::Whole
        }
    }

    /// Notes a contradiction.
    pub fn contradict(&mut self) {
        self.conflict = true;
        self.doubtful = false;
        if !self.state.is_final() {
            self.state = OrderState::Held;
        }
    }

    /// Whether a fill is known.
    #[must_use]
    pub fn has_fill(&self, fill_id: &str) -> bool {
        self.fill_ids.contains(fill_id)
    }

    /// Notes a fill; false if it was known.
    pub fn note_fill(&mut self, fill: &Fill) -> Checked<bool> {
        if self.fill_ids.contains(&fill.fill_id) && !planted::is(Bug::FillsBookedTwice) {
            return Ok(false);
        }
        self.filled = add(self.filled, fill.quantity)?;
        self.fill_ids.insert(fill.fill_id.clone());
        Ok(true)
    }

    /// Takes over what a report says besides the status.
    pub fn note_report(&mut self, report: &OrderReport) {
        if self.venue_order_id.is_none() && !report.venue_order_id.is_empty() {
            self.venue_order_id = Some(report.venue_order_id.clone());
        }
        // A venue that says "filled" means the whole of it, whatever it counted.
        let told = if report.status == OrderStatus::Filled {
            report.filled_quantity.max(self.spec.quantity)
        } else {
            report.filled_quantity
        };
        self.reported_filled = self.reported_filled.max(told);
    }

    /// Whether more is filled than was wanted.
    #[must_use]
    pub fn is_overfilled(&self) -> bool {
        self.known_filled() > self.spec.quantity
    }

    /// Whether nothing is expected of the order any more.
    pub(super) fn is_settled(&self) -> bool {
        self.state.is_final() && !self.conflict && self.filled >= self.reported_filled
    }

    /// How much of it may still be filled, as far as the fills tell.
    fn outstanding(&self) -> Decimal {
        let most = if self.state.is_final() {
            self.reported_filled
        } else {
            self.spec.quantity.max(self.reported_filled)
        };
        // Both are not negative, so their difference fits.
        most.saturating_sub(self.filled).max(Decimal::ZERO)
    }

    pub(super) fn share(&self) -> Share {
        Share {
            outstanding: self.outstanding(),
            unsettled: !self.is_settled(),
            blocking: self.blocks(),
        }
    }
}
