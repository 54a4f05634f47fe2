//! Moments from text: RFC 3339 and its relatives, and numbers since 1970 in one of four units.

use std::time::Duration;

use investbot_plugin_api::UnixNanos;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use thiserror::Error;

use super::decimal;

/// The unit of times that are numbers since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl TimeUnit {
    /// The unit in which a number of this size is a moment of the last decades: each of the four spans
    /// the years 1973 to 5138 without touching another.
    const fn guess(number: u64) -> Self {
        match number {
            0..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Micros,
            _ => Self::Nanos,
        }
    }

    const fn nanos(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }

    /// The name used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
        }
    }
}

impl std::fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a file writes its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeKind {
    /// As dates.
    Text,
    /// As numbers since 1970.
    Epoch(TimeUnit),
}

impl std::fmt::Display for TimeKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text => f.write_str("a date"),
            Self::Epoch(unit) => write!(f, "in {unit} since 1970"),
        }
    }
}

/// Why a text is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TimeFault {
    /// Nothing there.
    #[error("is empty; fill it in, or remove the row")]
    Empty,
    /// Neither a date nor a number.
    #[error("is no time; use 2020-01-02T00:00:00Z, 2020-01-02, or a number since 1970")]
    NotATime,
    /// A date and time without the offset from UTC.
    #[error("is not RFC 3339; use 2020-01-02T00:00:00Z, with the Z or an offset such as +01:00")]
    NotRfc3339,
    /// Before 1677 or after 2262, or between two nanoseconds.
    #[error("cannot be held: times are whole nanoseconds of the years 1677 to 2262")]
    OutOfRange,
}

/// Why the next time of a file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is no time.
    Fault(TimeFault),
    /// It is of another kind than the first one.
    Mixed { found: TimeKind, expected: TimeKind },
}

impl From<TimeFault> for Refusal {
    fn from(fault: TimeFault) -> Self {
        Self::Fault(fault)
    }
}

/// Reads the times of one file, which must all be of the kind of the first one.
#[derive(Debug, Default)]
pub(super) struct TimeReader {
    given: Option<TimeUnit>,
    kind: Option<TimeKind>,
}

impl TimeReader {
    /// A reader that guesses the unit of numbers unless it is `given`.
    pub(super) const fn new(given: Option<TimeUnit>) -> Self {
        Self { given, kind: None }
    }

    /// How the file writes its times, once one was read.
    pub(super) const fn kind(&self) -> Option<TimeKind> {
        self.kind
    }

    /// Whether the unit was guessed.
    pub(super) const fn is_guessed(&self) -> bool {
        self.given.is_none()
    }

    /// Reads a time.
    #[inline]
    pub(super) fn read(&mut self, text: &[u8]) -> Result<UnixNanos, Refusal> {
        if let Some(time) = utc_seconds(text) {
            self.keep_to(TimeKind::Text)?;
            return Ok(time);
        }
        self.read_any(text)
    }

    fn read_any(&mut self, text: &[u8]) -> Result<UnixNanos, Refusal> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(TimeFault::Empty.into());
        }
        if is_number(text) && !(self.given.is_none() && is_compact_date(text)) {
            return self.read_number(text);
        }
        let time = parse(text)?;
        self.keep_to(TimeKind::Text)?;
        Ok(time)
    }

    fn read_number(&mut self, text: &[u8]) -> Result<UnixNanos, Refusal> {
        let value = decimal::parse(text).map_err(|_| TimeFault::OutOfRange)?;
        let whole = u64::try_from(value.trunc().mantissa().unsigned_abs());
        let whole = whole.map_err(|_| TimeFault::OutOfRange)?;
        let unit = self.given.unwrap_or(TimeUnit::guess(whole));
        self.keep_to(TimeKind::Epoch(unit))?;
        let nanos = value.checked_mul(unit.nanos().into());
        let nanos = nanos.ok_or(TimeFault::OutOfRange)?.normalize();
        if nanos.scale() != 0 {
            return Err(TimeFault::OutOfRange.into());
        }
        let nanos = i64::try_from(nanos.mantissa()).map_err(|_| TimeFault::OutOfRange)?;
        Ok(UnixNanos(nanos))
    }

    #[inline]
    fn keep_to(&mut self, found: TimeKind) -> Result<(), Refusal> {
        match self.kind {
            Some(expected) if expected == found => Ok(()),
            Some(expected) => Err(Refusal::Mixed { found, expected }),
            None => {
                self.kind = Some(found);
                Ok(())
            }
        }
    }
}

