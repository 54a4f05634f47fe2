//! Durable orders a second: an attempt and an outcome of each order through the store, against the same bytes
//! appended to a file in the same batches with the same syncs, and against one SQLite commit an order; all on
//! the same disk.
//!
//! `cargo bench -p investbot --bench journal [-- DIRECTORY]`; the directory is where the files are made
//! (default: the directory of the workspace's build, which is on a disk, as /tmp may not be).

#![allow(
    missing_docs,
    clippy::float_arithmetic,
    reason = "a program that prints figures"
)]

mod support {
    pub(crate) mod figures;
}

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use investbot::engine::{self, SourcePlace};
use investbot::fs::RealFs;
use investbot::store::file::{Options, Start};
use investbot::store::{Claim, FileIdempotencyStore, IdempotencyStore as _, Outcome, Record};
use investbot_plugin_api::{
    Decimal, NewOrder, OrderReport, OrderStatus, OrderType, Side, UnixNanos,
};

use support::figures::{Target, figure};

const BATCHES: usize = 200;
const ROUNDS: usize = 7;

fn claims(orders: usize) -> Vec<Claim> {
    (0..orders)
        .map(|number| {
            let id = format!(
                "{:032x}",
                (number as u128 + 1) * 0x9e37_79b9_7f4a_7c15_f39c_c060
            );
            let quantity = Decimal::new(20_513, 5);
            let mut order = NewOrder::new(&id[6..], "BTC/USD", Side::Buy, quantity);
            order.order_type = OrderType::Limit;
            order.limit_price = Some(Decimal::new(4_312_345 + number as i64, 2));
            order.deadline = Some(UnixNanos(1_700_000_000_000_000_000));
            Claim {
                digest: id.clone(),
                key: id,
                place: Some(SourcePlace {
                    position: number as u64,
                    index: 0,
                }),
                attempt: 1,
                order,
            }
        })
        .collect()
}

/// What a venue answers: the order, accepted.
fn outcomes(claims: &[Claim]) -> Vec<engine::Outcome> {
    let report = |claim: &Claim| {
        let order = &claim.order;
        engine::Outcome::Accepted(OrderReport::new(
            &order.client_order_id,
            &claim.key[..12],
            &order.instrument,
            order.side,
            OrderStatus::Open,
            order.quantity,
            UnixNanos(1_700_000_000_123_456_789),
        ))
    };
    claims.iter().map(report).collect()
}

fn store(dir: &Path) -> FileIdempotencyStore {
    let start = Start {
        run_id: "bench".into(),
        plugin_sha256: "0".repeat(64),
        started_at: UnixNanos(0),
    };
    let ignore = &mut |_, _, _: Record<'_>| Ok(());
    FileIdempotencyStore::open(Arc::new(RealFs), dir, Options::default(), ignore)
        .expect("a journal")
        .begin(start, UnixNanos(0))
        .expect("room")
}

/// Attempts and settles every order in batches; the time it takes, and the directory it was done in.
fn through_the_store(root: &Path, batch: usize, batches: usize) -> (Duration, tempfile::TempDir) {
    let dir = tempfile::tempdir_in(root).expect("a directory");
    let mut store = store(dir.path());
    let claims = claims(batch * batches);
    let outcomes = outcomes(&claims);
    let now = UnixNanos(1_700_000_000_123_456_789);
    let begin = Instant::now();
    for (claims, outcomes) in claims.chunks(batch).zip(outcomes.chunks(batch)) {
        for claim in claims {
            let attempt = Record::Attempt(Cow::Borrowed(claim));
            store.stage(attempt, now).expect("new");
        }
        store.commit().expect("room");
        for (claim, outcome) in claims.iter().zip(outcomes) {
            let outcome = Record::Outcome(Outcome::of(claim, outcome));
            store.stage(outcome, now).expect("in doubt");
        }
        store.commit().expect("room");
    }
    (begin.elapsed(), dir)
}

/// The journal's own bytes again, in the same writes and syncs, by nothing but the system.
fn raw(root: &Path, batches: &[Vec<u8>]) -> Duration {
    let dir = tempfile::tempdir_in(root).expect("a directory");
    let path = dir.path().join("raw");
    let mut file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(&path)
        .expect("a file");
    file.sync_all().expect("a disk");
    File::open(dir.path())
        .and_then(|dir| dir.sync_all())
        .expect("a disk");
    let begin = Instant::now();
    for batch in batches {
        file.write_all(batch).expect("room");
        file.sync_data().expect("a disk");
    }
    begin.elapsed()
}

