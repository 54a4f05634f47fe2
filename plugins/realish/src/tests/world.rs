//! An adapter on a fake host, with a network that is as good as the test wants it.

use std::path::Path;
use std::time::Duration;

use investbot_plugin_api::manifest::Manifest;
use investbot_plugin_api::serde_json::{Value, json};
use investbot_plugin_api::*;
use investbot_venue_sim::testing::{FakeHost, bar, call, params};

use crate::Realish;

pub(super) const SECRET: &str = "correct horse battery staple";
pub(super) const SYMBOL: &str = "BTC/USD";

pub(super) fn manifest() -> Manifest {
    toml::from_str(include_str!("../../plugin.toml")).unwrap()
}

/// Nothing goes wrong and nothing takes time.
pub(super) fn calm() -> Vec<(&'static str, Value)> {
    let mut changes: Vec<_> = [
        "connect_failure",
        "request_lost",
        "request_delayed",
        "ack_lost",
        "connection_reset",
        "read_failure",
        "event_lost",
        "event_late",
        "event_doubled",
        "latency_tail",
    ]
    .map(|key| (key, json!("0")))
    .to_vec();
    changes.extend(
        [
            "latency_min_ms",
            "latency_mean_ms",
            "latency_tail_ms",
            "visibility_lag_ms",
            "clock_skew_ms",
            "requests_per_second",
            "maintenance_every_hours",
        ]
        .map(|key| (key, json!(0))),
    );
    changes
}

pub(super) struct World {
    pub(super) fake: FakeHost,
    pub(super) host: Host,
    pub(super) adapter: Realish,
    pub(super) minute: i64,
}

impl World {
    /// A calm world with changes.
    pub(super) fn with(changes: &[(&'static str, Value)]) -> Self {
        let mut all = calm();
        all.extend_from_slice(changes);
        Self::open(&all, 7, None).unwrap()
    }

    pub(super) fn open(
        changes: &[(&'static str, Value)],
        seed: u64,
        dir: Option<&Path>,
    ) -> adapter::Answer<Self> {
        let mut params = params(&manifest(), changes)
            .with_secret("INVESTBOT_API_KEY", "a key".to_owned().into())
            .with_secret("INVESTBOT_API_SECRET", SECRET.to_owned().into());
        params.seed = seed;
        params.data_dir = dir.map(Path::to_owned);
        Self::of(params)
    }

    pub(super) fn of(params: OpenParams) -> adapter::Answer<Self> {
        let fake = FakeHost::default();
        let host = fake.host();
        Ok(Self {
            adapter: Realish::open(host.clone(), params)?,
            fake,
            host,
            minute: 0,
        })
    }

    /// Shows the next bar of one minute, and answers what was told.
    pub(super) fn bar(&mut self, price: i64) -> Vec<VenueEvent> {
        let bar = bar(self.minute, price);
        self.minute += 1;
        self.fake.advance_to(bar.close_time);
        let batch = BarBatch {
            instrument: SYMBOL.to_owned(),
            bars: vec![bar],
        };
        self.adapter.on_bars(&call(&self.host), &batch).unwrap();
        self.fake.take_events()
    }

    pub(super) fn wait(&self, millis: u64) {
        let now = self.fake.now();
        self.fake
            .advance_to(now.after(Duration::from_millis(millis)));
    }

    pub(super) fn place(&self, order: &NewOrder) -> adapter::Answer<OrderReport> {
        self.adapter.place(&call(&self.host), order)
    }

    pub(super) fn cancel(&self, id: &str) -> adapter::Answer<OrderReport> {
        let cancel = CancelOrder::new(OrderRef::new(SYMBOL, id));
        self.adapter.cancel(&call(&self.host), &cancel)
    }

    pub(super) fn query(&self, id: &str) -> adapter::Answer<Option<OrderReport>> {
        self.adapter
            .order(&call(&self.host), &OrderRef::new(SYMBOL, id))
    }

    pub(super) fn open_orders(&self) -> usize {
        let open = self.adapter.open_orders(&call(&self.host)).unwrap();
        open.orders.len()
    }

    /// What is really in the book, whatever queries say.
    pub(super) fn lives(&self, id: &str) -> bool {
        let exchange = self.adapter.exchange();
        exchange.venue.order(&OrderRef::new(SYMBOL, id)).is_some()
    }

    pub(super) fn fills(&self) -> Vec<Fill> {
        let page = self.adapter.fills_since(&call(&self.host), None);
        page.unwrap().fills
    }
}

pub(super) fn buy(id: &str) -> NewOrder {
    NewOrder::new(id, SYMBOL, Side::Buy, Decimal::new(1, 1))
}

/// A buy that stays in the book.
pub(super) fn rest(id: &str) -> NewOrder {
    let mut order = buy(id);
    order.order_type = OrderType::Limit;
    order.limit_price = Some(Decimal::from(500));
    order
}

/// The effect and the kind of an error.
pub(super) fn failed<T: std::fmt::Debug>(answer: adapter::Answer<T>) -> (Effect, ErrorKind) {
    let error = answer.unwrap_err();
    (error.effect, error.kind)
}
