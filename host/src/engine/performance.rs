//! How a run is doing: statistics that cost the same for a thousand bars and for a billion.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use investbot_plugin_api::{Bar, Decimal};
use serde::{Deserialize, Serialize};

use super::arithmetic::{Checked, compare, div, mul, sub};
use super::event::OrderState;
use super::text;

/// Digits after the point of ratios in a [`Summary`].
const RATIO_DIGITS: u32 = 8;

const YEAR_NS: i64 = 365 * 24 * 60 * 60 * 1_000_000_000;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Bars seen.
    pub bars: u64,
    /// The account's currency.
    pub currency: String,
    /// What the account was worth when it could first be told.
    pub start_equity: Option<Decimal>,
    /// What it is worth now; `None` if that does not fit into a decimal.
    pub end_equity: Option<Decimal>,
    /// The gain, as a share of the start.
    pub total_return: Option<Decimal>,
    /// The deepest fall from a peak, as a share of that peak.
    pub max_drawdown: Decimal,
    /// Annualised; see [`Performance::sharpe`].
    pub sharpe: Option<f64>,
    /// The share of bars that closed with a position.
    pub exposure: Option<Decimal>,
    /// Orders by state, denied ones included.
    pub orders: BTreeMap<OrderState, u64>,
    /// Executions.
    pub fills: u64,
    /// Executions that belong to no order of this run.
    pub unmatched_fills: u64,
    /// Fees by currency.
    pub fees: BTreeMap<String, Decimal>,
    /// The sum of price times quantity of all fills.
    pub turnover: Decimal,
    /// The position in the run's own instrument.
    pub position: Decimal,
    /// The cash.
    pub cash: Decimal,
    /// Profit from closed positions, before fees in quote currency.
    pub realised: Decimal,
    /// Why the run was halted.
    pub halted: Option<String>,
}

/// Running statistics over the equity at each bar's close.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Performance {
    #[serde(with = "text")]
    bars: u64,
    #[serde(with = "text")]
    bars_with_position: u64,
    #[serde(with = "text")]
    bar_length_ns: i64,
    drawdown: Drawdown,
    last_equity: Option<Approximated>,
    returns: Moments,
}

impl Performance {
    /// Takes in the account's worth at the close of `bar`.
    #[inline]
    pub fn on_bar(&mut self, bar: &Bar, equity: Decimal, has_position: bool) -> Checked<()> {
        if self.bars == 0 {
            self.bar_length_ns = bar.close_time.0.saturating_sub(bar.open_time.0);
        }
        self.bars += 1;
        self.bars_with_position += u64::from(has_position);
        self.drawdown.on_equity(equity)?;

        match self.last_equity {
            Some(last) if compare(last.exact, equity).is_eq() => self.returns.add(0.0),
            last => {
                let now = Approximated::from(equity);
                if let Some(last) = last
                    && last.nearly > 0.0
                {
                    self.returns.add(ratio(now.nearly, last.nearly));
                }
                self.last_equity = Some(now);
            }
        }
        Ok(())
    }

    /// The number of bars.
    #[must_use]
    pub const fn bars(&self) -> u64 {
        self.bars
    }

    /// The deepest fall from a peak, as a share of that peak.
    #[must_use]
    pub fn max_drawdown(&self) -> Decimal {
        self.drawdown.max().round_dp(RATIO_DIGITS).normalize()
    }

    /// The share of bars that closed with a position.
    #[must_use]
    pub fn exposure(&self) -> Option<Decimal> {
        share(self.bars_with_position.into(), self.bars.into())
    }

    /// The Sharpe ratio: mean over sample standard deviation of the excess returns from bar to bar, the
    /// risk-free return being 0, times the square root of the bars in a year of 365 days (William F.
    /// Sharpe, "The Sharpe Ratio", The Journal of Portfolio Management, 1994). Rounded to 6 digits;
    /// `None` with fewer than two returns or without variation.
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "a statistic, not money")]
    pub fn sharpe(&self) -> Option<f64> {
        if self.bar_length_ns <= 0 {
            return None;
        }
        let bars_a_year = YEAR_NS as f64 / self.bar_length_ns as f64;
        let sharpe = self.returns.mean / self.returns.deviation()? * bars_a_year.sqrt();
        sharpe.is_finite().then(|| (sharpe * 1e6).round() / 1e6)
    }
}

