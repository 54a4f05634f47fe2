//! What the host remembers about its run, so that no order is sent twice and none is forgotten.
//!
//! Whatever happens is *staged* here: checked against the rules of the order protocol, and kept in memory.
//! One [`commit`](IdempotencyStore::commit) puts everything that was staged on the disk, by one write and
//! one sync; nothing may be sent or shown before. A store knows nothing of venues and makes no decisions
//! about orders; it refuses what the order protocol forbids.

pub mod audit;
pub mod checkpoint;
mod error;
pub mod file;
pub mod ids;
pub mod journal;
mod ledger;
pub mod memory;
mod mirror;
pub mod record;
mod text;

use investbot_plugin_api::UnixNanos;

use crate::engine::Seen;
pub use error::StoreError;
pub use file::FileIdempotencyStore;
pub use journal::Mark;
pub use ledger::LedgerState;
pub use memory::InMemoryIdempotencyStore;
pub use record::{Account, CancelFailed, Claim, Epoch, Outcome, Record, Resolved, TakenIn};

/// The memory of a run.
///
/// A first attempt is granted once: to an order that is known by its place if its place is after those of
/// all orders that were attempted before, to an order of a caller's if the [`TakenIn`] record that took
/// it up was staged and it was not attempted since. So settled orders need not be remembered, and what a
/// store holds does not grow with the run. Orders that are known by their place must therefore be
/// attempted first in the order of their places.
pub trait IdempotencyStore: Send {
    /// Takes a record that the next [`commit`](Self::commit) makes durable, or refuses it. `at` is when the
    /// core saw it. After an error nothing is changed; if the disk was found full before, an attempt is
    /// refused with [`StoreError::Full`].
    fn stage(&mut self, record: Record<'_>, at: UnixNanos) -> Result<(), StoreError>;

    /// Makes everything that was staged durable, by one write and one sync; does nothing if nothing was.
    ///
    /// After [`StoreError::Full`] everything but the attempts is durable, the attempts are as if they had
    /// never been staged, and no others can be. After any other error it is not known what is on the disk,
    /// and nothing can be written any more.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// The attempts without a settlement, by key; those that are only staged too.
    fn in_doubt(&self) -> Vec<Claim>;

    /// The attempts that wait for a person, by key.
    fn held(&self) -> Vec<Claim>;

    /// The attempts that are proven absent and after which another may be made, by key.
    fn absent(&self) -> Vec<Claim>;

    /// What a caller's id became, if it was ever taken up; staged records count.
    fn seen(&mut self, id: &str) -> Result<Option<Seen>, StoreError>;

    /// Where the journal is and what goes with it, for a checkpoint; `None` if there is none, or while
    /// something is staged that is not committed.
    fn snapshot(&self) -> Option<(Mark, LedgerState)>;

    /// The last record that is on the disk; `None` if none ever is.
    fn mark(&self) -> Option<Mark>;
}

#[cfg(test)]
mod tests;
