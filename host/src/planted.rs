//! Mistakes made on purpose.
//!
//! A simulator that has caught nothing proves nothing. So this code, which ships, has the bugs in it that a
//! simulation of it should find: each at the place where the mistake would be made, as one condition that is
//! `false` in every build but that of the test which hunts for them (`tests/planted`). There one bug at a time is
//! switched on, for the thread that runs the schedules.
//!
//! The feature `planted` makes the switch. Without it [`is`] is a constant and the conditions are compiled away; with
//! it a build that has no debug assertions is refused, so that no release can have a bug that somebody planted.

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!(
    "the feature `planted` puts bugs into the program, for a test alone; build without it, or with debug assertions"
);

/// The bugs, and all of them in a list.
macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident,)+) => {
        /// What can be wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($(#[doc = $doc])+ $bug,)+
        }

        #[cfg(feature = "planted")]
        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$bug,)+];

            /// What it is called in the source.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => stringify!($bug),)+
                }
            }

            /// What is wrong.
            #[must_use]
            pub fn words(self) -> &'static str {
                let words = match self {
                    $(Self::$bug => concat!($($doc),+),)+
                };
                words.trim()
            }
        }
    };
}

bugs! {
    /// An attempt is sent before it is on the disk.
    SendBeforeSync,
    /// An attempt is sent that is not recorded.
    NoAttempt,
    /// What nobody knows about is sent again, to every venue.
    BlindResend,
    /// What an earlier process may have sent is taken for not sent.
    CrashMeansNotSent,
    /// No answer in time is taken for a refusal.
    TimeoutMeansRejected,
    /// An order that is not found is taken for absent, whatever that proves.
    NotFoundMeansAbsent,
    /// A query proves absence before the deadline is over.
    QueryTooEarly,
    /// The venue's clock is taken for right.
    NoSkew,
    /// A query proves absence as soon as the deadline is over.
    NoLagWait,
    /// A query proves absence at the last moment at which it may miss the order.
    EdgeOfTheLag,
    /// Every venue is taken for one that ends its client's session with what is under way in it.
    FenceNotChecked,
    /// The clock is not compared with the deadline just before the send.
    DeadlineNotChecked,
    /// An order is sent again to a venue that may have forgotten it while the process stood still.
    WindowNotChecked,
    /// The next attempt is made before the absence of the last is recorded.
    NextBeforeAbsent,
    /// A refusal of what was sent again is taken for one of the order.
    RefusedWhileInDoubt,
    /// What was not sent again is taken for never sent.
    NotSentWhileInDoubt,
    /// Attempts that are used up are taken for a refusal.
    GivingUpMeansRejected,
    /// An answer about another order is believed.
    BelievesAnyAnswer,
    /// The books believe an answer about an order of another quantity.
    OtherQuantityBelieved,
    /// Nobody is told of a held order.
    SilentHold,
    /// What is final is shown before it is on the disk.
    ShownBeforeDurable,
    /// A fill that is told twice is booked twice.
    FillsBookedTwice,
    /// Where a run begins to hear of fills is not noted before its first attempt.
    CursorNotNoted,
    /// A later order is attempted before an earlier one that has to wait.
    LaterOrderFirst,
    /// The core believes in attempts that a full disk did not take.
    FullDiskBelieved,
    /// A checkpoint is ahead of the journal.
    CheckpointAhead,
    /// A checkpoint has its name before it is on the disk.
    CheckpointNotSynced,
    /// Callers' ids that an earlier process took up are forgotten.
    IdsForgotten,
    /// A caller's id is forgotten while its order is open.
    OpenIdsForgotten,
    /// A torn tail is taken for a record.
    TornTailAccepted,
    /// What a process wrote and could not sync is read back, and not written anew.
    TailNotSecured,
    /// After a failed sync the journal is written on.
    FailedSyncIgnored,
    /// A write that was cut short is taken for whole.
    ShortWriteBelieved,
    /// A new file of the journal is used before its name is on the disk.
    NewFileNotSynced,
}

/// Whether a bug is to happen here.
#[cfg(not(feature = "planted"))]
#[inline]
#[must_use]
pub const fn is(_: Bug) -> bool {
    false
}

/// `value`, or nothing of it where a bug is to happen.
#[inline]
pub fn unless<T: Default>(bug: Bug, value: T) -> T {
    if is(bug) { T::default() } else { value }
}

#[cfg(feature = "planted")]
pub use switch::{is, with};

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether a bug is to happen here.
    #[must_use]
    pub fn is(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Does something with a bug, or with none, in whatever this thread calls.
    pub fn with<R>(bug: Option<Bug>, work: impl FnOnce() -> R) -> R {
        /// Takes the bug out again, also after a panic.
        struct Before(Option<Bug>);
        impl Drop for Before {
            fn drop(&mut self) {
                PLANTED.set(self.0);
            }
        }
        let _before = Before(PLANTED.replace(bug));
        work()
    }
}
