//! The simulated venue of `venue-sim` behind a network as bad as the configuration makes it.
//!
//! Requests get lost before they leave, on the way and on the way back, or arrive after nobody waits
//! any more; reports come late, twice or not at all; the venue limits requests, closes for maintenance,
//! has a clock of its own, and its queries trail its book. What happens is drawn from a hash of the
//! run's seed, the operation and its number: the same seed gives the same faults.
//!
//! Whatever happens, an error never says less than the truth: `NotSent` and `Rejected` are only said of
//! requests that did nothing, everything else is `Unknown`.
//!
//! The venue itself survives its process, as its ledger. The network does not: what was under way when
//! the process died is lost, orders that queries did not see yet are seen, and chance begins anew.

#![forbid(unsafe_code)]

mod auth;
mod config;
mod dice;
mod exchange;
mod limits;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard};

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::op::Operation;
use investbot_plugin_api::*;
use investbot_venue_sim::{ClientIds, SimVenue};

use auth::Credentials;
use config::{Config, WriteFate};
use dice::Dice;
use exchange::{Exchange, Letter};
use limits::Limits;

export_adapter!(Realish, manifest = "plugin.toml");

struct Realish {
    config: Arc<Config>,
    dice: Arc<Dice>,
    client: Credentials,
    exchange: Mutex<Exchange>,
}

impl Adapter for Realish {
    fn open(host: Host, params: OpenParams) -> Answer<Self> {
        let config: Config = params.config()?;
        config.check()?;
        let client = Credentials::of(&params)?;
        let venue = SimVenue::open(
            config.market.clone(),
            ClientIds::UniqueWhileOpen,
            &params.instruments,
            params.data_dir.as_deref(),
            host.now(),
        )?;
        let limits = Limits::new(&config, params.seed);
        let dice = Dice::of_session(params.seed, params.data_dir.as_deref()).map_err(|error| {
            let text = format!("cannot count the sessions: {error}");
            AdapterError::not_sent(ErrorKind::Config, text)
        })?;
        let (config, dice) = (Arc::new(config), Arc::new(dice));
        let account = client.clone();
        let exchange = Exchange::new(venue, config.clone(), dice.clone(), account, limits);
        Ok(Self {
            config,
            dice,
            client,
            exchange: Mutex::new(exchange),
        })
    }

    fn instruments(&self, call: &Call<'_>) -> Answer<Vec<Instrument>> {
        self.read(call, Operation::Instruments, &[], |e| {
            Ok(e.venue.instruments())
        })
    }

    fn balances(&self, call: &Call<'_>) -> Answer<Vec<Balance>> {
        self.read(call, Operation::Balances, &[], |e| Ok(e.venue.balances()))
    }

    fn positions(&self, call: &Call<'_>) -> Answer<Vec<Position>> {
        self.read(call, Operation::Positions, &[], |e| Ok(e.venue.positions()))
    }

    fn place(&self, call: &Call<'_>, order: &NewOrder) -> Answer<OrderReport> {
        let body = codec::to_vec(order);
        self.write(call, Operation::Place, &body, Letter::Order(order.clone()))
    }

