//! The books: the core, and the journal of everything it has taken in.
//!
//! Whatever the core hears goes into the journal in the same order and with the same time, except bars,
//! which can be read again: of them the journal says how many were taken in before what follows. So the
//! core can be brought back to where it was by reading.

use std::borrow::Cow;

use investbot_plugin_api::{Bar, UnixNanos};
use serde::{Deserialize, Serialize};

use super::inputs;
use super::worker::Attempt;
use crate::engine::{Command, Core, Input};
use crate::feed::IntentLine;
use crate::planted::{self, Bug};
use crate::store::record::{Claim, Record};
use crate::store::{IdempotencyStore, StoreError};

/// The core and its journal.
pub struct Books {
    core: Core,
    store: Box<dyn IdempotencyStore>,
    /// How many bars the core has taken in.
    bars: u64,
    /// How many of them the journal knows of.
    recorded_bars: u64,
    /// The place of the last intent that was taken in.
    last_intent: Option<u64>,
    /// Up to where the venue's fills are known.
    cursor: Option<String>,
}

/// How far the books have come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// How many bars were taken in.
    pub bars: u64,
    /// The place of the last intent that was taken in.
    pub last_intent: Option<u64>,
    /// Up to where the venue's fills are known.
    pub cursor: Option<String>,
}

impl Books {
    /// The books of a run that has come as far as `progress`.
    #[must_use]
    pub fn new(core: Core, store: Box<dyn IdempotencyStore>, progress: Progress) -> Self {
        Self {
            core,
            store,
            bars: progress.bars,
            recorded_bars: progress.bars,
            last_intent: progress.last_intent,
            cursor: progress.cursor,
        }
    }

    /// The core.
    #[must_use]
    pub const fn core(&self) -> &Core {
        &self.core
    }

    /// The core, for what is no input of it.
    pub(super) const fn core_mut(&mut self) -> &mut Core {
        &mut self.core
    }

    /// Gives the core up.
    #[must_use]
    pub fn into_core(self) -> Core {
        self.core
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn IdempotencyStore {
        self.store.as_ref()
    }

    /// How far the books have come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            bars: self.bars,
            last_intent: self.last_intent,
            cursor: self.cursor.clone(),
        }
    }

    /// Takes in a bar.
    pub fn on_bar(&mut self, bar: &Bar, out: &mut Vec<Command>) {
        let position = self.bars;
        self.bars += 1;
        self.core.step(Input::Bar { position, bar }, out);
    }

    /// Takes in an intent.
    pub fn on_intent(
        &mut self,
        line: IntentLine,
        now: UnixNanos,
        out: &mut Vec<Command>,
    ) -> Result<(), StoreError> {
        let IntentLine {
            position, intent, ..
        } = line;
        let seen = match inputs::id_of(&intent) {
            // What the store has forgotten in time is still known while the order is open.
            Some(id) => self.store.seen(id)?.or_else(|| self.core.seen(id)),
            None => None,
        };
        let seen = planted::unless(Bug::OpenIdsForgotten, seen);
        let before = out.len();
        let input = Input::Intent {
            position,
            now,
            intent: intent.clone(),
            seen: seen.clone(),
        };
        self.core.step(input, out);
        let record = inputs::taken_in(position, &intent, seen.as_ref(), &out[before..]);
        self.stage(record, now)?;
        self.last_intent = Some(position);
        Ok(())
    }

    /// Takes in what happened.
    pub fn on_record(
        &mut self,
        record: &Record<'_>,
        now: UnixNanos,
        out: &mut Vec<Command>,
    ) -> Result<(), StoreError> {
        self.stage(record.clone(), now)?;
        if let Some(input) = inputs::input_of(record, now) {
            self.core.step(input, out);
        }
        Ok(())
    }

    /// Writes down that an attempt is about to be made. The core takes it in once it is durable: if there is no
    /// room for it, there is none.
    pub fn stage_attempt(&mut self, attempt: &Attempt, now: UnixNanos) -> Result<(), StoreError> {
        if planted::is(Bug::NoAttempt) {
            return Ok(());
        }
        if let Some(number) = attempt.absent
            && !planted::is(Bug::NextBeforeAbsent)
        {
            self.stage(inputs::absent(&attempt.claim, number), now)?;
        }
        self.stage(Record::Attempt(Cow::Borrowed(&attempt.claim)), now)
    }

    /// Takes in that a durable attempt is about to be sent.
    pub fn on_attempt(&mut self, claim: &Claim, now: UnixNanos, out: &mut Vec<Command>) {
        let record = Record::Attempt(Cow::Borrowed(claim));
        if let Some(input) = inputs::input_of(&record, now) {
            self.core.step(input, out);
        }
    }

    /// Notes up to where the venue's fills are known.
    pub fn note_cursor(&mut self, cursor: String, now: UnixNanos) -> Result<(), StoreError> {
        self.stage(Record::Cursor(cursor.as_str().into()), now)?;
        self.cursor = Some(cursor);
        Ok(())
    }

    /// Makes durable what was staged.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.store.commit()
    }

    /// Notes that the process ends in good order.
    pub fn close(&mut self, now: UnixNanos) -> Result<(), StoreError> {
        self.stage(Record::Closed, now)?;
        self.store.commit()
    }

    /// Writes down what is not for the core.
    pub(super) fn stage(&mut self, record: Record<'_>, now: UnixNanos) -> Result<(), StoreError> {
        if self.recorded_bars != self.bars {
            self.store.stage(Record::Offset(self.bars), now)?;
            self.recorded_bars = self.bars;
        }
        self.store.stage(record, now)
    }
}
