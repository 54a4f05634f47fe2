//! Bars from lines of comma-separated values.

use memchr::memchr;

use super::buffer::{Buffer, Line, LineFault, MAX_LINE};
use super::error::{DataError, Place, column_at, excerpt};
use super::fields::{BadQuote, Fields, Splitter};
use super::format::BarFormat;
use super::header::{FirstLine, Layout, Shape, recognise};
use super::input::Input;
use super::row::{COLUMNS, Cells, Row, read_bar, read_time};
use super::time::{TimeKind, TimeReader};

/// Reads the rows of a CSV file.
#[derive(Debug)]
pub(super) struct CsvRows {
    buffer: Buffer<Input>,
    splitter: Splitter,
    times: TimeReader,
    layout: Layout,
    /// The first line, where that is a row already.
    first: Option<Line>,
}

impl CsvRows {
    /// Reads the first line that is not blank, to know what is in the rows.
    pub(super) fn open(mut buffer: Buffer<Input>, times: TimeReader) -> Result<Self, DataError> {
        let mut splitter = Splitter::default();
        let Some(line) = next_line(&mut buffer)? else {
            let file = buffer.stream().name().clone();
            return Err(DataError::Empty { file });
        };
        let here = Here::of(&buffer, line);
        let fields = splitter.split(here.text).map_err(|e| here.bad_quote(&e))?;
        let (layout, first) = match recognise(fields) {
            FirstLine::Header(layout) => (layout, None),
            FirstLine::StackedHeader(layout) => {
                skip_stacked_header(&mut buffer)?;
                (layout, None)
            }
            FirstLine::Row(layout) => (layout, Some(line)),
            refused => return Err(here.refuse_first(&refused, fields)),
        };
        Ok(Self {
            buffer,
            splitter,
            times,
            layout,
            first,
        })
    }

    pub(super) const fn times(&self) -> &TimeReader {
        &self.times
    }

    pub(super) const fn input(&self) -> &Input {
        self.buffer.stream()
    }

    pub(super) const fn input_mut(&mut self) -> &mut Input {
        self.buffer.stream_mut()
    }

    pub(super) const fn line(&self) -> u64 {
        self.buffer.line()
    }

    /// What the file looks like; known once a row was read.
    pub(super) const fn format(&self) -> BarFormat {
        match (self.layout.shape, self.times.kind()) {
            (Shape::Klines, _) => BarFormat::BinanceKlines,
            (_, Some(TimeKind::Epoch(_))) => BarFormat::EpochCsv,
            (Shape::Yahoo, _) => BarFormat::Yahoo,
            (Shape::Plain, _) => BarFormat::Csv,
        }
    }

    fn next_line(&mut self) -> Result<Option<Line>, DataError> {
        match self.first.take() {
            Some(line) => Ok(Some(line)),
            None => next_line(&mut self.buffer),
        }
    }

    /// The time of the next row, of which nothing else is looked at; `None` after the last.
    pub(super) fn next_time(&mut self) -> Result<Option<Row>, DataError> {
        let Some(line) = self.next_line()? else {
            return Ok(None);
        };
        let here = Here::of(&self.buffer, line);
        let column = self.layout.columns[0];
        let time = if memchr(b'"', here.text).is_some() {
            let fields = self.splitter.split(here.text);
            fields.map_err(|error| here.bad_quote(&error))?.get(column)
        } else {
            let mut fields = here.text.split(|byte| *byte == b',');
            fields.nth(column).unwrap_or_default()
        };
        let place = || here.place(0);
        let open_time = read_time(time, &mut self.times, place)?;
        Ok(Some(Row::of_time(open_time, line.number)))
    }

    /// The next row; `None` after the last.
    #[inline]
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, DataError> {
        let Some(line) = self.next_line()? else {
            return Ok(None);
        };
        let here = Here::of(&self.buffer, line);
        let fields = match self.splitter.split(here.text) {
            Ok(fields) => fields,
            Err(error) => return Err(here.bad_quote(&error)),
        };
        if fields.len() != self.layout.count {
            return Err(here.field_count(fields.len(), self.layout.count));
        }
        let cells = CsvCells {
            here,
            fields,
            columns: &self.layout.columns,
        };
        let bar = read_bar(&cells, &mut self.times)?;
        let origin = fields.origin(self.layout.columns[0]);
        Ok(Some(Row {
            bar,
            line: line.number,
            column: if origin == 0 {
                1
            } else {
                column_at(here.text, origin)
            },
        }))
    }
}

