//! Buys when the close is far below its mean and sells when it has come back.

use investbot_plugin_api::{Bar, Decimal};
use serde::{Deserialize, Serialize};

use super::params::{ParamInfo, ParamKind};
use super::window::{Window, WindowState};
use super::{StateProblem, Strategy, StrategyInfo, StrategyState, StrategyView};
use crate::engine::arithmetic::{Checked, mul, sub};
use crate::engine::intent::OrderSpec;

pub(super) const INFO: StrategyInfo = StrategyInfo {
    name: "mean-reversion",
    help: "Buys when the close is `entry` standard deviations below its mean, sells all above -`exit`",
    params: &[
        ParamInfo {
            name: "window",
            help: "Bars in the mean and the standard deviation, the last one included",
            kind: ParamKind::Integer,
            default: "48",
            min: "2",
            max: "100000",
        },
        ParamInfo {
            name: "entry",
            help: "Standard deviations below the mean at which to buy",
            kind: ParamKind::Decimal,
            default: "2",
            min: "0.01",
            max: "100",
        },
        ParamInfo {
            name: "exit",
            help: "Standard deviations below the mean at which to sell; less than entry",
            kind: ParamKind::Decimal,
            default: "0.5",
            min: "0",
            max: "100",
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
        let window = params.integer("window");
        let (entry, exit) = (params.decimal("entry"), params.decimal("exit"));
        params.require(exit < entry, "exit", || {
            format!("exit = {exit} must be less than entry = {entry}")
        });
        let strategy = MeanReversion {
            closes: Window::new(window),
            squares: Window::new(window),
            size: Decimal::from(window),
            entry_squared: entry * entry,
            exit_squared: exit * exit,
            fraction: params.decimal("fraction"),
        };
        Ok(Box::new(params.finish(strategy)?))
    },
};

/// Long only. With n closes, their sum S and the sum of their squares Q, the z-score of a close x is
/// `(nx - S) / sqrt(nQ - S²)`, the deviation being that of the whole window. It is compared by squares, so
/// that no root is taken and nothing is divided.
#[derive(Clone, Debug)]
pub struct MeanReversion {
    closes: Window,
    squares: Window,
    size: Decimal,
    entry_squared: Decimal,
    exit_squared: Decimal,
    fraction: Decimal,
}

/// What it remembers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    closes: WindowState,
    squares: WindowState,
}

/// Where a close stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    FarBelow,
    Between,
    Back,
}

impl MeanReversion {
    /// `None` before the window is full, and while nothing moves.
    fn standing(&mut self, close: Decimal) -> Checked<Option<Standing>> {
        self.closes.push(close)?;
        self.squares.push(mul(close, close)?)?;
        let (Some(sum), Some(squares)) = (self.closes.sum()?, self.squares.sum()?) else {
            return Ok(None);
        };
        let variance = sub(mul(self.size, squares)?, mul(sum, sum)?)?;
        if variance <= Decimal::ZERO {
            return Ok(None);
        }
        let distance = sub(mul(self.size, close)?, sum)?;
        let squared = mul(distance, distance)?;
        let below = distance.is_sign_negative();
        Ok(Some(
            if below && squared >= mul(self.entry_squared, variance)? {
                Standing::FarBelow
            } else if !below || squared <= mul(self.exit_squared, variance)? {
                Standing::Back
            } else {
                Standing::Between
            },
        ))
    }
}

impl Strategy for MeanReversion {
    fn name(&self) -> &'static str {
        INFO.name
    }

    fn on_bar(
        &mut self,
        bar: &Bar,
        view: &StrategyView<'_>,
        intents: &mut Vec<OrderSpec>,
    ) -> Checked<()> {
        let standing = self.standing(bar.close)?;
        if view.has_open_order {
            return Ok(());
        }
        let order = match standing {
            Some(Standing::FarBelow) if view.whole_lots(view.position)?.is_zero() => {
                view.invest(self.fraction, bar.close)?
            }
            Some(Standing::Back) => view.sell_all()?,
            _ => None,
        };
        intents.extend(order);
        Ok(())
    }

    fn state(&self) -> StrategyState {
        StrategyState::new(&Memory {
            closes: self.closes.state(),
            squares: self.squares.state(),
        })
    }

    fn restore(&mut self, state: StrategyState) -> Result<(), StateProblem> {
        let memory: Memory = state.read()?;
        self.closes.restore(memory.closes)?;
        self.squares.restore(memory.squares)
    }
}
