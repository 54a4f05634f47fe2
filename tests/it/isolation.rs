//! What a plugin that misbehaves costs its host: a call, and never more. In a process of its own nothing at all; in the
//! host's process what no host can prevent is left out here and shown by the table of docs/MISBEHAVIOUR.md.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use investbot::clock::VirtualClock;
use investbot::plugin::{Answer, Isolation, LoadError, PluginVenue, Venue};
use investbot_plugin_api::{
    Bar, BarBatch, CancelOrder, Decimal, Effect, ErrorKind, OpenParams, OrderStatus, UnixNanos,
};
use investbot_tests::{Scratch, investbot, plugin, scratch};
use serde_json::{Value, json};

use super::plugin_calls::{named, order};
use super::plugin_open::inspect;

const PATIENCE: Duration = Duration::from_secs(60);

/// A rogue venue, in a directory of its own.
struct Rogue {
    dir: Scratch,
    config: Value,
}

impl Rogue {
    fn new(fault: &str, at: &str) -> Self {
        let manifest = inspect(&plugin("fixture_rogue")).manifest().clone();
        let mut config = json!({});
        for (key, value) in &manifest.config {
            config[key] = serde_json::to_value(&value.default).unwrap();
        }
        let rogue = Self {
            dir: scratch(),
            config,
        };
        rogue.with("fault", fault).with("at", at)
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.config[key] = value.into();
        self
    }

    fn params(&self) -> OpenParams {
        let mut params = OpenParams::new(self.config.to_string());
        params.data_dir = Some(self.dir.to_path_buf());
        params.instruments = vec!["BTC/USD".to_owned()];
        params
    }

    fn try_apart(&self, patience: Duration, memory_mb: u64) -> Result<PluginVenue, LoadError> {
        let isolation = Isolation {
            program: PathBuf::from(investbot().get_program()),
            readable: Vec::new(),
            memory: memory_mb << 20,
            held: None,
        };
        let clock = Arc::new(VirtualClock::default());
        let plugin = inspect(&plugin("fixture_rogue"));
        plugin.open_isolated(&self.params(), clock, Arc::default(), patience, isolation)
    }

    /// Open in a process of its own.
    fn apart(&self) -> PluginVenue {
        let venue = self.try_apart(PATIENCE, 512).unwrap();
        venue.with_call_timeout(PATIENCE)
    }

    /// Open in this process.
    fn here(&self, call_timeout: Duration) -> PluginVenue {
        let clock = Arc::new(VirtualClock::default());
        let plugin = inspect(&plugin("fixture_rogue"));
        let venue = plugin.open(&self.params(), clock, Arc::default(), PATIENCE);
        venue.unwrap().with_call_timeout(call_timeout)
    }
}

/// One bar, the `n`th minute of a market that trades at 100.
fn bar(n: i64) -> BarBatch {
    const MINUTE: i64 = 60_000_000_000;
    let price = Decimal::ONE_HUNDRED;
    BarBatch {
        instrument: "BTC/USD".to_owned(),
        bars: vec![Bar {
            open_time: UnixNanos(n * MINUTE),
            close_time: UnixNanos((n + 1) * MINUTE),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Decimal::from(1_000_000),
        }],
    }
}

