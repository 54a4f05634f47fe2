//! What an order must be for the venue to take it at all.

use investbot_plugin_api::manifest::Capabilities;
use investbot_plugin_api::{Decimal, Instrument, OrderType, TimeInForce};

use super::{Denial, DenialCode};
use crate::engine::arithmetic::is_multiple;
use crate::engine::intent::OrderSpec;

/// The kinds of orders that a venue takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSupport {
    /// Order types.
    pub order_types: Vec<OrderType>,
    /// Times in force.
    pub times_in_force: Vec<TimeInForce>,
    /// Whether `post_only` is honoured.
    pub post_only: bool,
    /// Whether `reduce_only` is honoured.
    pub reduce_only: bool,
}

impl OrderSupport {
    /// What the manifest declares.
    #[must_use]
    pub fn new(capabilities: &Capabilities) -> Self {
        let honours = |field: &str| capabilities.order_fields.iter().any(|f| f == field);
        Self {
            order_types: capabilities.order_types.clone(),
            times_in_force: capabilities.times_in_force.clone(),
            post_only: honours("post_only"),
            reduce_only: honours("reduce_only"),
        }
    }
}

/// Whether the venue could take this order. `reference` is the last known price.
pub fn check_rules(
    spec: &OrderSpec,
    support: &OrderSupport,
    instrument: Option<&Instrument>,
    reference: Option<Decimal>,
) -> Result<(), Denial> {
    check_shape(spec)?;
    check_support(spec, support)?;
    match instrument {
        Some(instrument) => check_instrument(spec, instrument, reference),
        None => Ok(()),
    }
}

fn check_shape(spec: &OrderSpec) -> Result<(), Denial> {
    let invalid = |text: String| Err(Denial::new(DenialCode::InvalidOrder, text));
    if spec.instrument.is_empty() {
        return invalid("no instrument is named".into());
    }
    if spec.quantity <= Decimal::ZERO {
        return invalid(format!("quantity {} is not above 0", spec.quantity));
    }
    let prices = [
        (
            "limit_price",
            spec.limit_price,
            spec.order_type.has_limit_price(),
        ),
        (
            "stop_price",
            spec.stop_price,
            spec.order_type.has_stop_price(),
        ),
    ];
    for (name, price, needed) in prices {
        match price {
            Some(price) if price <= Decimal::ZERO => {
                return invalid(format!("{name} {price} is not above 0"));
            }
            Some(_) if !needed => {
                return invalid(format!("a {} order has no {name}", spec.order_type));
            }
            None if needed => {
                return invalid(format!("a {} order needs a {name}", spec.order_type));
            }
            _ => {}
        }
    }
    match (spec.time_in_force, spec.expire_time) {
        (TimeInForce::Gtd, None) => invalid("time in force gtd needs an expire_time".into()),
        (TimeInForce::Gtd, Some(_)) | (_, None) => Ok(()),
        (other, Some(_)) => invalid(format!("time in force {other} has no expire_time")),
    }
}

fn check_support(spec: &OrderSpec, support: &OrderSupport) -> Result<(), Denial> {
    if !support.order_types.contains(&spec.order_type) {
        return Err(Denial::new(
            DenialCode::UnsupportedOrderType,
            format!(
                "the venue takes no {} orders, only: {}",
                spec.order_type,
                words(&support.order_types)
            ),
        ));
    }
    if !support.times_in_force.contains(&spec.time_in_force) {
        return Err(Denial::new(
            DenialCode::UnsupportedTimeInForce,
            format!(
                "the venue does not know time in force {}, only: {}",
                spec.time_in_force,
                words(&support.times_in_force)
            ),
        ));
    }
    let fields = [
        ("post_only", spec.post_only, support.post_only),
        ("reduce_only", spec.reduce_only, support.reduce_only),
    ];
    for (field, wanted, honoured) in fields {
        if wanted && !honoured {
            return Err(Denial::new(
                DenialCode::UnsupportedField,
                format!("the venue would ignore {field}"),
            ));
        }
    }
    Ok(())
}

fn check_instrument(
    spec: &OrderSpec,
    rules: &Instrument,
    reference: Option<Decimal>,
) -> Result<(), Denial> {
    let symbol = &rules.symbol;
    for (name, price) in [("limit", spec.limit_price), ("stop", spec.stop_price)] {
        if let Some(price) = price.filter(|price| !is_multiple(*price, rules.tick_size)) {
            return Err(Denial::new(
                DenialCode::PriceTick,
                format!(
                    "{name} price {price} is not a multiple of {symbol}'s tick size {}",
                    rules.tick_size
                ),
            ));
        }
    }
    let quantity = spec.quantity;
    if !is_multiple(quantity, rules.lot_size) {
        return Err(Denial::new(
            DenialCode::LotSize,
            format!(
                "quantity {quantity} is not a multiple of {symbol}'s lot size {}",
                rules.lot_size
            ),
        ));
    }
    if quantity < rules.min_quantity {
        return Err(Denial::new(
            DenialCode::MinQuantity,
            format!(
                "quantity {quantity} is below {symbol}'s smallest, {}",
                rules.min_quantity
            ),
        ));
    }
    if let Some(largest) = rules.max_quantity.filter(|largest| quantity > *largest) {
        return Err(Denial::new(
            DenialCode::MaxQuantity,
            format!("quantity {quantity} is above {symbol}'s largest, {largest}"),
        ));
    }
    // Without any price the venue has to judge.
    let price = spec.limit_price.or(spec.stop_price).or(reference);
    let notional = price.and_then(|price| price.checked_mul(quantity));
    if let Some(notional) = notional.filter(|notional| *notional < rules.min_notional) {
        return Err(Denial::new(
            DenialCode::MinNotional,
            format!(
                "{quantity} is worth {notional}, below {symbol}'s smallest order of {}",
                rules.min_notional
            ),
        ));
    }
    Ok(())
}

fn words<T: std::fmt::Display>(values: &[T]) -> String {
    let words: Vec<String> = values.iter().map(T::to_string).collect();
    words.join(", ")
}
