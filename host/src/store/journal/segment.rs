//! The files of a journal: their names, and lines out of them one at a time.

use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use super::error::{IoFailure, JournalError};
use super::line::MAX_LINE;
use crate::fs::{Fs, uninterrupted};

const STEM: &str = "idempotency_keys";

/// The file of the `number`-th segment, from 1.
pub(super) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(match number {
        0 | 1 => format!("{STEM}.jsonl"),
        _ => format!("{STEM}.{number:06}.jsonl"),
    })
}

fn number(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let middle = name.strip_prefix(STEM)?.strip_suffix(".jsonl")?;
    match middle.strip_prefix('.') {
        None => middle.is_empty().then_some(1),
        Some(digits) if digits.len() >= 6 => digits.parse().ok().filter(|number| *number > 1),
        Some(_) => None,
    }
}

/// How many segments there are. All of them, from the first, must be there.
pub(super) fn count(fs: &dyn Fs, dir: &Path) -> Result<u32, JournalError> {
    let names = uninterrupted(|| fs.list(dir))
        .map_err(|error| IoFailure::new("read the directory", dir, &error))?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|path| number(path)).collect();
    numbers.sort_unstable();
    for (expected, found) in (1..).zip(&numbers) {
        if *found != expected {
            return Err(JournalError::MissingSegment {
                file: path(dir, expected),
            });
        }
    }
    Ok(numbers.last().copied().unwrap_or(0))
}

/// A piece of a file that ends with a newline, or with the file.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    /// Without its newline.
    pub(super) bytes: &'a [u8],
    pub(super) ended: bool,
    /// Where in the file it begins.
    pub(super) offset: u64,
    /// Which line of the file it is, from 1.
    pub(super) line: u64,
}

/// Enough for some dozens of lines.
const BUFFER: usize = 1 << 14;

/// The lines of a file, of which one is in memory at a time.
pub(super) struct Lines {
    input: BufReader<Box<dyn Read + Send>>,
    buffer: Vec<u8>,
    next_offset: u64,
    line: u64,
}

impl Lines {
    pub(super) fn open(fs: &dyn Fs, path: &Path) -> io::Result<Self> {
        let input = uninterrupted(|| fs.read(path, 0))?;
        Ok(Self {
            input: BufReader::with_capacity(BUFFER, input),
            buffer: Vec::new(),
            next_offset: 0,
            line: 0,
        })
    }

    /// The next line, or as much of it as a line may have.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.buffer.clear();
        let mut limited = (&mut self.input).take(MAX_LINE as u64);
        let read = limited.read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        let offset = self.next_offset;
        self.next_offset += read as u64;
        self.line += 1;
        let whole = self.buffer.strip_suffix(b"\n");
        Ok(Some(Piece {
            bytes: whole.unwrap_or(&self.buffer),
            ended: whole.is_some(),
            offset,
            line: self.line,
        }))
    }
}
