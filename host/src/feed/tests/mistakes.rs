//! Each mistake is named by its place and value, with what to do.

use std::io::Write;

use super::super::{BarReader, DataError};
use super::{options, refused};
use crate::exit::ExitCode;

const HEADER: &str = "timestamp,open,high,low,close,volume";
const ROW: &str = "2020-01-01T00:00:00Z,1,2,1,2,5";

fn assert_refused(text: &str, start: &str, words: &[&str]) {
    let message = refused(text, &options());
    assert!(
        message.starts_with(start),
        "{message}\ndoes not start with\n{start}"
    );
    for word in words {
        assert!(message.contains(word), "{message}\nlacks\n{word}");
    }
}

/// A second row with a mistake.
fn assert_row_refused(row: &str, start: &str, words: &[&str]) {
    assert_refused(&format!("{HEADER}\n{ROW}\n{row}\n"), start, words);
}

#[test]
fn bad_numbers() {
    for (row, start) in [
        (
            "2020-01-02T00:00:00Z,1,2x,1,2,5",
            "bars:3:24: high `2x` is not a number",
        ),
        (
            "2020-01-02T00:00:00Z,NaN,2,1,2,5",
            "bars:3:22: open `NaN` is no finite number",
        ),
        (
            "2020-01-02T00:00:00Z,1,2,null,2,5",
            "bars:3:26: low `null` is no finite number",
        ),
        (
            "2020-01-02T00:00:00Z,1,2,1,,5",
            "bars:3:28: close `` is empty",
        ),
        (
            "2020-01-02T00:00:00Z,1,2,1,-2,5",
            "bars:3:28: close `-2` is not above 0",
        ),
        (
            "2020-01-02T00:00:00Z,0,2,1,2,5",
            "bars:3:22: open `0` is not above 0",
        ),
        (
            "2020-01-02T00:00:00Z,1,2,1,2,-5",
            "bars:3:30: volume `-5` is below 0",
        ),
        (
            "2020-01-02T00:00:00Z,1,2,1,2,0.12345678901234567890123456789",
            "bars:3:30: volume `0.12345678901234567890123456789` has more digits than can be held",
        ),
    ] {
        assert_row_refused(row, start, &[]);
    }
    assert_row_refused(
        "2020-01-02T00:00:00Z,1,2\u{7},1,2,5",
        "bars:3:24: high `2\\u{7}`",
        &[],
    );
    let long = format!("2020-01-02T00:00:00Z,{},2,1,2,5", "é".repeat(300));
    let message = refused(&format!("{HEADER}\n{ROW}\n{long}\n"), &options());
    assert!(message.len() < 300 && message.contains("éé…`"), "{message}");
}

#[test]
fn bad_times() {
    for (row, start) in [
        (",1,2,1,2,5", "bars:3:1: time `` is empty"),
        ("soon,1,2,1,2,5", "bars:3:1: time `soon` is no time"),
        (
            "2020-02-30T00:00:00Z,1,2,1,2,5",
            "bars:3:1: time `2020-02-30T00:00:00Z` is no time",
        ),
        (
            "3000-01-01,1,2,1,2,5",
            "bars:3:1: time `3000-01-01` cannot be held",
        ),
        (
            "2019-12-31T23:59:59Z,1,2,1,2,5",
            "bars:3:1: time goes back: 2019-12-31T23:59:59Z comes after 2020-01-01T00:00:00Z",
        ),
        (
            "1577923200,1,2,1,2,5",
            "bars:3:1: time `1577923200` is in seconds since 1970, and the file's first time is a date",
        ),
    ] {
        assert_row_refused(row, start, &[]);
    }
    assert_refused(
        "1577836800,1,2,1,2,5\n1577923200000,1,2,1,2,5\n",
        "bars:2:1: time `1577923200000` is in milliseconds since 1970",
        &["the file's first time is in seconds since 1970"],
    );
    assert_refused(
        "é,open,high,low,close,volume,time\né,1,2,1,2,5,1577836800\né,1,2,1,2,5,1577836799\n",
        "bars:3:13: time goes back",
        &["sort the file by time"],
    );
}

#[test]
fn prices_that_contradict_each_other() {
    for (prices, start) in [
        (
            "1,2,3,2",
            "bars:3:24: high is below low (open 1, high 2, low 3, close 2)",
        ),
        ("3,2,1,2", "bars:3:24: high is below open or close"),
        ("1,2,1,3", "bars:3:24: high is below open or close"),
        ("1,2,1.5,2", "bars:3:26: low is above open or close"),
        ("2,2,1.50,1.4999", "bars:3:26: low is above open or close"),
    ] {
        assert_row_refused(&format!("2020-01-02T00:00:00Z,{prices},5"), start, &[]);
    }
}

