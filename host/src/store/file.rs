//! The store for money: what it says is kept is on the disk.
//!
//! Every claim and every settlement is in the journal before the call returns; opening the store reads the
//! journal from its beginning. Keys that are settled for good stay in memory, at 48 bytes each: a run of
//! many millions of orders needs an index on the disk in their place, which this store does not have.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use investbot_plugin_api::{Fill, UnixNanos};

use super::journal::{
    Epoch, Held, Journal, Opening, Options, Outcome, Position, Record, Resolved, Sink,
};
use super::ledger::Ledger;
use super::{Claim, Claimed, IdempotencyStore, Resolution, Settled, Settlement, StoreError};
use crate::fs::Fs;

/// Who goes to work on the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The run's id.
    pub run_id: String,
    /// The digest of the plugin's file.
    pub plugin_sha256: String,
    /// When, by the system's clock.
    pub started_at: UnixNanos,
}

/// A store that was read, and on which nobody works yet.
#[derive(Debug)]
pub struct Found {
    /// Whether a write had to be cut off.
    pub opening: Opening,
    /// Who worked on it last.
    pub last_epoch: Option<Epoch>,
    /// What of the source was dealt with.
    pub offset: Option<u64>,
    journal: Journal,
    ledger: Ledger,
}

impl Found {
    /// Where the journal ends.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.journal.position()
    }

    /// Goes to work; from here on, this process is the run.
    pub fn begin(self, start: Start, now: UnixNanos) -> Result<FileIdempotencyStore, StoreError> {
        if let Some(last) = &self.last_epoch
            && last.run_id != start.run_id
        {
            return Err(StoreError::OtherRun {
                recorded: last.run_id.clone(),
                offered: start.run_id,
            });
        }
        let epoch = Epoch {
            number: self.last_epoch.map_or(1, |last| last.number + 1),
            run_id: start.run_id,
            plugin_sha256: start.plugin_sha256,
            started_at: start.started_at,
        };
        let mut journal = self.journal;
        journal.append(now, &[Record::Epoch(epoch.clone())])?;
        Ok(FileIdempotencyStore {
            journal,
            ledger: self.ledger,
            epoch,
            offset: self.offset,
        })
    }
}

/// Keys in a journal.
#[derive(Debug)]
pub struct FileIdempotencyStore {
    journal: Journal,
    ledger: Ledger,
    epoch: Epoch,
    offset: Option<u64>,
}

impl FileIdempotencyStore {
    /// Reads the journal in a directory, or begins one. `sink` is given every record.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: Options,
        sink: &mut Sink<'_>,
    ) -> Result<Found, StoreError> {
        let mut replay = Replay::default();
        let (journal, opening) = Journal::open(fs, dir, options, &mut |position, at, record| {
            replay.take(at, &record)?;
            sink(position, at, record)
        })?;
        Ok(Found {
            opening,
            last_epoch: replay.epoch,
            offset: replay.offset,
            journal,
            ledger: replay.ledger,
        })
    }

    /// The last record that is on the disk.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.journal.position()
    }

    /// This process.
    #[must_use]
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// What of the source was dealt with.
    #[must_use]
    pub const fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// Every order that waits for a person, by key.
    #[must_use]
    pub fn held(&self) -> Vec<Claim> {
        self.ledger.held()
    }

    /// Records what became known, with its reasons.
    pub fn settle_with(&mut self, batch: &[Outcome<'_>], now: UnixNanos) -> Result<(), StoreError> {
        let settlements = batch.iter().map(|outcome| outcome.settlement.as_ref());
        self.ledger.check_settlements(settlements)?;
        let records: Vec<_> = batch.iter().map(record_of).collect();
        self.journal.append(now, &records)?;
        for outcome in batch {
            self.ledger.settle(&outcome.settlement, now);
        }
        Ok(())
    }

    /// Records a person's decision about a held order.
    pub fn resolve(
        &mut self,
        key: &str,
        resolution: Resolution,
        reason: &str,
        now: UnixNanos,
    ) -> Result<(), StoreError> {
        self.ledger.check_resolution(key)?;
        let resolved = Resolved {
            key: Cow::Borrowed(key),
            resolution,
            reason: Cow::Borrowed(reason),
        };
        self.journal.append(now, &[Record::Resolved(resolved)])?;
        self.ledger.resolve(key, resolution, now);
        Ok(())
    }

    /// Records executions.
    pub fn fills(&mut self, fills: &[Fill], now: UnixNanos) -> Result<(), StoreError> {
        let record = |fill| Record::Fill(Cow::Borrowed(fill));
        let records: Vec<_> = fills.iter().map(record).collect();
        self.journal.append(now, &records)?;
        Ok(())
    }

    /// Records that everything the source gave before `position` is dealt with.
    pub fn deal_with(&mut self, position: u64, now: UnixNanos) -> Result<(), StoreError> {
        self.journal.append(now, &[Record::Offset(position)])?;
        self.offset = Some(position);
        Ok(())
    }
}

