//! Bars from a JSON array of arrays, one row at a time: such files are one line of any length.

use super::buffer::Buffer;
use super::error::{DataError, Place, excerpt};
use super::input::Input;
use super::row::{COLUMNS, Cells, Row, read_bar};
use super::time::TimeReader;

/// No number is longer than this.
const LONGEST_VALUE: usize = 160;

/// What may come next, outside a row.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// `[` of the outer array.
    Open,
    /// A row, or the end of the array.
    FirstRow,
    /// A comma and a row, or the end of the array.
    Comma,
    /// Nothing.
    Nothing,
}

/// Reads the rows of a JSON file.
#[derive(Debug)]
pub(super) struct JsonRows {
    buffer: Buffer<Input>,
    times: TimeReader,
    values: Values,
    next: Next,
}

/// The texts of one row and where they are.
#[derive(Debug, Default)]
struct Values {
    text: Vec<u8>,
    ends: [usize; 6],
    places: [(u64, u64); 6],
    count: usize,
}

impl JsonRows {
    pub(super) fn new(buffer: Buffer<Input>, times: TimeReader) -> Self {
        Self {
            buffer,
            times,
            values: Values::default(),
            next: Next::Open,
        }
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

    /// The next row; `None` after the last.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, DataError> {
        loop {
            match (self.next, self.skip_space()?) {
                (Next::Open, Some(b'[')) => self.go(Next::FirstRow),
                (Next::Comma, Some(b',')) => {
                    self.buffer.take_byte();
                    self.skip_space()?;
                    return self.read_row().map(Some);
                }
                (Next::FirstRow, Some(b'[')) => return self.read_row().map(Some),
                (Next::FirstRow | Next::Comma, Some(b']')) => self.go(Next::Nothing),
                (Next::Nothing, None) => return Ok(None),
                (next, _) => {
                    return Err(self.unexpected(match next {
                        Next::Open => "`[`",
                        Next::FirstRow => "a row or `]`",
                        Next::Comma => "`,` or `]`",
                        Next::Nothing => "the end of the file",
                    }));
                }
            }
        }
    }

    fn go(&mut self, next: Next) {
        self.buffer.take_byte();
        self.next = next;
    }

    fn read_row(&mut self) -> Result<Row, DataError> {
        if self.peek()? != Some(b'[') {
            return Err(self.unexpected("a row"));
        }
        let (line, column) = (self.buffer.line(), self.buffer.column());
        self.buffer.take_byte();
        self.values.clear();
        loop {
            self.skip_space()?;
            self.read_value()?;
            match self.skip_space()? {
                Some(b',') => self.buffer.take_byte(),
                Some(b']') if self.values.count >= COLUMNS.len() => break,
                Some(b']') => return Err(self.unexpected("`,` and one of 6 values")),
                _ => return Err(self.unexpected("`,` or `]`")),
            }
        }
        self.buffer.take_byte();
        self.next = Next::Comma;
        let cells = JsonCells {
            input: self.buffer.stream(),
            values: &self.values,
        };
        let bar = read_bar(&cells, &mut self.times)?;
        Ok(Row { bar, line, column })
    }

    /// A number, bare or in quotes; or a word, which is refused later as a number.
    fn read_value(&mut self) -> Result<(), DataError> {
        const EXPECTED: &str = "a number, bare or in quotes,";
        self.values
            .begin((self.buffer.line(), self.buffer.column()));
        let quoted = self.peek()? == Some(b'"');
        if quoted {
            self.buffer.take_byte();
        }
        let mut length = 0;
        loop {
            let byte = match self.peek()? {
                Some(b'"') if quoted => {
                    self.buffer.take_byte();
                    break;
                }
                Some(byte) if quoted && byte != b'\\' && byte >= b' ' => byte,
                Some(byte) if !quoted && is_bare(byte) => byte,
                _ if !quoted && length > 0 => break,
                _ => return Err(self.unexpected(EXPECTED)),
            };
            length += 1;
            if length > LONGEST_VALUE {
                return Err(self.unexpected(EXPECTED));
            }
            self.values.push(byte);
            self.buffer.take_byte();
        }
        self.values.end();
        Ok(())
    }

    #[inline]
    fn peek(&mut self) -> Result<Option<u8>, DataError> {
        match self.buffer.peek_byte() {
            Ok(byte) => Ok(byte),
            Err(cause) => Err(self.buffer.stream().error(self.buffer.line(), cause)),
        }
    }

    /// Skips white space; the byte after it.
    #[inline]
    fn skip_space(&mut self) -> Result<Option<u8>, DataError> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.buffer.take_byte(),
                byte => return Ok(byte),
            }
        }
    }

    #[cold]
    fn unexpected(&self, expected: &'static str) -> DataError {
        let pending = self.buffer.pending();
        let found = match pending {
            [] => "the end of the file".to_owned(),
            _ => format!("`{}`", excerpt(&pending[..pending.len().min(12)])),
        };
        DataError::Json {
            place: self.input().place(self.buffer.line(), self.buffer.column()),
            found,
            expected,
        }
    }
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

impl Values {
    fn clear(&mut self) {
        self.text.clear();
        self.count = 0;
    }

    fn begin(&mut self, place: (u64, u64)) {
        if let Some(slot) = self.places.get_mut(self.count) {
            *slot = place;
        }
    }

    fn push(&mut self, byte: u8) {
        if self.count < COLUMNS.len() {
            self.text.push(byte);
        }
    }

    fn end(&mut self) {
        if let Some(slot) = self.ends.get_mut(self.count) {
            *slot = self.text.len();
            self.count += 1;
        }
    }
}

struct JsonCells<'a> {
    input: &'a Input,
    values: &'a Values,
}

impl Cells for JsonCells<'_> {
    #[inline]
    fn text(&self, column: usize) -> &[u8] {
        let start = if column == 0 {
            0
        } else {
            self.values.ends[column - 1]
        };
        &self.values.text[start..self.values.ends[column]]
    }

    fn place(&self, column: usize) -> Place {
        let (line, column) = self.values.places[column];
        self.input.place(line, column)
    }
}
