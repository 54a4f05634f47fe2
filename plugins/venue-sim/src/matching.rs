//! Where a bar executes an order: pure functions of an order and a bar.

use investbot_plugin_api::{Bar, Decimal, Liquidity, Side, UnixNanos};

use crate::order::{Order, Working};

/// The two moments of a bar. Inside, nobody knows what came first, but the open came before all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Open,
    Inside,
}

impl Moment {
    /// When an order that was accepted at `accepted` is executed at this moment of `bar`.
    pub(crate) fn time(self, bar: &Bar, accepted: UnixNanos) -> UnixNanos {
        match self {
            Self::Open => bar.open_time.max(accepted),
            Self::Inside => bar.close_time.max(accepted),
        }
    }
}

/// What a moment of a bar does to an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// The stop price was reached.
    pub(crate) triggers: bool,
    /// It can be executed.
    pub(crate) execution: Option<Execution>,
}

impl Effect {
    /// What an execution of `order` at `moment` is charged as: an order takes if it came to the market,
    /// and makes if the market came to it.
    pub(crate) fn liquidity(&self, order: &Order, moment: Moment) -> Liquidity {
        let slips = self.execution.is_some_and(|e| e.slips);
        if slips || self.triggers || (order.marketable && moment == Moment::Open) {
            Liquidity::Taker
        } else {
            Liquidity::Maker
        }
    }
}

/// A price at which an order can be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Execution {
    /// The price, before slippage.
    pub(crate) price: Decimal,
    /// Whether slippage is added.
    pub(crate) slips: bool,
}

/// What `moment` of `bar` does to `order`.
pub(crate) fn effect(order: &Order, bar: &Bar, moment: Moment) -> Effect {
    let side = order.spec.side;
    match order.working() {
        Working::Market => Effect {
            triggers: false,
            execution: (moment == Moment::Open).then_some(Execution {
                price: bar.open,
                slips: true,
            }),
        },
        Working::Limit(limit) => Effect {
            triggers: false,
            execution: at_limit(limit, side, bar, moment).map(|price| Execution {
                // A post-only order was in the book first: whoever meets it pays its price.
                price: if order.spec.post_only { limit } else { price },
                slips: false,
            }),
        },
        Working::Stop(stop) => match at_stop(stop, side, bar, moment) {
            None => Effect::default(),
            Some(price) => Effect {
                triggers: true,
                execution: Some(Execution { price, slips: true }),
            },
        },
        Working::StopLimit { stop, limit } => match at_stop(stop, side, bar, moment) {
            None => Effect::default(),
            Some(price) => Effect {
                triggers: true,
                execution: allows(limit, side, price).then_some(Execution {
                    price,
                    slips: false,
                }),
            },
        },
    }
}

/// Whether a limit order trades at `price`.
pub(crate) fn allows(limit: Decimal, side: Side, price: Decimal) -> bool {
    match side {
        Side::Sell => price >= limit,
        _ => price <= limit,
    }
}

fn at_limit(limit: Decimal, side: Side, bar: &Bar, moment: Moment) -> Option<Decimal> {
    let (best, price) = match (moment, side) {
        (Moment::Open, _) => (bar.open, bar.open),
        (Moment::Inside, Side::Sell) => (bar.high, limit),
        (Moment::Inside, _) => (bar.low, limit),
    };
    allows(limit, side, best).then_some(price)
}

fn at_stop(stop: Decimal, side: Side, bar: &Bar, moment: Moment) -> Option<Decimal> {
    let (farthest, price) = match (moment, side) {
        (Moment::Open, _) => (bar.open, bar.open),
        (Moment::Inside, Side::Sell) => (bar.low, stop),
        (Moment::Inside, _) => (bar.high, stop),
    };
    let reached = match side {
        Side::Sell => farthest <= stop,
        _ => farthest >= stop,
    };
    reached.then_some(price)
}