/// A held order has a record of its own: it is what a person looks for.
fn record_of<'a>(outcome: &'a Outcome<'_>) -> Record<'a> {
    let settlement = &outcome.settlement;
    if settlement.settled == Settled::Held {
        return Record::Held(Held {
            key: Cow::Borrowed(&settlement.key),
            attempt: settlement.attempt,
            reason: outcome.text.as_deref().map(Cow::Borrowed),
        });
    }
    Record::Outcome(Outcome {
        settlement: Cow::Borrowed(settlement),
        code: outcome.code.as_deref().map(Cow::Borrowed),
        text: outcome.text.as_deref().map(Cow::Borrowed),
        report: outcome.report.as_deref().map(Cow::Borrowed),
    })
}

impl IdempotencyStore for FileIdempotencyStore {
    fn claim(&mut self, batch: &[Claim], now: UnixNanos) -> Result<Vec<Claimed>, StoreError> {
        let answers = self.ledger.check_claims(batch)?;
        let granted = || {
            let both = batch.iter().zip(&answers);
            both.filter(|(_, answer)| **answer == Claimed::Granted)
                .map(|(claim, _)| claim)
        };
        let attempt = |claim| Record::Attempt(Cow::Borrowed(claim));
        let records: Vec<_> = granted().map(attempt).collect();
        self.journal.append(now, &records)?;
        for claim in granted() {
            self.ledger.claim(claim.clone(), now);
        }
        Ok(answers)
    }

    fn settle(&mut self, batch: &[Settlement], now: UnixNanos) -> Result<(), StoreError> {
        let outcomes: Vec<_> = batch.iter().map(Outcome::of).collect();
        self.settle_with(&outcomes, now)
    }

    fn in_doubt(&self) -> Result<Vec<Claim>, StoreError> {
        Ok(self.ledger.in_doubt())
    }
}

/// A store that is being rebuilt. What the rules would not have let happen is not believed.
#[derive(Default)]
struct Replay {
    ledger: Ledger,
    epoch: Option<Epoch>,
    offset: Option<u64>,
}

impl Replay {
    fn take(&mut self, at: UnixNanos, record: &Record<'_>) -> Result<(), String> {
        let text = |error: StoreError| error.to_string();
        if self.epoch.is_none() && !matches!(record, Record::Epoch(_)) {
            return Err("no process had gone to work yet".into());
        }
        match record {
            Record::Epoch(epoch) => {
                let next = self.epoch.as_ref().map_or(1, |last| last.number + 1);
                if epoch.number != next {
                    return Err(format!("epoch {} where {next} belongs", epoch.number));
                }
                self.epoch = Some(epoch.clone());
            }
            Record::Attempt(claim) => {
                let claim = claim.as_ref();
                let answers = self.ledger.check_claims(std::slice::from_ref(claim));
                match answers.map_err(text)?.as_slice() {
                    [Claimed::Granted] => self.ledger.claim(claim.clone(), at),
                    _ => return Err(format!("{} was settled before", claim.key)),
                }
            }
            Record::Outcome(outcome) => self.settle(&outcome.settlement, at)?,
            Record::Held(held) => {
                let settlement = Settlement {
                    key: held.key.clone().into_owned(),
                    attempt: held.attempt,
                    settled: Settled::Held,
                };
                self.settle(&settlement, at)?;
            }
            Record::Resolved(resolved) => {
                self.ledger.check_resolution(&resolved.key).map_err(text)?;
                self.ledger.resolve(&resolved.key, resolved.resolution, at);
            }
            Record::Offset(position) => self.offset = Some(*position),
            Record::Fill(_) => {}
        }
        Ok(())
    }

    fn settle(&mut self, settlement: &Settlement, at: UnixNanos) -> Result<(), String> {
        let checked = self.ledger.check_settlements([settlement]);
        checked.map_err(|error| error.to_string())?;
        self.ledger.settle(settlement, at);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
