//! What every store decides in the same way: which attempts may be made, and what may be settled.
//!
//! It remembers only orders of which something is still to come, and for all others how far the source was
//! attempted. A check changes nothing, so that a record can be checked, written down, and only then applied.

mod check;
mod state;

use std::collections::BTreeMap;

use super::{Claim, Epoch, Outcome, Record, TakenIn};
use crate::engine::identity::SpecDigest;
use crate::engine::{self, SourcePlace};
pub use state::LedgerState;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    InDoubt {
        /// The commit that makes the attempt durable.
        commit: u64,
    },
    Held,
    /// Its next attempt may be made.
    Absent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    claim: Claim,
    standing: Standing,
}

/// How it was before an attempt was staged.
#[derive(Debug)]
enum Before {
    Place(Option<SourcePlace>),
    Expected(SpecDigest),
    Absent(Claim),
}

/// The orders of which something is still to come.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    epoch: Option<Epoch>,
    /// Whether a process is at work.
    at_work: bool,
    /// The last place whose order was attempted.
    watermark: Option<SourcePlace>,
    /// Orders that were attempted, by key.
    orders: BTreeMap<String, Known>,
    /// Callers' orders that were not attempted yet, by client order id.
    expected: BTreeMap<String, SpecDigest>,
    commits: u64,
    /// The attempts that are not durable yet.
    staged: Vec<(String, Before)>,
}

impl Ledger {
    pub(super) const fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// The attempts without a settlement, by key.
    pub(super) fn in_doubt(&self) -> Vec<Claim> {
        self.claims(|standing| matches!(standing, Standing::InDoubt { .. }))
    }

    /// The attempts that wait for a person, by key.
    pub(super) fn held(&self) -> Vec<Claim> {
        self.claims(|standing| standing == Standing::Held)
    }

    /// The attempts that are proven absent and after which another may be made, by key.
    pub(super) fn absent(&self) -> Vec<Claim> {
        self.claims(|standing| standing == Standing::Absent)
    }

    fn claims(&self, wanted: impl Fn(Standing) -> bool) -> Vec<Claim> {
        let known = self.orders.values().filter(|known| wanted(known.standing));
        known.map(|known| known.claim.clone()).collect()
    }

    /// Whether something is still to come of an order.
    pub(super) fn is_open(&self, client_order_id: &str) -> bool {
        self.expected.contains_key(client_order_id)
            || self
                .orders
                .values()
                .any(|known| known.claim.order.client_order_id == client_order_id)
    }

    /// Takes a record that was checked.
    pub(super) fn apply(&mut self, record: &Record<'_>) {
        match record {
            Record::Epoch(epoch) => {
                self.epoch = Some(epoch.clone());
                self.at_work = true;
            }
            Record::Closed => self.at_work = false,
            Record::Intent(taken) => {
                if let Some((client_order_id, digest)) = became(taken) {
                    self.expected.insert(client_order_id.to_owned(), digest);
                }
            }
            Record::Attempt(claim) => self.attempt(claim.as_ref().clone()),
            Record::Outcome(outcome) => self.settle(outcome),
            Record::Resolved(resolved) => {
                self.orders.remove(resolved.key.as_ref());
            }
            _ => {}
        }
    }

    fn attempt(&mut self, claim: Claim) {
        let key = claim.key.clone();
        let place = claim.place;
        let standing = Standing::InDoubt {
            commit: self.commits,
        };
        let client_order_id = claim.order.client_order_id.clone();
        let before = self.orders.insert(key.clone(), Known { claim, standing });
        let before = match (before, place) {
            (Some(known), _) => Before::Absent(known.claim),
            (None, Some(place)) => Before::Place(self.watermark.replace(place)),
            (None, None) => {
                let digest = self.expected.remove(&client_order_id);
                Before::Expected(digest.expect("checked before it is applied"))
            }
        };
        self.staged.push((key, before));
    }

    fn settle(&mut self, outcome: &Outcome<'_>) {
        use engine::Outcome as Is;
        let key = outcome.key.as_ref();
        let standing = match outcome.outcome.as_ref() {
            Is::Unknown { .. } => return,
            Is::Accepted(_) | Is::Rejected { .. } | Is::Abandoned { .. } => {
                self.orders.remove(key);
                return;
            }
            Is::Absent => Standing::Absent,
            Is::Held { .. } => Standing::Held,
        };
        if let Some(known) = self.orders.get_mut(key) {
            known.standing = standing;
        }
    }

    /// Everything that was applied is durable.
    pub(super) fn committed(&mut self) {
        self.commits += 1;
        self.staged.clear();
    }

    /// Takes back the attempts that are not durable, as if they had never been made; names them.
    pub(super) fn take_back(&mut self) -> Vec<String> {
        let mut keys = Vec::with_capacity(self.staged.len());
        while let Some((key, before)) = self.staged.pop() {
            let known = self.orders.remove(&key);
            match before {
                Before::Place(watermark) => self.watermark = watermark,
                Before::Expected(digest) => {
                    let known = known.expect("nothing settles what is not durable");
                    let client_order_id = known.claim.order.client_order_id;
                    self.expected.insert(client_order_id, digest);
                }
                Before::Absent(claim) => {
                    let standing = Standing::Absent;
                    self.orders.insert(key.clone(), Known { claim, standing });
                }
            }
            keys.push(key);
        }
        keys.reverse();
        keys
    }
}

/// The order that a caller's id became now, and its digest.
fn became<'t>(taken: &'t TakenIn<'_>) -> Option<(&'t str, SpecDigest)> {
    let (_, seen) = taken.taken_up()?;
    Some((seen.client_order_id.as_deref()?, seen.digest))
}
