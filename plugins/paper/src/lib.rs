//! Paper trading: the simulated venue of `venue-sim`, reached without any trouble.
//!
//! Orders, cancels and queries are answered after a fixed latency; fills are told as soon as the bar
//! that made them is shown. How orders are filled is told in `investbot_venue_sim`.

#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::serde::Deserialize;
use investbot_plugin_api::*;
use investbot_venue_sim::{ClientIds, Settings, SimVenue};

export_adapter!(Paper, manifest = "plugin.toml");

#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
struct Config {
    latency_ms: u64,
    #[serde(flatten)]
    market: Settings,
}

struct Paper {
    latency: Duration,
    venue: Mutex<SimVenue>,
}

impl Adapter for Paper {
    fn open(host: Host, params: OpenParams) -> Answer<Self> {
        let Config { latency_ms, market } = params.config()?;
        let venue = SimVenue::open(
            market,
            ClientIds::UniqueForever,
            &params.instruments,
            params.data_dir.as_deref(),
            host.now(),
        )?;
        Ok(Self {
            latency: Duration::from_millis(latency_ms),
            venue: Mutex::new(venue),
        })
    }

    fn instruments(&self, _call: &Call<'_>) -> Answer<Vec<Instrument>> {
        Ok(self.venue().instruments())
    }

    fn balances(&self, _call: &Call<'_>) -> Answer<Vec<Balance>> {
        Ok(self.venue().balances())
    }

    fn positions(&self, _call: &Call<'_>) -> Answer<Vec<Position>> {
        Ok(self.venue().positions())
    }

    fn place(&self, call: &Call<'_>, order: &NewOrder) -> Answer<OrderReport> {
        self.travel(call)?;
        Ok(self.venue().place(order, call.now())?)
    }

    fn cancel(&self, call: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport> {
        self.travel(call)?;
        Ok(self.venue().cancel(cancel, call.now())?)
    }

    fn order(&self, call: &Call<'_>, order: &OrderRef) -> Answer<Option<OrderReport>> {
        self.travel(call)?;
        Ok(self.venue().order(order))
    }

    fn open_orders(&self, call: &Call<'_>) -> Answer<OpenOrders> {
        self.travel(call)?;
        Ok(OpenOrders::complete(self.venue().open_orders()))
    }

    fn fills_since(&self, call: &Call<'_>, cursor: Option<&str>) -> Answer<FillsPage> {
        self.travel(call)?;
        self.venue().fills_since(cursor)
    }

    fn health(&self, _call: &Call<'_>) -> Answer<Health> {
        Ok(Health::ok())
    }

    fn shutdown(&self, _call: &Call<'_>) -> Answer<()> {
        Ok(())
    }

    fn on_bars(&self, call: &Call<'_>, bars: &BarBatch) -> Answer<()> {
        let mut events = Vec::new();
        let shown = self.venue().on_bars(bars, &mut events);
        for event in &events {
            call.host().event(event);
        }
        Ok(shown?)
    }

    fn server_time(&self, call: &Call<'_>) -> Answer<UnixNanos> {
        Ok(call.now())
    }
}

impl Paper {
    /// The way of a request to the venue. The lock is not held meanwhile: requests travel side by side.
    fn travel(&self, call: &Call<'_>) -> Answer<()> {
        if self.latency.is_zero() || call.sleep(self.latency) {
            return Ok(());
        }
        let text = "cancelled on the way to the venue";
        Err(AdapterError::not_sent(ErrorKind::Cancelled, text))
    }

    fn venue(&self) -> MutexGuard<'_, SimVenue> {
        let lock = self.venue.lock();
        lock.expect("the host does not enter an adapter again that has panicked")
    }
}
