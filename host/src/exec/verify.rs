//! Checks a run from outside: does what a resume does, without the venue and without changing anything, and
//! compares all that the run left with what comes of it.
//!
//! A run that was killed and not resumed can be checked too. What was promised to be on the disk has to be
//! there: the journal but for a last write that was cut off, and the reports up to the last checkpoint or
//! the last end in good order. Of what comes after that, as much as is there has to be right; the reports
//! may end before the journal does, or go on after it. A resume puts both right.

mod ends;
mod mismatch;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use investbot_plugin_api::UnixNanos;

use super::checkpoint::Snapshot;
use super::error::RunError;
use super::prepare::Prepared;
use super::replay::{Replay, Replayed};
use super::resumed::Resumed;
use crate::config::RuntimeConfig;
use crate::engine::ExecutionReport;
use crate::fs::RealFs;
use crate::observe::record::check::{CheckedFile, RecordCheck};
use crate::store::audit::{Known, audit};
use crate::store::journal::{Contents, Torn};
use crate::store::record::Record;
use crate::store::{Mark, checkpoint};

use ends::Ends;
pub use mismatch::{Mismatch, VerifyError};

/// A run in which everything is as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The run directory.
    pub run_dir: PathBuf,
    /// The run's name.
    pub run_id: String,
    /// How many processes worked on it, decisions of a person included.
    pub processes: u64,
    /// How many records its journal has.
    pub records: u64,
    /// How many attempts at sending an order are among them.
    pub attempts: u64,
    /// How many bars it had taken in.
    pub bars: u64,
    /// Whether the last process ended in good order.
    pub ended: bool,
    /// The write that the last process was cut off in.
    pub torn: Option<Torn>,
    /// The files of its reports.
    pub files: [CheckedFile; 3],
    /// The digest over all reports.
    pub report_digest: String,
    /// The record that the checkpoint was made at, if there is one.
    pub checkpoint: Option<u64>,
    /// Whether there is a summary.
    pub summary: bool,
}

/// Checks the run in a directory. Its configuration is made by `configure`.
pub fn verify(
    dir: &Path,
    configure: impl FnOnce(&Resumed) -> RuntimeConfig,
) -> Result<Verified, VerifyError> {
    let resumed = Resumed::open(dir)?;
    let config = configure(&resumed);
    let mut prepared = Prepared::to_look_at(config, resumed)?;
    let (run_dir, run_id) = prepared.take_run_dir()?;
    let run_dir = run_dir.expect("a run that goes on has a directory");
    let snapshot: Option<Snapshot> =
        checkpoint::read(&RealFs, run_dir.path()).map_err(RunError::from)?;
    // The intents are in the journal.
    let (mut source, _) = prepared.bars_from(0)?;
    let check = RefCell::new(RecordCheck::open(run_dir.path())?);
    let failed = RefCell::new(None);
    let mut told = |report: &ExecutionReport| {
        if let Err(error) = check.borrow_mut().report(report) {
            failed.borrow_mut().get_or_insert(VerifyError::from(error));
        }
    };
    let config_of = |account| prepared.core_config(&run_id, account);
    let mut walk = Walk {
        replay: Replay::new(Replayed::default(), &config_of, &mut source, &mut told),
        snapshot: snapshot.as_ref(),
        check: &check,
        ends: Ends::default(),
        count: Count::default(),
    };
    let expected = snapshot.as_ref().map(|snapshot| snapshot.journal.position);
    let read = audit(
        &RealFs,
        run_dir.path(),
        expected,
        &mut |mark, at, record, known| {
            let taken = walk.take(mark, at, record, &known);
            let mut failed = failed.borrow_mut();
            if let (None, Err(error)) = (&*failed, taken) {
                *failed = Some(error);
            }
            // What is wrong is told from there.
            failed.as_ref().map_or(Ok(()), |_| Err(String::new()))
        },
    );
    let Walk {
        replay,
        ends,
        count,
        ..
    } = walk;
    let replayed = replay.finish();
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    let Contents { mark, torn, .. } = read.map_err(RunError::from)?;
    let check = check.into_inner();
    let report_digest = check.digest();
    let ended = replayed.clean && count.processes > 0;
    let files = check.finish(!ended)?;
    let summary = ends.check(run_dir.path())?;
    Ok(Verified {
        run_dir: run_dir.path().to_owned(),
        run_id,
        processes: count.processes,
        records: mark.position.seq,
        attempts: count.attempts,
        bars: replayed.progress.bars,
        ended,
        torn,
        files,
        report_digest,
        checkpoint: snapshot.map(|snapshot| snapshot.journal.position.seq),
        summary,
    })
}

#[derive(Default)]
struct Count {
    processes: u64,
    attempts: u64,
    /// Whether the last process recorded a person's decision, and did nothing else.
    decided: bool,
}

/// The way through a journal.
struct Walk<'a> {
    replay: Replay<'a>,
    snapshot: Option<&'a Snapshot>,
    check: &'a RefCell<RecordCheck>,
    ends: Ends,
    count: Count,
}

impl Walk<'_> {
    fn take(
        &mut self,
        mark: Mark,
        at: UnixNanos,
        record: &Record<'_>,
        known: &Known<'_>,
    ) -> Result<(), VerifyError> {
        self.replay
            .take(mark.position, at, record)
            .map_err(RunError::from)?;
        match record {
            Record::Epoch(_) => {
                self.count.processes += 1;
                self.count.decided = false;
            }
            Record::Attempt(_) => self.count.attempts += 1,
            Record::Resolved(_) => self.count.decided = true,
            // What a decision leads to is reported by the run that goes on.
            Record::Closed if !self.count.decided => self.close()?,
            _ => {}
        }
        match self.snapshot {
            Some(snapshot) if snapshot.journal.position.seq == mark.position.seq => {
                self.compare(snapshot, mark, known)
            }
            _ => Ok(()),
        }
    }

    /// A process ended in good order.
    fn close(&mut self) -> Result<(), VerifyError> {
        let check = self.check.borrow();
        check.must_have_all()?;
        if let Some(core) = &self.replay.at().core {
            self.ends.note(check.digest(), &core.summary());
        }
        Ok(())
    }

    /// The run is where the checkpoint was made.
    fn compare(
        &mut self,
        snapshot: &Snapshot,
        mark: Mark,
        known: &Known<'_>,
    ) -> Result<(), VerifyError> {
        self.replay
            .take_bars(snapshot.progress.bars, mark.position)
            .map_err(RunError::from)?;
        let check = self.check.borrow();
        check.must_have_all()?;
        let at = self.replay.at();
        let (Some(core), Some(account)) = (&at.core, at.account) else {
            let text = "it is of a run that had begun, and the journal has not by then".to_owned();
            return Err(Mismatch::of(checkpoint::NAME, text).into());
        };
        let recomputed = Snapshot {
            journal: mark,
            ledger: known.state(),
            account,
            core: core.state(),
            progress: at.progress.clone(),
            record: check.mark(),
            // The clock may have been ahead of the last record.
            now: snapshot.now,
            clean: at.clean,
        };
        mismatch::compare(checkpoint::NAME, "", snapshot, &recomputed)
    }
}