    fn cancel(&self, call: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport> {
        let body = codec::to_vec(cancel);
        self.write(
            call,
            Operation::Cancel,
            &body,
            Letter::Cancel(cancel.clone()),
        )
    }

    fn order(&self, call: &Call<'_>, order: &OrderRef) -> Answer<Option<OrderReport>> {
        let body = codec::to_vec(order);
        self.read(call, Operation::Order, &body, |e| Ok(e.order(order)))
    }

    fn open_orders(&self, call: &Call<'_>) -> Answer<OpenOrders> {
        self.read(call, Operation::OpenOrders, &[], |e| {
            Ok(OpenOrders::complete(e.open_orders()))
        })
    }

    fn fills_since(&self, call: &Call<'_>, cursor: Option<&str>) -> Answer<FillsPage> {
        let body = cursor.unwrap_or_default().as_bytes();
        self.read(call, Operation::FillsSince, body, |e| {
            e.venue.fills_since(cursor)
        })
    }

    fn health(&self, call: &Call<'_>) -> Answer<Health> {
        Ok(match self.exchange().closed_for(call.now()) {
            Some(left) => Health::new(
                HealthStatus::Down,
                format!("closed for maintenance for {} s", left.as_secs()),
            ),
            None => Health::ok(),
        })
    }

    fn shutdown(&self, call: &Call<'_>) -> Answer<()> {
        self.tell(call);
        Ok(())
    }

    fn on_bars(&self, call: &Call<'_>, bars: &BarBatch) -> Answer<()> {
        let shown = self.exchange().on_bars(bars, call.now());
        self.tell(call);
        Ok(shown?)
    }

    fn server_time(&self, call: &Call<'_>) -> Answer<UnixNanos> {
        let now = call.now();
        self.read(call, Operation::ServerTime, &[], |e| Ok(e.clock(now)))
    }
}

impl Realish {
    /// Asks the venue something. A failed question did nothing.
    fn read<T>(
        &self,
        call: &Call<'_>,
        operation: Operation,
        body: &[u8],
        answer: impl FnOnce(&mut Exchange) -> Answer<T>,
    ) -> Answer<T> {
        let cancelled = || AdapterError::not_sent(ErrorKind::Cancelled, "the query was cancelled");
        let roll = self.dice.roll(operation.as_str());
        let (out, back) = self.config.latency(&roll);
        if !call.sleep(out) {
            return Err(cancelled());
        }
        if self.config.read_fails(&roll) {
            let text = "the connection broke during a query";
            return Err(AdapterError::not_sent(ErrorKind::Network, text));
        }
        let now = call.now();
        let request = self.client.sign(operation.as_str(), now, body);
        let answer = {
            let mut exchange = self.exchange();
            exchange.catch_up(now);
            exchange
                .admit(&request, now)
                .and_then(|()| answer(&mut exchange))
        };
        let returned = call.sleep(back);
        self.tell(call);
        if returned { answer } else { Err(cancelled()) }
    }

    /// Asks the venue to change something. Once the request has left, only an answer that arrives says
    /// what it did.
    fn write(
        &self,
        call: &Call<'_>,
        operation: Operation,
        body: &[u8],
        letter: Letter,
    ) -> Answer<OrderReport> {
        let roll = self.dice.roll(operation.as_str());
        let fate = self.config.write_fate(&roll);
        if fate == WriteFate::NotSent {
            let text = "the connection could not be made";
            return Err(AdapterError::not_sent(ErrorKind::Network, text));
        }
        let sent = call.now();
        let (out, back) = self.config.latency(&roll);
        if !call.sleep(out) {
            let text = "cancelled before the request was sent";
            return Err(AdapterError::not_sent(ErrorKind::Cancelled, text));
        }
        let request = self.client.sign(operation.as_str(), sent, body);
        let answer = self.arrive(&request, letter, fate, &roll, call.now());

        let unheard = match fate {
            WriteFate::Answered if call.sleep(back) => None,
            WriteFate::Answered => Some((
                ErrorKind::Cancelled,
                "cancelled while the answer was under way",
            )),
            WriteFate::Reset => Some((
                ErrorKind::Network,
                "the connection broke after the request was sent",
            )),
            _ if call.sleep(self.config.timeout()) => Some((
                ErrorKind::Timeout,
                "no answer came in time; the request may have arrived",
            )),
            _ => Some((
                ErrorKind::Cancelled,
                "cancelled while waiting for an answer",
            )),
        };
        self.tell(call);
        match unheard {
            Some((kind, text)) => Err(AdapterError::unknown(kind, text)),
            None => answer.unwrap_or_else(|| {
                let text = "the answer went missing inside the adapter";
                Err(AdapterError::unknown(ErrorKind::Internal, text))
            }),
        }
    }

    /// The request at the other end of the network; `None` if it is not there, or not yet.
    fn arrive(
        &self,
        request: &auth::Request<'_>,
        letter: Letter,
        fate: WriteFate,
        roll: &dice::Roll,
        now: UnixNanos,
    ) -> Option<Answer<OrderReport>> {
        let lag = self.config.visibility_lag(roll);
        let mut exchange = self.exchange();
        exchange.catch_up(now);
        match fate {
            WriteFate::NotSent | WriteFate::Lost => None,
            WriteFate::Delayed => {
                let arrival = now.after(self.config.request_delay(roll));
                exchange.delay(request, letter, arrival, lag);
                None
            }
            WriteFate::Answered | WriteFate::AckLost | WriteFate::Reset => Some(
                exchange
                    .admit(request, now)
                    .and_then(|()| exchange.carry_out(&letter, now, lag)),
            ),
        }
    }

    /// Tells the host the reports that have arrived meanwhile.
    fn tell(&self, call: &Call<'_>) {
        let events = self.exchange().arrived(call.now());
        for event in &events {
            call.host().event(event);
        }
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        let lock = self.exchange.lock();
        lock.expect("the host does not enter an adapter again that has panicked")
    }
}
