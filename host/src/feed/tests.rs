//! The whole way from a file to bars.

mod formats;
mod mistakes;
mod packing;
mod roundtrip;
mod skip;

use investbot_plugin_api::Bar;

use super::{BarOptions, BarReader, BarStats, BarStream, DataError, GapPolicy};
use crate::clock::rfc3339 as show;

fn options() -> BarOptions {
    BarOptions::default()
}

fn halting() -> BarOptions {
    BarOptions {
        gaps: GapPolicy::Halt,
        ..options()
    }
}

/// All bars, in batches of a size that does not divide anything.
fn drain(reader: &mut BarReader) -> Result<Vec<Bar>, DataError> {
    let mut bars = Vec::new();
    while reader.next_batch(&mut bars, 7)? > 0 {}
    Ok(bars)
}

fn read(text: &str, options: &BarOptions) -> Result<(Vec<Bar>, BarReader), DataError> {
    let mut reader = BarReader::memory("bars", text.as_bytes().to_vec(), options)?;
    let bars = drain(&mut reader)?;
    Ok((bars, reader))
}

/// The message of the mistake in `text`.
fn refused(text: &str, options: &BarOptions) -> String {
    match read(text, options) {
        Ok((bars, _)) => panic!("{text}\nwas read as {bars:?}"),
        Err(error) => {
            assert_eq!(error.exit_code(), crate::exit::ExitCode::ConfigOrData);
            error.to_string()
        }
    }
}

/// A bar as one line of the plain format, with its close time.
fn shown(bar: &Bar) -> String {
    let Bar {
        open,
        high,
        low,
        close,
        volume,
        ..
    } = bar;
    let times = format!("{} {}", show(bar.open_time), show(bar.close_time));
    format!("{times} {open} {high} {low} {close} {volume}")
}

#[test]
fn bundled_bars_are_what_their_credits_say() {
    for (name, rows, gaps, missing_bars, minutes) in [
        ("btcusd-30m", 35_019, 9, 22, 30),
        ("ethusd-30m", 35_011, 13, 30, 30),
        ("aapl-1d", 3_270, 0, 0, 24 * 60),
    ] {
        let mut reader = BarReader::bundled(name, &options()).unwrap();
        assert_eq!(drain(&mut reader).unwrap().len() as u64, rows, "{name}");
        let stats = *reader.stats();
        assert_eq!((stats.rows, stats.duplicates), (rows, 0), "{name}");
        assert_eq!(reader.interval().as_secs(), minutes * 60, "{name}");
        if minutes == 30 {
            assert_eq!(
                (stats.gaps, stats.missing_bars),
                (gaps, missing_bars),
                "{name}"
            );
        }
        let progress = reader.progress();
        assert_eq!(Some(progress.read()), progress.total(), "{name}");
    }
    let error = BarReader::bundled("btc", &options()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("there are: btcusd-30m, ethusd-30m, aapl-1d"),
        "{error}"
    );
}

#[test]
fn bundled_text_comes_out_as_it_went_in() {
    for bundled in super::BUNDLED {
        let mut reader = BarReader::bundled(bundled.name, &options()).unwrap();
        let mut text = String::from("timestamp,open,high,low,close,volume\n");
        for bar in drain(&mut reader).unwrap() {
            let time = show(bar.open_time);
            let Bar {
                open,
                high,
                low,
                close,
                volume,
                ..
            } = bar;
            text.push_str(&format!("{time},{open},{high},{low},{close},{volume}\n"));
        }
        assert!(text.as_bytes() == bundled.csv, "{} differs", bundled.name);
        let digest = <sha2::Sha256 as sha2::Digest>::digest(bundled.csv);
        assert_eq!(reader.digest(), Some(hex::encode(digest).as_str()));
    }
}

#[test]
fn a_bar_closes_one_interval_after_it_opens() {
    let reader = BarReader::bundled("btcusd-30m", &options());
    let bars = drain(&mut reader.unwrap()).unwrap();
    let half_hour = std::time::Duration::from_secs(1_800);
    assert!(
        bars.iter()
            .all(|b| b.close_time.since(b.open_time) == half_hour)
    );
    assert!(bars.windows(2).all(|w| w[0].close_time <= w[1].open_time));
}

#[test]
fn a_stream_gives_the_same_as_a_reader() {
    let mut reader = BarReader::bundled("ethusd-30m", &options()).unwrap();
    let want = drain(&mut reader).unwrap();
    let mut stream =
        BarStream::spawn(BarReader::bundled("ethusd-30m", &options()).unwrap()).unwrap();
    let mut got = Vec::new();
    while let Some(batch) = stream.next() {
        let batch = batch.unwrap();
        assert!(!batch.is_empty());
        got.extend_from_slice(batch);
    }
    assert!(stream.next().is_none());
    assert!(got == want);
    let finished = stream.finish().unwrap();
    assert_eq!(finished.stats(), reader.stats());
    assert_eq!(finished.digest(), reader.digest());
}

