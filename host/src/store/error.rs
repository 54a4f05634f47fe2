//! Why a store refuses, or fails.

use std::path::PathBuf;

use super::journal::{IoFailure, JournalError};

/// What a store refuses, or fails at. After a refusal the store is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The key stands for an order with other parameters.
    #[error(
        "idempotency key {key} was used for an order with other parameters (digest {recorded}, now \
         {offered}): the source of orders is not deterministic, or two sources share an id\n  hint: give \
         every order an id of its own, and every run the very same data"
    )]
    Conflict {
        /// The key.
        key: String,
        /// The digest it was first used with.
        recorded: String,
        /// The digest it is used with now.
        offered: String,
    },
    /// The key stands for another order.
    #[error(
        "idempotency key {key} stands for order {recorded}, not for {offered}\n  hint: this is a fault \
         of investbot; nothing was sent"
    )]
    OtherOrder {
        /// The key.
        key: String,
        /// The client order id it was first used with.
        recorded: String,
        /// The client order id it is used with now.
        offered: String,
    },
    /// An attempt of the key is still in doubt, or held.
    #[error(
        "attempt {attempt} of {key} was claimed while attempt {pending} is in doubt\n  hint: this is a \
         fault of investbot; nothing was sent"
    )]
    StillInDoubt {
        /// The key.
        key: String,
        /// The attempt that was claimed.
        attempt: u32,
        /// The attempt that is in doubt.
        pending: u32,
    },
    /// An attempt number was left out or used before.
    #[error(
        "attempt {attempt} of {key} was claimed, but the next one is {expected}\n  hint: this is a fault \
         of investbot; nothing was sent"
    )]
    WrongAttempt {
        /// The key.
        key: String,
        /// The attempt that was claimed.
        attempt: u32,
        /// The attempt that could be.
        expected: u32,
    },
    /// A first attempt of an order that is not after all that were attempted.
    #[error(
        "order {key} was claimed, but its place in the source was passed before: it may have been sent\n  \
         hint: the source of orders is not deterministic; resume with the very same data"
    )]
    AttemptedBefore {
        /// The key.
        key: String,
    },
    /// A first attempt of a caller's order that was not taken in, or was attempted before.
    #[error(
        "order {client_order_id} was claimed, but no intent that was taken in and not attempted yet is \
         for it\n  hint: this is a fault of investbot; nothing was sent"
    )]
    NotTakenUp {
        /// The order's client order id.
        client_order_id: String,
    },
    /// An intent became an order that was taken up before.
    #[error(
        "order {client_order_id} was taken up twice\n  hint: this is a fault of investbot; nothing was sent"
    )]
    TakenUpTwice {
        /// The order's client order id.
        client_order_id: String,
    },
    /// A settlement of an attempt that is not in doubt.
    #[error(
        "attempt {attempt} of {key} was settled, but it is not in doubt\n  hint: this is a fault of \
         investbot; what was settled before stands"
    )]
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
    /// A process that is not the one after the last.
    #[error("epoch {offered} where epoch {expected} belongs\n  hint: this is a fault of investbot")]
    WrongEpoch {
        /// The number it has.
        offered: u64,
        /// The number it should have.
        expected: u64,
    },
    /// Something happened before a process took the run up, or after it put it down.
    #[error("no process was at work on the run\n  hint: this is a fault of investbot")]
    NotAtWork,
    /// The disk is full. What is known is on it; the attempts are not, and must not be sent.
    #[error(
        "no room for the journal: {failure}; {} not sent\n  hint: free some space, or raise the limit \
         that is in the way (ulimit -f), and resume the run; what became of the orders that were sent is kept in \
         the space that was held back", orders(.keys)
    )]
    Full {
        /// The keys of the attempts that were taken back, in the order in which they were staged.
        keys: Vec<String>,
        /// What the system said.
        failure: IoFailure,
    },
    /// The index of callers' ids cannot be read or written.
    #[error(
        "the index of callers' ids cannot be used: {}: {text}\n  hint: check the disk and the rights, or delete \
         the directory; it is filled again from the journal, and nothing is lost", .dir.display()
    )]
    Index {
        /// Its directory.
        dir: PathBuf,
        /// What happened.
        text: String,
    },
    /// The index of callers' ids knows records that the journal does not have.
    #[error(
        "the end of the journal is lost: {} has not the record {expected} that the index of callers' ids was filled \
         up to\n  hint: nothing more was sent; restore the journal from a copy of this run directory. Without one, look \
         up the run's orders at the venue, and delete {} to go on with what the journal has", .dir.display(),
        .index.display()
    )]
    LostEnd {
        /// The run directory.
        dir: PathBuf,
        /// The index.
        index: PathBuf,
        /// The record.
        expected: u64,
    },
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn orders(keys: &[String]) -> String {
    match keys {
        [key] => format!("order {key} was"),
        keys => format!("{} orders were", keys.len()),
    }
}
