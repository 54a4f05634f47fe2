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
use super::line::{HEAD, Line, MAX_LINE, Position};
use super::record::Record;
use super::segment::{self, Lines, Piece};
use crate::fs::Fs;

/// What takes the records of a journal, one at a time. It may object to one that contradicts the others.
pub type Sink<'s> = dyn FnMut(Position, UnixNanos, Record<'_>) -> Result<(), String> + 's;

/// What a journal was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Where it ends.
    pub position: Position,
    /// How many files it has.
    pub segments: u32,
    /// The last file that has whole records, from 1; 0 if none has.
    pub last_written: u32,
    /// The write that was cut off, if there is one.
    pub torn: Option<Torn>,
}

impl Contents {
    /// The file that the journal goes on in; those after it are empty. 0 if there is nothing at all.
    pub(super) fn current(&self) -> u32 {
        self.torn
            .as_ref()
            .map_or(self.last_written, |torn| torn.segment)
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

/// Reads a whole journal; changes nothing. `expected` is a position that it must hold.
pub fn read(
    fs: &dyn Fs,
    dir: &Path,
    expected: Option<Position>,
    sink: &mut Sink<'_>,
) -> Result<Contents, JournalError> {
    let mut reader = Reader {
        fs,
        dir,
        segments: segment::count(fs, dir)?,
        expected: expected.filter(|position| position.seq > 0),
        last: Position::START,
        last_written: 0,
    };
    let torn = reader.run(sink)?;
    if let Some(expected) = reader.expected
        && expected.seq > reader.last.seq
    {
        return Err(JournalError::CutShort {
            dir: dir.to_owned(),
            expected: expected.seq,
            found: reader.last.seq,
        });
    }
    Ok(Contents {
        position: reader.last,
        segments: reader.segments,
        last_written: reader.last_written,
        torn,
    })
}

struct Reader<'a> {
    fs: &'a dyn Fs,
    dir: &'a Path,
    segments: u32,
    expected: Option<Position>,
    last: Position,
    last_written: u32,
}

impl Reader<'_> {
    fn run(&mut self, sink: &mut Sink<'_>) -> Result<Option<Torn>, JournalError> {
        for segment in 1..=self.segments {
            let file = segment::path(self.dir, segment);
            let mut lines = self.open(&file)?;
            while let Some(piece) = next(&mut lines, &file)? {
                let corrupt = |flaw, because| JournalError::Corrupt {
                    file: file.clone(),
                    line: piece.line,
                    flaw,
                    because,
                };
                let line = match parse(&piece) {
                    Ok(line) => line,
                    Err(flaw) => {
                        if self
                            .expected
                            .is_some_and(|expected| self.last.seq < expected.seq)
                        {
                            return Err(corrupt(flaw, Because::BeforeCheckpoint));
                        }
                        let torn = Torn {
                            segment,
                            file: file.clone(),
                            line: piece.line,
                            offset: piece.offset,
                            flaw: flaw.clone(),
                        };
                        let mut tail = Tail::default();
                        tail.add(&piece);
                        self.rest(&mut tail, &mut lines, &torn)?;
                        return match tail.objection() {
                            None => Ok(Some(torn)),
                            Some(because) => Err(JournalError::Corrupt {
                                file,
                                line: torn.line,
                                flaw,
                                because,
                            }),
                        };
                    }
                };
                let whole = |flaw| corrupt(flaw, Because::Whole);
                line.check(self.last).map_err(whole)?;
                self.last = line.position();
                self.last_written = segment;
                if let Some(expected) = self.expected
                    && expected.seq == self.last.seq
                    && expected != self.last
                {
                    return Err(whole(Flaw::OtherHistory(expected.seq)));
                }
                let record = line.record().map_err(whole)?;
                sink(self.last, line.at(), record)
                    .map_err(|text| whole(Flaw::Contradiction(text)))?;
            }
        }
        Ok(None)
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

fn next<'l>(lines: &'l mut Lines, file: &Path) -> Result<Option<Piece<'l>>, JournalError> {
    lines
        .next()
        .map_err(|error| IoFailure::new("read", file, &error).into())
}

fn parse<'a>(piece: &Piece<'a>) -> Result<Line<'a>, Flaw> {
    if !piece.ended {
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
