//! From what was written to a value of the right kind, or to the reason why not.

use std::path::PathBuf;
use std::time::Duration;

use investbot_plugin_api::{Decimal, UnixNanos};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tracing_subscriber::EnvFilter;

use super::origin::Origin;
use super::problem::{Problem, excerpt};
use super::setting::Kind;

/// What somebody wrote, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// The text, and the type if the place has types.
    pub(super) written: Written,
    /// The place.
    pub(super) origin: Origin,
}

/// What was written. Numbers stay text: a decimal must not pass through a float.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// A flag's or a variable's text, of no type yet.
    Text(String),
    /// The texts of a flag that was repeated.
    Texts(Vec<String>),
    /// A TOML string.
    String(String),
    /// A TOML integer, in base 10.
    Integer(String),
    /// A TOML float, as written.
    Float(String),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML date or time.
    Datetime(String),
    /// A TOML array of strings.
    Strings(Vec<String>),
    /// Any other TOML value, by the name of its type.
    Other(&'static str),
}

impl Written {
    /// The type, as TOML names it.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::String(_) => "string",
            Self::Texts(_) | Self::Strings(_) => "array of strings",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Boolean(_) => "boolean",
            Self::Datetime(_) => "datetime",
            Self::Other(name) => name,
        }
    }

    /// A single value as text; `None` for arrays and tables.
    pub(super) fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text)
            | Self::String(text)
            | Self::Integer(text)
            | Self::Float(text)
            | Self::Datetime(text) => Some(text.clone()),
            Self::Boolean(flag) => Some(flag.to_string()),
            Self::Texts(_) | Self::Strings(_) | Self::Other(_) => None,
        }
    }
}

/// A value of the right kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// For texts, words and paths.
    Text(String),
    /// For switches.
    Switch(bool),
    /// For whole numbers.
    Whole(u64),
    /// For decimals.
    Decimal(Decimal),
    /// For intervals.
    Interval(Duration),
    /// For moments.
    Time(UnixNanos),
    /// For lists of directories.
    Paths(Vec<PathBuf>),
}

/// Reads what was given for `key` as a value of `kind`.
pub(super) fn parse(kind: Kind, key: &str, given: &Given) -> Result<Value, Problem> {
    let wrong_type = || Problem::WrongType {
        at: given.origin.clone(),
        key: key.to_owned(),
        found: given.written.type_name(),
        expected: kind.toml_type(),
    };
    if kind == Kind::Paths {
        return paths(&given.written).ok_or_else(wrong_type);
    }
    let text = text_for(kind, &given.written).ok_or_else(wrong_type)?;
    from_text(kind, &text).ok_or_else(|| Problem::BadValue {
        at: given.origin.clone(),
        key: key.to_owned(),
        text: excerpt(&text),
        expected: kind.to_string(),
    })
}

/// The text of a value whose TOML type, if it has one, is right for the kind.
fn text_for(kind: Kind, written: &Written) -> Option<String> {
    let right = match (kind, written) {
        (Kind::Switch, Written::Text(_) | Written::Boolean(_))
        | (Kind::Whole { .. }, Written::Text(_) | Written::Integer(_))
        | (Kind::Time, Written::Text(_) | Written::String(_) | Written::Datetime(_)) => true,
        (Kind::Decimal { .. }, written) => is_decimal(written),
        (Kind::Switch | Kind::Whole { .. } | Kind::Paths | Kind::Table, _) => false,
        (_, written) => matches!(written, Written::Text(_) | Written::String(_)),
    };
    right.then(|| written.scalar()).flatten()
}

/// Whether the type is one that a decimal may be written in.
pub(super) const fn is_decimal(written: &Written) -> bool {
    matches!(
        written,
        Written::Text(_) | Written::String(_) | Written::Integer(_) | Written::Float(_)
    )
}

/// The value of a text; `None` if it is not one of the kind.
pub(super) fn from_text(kind: Kind, text: &str) -> Option<Value> {
    let one_line = !text.trim().is_empty() && !text.chars().any(char::is_control);
    match kind {
        Kind::Text | Kind::Path => one_line.then(|| Value::Text(text.to_owned())),
        Kind::Id => is_id(text).then(|| Value::Text(text.to_owned())),
        Kind::Word(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
        Kind::LogFilter => is_log_filter(text).then(|| Value::Text(text.to_owned())),
        Kind::Switch => text.parse().ok().map(Value::Switch),
        Kind::Whole { min, max } => text
            .parse()
            .ok()
            .filter(|n| (min..=max).contains(n))
            .map(Value::Whole),
        Kind::Decimal { max } => decimal(text)
            .filter(|d| *d > Decimal::ZERO && *d <= Decimal::from(max))
            .map(Value::Decimal),
        Kind::Interval => interval(text).map(Value::Interval),
        Kind::Time => time(text).map(Value::Time),
        Kind::Sha256 => (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()))
            .then(|| Value::Text(text.to_ascii_lowercase())),
        Kind::Paths | Kind::Table => None,
    }
}

/// An exact decimal. Digits that do not fit are refused, not rounded away.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok()
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && !text.starts_with('.')
}

/// A bare word that is no level would be taken for the name of a target, and all be silent. The filter's
/// own parser cuts text between bytes and panics inside a character, hence ASCII only.
fn is_log_filter(text: &str) -> bool {
    const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
    text.is_ascii()
        && text.split(',').all(|directive| {
            LEVELS.contains(&directive)
                || (directive.contains('=') && EnvFilter::try_new(directive).is_ok())
        })
}

fn interval(text: &str) -> Option<Duration> {
    const LONGEST: u64 = 366 * 86_400;
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let digits = text.strip_suffix(unit)?;
    let count: u64 = digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok())??;
    let total = count.checked_mul(seconds)?;
    (1..=LONGEST)
        .contains(&total)
        .then(|| Duration::from_secs(total))
}

fn time(text: &str) -> Option<UnixNanos> {
    let moment: Timestamp = if text.len() == "2024-01-31".len() {
        let date: Date = text.parse().ok()?;
        date.to_zoned(TimeZone::UTC).ok()?.timestamp()
    } else {
        text.parse().ok()?
    };
    i64::try_from(moment.as_nanosecond()).ok().map(UnixNanos)
}

fn paths(written: &Written) -> Option<Value> {
    let paths: Vec<PathBuf> = match written {
        Written::Text(text) => std::env::split_paths(text).collect(),
        Written::Texts(texts) | Written::Strings(texts) => {
            texts.iter().map(PathBuf::from).collect()
        }
        _ => return None,
    };
    // An empty element is what a trailing separator leaves; it must not mean the current directory.
    let named = paths.into_iter().filter(|p| !p.as_os_str().is_empty());
    Some(Value::Paths(named.collect()))
}
