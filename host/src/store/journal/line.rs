//! One line of a journal: a record in its envelope.
//!
//! ```json
//! {"seq":"7","prev":"<chain>","at":"<time>","type":"outcome","data":{…},"crc":"<crc32>"}
//! ```
//!
//! The envelope is written in exactly this form and read as nothing else. `crc` covers the bytes before
//! it; `prev` is the chain hash of the line before: the first 128 bits of the SHA-256 of its bytes
//! without the newline, in which its own `prev` is.

use std::io::Write as _;

use investbot_plugin_api::UnixNanos;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::Flaw;
use super::json::ATTEMPT;
use crate::store::{Record, text};

/// No line is longer, its newline included: more than this is never held in memory.
pub(super) const MAX_LINE: usize = 1 << 20;

/// What every line begins with.
pub(super) const HEAD: &[u8] = b"{\"seq\":\"";

const CRC_TAG: &[u8] = b",\"crc\":\"";
const END: &[u8] = b"\"}";
const TRAILER: usize = CRC_TAG.len() + 8 + END.len();

/// A place in a journal, and the fingerprint of everything before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The sequence number of the last record, 0 before the first.
    #[serde(with = "text")]
    pub seq: u64,
    /// The chain hash of its line.
    #[serde(with = "text")]
    pub chain: Chain,
}

impl Position {
    /// Before the first record.
    pub const START: Self = Self {
        seq: 0,
        chain: Chain([0; 16]),
    };
}

/// The fingerprint of a line and of all lines before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain([u8; 16]);

impl Chain {
    pub(super) fn of(line: &[u8]) -> Self {
        let hash = Sha256::digest(line);
        let mut first = [0; 16];
        first.copy_from_slice(&hash[..16]);
        Self(first)
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::str::FromStr for Chain {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// A place in a journal, and where in its files it is: from here a reader can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The last record.
    pub position: Position,
    /// The file its line is in, from 1.
    #[serde(with = "text")]
    pub segment: u32,
    /// Where in the file its line begins.
    #[serde(with = "text")]
    pub offset: u64,
    /// Which line of the file it is, from 1.
    #[serde(with = "text")]
    pub line: u64,
}

impl Mark {
    /// Before the first record.
    pub const START: Self = Self {
        position: Position::START,
        segment: 1,
        offset: 0,
        line: 0,
    };
}

/// Appends the line of a record that comes after `last`, and says where the journal is then.
pub(super) fn write(
    out: &mut Vec<u8>,
    last: Position,
    at: UnixNanos,
    record: &Record<'_>,
) -> serde_json::Result<Position> {
    envelope(out, last, at, record.kind(), |out| record.write(out))
}

/// Appends a line that was written before, to come after another one than it came after then.
pub(super) fn move_after(
    out: &mut Vec<u8>,
    last: Position,
    line: &Line<'_>,
) -> serde_json::Result<Position> {
    envelope(out, last, line.at, line.kind, |out| {
        out.extend_from_slice(line.data);
        Ok(())
    })
}

fn envelope(
    out: &mut Vec<u8>,
    last: Position,
    at: UnixNanos,
    kind: &str,
    write_data: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
) -> serde_json::Result<Position> {
    let begin = out.len();
    let seq = last.seq + 1;
    let mut prev = [0; 32];
    hex::encode_to_slice(last.chain.0, &mut prev).expect("16 bytes are 32 digits");
    out.extend_from_slice(HEAD);
    write!(out, "{seq}").map_err(serde_json::Error::io)?;
    out.extend_from_slice(b"\",\"prev\":\"");
    out.extend_from_slice(&prev);
    out.extend_from_slice(b"\",\"at\":\"");
    write!(out, "{}", at.0).map_err(serde_json::Error::io)?;
    out.extend_from_slice(b"\",\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"data\":");
    write_data(out)?;
    let crc = crc32fast::hash(&out[begin..]);
    out.extend_from_slice(CRC_TAG);
    let mut digits = [0; 8];
    hex::encode_to_slice(crc.to_be_bytes(), &mut digits).expect("4 bytes are 8 digits");
    out.extend_from_slice(&digits);
    out.extend_from_slice(END);
    let chain = Chain::of(&out[begin..]);
    out.push(b'\n');
    Ok(Position { seq, chain })
}

/// A line whose checksum fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    bytes: &'a [u8],
    seq: u64,
    prev: Chain,
    at: UnixNanos,
    kind: &'a str,
    data: &'a [u8],
}

impl<'a> Line<'a> {
    /// Reads a line without its newline.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let (body, trailer) = bytes
            .split_at_checked(bytes.len().saturating_sub(TRAILER))
            .ok_or(Flaw::NoRecord)?;
        let recorded = trailer
            .strip_prefix(CRC_TAG)
            .and_then(|rest| rest.strip_suffix(END))
            .ok_or(Flaw::NoRecord)?;
        let mut digits = [0; 8];
        let computed = crc32fast::hash(body);
        hex::encode_to_slice(computed.to_be_bytes(), &mut digits).expect("4 bytes are 8 digits");
        if recorded != digits {
            return Err(Flaw::Checksum);
        }
        let (seq, rest) = field(body, HEAD).ok_or(Flaw::NoRecord)?;
        let (prev, rest) = field(rest, b",\"prev\":\"").ok_or(Flaw::NoRecord)?;
        let (at, rest) = field(rest, b",\"at\":\"").ok_or(Flaw::NoRecord)?;
        let (kind, rest) = field(rest, b",\"type\":\"").ok_or(Flaw::NoRecord)?;
        let data = rest.strip_prefix(b",\"data\":").ok_or(Flaw::NoRecord)?;
        Ok(Self {
            bytes,
            seq: seq.parse().map_err(|_| Flaw::NoRecord)?,
            prev: prev.parse().map_err(|_| Flaw::NoRecord)?,
            at: UnixNanos(at.parse().map_err(|_| Flaw::NoRecord)?),
            kind,
            data,
        })
    }

    /// Whether it is the line after `last`.
    pub(super) fn check(&self, last: Position) -> Result<(), Flaw> {
        if self.seq != last.seq + 1 {
            return Err(Flaw::Sequence {
                expected: last.seq + 1,
                found: self.seq,
            });
        }
        if self.prev == last.chain {
            Ok(())
        } else {
            Err(Flaw::Chain)
        }
    }

    /// Where the journal is after it.
    pub(super) fn position(&self) -> Position {
        Position {
            seq: self.seq,
            chain: Chain::of(self.bytes),
        }
    }

    /// Whether it is an attempt.
    pub(super) fn is_attempt(&self) -> bool {
        self.kind == ATTEMPT
    }

    /// When what it says was seen.
    pub(super) const fn at(&self) -> UnixNanos {
        self.at
    }

    /// What it says.
    pub(super) fn record(&self) -> Result<Record<'a>, Flaw> {
        Record::read(self.kind, self.data).map_err(Flaw::Content)
    }
}

/// The text between `tag` and the next quote, and what follows the quote.
fn field<'a>(bytes: &'a [u8], tag: &[u8]) -> Option<(&'a str, &'a [u8])> {
    let rest = bytes.strip_prefix(tag)?;
    let end = memchr::memchr(b'"', rest)?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    Some((text, &rest[end + 1..]))
}
