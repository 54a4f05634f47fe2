//! A host that knows one version of the plugin API and nothing of investbot: it maps a plugin, opens it, and says as
//! JSON lines what it was answered. Linked with a frozen API it is the oldest host there is; linked with a later one, a
//! host of the future.

#![forbid(unsafe_code)]

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use abi_stable::library::lib_header_from_path;
use abi_stable::std_types::{RResult, RSlice, RStr};
use investbot_plugin_api::abi::{ABI_EPOCH, PluginRootRef, RawAdapterBox, host_box};
use investbot_plugin_api::host::HostServices;
use investbot_plugin_api::op::{CallHeader, Empty, Frame, Operation, host_op};
use investbot_plugin_api::serde_json::{Value, json, to_value};
use investbot_plugin_api::{
    API_VERSION, AdapterError, Balance, Bar, BarBatch, CancelOrder, Decimal, FillsPage, Health,
    Instrument, NewOrder, OpenOrders, OpenParams, OrderRef, OrderReport, Position, Side, UnixNanos,
    codec,
};

/// What the plugin can ask: the time, and to let some pass.
struct Services(AtomicI64);

impl HostServices for Services {
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        match op {
            host_op::NOW => Ok(codec::to_vec(&UnixNanos(self.0.load(Ordering::SeqCst)))),
            host_op::SLEEP => {
                let (_, nanos): (u64, i64) = codec::from_slice(body).expect("a call and a time");
                self.0.fetch_add(nanos, Ordering::SeqCst);
                Ok(codec::to_vec(&true))
            }
            host_op::IS_CANCELLED => Ok(codec::to_vec(&false)),
            _ => Ok(Vec::new()),
        }
    }
}

struct Venue {
    adapter: RawAdapterBox,
    calls: AtomicU64,
}

impl Venue {
    fn call<I, O>(&self, op: Operation, body: I) -> Result<O, AdapterError>
    where
        I: minicbor::Encode<()>,
        O: for<'b> minicbor::Decode<'b, ()>,
    {
        let header = CallHeader {
            call_id: self.calls.fetch_add(1, Ordering::SeqCst),
            deadline: None,
        };
        let request = codec::to_vec(&Frame { header, body });
        let name = RStr::from_str(op.as_str());
        match self.adapter.call(name, RSlice::from_slice(&request)) {
            RResult::ROk(bytes) => {
                Ok(codec::from_slice(bytes.as_slice()).expect("an answer that this host can read"))
            }
            RResult::RErr(bytes) => {
                Err(codec::from_slice(bytes.as_slice()).expect("an error that this host can read"))
            }
        }
    }
}

fn tell(what: &str, answer: Result<Value, AdapterError>) {
    let line = match answer {
        Ok(value) => json!({ "op": what, "ok": value }),
        Err(error) => json!({
            "op": what,
            "error": { "kind": error.kind.as_str(), "effect": error.effect.as_str() },
        }),
    };
    println!("{line}");
}

/// Calls an operation, and says what was answered.
macro_rules! ask {
    ($venue:ident, $op:ident, $body:expr, $answer:ty) => {
        tell(
            Operation::$op.as_str(),
            $venue
                .call::<_, $answer>(Operation::$op, $body)
                .map(|answer| to_value(answer).expect("a report is JSON")),
        )
    };
}

fn open(path: &Path, config: &str, secrets: impl Iterator<Item = String>) -> Venue {
    let header = lib_header_from_path(path).expect("a library with an entry");
    let root = header
        .init_root_module::<PluginRootRef>()
        .expect("a root module of this API");
    assert_eq!(root.abi_epoch(), ABI_EPOCH);
    let mut params = OpenParams::new(config);
    params.instruments = vec!["BTC/USD".to_owned()];
    for secret in secrets {
        let (name, value) = secret.split_once('=').expect("NAME=VALUE");
        params = params.with_secret(name, value.to_owned().into());
    }
    let services = host_box(Services(AtomicI64::new(1_700_000_000_000_000_000)));
    let opened = root.open()(services, RSlice::from_slice(&params.to_bytes()));
    match opened {
        RResult::ROk(adapter) => Venue {
            adapter,
            calls: AtomicU64::new(1),
        },
        RResult::RErr(bytes) => {
            let error: AdapterError = codec::from_slice(bytes.as_slice()).expect("an error");
            panic!("it would not open: {error}")
        }
    }
}

fn bar() -> BarBatch {
    let price = Decimal::from(4000);
    BarBatch {
        instrument: "BTC/USD".to_owned(),
        bars: vec![Bar {
            open_time: UnixNanos(1_700_000_000_000_000_000),
            close_time: UnixNanos(1_700_000_060_000_000_000),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Decimal::ONE,
        }],
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("the path of a plugin");
    let config = args.next().expect("its configuration, as JSON");
    println!("{}", json!({ "host_api": API_VERSION }));
    let venue = open(Path::new(&path), &config, args);
    ask!(venue, Health, Empty {}, Health);
    ask!(venue, Instruments, Empty {}, Vec<Instrument>);
    ask!(venue, OnBars, bar(), ());
    let order = NewOrder::new("first", "BTC/USD", Side::Buy, Decimal::new(50, 2));
    ask!(venue, Place, &order, OrderReport);
    ask!(venue, Place, &order, OrderReport);
    let newer = NewOrder::new("second", "BTC/USD", Side::Buy, Decimal::ONE);
    // A host of a later version sets a field here that the first one did not know.
    ask!(venue, Place, &newer, OrderReport);
    for id in ["first", "second"] {
        let order = OrderRef::new("BTC/USD", id);
        ask!(venue, Order, &order, Option<OrderReport>);
        ask!(venue, Cancel, CancelOrder::new(order), OrderReport);
    }
    ask!(venue, OpenOrders, Empty {}, OpenOrders);
    ask!(venue, FillsSince, None::<String>, FillsPage);
    ask!(venue, Balances, Empty {}, Vec<Balance>);
    ask!(venue, Positions, Empty {}, Vec<Position>);
    ask!(venue, CancelAll, None::<String>, Vec<OrderReport>);
    ask!(venue, Shutdown, Empty {}, ());
}
