//! A ledger as a checkpoint keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Known, Ledger, Standing};
use crate::engine::identity::SpecDigest;
use crate::store::mirror::PlaceData;
use crate::store::{Claim, Epoch};

/// All that a store remembers of its run. Its size is that of what is still to come, not of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerState {
    epoch: Option<Epoch>,
    at_work: bool,
    watermark: Option<PlaceData>,
    #[serde(with = "claims")]
    in_doubt: Vec<Claim>,
    #[serde(with = "claims")]
    held: Vec<Claim>,
    #[serde(with = "claims")]
    absent: Vec<Claim>,
    expected: BTreeMap<String, SpecDigest>,
}

impl Ledger {
    /// What to keep.
    pub(in crate::store) fn state(&self) -> LedgerState {
        LedgerState {
            epoch: self.epoch.clone(),
            at_work: self.at_work,
            watermark: self.watermark.map(PlaceData::of),
            in_doubt: self.in_doubt(),
            held: self.held(),
            absent: self.claims(|standing| standing == Standing::Absent),
            expected: self.expected.clone(),
        }
    }

    /// The ledger that a state was made of.
    pub(in crate::store) fn restore(state: LedgerState) -> Self {
        let in_doubt = Standing::InDoubt { commit: 0 };
        let of = |claims: Vec<Claim>, standing| {
            let known = move |claim: Claim| (claim.key.clone(), Known { claim, standing });
            claims.into_iter().map(known)
        };
        let orders = of(state.in_doubt, in_doubt)
            .chain(of(state.held, Standing::Held))
            .chain(of(state.absent, Standing::Absent));
        Self {
            epoch: state.epoch,
            at_work: state.at_work,
            watermark: state.watermark.map(PlaceData::into_place),
            orders: orders.collect(),
            expected: state.expected,
            commits: 1,
            staged: Vec::new(),
        }
    }
}

/// Claims, with their numbers as strings.
mod claims {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::store::Claim;
    use crate::store::mirror::ClaimData;

    pub(super) fn serialize<S: Serializer>(claims: &[Claim], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(claims.iter().map(ClaimData::of))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Claim>, D::Error> {
        let claims = Vec::<ClaimData<'de>>::deserialize(from)?;
        Ok(claims.into_iter().map(ClaimData::into_claim).collect())
    }
}