type Call = (&'static str, bool, fn(&PluginVenue) -> Answer<()>);

/// Every operation that the rogue knows, and whether it is a write.
const CALLS: [Call; 11] = [
    ("place", true, |v| v.place(&order("1")).map(drop)),
    ("cancel", true, |v| {
        v.cancel(&CancelOrder::new(named("0"))).map(drop)
    }),
    ("order", false, |v| v.order(&named("0")).map(drop)),
    ("open_orders", false, |v| v.open_orders().map(drop)),
    ("fills_since", false, |v| v.fills_since(None).map(drop)),
    ("instruments", false, |v| v.instruments().map(drop)),
    ("balances", false, |v| v.balances().map(drop)),
    ("positions", false, |v| v.positions().map(drop)),
    ("health", false, |v| v.health().map(drop)),
    ("shutdown", false, |v| v.shutdown()),
    ("on_bars", false, |v| v.on_bars(&bar(2))),
];

const fn lost(is_write: bool) -> Effect {
    if is_write {
        Effect::Unknown
    } else {
        Effect::NotSent
    }
}

/// It takes an order and fills it with the next bar.
fn is_well(venue: &PluginVenue) {
    venue.place(&order("2")).unwrap();
    venue.on_bars(&bar(3)).unwrap();
    let report = venue.order(&named("2")).unwrap();
    assert_eq!(
        report.map(|report| report.status),
        Some(OrderStatus::Filled)
    );
    assert_eq!(venue.quarantine(), None);
}

/// A fault in any call fails that call, with the effect that is true, and the next one finds an adapter that was begun
/// anew and knows the market.
fn costs_a_call(fault: &str, kind: ErrorKind, call_timeout: Duration) {
    for (name, is_write, call) in CALLS {
        let rogue = Rogue::new(fault, name);
        let venue = rogue.apart().with_call_timeout(call_timeout);
        venue.on_bars(&bar(1)).unwrap();
        let first = call(&venue);
        if name == "on_bars" {
            first.unwrap_or_else(|e| panic!("bars are shown again after a {fault}: {e}"));
        } else {
            let error = first.expect_err(name);
            assert_eq!(
                (error.kind, error.effect),
                (kind, lost(is_write)),
                "{name}: {error}"
            );
        }
        is_well(&venue);
        assert!(venue.events_lost() > 0, "{name}: events may be lost");
        assert_eq!(venue.quarantine(), None);
    }
}

#[test]
fn a_panic_apart_costs_a_call() {
    costs_a_call("panic", ErrorKind::Panicked, PATIENCE);
}

#[test]
fn an_abort_apart_costs_a_call() {
    costs_a_call("abort", ErrorKind::Internal, PATIENCE);
}

#[test]
fn a_segmentation_fault_apart_costs_a_call() {
    costs_a_call("segfault", ErrorKind::Internal, PATIENCE);
}

#[test]
fn an_exit_apart_costs_a_call() {
    costs_a_call("exit", ErrorKind::Internal, PATIENCE);
}

#[test]
fn garbage_apart_costs_a_call() {
    costs_a_call("garbage", ErrorKind::Protocol, PATIENCE);
}

/// The limit is long enough for an honest call on a busy machine; a hang lasts for ever.
#[test]
fn a_hang_apart_costs_a_call() {
    costs_a_call("hang", ErrorKind::Timeout, Duration::from_secs(1));
}

#[test]
fn a_leak_apart_ends_at_its_limit() {
    let rogue = Rogue::new("leak", "place").with("leak_mb", 1024);
    let venue = rogue.try_apart(PATIENCE, 128).unwrap();
    let error = venue.place(&order("1")).expect_err("there is not so much");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Internal, Effect::Unknown)
    );
    assert!(error.message.contains("signal 6"), "{error}");
    is_well(&venue);
}

/// The order that was in flight is at the venue, or is not, and can be asked for.
#[test]
fn what_became_of_the_order_in_flight_can_be_found_out() {
    for (after, there) in [(false, false), (true, true)] {
        let rogue = Rogue::new("abort", "place").with("after", after);
        let venue = rogue.apart();
        venue.on_bars(&bar(1)).unwrap();
        venue.place(&order("1")).expect_err("its process ended");
        assert_eq!(venue.order(&named("1")).unwrap().is_some(), there);
    }
}

#[test]
fn one_that_fails_again_and_again_is_quarantined() {
    let rogue = Rogue::new("abort", "health").with("times", 0);
    let venue = rogue.apart();
    let errors: Vec<_> = (0..6)
        .map(|_| venue.health().expect_err("always"))
        .collect();
    assert!(
        errors.iter().all(|e| e.kind == ErrorKind::Internal),
        "{errors:?}"
    );
    let why = venue.quarantine().expect("it is enough");
    assert_eq!(why, "its process ended: signal 6, which is once too often");
    let error = venue.place(&order("1")).expect_err("it is not called");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Poisoned, Effect::NotSent)
    );
}

