//! A record that is broken off and gone on with comes to be what it would have been.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use investbot_plugin_api::{Decimal, OrderType, Side, UnixNanos};
use proptest::prelude::*;

use super::*;
use crate::engine::OrderState;
use crate::engine::report::FillPart;

/// What is printed.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics here").write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn report(sequence: u64, is_fill: bool) -> ExecutionReport {
    ExecutionReport {
        sequence,
        kind: if is_fill {
            ReportKind::Fill
        } else {
            ReportKind::Order
        },
        time: UnixNanos(1_500_000_000_000_000_000),
        id: None,
        client_order_id: format!("c{sequence}"),
        venue_order_id: None,
        instrument: "BTC/USD".to_owned(),
        side: Some(Side::Buy),
        order_type: Some(OrderType::Market),
        state: Some(OrderState::Filled),
        quantity: Decimal::ONE,
        filled_quantity: Decimal::ONE,
        fill: is_fill.then(|| FillPart {
            fill_id: format!("f,{sequence}"),
            price: Decimal::TEN,
            quantity: Decimal::ONE,
            fee: Decimal::ZERO,
            fee_currency: "USD".to_owned(),
        }),
        code: None,
        text: None,
    }
}

fn files(dir: &Path) -> Vec<String> {
    ["reports.jsonl", "fills.jsonl", "fills.csv"]
        .map(|name| fs::read_to_string(dir.join(name)).expect("it was made"))
        .to_vec()
}

/// The lines of a screen without the first, which names the format.
fn printed(screen: &Screen) -> String {
    let bytes = screen.0.lock().expect("no test panics here").clone();
    let text = String::from_utf8(bytes).expect("text");
    let (_, lines) = text.split_once('\n').expect("a first line");
    lines.to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_files_come_to_be_the_same(
        fills in prop::collection::vec(any::<bool>(), 0..40),
        marked in any::<prop::sample::Index>(),
        killed in any::<prop::sample::Index>(),
        has_mark in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let whole = RunDir::create(&dir.path().join("whole")).expect("new");
        let broken = RunDir::create(&dir.path().join("broken")).expect("new");
        let reports: Vec<_> = (0..).zip(&fills).map(|(n, fill)| report(n, *fill)).collect();
        let killed = killed.index(reports.len() + 1);
        let marked = marked.index(killed + 1);

        let mut record = Record::new(None, Some(&whole)).expect("writable");
        for report in &reports {
            record.report(report).expect("writable");
        }
        let (digest, _) = record.finish().expect("writable");

        let mut record = Record::new(None, Some(&broken)).expect("writable");
        for report in &reports[..marked] {
            record.report(report).expect("writable");
        }
        let mark = record.mark().expect("writable");
        for report in &reports[marked..killed] {
            record.report(report).expect("writable");
        }
        // A record that goes away writes what it has: more than the mark says, which is cut off again.
        drop(record);

        let json = serde_json::to_string(&mark).expect("it can be said in JSON");
        let value: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        prop_assert!(["reports", "fills", "fills_csv"].iter().all(|key| value[key].is_string()));
        let mark: RecordMark = serde_json::from_str(&json).expect("it was written so");
        let mark = has_mark.then_some(mark);
        let again = if has_mark { marked } else { 0 };
        let screen = Screen::default();
        let output = Some(Output::to(Box::new(screen.clone())));
        let mut record = Record::resume(&broken, output, mark).expect("as long as it was");
        for report in &reports[again..] {
            record.report(report).expect("writable");
        }
        let (resumed, _) = record.finish().expect("writable");
        prop_assert_eq!(resumed, digest);
        prop_assert_eq!(files(broken.path()), files(whole.path()));
        let lines: String = files(whole.path())[0].split_inclusive('\n').skip(again).collect();
        prop_assert_eq!(printed(&screen), lines);
    }
}

#[test]
fn a_file_that_lost_something_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let run_dir = RunDir::create(dir.path()).expect("empty");
    let mut record = Record::new(None, Some(&run_dir)).expect("writable");
    record.report(&report(0, true)).expect("writable");
    let mark = record.mark().expect("writable");
    drop(record);
    for name in ["reports.jsonl", "fills.jsonl", "fills.csv"] {
        let path = dir.path().join(name);
        let good = fs::read(&path).expect("it was made");
        fs::write(&path, &good[..good.len() - 1]).expect("writable");
        let short = Record::resume(&run_dir, None, Some(mark.clone()));
        let short = short.err().expect("it is short").to_string();
        fs::remove_file(&path).expect("it is there");
        let missing = Record::resume(&run_dir, None, Some(mark.clone()));
        let missing = missing.err().expect("it is missing").to_string();
        for said in [short, missing] {
            assert!(
                said.contains(name) && said.contains("delete checkpoint.json"),
                "{said}"
            );
        }
        fs::write(&path, good).expect("writable");
    }
    assert!(Record::resume(&run_dir, None, Some(mark)).is_ok());
}

#[test]
fn a_digest_that_is_none_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let run_dir = RunDir::create(dir.path()).expect("empty");
    let mut record = Record::new(None, Some(&run_dir)).expect("writable");
    let json = serde_json::to_string(&record.mark().expect("writable")).expect("JSON");
    let (before, hash) = json.split_once(r#""hash":""#).expect("it has one");
    let json = format!(r#"{before}"hash":"x{hash}"#);
    let mark: RecordMark = serde_json::from_str(&json).expect("of the same shape");
    let error = Record::resume(&run_dir, None, Some(mark)).err();
    assert!(matches!(error, Some(RecordError::Digest(_))));
}
