//! Intents from outside: one JSON object a line, from a file or a pipe.
//!
//! ```text
//! {"id":"a1","instrument":"BTC/USD","side":"buy","type":"limit","quantity":"0.5","limit_price":"4300"}
//! {"cancel":"a1"}
//! ```
//!
//! A line that cannot be read whole and exactly ends the stream: what its writer wanted is not known,
//! and the lines after it may rely on it.

mod error;
mod line;
mod object;

use std::io::Read;
use std::sync::Arc;

use investbot_plugin_api::UnixNanos;

use super::buffer::{Buffer, LineFault, MAX_LINE};
use super::error::{Place, column_at};
use crate::engine::Intent;

pub use error::{IntentError, IntentFault};

/// An intent and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentLine {
    /// Its place among all the lines of a run: the lines before it, blank ones too.
    pub position: u64,
    /// Its line in this stream, from 1.
    pub line: u64,
    /// When it is to be taken up, if the line says so.
    pub time: Option<UnixNanos>,
    /// What is wanted.
    pub intent: Intent,
}

/// Reads intents as they come; an iterator that ends after the first error.
#[derive(Debug)]
pub struct IntentReader<R> {
    buffer: Buffer<R>,
    source: Arc<str>,
    /// The position of the stream's first line.
    first: u64,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Fresh,
    Reading,
    Ended,
}

impl<R: Read> IntentReader<R> {
    /// Reads a stream. `source` names it in messages: the path, or `stdin`.
    pub fn new(source: &str, stream: R) -> Self {
        Self {
            buffer: Buffer::new(stream),
            source: source.into(),
            first: 0,
            state: State::Fresh,
        }
    }

    /// The first line of this stream has this position: for a stream that goes on where another ended,
    /// such as the standard input of a run that is resumed. No two lines of a run share a position.
    #[must_use]
    pub const fn numbered_from(mut self, position: u64) -> Self {
        self.first = position;
        self
    }

    /// Passes over the first `count` lines: for a file whose lines were read before. Nothing is looked at
    /// but where they end.
    ///
    /// # Errors
    ///
    /// [`IntentError::Short`] if there are not that many, [`IntentError::Read`] if reading fails.
    pub fn skip_lines(mut self, count: u64) -> Result<Self, IntentError> {
        self.begin()?;
        let skipped = self.buffer.skip_lines(count);
        let found = skipped.map_err(|cause| self.line_error(LineFault::Io(cause)))?;
        if found < count {
            let source = Arc::clone(&self.source);
            return Err(IntentError::Short {
                file: source,
                found,
                read: count,
            });
        }
        Ok(self)
    }

    /// Goes past the mark that some programs put before the text.
    fn begin(&mut self) -> Result<(), IntentError> {
        if self.state == State::Fresh {
            let marked = self.buffer.skip_mark();
            marked.map_err(|cause| self.line_error(LineFault::Io(cause)))?;
            self.state = State::Reading;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Option<IntentLine>, IntentError> {
        self.begin()?;
        loop {
            let line = match self.buffer.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(None),
                Err(fault) => return Err(self.line_error(fault)),
            };
            let text = self.buffer.text(line);
            if text.trim_ascii().is_empty() {
                continue;
            }
            let (time, intent) = line::parse(text).map_err(|(offset, fault)| {
                let place = self.place(line.number, column_at(text, offset));
                IntentError::Line { place, fault }
            })?;
            return Ok(Some(IntentLine {
                position: self.first + line.number - 1,
                line: line.number,
                time,
                intent,
            }));
        }
    }

    fn place(&self, line: u64, column: u64) -> Place {
        Place {
            source: Arc::clone(&self.source),
            line,
            column,
        }
    }

    fn line_error(&self, fault: LineFault) -> IntentError {
        let place = self.place(self.buffer.line(), 1);
        match fault {
            LineFault::Io(cause) => IntentError::Read { place, cause },
            LineFault::TooLong => IntentError::LineTooLong {
                place,
                limit: MAX_LINE,
            },
        }
    }
}

impl<R: Read> Iterator for IntentReader<R> {
    type Item = Result<IntentLine, IntentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Ended {
            return None;
        }
        let item = self.read().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.state = State::Ended;
        }
        item
    }
}

#[cfg(test)]
mod tests;
