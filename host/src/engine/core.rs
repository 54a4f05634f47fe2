//! The core itself: one step an input, the same commands for the same inputs.
//!
//! A bar is first what the account is worth, then what the strategy sees; what the strategy or the stream
//! wants is checked, gets its key and becomes an order (`intake`); what the venue says moves orders and
//! the portfolio (`venue`); everything worth knowing is told as a report (`tell`).
//!
//! Once halted the core sends nothing more, but keeps its books.

mod bars;
mod intake;
mod state;
mod summary;
mod tell;
mod unmatched;
mod venue;

use std::collections::BTreeMap;

use investbot_plugin_api::manifest::ClientOrderIdRule;
use investbot_plugin_api::{Decimal, Instrument, OrderRef, UnixNanos};

use super::event::{Command, Input, OrderState, Submission};
use super::identity::{ClientOrderIds, Origin, Seen};
use super::intent::OrderSpec;
use super::orders::{Order, Orders};
use super::performance::Performance;
use super::portfolio::Portfolio;
pub use super::risk::OrderSupport;
use super::risk::{Risk, RiskLimits};
use super::strategy::Strategy;
pub use state::{CoreState, RestoreError};
use unmatched::Unmatched;

/// The stable codes of [`Command::Stop`].
pub mod stop {
    /// A caller's id came again with other parameters: a defect upstream.
    pub const IDEMPOTENCY_CONFLICT: &str = "IDEMPOTENCY_CONFLICT";
    /// Equity fell below the loss limit; open orders are cancelled.
    pub const LOSS_LIMIT: &str = "LOSS_LIMIT";
    /// A number does not fit into a decimal; the books can't be kept.
    pub const ARITHMETIC: &str = "ARITHMETIC";
}

/// What a core is made of.
pub struct CoreConfig {
    /// The run's id; part of every key.
    pub run_id: String,
    /// The strategy's or stream's name; part of every key.
    pub stream: String,
    /// The partition of the stream; 0 where there is only one.
    pub partition: u32,
    /// The symbol of the instrument that the bars are of; its quote is the account's currency.
    pub instrument: String,
    /// Cash at the start, in the account's currency.
    pub cash: Decimal,
    /// Position in the instrument at the start, in base units.
    pub position: Decimal,
    /// What the run may do.
    pub risk: RiskLimits,
    /// The venue's rule for client order ids.
    pub client_order_id: ClientOrderIdRule,
    /// The kinds of orders that the venue takes.
    pub support: OrderSupport,
    /// What decides on bars; `None` if intents come from a stream.
    pub strategy: Option<Box<dyn Strategy>>,
}

/// Instrument rules that cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the venue's rules for {symbol} cannot be used: {field} is {value} and must be above 0; this is a fault of the adapter"
)]
pub struct InstrumentError {
    /// The instrument.
    pub symbol: String,
    /// The rule.
    pub field: &'static str,
    /// Its value.
    pub value: Decimal,
}

/// The pure core.
pub struct Core {
    origin: Origin,
    client_order_ids: ClientOrderIds,
    support: OrderSupport,
    instrument: String,
    /// All that the venue trades, once it told.
    instruments: Option<BTreeMap<String, Instrument>>,
    /// The run's own instrument among them; every bar needs it.
    rules: Option<Instrument>,
    risk: Risk,
    portfolio: Portfolio,
    performance: Performance,
    orders: Orders,
    strategy: Option<Box<dyn Strategy>>,
    wanted: Vec<OrderSpec>,
    unmatched: Unmatched,
    late: u64,
    halted: Option<String>,
    now: UnixNanos,
    sequence: u64,
}

impl Core {
    /// A core at the start of a run.
    #[must_use]
    pub fn new(config: CoreConfig) -> Self {
        let quote = quote_of(&config.instrument).to_owned();
        Self {
            client_order_ids: ClientOrderIds::new(&config.run_id, &config.client_order_id),
            origin: Origin {
                run_id: config.run_id,
                stream: config.stream,
                partition: config.partition,
            },
            support: config.support,
            portfolio: Portfolio::new(&config.instrument, quote, config.cash, config.position),
            instrument: config.instrument,
            instruments: None,
            rules: None,
            risk: Risk::new(config.risk),
            performance: Performance::default(),
            orders: Orders::default(),
            strategy: config.strategy,
            wanted: Vec::new(),
            unmatched: Unmatched::default(),
            late: 0,
            halted: None,
            now: UnixNanos(i64::MIN),
            sequence: 0,
        }
    }

    /// Takes over the venue's rules. From then on an instrument that is not among them is denied.
    pub fn set_instruments(&mut self, instruments: Vec<Instrument>) -> Result<(), InstrumentError> {
        for rules in &instruments {
            for (field, value) in [("tick_size", rules.tick_size), ("lot_size", rules.lot_size)] {
                if value <= Decimal::ZERO {
                    return Err(InstrumentError {
                        symbol: rules.symbol.clone(),
                        field,
                        value,
                    });
                }
            }
        }
        let by_symbol: BTreeMap<_, _> = instruments
            .into_iter()
            .map(|rules| (rules.symbol.clone(), rules))
            .collect();
        self.rules = by_symbol.get(&self.instrument).cloned();
        self.instruments = Some(by_symbol);
        Ok(())
    }

