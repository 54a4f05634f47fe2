//! The whole of a core as something to keep: what it cannot be given again with its configuration.
//!
//! A core that is restored goes on as if it had never stopped: the same inputs give the same commands, to
//! the byte. What follows from the rest (indexes, keys, digests, sums of whole numbers) is not kept.

use investbot_plugin_api::{Instrument, UnixNanos};
use serde::{Deserialize, Serialize};

use super::unmatched::{Unmatched, UnmatchedRecord};
use super::{Core, CoreConfig, quote_of};
use crate::engine::identity::Origin;
use crate::engine::orders::{Orders, OrdersRecord};
use crate::engine::performance::Performance;
use crate::engine::portfolio::Portfolio;
use crate::engine::strategy::StrategyState;
use crate::engine::text::{self, Text};

/// Everything that a [`Core`] carries and its [`CoreConfig`] does not give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreState {
    run_id: String,
    stream: String,
    #[serde(with = "text")]
    partition: u32,
    instrument: String,
    #[serde(with = "text")]
    now: i64,
    #[serde(with = "text")]
    sequence: u64,
    #[serde(with = "text")]
    late: u64,
    halted: Option<String>,
    strategy: Option<NamedState>,
    portfolio: Portfolio,
    performance: Performance,
    /// When the orders of the last minute were let through.
    sent: Vec<Text<i64>>,
    unmatched: UnmatchedRecord,
    instruments: Option<Vec<Instrument>>,
    orders: OrdersRecord,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedState {
    name: String,
    state: StrategyState,
}

/// Why a core cannot go on from a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The state is something else's.
    #[error(
        "the saved state is of {what} `{saved}`, not of `{given}`\n  hint: go on with the same {what} as \
         before, or start a new run"
    )]
    Other {
        /// What differs: the run, the stream, the partition, the instrument or the strategy.
        what: &'static str,
        /// Of what it is.
        saved: String,
        /// What should go on from it.
        given: String,
    },
    /// The strategy cannot go on from what it remembered.
    #[error(
        "strategy {name} cannot go on from the saved state: {problem}\n  hint: go on with the same \
         parameters as before, or start a new run"
    )]
    Strategy {
        /// The strategy.
        name: String,
        /// Why.
        problem: String,
    },
    /// No core can have been in this state.
    #[error(
        "the saved state contradicts itself: {0}\n  hint: it was changed or damaged; go on from a copy, or \
         start a new run"
    )]
    Unsound(String),
}

impl Core {
    /// Everything that a core with the same configuration needs to go on from here.
    #[must_use]
    pub fn state(&self) -> CoreState {
        let instruments = self.instruments.as_ref();
        let sent = self.risk.sent_lately(self.now);
        CoreState {
            run_id: self.origin.run_id.clone(),
            stream: self.origin.stream.clone(),
            partition: self.origin.partition,
            instrument: self.instrument.clone(),
            now: self.now.0,
            sequence: self.sequence,
            late: self.late,
            halted: self.halted.clone(),
            strategy: self.strategy.as_ref().map(|strategy| NamedState {
                name: strategy.name().to_owned(),
                state: strategy.state(),
            }),
            portfolio: self.portfolio.clone(),
            performance: self.performance.clone(),
            sent: sent.map(|time| Text(time.0)).collect(),
            unmatched: self.unmatched.record(),
            instruments: instruments.map(|known| known.values().cloned().collect()),
            orders: self.orders.record(),
        }
    }

    /// A core that goes on from `state`. What it starts with by its configuration, cash and position, is
    /// what it started with then.
    pub fn restore(config: CoreConfig, state: CoreState) -> Result<Self, RestoreError> {
        let mut core = Self::new(config);
        core.recognise(&state)?;
        if let Some(instruments) = state.instruments {
            core.set_instruments(instruments)
                .map_err(|error| RestoreError::Unsound(error.to_string()))?;
        }
        if let (Some(strategy), Some(saved)) = (&mut core.strategy, state.strategy) {
            let restored = strategy.restore(saved.state);
            restored.map_err(|problem| RestoreError::Strategy {
                name: saved.name,
                problem: problem.to_string(),
            })?;
        }
        let sent = state.sent.into_iter().map(|Text(time)| UnixNanos(time));
        core.risk = core.risk.having_sent(sent);
        core.orders = Orders::restore(state.orders, &core.origin).map_err(RestoreError::Unsound)?;
        core.portfolio = state.portfolio;
        core.performance = state.performance;
        core.unmatched = Unmatched::restore(state.unmatched);
        core.late = state.late;
        core.halted = state.halted;
        core.now = UnixNanos(state.now);
        core.sequence = state.sequence;
        Ok(core)
    }

    /// Whether a state is this core's.
    fn recognise(&self, state: &CoreState) -> Result<(), RestoreError> {
        let Origin {
            run_id,
            stream,
            partition,
        } = &self.origin;
        let strategy = self.strategy.as_ref().map_or("none", |given| given.name());
        let saved = state.strategy.as_ref().map_or("none", |saved| &saved.name);
        let partitions = (state.partition.to_string(), partition.to_string());
        for (what, saved, given) in [
            ("run", state.run_id.as_str(), run_id.as_str()),
            ("stream", &state.stream, stream),
            ("partition", &partitions.0, &partitions.1),
            ("instrument", &state.instrument, &self.instrument),
            ("strategy", saved, strategy),
        ] {
            if saved != given {
                return Err(RestoreError::Other {
                    what,
                    saved: saved.to_owned(),
                    given: given.to_owned(),
                });
            }
        }
        if !state
            .portfolio
            .is_of(&self.instrument, quote_of(&self.instrument))
        {
            let text = format!("its account is not one for {}", self.instrument);
            return Err(RestoreError::Unsound(text));
        }
        Ok(())
    }
}
