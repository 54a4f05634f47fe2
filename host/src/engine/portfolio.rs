//! Cash, positions and profit: moved by fills and by nothing else.
//!
//! The account is kept in one currency, the quote of the run's instrument. Cash is exact: the sum of
//! price times quantity and of fees. A position is kept with its cost rather than its average price, so
//! that only closing a part of it divides; that share of the cost is rounded to [`COST_DIGITS`] and what
//! is rounded off stays in the cost, so realised and unrealised profit always add up to the whole.

use std::collections::BTreeMap;

use investbot_plugin_api::{Decimal, Fill, Side};
use serde::{Deserialize, Serialize};

use super::arithmetic::{Checked, add, div, mul, sub};
use super::text;

/// Digits after the point that a closed part's share of the cost is rounded to.
pub const COST_DIGITS: u32 = 12;

/// What is held of one instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// The instrument's symbol.
    pub instrument: String,
    /// In base units; negative when short.
    pub quantity: Decimal,
    /// What the quantity was bought for, in quote currency; negative when short.
    pub cost: Decimal,
    /// The last known price: the last close, or the last fill where there are no bars.
    pub mark: Option<Decimal>,
    /// Profit from closed parts, fees in base currency included, other fees not.
    pub realised: Decimal,
}

impl Holding {
    /// What was paid per unit of what is held; `None` when flat.
    #[must_use]
    pub fn average_price(&self) -> Option<Decimal> {
        div(self.cost, self.quantity).ok()
    }

    fn value(&self) -> Checked {
        match self.mark {
            Some(mark) => mul(self.quantity, mark),
            None => Ok(Decimal::ZERO),
        }
    }

    /// Adds `quantity` (negative: takes away) at `price`; both sides of the trade but no cash.
    fn trade(&mut self, quantity: Decimal, price: Decimal) -> Checked<()> {
        let grows = self.quantity.is_zero()
            || self.quantity.is_sign_negative() == quantity.is_sign_negative();
        if grows {
            self.cost = add(self.cost, mul(quantity, price)?)?;
        } else {
            let closed = if quantity.abs() >= self.quantity.abs() {
                -self.quantity
            } else {
                quantity
            };
            let share = if closed == -self.quantity {
                self.cost
            } else {
                div(mul(self.cost, -closed)?, self.quantity)?.round_dp(COST_DIGITS)
            };
            let proceeds = mul(-closed, price)?;
            self.realised = add(self.realised, sub(proceeds, share)?)?;
            let opened = sub(quantity, closed)?;
            self.cost = add(sub(self.cost, share)?, mul(opened, price)?)?;
        }
        self.quantity = add(self.quantity, quantity)?;
        Ok(())
    }
}

/// The account of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portfolio {
    /// The account's currency.
    currency: String,
    cash: Decimal,
    /// The run's own instrument first.
    holdings: Vec<Holding>,
    /// What is held of all but the first, at their marks.
    others_value: Decimal,
    fees: BTreeMap<String, Decimal>,
    turnover: Decimal,
    #[serde(with = "text")]
    fills: u64,
    /// What the account was worth when it could first be told.
    start_equity: Option<Decimal>,
    start_quantity: Decimal,
}

impl Portfolio {
    /// An account with `cash` of `currency` and `quantity` of `instrument`, which has yet to see a price.
    pub fn new(
        instrument: impl Into<String>,
        currency: impl Into<String>,
        cash: Decimal,
        quantity: Decimal,
    ) -> Self {
        let holding = Holding {
            instrument: instrument.into(),
            quantity,
            ..Holding::default()
        };
        Self {
            currency: currency.into(),
            cash,
            holdings: vec![holding],
            others_value: Decimal::ZERO,
            fees: BTreeMap::new(),
            turnover: Decimal::ZERO,
            fills: 0,
            start_equity: quantity.is_zero().then_some(cash),
            start_quantity: quantity,
        }
    }

    /// Whether this is an account in `currency` whose own instrument is `instrument`.
    #[must_use]
    pub fn is_of(&self, instrument: &str, currency: &str) -> bool {
        let own = self.holdings.first();
        self.currency == currency && own.is_some_and(|own| own.instrument == instrument)
    }

    /// The account's currency.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The cash.
    #[must_use]
    pub const fn cash(&self) -> Decimal {
        self.cash
    }

    /// Everything that was ever held.
    #[must_use]
    pub fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    /// What is held of the run's own instrument.
    #[must_use]
    pub fn main(&self) -> &Holding {
        &self.holdings[0]
    }

