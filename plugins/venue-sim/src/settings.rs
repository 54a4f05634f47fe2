//! What a simulated market is like: costs, rules and starting balances.

use investbot_plugin_api::{Decimal, Instrument};
use serde::Deserialize;

/// How the venue treats a client order id that it has seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientIds {
    /// The same order with the same id is the same order, for ever.
    UniqueForever,
    /// An id is free again once its order is closed: sending it again is a second order.
    UniqueWhileOpen,
}

/// The configuration keys that every simulated venue understands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Settings {
    /// Price against the trader on market and stop orders, in basis points.
    pub slippage_bps: Decimal,
    /// Fee of a fill that gave liquidity, in basis points of its notional; negative for a rebate.
    pub maker_fee_bps: Decimal,
    /// Fee of a fill that took liquidity, in basis points of its notional.
    pub taker_fee_bps: Decimal,
    /// The share of a bar's volume that can be had, 0 to 1; 0 for no limit.
    pub volume_share: Decimal,
    /// Prices of orders are multiples of this.
    pub tick_size: Decimal,
    /// Quantities are multiples of this.
    pub lot_size: Decimal,
    /// The smallest quantity of an order; 0 for one lot.
    pub min_quantity: Decimal,
    /// The smallest price times quantity of an order.
    pub min_notional: Decimal,
    /// What the account begins with of every quote currency.
    pub starting_cash: Decimal,
    /// What the account begins with of every base currency that is no quote currency.
    pub starting_base: Decimal,
    /// Whether more can be sold than the account holds.
    pub allow_short: bool,
}

/// A setting that makes no market.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}; it has to be {rule}")]
pub struct SettingsError {
    /// The configuration key.
    pub key: &'static str,
    /// Its value.
    pub value: Decimal,
    /// What it has to be.
    pub rule: &'static str,
}

impl Settings {
    /// Quantities and prices above this are refused, so that no sum of them overflows a decimal.
    pub(crate) const LARGEST: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0); // 10^12

    /// One basis point is one of this many parts.
    pub(crate) const BASIS_POINTS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

    /// Checks every value against its range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let zero = Decimal::ZERO;
        let all = Self::BASIS_POINTS;
        let share = zero..=Decimal::ONE;
        let amount = zero..=Self::LARGEST;
        let size = |v: Decimal| v > zero && v <= Self::LARGEST;
        let bps = |v: Decimal| v >= zero && v < all;
        let checks = [
            ("slippage_bps", self.slippage_bps, bps(self.slippage_bps)),
            ("taker_fee_bps", self.taker_fee_bps, bps(self.taker_fee_bps)),
            (
                "maker_fee_bps",
                self.maker_fee_bps,
                bps(self.maker_fee_bps.abs()),
            ),
            (
                "volume_share",
                self.volume_share,
                share.contains(&self.volume_share),
            ),
            ("tick_size", self.tick_size, size(self.tick_size)),
            ("lot_size", self.lot_size, size(self.lot_size)),
            (
                "min_quantity",
                self.min_quantity,
                amount.contains(&self.min_quantity),
            ),
            (
                "min_notional",
                self.min_notional,
                amount.contains(&self.min_notional),
            ),
            (
                "starting_cash",
                self.starting_cash,
                amount.contains(&self.starting_cash),
            ),
            (
                "starting_base",
                self.starting_base,
                amount.contains(&self.starting_base),
            ),
        ];
        match checks.into_iter().find(|(_, _, good)| !good) {
            Some((key, value, _)) => Err(SettingsError {
                key,
                value,
                rule: Self::rule(key),
            }),
            None => Ok(()),
        }
    }

    fn rule(key: &str) -> &'static str {
        match key {
            "slippage_bps" | "taker_fee_bps" => "at least 0 and below 10000",
            "maker_fee_bps" => "above -10000 and below 10000",
            "volume_share" => "from 0 to 1",
            "tick_size" | "lot_size" => "above 0 and at most 10^12",
            _ => "from 0 to 10^12",
        }
    }

    /// The instrument of a symbol, with the venue's rules.
    pub(crate) fn instrument(&self, symbol: &str) -> Instrument {
        let mut instrument = Instrument::new(symbol, self.tick_size, self.lot_size)
            .with_min_notional(self.min_notional);
        instrument.min_quantity = self.min_quantity.max(self.lot_size);
        instrument.max_quantity = Some(Self::LARGEST);
        instrument
    }

    /// The highest fee that a fill can have, in basis points.
    pub(crate) fn highest_fee_bps(&self) -> Decimal {
        self.maker_fee_bps
            .max(self.taker_fee_bps)
            .max(Decimal::ZERO)
    }
}
