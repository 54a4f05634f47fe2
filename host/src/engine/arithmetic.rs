//! Decimal arithmetic that answers instead of panicking.
//!
//! [`Decimal`] holds 96 bits. Its operators panic when a result needs more, and bars, fills and intents
//! come from outside; so the core uses these and ends the run with a reason.
//!
//! Every bar goes through a dozen of them. Nearly all numbers have at most 18 digits and nearly all pairs
//! the same scale; for those the answer is found here in a few instructions, and it is the very one that
//! [`Decimal`] gives.

use std::cmp::Ordering;

use investbot_plugin_api::Decimal;

/// A result that a decimal cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{left} {operation} {right} does not fit into a decimal of 96 bits; check the prices and quantities that came in"
)]
pub struct Overflow {
    operation: char,
    left: Decimal,
    right: Decimal,
}

impl Overflow {
    const fn new(operation: char, left: Decimal, right: Decimal) -> Self {
        Self {
            operation,
            left,
            right,
        }
    }
}

/// What arithmetic answers.
pub type Checked<T = Decimal> = Result<T, Overflow>;

/// `left + right`.
#[inline]
pub fn add(left: Decimal, right: Decimal) -> Checked {
    let short = short_pair(left, right).and_then(|(l, r)| l.checked_add(r));
    match short {
        Some(sum) => Ok(long(sum, left.scale())),
        None if right.is_zero() && right.scale() <= left.scale() => Ok(left),
        None => left
            .checked_add(right)
            .ok_or(Overflow::new('+', left, right)),
    }
}

/// `left - right`.
#[inline]
pub fn sub(left: Decimal, right: Decimal) -> Checked {
    let short = short_pair(left, right).and_then(|(l, r)| l.checked_sub(r));
    match short {
        Some(difference) => Ok(long(difference, left.scale())),
        None => left
            .checked_sub(right)
            .ok_or(Overflow::new('-', left, right)),
    }
}

/// `left * right`.
#[inline]
pub fn mul(left: Decimal, right: Decimal) -> Checked {
    let scale = left.scale() + right.scale();
    let short = match (short(left), short(right)) {
        (Some(l), Some(r)) if scale <= Decimal::MAX_SCALE => l.checked_mul(r),
        _ => None,
    };
    // A product of 0 has another scale, which the general way knows.
    match short {
        Some(product) if product != 0 => Ok(long(product, scale)),
        _ => left
            .checked_mul(right)
            .ok_or(Overflow::new('*', left, right)),
    }
}

/// How `left` compares to `right`.
#[inline]
#[must_use]
pub fn compare(left: Decimal, right: Decimal) -> Ordering {
    match short_pair(left, right) {
        Some((l, r)) => l.cmp(&r),
        None => left.cmp(&right),
    }
}

/// `left / right`; a division by zero is an overflow too.
#[inline]
pub fn div(left: Decimal, right: Decimal) -> Checked {
    left.checked_div(right)
        .ok_or(Overflow::new('/', left, right))
}

/// The mantissa, if it fits.
#[inline]
fn short(value: Decimal) -> Option<i64> {
    let parts = value.unpack();
    let magnitude = u64::from(parts.mid) << 32 | u64::from(parts.lo);
    if parts.hi != 0 || magnitude > i64::MAX as u64 {
        return None;
    }
    let magnitude = magnitude as i64;
    Some(if parts.negative {
        -magnitude
    } else {
        magnitude
    })
}

/// Both mantissas, if they fit and mean the same unit.
#[inline]
fn short_pair(left: Decimal, right: Decimal) -> Option<(i64, i64)> {
    if left.scale() == right.scale() {
        short(left).zip(short(right))
    } else {
        None
    }
}

/// The decimal of a mantissa.
#[inline]
fn long(mantissa: i64, scale: u32) -> Decimal {
    let magnitude = mantissa.unsigned_abs();
    let (low, middle) = (magnitude as u32, (magnitude >> 32) as u32);
    Decimal::from_parts(low, middle, 0, mantissa < 0, scale)
}

/// The largest multiple of `step` that is not above `value`; `value` itself without a positive step.
/// For values from 0 on.
pub fn round_down(value: Decimal, step: Decimal) -> Checked {
    if step <= Decimal::ZERO {
        return Ok(value);
    }
    let rest = value
        .checked_rem(step)
        .ok_or(Overflow::new('%', value, step))?;
    Ok(sub(value, rest)?.normalize())
}

/// Whether `value` is a whole multiple of `step`.
#[must_use]
pub fn is_multiple(value: Decimal, step: Decimal) -> bool {
    step <= Decimal::ZERO || value.checked_rem(step).is_some_and(|rest| rest.is_zero())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Mantissas of every length, scales that are often the same.
    fn decimals() -> impl Strategy<Value = Decimal> {
        const MOST: i128 = (1 << 96) - 1;
        let scale = prop_oneof![0_u32..=28, Just(2)];
        (-MOST..=MOST, 0_u32..97, scale)
            .prop_map(|(m, shift, scale)| Decimal::from_i128_with_scale(m >> shift, scale))
    }

    /// The value and how many digits it is written with.
    fn written(result: Option<Decimal>) -> Option<String> {
        result.map(|value| value.to_string())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn the_short_way_and_the_long_way_agree(left in decimals(), right in decimals()) {
            prop_assert_eq!(written(add(left, right).ok()), written(left.checked_add(right)));
            prop_assert_eq!(written(sub(left, right).ok()), written(left.checked_sub(right)));
            prop_assert_eq!(written(mul(left, right).ok()), written(left.checked_mul(right)));
            prop_assert_eq!(compare(left, right), left.cmp(&right));
        }
    }

    #[test]
    fn overflow_is_an_answer() {
        let big = Decimal::MAX;
        assert!(add(big, big).is_err());
        assert!(sub(-big, big).is_err());
        let text = mul(big, Decimal::TWO).expect_err("too big").to_string();
        assert!(text.contains("* 2 does not fit"), "{text}");
        assert!(div(Decimal::ONE, Decimal::ZERO).is_err());
    }

    #[test]
    fn rounds_down_to_the_step() {
        let dec = |text: &str| text.parse::<Decimal>().expect("a decimal");
        assert_eq!(round_down(dec("1.2379"), dec("0.01")), Ok(dec("1.23")));
        assert_eq!(round_down(dec("7"), dec("2.5")), Ok(dec("5")));
        assert_eq!(round_down(dec("7.1"), Decimal::ZERO), Ok(dec("7.1")));
        assert!(is_multiple(dec("5.0"), dec("2.5")));
        assert!(!is_multiple(dec("5.1"), dec("2.5")));
    }
}