    /// What is held of an instrument.
    #[must_use]
    pub fn holding(&self, instrument: &str) -> Option<&Holding> {
        self.holdings.iter().find(|h| h.instrument == instrument)
    }

    /// The position in an instrument.
    #[must_use]
    pub fn position(&self, instrument: &str) -> Decimal {
        self.holding(instrument)
            .map_or(Decimal::ZERO, |holding| holding.quantity)
    }

    /// The last known price of an instrument.
    #[must_use]
    pub fn mark_of(&self, instrument: &str) -> Option<Decimal> {
        self.holding(instrument)?.mark
    }

    /// Fees by currency.
    #[must_use]
    pub const fn fees(&self) -> &BTreeMap<String, Decimal> {
        &self.fees
    }

    /// The sum of price times quantity of all fills.
    #[must_use]
    pub const fn turnover(&self) -> Decimal {
        self.turnover
    }

    /// The number of fills.
    #[must_use]
    pub const fn fills(&self) -> u64 {
        self.fills
    }

    /// Cash and holdings at their last known prices.
    #[inline]
    pub fn equity(&self) -> Checked {
        let equity = add(self.cash, self.main().value()?)?;
        if self.others_value.is_zero() {
            return Ok(equity);
        }
        add(equity, self.others_value)
    }

    /// What the account was worth when it could first be told.
    #[must_use]
    pub const fn start_equity(&self) -> Option<Decimal> {
        self.start_equity
    }

    /// Notes the price of the run's own instrument.
    #[inline]
    pub fn mark(&mut self, price: Decimal) -> Checked<()> {
        if self.start_equity.is_none() {
            self.value_start(price)?;
        }
        self.holdings[0].mark = Some(price);
        Ok(())
    }

    /// What was there at the start is taken to have been bought at the first price that is known.
    fn value_start(&mut self, price: Decimal) -> Checked<()> {
        let value = mul(self.start_quantity, price)?;
        self.holdings[0].cost = add(self.holdings[0].cost, value)?;
        self.start_equity = Some(add(self.cash, value)?);
        Ok(())
    }

    /// Books an execution. Whoever calls makes sure that it is booked once.
    pub fn apply(&mut self, fill: &Fill) -> Checked<()> {
        let index = self.index_of(&fill.instrument);
        if index == 0 && self.start_equity.is_none() {
            self.value_start(fill.price)?;
        }
        let notional = mul(fill.price, fill.quantity)?;
        let (quantity, cash) = match fill.side {
            Side::Buy => (fill.quantity, sub(self.cash, notional)?),
            _ => (-fill.quantity, add(self.cash, notional)?),
        };
        self.cash = cash;
        self.turnover = add(self.turnover, notional.abs())?;
        self.fills += 1;

        let holding = &mut self.holdings[index];
        holding.trade(quantity, fill.price)?;
        if index != 0 || holding.mark.is_none() {
            holding.mark = Some(fill.price);
        }
        self.take_fee(index, fill)?;
        if index != 0 {
            self.revalue_others()?;
        }
        Ok(())
    }

    /// A fee in the account's currency costs cash; one in the base currency costs some of the position,
    /// at the fill's price. A fee in anything else is summed up, but the account is not kept in it.
    fn take_fee(&mut self, index: usize, fill: &Fill) -> Checked<()> {
        if fill.fee.is_zero() {
            return Ok(());
        }
        let base = fill.instrument.split('/').next().unwrap_or_default();
        if fill.fee_currency == self.currency {
            self.cash = sub(self.cash, fill.fee)?;
        } else if fill.fee_currency == base {
            let holding = &mut self.holdings[index];
            holding.trade(-fill.fee, fill.price)?;
            holding.realised = sub(holding.realised, mul(fill.fee, fill.price)?)?;
        }
        let total = self.fees.entry(fill.fee_currency.clone()).or_default();
        *total = add(*total, fill.fee)?;
        Ok(())
    }

    fn index_of(&mut self, instrument: &str) -> usize {
        if let Some(index) = self
            .holdings
            .iter()
            .position(|h| h.instrument == instrument)
        {
            return index;
        }
        self.holdings.push(Holding {
            instrument: instrument.to_owned(),
            ..Holding::default()
        });
        self.holdings.len() - 1
    }

    fn revalue_others(&mut self) -> Checked<()> {
        let mut total = Decimal::ZERO;
        for holding in &self.holdings[1..] {
            total = add(total, holding.value()?)?;
        }
        self.others_value = total;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
