//! How far a run has come, saved now and then so that a resume need not read everything: the journal
//! alone would do.

use std::thread::JoinHandle;

use investbot_plugin_api::UnixNanos;
use serde::{Deserialize, Serialize};

use super::books::Progress;
use super::boot::Kept;
use super::desk::Desk;
use super::hands::ThreadLost;
use super::session::SessionError;
use crate::engine::CoreState;
use crate::observe::record::RecordMark;
use crate::planted::{self, Bug};
use crate::store::checkpoint;
use crate::store::record::Account;
use crate::store::{LedgerState, Mark};

/// A run at one moment: what the journal had said up to its mark, and what had come of that.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Where in the journal it was.
    pub journal: Mark,
    /// The attempts that were open.
    pub ledger: LedgerState,
    /// What the run began with.
    pub account: Account,
    /// The core.
    pub core: CoreState,
    /// How far the source and the venue's fills were read.
    pub progress: Progress,
    /// How long the files of the record were.
    pub record: RecordMark,
    /// The run's time.
    pub now: UnixNanos,
    /// Whether the process ended in good order just then.
    pub clean: bool,
}

/// How much there may be after a checkpoint before the next one is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Records of the journal.
    pub records: u64,
    /// Bars.
    pub bars: u64,
}

impl Default for Interval {
    fn default() -> Self {
        Self {
            records: 50_000,
            bars: 5_000_000,
        }
    }
}

/// Saves checkpoints.
pub struct Keeper {
    kept: Option<Kept>,
    account: Option<Account>,
    saving: Saving,
    /// The last record of the journal that a checkpoint knows of.
    saved: u64,
    saved_bars: u64,
}

/// Where a checkpoint is written.
enum Saving {
    /// By whoever asks for it.
    Here,
    /// By a thread, one at a time, while the run goes on.
    Aside(Option<JoinHandle<Result<(), SessionError>>>),
}

impl Keeper {
    /// Saves nothing: a run that is not kept.
    #[must_use]
    pub fn none() -> Self {
        Self {
            kept: None,
            account: None,
            saving: Saving::Here,
            saved: 0,
            saved_bars: 0,
        }
    }

    /// Saves where the run is kept.
    #[must_use]
    pub fn new(kept: Kept, account: Account) -> Self {
        let saving = if kept.saves_aside {
            Saving::Aside(None)
        } else {
            Saving::Here
        };
        Self {
            kept: Some(kept),
            account: Some(account),
            saving,
            saved: 0,
            saved_bars: 0,
        }
    }

    /// Saves a checkpoint if much has happened since the last.
    pub fn save_if_due(&mut self, desk: &mut Desk) -> Result<(), SessionError> {
        let Some(Kept { interval, .. }) = self.kept else {
            return Ok(());
        };
        let mark = desk.books().store().mark();
        let seq = mark.map_or(0, |mark| mark.position.seq);
        let bars = desk.books().progress().bars;
        let is_due =
            seq >= self.saved + interval.records || bars >= self.saved_bars + interval.bars;
        let is_due = is_due || planted::is(Bug::CheckpointAhead);
        if is_due && self.is_free()? {
            self.save(desk, false)?;
        }
        Ok(())
    }

    /// Notes that the process ends in good order, and saves the last checkpoint.
    pub fn close(&mut self, desk: &mut Desk) -> Result<(), SessionError> {
        // Whoever ends in good order leaves a record that is whole.
        if !desk.mark_record()? {
            desk.commit()?;
            return self.wait();
        }
        let now = desk.now();
        desk.books_mut().close(now)?;
        self.wait()?;
        self.save(desk, true)?;
        self.wait()
    }

    fn save(&mut self, desk: &mut Desk, clean: bool) -> Result<(), SessionError> {
        let (Some(kept), Some(account)) = (&self.kept, self.account) else {
            return Ok(());
        };
        // What cannot be kept is no place to go on from: without this checkpoint the journal is replayed. The core may
        // have taken in attempts that a full disk did not.
        if desk.is_winding_up() && !planted::is(Bug::FullDiskBelieved) {
            return Ok(());
        }
        // What a checkpoint says must be in the journal before it.
        if !planted::is(Bug::CheckpointAhead) {
            desk.tell()?;
            desk.commit()?;
        }
        let marking = desk.record_mut().marking()?;
        let now = desk.now();
        let books = desk.books();
        let Some((journal, ledger)) = books.store().snapshot() else {
            return Ok(());
        };
        self.saved = journal.position.seq;
        self.saved_bars = books.progress().bars;
        let (core, progress) = (books.core().state(), books.progress());
        let kept = kept.clone();
        let save = move || {
            let snapshot = Snapshot {
                journal,
                ledger,
                account,
                core,
                progress,
                record: marking.sync()?,
                now,
                clean,
            };
            Ok(checkpoint::save(kept.fs.as_ref(), &kept.dir, &snapshot)?)
        };
        match &mut self.saving {
            Saving::Here => save()?,
            Saving::Aside(thread) => {
                let name = "checkpoint".to_owned();
                let spawned = std::thread::Builder::new().name(name).spawn(save);
                *thread = Some(spawned.map_err(SessionError::NoThread)?);
            }
        }
        Ok(())
    }

    /// Whether no checkpoint is being written; how the last one went is heard here.
    fn is_free(&mut self) -> Result<bool, SessionError> {
        match &self.saving {
            Saving::Aside(Some(thread)) if !thread.is_finished() => Ok(false),
            _ => self.wait().map(|()| true),
        }
    }

    fn wait(&mut self) -> Result<(), SessionError> {
        let Saving::Aside(thread) = &mut self.saving else {
            return Ok(());
        };
        match thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(saved)) => saved,
            Some(Err(_)) => Err(SessionError::Thread(ThreadLost)),
        }
    }
}
