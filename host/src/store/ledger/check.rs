//! What the order protocol allows.

use super::{Known, Ledger, Standing, became};
use crate::engine;
use crate::planted::{self, Bug};
use crate::store::{Claim, Epoch, Outcome, Record, Resolved, StoreError, TakenIn};

impl Ledger {
    /// Whether the rules allow it.
    pub(in crate::store) fn check(&self, record: &Record<'_>) -> Result<(), StoreError> {
        if let Record::Epoch(epoch) = record {
            return self.check_epoch(epoch);
        }
        if !self.at_work {
            return Err(StoreError::NotAtWork);
        }
        match record {
            Record::Intent(taken) => self.check_intent(taken),
            Record::Attempt(claim) => self.check_attempt(claim),
            Record::Outcome(known) => self.check_outcome(known),
            Record::Resolved(resolved) => self.check_resolution(resolved),
            _ => Ok(()),
        }
    }

    fn check_epoch(&self, epoch: &Epoch) -> Result<(), StoreError> {
        let last = self.epoch.as_ref();
        if let Some(last) = last
            && last.run_id != epoch.run_id
        {
            return Err(StoreError::OtherRun {
                recorded: last.run_id.clone(),
                offered: epoch.run_id.clone(),
            });
        }
        let expected = last.map_or(1, |last| last.number + 1);
        if epoch.number != expected {
            return Err(StoreError::WrongEpoch {
                offered: epoch.number,
                expected,
            });
        }
        Ok(())
    }

    fn check_intent(&self, taken: &TakenIn<'_>) -> Result<(), StoreError> {
        let Some((client_order_id, _)) = became(taken) else {
            return Ok(());
        };
        if taken.seen.is_some() || self.expected.contains_key(client_order_id) {
            return Err(StoreError::TakenUpTwice {
                client_order_id: client_order_id.to_owned(),
            });
        }
        Ok(())
    }

    fn check_attempt(&self, claim: &Claim) -> Result<(), StoreError> {
        let expected = if let Some(Known {
            claim: last,
            standing,
        }) = self.orders.get(&claim.key)
        {
            if last.digest != claim.digest {
                return Err(conflict(claim, last.digest.clone()));
            }
            check_order(last, &claim.order.client_order_id)?;
            if *standing != Standing::Absent && !planted::is(Bug::NextBeforeAbsent) {
                return Err(StoreError::StillInDoubt {
                    key: claim.key.clone(),
                    attempt: claim.attempt,
                    pending: last.attempt,
                });
            }
            last.attempt.saturating_add(1)
        } else {
            self.check_new(claim)?;
            1
        };
        if claim.attempt != expected {
            return Err(StoreError::WrongAttempt {
                key: claim.key.clone(),
                attempt: claim.attempt,
                expected,
            });
        }
        Ok(())
    }

    fn check_new(&self, claim: &Claim) -> Result<(), StoreError> {
        if let Some(place) = claim.place {
            if Some(place) > self.watermark {
                return Ok(());
            }
            return Err(StoreError::AttemptedBefore {
                key: claim.key.clone(),
            });
        }
        let client_order_id = &claim.order.client_order_id;
        let Some(digest) = self.expected.get(client_order_id) else {
            return Err(StoreError::NotTakenUp {
                client_order_id: client_order_id.clone(),
            });
        };
        let digest = digest.to_hex();
        if digest != claim.digest {
            return Err(conflict(claim, digest));
        }
        Ok(())
    }

    fn check_outcome(&self, outcome: &Outcome<'_>) -> Result<(), StoreError> {
        let may_be = |standing| match standing {
            // Nothing can be known of what was not sent.
            Standing::InDoubt { commit } => commit < self.commits,
            Standing::Absent => matches!(*outcome.outcome, engine::Outcome::Abandoned { .. }),
            Standing::Held => false,
        };
        let known = self.orders.get(outcome.key.as_ref());
        let known =
            known.filter(|known| known.claim.attempt == outcome.attempt && may_be(known.standing));
        let Some(known) = known else {
            return Err(StoreError::NotInDoubt {
                key: outcome.key.clone().into_owned(),
                attempt: outcome.attempt,
            });
        };
        check_order(&known.claim, &outcome.client_order_id)
    }

    /// An order that is settled here may still wait for a person, because the venue has contradicted itself
    /// since. Whether it does, the core knows; a decision about one that does not wait changes nothing.
    fn check_resolution(&self, resolved: &Resolved<'_>) -> Result<(), StoreError> {
        match self.orders.get(resolved.key.as_ref()) {
            None => Ok(()),
            Some(known) if known.standing == Standing::Held => {
                check_order(&known.claim, &resolved.client_order_id)
            }
            Some(_) => Err(StoreError::NotHeld {
                key: resolved.key.clone().into_owned(),
            }),
        }
    }
}

fn check_order(known: &Claim, client_order_id: &str) -> Result<(), StoreError> {
    if known.order.client_order_id == client_order_id {
        return Ok(());
    }
    Err(StoreError::OtherOrder {
        key: known.key.clone(),
        recorded: known.order.client_order_id.clone(),
        offered: client_order_id.to_owned(),
    })
}

fn conflict(claim: &Claim, recorded: String) -> StoreError {
    StoreError::Conflict {
        key: claim.key.clone(),
        recorded,
        offered: claim.digest.clone(),
    }
}
