//! Checks before an order leaves: what they refuse is denied, and nothing was sent.
//!
//! Two kinds. The rules ([`check_rules`]) say whether the venue could take the order at all: its shape,
//! the venue's order types and fields, the instrument's tick, lot and smallest sizes. The limits
//! ([`Risk::check`]) say whether the run may: they are set by whoever answers for the money. A product
//! that is too large for a decimal is above every limit.
//!
//! The reference price is the last close of the run's instrument; for an instrument without bars it is
//! the price of the last own fill. A check that needs one denies while there is none.

mod denial;
mod rules;

use std::collections::VecDeque;

use investbot_plugin_api::{Decimal, Side, UnixNanos};

use super::intent::OrderSpec;
use super::orders::Exposure;
pub use denial::{Denial, DenialCode};
pub use rules::{OrderSupport, check_rules};

const MINUTE_NS: i64 = 60 * 1_000_000_000;

/// What the run may do. `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskLimits {
    /// Largest quantity of an order, in base units.
    pub max_order_quantity: Option<Decimal>,
    /// Largest price times quantity of an order, in quote currency.
    pub max_order_notional: Option<Decimal>,
    /// Largest position, long or short, in base units, with every open order of the side filled.
    pub max_position: Option<Decimal>,
    /// How far a limit or stop price may be from the reference price, in percent of it.
    pub price_band_percent: Option<Decimal>,
    /// Most orders in any 60 seconds of the input's time.
    pub max_orders_per_minute: Option<u32>,
    /// The run halts once equity is more than this below its start, in quote currency.
    pub loss_limit: Option<Decimal>,
    /// Whether an instrument takes new orders while one of its orders is in doubt or held.
    pub allow_while_in_doubt: bool,
}

/// What the checks look at.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// The position in the order's instrument.
    pub position: Decimal,
    /// What the instrument's open orders add up to.
    pub exposure: Exposure,
    /// The reference price.
    pub reference: Option<Decimal>,
    /// The time of the input.
    pub now: UnixNanos,
}

/// The run's limits and what they have to remember.
#[derive(Clone, Debug, Default)]
pub struct Risk {
    limits: RiskLimits,
    /// When the orders of the last minute were let through, oldest first; never more than the limit.
    sent: VecDeque<UnixNanos>,
}

impl Risk {
    /// Checks against `limits`.
    #[must_use]
    pub fn new(limits: RiskLimits) -> Self {
        Self {
            limits,
            sent: VecDeque::new(),
        }
    }

    /// Adds orders that were let through before, oldest first.
    #[must_use]
    pub fn having_sent(mut self, sent: impl IntoIterator<Item = UnixNanos>) -> Self {
        for time in sent {
            self.note_sent(time);
        }
        self
    }

    /// When the orders of the last minute were let through, oldest first; older ones count for nothing.
    pub fn sent_lately(&self, now: UnixNanos) -> impl Iterator<Item = UnixNanos> {
        let minute_ago = now.0.saturating_sub(MINUTE_NS);
        let sent = self.sent.iter().copied();
        sent.skip_while(move |time| time.0 <= minute_ago)
    }

    /// Whether the run may send this order, whose shape has been checked.
    pub fn check(&self, spec: &OrderSpec, at: &Situation) -> Result<(), Denial> {
        self.check_doubt(spec, at)?;
        self.check_quantity(spec)?;
        self.check_band(spec, at)?;
        self.check_notional(spec, at)?;
        self.check_position(spec, at)?;
        self.check_rate(at.now)
    }

    /// Notes that an order was let through.
    pub fn note_sent(&mut self, now: UnixNanos) {
        let Some(limit) = self.limits.max_orders_per_minute else {
            return;
        };
        self.sent.push_back(now);
        while self.sent.len() > limit as usize {
            self.sent.pop_front();
        }
    }

    /// The loss, if it is more than the limit.
    #[inline]
    #[must_use]
    pub fn loss_over_limit(&self, start: Option<Decimal>, equity: Decimal) -> Option<Decimal> {
        let limit = self.limits.loss_limit?;
        // A difference that does not fit is a loss beyond every limit, or a gain.
        let loss = start?.saturating_sub(equity);
        (loss > limit).then_some(loss)
    }

    /// The loss limit.
    #[must_use]
    pub const fn loss_limit(&self) -> Option<Decimal> {
        self.limits.loss_limit
    }

