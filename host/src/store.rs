//! What the host remembers about its submissions, so that none is made twice.
//!
//! The worker claims an attempt here before a byte of it is sent, and settles it when something is
//! known. A store knows nothing of venues and makes no decisions about orders; it refuses what the
//! order protocol forbids.

pub mod file;
pub mod journal;
mod ledger;
pub mod memory;

use investbot_plugin_api::{NewOrder, UnixNanos};
use serde::{Deserialize, Serialize};

pub use file::FileIdempotencyStore;
use journal::JournalError;
pub use memory::InMemoryIdempotencyStore;

/// One attempt that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The idempotency key.
    pub key: String,
    /// The digest of the order's parameters.
    pub digest: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The order as it will be sent.
    pub order: NewOrder,
}

/// What a claim came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The attempt is recorded and may be sent.
    Granted,
    /// The key was settled before: nothing may be sent.
    AlreadySettled(Settled),
}

/// What is known about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// The venue has the order.
    Accepted,
    /// The venue refused it.
    Rejected,
    /// The attempt is proven absent; another may be claimed.
    Absent,
    /// Proven absent, and no more attempts are made.
    Abandoned,
    /// Nobody knows; a person decides.
    Held,
}

/// What a person may decide about a held order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The venue has the order.
    Accepted,
    /// The venue refused it.
    Rejected,
    /// The venue never got it; another attempt may be made.
    Absent,
}

impl From<Resolution> for Settled {
    fn from(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Accepted => Self::Accepted,
            Resolution::Rejected => Self::Rejected,
            Resolution::Absent => Self::Absent,
        }
    }
}

/// A settled attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The idempotency key.
    pub key: String,
    /// Which attempt.
    pub attempt: u32,
    /// What is known.
    pub settled: Settled,
}

/// What a store refuses, or fails at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The key stands for an order with other parameters.
    #[error(
        "idempotency key {key} was used for an order with other parameters (digest {recorded}, now \
         {offered}): the source of orders is not deterministic, or two sources share an id"
    )]
    Conflict {
        /// The key.
        key: String,
        /// The digest it was first used with.
        recorded: String,
        /// The digest it is used with now.
        offered: String,
    },
    /// An attempt of the key is still in doubt.
    #[error("attempt {attempt} of {key} was claimed while attempt {pending} is in doubt")]
    StillInDoubt {
        /// The key.
        key: String,
        /// The attempt that was claimed.
        attempt: u32,
        /// The attempt that is in doubt.
        pending: u32,
    },
    /// An attempt number was left out or used before.
    #[error("attempt {attempt} of {key} was claimed, but the next one is {expected}")]
    WrongAttempt {
        /// The key.
        key: String,
        /// The attempt that was claimed.
        attempt: u32,
        /// The attempt that could be.
        expected: u32,
    },
    /// A settlement of an attempt that is not in doubt.
    #[error("attempt {attempt} of {key} was settled, but it is not in doubt")]
    NotInDoubt {
        /// The key.
        key: String,
        /// The attempt.
        attempt: u32,
    },
    /// A decision about an order that nobody has to decide about.
    #[error(
        "order {key} is not held, so there is nothing to decide\n  hint: check the key; a decision \
         that was recorded stands"
    )]
    NotHeld {
        /// The key.
        key: String,
    },
    /// The journal is another run's.
    #[error(
        "the journal is of run {recorded}, not of run {offered}\n  hint: resume with the run id that \
         the run was started with"
    )]
    OtherRun {
        /// The run that wrote the journal.
        recorded: String,
        /// The run that would go on with it.
        offered: String,
    },
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The memory of submissions.
///
/// Batches are the unit, so that a durable store pays for one sync a batch. A batch is applied whole
/// or, on an error, not at all.
pub trait IdempotencyStore: Send {
    /// Records attempts before they are sent.
    fn claim(&mut self, batch: &[Claim], now: UnixNanos) -> Result<Vec<Claimed>, StoreError>;

    /// Records what became known.
    fn settle(&mut self, batch: &[Settlement], now: UnixNanos) -> Result<(), StoreError>;

    /// Every attempt without a settlement, by key.
    fn in_doubt(&self) -> Result<Vec<Claim>, StoreError>;
}

#[cfg(test)]
mod tests;
