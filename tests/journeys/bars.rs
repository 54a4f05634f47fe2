//! Bars as people have them, and bars that nobody can use: one clear message, exit code 3.

use std::io::Write as _;

use crate::program::run;
use investbot_tests::artifacts::workspace;
use investbot_tests::{Scratch, scratch};

const HEADER: &str = "timestamp,open,high,low,close,volume";

/// What a run on a file of these lines says.
fn refusal(lines: &[&str]) -> String {
    refused_with(lines, &[])
}

fn refused_with(lines: &[&str], args: &[&str]) -> String {
    let dir = scratch();
    let file = dir.file("bars.csv", lines.join("\n") + "\n");
    let run = run(args).flag("--bars", file).end().with_code(3);
    assert_eq!(run.stdout, "", "nothing is shown of a run that was none");
    run.said(&dir)
}

#[test]
fn numbers_that_are_none() {
    let good = "2024-01-01T00:00:00Z,1,2,0.5,1.5,10";
    insta::assert_snapshot!(refusal(&[HEADER, good, "2024-01-01T01:00:00Z,1,2,0.5,l.5,10"]), @"error: [DIR]/bars.csv:3:30: close `l.5` is not a number; use digits and a point, such as 4387.5");
    insta::assert_snapshot!(refusal(&[HEADER, good, "2024-01-01T01:00:00Z,1,2,-0.5,1.5,10"]), @"error: [DIR]/bars.csv:3:26: low `-0.5` is not above 0, as a price must be; correct or remove the row");
    insta::assert_snapshot!(refusal(&[HEADER, good, "2024-01-01T01:00:00Z,1,2,0.5,1.5,NaN"]), @"error: [DIR]/bars.csv:3:34: volume `NaN` is no finite number; fill it in, or remove the row");
    insta::assert_snapshot!(refusal(&[HEADER, good, "2024-01-01T01:00:00Z,1,0.2,0.5,1.5,10"]), @"error: [DIR]/bars.csv:3:24: high is below low (open 1, high 0.2, low 0.5, close 1.5); correct the row");
    insta::assert_snapshot!(refusal(&[HEADER, good, "2024-01-01T01:00:00Z,1,2,0.5,1.5"]), @"error: [DIR]/bars.csv:3:33: this row has 5 fields and the first line has 6; a decimal or thousands comma, or a line that was cut off, does this");
}