    fn check_doubt(&self, spec: &OrderSpec, at: &Situation) -> Result<(), Denial> {
        if at.exposure.blocking == 0 || self.limits.allow_while_in_doubt {
            return Ok(());
        }
        Err(Denial::new(
            DenialCode::InDoubt,
            format!(
                "{} has {} order(s) in doubt or held; it takes no new ones until they are resolved",
                spec.instrument, at.exposure.blocking
            ),
        ))
    }

    fn check_quantity(&self, spec: &OrderSpec) -> Result<(), Denial> {
        match self.limits.max_order_quantity {
            Some(limit) if spec.quantity > limit => Err(Denial::new(
                DenialCode::MaxOrderQuantity,
                format!("quantity {} is above the limit of {limit}", spec.quantity),
            )),
            _ => Ok(()),
        }
    }

    fn check_band(&self, spec: &OrderSpec, at: &Situation) -> Result<(), Denial> {
        let Some(band) = self.limits.price_band_percent else {
            return Ok(());
        };
        for (name, price) in [("limit", spec.limit_price), ("stop", spec.stop_price)] {
            let Some(price) = price else { continue };
            let reference = at.reference.ok_or_else(|| {
                no_reference(spec, "the price band is measured from the last known price")
            })?;
            let far = price.saturating_sub(reference).abs();
            let in_percent = far.checked_mul(Decimal::ONE_HUNDRED);
            let allowed = reference.abs().checked_mul(band);
            if in_percent.is_none_or(|far| allowed.is_some_and(|allowed| far > allowed)) {
                return Err(Denial::new(
                    DenialCode::PriceBand,
                    format!("{name} price {price} is more than {band} % from {reference}"),
                ));
            }
        }
        Ok(())
    }

    /// The price is the worst that is known: a limit for a buy, the highest of all for the rest.
    fn check_notional(&self, spec: &OrderSpec, at: &Situation) -> Result<(), Denial> {
        let Some(limit) = self.limits.max_order_notional else {
            return Ok(());
        };
        let price = match (spec.side, spec.limit_price) {
            (Side::Buy, Some(price)) => Some(price),
            _ => [spec.limit_price, spec.stop_price, at.reference]
                .into_iter()
                .flatten()
                .max(),
        };
        let price = price.ok_or_else(|| {
            no_reference(spec, "the largest notional needs a price to be measured")
        })?;
        let notional = spec.quantity.checked_mul(price);
        if notional.is_none_or(|notional| notional > limit) {
            let notional = notional.map_or("more than can be counted".into(), |n| n.to_string());
            return Err(Denial::new(
                DenialCode::MaxOrderNotional,
                format!(
                    "{} at {price} is {notional}, above the limit of {limit}",
                    spec.quantity
                ),
            ));
        }
        Ok(())
    }

    fn check_position(&self, spec: &OrderSpec, at: &Situation) -> Result<(), Denial> {
        let Some(limit) = self.limits.max_position else {
            return Ok(());
        };
        let (held, open) = match spec.side {
            Side::Buy => (at.position, at.exposure.buying),
            _ => (-at.position, at.exposure.selling),
        };
        let after = held
            .checked_add(open)
            .and_then(|sum| sum.checked_add(spec.quantity));
        if after.is_some_and(|after| after <= limit) {
            return Ok(());
        }
        Err(Denial::new(
            DenialCode::MaxPosition,
            format!(
                "a {} of {} with a position of {} and {open} in open orders would go beyond the limit of {limit}",
                spec.side, spec.quantity, at.position
            ),
        ))
    }

    fn check_rate(&self, now: UnixNanos) -> Result<(), Denial> {
        let Some(limit) = self.limits.max_orders_per_minute else {
            return Ok(());
        };
        let minute_ago = now.0.saturating_sub(MINUTE_NS);
        // The last `limit` orders are remembered: are they all younger than a minute?
        let full = self.sent.len() >= limit as usize;
        if full && self.sent.front().is_none_or(|oldest| oldest.0 > minute_ago) {
            return Err(Denial::new(
                DenialCode::MaxOrdersPerMinute,
                format!("{limit} orders were sent in the last minute, which is the limit"),
            ));
        }
        Ok(())
    }
}

fn no_reference(spec: &OrderSpec, why: &str) -> Denial {
    Denial::new(
        DenialCode::NoReferencePrice,
        format!("no price of {} is known yet, and {why}", spec.instrument),
    )
}

#[cfg(test)]
mod tests;
