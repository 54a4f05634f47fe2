//! Decimal arithmetic that answers instead of panicking.
//!
//! [`Decimal`] holds 96 bits. Its operators panic when a result needs more, and bars, fills and intents
//! come from outside; so the core uses these and ends the run with a reason.

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
    pub(super) const fn new(operation: char, left: Decimal, right: Decimal) -> Self {
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
    left.checked_add(right)
        .ok_or(Overflow::new('+', left, right))
}

/// `left - right`.
#[inline]
pub fn sub(left: Decimal, right: Decimal) -> Checked {
    left.checked_sub(right)
        .ok_or(Overflow::new('-', left, right))
}

/// `left * right`.
#[inline]
pub fn mul(left: Decimal, right: Decimal) -> Checked {
    left.checked_mul(right)
        .ok_or(Overflow::new('*', left, right))
}

/// `left / right`; a division by zero is an overflow too.
#[inline]
pub fn div(left: Decimal, right: Decimal) -> Checked {
    left.checked_div(right)
        .ok_or(Overflow::new('/', left, right))
}

/// How `left` compares to `right`. Most pairs that are compared at every bar have the same scale, and
/// then their mantissas say it.
#[inline]
#[must_use]
pub fn compare(left: Decimal, right: Decimal) -> Ordering {
    if left.scale() == right.scale() {
        left.mantissa().cmp(&right.mantissa())
    } else {
        left.cmp(&right)
    }
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

    proptest! {
        #[test]
        fn comparing_is_what_decimals_do(left in decimals(), right in decimals()) {
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