#[test]
fn rows_of_another_shape() {
    let expected = "fields and the first line has 6";
    assert_row_refused(
        "2020-01-02T00:00:00Z,1,2,1,2",
        "bars:3:29: this row has 5",
        &[expected],
    );
    assert_row_refused(
        "2020-01-02T00:00:00Z,1,2,1,2,5,6",
        "bars:3:33: this row has 7",
        &[expected],
    );
    assert_row_refused(
        "2020-01-02T00:00:00Z,\"1,2,1,2,5",
        "bars:3:22: a quoted field",
        &[],
    );
    assert_refused(
        "1577836800,1,2,1,2\n",
        "bars:1:19: this row has 5 fields",
        &["open, high"],
    );
}

#[test]
fn headers_that_do_not_say_enough() {
    assert_refused(
        "timestamp,open,high,low,close\n",
        "bars:1:1: the header has no column `volume`, only: timestamp,open,high,low,close",
        &["rename the column"],
    );
    assert_refused(
        "date,time,open,high,low,close,volume\n",
        "bars:1:6: the header names the column `timestamp` twice, as `date` and as `time`",
        &["rename one"],
    );
    assert_refused(
        "Price,Close,High,Low,Open,Volume\n2020-01-02,1,2,1,2,5\n",
        "bars:2:1: this is no format of bars",
        &["2020-01-02"],
    );
    let known = &["known are CSV with a header"];
    assert_refused("<html>\n", "bars:1:1: this is no format of bars", known);
    assert_refused("{\"a\":1}\n", "bars:1:1: this is no format of bars", known);
    assert_refused(
        "\u{7f}ELF\u{2}\0\0\n",
        "bars:1:1: this is no format of bars",
        known,
    );
}

#[test]
fn nothing_to_read() {
    for text in ["", "\n", "  \r\n\n", "\u{feff}"] {
        assert_refused(text, "bars: is empty", &["bars were expected"]);
    }
    for text in [
        HEADER,
        "timestamp,open,high,low,close,volume\n\n",
        "[]",
        " [ ] \n",
    ] {
        assert_refused(text, "bars: has no bars", &["check how it was exported"]);
    }
    assert_refused(
        "Price,Close,High,Low,Open,Volume\n",
        "bars: has no bars",
        &[],
    );
}

#[test]
fn a_line_without_end() {
    let long = "x".repeat(10_000_000);
    assert_refused(
        &long,
        "bars:1:1: this line is longer than 65536 bytes",
        &["line ends"],
    );
    assert_row_refused(&long, "bars:3:1: this line is longer than 65536 bytes", &[]);
}

#[test]
fn bad_json() {
    let row = "[1577836800000,1,2,1,2,5]";
    for (text, start) in [
        (
            format!("[{row}"),
            "bars:1:27: found the end of the file where `,` or `]`",
        ),
        (format!("[{row},\n]"), "bars:2:1: found `]` where a row"),
        (
            format!("[{row}]]"),
            "bars:1:28: found `]` where the end of the file",
        ),
        (
            format!("[\n{row}\n{row}]"),
            "bars:3:1: found `[15778368000`",
        ),
        (
            "[1,2]".to_owned(),
            "bars:1:2: found `1,2]` where a row or `]`",
        ),
        (
            "[[1577836800000,1,2]]".to_owned(),
            "bars:1:20: found `]]` where `,` and one of 6",
        ),
        (
            "[[1577836800000,1,2,1,2,{}]]".to_owned(),
            "bars:1:25: found `{}]]` where a number",
        ),
        (
            "[[1577836800000,1,2,1,2,\"5".to_owned(),
            "bars:1:27: found the end of the file",
        ),
        (
            "[[1577836800000,1,2,1,2,null]]".to_owned(),
            "bars:1:25: volume `null` is no finite",
        ),
        (
            "[[1577836800000,1,\"\",1,2,5]]".to_owned(),
            "bars:1:19: high `` is empty",
        ),
        ("[[".to_owned(), "bars:1:3: found the end of the file"),
    ] {
        assert_refused(&text, start, &[]);
    }
    let long = format!("[[{}", "1".repeat(1_000_000));
    assert_refused(
        &long,
        "bars:1:163: found `111111111111` where a number",
        &[],
    );
}

#[test]
fn files_that_are_none() {
    let dir = tempfile::tempdir().unwrap();
    let error = BarReader::open(dir.path(), &options()).unwrap_err();
    assert!(
        error.to_string().contains("is a directory; name one file"),
        "{error}"
    );
    assert_eq!(error.exit_code(), ExitCode::ConfigOrData);
    let error = BarReader::open(dir.path().join("no.csv"), &options()).unwrap_err();
    assert!(matches!(error, DataError::Open { .. }), "{error}");
    assert!(
        error.to_string().contains("no.csv: cannot be opened"),
        "{error}"
    );
    assert_eq!(error.exit_code(), ExitCode::ConfigOrData);
}

#[test]
fn a_file_names_itself_in_its_errors() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"time,open,high,low,close,volume\n1577836800,1,2,1,2,x\n")
        .unwrap();
    let error = BarReader::open(file.path(), &options()).unwrap_err();
    let start = format!("{}:2:20: volume `x`", file.path().display());
    assert!(error.to_string().starts_with(&start), "{error}");
}
