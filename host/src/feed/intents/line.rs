//! One line to one intent.

use std::str::FromStr;

use investbot_plugin_api::{Decimal, OrderType, Side, TimeInForce, UnixNanos};

use super::super::decimal;
use super::super::error::excerpt;
use super::super::time::{TimeFault, rfc3339};
use super::error::IntentFault;
use super::object::{Located, Object, Value};
use crate::engine::{Intent, OrderSpec};

/// The fields of an order. A cancel has `cancel` and `time`.
const FIELDS: [&str; 13] = [
    "id",
    "instrument",
    "side",
    "type",
    "quantity",
    "limit_price",
    "stop_price",
    "time_in_force",
    "expire_time",
    "post_only",
    "reduce_only",
    "time",
    "cancel",
];

/// No id or symbol is longer.
const LONGEST_NAME: usize = 64;

/// Nanoseconds of the year 1973: what is below was counted in another unit.
const LEAST_NANOS: i64 = 100_000_000_000_000_000;

/// Reads a line; when it is to be taken up, and what is wanted.
pub(super) fn parse(line: &[u8]) -> Result<(Option<UnixNanos>, Intent), Located> {
    let object = Object::parse(line)?;
    if let Some((offset, field)) = object.stranger(&FIELDS) {
        let fault = IntentFault::UnknownField {
            field: excerpt(field.as_bytes()),
            hint: hint(field, &FIELDS),
        };
        return Err((offset, fault));
    }
    let line = Fields { object };
    let time = line.time("time")?;
    let intent = match line.object.get("cancel") {
        Some(id) => line.cancel(id)?,
        None => line.order()?,
    };
    Ok((time, intent))
}

struct Fields<'a> {
    object: Object<'a>,
}

impl Fields<'_> {
    fn cancel(&self, id: Value<'_>) -> Result<Intent, Located> {
        for field in FIELDS {
            if !matches!(field, "cancel" | "time") {
                self.forbid(field, "a cancel")?;
            }
        }
        let id = name("cancel", id)?;
        Ok(Intent::Cancel { id })
    }

    fn order(&self) -> Result<Intent, Located> {
        let order_type: OrderType = self.word("type", OrderType::ALL)?;
        let limit_price = self.price(
            "limit_price",
            order_type.has_limit_price(),
            an_order(order_type),
        )?;
        let stop_price = self.price(
            "stop_price",
            order_type.has_stop_price(),
            an_order(order_type),
        )?;
        let time_in_force = match self.object.get("time_in_force") {
            None => TimeInForce::Gtc,
            Some(value) => word("time_in_force", value, TimeInForce::ALL)?,
        };
        let post_only = self.flag("post_only")?;
        if post_only {
            self.check_post_only(order_type, time_in_force)?;
        }
        let spec = OrderSpec {
            instrument: name("instrument", self.required("instrument", "an order")?)?,
            side: self.word("side", Side::ALL)?,
            order_type,
            quantity: positive("quantity", self.required("quantity", "an order")?)?,
            limit_price,
            stop_price,
            time_in_force,
            expire_time: self.expire_time(time_in_force)?,
            post_only,
            reduce_only: self.flag("reduce_only")?,
        };
        let id = self.object.get("id").map(|value| name("id", value));
        let id = id.transpose()?;
        Ok(Intent::Order { id, spec })
    }

    /// An order that must not take liquidity has to be able to wait in the book.
    fn check_post_only(
        &self,
        order_type: OrderType,
        time_in_force: TimeInForce,
    ) -> Result<(), Located> {
        if !order_type.has_limit_price() {
            self.forbid("post_only", an_order(order_type))?;
        }
        if matches!(time_in_force, TimeInForce::Ioc | TimeInForce::Fok) {
            self.forbid("post_only", "an immediate order (ioc, fok)")?;
        }
        Ok(())
    }

    fn expire_time(&self, time_in_force: TimeInForce) -> Result<Option<UnixNanos>, Located> {
        const FIELD: &str = "expire_time";
        if time_in_force == TimeInForce::Gtd {
            self.required(FIELD, "an order with the time in force gtd")?;
        } else {
            self.forbid(FIELD, "an order whose time in force is not gtd")?;
        }
        self.time(FIELD)
    }

    fn required(&self, field: &'static str, what: &'static str) -> Result<Value<'_>, Located> {
        let missing = IntentFault::Missing { field, what };
        self.object.get(field).ok_or((0, missing))
    }

    fn forbid(&self, field: &'static str, what: &'static str) -> Result<(), Located> {
        match self.object.get(field) {
            None => Ok(()),
            Some(value) => Err((value.offset, IntentFault::Needless { field, what })),
        }
    }

    fn price(
        &self,
        field: &'static str,
        wanted: bool,
        what: &'static str,
    ) -> Result<Option<Decimal>, Located> {
        if wanted {
            positive(field, self.required(field, what)?).map(Some)
        } else {
            self.forbid(field, what).map(|()| None)
        }
    }

    fn word<T: FromStr + ToString>(&self, field: &'static str, known: &[T]) -> Result<T, Located> {
        word(field, self.required(field, "an order")?, known)
    }

    fn flag(&self, field: &'static str) -> Result<bool, Located> {
        match self.object.get(field) {
            None => Ok(false),
            Some(value) => match value.raw {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(wrong_type(field, value, "true or false")),
            },
        }
    }

    fn time(&self, field: &'static str) -> Result<Option<UnixNanos>, Located> {
        let Some(value) = self.object.get(field) else {
            return Ok(None);
        };
        let fault = |fault| {
            let value = value.excerpt();
            IntentFault::Time {
                field,
                value,
                fault,
            }
        };
        if let Some(text) = value.as_string() {
            let time = rfc3339(&text).map_err(|e| (value.offset, fault(e)))?;
            return Ok(Some(time));
        }
        let digits = value.raw.strip_prefix('-').unwrap_or(value.raw);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong_type(
                field,
                value,
                "RFC 3339 text, or whole nanoseconds since 1970,",
            ));
        }
        match value.raw.parse::<i64>() {
            Err(_) => Err((value.offset, fault(TimeFault::OutOfRange))),
            Ok(nanos) if nanos < LEAST_NANOS => {
                let value_text = value.excerpt();
                let fault = IntentFault::NotNanos {
                    field,
                    value: value_text,
                };
                Err((value.offset, fault))
            }
            Ok(nanos) => Ok(Some(UnixNanos(nanos))),
        }
    }
}

