//! Buys once and keeps it: what every other strategy is measured against.

use investbot_plugin_api::{Bar, Decimal};

use super::params::{ParamInfo, ParamKind};
use super::{StateProblem, Strategy, StrategyInfo, StrategyState, StrategyView};
use crate::engine::arithmetic::Checked;
use crate::engine::intent::OrderSpec;

pub(super) const INFO: StrategyInfo = StrategyInfo {
    name: "buy-and-hold",
    help: "Buys at the first bar and keeps it",
    params: &[ParamInfo {
        name: "fraction",
        help: "Share of the equity to invest",
        kind: ParamKind::Decimal,
        default: "0.95",
        min: "0.0001",
        max: "1",
    }],
    make: |mut params| {
        let strategy = BuyAndHold {
            fraction: params.decimal("fraction"),
            done: false,
        };
        Ok(Box::new(params.finish(strategy)?))
    },
};

/// Asks for one market order and for nothing more, whatever becomes of it.
#[derive(Clone, Debug)]
pub struct BuyAndHold {
    fraction: Decimal,
    done: bool,
}

impl Strategy for BuyAndHold {
    fn name(&self) -> &'static str {
        INFO.name
    }

    fn on_bar(
        &mut self,
        bar: &Bar,
        view: &StrategyView<'_>,
        intents: &mut Vec<OrderSpec>,
    ) -> Checked<()> {
        if self.done || view.has_open_order {
            return Ok(());
        }
        if let Some(order) = view.invest(self.fraction, bar.close)? {
            intents.push(order);
            self.done = true;
        }
        Ok(())
    }

    fn state(&self) -> StrategyState {
        StrategyState::new(&self.done)
    }

    fn restore(&mut self, state: StrategyState) -> Result<(), StateProblem> {
        self.done = state.read()?;
        Ok(())
    }
}
