//! How an adapter is tested without a host: this file plays the host.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use investbot_plugin_api::host::HostServices;
use investbot_plugin_api::manifest::{ConfigValue, Manifest, VenueClass};
use investbot_plugin_api::op::{CallHeader, host_op};
use investbot_plugin_api::serde_json::{self, Value};

use super::*;
use std::path::Path;

/// A host whose clock moves only when somebody waits, and that cancels calls if told so.
#[derive(Default)]
struct FakeHost {
    now: Mutex<i64>,
    cancels: bool,
}

impl HostServices for FakeHost {
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let mut now = self.now.lock().unwrap();
        Ok(match op {
            host_op::NOW => codec::to_vec(&UnixNanos(*now)),
            host_op::SLEEP => {
                let (_, nanos): (u64, u64) = codec::from_slice(body).unwrap();
                *now += i64::try_from(nanos).unwrap();
                codec::to_vec(&!self.cancels)
            }
            _ => Vec::new(),
        })
    }
}

fn manifest() -> Manifest {
    toml::from_str(include_str!("../plugin.toml")).unwrap()
}

/// The configuration that the host hands over if the user sets nothing.
fn defaults() -> String {
    let value = |key: &investbot_plugin_api::manifest::ConfigKey| match key.default.clone() {
        Some(ConfigValue::Integer(n)) => Value::from(n),
        Some(ConfigValue::Text(text)) => Value::from(text),
        other => panic!("{other:?}"),
    };
    let config = manifest().config;
    let config: serde_json::Map<_, _> = config.iter().map(|(k, v)| (k.clone(), value(v))).collect();
    Value::from(config).to_string()
}

struct Venue {
    host: Host,
    stub: Stub,
}

impl Venue {
    fn open(dir: Option<&Path>) -> Self {
        Self::on(FakeHost::default(), dir).unwrap()
    }

    fn on(host: FakeHost, dir: Option<&Path>) -> Answer<Self> {
        let host = Host::from_services(host);
        let mut params = OpenParams::new(defaults());
        params.instruments = vec!["BTC/USD".to_owned()];
        params.data_dir = dir.map(Path::to_owned);
        let stub = Stub::open(host.clone(), params)?;
        Ok(Self { host, stub })
    }

    fn call(&self) -> Call<'_> {
        let header = CallHeader {
            call_id: 1,
            deadline: None,
        };
        Call::new(&self.host, header)
    }

    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        self.stub.place(&self.call(), order)
    }

    fn bar(&self, close: i64) {
        let price = Decimal::from(close);
        let bar = Bar {
            open_time: UnixNanos(0),
            close_time: UnixNanos(1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: price,
        };
        let batch = BarBatch {
            instrument: "BTC/USD".to_owned(),
            bars: vec![bar],
        };
        self.stub.on_bars(&self.call(), &batch).unwrap();
    }

    fn cash(&self) -> Decimal {
        let balances = self.stub.balances(&self.call()).unwrap();
        balances.iter().find(|b| b.currency == "USD").unwrap().total
    }

    fn fills(&self, cursor: Option<&str>) -> Answer<FillsPage> {
        self.stub.fills_since(&self.call(), cursor)
    }
}

fn buy(id: &str, quantity: i64) -> NewOrder {
    NewOrder::new(id, "BTC/USD", Side::Buy, Decimal::from(quantity))
}

#[test]
fn the_manifest_is_what_the_adapter_does() {
    let manifest = manifest();
    assert_eq!(manifest.plugin.id, "stub");
    assert_eq!(manifest.capabilities.class(), VenueClass::A);
    assert!(manifest.plugin.simulated && !manifest.plugin.real_money);
}

#[test]
fn an_order_is_filled_at_once_after_the_latency() {
    let venue = Venue::open(None);
    let report = venue.place(&buy("a", 2)).unwrap();
    assert_eq!(report.status, OrderStatus::Filled);
    assert_eq!(report.time, UnixNanos::from_millis(50));
    assert_eq!(report.fills[0].price, Decimal::from(100));
    venue.bar(90);
    assert_eq!(
        venue.place(&buy("b", 1)).unwrap().fills[0].price,
        Decimal::from(90)
    );
    let mut limit = buy("c", 1);
    limit.limit_price = Some(Decimal::from(80));
    assert_eq!(
        venue.place(&limit).unwrap().fills[0].price,
        Decimal::from(80)
    );
    assert_eq!(venue.cash(), Decimal::from(10_000 - 200 - 90 - 80));
    let positions = venue.stub.positions(&venue.call()).unwrap();
    assert_eq!(positions[0].quantity, Decimal::from(4));
}