/// Whether the first field of a line can be a time, and so the line is no header.
pub(super) fn looks_like_time(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    is_number(text) || parse(text).is_ok()
}

fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    digits.first().is_some_and(u8::is_ascii_digit)
        && digits.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// `20200102` is a day, not a second of August 1970.
fn is_compact_date(text: &[u8]) -> bool {
    text.len() == 8 && matches!(text, [b'1', b'9', ..] | [b'2', b'0', ..]) && parse(text).is_ok()
}

/// A date, or a date and a time; UTC unless it says otherwise.
fn parse(text: &[u8]) -> Result<UnixNanos, TimeFault> {
    let text = std::str::from_utf8(text).map_err(|_| TimeFault::NotATime)?;
    if let Ok(time) = rfc3339(text) {
        return Ok(time);
    }
    // The library reads `…+05:00` as a civil time too, and drops the offset.
    let after_date = text.get(10..).unwrap_or_default();
    if after_date.contains(['+', '-', '[', 'Z', 'z']) {
        return Err(TimeFault::NotATime);
    }
    let civil: DateTime = text.parse().map_err(|_| TimeFault::NotATime)?;
    let time = TimeZone::UTC
        .to_timestamp(civil)
        .map_err(|_| TimeFault::OutOfRange)?;
    to_nanos(time)
}

/// A moment of RFC 3339: a date, a time and an offset.
pub(super) fn rfc3339(text: &str) -> Result<UnixNanos, TimeFault> {
    match utc_seconds(text.as_bytes()) {
        Some(time) => Ok(time),
        None => to_nanos(text.parse().map_err(|_| TimeFault::NotRfc3339)?),
    }
}

fn to_nanos(time: Timestamp) -> Result<UnixNanos, TimeFault> {
    i64::try_from(time.as_nanosecond())
        .map(UnixNanos)
        .map_err(|_| TimeFault::OutOfRange)
}