const fn an_order(order_type: OrderType) -> &'static str {
    match order_type {
        OrderType::Market => "a market order",
        OrderType::Limit => "a limit order",
        OrderType::Stop => "a stop order",
        OrderType::StopLimit => "a stop_limit order",
        _ => "an order of this type",
    }
}

/// A decimal number above 0, as a string or a number; never by way of floating point.
fn positive(field: &'static str, value: Value<'_>) -> Result<Decimal, Located> {
    let text = match value.raw.as_bytes().first() {
        Some(b'"') => value.as_string(),
        Some(b'-' | b'0'..=b'9') => Some(value.raw.to_owned()),
        _ => None,
    };
    let Some(text) = text else {
        return Err(wrong_type(field, value, "a number, best as a string,"));
    };
    let number = decimal::parse(text.as_bytes()).map_err(|fault| {
        let fault = IntentFault::Number {
            field,
            value: value.excerpt(),
            fault,
        };
        (value.offset, fault)
    })?;
    if number.is_zero() || number.is_sign_negative() {
        let fault = IntentFault::NotPositive {
            field,
            value: value.excerpt(),
        };
        return Err((value.offset, fault));
    }
    Ok(number)
}

fn word<T: FromStr + ToString>(
    field: &'static str,
    value: Value<'_>,
    known: &[T],
) -> Result<T, Located> {
    let Some(text) = value.as_string() else {
        return Err(wrong_type(field, value, "a string"));
    };
    text.parse().map_err(|_| {
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let fault = IntentFault::Word {
            field,
            value: excerpt(text.as_bytes()),
            hint: hint(&text, &known),
        };
        (value.offset, fault)
    })
}

fn name(field: &'static str, value: Value<'_>) -> Result<String, Located> {
    let Some(text) = value.as_string() else {
        return Err(wrong_type(field, value, "a string"));
    };
    let length = text.chars().take(LONGEST_NAME + 1).count();
    if length == 0 || length > LONGEST_NAME || text.chars().any(char::is_control) {
        let fault = IntentFault::Name {
            field,
            value: excerpt(text.as_bytes()),
            limit: LONGEST_NAME,
        };
        return Err((value.offset, fault));
    }
    Ok(text)
}

fn wrong_type(field: &'static str, value: Value<'_>, expected: &'static str) -> Located {
    let fault = IntentFault::Type {
        field,
        value: value.excerpt(),
        expected,
    };
    (value.offset, fault)
}

/// The word that was probably meant, or all that there are.
fn hint(given: &str, known: &[&str]) -> String {
    let given = given.to_lowercase();
    // The measure takes time with the square of the length.
    let near = if given.len() > LONGEST_NAME {
        None
    } else {
        known
            .iter()
            .map(|word| (strsim::damerau_levenshtein(&given, word), *word))
            .filter(|(distance, word)| *distance <= 2.max(word.len() / 3))
            .min()
    };
    match near {
        Some((_, word)) => format!("did you mean `{word}`?"),
        None => format!("known are: {}", known.join(", ")),
    }
}
