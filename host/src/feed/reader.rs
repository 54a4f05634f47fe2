//! Reads a source of bars from beginning to end, in batches.

use std::path::Path;
use std::time::Duration;

use investbot_plugin_api::{Bar, UnixNanos};

use super::bundled::{BUNDLED, Bundled};
use super::error::DataError;
use super::format::BarFormat;
use super::input::{Input, Progress};
use super::row::Row;
use super::rows::Rows;
use super::sequence::{BarStats, GapPolicy, Sequence, infer_interval};
use super::time::{TimeKind, TimeUnit};

/// How many rows are read to find out how long a bar is.
const PEEK: usize = 1_000;

/// No bar is longer.
const LONGEST: i64 = 366 * 86_400 * 1_000_000_000;

/// How bars are to be read.
#[derive(Clone, Debug, Default)]
pub struct BarOptions {
    /// How long a bar is; found out from the first rows if not given.
    pub interval: Option<Duration>,
    /// The unit of times that are numbers; guessed from the first one if not given.
    pub time_unit: Option<TimeUnit>,
    /// What to do about gaps and duplicates.
    pub gaps: GapPolicy,
}

/// Reads bars, oldest first, in memory that does not grow with the file.
///
/// The first rows are read when it opens, so most mistakes show before anything is done with a bar.
#[derive(Debug)]
pub struct BarReader {
    rows: Rows,
    peeked: std::vec::IntoIter<Row>,
    starts_at: UnixNanos,
    sequence: Sequence,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading,
    /// Came after bars that were given out first.
    Failing(DataError),
    Failed,
    Ended(String),
}

impl BarReader {
    /// Opens a file in any format and packing that is known, by what is in it.
    ///
    /// # Errors
    ///
    /// A [`DataError`] if it cannot be opened, or if one of its first rows cannot be used.
    pub fn open(path: impl AsRef<Path>, options: &BarOptions) -> Result<Self, DataError> {
        Self::from_input(Input::open(path.as_ref())?, options)
    }

    /// Opens bars that are part of the program.
    ///
    /// # Errors
    ///
    /// [`DataError::UnknownBundled`] if there are none of that name; any other as [`open`](Self::open).
    pub fn bundled(name: &str, options: &BarOptions) -> Result<Self, DataError> {
        let Some(bundled) = Bundled::find(name) else {
            let names: Vec<_> = BUNDLED.iter().map(|b| b.name).collect();
            return Err(DataError::UnknownBundled {
                name: name.to_owned(),
                known: names.join(", "),
            });
        };
        let input = Input::memory(&format!("bundled:{name}"), bundled.csv);
        Self::from_input(input, options)
    }