    /// Whether these are the venue's rules as they are known.
    #[must_use]
    pub fn knows(&self, instruments: &[Instrument]) -> bool {
        self.instruments.as_ref().is_some_and(|known| {
            let same = |rules: &Instrument| known.get(&rules.symbol) == Some(rules);
            known.len() == instruments.len() && instruments.iter().all(same)
        })
    }

    /// The currency that a position in an instrument is held in.
    #[must_use]
    pub fn base_of(&self, instrument: &str) -> String {
        let rules = self
            .instruments
            .as_ref()
            .and_then(|all| all.get(instrument));
        let by_name = || instrument.split('/').next().unwrap_or_default();
        rules.map_or_else(by_name, |rules| &rules.base).to_owned()
    }

    /// Takes in what happened and adds what is to be done, in order.
    pub fn step(&mut self, input: Input<'_>, out: &mut Vec<Command>) {
        let done = match input {
            Input::Bar { position, bar } => self.on_bar(position, bar, out),
            Input::Intent {
                position,
                now,
                intent,
                seen,
            } => {
                self.advance(now);
                self.on_intent(position, intent, seen, out)
            }
            Input::Attempt {
                client_order_id,
                attempt,
                now,
            } => {
                self.advance(now);
                self.on_attempt(client_order_id, attempt)
            }
            Input::Outcome {
                client_order_id,
                outcome,
                now,
            } => {
                self.advance(now);
                self.on_outcome(client_order_id, outcome, out)
            }
            Input::Order { report, now } => {
                self.advance(now);
                self.on_order(&report, out)
            }
            Input::Fill { fill, now } => {
                self.advance(now);
                self.on_fill(&fill, out)
            }
            Input::Resolved {
                client_order_id,
                decision,
                reason,
                now,
            } => {
                self.advance(now);
                self.on_decision(client_order_id, decision, reason, out)
            }
            Input::CancelFailed {
                client_order_id,
                code,
                text,
                now,
            } => {
                self.advance(now);
                self.orders.give_up_cancel(client_order_id);
                self.tell_cancel_failed(client_order_id, None, &code, text, out);
                Ok(())
            }
            Input::Halt { reason, now } => {
                self.advance(now);
                self.halt("HALTED", reason, out);
                Ok(())
            }
        };
        if let Err(overflow) = done {
            self.stop(stop::ARITHMETIC, overflow.to_string(), out);
        }
    }

    /// An order that is remembered.
    #[must_use]
    pub fn order(&self, client_order_id: &str) -> Option<&Order> {
        self.orders.get(client_order_id)
    }

    /// Orders of which something is still expected, oldest first.
    pub fn unsettled_orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.unsettled()
    }

    /// Whether a client order id may be one of this run's, by its looks.
    #[must_use]
    pub fn is_ours(&self, client_order_id: &str) -> bool {
        self.client_order_ids.is_ours(client_order_id)
    }

    /// What an id of a caller's became, as far as an order that is not settled tells.
    #[must_use]
    pub fn seen(&self, id: &str) -> Option<Seen> {
        let mut unsettled = self.orders.unsettled();
        let order = unsettled.find(|order| order.id.as_deref() == Some(id))?;
        Some(Seen {
            digest: order.digest,
            client_order_id: Some(order.client_order_id.clone()),
        })
    }

    /// Orders that are wanted and were never attempted, oldest first.
    pub fn unsent(&self) -> impl Iterator<Item = Submission> {
        let unsettled = self.orders.unsettled();
        unsettled
            .filter(|order| order.state == OrderState::New)
            .map(Order::submission)
    }

    /// Orders that somebody wants cancelled, and that may live.
    pub fn unwanted(&self) -> impl Iterator<Item = OrderRef> {
        let unsettled = self.orders.unsettled();
        unsettled
            .filter(|order| order.cancel_wanted && !order.state.is_final())
            .map(Order::reference)
    }

    /// The account.
    #[must_use]
    pub const fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// The latest moment that an input came with.
    #[must_use]
    pub const fn now(&self) -> UnixNanos {
        self.now
    }

    /// Why nothing is sent any more.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_deref()
    }

    /// How many inputs came too late to change anything.
    #[must_use]
    pub const fn late_inputs(&self) -> u64 {
        self.late
    }

    /// Time never goes back for the core, whatever clocks its inputs were read from.
    fn advance(&mut self, now: UnixNanos) {
        self.now = self.now.max(now);
    }
}

/// The currency that an instrument is quoted in, by its symbol.
fn quote_of(symbol: &str) -> &str {
    symbol.split_once('/').map_or("USD", |(_, quote)| quote)
}

#[cfg(test)]
mod tests;