/// The reader looks at the first rows before anything is done; a mistake far below ends a run under way.
#[test]
fn a_mistake_far_below_ends_the_run_with_its_place() {
    let mut lines = vec![HEADER.to_owned()];
    lines.extend((0..20_000).map(|n| format!("{},1,2,0.5,1.5,10", 1_500_000_000 + n * 60)));
    lines.push("1501200000,1,2,0.5,one,10".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    insta::assert_snapshot!(refusal(&lines), @"error: [DIR]/bars.csv:20002:20: close `one` is not a number; use digits and a point, such as 4387.5");
}

#[test]
fn times_that_make_no_sense() {
    insta::assert_snapshot!(refusal(&[HEADER, "2024-01-01T00:00:00Z,1,2,0.5,1.5,10", "2024-01-01T01:00:00Z,1,2,0.5,1.5,10", "2023-12-01T01:00:00Z,1,2,0.5,1.5,10"]), @"error: [DIR]/bars.csv:4:1: time goes back: 2023-12-01T01:00:00Z comes after 2024-01-01T01:00:00Z; sort the file by time, oldest first");
    insta::assert_snapshot!(refusal(&[HEADER, "1704067200000,1,2,0.5,1.5,10", "1704070800,1,2,0.5,1.5,10"]), @"error: [DIR]/bars.csv:3:1: time `1704070800` is in seconds since 1970, and the file's first time is in milliseconds since 1970; a file must keep to one");
    insta::assert_snapshot!(refusal(&[HEADER, "yesterday,1,2,0.5,1.5,10"]), @"error: [DIR]/bars.csv:2:1: time `yesterday` is no time; use 2020-01-02T00:00:00Z, 2020-01-02, or a number since 1970");
}

#[test]
fn files_without_bars() {
    let dir = scratch();
    let said = |path: &std::path::Path| {
        run([] as [&str; 0])
            .flag("--bars", path)
            .end()
            .with_code(3)
            .said(&dir)
    };
    insta::assert_snapshot!(said(&dir.file("empty.csv", "")), @"error: [DIR]/empty.csv: is empty; bars were expected, such as `timestamp,open,high,low,close,volume` and then `2020-01-02T00:00:00Z,1.0,1.5,0.5,1.2,100`");
    insta::assert_snapshot!(said(&dir.file("header.csv", format!("{HEADER}\n"))), @"error: [DIR]/header.csv: has no bars, only what comes before them; check how it was exported");
    insta::assert_snapshot!(said(&dir), @"error: [DIR]: is a directory; name one file of bars in it");
    insta::assert_snapshot!(said(&dir.join("missing.csv")), @"error: [DIR]/missing.csv: cannot be opened: No such file or directory (os error 2); check the path and its permissions");
    insta::assert_snapshot!(run(["--bars", "btcusd"]).end().with_code(3).stderr, @"error: no bundled bars are called `btcusd`; there are: btcusd-30m, ethusd-30m, aapl-1d");
}

fn with_a_gap() -> Scratch {
    let dir = scratch();
    let rows = ["00", "01", "02", "05", "06", "06", "07"];
    let rows = rows.map(|hour| format!("2024-01-01T{hour}:00:00Z,1,2,0.5,1.5,10\n"));
    dir.file("bars.csv", format!("{HEADER}\n{}", rows.concat()));
    dir
}

#[test]
fn gaps_and_duplicates_are_counted_or_halt_the_run() {
    let dir = with_a_gap();
    let kept = run(["--bars", "bars.csv", "--json"])
        .in_dir(&dir)
        .end()
        .with_code(0);
    let source = &kept.summary()["source"];
    assert_eq!(source["rows"], 6);
    assert_eq!(source["gaps"], 1);
    assert_eq!(source["missing_bars"], 2);
    assert_eq!(source["duplicates"], 1);
    assert_eq!(source["interval_s"], 3600);

    let table = run(["--bars", "bars.csv"]).in_dir(&dir).end().with_code(0);
    assert!(
        table
            .stdout
            .contains("6; 1 gaps, 2 missing; 1 duplicates left out"),
        "{}",
        table.stdout
    );

    let halted = run(["--bars", "bars.csv", "--gaps", "halt"])
        .in_dir(&dir)
        .end()
        .with_code(3);
    insta::assert_snapshot!(halted.stderr, @"error: bars.csv:5:1: gap: 2024-01-01T05:00:00Z comes 3h after 2024-01-01T02:00:00Z, and a bar is 1h; fill it, or allow gaps with the policy `keep`");
}

/// The window leaves bars out, and counts only those that are left.
#[test]
fn a_window_of_the_bars() {
    let window = run(["--json", "--from", "2018-01-01", "--to", "2018-01-02"])
        .end()
        .with_code(0);
    assert_eq!(window.summary()["result"]["bars"], 48);
    let none = run(["--json", "--from", "2030-01-01"]).end().with_code(0);
    assert_eq!(none.summary()["result"]["bars"], 0);
}

#[test]
fn every_bundled_series_and_every_strategy() {
    for bars in ["btcusd-30m", "ethusd-30m", "aapl-1d"] {
        for strategy in ["sma-cross", "buy-and-hold", "mean-reversion"] {
            let ended = run(["--json", "--bars", bars, "--strategy", strategy])
                .end()
                .with_code(0);
            let summary = ended.summary();
            assert_eq!(summary["ended"], "complete");
            assert_eq!(summary["stream"], strategy);
            assert!(
                summary["result"]["fills"].as_u64().unwrap() > 0,
                "{bars} {strategy} trades"
            );
        }
    }
}

/// However the same bars are packed and written, the run is the same.
#[test]
fn packed_bars_are_the_same_bars() {
    let dir = scratch();
    let plain = std::fs::read(workspace().join("data/ethusd-30m.csv")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("bars.csv", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&plain).unwrap();
    let files = [
        dir.file("bars.csv.gz", gz.finish().unwrap()),
        dir.file("bars.zip", zip.finish().unwrap().into_inner()),
        dir.file("bars.csv", plain),
    ];
    // The name of the run is made of its configuration, in which the file's path is.
    let run = |bars: &std::ffi::OsStr| {
        run([
            "--json",
            "--instrument",
            "ETH/USD",
            "--run-id",
            "packed",
            "--bars",
        ])
        .arg(bars)
        .end()
        .with_code(0)
        .digest()
    };
    let bundled = run("ethusd-30m".as_ref());
    for file in files {
        assert_eq!(run(file.as_os_str()), bundled, "{}", file.display());
    }
}