fn not_opened(fault: &str, patience: Duration) -> String {
    let rogue = Rogue::new(fault, "open");
    let error = rogue.try_apart(patience, 512);
    let error = error.expect_err(fault).to_string();
    error.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_fault_in_open_is_told() {
    let faults = ["panic", "abort", "segfault", "exit", "garbage"];
    let mut told = faults.map(|fault| not_opened(fault, PATIENCE)).to_vec();
    told.push(not_opened("hang", Duration::from_millis(100)));
    insta::assert_snapshot!(told.join("\n"), @r"
    plugin `rogue` would not open [OPEN_PANICKED]: it panicked in `open` at tests/fixtures/rogue/src/fault.rs:93: told to panic
    plugin `rogue` would not open [OPEN_DIED]: its process ended (signal 6)
    plugin `rogue` would not open [OPEN_DIED]: its process ended (signal 11)
    plugin `rogue` would not open [OPEN_DIED]: its process ended (exit code 0)
    plugin `rogue` would not open [OPEN_FAILED]: the adapter failed with an error that makes no sense: unexpected type break at position 0: expected map (protocol)
    plugin `rogue` would not open [OPEN_TIMED_OUT]: no answer within 100ms
    ");
}

#[test]
fn a_drop_that_misbehaves_ends_with_its_process() {
    for fault in ["panic", "abort", "segfault", "exit", "garbage", "hang"] {
        let rogue = Rogue::new(fault, "drop");
        let venue = rogue.apart();
        venue.place(&order("1")).map(drop).unwrap_or_default();
        drop(venue);
    }
}

/// In the host's own process a call that hangs is given up; the others go on, and so does the host.
#[test]
fn a_hang_here_costs_a_call_and_a_thread() {
    for (name, is_write, call) in CALLS {
        let rogue = Rogue::new("hang", name);
        let venue = rogue.here(Duration::from_secs(1));
        venue.on_bars(&bar(1)).map(drop).unwrap_or_default();
        if name != "on_bars" {
            let error = call(&venue).expect_err(name);
            assert_eq!(
                (error.kind, error.effect),
                (ErrorKind::Timeout, lost(is_write)),
                "{name}"
            );
        }
        is_well(&venue);
    }
}

#[test]
fn one_that_hangs_here_again_and_again_is_quarantined() {
    let rogue = Rogue::new("hang", "positions").with("times", 0);
    let venue = rogue.here(Duration::from_millis(1));
    for _ in 0..6 {
        assert_eq!(
            venue.positions().expect_err("it hangs").kind,
            ErrorKind::Timeout
        );
    }
    let error = venue.balances().expect_err("it is not called");
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Poisoned, Effect::NotSent)
    );
}

#[test]
fn one_that_panics_here_is_quarantined_at_once() {
    let rogue = Rogue::new("panic", "positions");
    let venue = rogue.here(PATIENCE);
    assert_eq!(
        venue.positions().expect_err("it panics").kind,
        ErrorKind::Panicked
    );
    assert!(
        venue
            .quarantine()
            .is_some_and(|why| why.contains("panicked in `positions`"))
    );
}

/// What a plugin can do to whoever runs it: everything, unless it is isolated.
#[test]
fn a_spy_sees_everything_here_and_nothing_apart() {
    let seen = |apart: bool| {
        let dir = scratch();
        let target = dir.file("secret", "key").display().to_string();
        let rogue = Rogue::new("spy", "health").with("target", target);
        if apart {
            rogue.apart().health().unwrap();
        } else {
            rogue.here(PATIENCE).health().unwrap();
        }
        let text = std::fs::read_to_string(rogue.dir.join("spy.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let may = |seen: &Value| {
        let things = seen.as_object().unwrap().iter();
        let possible = things.filter(|(_, possible)| **possible == true);
        possible.map(|(thing, _)| thing.clone()).collect::<Vec<_>>()
    };
    insta::assert_snapshot!(may(&seen(false)).join("\n"), @r"
    may signal its host
    opens a local socket
    opens a network socket
    reads a file of the user
    reads the environment of its host
    starts a program of the system
    writes a file of the user
    ");
    let apart = seen(true);
    insta::assert_snapshot!(may(&apart).join("\n"), @"starts a program of the system");
    assert_eq!(apart["core"], "1", "one byte is too little for a core file");
    let environment = apart["environment"].as_array().unwrap();
    let known = [
        "LANG",
        "LC_ALL",
        "PATH",
        "RUST_BACKTRACE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
    ];
    for name in environment {
        assert!(known.contains(&name.as_str().unwrap()), "{name}");
    }
}
