//! Two simple moving averages of the close: long while the fast one is above the slow one.

use std::cmp::Ordering;

use investbot_plugin_api::{Bar, Decimal, Side};
use serde::{Deserialize, Serialize};

use super::params::{ParamInfo, ParamKind};
use super::window::{Window, WindowState};
use super::{StateProblem, Strategy, StrategyInfo, StrategyState, StrategyView};
use crate::engine::arithmetic::Checked;
use crate::engine::intent::OrderSpec;

pub(super) const INFO: StrategyInfo = StrategyInfo {
    name: "sma-cross",
    help: "Buys when the fast moving average crosses above the slow one, sells all when it crosses below",
    params: &[
        ParamInfo {
            name: "fast",
            help: "Bars in the fast average; fewer than in the slow one",
            kind: ParamKind::Integer,
            default: "20",
            min: "1",
            max: "100000",
        },
        ParamInfo {
            name: "slow",
            help: "Bars in the slow average",
            kind: ParamKind::Integer,
            default: "50",
            min: "2",
            max: "100000",
        },
        ParamInfo {
            name: "fraction",
            help: "Share of the equity to invest",
            kind: ParamKind::Decimal,
            default: "0.95",
            min: "0.0001",
            max: "1",
        },
    ],
    make: |mut params| {
        let (fast, slow) = (params.integer("fast"), params.integer("slow"));
        params.require(fast < slow, "fast", || {
            format!("fast = {fast} must be less than slow = {slow}")
        });
        let strategy = SmaCross {
            fast: Window::new(fast),
            slow: Window::new(slow),
            fraction: params.decimal("fraction"),
            above: None,
            wanted: None,
        };
        Ok(Box::new(params.finish(strategy)?))
    },
};

/// Long only. A cross that comes while an order is under way is acted on afterwards, unless the averages
/// have crossed back by then. The relation that the averages begin with is no cross.
#[derive(Clone, Debug)]
pub struct SmaCross {
    fast: Window,
    slow: Window,
    fraction: Decimal,
    above: Option<bool>,
    wanted: Option<Side>,
}

/// What it remembers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    fast: WindowState,
    slow: WindowState,
    above: Option<bool>,
    wanted: Option<Side>,
}

impl SmaCross {
    /// Notes a cross. Equal averages have not crossed.
    #[inline]
    fn watch(&mut self, close: Decimal) -> Checked<()> {
        self.fast.push(close)?;
        self.slow.push(close)?;
        let above = match Window::compare_means(&mut self.fast, &mut self.slow)? {
            Some(Ordering::Greater) => true,
            Some(Ordering::Less) => false,
            Some(Ordering::Equal) | None => return Ok(()),
        };
        if self.above.is_some_and(|before| before != above) {
            self.wanted = Some(if above { Side::Buy } else { Side::Sell });
        }
        self.above = Some(above);
        Ok(())
    }
}

impl Strategy for SmaCross {
    fn name(&self) -> &'static str {
        INFO.name
    }

    #[inline]
    fn on_bar(
        &mut self,
        bar: &Bar,
        view: &StrategyView<'_>,
        intents: &mut Vec<OrderSpec>,
    ) -> Checked<()> {
        self.watch(bar.close)?;
        if self.wanted.is_none() || view.has_open_order {
            return Ok(());
        }
        let order = match self.wanted.take() {
            Some(Side::Buy) if view.whole_lots(view.position)?.is_zero() => {
                view.invest(self.fraction, bar.close)?
            }
            Some(Side::Sell) => view.sell_all()?,
            _ => None,
        };
        intents.extend(order);
        Ok(())
    }

    fn state(&self) -> StrategyState {
        StrategyState::new(&Memory {
            fast: self.fast.state(),
            slow: self.slow.state(),
            above: self.above,
            wanted: self.wanted,
        })
    }

    fn restore(&mut self, state: StrategyState) -> Result<(), StateProblem> {
        let memory: Memory = state.read()?;
        self.fast.restore(memory.fast)?;
        self.slow.restore(memory.slow)?;
        self.above = memory.above;
        self.wanted = memory.wanted;
        Ok(())
    }
}
