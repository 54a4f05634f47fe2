//! Reads a journal, and tells a write that was cut off from damage.
//!
//! A power failure leaves of the last batch whatever it likes, and nobody was told that this batch was
//! kept: cutting it off loses nothing that anybody relied on. Everything else is damage to something that
//! was relied on, and refused. What may be cut off is therefore only bytes at the very end that have no
//! end themselves (or are full of holes), hold no whole record, and come after the checkpoint's position.

use std::path::{Path, PathBuf};

use investbot_plugin_api::UnixNanos;
use memchr::memmem;

use super::error::{Because, Flaw, IoFailure, JournalError};
use super::line::{HEAD, Line, MAX_LINE, Mark, Position};
use super::segment::{self, Lines, Piece};
use crate::fs::Fs;
use crate::planted::{self, Bug};
use crate::store::Record;

/// What takes the records of a journal, one at a time. It may object to one that contradicts the others.
pub type Sink<'s> = dyn FnMut(Mark, UnixNanos, Record<'_>) -> Result<(), String> + 's;

/// What is read of a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What comes after this mark; without one, everything. What comes before it in its file and in the 16 before
    /// that is checked.
    pub from: Option<Mark>,
    /// A position that the journal must hold, after the mark.
    pub expected: Option<Position>,
}

/// So many files before the one with the mark are checked too, and those before them are not looked at: going on with
/// a run must not take longer the longer the run was.
const CHECKED_BEFORE: u32 = 16;

/// What a journal was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Where it ends.
    pub mark: Mark,
    /// How many files it has.
    pub segments: u32,
    /// The write that was cut off, if there is one.
    pub torn: Option<Torn>,
}

impl Contents {
    /// The file that the journal goes on in; those after it are empty. 0 if there is nothing at all.
    pub(super) fn current(&self) -> u32 {
        match &self.torn {
            Some(torn) => torn.segment,
            None if self.mark.position.seq == 0 => 0,
            None => self.mark.segment,
        }
    }
}

/// A write that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Which segment, from 1; the ones after it are empty.
    pub segment: u32,
    /// Its file.
    pub file: PathBuf,
    /// The first damaged line, from 1.
    pub line: u64,
    /// Where in the file it begins.
    pub offset: u64,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// Reads a journal; changes nothing.
pub fn read(
    fs: &dyn Fs,
    dir: &Path,
    reading: Reading,
    sink: &mut Sink<'_>,
) -> Result<Contents, JournalError> {
    let given = |position: &Position| position.seq > 0;
    let from = reading.from.filter(|mark| given(&mark.position));
    let expected = reading.expected.filter(given);
    let mut reader = Reader {
        fs,
        dir,
        segments: segment::count(fs, dir)?,
        expected: expected.or(from.map(|mark| mark.position)),
        first: from.map_or(1, |mark| mark.segment.saturating_sub(CHECKED_BEFORE).max(1)),
        from,
        last: Mark::START,
    };
    let torn = reader.run(sink)?;
    if let Some(expected) = reader.expected
        && expected.seq > reader.last.position.seq
    {
        return Err(JournalError::CutShort {
            dir: dir.to_owned(),
            expected: expected.seq,
        });
    }
    Ok(Contents {
        mark: reader.last,
        segments: reader.segments,
        torn,
    })
}

struct Reader<'a> {
    fs: &'a dyn Fs,
    dir: &'a Path,
    segments: u32,
    expected: Option<Position>,
    /// The file that is read first.
    first: u32,
    /// The line after which records are passed on, until it was read.
    from: Option<Mark>,
    last: Mark,
}

