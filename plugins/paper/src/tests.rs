//! The adapter as the host meets it: through its trait and through the boundary's bytes.

#![allow(clippy::unwrap_used)]

use investbot_plugin_api::dispatch::Dispatcher;
use investbot_plugin_api::manifest::{Manifest, VenueClass};
use investbot_plugin_api::op::{CallHeader, Frame};
use investbot_plugin_api::serde_json::{Value, json};
use investbot_venue_sim::testing::{FakeHost, bar, call, params};

use super::*;

fn manifest() -> Manifest {
    toml::from_str(include_str!("../plugin.toml")).unwrap()
}

struct World {
    fake: FakeHost,
    host: Host,
    paper: Paper,
    minute: i64,
}

impl World {
    fn new(changes: &[(&str, Value)]) -> Self {
        Self::open(params(&manifest(), changes)).unwrap()
    }

    fn open(params: OpenParams) -> Answer<Self> {
        let fake = FakeHost::default();
        let host = fake.host();
        Ok(Self {
            paper: Paper::open(host.clone(), params)?,
            fake,
            host,
            minute: 0,
        })
    }

    fn bar(&mut self, price: i64) -> Vec<VenueEvent> {
        let bar = bar(self.minute, price);
        self.minute += 1;
        self.fake.advance_to(bar.close_time);
        let batch = BarBatch {
            instrument: "BTC/USD".to_owned(),
            bars: vec![bar],
        };
        self.paper.on_bars(&call(&self.host), &batch).unwrap();
        self.fake.take_events()
    }

    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        self.paper.place(&call(&self.host), order)
    }
}

fn buy(id: &str, quantity: &str) -> NewOrder {
    NewOrder::new(id, "BTC/USD", Side::Buy, quantity.parse().unwrap())
}

#[test]
fn the_manifest_is_what_the_adapter_does() {
    let manifest = manifest();
    assert_eq!(manifest.plugin.id, "paper");
    assert!(manifest.plugin.simulated && !manifest.plugin.real_money);
    assert_eq!(manifest.capabilities.class(), VenueClass::A);
    assert_eq!(manifest.capabilities.order_types, OrderType::ALL);
    assert_eq!(manifest.capabilities.times_in_force, TimeInForce::ALL);
    assert!(manifest.secrets.is_empty());
}

#[test]
fn a_market_order_is_told_as_soon_as_the_next_bar_is_shown() {
    let mut world = World::new(&[]);
    assert!(world.bar(5_000).is_empty());
    let report = world.place(&buy("a", "1.5")).unwrap();
    assert_eq!(report.status, OrderStatus::Open);
    let events = world.bar(5_000);
    let [VenueEvent::Fill(fill), VenueEvent::Order(order)] = &events[..] else {
        panic!("{events:?}");
    };
    // 2 basis points on 5000, 10 of the value as fee.
    assert_eq!(fill.price.to_string(), "5001");
    assert_eq!(fill.fee.to_string(), "7.5015");
    assert_eq!(fill.fee_currency, "USD");
    assert_eq!(order.status, OrderStatus::Filled);
    let page = world.paper.fills_since(&call(&world.host), None).unwrap();
    assert_eq!(page.fills, std::slice::from_ref(fill));
    let balances = world.paper.balances(&call(&world.host)).unwrap();
    let total = |c: &str| balances.iter().find(|b| b.currency == c).unwrap().total;
    assert_eq!(total("USD").to_string(), "2490.9985");
    assert_eq!(total("BTC").to_string(), "1.5");
}

#[test]
fn an_instrument_has_the_configured_rules() {
    let world = World::new(&[("tick_size", json!("0.5")), ("lot_size", json!("0.1"))]);
    let instruments = world.paper.instruments(&call(&world.host)).unwrap();
    let [instrument] = &instruments[..] else {
        panic!("{instruments:?}");
    };
    assert_eq!(
        (instrument.base.as_str(), instrument.quote.as_str()),
        ("BTC", "USD")
    );
    let mut order = buy("a", "0.1");
    order.order_type = OrderType::Limit;
    order.limit_price = Some("100.25".parse().unwrap());
    let error = world.place(&order).unwrap_err();
    assert_eq!(error.effect, Effect::Rejected);
    assert_eq!(error.kind, ErrorKind::InvalidOrder);
    assert_eq!(error.venue_code.as_deref(), Some("PRICE_TICK"));
    let codes = manifest().capabilities.definitive_codes;
    assert!(codes.contains(&"PRICE_TICK".to_owned()));
}

#[test]
fn the_way_takes_its_time_and_can_be_cut_short() {
    let world = World::new(&[("latency_ms", json!(40))]);
    let report = world.place(&buy("a", "1")).unwrap();
    assert_eq!(report.time, UnixNanos::from_millis(40));
    world.fake.cancel_at_wait(1);
    let error = world.place(&buy("b", "1")).unwrap_err();
    assert_eq!(error.effect, Effect::NotSent);
    let open = world.paper.open_orders(&call(&world.host)).unwrap();
    assert!(open.complete);
    assert_eq!(open.orders, [report]);
}

#[test]
fn a_bad_configuration_names_its_key() {
    let changes = [("tick_size", json!("0"))];
    let error = World::open(params(&manifest(), &changes)).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(error.message.contains("tick_size"), "{error}");
}

#[test]
fn it_works_through_the_boundary_with_a_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let fake = FakeHost::default();
    let open = || {
        let mut params = params(&manifest(), &[]);
        params.data_dir = Some(dir.path().to_owned());
        Dispatcher::<Paper>::open(fake.host(), &params.to_bytes()).unwrap()
    };
    let header = CallHeader {
        call_id: 1,
        deadline: None,
    };
    let order = buy("a", "1");
    let request = codec::to_vec(&Frame {
        header,
        body: order.clone(),
    });
    let answer = open().call("place", &request).unwrap();
    let placed: OrderReport = codec::from_slice(&answer).unwrap();
    let request = codec::to_vec(&Frame {
        header,
        body: OrderRef::new("BTC/USD", "a"),
    });
    let answer = open().call("order", &request).unwrap();
    let found: Option<OrderReport> = codec::from_slice(&answer).unwrap();
    assert_eq!(found, Some(placed));
}