#[test]
fn an_order_that_is_repeated_is_filled_once() {
    let venue = Venue::open(None);
    let first = venue.place(&buy("a", 2)).unwrap();
    venue.bar(50);
    assert_eq!(venue.place(&buy("a", 2)).unwrap(), first);
    let error = venue.place(&buy("a", 3)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::DuplicateClientOrderId);
    assert_eq!(error.effect, Effect::Rejected);
    assert_eq!(venue.fills(None).unwrap().fills.len(), 1);
}

#[test]
fn refusals_are_definite() {
    let venue = Venue::open(None);
    let mut elsewhere = buy("a", 1);
    elsewhere.instrument = "ETH/USD".to_owned();
    let mut huge = buy("a", 1);
    huge.quantity = Decimal::MAX;
    for order in [elsewhere, buy("a", 0), buy("a", -1), huge] {
        let error = venue.place(&order).unwrap_err();
        assert_eq!(error.effect, Effect::Rejected, "{error}");
        let known = venue
            .stub
            .order(&venue.call(), &OrderRef::new("BTC/USD", "a"));
        assert_eq!(known, Ok(None));
    }
    let cancel = CancelOrder::new(OrderRef::new("BTC/USD", "a"));
    let error = venue.stub.cancel(&venue.call(), &cancel).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnknownOrder);
}

#[test]
fn a_cancelled_call_was_not_sent() {
    let host = FakeHost {
        cancels: true,
        ..FakeHost::default()
    };
    let venue = Venue::on(host, None).unwrap();
    let error = venue.place(&buy("a", 1)).unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (ErrorKind::Cancelled, Effect::NotSent)
    );
    assert!(venue.fills(None).unwrap().fills.is_empty());
}

#[test]
fn fills_come_in_pages() {
    let venue = Venue::open(None);
    for n in 0..1001 {
        venue.place(&buy(&format!("o{n}"), 1)).unwrap();
    }
    let first = venue.fills(None).unwrap();
    assert_eq!((first.fills.len(), first.more), (1000, true));
    let second = venue.fills(Some(&first.cursor)).unwrap();
    assert_eq!((second.fills.len(), second.more), (1, false));
    assert_eq!(second.fills[0].client_order_id, "o1000");
    for cursor in ["x", "-1", "1002"] {
        assert!(venue.fills(Some(cursor)).is_err());
    }
}

/// The host was killed and comes back: it shows bars again, and sends what it is not sure about again.
#[test]
fn what_comes_again_after_a_restart_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.jsonl");
    let before = Venue::open(Some(dir.path()));
    before.bar(90);
    let first = before.place(&buy("a", 1)).unwrap();
    let written = std::fs::read(&path).unwrap();
    let after = Venue::open(Some(dir.path()));
    after.bar(90);
    assert_eq!(after.place(&buy("a", 1)).unwrap(), first);
    assert_eq!(std::fs::read(&path).unwrap(), written);
}

#[test]
fn the_ledger_brings_everything_back_except_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.jsonl");
    let before = Venue::open(Some(dir.path()));
    before.place(&buy("a", 1)).unwrap();
    let one = std::fs::read_to_string(&path).unwrap();
    before.place(&buy("b", 2)).unwrap();
    let two = std::fs::read_to_string(&path).unwrap();
    let after = Venue::open(Some(dir.path()));
    assert_eq!(after.cash(), before.cash());
    assert_eq!(after.fills(None), before.fills(None));

    for cut in one.len()..two.len() {
        std::fs::write(&path, &two[..cut]).unwrap();
        let after = Venue::open(Some(dir.path()));
        assert_eq!(after.fills(None).unwrap().fills.len(), 1);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), one);
        after.place(&buy("c", 1)).unwrap();
        assert_eq!(
            Venue::open(Some(dir.path()))
                .fills(None)
                .unwrap()
                .fills
                .len(),
            2
        );
    }

    std::fs::write(&path, format!("{one}nonsense\n{one}")).unwrap();
    let error = Venue::on(FakeHost::default(), Some(dir.path()))
        .err()
        .unwrap();
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(error.message.contains("ledger.jsonl:2:"), "{error}");
}