impl Reader<'_> {
    fn run(&mut self, sink: &mut Sink<'_>) -> Result<Option<Torn>, JournalError> {
        for segment in self.first..=self.segments {
            let file = segment::path(self.dir, segment);
            let mut lines = self.open(&file)?;
            while let Some(piece) = next(&mut lines, &file)? {
                let torn = |flaw| Torn {
                    segment,
                    file: file.clone(),
                    line: piece.line,
                    offset: piece.offset,
                    flaw,
                };
                match parse(&piece) {
                    Ok(line) => {
                        let mark = Mark {
                            position: line.position(),
                            segment,
                            offset: piece.offset,
                            line: piece.line,
                        };
                        self.take(&line, mark, sink)
                            .map_err(|flaw| corrupt(torn(flaw), Because::Whole))?;
                    }
                    Err(flaw) => {
                        let torn = torn(flaw);
                        let mut tail = Tail::default();
                        tail.add(&piece);
                        return self.judge(torn, tail, &mut lines).map(Some);
                    }
                }
            }
            if self.from.is_some_and(|mark| mark.segment == segment) {
                // The file ends before the mark.
                break;
            }
        }
        Ok(None)
    }

    /// A whole line.
    fn take(&mut self, line: &Line<'_>, mark: Mark, sink: &mut Sink<'_>) -> Result<(), Flaw> {
        // What comes before the first file that is read is not known.
        let follows_unread = mark.segment == self.first && mark.line == 1 && self.first > 1;
        if !follows_unread {
            line.check(self.last.position)?;
        }
        self.last = mark;
        let position = mark.position;
        if let Some(from) = self.from {
            return self.pass(mark, from);
        }
        if let Some(expected) = self.expected
            && expected.seq == position.seq
            && expected != position
        {
            return Err(Flaw::OtherHistory(expected.seq));
        }
        sink(mark, line.at(), line.record()?).map_err(Flaw::Contradiction)
    }

    /// A line that was taken before the checkpoint, and must still be there.
    fn pass(&mut self, mark: Mark, from: Mark) -> Result<(), Flaw> {
        if mark.position.seq < from.position.seq {
            return Ok(());
        }
        self.from = None;
        if mark == from {
            Ok(())
        } else {
            Err(Flaw::OtherHistory(from.position.seq))
        }
    }

    /// Whether a damaged line and what follows it are a write that was cut off.
    fn judge(&self, torn: Torn, mut tail: Tail, lines: &mut Lines) -> Result<Torn, JournalError> {
        let last = self.last.position.seq;
        if self.expected.is_some_and(|expected| last < expected.seq) {
            return Err(corrupt(torn, Because::BeforeCheckpoint));
        }
        self.rest(&mut tail, lines, &torn)?;
        match tail.objection() {
            None => Ok(torn),
            Some(because) => Err(corrupt(torn, because)),
        }
    }

    /// Looks at everything after a damaged line, in its file and in those after it.
    fn rest(&self, tail: &mut Tail, lines: &mut Lines, torn: &Torn) -> Result<(), JournalError> {
        while !tail.is_settled() {
            let Some(piece) = next(lines, &torn.file)? else {
                break;
            };
            tail.add(&piece);
        }
        for segment in torn.segment + 1..=self.segments {
            let file = segment::path(self.dir, segment);
            if next(&mut self.open(&file)?, &file)?.is_some() {
                // The next file is begun when this one is whole on the disk.
                tail.followed = true;
            }
        }
        Ok(())
    }

    fn open(&self, file: &Path) -> Result<Lines, JournalError> {
        Lines::open(self.fs, file).map_err(|error| IoFailure::new("read", file, &error).into())
    }
}

fn corrupt(torn: Torn, because: Because) -> JournalError {
    JournalError::Corrupt {
        file: torn.file,
        line: torn.line,
        flaw: torn.flaw,
        because,
    }
}

fn next<'l>(lines: &'l mut Lines, file: &Path) -> Result<Option<Piece<'l>>, JournalError> {
    lines
        .next()
        .map_err(|error| IoFailure::new("read", file, &error).into())
}

fn parse<'a>(piece: &Piece<'a>) -> Result<Line<'a>, Flaw> {
    if !piece.ended && !planted::is(Bug::TornTailAccepted) {
        return Err(if piece.bytes.len() >= MAX_LINE {
            Flaw::TooLong
        } else {
            Flaw::NoEnd
        });
    }
    Line::parse(piece.bytes)
}

/// What there is from a damaged line on.
#[derive(Default)]
struct Tail {
    /// A whole record is in it.
    followed: bool,
    too_much: bool,
    holes: bool,
    ended: bool,
}

impl Tail {
    fn add(&mut self, piece: &Piece<'_>) {
        self.ended = piece.ended;
        self.holes |= memchr::memchr(0, piece.bytes).is_some();
        self.too_much |= piece.bytes.len() >= MAX_LINE;
        // A whole record may begin anywhere in a line whose newline was damaged.
        self.followed |= piece.ended
            && memmem::find_iter(piece.bytes, HEAD)
                .any(|begin| Line::parse(&piece.bytes[begin..]).is_ok());
    }

    /// Whether nothing that is read later can change the verdict.
    const fn is_settled(&self) -> bool {
        self.followed || self.too_much
    }

    /// Why this is no write that was cut off.
    const fn objection(&self) -> Option<Because> {
        if self.followed {
            Some(Because::Followed)
        } else if self.too_much {
            Some(Because::TooMuch)
        } else if self.ended && !self.holes {
            Some(Because::Ended)
        } else {
            None
        }
    }
}
