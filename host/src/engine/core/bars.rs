//! What a bar does, and what ends a run.

use investbot_plugin_api::{Bar, Decimal};

use super::{Core, stop};
use crate::engine::arithmetic::Checked;
use crate::engine::event::Command;
use crate::engine::identity::SourcePlace;
use crate::engine::strategy::StrategyView;

impl Core {
    /// First what the account is worth, then what the strategy makes of it.
    pub(super) fn on_bar(
        &mut self,
        position: u64,
        bar: &Bar,
        out: &mut Vec<Command>,
    ) -> Checked<()> {
        self.advance(bar.close_time);
        self.portfolio.mark(bar.close)?;
        let equity = self.portfolio.equity()?;
        let held = self.portfolio.main().quantity;
        self.performance.on_bar(bar, equity, !held.is_zero())?;
        self.check_loss(equity, out);

        let Some(strategy) = &mut self.strategy else {
            return Ok(());
        };
        let view = StrategyView {
            symbol: &self.instrument,
            instrument: self.rules.as_ref(),
            position: held,
            cash: self.portfolio.cash(),
            equity,
            has_open_order: self.orders.has_unsettled(&self.instrument),
        };
        // What an overflow left behind is not wanted any more.
        self.wanted.clear();
        strategy.on_bar(bar, &view, &mut self.wanted)?;
        if self.wanted.is_empty() {
            return Ok(());
        }
        let wanted = std::mem::take(&mut self.wanted);
        for (index, spec) in (0..).zip(wanted) {
            let place = SourcePlace { position, index };
            self.take_up(place, None, spec, out)?;
        }
        Ok(())
    }

    /// Halts once the loss is above its limit, and takes back what is open.
    pub(super) fn check_loss(&mut self, equity: Decimal, out: &mut Vec<Command>) {
        let start = self.portfolio.start_equity();
        let Some(loss) = self.risk.loss_over_limit(start, equity) else {
            return;
        };
        if self.halted.is_some() {
            return;
        }
        let limit = self.risk.loss_limit().unwrap_or_default();
        let text = format!("the account lost {loss}, more than the limit of {limit}");
        let open: Vec<_> = self
            .orders
            .unsettled()
            .filter(|order| !order.state.is_final())
            .map(|order| Command::Cancel(order.reference()))
            .collect();
        self.stop(stop::LOSS_LIMIT, text, out);
        out.extend(open);
    }

    /// Halts the run and asks the worker to end it.
    pub(super) fn stop(&mut self, code: &'static str, text: String, out: &mut Vec<Command>) {
        if self.halted.is_none() {
            self.halt(code, text.clone(), out);
            out.push(Command::Stop { code, text });
        }
    }
}