    /// Reads bytes in memory, as if they were a file of that name.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn memory(
        name: &str,
        bytes: impl AsRef<[u8]> + Send + 'static,
        options: &BarOptions,
    ) -> Result<Self, DataError> {
        Self::from_input(Input::memory(name, bytes), options)
    }

    fn from_input(input: Input, options: &BarOptions) -> Result<Self, DataError> {
        let mut rows = Rows::open(input, options.time_unit)?;
        let limit = options.interval.map_or(PEEK, |_| 1);
        let mut peeked = Vec::new();
        while peeked.len() < limit {
            let Some(row) = rows.next_row()? else {
                break;
            };
            peeked.push(row);
        }
        let Some(first) = peeked.first() else {
            let file = rows.input().name().clone();
            return Err(DataError::NoRows { file });
        };
        let starts_at = first.bar.open_time;
        rows.log_unit();
        let interval = match options.interval {
            Some(given) => i64::try_from(given.as_nanos()).unwrap_or(i64::MAX),
            None => infer_interval(&peeked, rows.input())?,
        };
        if !(1..=LONGEST).contains(&interval) {
            return Err(DataError::Interval {
                file: rows.input().name().clone(),
                interval: Duration::from_nanos(interval.unsigned_abs()),
            });
        }
        Ok(Self {
            rows,
            peeked: peeked.into_iter(),
            starts_at,
            sequence: Sequence::new(interval, options.gaps),
            state: State::Reading,
        })
    }

    /// Appends up to `max` bars; how many. 0 means the end.
    ///
    /// # Errors
    ///
    /// A [`DataError`], once, after all bars before it were given out; then 0.
    pub fn next_batch(&mut self, bars: &mut Vec<Bar>, max: usize) -> Result<usize, DataError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Reading => self.state = State::Reading,
            State::Failing(error) => return Err(error),
            done => {
                self.state = done;
                return Ok(0);
            }
        }
        let before = bars.len();
        let result = self.fill(bars, max);
        let count = bars.len() - before;
        match result {
            Ok(true) => {}
            Ok(false) => match self.rows.finish() {
                Ok(digest) => self.state = State::Ended(digest),
                Err(error) => return self.fail(error, count),
            },
            Err(error) => return self.fail(error, count),
        }
        Ok(count)
    }

    fn fail(&mut self, error: DataError, count: usize) -> Result<usize, DataError> {
        if count == 0 {
            self.state = State::Failed;
            return Err(error);
        }
        self.state = State::Failing(error);
        Ok(count)
    }

    /// Reads up to `max` bars; false at the end of the file.
    fn fill(&mut self, bars: &mut Vec<Bar>, max: usize) -> Result<bool, DataError> {
        for _ in 0..max {
            let Some(row) = self.next(Rows::next_row)? else {
                return Ok(false);
            };
            bars.push(row.bar);
        }
        Ok(true)
    }

    /// Passes over the first `count` bars that open at or after `from`, with all before them, and answers
    /// the last of them. For a file that was read before: of what is passed over only the times are looked
    /// at, for the statistics.
    ///
    /// # Errors
    ///
    /// [`DataError::Short`] if there are not that many; otherwise as [`next_batch`](Self::next_batch).
    pub fn skip(&mut self, count: u64, from: Option<UnixNanos>) -> Result<Option<Bar>, DataError> {
        let counts = |bar: &Bar| from.is_none_or(|from| bar.open_time >= from);
        let short = |reader: &Self, found| DataError::Short {
            file: reader.rows.input().name().clone(),
            found,
            read: count,
        };
        let mut passed = 0;
        while passed + 1 < count {
            let Some(row) = self.next(Rows::next_time)? else {
                return Err(short(self, passed));
            };
            passed += u64::from(counts(&row.bar));
        }
        if count == 0 {
            return Ok(None);
        }
        loop {
            let Some(row) = self.next(Rows::next_row)? else {
                return Err(short(self, passed));
            };
            if counts(&row.bar) {
                return Ok(Some(row.bar));
            }
        }
    }

    /// The next row that is admitted, of those that were read to begin with and those that `read` reads.
    #[inline]
    fn next(
        &mut self,
        read: impl Fn(&mut Rows) -> Result<Option<Row>, DataError>,
    ) -> Result<Option<Row>, DataError> {
        loop {
            let row = match self.peeked.next() {
                Some(row) => Some(row),
                None => read(&mut self.rows)?,
            };
            let Some(mut row) = row else {
                return Ok(None);
            };
            if self.sequence.admit(&mut row, self.rows.input())? {
                return Ok(Some(row));
            }
        }
    }

    /// How long a bar is.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.sequence.interval()
    }

    /// When the first bar opens.
    #[must_use]
    pub const fn starts_at(&self) -> UnixNanos {
        self.starts_at
    }

    /// What was read so far.
    #[must_use]
    pub const fn stats(&self) -> &BarStats {
        self.sequence.stats()
    }

    /// The format of the file.
    #[must_use]
    pub const fn format(&self) -> BarFormat {
        match &self.rows {
            Rows::Csv(rows) => rows.format(),
            Rows::Json(_) => BarFormat::CcxtJson,
        }
    }

    /// The unit of the file's times; `None` if they are dates.
    #[must_use]
    pub fn time_unit(&self) -> Option<TimeUnit> {
        match self.rows.times().kind() {
            Some(TimeKind::Epoch(unit)) => Some(unit),
            _ => None,
        }
    }

    /// The name of the source: the path, or `bundled:` and a name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.rows.input().name()
    }

    /// How far it is; may be asked from another thread.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.rows.input().progress()
    }

    /// The SHA-256, in hex, of the file as it is on disk; `None` before its end.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        match &self.state {
            State::Ended(digest) => Some(digest),
            _ => None,
        }
    }
}
