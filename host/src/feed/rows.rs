//! Rows from text, by what the text is.

use super::buffer::Buffer;
use super::csv::CsvRows;
use super::error::DataError;
use super::input::Input;
use super::json::JsonRows;
use super::row::Row;
use super::time::{TimeKind, TimeReader, TimeUnit};

/// The rows of a source, whatever their format.
#[derive(Debug)]
pub(super) enum Rows {
    Csv(CsvRows),
    Json(JsonRows),
}

impl Rows {
    /// JSON begins with a bracket; everything else is lines.
    pub(super) fn open(input: Input, unit: Option<TimeUnit>) -> Result<Self, DataError> {
        let mut buffer = Buffer::new(input);
        let times = TimeReader::new(unit);
        if let Err(cause) = buffer.skip_mark() {
            return Err(buffer.stream().error(1, cause));
        }
        loop {
            match buffer.peek_byte() {
                Ok(Some(b' ' | b'\t' | b'\r' | b'\n')) => buffer.take_byte(),
                Ok(Some(b'[')) => return Ok(Self::Json(JsonRows::new(buffer, times))),
                Ok(_) => return CsvRows::open(buffer, times).map(Self::Csv),
                Err(cause) => return Err(buffer.stream().error(buffer.line(), cause)),
            }
        }
    }

    #[inline]
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, DataError> {
        match self {
            Self::Csv(rows) => rows.next_row(),
            Self::Json(rows) => rows.next_row(),
        }
    }

    /// The next row; of one in CSV only the time.
    #[inline]
    pub(super) fn next_time(&mut self) -> Result<Option<Row>, DataError> {
        match self {
            Self::Csv(rows) => rows.next_time(),
            Self::Json(rows) => rows.next_row(),
        }
    }

    pub(super) const fn input(&self) -> &Input {
        match self {
            Self::Csv(rows) => rows.input(),
            Self::Json(rows) => rows.input(),
        }
    }

    pub(super) const fn times(&self) -> &TimeReader {
        match self {
            Self::Csv(rows) => rows.times(),
            Self::Json(rows) => rows.times(),
        }
    }

    pub(super) fn finish(&mut self) -> Result<String, DataError> {
        let (line, input) = match self {
            Self::Csv(rows) => (rows.line(), rows.input_mut()),
            Self::Json(rows) => (rows.line(), rows.input_mut()),
        };
        input.finish().map_err(|cause| input.error(line, cause))
    }

    pub(super) fn log_unit(&self) {
        if let (Some(TimeKind::Epoch(unit)), true) =
            (self.times().kind(), self.times().is_guessed())
        {
            let file = self.input().name();
            tracing::info!(%file, %unit, "guessed the unit of the times from the size of the first one");
        }
    }
}
