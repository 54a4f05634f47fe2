//! Telling: what came of the orders goes to the record, and to whoever listens, once it is durable.

use super::Desk;
use crate::exec::session::SessionError;
use crate::observe::record::RecordError;
use crate::planted::{self, Bug};

impl Desk {
    /// Tells what is to be told, once it is durable.
    pub(in crate::exec) fn tell(&mut self) -> Result<(), SessionError> {
        if self.untold.is_empty() {
            return Ok(());
        }
        if self.parts.record.is_shown() && !planted::is(Bug::ShownBeforeDurable) {
            self.commit()?;
        }
        match self.tell_record() {
            Ok(()) => Ok(()),
            Err(error) => {
                // Nobody relied on what was not told, and a resume tells it from the journal.
                self.untold.clear();
                self.record_lacks = true;
                self.wind_up(error.into())
            }
        }
    }

    /// Brings all that is to be told to the disk; whether it is there.
    pub(in crate::exec) fn mark_record(&mut self) -> Result<bool, SessionError> {
        self.tell()?;
        if !self.record_lacks
            && let Err(error) = self.parts.record.mark()
        {
            self.record_lacks = true;
            self.wind_up(error.into())?;
        }
        Ok(!self.record_lacks)
    }

    fn tell_record(&mut self) -> Result<(), RecordError> {
        if self.record_lacks {
            self.untold.clear();
            return Ok(());
        }
        for report in self.untold.drain(..) {
            self.parts.record.report(&report)?;
        }
        self.parts.record.flush()
    }
}
