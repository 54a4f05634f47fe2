//! What can be wrong with a bar file, in words: what, where, and what to do.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::UnixNanos;
use thiserror::Error;

use super::decimal::NumberFault;
use super::format::BarFormat;
use super::time::{TimeFault, TimeKind, show_span};
use crate::clock::rfc3339 as show;
use crate::exit::ExitCode;

/// A place in a file: `file:line:column`, both counted from 1; the column counts characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's path, or another name of the source.
    pub source: Arc<str>,
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

/// Why bars could not be read.
#[derive(Debug, Error)]
pub enum DataError {
    /// The file cannot be opened.
    #[error("{}: cannot be opened: {cause}; check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: std::io::Error,
    },
    /// The path is a directory.
    #[error("{}: is a directory; name one file of bars in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The system failed while reading.
    #[error("{place}: reading failed: {cause}; the file may be read again once that is mended")]
    Read {
        /// How far it got.
        place: Place,
        /// The system's words.
        #[source]
        cause: std::io::Error,
    },
    /// The reading thread could not be started, or ended without a word.
    #[error("{source_name}: the reading thread failed: {cause}")]
    Thread {
        /// The file.
        source_name: Arc<str>,
        /// What happened.
        cause: String,
    },
    /// There is no bundled data of this name.
    #[error("no bundled bars are called `{name}`; there are: {known}")]
    UnknownBundled {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No bytes, or nothing but blank lines.
    #[error("{file}: is empty; bars were expected, such as {}", BarFormat::EXAMPLE)]
    Empty {
        /// The file.
        file: Arc<str>,
    },
    /// A header, or an empty array, and no bar.
    #[error("{file}: has no bars, only what comes before them; check how it was exported")]
    NoRows {
        /// The file.
        file: Arc<str>,
    },
    /// No format that is known here.
    #[error(
        "{place}: this is no format of bars that is known here: found `{found}`; {}",
        BarFormat::KNOWN
    )]
    UnknownFormat {
        /// Where.
        place: Place,
        /// How it begins.
        found: String,
    },
    /// A compressed file that ends early or is damaged.
    #[error("{place}: the compressed data is damaged or cut off: {detail}; fetch the file again")]
    Damaged {
        /// How far it got.
        place: Place,
        /// What the decompressor said.
        detail: String,
    },
    /// A zip archive that cannot be used.
    #[error("{file}: this zip archive cannot be used: {detail}")]
    Archive {
        /// The file.
        file: Arc<str>,
        /// Why, and what to do.
        detail: String,
    },
    /// The header lacks a column.
    #[error(
        "{place}: the header has no column `{column}`, only: {header}; rename the column that holds it"
    )]
    MissingColumn {
        /// Where.
        place: Place,
        /// What was looked for.
        column: &'static str,
        /// What there is.
        header: String,
    },
    /// Two columns of the header could both be meant.
    #[error(
        "{place}: the header names the column `{column}` twice, as `{first}` and as `{second}`; rename one"
    )]
    AmbiguousColumn {
        /// Where the second one is.
        place: Place,
        /// What it would be.
        column: &'static str,
        /// The first one's name.
        first: String,
        /// The second one's name.
        second: String,
    },
    /// A row with another number of fields than the first line.
    #[error(
        "{place}: this row has {found} fields and the first line has {expected}; a decimal or thousands comma, or a line that was cut off, does this"
    )]
    FieldCount {
        /// Where.
        place: Place,
        /// How many there are.
        found: usize,
        /// How many were expected.
        expected: usize,
    },
    /// A file that has lost bars since it was read.
    #[error(
        "{file}: has {found} bars, and {read} were read before; the run needs the file that it was started with"
    )]
    Short {
        /// The file.
        file: Arc<str>,
        /// How many bars there are.
        found: u64,
        /// How many the run had read.
        read: u64,
    },
    /// A first line without a header and with too few fields.
    #[error(
        "{place}: this row has {found} fields; without a header a row begins with time, open, high, low, close, volume"
    )]
    ShortRow {
        /// Where.
        place: Place,
        /// How many there are.
        found: usize,
    },
    /// A quoted field that does not end.
    #[error("{place}: a quoted field does not end on its line; close the quote, or remove it")]
    Quote {
        /// Where it begins.
        place: Place,
    },
    /// A number that is none, or cannot be held exactly.
    #[error("{place}: {column} `{value}` {fault}")]
    Number {
        /// Where.
        place: Place,
        /// Which column.
        column: &'static str,
        /// What is there.
        value: String,
        /// What is wrong with it.
        fault: NumberFault,
    },
    /// A price that is not above 0, or a negative volume.
    #[error(
        "{place}: {column} `{value}` {}; correct or remove the row",
        below(column)
    )]
    Sign {
        /// Where.
        place: Place,
        /// Which column.
        column: &'static str,
        /// What is there.
        value: String,
    },
    /// A time that is none.
    #[error("{place}: time `{value}` {fault}")]
    Time {
        /// Where.
        place: Place,
        /// What is there.
        value: String,
        /// What is wrong with it.
        fault: TimeFault,
    },
    /// Times in two units, or as text and as numbers.
    #[error(
        "{place}: time `{value}` is {found}, and the file's first time is {expected}; a file must keep to one"
    )]
    MixedTimes {
        /// Where.
        place: Place,
        /// What is there.
        value: String,
        /// What that is.
        found: TimeKind,
        /// What the first one was.
        expected: TimeKind,
    },
    /// The four prices contradict each other.
    #[error("{place}: {what} ({prices}); correct the row")]
    Inconsistent {
        /// Where.
        place: Place,
        /// The contradiction.
        what: &'static str,
        /// All four.
        prices: String,
    },
    /// A bar that opens before the one above it.
    #[error(
        "{place}: time goes back: {} comes after {}; sort the file by time, oldest first",
        show(*time),
        show(*previous)
    )]
    TimeBack {
        /// Where.
        place: Place,
        /// When this bar opens.
        time: UnixNanos,
        /// When the bar before it opened.
        previous: UnixNanos,
    },
    /// A gap, where gaps halt.
    #[error(
        "{place}: gap: {} comes {} after {}, and a bar is {}; fill it, or allow gaps with the policy `keep`",
        show(*time),
        show_span(*distance),
        show(*previous),
        show_span(*interval)
    )]
    Gap {
        /// Where.
        place: Place,
        /// When this bar opens.
        time: UnixNanos,
        /// When the bar before it opened.
        previous: UnixNanos,
        /// The distance between them.
        distance: Duration,
        /// The distance there should be.
        interval: Duration,
    },
    /// A second bar of the same time, where duplicates halt.
    #[error(
        "{place}: duplicate: the bar of {} was there before; remove it, or let the first one count with the policy `keep`",
        show(*time)
    )]
    Duplicate {
        /// Where.
        place: Place,
        /// When both open.
        time: UnixNanos,
    },
    /// One bar only, and nobody said how long it is.
    #[error("{file}: one bar does not tell how long a bar is; say so with --interval, such as 30m")]
    IntervalUnknown {
        /// The file.
        file: Arc<str>,
    },
    /// An interval that is not above 0, or too long for the time it is added to.
    #[error(
        "{file}: {} is no length that a bar can have; use one above 0 and up to 366d",
        show_span(*interval)
    )]
    Interval {
        /// The file.
        file: Arc<str>,
        /// What was given or found.
        interval: Duration,
    },
    /// A line that does not end.
    #[error(
        "{place}: this line is longer than {limit} bytes; this is no file of bars, or its line ends are lost"
    )]
    LineTooLong {
        /// Where it begins.
        place: Place,
        /// The limit.
        limit: usize,
    },
    /// JSON that is not an array of rows.
    #[error(
        "{place}: found {found} where {expected} was expected; bars in JSON are [[ms, open, high, low, close, volume], ...]"
    )]
    Json {
        /// Where.
        place: Place,
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
}

fn below(column: &str) -> &'static str {
    if column == "volume" {
        "is below 0"
    } else {
        "is not above 0, as a price must be"
    }
}

impl DataError {
    /// How a command ends that fails with this.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Read { .. } | Self::Thread { .. } => ExitCode::Unexpected,
            _ => ExitCode::ConfigOrData,
        }
    }
}

/// Text from a file as it may go into a message: short, and without control characters.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const LIMIT: usize = 48;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LIMIT)]);
    let mut shown = String::new();
    for c in text.chars().take(LIMIT) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(LIMIT).is_some() || bytes.len() > 4 * LIMIT {
        shown.push('…');
    }
    shown
}

/// The column of the character that begins at byte `offset`.
pub(super) fn column_at(line: &[u8], offset: usize) -> u64 {
    let continuation = |byte: &&u8| **byte & 0xC0 == 0x80;
    let before = &line[..offset.min(line.len())];
    1 + (before.len() - before.iter().filter(continuation).count()) as u64
}
