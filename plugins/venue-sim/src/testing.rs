//! A host for the tests of simulated venues: its clock moves only when somebody waits or says so.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use investbot_plugin_api::host::HostServices;
use investbot_plugin_api::manifest::{ConfigValue, Manifest};
use investbot_plugin_api::op::{CallHeader, host_op};
use investbot_plugin_api::{
    Bar, Call, Decimal, Host, OpenParams, UnixNanos, VenueEvent, codec, serde_json,
};

/// What the tests see of the host.
#[derive(Clone, Default)]
pub struct FakeHost {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    now: UnixNanos,
    events: Vec<VenueEvent>,
    log: Vec<String>,
    cancel_at: Option<u32>,
    sleeps: u32,
}

impl FakeHost {
    /// The adapter's handle to this host.
    #[must_use]
    pub fn host(&self) -> Host {
        Host::from_services(self.clone())
    }

    /// Moves the clock.
    pub fn advance_to(&self, time: UnixNanos) {
        let mut state = self.state();
        state.now = state.now.max(time);
    }

    /// The clock.
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        self.state().now
    }

    /// The events since the last time.
    #[must_use]
    pub fn take_events(&self) -> Vec<VenueEvent> {
        std::mem::take(&mut self.state().events)
    }

    /// Everything that was logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.state().log.join("\n")
    }

    /// Cancels a call in its `nth` wait from now, from 1.
    pub fn cancel_at_wait(&self, nth: u32) {
        let mut state = self.state();
        state.cancel_at = Some(state.sleeps + nth);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panics in here")
    }
}

impl HostServices for FakeHost {
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let decodes = "the adapter's side encoded it";
        let mut state = self.state();
        Ok(match op {
            host_op::NOW => codec::to_vec(&state.now),
            host_op::EVENT => {
                state.events.push(codec::from_slice(body).expect(decodes));
                Vec::new()
            }
            host_op::LOG => {
                let record: investbot_plugin_api::host::LogRecord =
                    codec::from_slice(body).expect(decodes);
                state.log.push(record.message);
                Vec::new()
            }
            host_op::SLEEP => {
                let (_, nanos): (u64, u64) = codec::from_slice(body).expect(decodes);
                state.sleeps += 1;
                let cancelled = state.cancel_at == Some(state.sleeps);
                if !cancelled {
                    state.now = state.now.after(Duration::from_nanos(nanos));
                }
                codec::to_vec(&!cancelled)
            }
            _ => codec::to_vec(&false),
        })
    }
}

/// A call without a deadline.
#[must_use]
pub fn call(host: &Host) -> Call<'_> {
    let header = CallHeader {
        call_id: 1,
        deadline: None,
    };
    Call::new(host, header)
}

/// What the host hands over if the user sets only `changes`.
#[must_use]
pub fn params(manifest: &Manifest, changes: &[(&str, serde_json::Value)]) -> OpenParams {
    let default = |value: &ConfigValue| match value {
        ConfigValue::Boolean(b) => serde_json::Value::from(*b),
        ConfigValue::Integer(n) => serde_json::Value::from(*n),
        ConfigValue::Text(text) => serde_json::Value::from(text.as_str()),
        other => panic!("a new type of configuration value: {other:?}"),
    };
    let mut config: serde_json::Map<_, _> = manifest
        .config
        .iter()
        .filter_map(|(key, spec)| Some((key.clone(), default(spec.default.as_ref()?))))
        .collect();
    for (key, value) in changes {
        assert!(config.contains_key(*key), "the manifest has no {key}");
        config.insert((*key).to_owned(), value.clone());
    }
    let mut params = OpenParams::new(serde_json::Value::from(config).to_string());
    params.instruments = vec!["BTC/USD".to_owned()];
    params
}

/// A bar of one minute; its prices are near `price` and its volume is 1000.
#[must_use]
pub fn bar(minute: i64, price: i64) -> Bar {
    const MINUTE: i64 = 60_000_000_000;
    let price = Decimal::from(price);
    Bar {
        open_time: UnixNanos(minute * MINUTE),
        close_time: UnixNanos((minute + 1) * MINUTE),
        open: price,
        high: price + Decimal::ONE,
        low: price - Decimal::ONE,
        close: price,
        volume: Decimal::ONE_THOUSAND,
    }
}
