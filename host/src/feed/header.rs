//! Which column of a CSV file holds what.

use super::fields::Fields;
use super::row::COLUMNS;
use super::time::looks_like_time;

/// The names that each of the six columns goes by.
const ALIASES: [&[&str]; 6] = [
    &[
        "timestamp",
        "time",
        "date",
        "datetime",
        "date_time",
        "open_time",
        "opentime",
        "ts",
        "unix",
        "epoch",
    ],
    &["open", "o", "open_price"],
    &["high", "h", "high_price"],
    &["low", "l", "low_price"],
    &["close", "c", "close_price"],
    &["volume", "vol", "v"],
];

/// Where the six columns are, and how many a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) columns: [usize; 6],
    pub(super) count: usize,
    pub(super) shape: Shape,
}

/// Whose file it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Plain,
    Klines,
    Yahoo,
}

/// What the first line of a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FirstLine {
    /// A header; the rows follow it.
    Header(Layout),
    /// A row: time, open, high, low, close, volume, and perhaps more.
    Row(Layout),
    /// A header whose first column is the time, though it says otherwise; two lines of names follow.
    StackedHeader(Layout),
    /// A row with less than six fields.
    ShortRow,
    /// A header without this column (an index into [`COLUMNS`]).
    Missing(usize),
    /// A header with two fields that could be this column.
    Ambiguous {
        /// The column.
        column: usize,
        /// The first field.
        first: usize,
        /// The second field.
        second: usize,
    },
    /// Nothing that is known.
    Unknown,
}

/// Recognises the first line of a file.
pub(super) fn recognise(fields: Fields<'_>) -> FirstLine {
    if looks_like_time(fields.get(0)) {
        return recognise_row(fields.len());
    }
    let names: Vec<String> = (0..fields.len()).map(|i| normal(fields.get(i))).collect();
    let mut columns = [usize::MAX; 6];
    for (column, aliases) in ALIASES.iter().enumerate() {
        let mut found = (0..names.len()).filter(|i| aliases.contains(&names[*i].as_str()));
        let Some(first) = found.next() else {
            continue;
        };
        if let Some(second) = found.next() {
            return FirstLine::Ambiguous {
                column,
                first,
                second,
            };
        }
        columns[column] = first;
    }
    let prices_found = columns[1..].iter().filter(|at| **at != usize::MAX).count();
    if prices_found < 2 {
        return FirstLine::Unknown;
    }
    // A table that was saved with its index has no name over it.
    let unnamed = matches!(names[0].as_str(), "" | "index" | "unnamed:_0");
    let stacked = names[0] == "price" && columns[0] == usize::MAX;
    if columns[0] == usize::MAX && (unnamed || stacked) {
        columns[0] = 0;
    }
    if let Some(column) = columns.iter().position(|at| *at == usize::MAX) {
        return FirstLine::Missing(column);
    }
    let layout = Layout {
        columns,
        count: names.len(),
        shape: shape(&names, columns[0], stacked),
    };
    if stacked {
        FirstLine::StackedHeader(layout)
    } else {
        FirstLine::Header(layout)
    }
}

fn recognise_row(count: usize) -> FirstLine {
    if count < COLUMNS.len() {
        return FirstLine::ShortRow;
    }
    FirstLine::Row(Layout {
        columns: [0, 1, 2, 3, 4, 5],
        count,
        shape: if count == 12 {
            Shape::Klines
        } else {
            Shape::Plain
        },
    })
}

fn shape(names: &[String], time: usize, stacked: bool) -> Shape {
    let has = |name: &str| names.iter().any(|n| n == name);
    if names.len() >= 11 && (has("close_time") || has("closetime")) {
        Shape::Klines
    } else if stacked || has("adj_close") || matches!(names[time].as_str(), "date" | "datetime") {
        Shape::Yahoo
    } else {
        Shape::Plain
    }
}

/// A column's name without case, and with one kind of gap between words.
fn normal(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name.trim_ascii()).to_lowercase();
    name.replace([' ', '-'], "_")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::fields::Splitter;
    use super::*;

    fn first_line(line: &str) -> FirstLine {
        recognise(Splitter::default().split(line.as_bytes()).unwrap())
    }

    fn header(line: &str) -> ([usize; 6], Shape) {
        match first_line(line) {
            FirstLine::Header(layout) | FirstLine::StackedHeader(layout) => {
                (layout.columns, layout.shape)
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn headers_in_any_order_case_and_style() {
        let plain = ([0, 1, 2, 3, 4, 5], Shape::Plain);
        assert_eq!(header("timestamp,open,high,low,close,volume"), plain);
        assert_eq!(header("TIME, O,H,L,C, Vol"), plain);
        assert_eq!(
            header(r#""timestamp","open","high","low","close","volume""#),
            plain
        );
        assert_eq!(header(",Open,High,Low,Close,Volume"), plain);
        assert_eq!(
            header("volume,close,low,high,open,timestamp"),
            ([5, 4, 3, 2, 1, 0], Shape::Plain)
        );
        assert_eq!(
            header("Date,Open,High,Low,Close,Adj Close,Volume"),
            ([0, 1, 2, 3, 4, 6], Shape::Yahoo)
        );
        assert_eq!(
            header("Price,Close,High,Low,Open,Volume"),
            ([0, 4, 2, 3, 1, 5], Shape::Yahoo)
        );
        let klines = "Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume,\
                      Number of trades,Taker buy base,Taker buy quote,Ignore";
        assert_eq!(header(klines), ([0, 1, 2, 3, 4, 5], Shape::Klines));
    }

    #[test]
    fn rows_without_a_header() {
        for (line, count, shape) in [
            ("1506816000,1,2,1,2,5", 6, Shape::Plain),
            ("2020-01-02T00:00:00Z,1,2,1,2,5,7", 7, Shape::Plain),
            (
                "1506816000000,1,2,1,2,5,1506817799999,1,1,1,1,0",
                12,
                Shape::Klines,
            ),
        ] {
            let columns = [0, 1, 2, 3, 4, 5];
            let layout = Layout {
                columns,
                count,
                shape,
            };
            assert_eq!(first_line(line), FirstLine::Row(layout));
        }
        assert_eq!(first_line("1506816000,1,2"), FirstLine::ShortRow);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(
            first_line("timestamp,open,high,low,close"),
            FirstLine::Missing(5)
        );
        assert_eq!(
            first_line("when,open,high,low,close,volume"),
            FirstLine::Missing(0)
        );
        assert_eq!(
            first_line("date,time,open,high,low,close,volume"),
            FirstLine::Ambiguous {
                column: 0,
                first: 0,
                second: 1
            }
        );
        assert_eq!(first_line("<html>"), FirstLine::Unknown);
        assert_eq!(first_line("Dear Sir, how are you"), FirstLine::Unknown);
    }
}
