//! One run: takes what comes from the source, in order, to the desk, until the source ends or somebody
//! stops it.

use investbot_plugin_api::AdapterError;

use super::checkpoint::Keeper;
use super::desk::Desk;
use super::hands::ThreadLost;
use super::policy::SendPolicy;
use super::reconcile::Reconciler;
use super::signals::StopFlag;
use super::source::{Item, Source};
use super::watch::Thoroughness;
use crate::clock::Clock as _;
use crate::feed::{DataError, IntentError};
use crate::observe::record::RecordError;
use crate::observe::result::End;
use crate::store::StoreError;
use crate::store::checkpoint::CheckpointError;

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The source has something that cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The stream of intents has something that cannot be used.
    #[error(transparent)]
    Intents(#[from] IntentError),
    /// What happens cannot be kept, or must not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread of the worker ended.
    #[error(transparent)]
    Thread(#[from] ThreadLost),
    /// A thread could not be started.
    #[error("the system gives no thread: {0}\n  hint: lower the load")]
    NoThread(std::io::Error),
    /// A checkpoint could not be saved.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What came of the run could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A simulated venue would not look at the market.
    #[error(
        "the venue did not take the bars it was shown: {0}\n  hint: resume the run once the venue works again"
    )]
    Market(AdapterError),
    /// The plugin is not called any more.
    #[error(
        "the plugin is in quarantine: {0}\n  hint: nothing more was sent; mend or replace the plugin, then resume the run \
         (--resume DIR), which finds out what became of orders in doubt"
    )]
    Quarantined(String),
}

impl SessionError {
    /// Whether the journal and the venue can still be relied on: then what is under way is settled before the
    /// run ends with the error.
    pub(super) const fn leaves_the_journal(&self) -> bool {
        match self {
            Self::Data(_)
            | Self::Intents(_)
            | Self::Checkpoint(_)
            | Self::Record(_)
            | Self::Quarantined(_) => true,
            Self::Store(error) => {
                matches!(error, StoreError::Full { .. } | StoreError::Index { .. })
            }
            Self::Thread(_) | Self::NoThread(_) | Self::Market(_) => false,
        }
    }
}

/// A run under way.
pub struct Session {
    /// Where the work is done.
    pub desk: Desk,
    /// Saves how far the run has come, now and then.
    pub keeper: Keeper,
    /// Compares the books with the venue, now and then.
    pub reconciler: Reconciler,
    /// Whether to stop.
    pub stop: StopFlag,
}

impl Session {
    /// Runs to the end of the source. Whatever the end, the record is complete up to it.
    pub fn run(
        &mut self,
        source: &mut Source,
        progress: impl FnMut(u64),
    ) -> Result<End, SessionError> {
        let end = match self.work(source, progress) {
            Ok(end) => end,
            Err(error) => {
                self.desk.wind_up(error)?;
                End::Complete
            }
        };
        self.finish(end)
    }

    /// Takes what comes until there is a reason to end.
    fn work(
        &mut self,
        source: &mut Source,
        mut progress: impl FnMut(u64),
    ) -> Result<End, SessionError> {
        loop {
            if let Some(end) = self.desk.halted() {
                return Ok(end.clone());
            }
            if self.stop.is_raised() {
                return Ok(End::Stopped);
            }
            if let Some(why) = self.desk.venue().quarantine() {
                return Err(SessionError::Quarantined(why));
            }
            if self.desk.is_winding_up() {
                return Ok(End::Complete);
            }
            let item = if self.desk.has_room() {
                source.next(self.desk.patience())?
            } else {
                Item::Nothing
            };
            match item {
                Item::Bar(bar) => {
                    self.desk.on_bar(&bar)?;
                    progress(self.desk.books().progress().bars);
                }
                Item::Intent(line) => self.desk.on_intent(*line)?,
                Item::Nothing => self.desk.turn()?,
                Item::End => return Ok(End::Complete),
            }
            if self.desk.must_look() {
                self.desk.look(Thoroughness::Usual)?;
            }
            if !self.desk.is_lockstep() {
                self.reconciler.if_due(&mut self.desk)?;
            }
            self.keeper.save_if_due(&mut self.desk)?;
        }
    }

    /// Waits for what is under way, shows the venue the rest of the market, asks it a last time and saves
    /// how far the run has come.
    fn finish(&mut self, end: End) -> Result<End, SessionError> {
        self.desk.settle()?;
        if self.desk.venue().quarantine().is_none() {
            self.desk.show_market()?;
            self.desk.settle()?;
            self.last_look()?;
            self.desk.settle()?;
        }
        if let Some(why) = self.desk.venue().quarantine() {
            self.desk.wind_up(SessionError::Quarantined(why))?;
        }
        self.keeper.close(&mut self.desk)?;
        if let Some(error) = self.desk.wound_up() {
            return Err(error);
        }
        Ok(match (end, self.desk.halted()) {
            (End::Complete, Some(halted)) => halted.clone(),
            (end, _) => end,
        })
    }

    /// Nothing more will be shown, so this is the last chance to learn what was not told: the venue is
    /// asked until it has answered. A stop is not made to wait for a venue that does not.
    fn last_look(&mut self) -> Result<(), SessionError> {
        for tries in 1..=SendPolicy::MAX_QUERIES {
            let Some(error) = self.desk.look(Thoroughness::Book)? else {
                break;
            };
            if tries == SendPolicy::MAX_QUERIES {
                tracing::warn!(%error, "the venue did not tell what became of all open orders");
            }
            let backoff = self.desk.worker_mut().policy().backoff();
            let wait = error
                .retry_after()
                .unwrap_or_else(|| backoff.delay("end", tries));
            if !self.desk.clock().sleep(wait, &|| self.stop.is_raised()) {
                break;
            }
        }
        Ok(())
    }
}