/// A length of time as people write it: `30m`, `1d`, `1d2h`.
pub(super) fn show_span(length: Duration) -> String {
    const UNITS: [(u128, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut rest = length.as_nanos();
    let mut text = String::new();
    for (size, name) in UNITS {
        if rest >= size {
            text.push_str(&format!("{}{name}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

/// `YYYY-MM-DDTHH:MM:SSZ` and nothing else: what almost every line of a file has.
#[inline]
fn utc_seconds(text: &[u8]) -> Option<UnixNanos> {
    let text: &[u8; 20] = text.try_into().ok()?;
    let marks = [text[4], text[7], text[10], text[13], text[16], text[19]];
    if marks != *b"--T::Z" {
        return None;
    }
    let pair = |at: usize| {
        let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then_some(i64::from(tens) * 10 + i64::from(ones))
    };
    let year = pair(0)? * 100 + pair(2)?;
    let (month, day) = (pair(5)?, pair(8)?);
    let (hour, minute, second) = (pair(11)?, pair(14)?, pair(17)?);
    // Whole years within i64 nanoseconds; a second 60 is the library's to judge.
    if !(1678..=2261).contains(&year) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(UnixNanos(seconds * 1_000_000_000))
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The proleptic Gregorian calendar, in years that begin in March so that leap days come last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_library(text: &str) -> Option<i64> {
        let time: Timestamp = text.parse().ok()?;
        i64::try_from(time.as_nanosecond()).ok()
    }

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_library(seconds in -9_214_560_000_i64..9_214_560_000) {
            let text = Timestamp::from_second(seconds).unwrap().to_string();
            let fast = utc_seconds(text.as_bytes()).map(|t| t.0);
            prop_assert_eq!(fast, by_library(&text));
        }

        #[test]
        fn the_fast_path_takes_nothing_the_library_refuses(
            text in "(16|17|19|20|22)[0-9]{2}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z"
        ) {
            if let Some(fast) = utc_seconds(text.as_bytes()) {
                prop_assert_eq!(Some(fast.0), by_library(&text));
            }
            prop_assert_eq!(rfc3339(&text).ok().map(|t| t.0), by_library(&text));
        }

        #[test]
        fn numbers_come_back_in_every_unit(seconds in 100_000_000_i64..9_000_000_000, unit in 0_usize..4) {
            let unit = [TimeUnit::Seconds, TimeUnit::Millis, TimeUnit::Micros, TimeUnit::Nanos][unit];
            let number = seconds * (1_000_000_000 / unit.nanos());
            let mut reader = TimeReader::default();
            let got = reader.read(number.to_string().as_bytes()).unwrap();
            prop_assert_eq!(got.0, seconds * 1_000_000_000);
            prop_assert_eq!(reader.kind(), Some(TimeKind::Epoch(unit)));
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = TimeReader::default().read(&bytes);
            let _ = looks_like_time(&bytes);
        }

        #[test]
        fn never_panics_on_digits(text in "[-+0-9TZ:. ]{0,30}") {
            let _ = TimeReader::default().read(text.as_bytes());
        }
    }

    fn read(text: &str) -> Result<String, Refusal> {
        TimeReader::default()
            .read(text.as_bytes())
            .map(crate::clock::rfc3339)
    }

    #[test]
    fn reads_what_people_have() {
        for (text, want) in [
            ("2020-01-02", "2020-01-02T00:00:00Z"),
            ("20200102", "2020-01-02T00:00:00Z"),
            ("2020-01-02 03:04", "2020-01-02T03:04:00Z"),
            ("2020-01-02 03:04:05", "2020-01-02T03:04:05Z"),
            ("2020-01-02T03:04:05", "2020-01-02T03:04:05Z"),
            ("2020-01-02 00:00:00+00:00", "2020-01-02T00:00:00Z"),
            ("2020-01-02 00:00:00-05:00", "2020-01-02T05:00:00Z"),
            ("2020-01-02T03:04:05.250Z", "2020-01-02T03:04:05.25Z"),
            ("1577836800", "2020-01-01T00:00:00Z"),
            ("1577836800.0", "2020-01-01T00:00:00Z"),
            ("1577836800000", "2020-01-01T00:00:00Z"),
            ("1577836800000000", "2020-01-01T00:00:00Z"),
            ("1577836800000000000", "2020-01-01T00:00:00Z"),
            (" 1577836800 ", "2020-01-01T00:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn lengths_are_shown_in_whole_units() {
        for (nanos, want) in [
            (0, "0s"),
            (1_800_000_000_000, "30m"),
            (86_400_000_000_000, "1d"),
            (93_600_000_000_000, "1d2h"),
            (1_000_000_001, "1s1ns"),
        ] {
            assert_eq!(show_span(Duration::from_nanos(nanos)), want);
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for (text, want) in [
            ("", TimeFault::Empty),
            ("yesterday", TimeFault::NotATime),
            ("2020-02-30", TimeFault::NotATime),
            ("2020-13-01T00:00:00Z", TimeFault::NotATime),
            ("02/01/2020", TimeFault::NotATime),
            ("9223372036854775808", TimeFault::OutOfRange),
            ("99999999999999999999999999999999", TimeFault::OutOfRange),
            ("9999-01-01", TimeFault::OutOfRange),
            ("1577836800.0000000001", TimeFault::OutOfRange),
        ] {
            assert_eq!(read(text), Err(Refusal::Fault(want)), "{text}");
        }
    }

    #[test]
    fn refuses_a_mix() {
        let mut reader = TimeReader::default();
        reader.read(b"1577836800000").unwrap();
        let expected = TimeKind::Epoch(TimeUnit::Millis);
        let found = TimeKind::Epoch(TimeUnit::Micros);
        let mixed = Refusal::Mixed { found, expected };
        assert_eq!(reader.read(b"1577836800000000"), Err(mixed));
        let found = TimeKind::Text;
        let mixed = Refusal::Mixed { found, expected };
        assert_eq!(reader.read(b"2020-01-01T00:00:00Z"), Err(mixed));
    }

    #[test]
    fn a_given_unit_wins_over_the_guess() {
        let mut reader = TimeReader::new(Some(TimeUnit::Millis));
        assert_eq!(reader.read(b"86400000").unwrap().0, 86_400_000_000_000);
        assert_eq!(reader.read(b"20200102").unwrap().0, 20_200_102_000_000);
    }
}
