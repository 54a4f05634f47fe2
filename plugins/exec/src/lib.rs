//! Lets a program in any language be an adapter: it is started by this plugin and answers the adapter's operations as
//! JSON lines over its standard input and output. docs/EXEC_PROTOCOL.md is for its author.
//!
//! What matters here is what is said when the program fails: a write that may have reached it is `unknown`, never
//! `rejected`; what did not is `not_sent`.

#![forbid(unsafe_code)]

mod lines;
mod protocol;
mod session;
mod settings;
mod start;
mod supervisor;
#[cfg(all(test, unix))]
mod tests;
mod text;
mod words;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::op::Operation;
use investbot_plugin_api::serde::Serialize;
use investbot_plugin_api::serde::de::DeserializeOwned;
use investbot_plugin_api::serde_json::value::RawValue;
use investbot_plugin_api::*;

use protocol::{About, After, Nothing, Of, Several};
use supervisor::Supervisor;

export_adapter!(Exec, manifest = "plugin.toml");

/// The adapter.
struct Exec {
    supervisor: Supervisor,
}

impl Exec {
    /// Asks the program, and gives its answer as it wrote it.
    fn raw<B: Serialize>(&self, call: &Call<'_>, op: Operation, body: &B) -> Answer<Box<RawValue>> {
        let session = self.supervisor.session()?;
        session.ask(op.as_str(), call.deadline(), body)
    }

    fn ask<B: Serialize, T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        op: Operation,
        body: &B,
    ) -> Answer<T> {
        let ok = self.raw(call, op, body)?;
        protocol::understood(op, &ok).map_err(|error| self.supervisor.clean(error))
    }

    /// An operation whose answer says nothing but that it was done.
    fn tell<B: Serialize>(&self, call: &Call<'_>, op: Operation, body: &B) -> Answer<()> {
        self.raw(call, op, body).map(drop)
    }
}

impl Adapter for Exec {
    fn open(host: Host, params: OpenParams) -> Answer<Self> {
        let supervisor = Supervisor::open(host, params)?;
        Ok(Self { supervisor })
    }

    fn instruments(&self, call: &Call<'_>) -> Answer<Vec<Instrument>> {
        self.ask(call, Operation::Instruments, &Nothing {})
    }

    fn balances(&self, call: &Call<'_>) -> Answer<Vec<Balance>> {
        self.ask(call, Operation::Balances, &Nothing {})
    }

    fn positions(&self, call: &Call<'_>) -> Answer<Vec<Position>> {
        self.ask(call, Operation::Positions, &Nothing {})
    }

    fn place(&self, call: &Call<'_>, order: &NewOrder) -> Answer<OrderReport> {
        self.ask(call, Operation::Place, &About { order })
    }

    fn place_batch(
        &self,
        call: &Call<'_>,
        orders: &[NewOrder],
    ) -> Answer<Vec<Answer<OrderReport>>> {
        let ok = self.raw(call, Operation::PlaceBatch, &Several { orders })?;
        protocol::several(&ok, orders.len()).map_err(|error| self.supervisor.clean(error))
    }

    fn cancel(&self, call: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport> {
        self.ask(call, Operation::Cancel, cancel)
    }

    fn cancel_all(&self, call: &Call<'_>, instrument: Option<&str>) -> Answer<Vec<OrderReport>> {
        self.ask(call, Operation::CancelAll, &Of { instrument })
    }

    fn amend(&self, call: &Call<'_>, amend: &AmendOrder) -> Answer<OrderReport> {
        self.ask(call, Operation::Amend, amend)
    }

    fn order(&self, call: &Call<'_>, order: &OrderRef) -> Answer<Option<OrderReport>> {
        self.ask(call, Operation::Order, &About { order })
    }

    fn open_orders(&self, call: &Call<'_>) -> Answer<OpenOrders> {
        self.ask(call, Operation::OpenOrders, &Nothing {})
    }

    fn fills_since(&self, call: &Call<'_>, cursor: Option<&str>) -> Answer<FillsPage> {
        self.ask(call, Operation::FillsSince, &After { cursor })
    }

    /// A program that cannot be had is an answer too: nothing can be sent.
    fn health(&self, call: &Call<'_>) -> Answer<Health> {
        match self.supervisor.session() {
            Ok(_) => self.ask(call, Operation::Health, &Nothing {}),
            Err(error) => Ok(Health::new(HealthStatus::Down, error.message)),
        }
    }

    fn shutdown(&self, call: &Call<'_>) -> Answer<()> {
        self.supervisor.shutdown(|session| {
            let op = Operation::Shutdown.as_str();
            match session.ask(op, call.deadline(), &Nothing {}) {
                // The end of its standard input is enough for a program that has nothing to say to it.
                Err(error) if error.kind != ErrorKind::Unsupported => Err(error),
                _ => Ok(()),
            }
        })
    }

    fn on_bars(&self, call: &Call<'_>, bars: &BarBatch) -> Answer<()> {
        self.tell(call, Operation::OnBars, bars)
    }

    fn bars(&self, call: &Call<'_>, query: &BarsQuery) -> Answer<Vec<Bar>> {
        self.ask(call, Operation::Bars, query)
    }

    fn ticker(&self, call: &Call<'_>, instrument: &str) -> Answer<Ticker> {
        let instrument = Some(instrument);
        self.ask(call, Operation::Ticker, &Of { instrument })
    }

    fn server_time(&self, call: &Call<'_>) -> Answer<UnixNanos> {
        self.ask(call, Operation::ServerTime, &Nothing {})
    }
}
