//! What it costs to go on with a long run: the time from the checkpoint to a run that is ready to send, and the
//! most memory that takes, by the number of orders that the run has behind it.
//!
//! `cargo bench -p investbot --bench resume [-- [--ids] ORDERS...]`; with `--ids` every order has an id of its
//! caller's. The run directories are made in the directory of the
//! workspace's build and removed again: a million orders take about 1.5 GB. Every order goes the shipping way, through
//! the desk, the core and the journal, to a venue that fills it at once and remembers nothing.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a program that prints figures"
)]

#[path = "resume/venue.rs"]
mod venue;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use investbot::clock::RunClock;
use investbot::engine::core::{InstrumentError, OrderSupport};
use investbot::engine::retry::Backoff;
use investbot::engine::{CoreConfig, Intent, OrderSpec, RiskLimits};
use investbot::exec::boot::{Kept, Started, recall, take_over};
use investbot::exec::checkpoint::{Interval, Snapshot};
use investbot::exec::desk::{Desk, Parts};
use investbot::exec::hands::{Hand, Hands};
use investbot::exec::market::Market;
use investbot::exec::policy::SendPolicy;
use investbot::exec::source::Source;
use investbot::exec::watch::Watch;
use investbot::exec::worker::ExecWorker;
use investbot::feed::IntentLine;
use investbot::fs::RealFs;
use investbot::observe::record::Record;
use investbot::store::StoreError;
use investbot::store::checkpoint;
use investbot::store::file::{Options, Start};
use investbot::store::ids::IdsAt;
use investbot::store::record::Account;
use investbot_plugin_api::manifest::Manifest;
use investbot_plugin_api::{Decimal, Side, UnixNanos};

const SYMBOL: &str = "BTC/USD";
const IN_FLIGHT: usize = 64;

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
}

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    if let [verb, dir] = args.as_slice()
        && verb == "measure"
    {
        return measure(Path::new(dir));
    }
    let counts: Vec<u64> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    let counts = if counts.is_empty() {
        vec![10_000, 100_000]
    } else {
        counts
    };
    println!("| orders | journal | checkpoint | ready after | most memory |");
    println!("|---|---|---|---|---|");
    let ids = args.iter().any(|arg| arg == "--ids");
    for orders in counts {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("resume");
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("the build's directory is writable");
        run(&dir, orders, ids);
        // In a process of its own, whose memory is that of the resume alone.
        let program = std::env::current_exe().expect("this program has a path");
        let measured = Command::new(program).arg("measure").arg(&dir).output();
        let measured = measured.expect("it runs again");
        assert!(measured.status.success(), "{measured:?}");
        println!(
            "| {orders} | {} MB | {} kB {}",
            size(&dir, "idempotency_keys") / 1_000_000,
            size(&dir, "checkpoint.json") / 1_000,
            String::from_utf8_lossy(&measured.stdout).trim()
        );
        let _ = std::fs::remove_dir_all(&dir);
    }
}

fn size(dir: &Path, prefix: &str) -> u64 {
    let entries = std::fs::read_dir(dir).expect("readable");
    let entries = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(prefix)
    });
    entries
        .map(|entry| entry.metadata().map_or(0, |about| about.len()))
        .sum()
}

/// A run of so many orders, ended in good order.
fn run(dir: &Path, orders: u64, ids: bool) {
    let (mut desk, mut keeper) = begin(dir).expect("a new directory");
    for position in 0..orders {
        let side = if position % 2 == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let intent = Intent::Order {
            id: ids.then(|| format!("caller-{position}")),
            spec: OrderSpec::market(SYMBOL, side, Decimal::ONE),
        };
        let line = IntentLine {
            position,
            line: position + 1,
            time: None,
            intent,
        };
        desk.on_intent(line).expect("the disk has room");
        while !desk.has_room() {
            desk.turn().expect("the disk has room");
        }
        keeper.save_if_due(&mut desk).expect("the disk has room");
    }
    desk.settle().expect("the disk has room");
    keeper.close(&mut desk).expect("the disk has room");
}

fn measure(dir: &Path) {
    let started = Instant::now();
    let (desk, _) = begin(dir).expect("what was written is read");
    let ready = started.elapsed();
    assert!(desk.books().progress().last_intent.is_some());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap_or("not known").trim();
    println!("| {:.1} ms | {peak} |", ready.as_secs_f64() * 1e3);
}

/// A desk on the directory, whatever is in it.
fn begin(dir: &Path) -> Result<(Desk, investbot::exec::checkpoint::Keeper), Failed> {
    let manifest: Manifest = toml::from_str(venue::MANIFEST).expect("a manifest");
    let clock = Arc::new(RunClock::simulated());
    let venue = Arc::new(venue::Filling::default());
    let kept = Kept {
        fs: Arc::new(RealFs),
        dir: dir.to_owned(),
        options: Options {
            ids: IdsAt::Disk,
            ..Options::default()
        },
        interval: Interval::default(),
        saves_aside: false,
    };
    let config_of = |account: Account| CoreConfig {
        run_id: "resume".into(),
        stream: "intents".into(),
        partition: 0,
        instrument: SYMBOL.into(),
        cash: account.cash,
        position: account.position,
        risk: RiskLimits::default(),
        client_order_id: manifest.capabilities.client_order_id.clone(),
        support: OrderSupport::new(&manifest.capabilities),
        strategy: None,
    };
    let snapshot: Option<Snapshot> =
        checkpoint::load(kept.fs.as_ref(), dir).expect("a whole checkpoint");
    let mut source = Source::default();
    let recalled =
        recall(&kept, snapshot, &config_of, &mut source, &mut |_| {}).expect("a whole journal");
    let start = Start {
        run_id: "resume".into(),
        plugin_sha256: "none".into(),
        started_at: UnixNanos(0),
    };
    let account = || -> Result<Account, Failed> {
        Ok(Account {
            cash: Decimal::ONE_THOUSAND,
            position: Decimal::ZERO,
        })
    };
    let rules = venue::rules(SYMBOL);
    let Started {
        books,
        keeper,
        inheritance,
    } = recalled.go_on(start, &clock, rules, &config_of, account)?;
    let backoff = Backoff {
        seed: 0,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(1),
    };
    let policy = SendPolicy::new(&manifest.capabilities, backoff, 5, None);
    let hand = Hand::new(venue.clone(), clock.clone(), policy.asking());
    let mut desk = Desk::new(Parts {
        watch: Watch::after(books.progress().cursor),
        books,
        worker: ExecWorker::new(policy, IN_FLIGHT),
        hands: Hands::inline(hand),
        venue,
        clock,
        market: Market::new(SYMBOL, 1, false),
        record: Record::new(None, None).expect("no file is made"),
        lockstep: false,
    });
    take_over(&mut desk, &inheritance).expect("nothing was left open");
    Ok((desk, keeper))
}
