//! Numbers from text, exactly.

use investbot_plugin_api::Decimal;
use thiserror::Error;

/// Why a text is no number that can be held exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NumberFault {
    /// Nothing there.
    #[error("is empty; a number was expected: fill it in, or remove the row")]
    Empty,
    /// Not a number.
    #[error("is not a number; use digits and a point, such as 4387.5")]
    NotANumber,
    /// NaN, infinity, null.
    #[error("is no finite number; fill it in, or remove the row")]
    NotFinite,
    /// More decimals or digits than a decimal holds.
    #[error(
        "has more digits than can be held exactly (28 decimals, 28 digits in all); it is not rounded: shorten it"
    )]
    TooManyDigits,
}

/// More digits than any number that can be held, with room for a long exponent.
const LONGEST: usize = 128;

/// Reads a decimal number: an optional sign, digits with an optional point, an optional exponent.
///
/// The digits are kept as they are written: `1.50` stays `1.50`.
#[inline]
pub(super) fn parse(text: &[u8]) -> Result<Decimal, NumberFault> {
    match parse_short(text) {
        Some(value) => Ok(value),
        None => parse_any(text),
    }
}

/// Up to 18 digits and a point, nothing else: all but a handful of the numbers in any file.
#[inline]
fn parse_short(text: &[u8]) -> Option<Decimal> {
    if text.len() > 19 {
        return None;
    }
    let mut mantissa = 0_u64;
    let mut point = usize::MAX;
    for (at, &byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        } else if byte == b'.' && point == usize::MAX {
            point = at;
        } else {
            return None;
        }
    }
    let (digits, scale) = if point == usize::MAX {
        (text.len(), 0)
    } else {
        (text.len() - 1, text.len() - 1 - point)
    };
    if digits == 0 || digits > 18 {
        return None;
    }
    let (lo, mid) = (mantissa as u32, (mantissa >> 32) as u32);
    Some(Decimal::from_parts(lo, mid, 0, false, scale as u32))
}

