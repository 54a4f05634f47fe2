//! What an adapter must not forget: it survives a kill at any byte and a full disk, and hides no damage.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::Write as _;
use std::path::Path;

use investbot_plugin_api::{
    Decimal, Effect, ErrorKind, Fill, Ledger, NewOrder, OpenParams, OrderReport, OrderStatus, Side,
    UnixNanos,
};

fn params(dir: &Path) -> OpenParams {
    let mut params = OpenParams::new("{}");
    params.data_dir = Some(dir.join("not there yet"));
    params
}

fn open(dir: &Path) -> Ledger<OrderReport> {
    Ledger::open(&params(dir), "orders.jsonl").unwrap()
}

fn report(id: &str) -> OrderReport {
    let order = NewOrder::new(id, "BTC/USD", Side::Sell, Decimal::TWO);
    let mut report = OrderReport::of(&order, "v1", OrderStatus::Filled, UnixNanos(7));
    report.fills = vec![Fill::of(
        &report,
        "f1",
        Decimal::ONE,
        Decimal::TWO,
        UnixNanos(7),
    )];
    report
}

#[test]
fn what_was_pushed_is_there_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path());
    assert!(ledger.is_empty());
    ledger.push(report("a")).unwrap();
    ledger.push(report("\n\"💹")).unwrap();
    let again = open(dir.path());
    assert_eq!(again[..], ledger[..]);
    assert_eq!(again[0], report("a"));
    assert_eq!(again[1].client_order_id, "\n\"💹");
}

#[test]
fn without_a_directory_it_is_in_memory() {
    let params = OpenParams::new("{}");
    let mut ledger: Ledger<u64> = Ledger::open(&params, "numbers.jsonl").unwrap();
    ledger.push(7).unwrap();
    assert_eq!(ledger[..], [7]);
    assert!(!Path::new("numbers.jsonl").exists());
}

#[test]
fn a_kill_at_any_byte_leaves_what_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path());
    ledger.push(report("a")).unwrap();
    let path = params(dir.path()).data_dir.unwrap().join("orders.jsonl");
    let one = std::fs::read(&path).unwrap();
    ledger.push(report("b💹")).unwrap();
    let two = std::fs::read(&path).unwrap();
    for cut in one.len()..two.len() {
        std::fs::write(&path, &two[..cut]).unwrap();
        let mut ledger = open(dir.path());
        assert_eq!(ledger.len(), 1, "cut at {cut}");
        ledger.push(report("c")).unwrap();
        assert_eq!(open(dir.path())[1], report("c"), "cut at {cut}");
    }
}

#[test]
fn damage_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("numbers.jsonl");
    std::fs::write(&path, "1\n2\nx\n4\n").unwrap();
    let mut params = OpenParams::new("{}");
    params.data_dir = Some(dir.path().to_owned());
    let error = Ledger::<u64>::open(&params, "numbers.jsonl").unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Config, Effect::NotSent)
    );
    assert!(error.message.contains("numbers.jsonl: line 3: "), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\nx\n4\n");
}

#[test]
fn a_directory_that_is_none_is_a_mistake_in_the_configuration() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut params = OpenParams::new("{}");
    params.data_dir = Some(file.path().to_owned());
    let error = Ledger::<u64>::open(&params, "numbers.jsonl").unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Config, Effect::NotSent)
    );
}

/// As a write leaves it that a full disk cut off.
#[test]
fn what_an_earlier_failure_left_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path());
    ledger.push(report("a")).unwrap();
    let path = params(dir.path()).data_dir.unwrap().join("orders.jsonl");
    let mut file = std::fs::File::options().append(true).open(path).unwrap();
    file.write_all(b"{\"client_order_id\":\"b").unwrap();
    ledger.push(report("c")).unwrap();
    assert_eq!(open(dir.path())[..], ledger[..]);
}