/// The next line that is not blank.
#[inline]
fn next_line(buffer: &mut Buffer<Input>) -> Result<Option<Line>, DataError> {
    loop {
        match buffer.next_line() {
            Ok(Some(line)) => match buffer.text(line).first() {
                Some(byte) if !byte.is_ascii_whitespace() => return Ok(Some(line)),
                _ if buffer.text(line).trim_ascii().is_empty() => {}
                _ => return Ok(Some(line)),
            },
            Ok(None) => return Ok(None),
            Err(fault) => return Err(line_error(buffer, fault)),
        }
    }
}

#[cold]
fn line_error(buffer: &Buffer<Input>, fault: LineFault) -> DataError {
    let (input, line) = (buffer.stream(), buffer.line());
    match fault {
        LineFault::Io(cause) => input.error(line, cause),
        LineFault::TooLong => DataError::LineTooLong {
            place: input.place(line, 1),
            limit: MAX_LINE,
        },
    }
}

/// Goes past the two lines that a table with names over names has below its header: `Ticker,AAPL,…`
/// and `Date,,…`.
fn skip_stacked_header(buffer: &mut Buffer<Input>) -> Result<(), DataError> {
    for expected in [&["ticker"][..], &["date", "datetime"]] {
        let Some(line) = next_line(buffer)? else {
            let file = buffer.stream().name().clone();
            return Err(DataError::NoRows { file });
        };
        let text = buffer.text(line);
        let name = text.split(|b| *b == b',').next().unwrap_or_default();
        if !expected
            .iter()
            .any(|e| name.eq_ignore_ascii_case(e.as_bytes()))
        {
            let here = Here::of(buffer, line);
            return Err(here.unknown());
        }
    }
    Ok(())
}

/// A line and where it is from.
#[derive(Clone, Copy)]
struct Here<'a> {
    input: &'a Input,
    number: u64,
    text: &'a [u8],
}

impl<'a> Here<'a> {
    #[inline]
    fn of(buffer: &'a Buffer<Input>, line: Line) -> Self {
        Self {
            input: buffer.stream(),
            number: line.number,
            text: buffer.text(line),
        }
    }

    fn place(&self, offset: usize) -> Place {
        self.input.place(self.number, column_at(self.text, offset))
    }

    fn unknown(&self) -> DataError {
        DataError::UnknownFormat {
            place: self.place(0),
            found: excerpt(self.text),
        }
    }

    #[cold]
    fn bad_quote(&self, error: &BadQuote) -> DataError {
        DataError::Quote {
            place: self.place(error.0),
        }
    }

    #[cold]
    fn field_count(&self, found: usize, expected: usize) -> DataError {
        DataError::FieldCount {
            place: self.place(self.text.len()),
            found,
            expected,
        }
    }

    fn refuse_first(&self, refused: &FirstLine, fields: Fields<'_>) -> DataError {
        match *refused {
            FirstLine::Missing(column) => DataError::MissingColumn {
                place: self.place(0),
                column: COLUMNS[column],
                header: excerpt(self.text),
            },
            FirstLine::Ambiguous {
                column,
                first,
                second,
            } => DataError::AmbiguousColumn {
                place: self.place(fields.origin(second)),
                column: COLUMNS[column],
                first: excerpt(fields.get(first)),
                second: excerpt(fields.get(second)),
            },
            FirstLine::ShortRow => DataError::ShortRow {
                place: self.place(self.text.len()),
                found: fields.len(),
            },
            _ => self.unknown(),
        }
    }
}

struct CsvCells<'a> {
    here: Here<'a>,
    fields: Fields<'a>,
    columns: &'a [usize; 6],
}

impl Cells for CsvCells<'_> {
    #[inline]
    fn text(&self, column: usize) -> &[u8] {
        self.fields.get(self.columns[column])
    }

    fn place(&self, column: usize) -> Place {
        self.here.place(self.fields.origin(self.columns[column]))
    }
}
