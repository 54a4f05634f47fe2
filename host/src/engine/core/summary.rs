//! What a run has come to.

use investbot_plugin_api::Decimal;

use super::Core;
use crate::engine::arithmetic::sub;
use crate::engine::performance::{Summary, share};

impl Core {
    /// What the run has come to.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let portfolio = &self.portfolio;
        let start = portfolio.start_equity();
        let end = portfolio.equity().ok();
        let gain = start.zip(end).and_then(|(start, end)| sub(end, start).ok());
        let realised = portfolio
            .holdings()
            .iter()
            .fold(Decimal::ZERO, |sum, holding| {
                sum.saturating_add(holding.realised)
            });
        Summary {
            bars: self.performance.bars(),
            currency: portfolio.currency().to_owned(),
            start_equity: start.map(|equity| equity.normalize()),
            end_equity: end.map(|equity| equity.normalize()),
            total_return: gain.zip(start).and_then(|(gain, start)| share(gain, start)),
            max_drawdown: self.performance.max_drawdown(),
            sharpe: self.performance.sharpe(),
            exposure: self.performance.exposure(),
            orders: self
                .orders
                .by_state()
                .iter()
                .filter(|(_, count)| **count > 0)
                .map(|(state, count)| (*state, *count))
                .collect(),
            fills: portfolio.fills(),
            unmatched_fills: self.unmatched.count,
            fees: portfolio
                .fees()
                .iter()
                .map(|(currency, fee)| (currency.clone(), fee.normalize()))
                .collect(),
            turnover: portfolio.turnover().normalize(),
            position: portfolio.main().quantity.normalize(),
            cash: portfolio.cash().normalize(),
            realised: realised.normalize(),
            halted: self.halted.clone(),
        }
    }
}
