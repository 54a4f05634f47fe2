//! Strategies: bars in, orders wanted out.
//!
//! A strategy is deterministic and incremental: what it wants depends on the bars and views it was shown
//! and on its parameters, and a bar costs the same whatever the length of its windows.

mod buy_and_hold;
mod mean_reversion;
pub mod params;
mod sma_cross;
mod window;

use std::collections::BTreeMap;

use investbot_plugin_api::{Bar, Decimal, Instrument, Side};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::arithmetic::{Checked, div, mul, round_down};
use super::intent::OrderSpec;
pub use buy_and_hold::BuyAndHold;
pub use mean_reversion::MeanReversion;
use params::Params;
pub use params::{ParamInfo, ParamKind, ParamProblem};
pub use sma_cross::SmaCross;

/// A lot for instruments whose rules are not known.
const SMALLEST_LOT: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

/// What a strategy may know when a bar has closed.
#[derive(Clone, Copy, Debug)]
pub struct StrategyView<'a> {
    /// The instrument's symbol.
    pub symbol: &'a str,
    /// The instrument's rules, once the venue has told them.
    pub instrument: Option<&'a Instrument>,
    /// The position, from fills.
    pub position: Decimal,
    /// The cash.
    pub cash: Decimal,
    /// Cash and holdings at their last known prices.
    pub equity: Decimal,
    /// Whether an order of the instrument is on its way, open, in doubt, held, or has fills missing.
    pub has_open_order: bool,
}

impl StrategyView<'_> {
    /// The largest quantity in whole lots that is not above `quantity`.
    pub fn whole_lots(&self, quantity: Decimal) -> Checked {
        let lot = self.instrument.map_or(SMALLEST_LOT, |rules| rules.lot_size);
        round_down(quantity.max(Decimal::ZERO), lot)
    }

    /// A market order that puts `fraction` of the equity into the instrument; `None` if that is less
    /// than a lot.
    pub fn invest(&self, fraction: Decimal, price: Decimal) -> Checked<Option<OrderSpec>> {
        if price <= Decimal::ZERO || self.equity <= Decimal::ZERO {
            return Ok(None);
        }
        let quantity = self.whole_lots(div(mul(self.equity, fraction)?, price)?)?;
        Ok(self.market(Side::Buy, quantity))
    }

    /// A market order that sells everything; `None` if that is less than a lot.
    pub fn sell_all(&self) -> Checked<Option<OrderSpec>> {
        let quantity = self.whole_lots(self.position)?;
        Ok(self.market(Side::Sell, quantity))
    }

    fn market(&self, side: Side, quantity: Decimal) -> Option<OrderSpec> {
        (!quantity.is_zero()).then(|| OrderSpec::market(self.symbol, side, quantity))
    }
}

/// Decides what to do at the close of each bar.
pub trait Strategy: Send {
    /// Its name, as the user types it.
    fn name(&self) -> &'static str;

    /// Takes in a bar and adds the orders it wants now. An overflow ends the run.
    fn on_bar(
        &mut self,
        bar: &Bar,
        view: &StrategyView<'_>,
        intents: &mut Vec<OrderSpec>,
    ) -> Checked<()>;

    /// What it remembers of the bars and views it was shown; not its parameters.
    fn state(&self) -> StrategyState;

    /// Goes on from what a strategy of its kind and with its parameters remembered.
    fn restore(&mut self, state: StrategyState) -> Result<(), StateProblem>;
}

/// What a strategy remembers, for a file: numbers in it are strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StrategyState(serde_json::Value);

impl StrategyState {
    /// A strategy's memory, which has to be something that JSON can say.
    pub fn new(memory: &impl Serialize) -> Self {
        Self(serde_json::to_value(memory).expect("memories are lists and names of plain values"))
    }

    /// The memory again.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, StateProblem> {
        serde_json::from_value(self.0).map_err(|error| StateProblem(error.to_string()))
    }
}

/// Why a strategy cannot go on from a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StateProblem(pub String);

/// A strategy, or everything that is wrong with its name or parameters.
pub type Built = Result<Box<dyn Strategy>, Vec<ParamProblem>>;

/// What there is to know about a built-in strategy.
#[derive(Clone, Copy, Debug)]
pub struct StrategyInfo {
    /// The name that users type.
    pub name: &'static str,
    /// One line.
    pub help: &'static str,
    /// Its parameters.
    pub params: &'static [ParamInfo],
    make: fn(Params<'_>) -> Built,
}

/// The built-in strategies.
#[must_use]
pub const fn describe() -> &'static [StrategyInfo] {
    &[sma_cross::INFO, buy_and_hold::INFO, mean_reversion::INFO]
}

/// Makes a built-in strategy, or says everything that is wrong with the name or the parameters.
pub fn build(name: &str, params: &BTreeMap<String, String>) -> Built {
    let Some(info) = describe().iter().find(|info| info.name == name) else {
        let names: Vec<_> = describe().iter().map(|info| info.name).collect();
        let names = names.join(", ");
        let text = format!("there is no strategy `{name}`; use one of: {names}");
        return Err(vec![ParamProblem { param: None, text }]);
    };
    (info.make)(Params::new(info, params))
}

#[cfg(test)]
mod tests;
