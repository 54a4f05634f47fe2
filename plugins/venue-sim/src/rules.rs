//! The rules that an order has to keep whatever the market does.

use investbot_plugin_api::{Decimal, Instrument, NewOrder, OrderType, TimeInForce, UnixNanos};

use crate::refusal::Refusal;
use crate::settings::Settings;

/// Checks an order against its instrument and against itself.
pub(crate) fn check(
    order: &NewOrder,
    instrument: &Instrument,
    last: Option<Decimal>,
    now: UnixNanos,
) -> Result<(), Refusal> {
    arrival(order, now)?;
    fields(order)?;
    for (field, price) in [
        ("limit_price", order.limit_price),
        ("stop_price", order.stop_price),
    ] {
        if let Some(price) = price {
            check_price(field, price, instrument.tick_size)?;
        }
    }
    check_quantity(order.quantity, instrument)?;
    // A market order's price is not known yet; the last one is the best guess.
    let price = order.limit_price.or(order.stop_price).or(last);
    let notional = price.and_then(|price| price.checked_mul(order.quantity));
    match notional {
        Some(notional) if notional < instrument.min_notional => Err(Refusal::MinNotional {
            notional: notional.normalize(),
            min_notional: instrument.min_notional,
        }),
        _ => Ok(()),
    }
}

fn arrival(order: &NewOrder, now: UnixNanos) -> Result<(), Refusal> {
    match order.deadline {
        Some(deadline) if now > deadline => {
            return Err(Refusal::DeadlinePassed { deadline, now });
        }
        _ => {}
    }
    match order.expire_time {
        Some(expire_time) if expire_time <= now => Err(Refusal::Expired { expire_time, now }),
        _ => Ok(()),
    }
}

fn fields(order: &NewOrder) -> Result<(), Refusal> {
    let order_type = order.order_type;
    let wrong = |problem| {
        Err(Refusal::PriceFields {
            order_type,
            problem,
        })
    };
    match (order_type.has_limit_price(), order.limit_price) {
        (true, None) => return wrong("needs a limit_price"),
        (false, Some(_)) => return wrong("has no limit_price"),
        _ => {}
    }
    match (order_type.has_stop_price(), order.stop_price) {
        (true, None) => return wrong("needs a stop_price"),
        (false, Some(_)) => return wrong("has no stop_price"),
        _ => {}
    }
    let time_in_force = order.time_in_force;
    if (time_in_force == TimeInForce::Gtd) != order.expire_time.is_some() {
        return Err(Refusal::ExpireTime { time_in_force });
    }
    let immediate = matches!(time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
    if immediate && order_type.has_stop_price() {
        return Err(Refusal::TimeInForce {
            order_type,
            time_in_force,
        });
    }
    if order.post_only && (order_type != OrderType::Limit || immediate) {
        return Err(Refusal::PostOnly {
            problem: "only a limit order that may stay in the book can be post-only",
        });
    }
    Ok(())
}

fn check_price(field: &'static str, price: Decimal, tick_size: Decimal) -> Result<(), Refusal> {
    if price <= Decimal::ZERO || price > Settings::LARGEST {
        return Err(Refusal::PriceRange {
            field,
            price,
            largest: Settings::LARGEST,
        });
    }
    match price.checked_rem(tick_size) {
        Some(rest) if rest.is_zero() => Ok(()),
        _ => Err(Refusal::PriceTick {
            field,
            price,
            tick_size,
        }),
    }
}

fn check_quantity(quantity: Decimal, instrument: &Instrument) -> Result<(), Refusal> {
    let smallest = instrument.min_quantity;
    let largest = instrument.max_quantity.unwrap_or(Settings::LARGEST);
    if quantity <= Decimal::ZERO || quantity < smallest || quantity > largest {
        return Err(Refusal::Quantity {
            quantity,
            smallest,
            largest,
        });
    }
    match quantity.checked_rem(instrument.lot_size) {
        Some(rest) if rest.is_zero() => Ok(()),
        _ => Err(Refusal::LotSize {
            quantity,
            lot_size: instrument.lot_size,
        }),
    }
}