/// Whatever else a number may look like.
#[cold]
fn parse_any(text: &[u8]) -> Result<Decimal, NumberFault> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(NumberFault::Empty);
    }
    if is_not_finite(text) {
        return Err(NumberFault::NotFinite);
    }
    let (number, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let unsigned = match number {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    // The library also takes `_` between digits, and so would turn a damaged field into a number.
    let points = unsigned.iter().filter(|b| **b == b'.').count();
    let digits = unsigned.iter().filter(|b| b.is_ascii_digit()).count();
    if points > 1 || digits == 0 || points + digits != unsigned.len() {
        return Err(NumberFault::NotANumber);
    }
    if number.len() > LONGEST {
        return Err(NumberFault::TooManyDigits);
    }
    let number = std::str::from_utf8(number).map_err(|_| NumberFault::NotANumber)?;
    let value = Decimal::from_str_exact(number).map_err(|_| NumberFault::TooManyDigits)?;
    shift(value, exponent).ok_or(NumberFault::TooManyDigits)
}

fn is_not_finite(text: &[u8]) -> bool {
    let word = match text {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    [
        &b"nan"[..],
        b"null",
        b"none",
        b"inf",
        b"infinity",
        b"na",
        b"n/a",
    ]
    .iter()
    .any(|known| word.eq_ignore_ascii_case(known))
}

fn parse_exponent(text: &[u8]) -> Result<i32, NumberFault> {
    let digits = match text {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberFault::NotANumber);
    }
    let text = std::str::from_utf8(text).map_err(|_| NumberFault::NotANumber)?;
    text.parse().map_err(|_| NumberFault::TooManyDigits)
}

/// `value * 10^exponent`, if that can be held exactly.
fn shift(value: Decimal, exponent: i32) -> Option<Decimal> {
    if exponent == 0 || value.is_zero() {
        return Some(value);
    }
    let scale = i64::from(value.scale()) - i64::from(exponent);
    if scale > 28 {
        // Only zeros at the end can be given up.
        let value = value.normalize();
        let scale = i64::from(value.scale()) - i64::from(exponent);
        let scale = u32::try_from(scale).ok().filter(|scale| *scale <= 28)?;
        return Decimal::try_from_i128_with_scale(value.mantissa(), scale).ok();
    }
    if let Ok(scale) = u32::try_from(scale) {
        return Decimal::try_from_i128_with_scale(value.mantissa(), scale).ok();
    }
    let zeros = u32::try_from(-scale).ok()?;
    let mantissa = 10_i128.checked_pow(zeros)?.checked_mul(value.mantissa())?;
    Decimal::try_from_i128_with_scale(mantissa, 0).ok()
}

/// Orders two numbers. The same as `a.cmp(&b)`, and several times as fast on what is in a file of bars.
#[inline]
pub(super) fn compare(a: Decimal, b: Decimal) -> std::cmp::Ordering {
    if a.scale() == b.scale() {
        a.mantissa().cmp(&b.mantissa())
    } else {
        a.cmp(&b)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the grammar allows, with the library as the judge of its value.
    fn by_library(text: &str) -> Option<Decimal> {
        if text.contains('_') {
            return None;
        }
        Decimal::from_str_exact(text).ok()
    }

    proptest! {
        #[test]
        fn agrees_with_the_library_on_numbers(text in "[+-]?[0-9]{0,32}(\\.[0-9]{0,32})?") {
            prop_assert_eq!(parse(text.as_bytes()).ok(), by_library(&text));
        }

        #[test]
        fn agrees_with_the_library_on_short_numbers(text in "[0-9]{0,19}\\.?[0-9]{0,10}") {
            let value = parse(text.as_bytes()).ok();
            prop_assert_eq!(value, by_library(&text));
            if let Some(short) = parse_short(text.as_bytes()) {
                prop_assert_eq!(short.scale(), by_library(&text).unwrap().scale());
            }
        }

        #[test]
        fn agrees_with_the_library_on_noise(text in "[-+0-9._ x]{0,12}") {
            if text.trim() == text {
                prop_assert_eq!(parse(text.as_bytes()).ok(), by_library(&text));
            }
        }

        #[test]
        fn text_comes_out_as_it_went_in(whole in 0_u64..u64::MAX, decimals in "[0-9]{1,8}") {
            let text = format!("{whole}.{decimals}");
            prop_assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
        }

        #[test]
        fn an_exponent_moves_the_point(mantissa in -9_999_999_i64..9_999_999, exponent in -20_i32..20) {
            let got = parse(format!("{mantissa}e{exponent}").as_bytes()).unwrap();
            let ten = Decimal::from(10);
            let mut want = Decimal::from(mantissa);
            for _ in 0..exponent.abs() {
                want = if exponent > 0 { want * ten } else { want / ten };
            }
            prop_assert_eq!(got, want);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn compares_as_the_library_does(a in any::<i64>(), i in 0_u32..20, b in any::<i64>(), j in 0_u32..20) {
            let (a, b) = (Decimal::new(a, i), Decimal::new(b, j));
            prop_assert_eq!(compare(a, b), a.cmp(&b));
            prop_assert_eq!(compare(a, a), std::cmp::Ordering::Equal);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let fault = |text: &str| parse(text.as_bytes()).unwrap_err();
        assert_eq!(fault(""), NumberFault::Empty);
        assert_eq!(fault("  "), NumberFault::Empty);
        for text in ["NaN", "nan", "null", "None", "inf", "-Infinity", "N/A"] {
            assert_eq!(fault(text), NumberFault::NotFinite, "{text}");
        }
        for text in [
            "abc", "1,5", "1.2.3", "--1", ".", "-", "1_000", "0x10", "1e", "1e+", "e5", "1 2",
        ] {
            assert_eq!(fault(text), NumberFault::NotANumber, "{text}");
        }
        for text in [
            "0.12345678901234567890123456789",
            "79228162514264337593543950336",
            "1e29",
            "1e-29",
            "1e99999999999999",
            "15e-28.",
        ] {
            let want = if text.ends_with('.') {
                NumberFault::NotANumber
            } else {
                NumberFault::TooManyDigits
            };
            assert_eq!(fault(text), want, "{text}");
        }
    }

    #[test]
    fn holds_up_to_28_decimals() {
        for text in [
            "0.1234567890123456789012345678",
            "79228162514264337593543950335",
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
        }
        assert_eq!(
            parse(b"1.50e-27").unwrap().to_string(),
            "0.0000000000000000000000000015"
        );
        assert_eq!(parse(b" 12.50 ").unwrap().to_string(), "12.50");
        assert_eq!(parse(b"0e99").unwrap(), Decimal::ZERO);
        assert_eq!(parse(b"1.5E+2").unwrap().to_string(), "150");
    }
}