/// `part` of `whole`; `None` of nothing.
pub(super) fn share(part: Decimal, whole: Decimal) -> Option<Decimal> {
    let share = div(part, whole).ok()?;
    Some(share.round_dp(RATIO_DIGITS).normalize())
}

/// The deepest fall from a peak. Kept as a pair and compared by products, so that a bar costs no division.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawdown {
    peak: Option<Decimal>,
    trough: Decimal,
    worst_fall: Decimal,
    worst_peak: Decimal,
}

impl Drawdown {
    #[inline]
    fn on_equity(&mut self, equity: Decimal) -> Checked<()> {
        match self.peak.map(|peak| compare(equity, peak)) {
            Some(Ordering::Less) => {
                if compare(equity, self.trough).is_lt() {
                    self.trough = equity;
                }
            }
            Some(Ordering::Equal) => {}
            _ => {
                self.close_episode()?;
                self.peak = Some(equity);
                self.trough = equity;
            }
        }
        Ok(())
    }

    /// The fall since the last peak, if it is the worst.
    fn worst(&self) -> Checked<(Decimal, Decimal)> {
        let known = (self.worst_fall, self.worst_peak);
        let Some(peak) = self.peak.filter(|peak| *peak > Decimal::ZERO) else {
            return Ok(known);
        };
        let fall = sub(peak, self.trough)?;
        let worse = if self.worst_peak.is_zero() || fall.is_zero() {
            !fall.is_zero()
        } else {
            match (mul(fall, self.worst_peak), mul(self.worst_fall, peak)) {
                (Ok(this), Ok(that)) => this > that,
                _ => div(fall, peak)? > div(self.worst_fall, self.worst_peak)?,
            }
        };
        Ok(if worse { (fall, peak) } else { known })
    }

    fn close_episode(&mut self) -> Checked<()> {
        (self.worst_fall, self.worst_peak) = self.worst()?;
        Ok(())
    }

    fn max(&self) -> Decimal {
        self.worst()
            .and_then(|(fall, peak)| div(fall, peak))
            .unwrap_or_default()
    }
}

/// Mean and variance in one pass (B. P. Welford, "Note on a Method for Calculating Corrected Sums of
/// Squares and Products", Technometrics, 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moments {
    #[serde(with = "text")]
    count: f64,
    #[serde(with = "text")]
    mean: f64,
    #[serde(with = "text")]
    squares: f64,
}

#[expect(clippy::float_arithmetic, reason = "statistics, not money")]
impl Moments {
    #[inline]
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    /// The sample standard deviation; `None` without variation.
    fn deviation(&self) -> Option<f64> {
        let variance = self.squares / (self.count - 1.0);
        (self.count >= 2.0 && variance > 0.0).then(|| variance.sqrt())
    }
}

/// A decimal and the float near it, which follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Decimal", into = "Decimal")]
struct Approximated {
    exact: Decimal,
    nearly: f64,
}

impl From<Decimal> for Approximated {
    #[inline]
    fn from(exact: Decimal) -> Self {
        let nearly = approximate(exact);
        Self { exact, nearly }
    }
}

impl From<Approximated> for Decimal {
    fn from(value: Approximated) -> Self {
        value.exact
    }
}

#[expect(clippy::float_arithmetic, reason = "a statistic, not money")]
fn ratio(now: f64, last: f64) -> f64 {
    now / last - 1.0
}

/// The nearest float, or close to it: for statistics only. The same on every machine, since IEEE 754
/// says how a conversion and a division round.
#[expect(clippy::float_arithmetic, reason = "statistics, not money")]
fn approximate(value: Decimal) -> f64 {
    const POWERS: [f64; 29] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28,
    ];
    value.mantissa() as f64 / POWERS[value.scale().min(28) as usize]
}

#[cfg(test)]
mod tests;
