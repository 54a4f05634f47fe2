//! One row of text to one bar, the same for every format.

use investbot_plugin_api::{Bar, Decimal, UnixNanos};

use super::decimal::{self, NumberFault};
use super::error::{DataError, Place, excerpt};
use super::time::{Refusal, TimeReader};

/// The columns that a bar is made of, in the order of [`Cells`].
pub(super) const COLUMNS: [&str; 6] = ["timestamp", "open", "high", "low", "close", "volume"];

/// The six texts of a row.
pub(super) trait Cells {
    /// The text of a column, by its index in [`COLUMNS`].
    fn text(&self, column: usize) -> &[u8];

    /// Where it is.
    fn place(&self, column: usize) -> Place;
}

/// A bar and where it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) bar: Bar,
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Row {
    /// A row of which only the time is known.
    pub(super) const fn of_time(open_time: UnixNanos, line: u64) -> Self {
        let bar = Bar {
            open_time,
            close_time: UnixNanos(0),
            open: Decimal::ZERO,
            high: Decimal::ZERO,
            low: Decimal::ZERO,
            close: Decimal::ZERO,
            volume: Decimal::ZERO,
        };
        let column = 1;
        Self { bar, line, column }
    }
}

/// What is wrong with a row, before it is put in words.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Number(usize, NumberFault),
    Sign(usize),
    Time(Refusal),
    Inconsistent(&'static str),
}

/// Reads the bar of a row. Its close time is set later, when the interval is known.
#[inline]
pub(super) fn read_bar(cells: &impl Cells, times: &mut TimeReader) -> Result<Bar, DataError> {
    match try_bar(cells, times) {
        Ok(bar) => Ok(bar),
        Err(fault) => Err(explain(cells, fault)),
    }
}

/// Reads a time alone, which is at `place`.
#[inline]
pub(super) fn read_time(
    text: &[u8],
    times: &mut TimeReader,
    place: impl FnOnce() -> Place,
) -> Result<UnixNanos, DataError> {
    let refused = |refusal| time_error(refusal, place(), excerpt(text));
    times.read(text).map_err(refused)
}

#[inline]
fn try_bar(cells: &impl Cells, times: &mut TimeReader) -> Result<Bar, Fault> {
    let number = |column: usize| {
        decimal::parse(cells.text(column)).map_err(|fault| Fault::Number(column, fault))
    };
    let price = |column: usize| match number(column)? {
        price if price.is_sign_negative() || price.is_zero() => Err(Fault::Sign(column)),
        price => Ok(price),
    };
    let open_time = times.read(cells.text(0)).map_err(Fault::Time)?;
    let bar = Bar {
        open_time,
        close_time: UnixNanos(0),
        open: price(1)?,
        high: price(2)?,
        low: price(3)?,
        close: price(4)?,
        volume: match number(5)? {
            volume if volume.is_sign_negative() && !volume.is_zero() => return Err(Fault::Sign(5)),
            volume => volume,
        },
    };
    match contradiction(&bar) {
        None => Ok(bar),
        Some(what) => Err(Fault::Inconsistent(what)),
    }
}

#[inline]
fn contradiction(bar: &Bar) -> Option<&'static str> {
    let below = |a: Decimal, b: Decimal| decimal::compare(a, b).is_lt();
    if below(bar.high, bar.low) {
        Some("high is below low")
    } else if below(bar.high, bar.open) || below(bar.high, bar.close) {
        Some("high is below open or close")
    } else if below(bar.open, bar.low) || below(bar.close, bar.low) {
        Some("low is above open or close")
    } else {
        None
    }
}

#[cold]
fn explain(cells: &impl Cells, fault: Fault) -> DataError {
    let value = |column| excerpt(cells.text(column));
    match fault {
        Fault::Number(column, fault) => DataError::Number {
            place: cells.place(column),
            column: COLUMNS[column],
            value: value(column),
            fault,
        },
        Fault::Sign(column) => DataError::Sign {
            place: cells.place(column),
            column: COLUMNS[column],
            value: value(column),
        },
        Fault::Time(refusal) => time_error(refusal, cells.place(0), value(0)),
        Fault::Inconsistent(what) => DataError::Inconsistent {
            place: cells.place(if what.starts_with("low") { 3 } else { 2 }),
            what,
            prices: format!(
                "open {}, high {}, low {}, close {}",
                value(1),
                value(2),
                value(3),
                value(4)
            ),
        },
    }
}

fn time_error(refusal: Refusal, place: Place, value: String) -> DataError {
    match refusal {
        Refusal::Fault(fault) => DataError::Time {
            place,
            value,
            fault,
        },
        Refusal::Mixed { found, expected } => DataError::MixedTimes {
            place,
            value,
            found,
            expected,
        },
    }
}
