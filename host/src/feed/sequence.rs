//! The order of bars in time: none goes back, gaps and duplicates are counted or refused.

use std::collections::BTreeMap;
use std::time::Duration;

use investbot_plugin_api::UnixNanos;

use super::error::{DataError, Place};
use super::input::Input;
use super::row::Row;

/// What to do about gaps and duplicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GapPolicy {
    /// Count them. Of bars with the same time the first one counts.
    #[default]
    Keep,
    /// Refuse the file at the first one.
    Halt,
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarStats {
    /// Bars given out.
    pub rows: u64,
    /// Places where a bar does not open one interval after the bar before it.
    pub gaps: u64,
    /// Whole intervals that the gaps are longer than they should be.
    pub missing_bars: u64,
    /// Bars left out because one of the same time came just before.
    pub duplicates: u64,
    /// When the first bar opened.
    pub first_open: Option<UnixNanos>,
    /// When the last bar opened.
    pub last_open: Option<UnixNanos>,
}

/// Checks bars one after another.
#[derive(Debug)]
pub(super) struct Sequence {
    interval: i64,
    policy: GapPolicy,
    stats: BarStats,
}

impl Sequence {
    pub(super) fn new(interval: i64, policy: GapPolicy) -> Self {
        Self {
            interval,
            policy,
            stats: BarStats::default(),
        }
    }

    pub(super) const fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval.unsigned_abs())
    }

    pub(super) const fn stats(&self) -> &BarStats {
        &self.stats
    }

    /// Takes the next row and sets when it closes; false if it is left out.
    #[inline]
    pub(super) fn admit(&mut self, row: &mut Row, input: &Input) -> Result<bool, DataError> {
        let open = row.bar.open_time;
        if let Some(last) = self.stats.last_open {
            if open.0.wrapping_sub(last.0) != self.interval && !self.irregular(last, row, input)? {
                return Ok(false);
            }
        } else {
            self.stats.first_open = Some(open);
        }
        row.bar.close_time = UnixNanos(open.0.saturating_add(self.interval));
        self.stats.last_open = Some(open);
        self.stats.rows += 1;
        Ok(true)
    }

    #[cold]
    fn irregular(&mut self, last: UnixNanos, row: &Row, input: &Input) -> Result<bool, DataError> {
        let open = row.bar.open_time;
        if open < last {
            return Err(time_back(last, row, input));
        }
        if open == last {
            self.stats.duplicates += 1;
            return match self.policy {
                GapPolicy::Keep => Ok(false),
                GapPolicy::Halt => Err(DataError::Duplicate {
                    place: place(row, input),
                    time: open,
                }),
            };
        }
        let distance = i128::from(open.0) - i128::from(last.0);
        let intervals = distance / i128::from(self.interval);
        let missing = u64::try_from(intervals - 1).unwrap_or(0);
        self.stats.gaps += 1;
        self.stats.missing_bars = self.stats.missing_bars.saturating_add(missing);
        match self.policy {
            GapPolicy::Keep => Ok(true),
            GapPolicy::Halt => Err(DataError::Gap {
                place: place(row, input),
                time: open,
                previous: last,
                distance: open.since(last),
                interval: self.interval(),
            }),
        }
    }
}

/// The interval of these first rows: the distance that is most frequent, and of those the smallest.
pub(super) fn infer_interval(rows: &[Row], input: &Input) -> Result<i64, DataError> {
    let mut seen: BTreeMap<i64, u32> = BTreeMap::new();
    for pair in rows.windows(2) {
        let (last, open) = (pair[0].bar.open_time, pair[1].bar.open_time);
        if open < last {
            return Err(time_back(last, &pair[1], input));
        }
        if open > last {
            *seen.entry(open.0.saturating_sub(last.0)).or_default() += 1;
        }
    }
    let most = seen.values().max().copied();
    let found = seen.iter().find(|(_, count)| Some(**count) == most);
    match found {
        Some((interval, _)) => Ok(*interval),
        None => Err(DataError::IntervalUnknown {
            file: input.name().clone(),
        }),
    }
}

fn place(row: &Row, input: &Input) -> Place {
    input.place(row.line, row.column)
}

fn time_back(last: UnixNanos, row: &Row, input: &Input) -> DataError {
    DataError::TimeBack {
        place: place(row, input),
        time: row.bar.open_time,
        previous: last,
    }
}
