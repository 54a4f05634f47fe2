//! Prices and fees. Whatever has to be rounded is rounded against the trader. `None` means that a
//! result is beyond what a decimal can hold.

use investbot_plugin_api::{Decimal, Side};

use crate::settings::Settings;

/// Fees are multiples of this.
const FEE_UNIT: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

/// `price` made worse by `bps` basis points and rounded to the tick.
pub(crate) fn slipped(price: Decimal, side: Side, bps: Decimal, tick: Decimal) -> Option<Decimal> {
    if bps.is_zero() {
        return Some(price);
    }
    let parts = Settings::BASIS_POINTS + side.sign() * bps;
    let raw = price.checked_mul(parts)? / Settings::BASIS_POINTS;
    let below = raw - raw.checked_rem(tick)?;
    let rounded = match side {
        Side::Buy if below < raw => below.checked_add(tick)?,
        _ => below,
    };
    // A market that trades below one tick cannot be rounded down to it.
    let price = if rounded.is_zero() { raw } else { rounded };
    Some(price.normalize())
}

/// The fee of a fill, in quote currency.
pub(crate) fn fee(notional: Decimal, bps: Decimal) -> Option<Decimal> {
    let exact = notional.checked_mul(bps)? / Settings::BASIS_POINTS;
    let below = exact.trunc_with_scale(FEE_UNIT.scale());
    let rounded = if exact > below {
        below.checked_add(FEE_UNIT)?
    } else {
        below
    };
    Some(rounded.normalize())
}

/// What a buy costs, fee included.
pub(crate) fn cost(price: Decimal, quantity: Decimal, fee_bps: Decimal) -> Option<Decimal> {
    let notional = price.checked_mul(quantity)?;
    notional.checked_add(fee(notional, fee_bps)?)
}

/// The largest whole number of lots that is not above `quantity`.
pub(crate) fn whole_lots(quantity: Decimal, lot: Decimal) -> Decimal {
    let rest = quantity.checked_rem(lot).unwrap_or(quantity);
    (quantity - rest).max(Decimal::ZERO).normalize()
}
