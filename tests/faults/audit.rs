//! What must be true of a run whatever happened to it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::program::Ended;
use crate::scene::{Left, ORDERS, Room, Scene};
use crate::shim::{Call, Owner};
use investbot_tests::records::{Host, Ledger, compare};
use rust_decimal::Decimal;
use serde_json::Value;

/// Checks that nobody can tell a disturbed run from an undisturbed one, by what it left, by what it told on
/// the way, and by the venue's own ledger.
#[track_caller]
pub(crate) fn unnoticeable(scene: &Scene, room: &Room, processes: &[Ended], what: &str) {
    let left = Left::read(&room.run_dir);
    let expected = &scene.undisturbed;
    assert_eq!(left.reports, expected.reports, "the reports: {what}");
    assert_eq!(left.fills, expected.fills, "the fills: {what}");
    assert_eq!(left.fills_csv, expected.fills_csv, "fills.csv: {what}");
    assert_eq!(left.summary, expected.summary, "the summary: {what}");
    assert_eq!(left.ledger, expected.ledger, "the ledger: {what}");
    stands(&left.reports, processes, what);
}

/// Checks that the books are those of the venue, where what happened is not what would have happened: no
/// order twice, none lost, and what is called rejected is not there.
#[track_caller]
pub(crate) fn books(room: &Room, processes: &[Ended], what: &str) {
    let (host, _) = compared(room, processes, what);
    assert_eq!(host.orders.len(), ORDERS, "orders in the books: {what}");
    stands(&Left::read(&room.run_dir).reports, processes, what);
}

/// `investbot verify` passes what is in the run directory.
#[track_caller]
pub(crate) fn verified(scene: &Scene, room: &Room, what: &str) {
    let ended = scene.verify(room).end();
    assert_eq!(
        ended.code,
        Some(0),
        "verify: {what}: {}{}",
        ended.stdout,
        ended.stderr
    );
}

#[track_caller]
fn compared(room: &Room, processes: &[Ended], what: &str) -> (Host, Ledger) {
    let code = processes.last().and_then(|last| last.code);
    let compare = || compare(&room.run_dir, Decimal::ZERO, code.unwrap_or(-1));
    let same = std::panic::catch_unwind(std::panic::AssertUnwindSafe(compare));
    same.unwrap_or_else(|_| panic!("the books differ: {what}"))
}

/// The books are those of the venue, however many orders there are, and nobody waits for any of them.
#[track_caller]
pub(crate) fn each_has_an_end(room: &Room, processes: &[Ended], what: &str) {
    let (host, _) = compared(room, processes, what);
    let open = |state: &str| matches!(state, "new" | "in_doubt" | "held");
    let endless: Vec<_> = host
        .orders
        .iter()
        .filter(|(_, state)| open(state))
        .collect();
    assert!(endless.is_empty(), "{what}: {endless:?}");
    stands(&Left::read(&room.run_dir).reports, processes, what);
}

/// Each order is at the venue, once.
#[track_caller]
pub(crate) fn each_once(room: &Room, what: &str) {
    let ledger = std::fs::read_to_string(room.run_dir.join("venue/ledger.jsonl")).unwrap();
    let mut orders: BTreeMap<String, usize> = BTreeMap::new();
    for line in ledger.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if record["type"] == "order" {
            let id = record["client_order_id"].as_str().unwrap();
            *orders.entry(id.to_owned()).or_default() += 1;
        }
    }
    let twice: Vec<_> = orders.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}: {what}");
    assert_eq!(orders.len(), ORDERS, "orders at the venue: {what}");
}

/// Whatever a process told stands: it is in the reports, word for word.
#[track_caller]
fn stands(reports: &str, processes: &[Ended], what: &str) {
    for process in processes {
        let lines = process.stdout.lines();
        let is_report = |line: &&str| {
            !line.starts_with(r#"{"kind":"format""#) && !line.starts_with(r#"{"kind":"summary""#)
        };
        for line in lines.filter(is_report) {
            let stands = reports.lines().any(|report| report == line);
            assert!(stands, "told and not so: {line}: {what}");
        }
    }
}

const INDEX: &str = "caller_ids.index";

/// Checks that a signal ended it.
#[track_caller]
pub(crate) fn killed(ended: &Ended) {
    assert_eq!(ended.code, None, "{}", ended.stderr);
}

/// Checks that it did not panic, and that its error names the file of the call and a way out.
#[track_caller]
pub(crate) fn says_what_to_do(ended: &Ended, room: &Room, call: &Call, what: &str) {
    // Before it gives up an index that fails, it warns that it makes it anew.
    let warns = call.owner == Owner::Index;
    let error = ended.stderr.find("\nerror: ").filter(|_| warns);
    let said = &ended.stderr[error.map_or(0, |at| at + 1)..];
    // A venue whose files cannot be opened does not open.
    let is_refused = call.path.starts_with("venue") && said.contains("[OPEN_FAILED]");
    let code = if is_refused { 4 } else { 1 };
    assert_eq!(ended.code, Some(code), "{what}: {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
    assert!(said.starts_with("error: "), "{what}: {said}");
    assert!(said.contains("\n  hint: "), "{what}: {said}");
    let names = |name: &str| {
        let path = match name {
            // Of the index nobody needs to know more than where it is.
            name if name.starts_with(INDEX) => room.run_dir.join(INDEX),
            "." => room.run_dir.clone(),
            ".." => room.run_dir.parent().map(Path::to_owned).unwrap(),
            name => room.run_dir.join(name),
        };
        said.contains(path.to_str().unwrap())
    };
    let renames = call.what == "rename" && names(&call.detail);
    assert!(names(&call.path) || renames, "{what}: {said}");
}