/// More rows than are looked at when the file opens, and then one that cannot be read.
fn late_mistake() -> String {
    let mut text = String::from("time,open,high,low,close,volume\n");
    for nth in 0..10_000 {
        text.push_str(&format!("{},1,2,1,2,5\n", 1_506_816_000 + nth * 60));
    }
    text + "1507416000,1,2,1,2,lots\n"
}

#[test]
fn a_stream_gives_the_error_after_the_bars_before_it() {
    let reader = BarReader::memory("late", late_mistake().into_bytes(), &options()).unwrap();
    let mut stream = BarStream::spawn(reader).unwrap();
    let mut count = 0;
    let error = loop {
        match stream.next().unwrap() {
            Ok(batch) => count += batch.len(),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(count, 10_000);
    assert!(
        error.starts_with("late:10002:20: volume `lots` is not a number"),
        "{error}"
    );
    assert!(stream.next().is_none());
    assert_eq!(stream.finish().unwrap().digest(), None);
}

#[test]
fn a_reader_gives_the_error_once() {
    let text = late_mistake().into_bytes();
    let mut reader = BarReader::memory("late", text, &options()).unwrap();
    let mut bars = Vec::new();
    assert_eq!(reader.next_batch(&mut bars, 20_000).unwrap(), 10_000);
    assert!(reader.next_batch(&mut bars, 20_000).is_err());
    assert_eq!(reader.next_batch(&mut bars, 20_000).unwrap(), 0);
    assert_eq!(bars.len(), 10_000);
    assert_eq!(reader.digest(), None);
}

#[test]
fn a_stream_may_be_left_early() {
    let reader = BarReader::bundled("btcusd-30m", &options()).unwrap();
    let mut stream = BarStream::spawn(reader).unwrap();
    assert!(stream.next().unwrap().is_ok());
    let reader = stream.finish().unwrap();
    assert!(reader.stats().rows < 35_019);
    assert_eq!(reader.digest(), None);
}

const GAPS: &str = "timestamp,open,high,low,close,volume
2020-01-01T00:00:00Z,1,2,1,2,5
2020-01-01T00:01:00Z,1,2,1,2,5
2020-01-01T00:01:00Z,7,7,7,7,7
2020-01-01T00:02:00Z,1,2,1,2,5
2020-01-01T00:05:00Z,1,2,1,2,5
2020-01-01T00:05:30Z,1,2,1,2,5
";

#[test]
fn gaps_and_duplicates_are_counted() {
    let (bars, reader) = read(GAPS, &options()).unwrap();
    let want = BarStats {
        rows: 5,
        gaps: 2,
        missing_bars: 2,
        duplicates: 1,
        first_open: Some(bars[0].open_time),
        last_open: Some(bars[4].open_time),
    };
    assert_eq!(*reader.stats(), want);
    // The first of two bars of the same time counts.
    assert_eq!(
        shown(&bars[1]),
        "2020-01-01T00:01:00Z 2020-01-01T00:02:00Z 1 2 1 2 5"
    );
}

#[test]
fn gaps_and_duplicates_may_halt() {
    let text = refused(GAPS, &halting());
    assert!(
        text.starts_with("bars:4:1: duplicate: the bar of 2020-01-01T00:01:00Z"),
        "{text}"
    );
    let without: String = GAPS
        .split_inclusive('\n')
        .filter(|l| !l.contains('7'))
        .collect();
    let text = refused(&without, &halting());
    assert!(
        text.starts_with("bars:5:1: gap: 2020-01-01T00:05:00Z comes 3m after"),
        "{text}"
    );
    assert!(text.contains("a bar is 1m"), "{text}");
}

#[test]
fn weekends_do_not_change_the_interval() {
    let (_, reader) = read(
        "Date,Open,High,Low,Close,Volume\n2020-01-03,1,2,1,2,5\n2020-01-06,1,2,1,2,5\n\
         2020-01-07,1,2,1,2,5\n2020-01-08,1,2,1,2,5\n",
        &options(),
    )
    .unwrap();
    assert_eq!(reader.interval().as_secs(), 86_400);
    assert_eq!((reader.stats().gaps, reader.stats().missing_bars), (1, 2));
}

#[test]
fn one_bar_needs_an_interval() {
    let one = "time,open,high,low,close,volume\n1577836800,1,2,1,2,5\n";
    assert!(refused(one, &options()).contains("--interval"));
    let given = BarOptions {
        interval: Some(std::time::Duration::from_secs(60)),
        ..options()
    };
    let (bars, _) = read(one, &given).unwrap();
    assert_eq!(
        shown(&bars[0]),
        "2020-01-01T00:00:00Z 2020-01-01T00:01:00Z 1 2 1 2 5"
    );
    for wrong in [0, 400 * 86_400] {
        let given = BarOptions {
            interval: Some(std::time::Duration::from_secs(wrong)),
            ..options()
        };
        assert!(refused(one, &given).contains("no length that a bar can have"));
    }
}
