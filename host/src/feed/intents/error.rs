//! What can be wrong with a stream of intents, in words.

use std::sync::Arc;

use thiserror::Error;

use super::super::decimal::NumberFault;
use super::super::error::Place;
use super::super::time::TimeFault;
use crate::exit::ExitCode;

/// Why the next intent could not be read.
#[derive(Debug, Error)]
pub enum IntentError {
    /// The system failed while reading.
    #[error("{place}: reading failed: {cause}; the lines above were taken")]
    Read {
        /// How far it got.
        place: Place,
        /// The system's words.
        #[source]
        cause: std::io::Error,
    },
    /// A line that does not end.
    #[error(
        "{place}: this line is longer than {limit} bytes; write one JSON object a line and end it with a newline"
    )]
    LineTooLong {
        /// Where it begins.
        place: Place,
        /// The limit.
        limit: usize,
    },
    /// A file that has lost lines since it was read.
    #[error(
        "{file}: has {found} lines, and {read} were read before; the run needs the file that it was started with"
    )]
    Short {
        /// The file.
        file: Arc<str>,
        /// How many lines there are.
        found: u64,
        /// How many the run had read.
        read: u64,
    },
    /// A line that is no intent.
    #[error("{place}: {fault}")]
    Line {
        /// Where.
        place: Place,
        /// What is wrong.
        fault: IntentFault,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IntentFault {
    /// Bytes that are no text.
    #[error("this is not UTF-8; write the stream in UTF-8")]
    NotUtf8,
    /// Text that is no JSON, or has something after it.
    #[error("this is not valid JSON: {detail}; write one object a line")]
    Json {
        /// The parser's words.
        detail: String,
    },
    /// Something else than an object.
    #[error("found `{found}` where a JSON object was expected; write one object a line")]
    NotAnObject {
        /// What is there.
        found: String,
    },
    /// A field that no intent has.
    #[error("unknown field `{field}`; {hint}")]
    UnknownField {
        /// The field.
        field: String,
        /// The nearest known one, or all of them.
        hint: String,
    },
    /// A field that is there twice.
    #[error("the field `{field}` is there twice; remove one")]
    RepeatedField {
        /// The field.
        field: String,
    },
    /// A field that the intent needs.
    #[error("{what} needs the field `{field}`; add it")]
    Missing {
        /// The field.
        field: &'static str,
        /// The intent.
        what: &'static str,
    },
    /// A field that makes no sense in this intent.
    #[error("{what} cannot have the field `{field}`; leave it out")]
    Needless {
        /// The field.
        field: &'static str,
        /// The intent.
        what: &'static str,
    },
    /// A value of another type.
    #[error("`{field}` is `{value}`, and {expected} was expected")]
    Type {
        /// The field.
        field: &'static str,
        /// What is there.
        value: String,
        /// What should be.
        expected: &'static str,
    },
    /// A value that is none of the known words.
    #[error("`{field}` is `{value}`; {hint}")]
    Word {
        /// The field.
        field: &'static str,
        /// What is there.
        value: String,
        /// The nearest known one, or all of them.
        hint: String,
    },
    /// A number that is none, or cannot be held exactly.
    #[error("`{field}`: `{value}` {fault}")]
    Number {
        /// The field.
        field: &'static str,
        /// What is there.
        value: String,
        /// What is wrong with it.
        fault: NumberFault,
    },
    /// A number that must be above 0.
    #[error("`{field}` is `{value}`, and must be above 0{}", side_hint(field))]
    NotPositive {
        /// The field.
        field: &'static str,
        /// What is there.
        value: String,
    },
    /// A time that is none.
    #[error("`{field}`: `{value}` {fault}")]
    Time {
        /// The field.
        field: &'static str,
        /// What is there.
        value: String,
        /// What is wrong with it.
        fault: TimeFault,
    },
    /// A number that would be nanoseconds of the early seventies.
    #[error(
        "`{field}`: `{value}` is too small for nanoseconds since 1970; multiply it, or use 2020-01-02T00:00:00Z"
    )]
    NotNanos {
        /// The field.
        field: &'static str,
        /// What is there.
        value: String,
    },
    /// A name that is empty, too long, or not printable.
    #[error(
        "`{field}` is `{value}`; it must have 1 to {limit} characters and no control characters"
    )]
    Name {
        /// The field.
        field: &'static str,
        /// What is there.
        value: String,
        /// The most characters there may be.
        limit: usize,
    },
}

fn side_hint(field: &str) -> &'static str {
    if field == "quantity" {
        "; to sell, use \"side\":\"sell\""
    } else {
        ""
    }
}

impl IntentError {
    /// How a command ends that fails with this.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Read { .. } => ExitCode::Unexpected,
            _ => ExitCode::ConfigOrData,
        }
    }
}