/// The batches as the store wrote them.
fn batches(dir: &Path, batch: usize) -> Vec<Vec<u8>> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("there")
        .map(|entry| entry.expect("there").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    // `idempotency_keys.jsonl` is the first file, and the last in the order of names.
    names.sort();
    names.rotate_right(1);
    let all: Vec<u8> = names
        .iter()
        .flat_map(|path| std::fs::read(path).expect("there"))
        .collect();
    let lines: Vec<&[u8]> = all.split_inclusive(|byte| *byte == b'\n').skip(1).collect();
    assert_eq!(lines.len(), 2 * batch * BATCHES);
    lines.chunks(batch).map(<[&[u8]]>::concat).collect()
}

/// One commit an order, as a store over a database does it: the write-ahead log is synced at every commit.
fn through_sqlite(root: &Path, orders: usize) -> Duration {
    let dir = tempfile::tempdir_in(root).expect("a directory");
    let mut database = rusqlite::Connection::open(dir.path().join("orders.db")).expect("room");
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE orders (key TEXT PRIMARY KEY, digest TEXT, attempt INTEGER, body TEXT) \
             WITHOUT ROWID;",
        )
        .expect("SQL");
    let claims = claims(orders);
    let bodies: Vec<String> = claims
        .iter()
        .map(|claim| serde_json::to_string(&claim.order).expect("plain data"))
        .collect();
    let begin = Instant::now();
    for (claim, body) in claims.iter().zip(&bodies) {
        let commit = database.transaction().expect("SQL");
        commit
            .prepare_cached("INSERT INTO orders VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut insert| insert.execute((&claim.key, &claim.digest, claim.attempt, body)))
            .expect("SQL");
        commit.commit().expect("room");
    }
    begin.elapsed()
}

fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// The middle of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn against_raw(root: &Path, batch: usize, target: Target) {
    let orders = batch * BATCHES;
    let mut rounds = [const { Vec::new() }; 3];
    // In turns, so that what else the disk does hits both.
    for _ in 0..ROUNDS {
        let (time, dir) = through_the_store(root, batch, BATCHES);
        let raw = raw(root, &batches(dir.path(), batch));
        rounds[0].push(per_second(orders, time));
        rounds[1].push(per_second(orders, raw));
        rounds[2].push(raw.as_secs_f64() / time.as_secs_f64());
    }
    let [store, raw, ratio] = rounds.map(median);
    let name = |what: &str| format!("{what}, batch {batch}");
    let unit = "orders/s";
    figure(
        &name("durable orders (attempt and outcome)"),
        store,
        unit,
        Target::None,
    );
    figure(
        &name("raw append of the same bytes"),
        raw,
        unit,
        Target::None,
    );
    figure(&name("journal / raw append"), ratio, "x", target);
}

fn against_sqlite(root: &Path) {
    const ORDERS: usize = 200;
    let mut rounds = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        let (time, _) = through_the_store(root, 64, 50);
        let sqlite = per_second(ORDERS, through_sqlite(root, ORDERS));
        rounds[0].push(sqlite);
        rounds[1].push(per_second(64 * 50, time) / sqlite);
    }
    let [sqlite, ratio] = rounds.map(median);
    let name = "SQLite (WAL, synchronous=FULL), one commit an order";
    figure(name, sqlite, "orders/s", Target::None);
    let name = "journal, batch 64 / one SQLite commit an order";
    figure(name, ratio, "x", Target::AtLeast(20.0));
}

fn reading(root: &Path) {
    let (_, dir) = through_the_store(root, 64, BATCHES);
    let begin = Instant::now();
    let mut records = 0;
    FileIdempotencyStore::open(
        Arc::new(RealFs),
        dir.path(),
        Options::default(),
        &mut |_, _, _| {
            records += 1;
            Ok(())
        },
    )
    .expect("whole");
    let rate = per_second(records, begin.elapsed());
    figure(
        "records read, checked and applied",
        rate,
        "records/s",
        Target::None,
    );
}

fn main() {
    let given = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let root = given.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    against_raw(&root, 1, Target::None);
    against_raw(&root, 64, Target::AtLeast(0.5));
    against_sqlite(&root);
    reading(&root);
}
