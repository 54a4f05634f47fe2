//! Going on after bars that were read before.

use investbot_plugin_api::Bar;
use proptest::prelude::*;

use super::{GAPS, drain, options, shown};
use crate::feed::{BarOptions, BarReader, BarStream};

/// One source in each shape that is read differently: plain, quoted, with the time in a later column, in
/// other units, JSON, packed.
fn sources() -> Vec<(&'static str, Vec<u8>)> {
    let rows: Vec<(i64, i64)> = (0..3_000)
        .filter(|n| n % 701 != 3)
        .map(|n| (1_577_836_800 + n * 60, 100 + n % 17))
        .flat_map(|row| std::iter::repeat_n(row, if row.0 % 977 == 0 { 2 } else { 1 }))
        .collect();
    let text = |head: &str, row: &dyn Fn(i64, i64) -> String| {
        let rows: String = rows
            .iter()
            .map(|(time, price)| row(*time, *price))
            .collect();
        format!("{head}{rows}").into_bytes()
    };
    let plain = text("time,open,high,low,close,volume\n", &|t, p| {
        format!("{t},{p},{p},{p},{p},1\n")
    });
    let quoted = text("time,open,high,low,close,volume\n", &|t, p| {
        format!("\"{t}\",\"{p}\",{p},{p},{p},1\r\n")
    });
    let late = text("open,high,low,close,volume,timestamp\n", &|t, p| {
        format!("{p},{p},{p},{p},1,{}\n\n", t * 1_000)
    });
    let bare = text("", &|t, p| format!("{t},{p},{p},{p},{p},1\n"));
    let mut json = text("[", &|t, p| format!("[{},{p},{p},{p},{p},1],", t * 1_000));
    *json.last_mut().unwrap() = b']';
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &plain).unwrap();
    vec![
        ("plain", plain.clone()),
        ("quoted", quoted),
        ("late", late),
        ("bare", bare),
        ("json", json),
        ("gzip", packed.finish().unwrap()),
        ("gaps", GAPS.as_bytes().to_vec()),
    ]
}

/// A file, because bytes in memory are never packed.
fn open(dir: &std::path::Path, name: &str, bytes: &[u8]) -> BarReader {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    BarReader::open(&path, &options()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_follows_is_what_would_have_followed(
        count in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        in_window in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in sources() {
            let mut whole = open(dir.path(), name, &bytes);
            let bars = drain(&mut whole).unwrap();
            // Between two bars, so that a window need not begin with one.
            let start = bars[from.index(bars.len())].open_time;
            let from = in_window.then_some(start);
            let window: Vec<Bar> = bars
                .iter()
                .filter(|bar| from.is_none_or(|from| bar.open_time >= from))
                .copied()
                .collect();
            let count = count.index(window.len() + 1);
            let mut reader = open(dir.path(), name, &bytes);
            let last = reader.skip(count as u64, from).unwrap();
            let before = count.checked_sub(1).map(|last| shown(&window[last]));
            prop_assert_eq!(last.as_ref().map(shown), before, "{} {}", name, count);
            let rest = drain(&mut reader).unwrap();
            let rest: Vec<Bar> = rest
                .into_iter()
                .filter(|bar| from.is_none_or(|from| bar.open_time >= from))
                .collect();
            prop_assert_eq!(&rest, &window[count..], "{} {}", name, count);
            prop_assert_eq!(reader.stats(), whole.stats(), "{}", name);
            prop_assert_eq!(reader.digest(), whole.digest(), "{}", name);
        }
    }
}

#[test]
fn a_stream_goes_on_where_its_reader_is() {
    let mut reader = BarReader::bundled("btcusd-30m", &options()).unwrap();
    let want = drain(&mut reader).unwrap();
    let mut reader = BarReader::bundled("btcusd-30m", &options()).unwrap();
    assert_eq!(reader.skip(30_000, None).unwrap(), Some(want[29_999]));
    let mut stream = BarStream::spawn(reader).unwrap();
    assert_eq!(stream.next().unwrap().unwrap()[0], want[30_000]);
}

#[test]
fn a_file_that_lost_bars_is_refused() {
    let reader = || BarReader::memory("bars", GAPS.as_bytes(), &BarOptions::default()).unwrap();
    assert!(reader().skip(5, None).unwrap().is_some());
    let error = reader().skip(6, None).unwrap_err().to_string();
    insta::assert_snapshot!(error, @"bars: has 5 bars, and 6 were read before; the run needs the file that it was started with");
    let from = reader().starts_at();
    let later = from.after(std::time::Duration::from_secs(120));
    let error = reader().skip(60, Some(later)).unwrap_err().to_string();
    assert!(error.contains("has 3 bars, and 60"), "{error}");
}
