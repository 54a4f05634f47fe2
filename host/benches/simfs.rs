//! What one short schedule of a simulator costs: a journal is begun on a simulated disk, written to, the
//! power fails, and it is opened again.
//!
//! `cargo bench -p investbot --bench simfs`

#![allow(missing_docs, reason = "a program that prints figures")]

mod support {
    pub(crate) mod figures;
}

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use investbot::engine::SourcePlace;
use investbot::fs::{Fs, SimFs};
use investbot::store::file::{Options, Start};
use investbot::store::journal::Sizes;
use investbot::store::{Claim, FileIdempotencyStore, IdempotencyStore as _, Record};
use investbot_plugin_api::{Decimal, NewOrder, Side, UnixNanos};

use support::figures::{Target, figure, spread};

const CYCLES: u64 = 20_000;
const APPENDS: u64 = 10;
const ROUNDS: usize = 5;
const NOW: UnixNanos = UnixNanos(1_700_000_000_123_456_789);

fn claims() -> Vec<Claim> {
    let claim = |position| {
        let id = format!("{position:032x}");
        Claim {
            order: NewOrder::new(&id, "BTC/USD", Side::Buy, Decimal::ONE),
            key: id.clone(),
            digest: id,
            place: Some(SourcePlace { position, index: 0 }),
            attempt: 1,
        }
    };
    (0..APPENDS).map(claim).collect()
}

fn open(fs: &SimFs) -> FileIdempotencyStore {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let options = Options {
        sizes: Sizes {
            segment: 1 << 20,
            reserve: 512,
        },
        ..Options::default()
    };
    let start = Start {
        run_id: "run".into(),
        plugin_sha256: String::new(),
        started_at: NOW,
    };
    let ignore = &mut |_, _, _: Record<'_>| Ok(());
    FileIdempotencyStore::open(fs, Path::new("/run"), options, ignore)
        .and_then(|found| found.begin(start, NOW))
        .expect("a simulated disk without faults")
}

fn cycle(claims: &[Claim], seed: u64) {
    let fs = SimFs::new();
    let mut store = open(&fs);
    for claim in claims {
        let attempt = Record::Attempt(Cow::Borrowed(claim));
        store.stage(attempt, NOW).expect("new");
        store.commit().expect("room");
    }
    fs.crash(seed);
    let store = open(&fs);
    assert_eq!(store.in_doubt().len(), claims.len());
}

fn main() {
    let claims = claims();
    let times = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            (0..CYCLES).for_each(|seed| cycle(&claims, seed));
            begin.elapsed()
        })
        .collect();
    #[allow(clippy::float_arithmetic, reason = "a figure")]
    let cost = spread(times)[0] / CYCLES as f64 * 1e6;
    figure(
        "begin a journal, 10 commits, power failure, open it again",
        cost,
        "us",
        Target::None,
    );
}
