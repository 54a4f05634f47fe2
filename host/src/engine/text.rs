//! Numbers as strings, for files: readers in other languages would round them.
//!
//! The text of a float is the shortest that is read as the very same bits, and the text of a decimal keeps
//! its zeros at the end; so what was written comes back exactly.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    from.deserialize_str(Reader(PhantomData))
}

/// Reads a value out of its text, which need not be kept for it.
struct Reader<T>(PhantomData<T>);

impl<T: FromStr<Err: Display>> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// A number among others: in a list, in a map, or one that may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    transparent,
    bound(serialize = "T: Display", deserialize = "T: FromStr<Err: Display>")
)]
pub(super) struct Text<T>(#[serde(with = "self")] pub(super) T);

#[cfg(test)]
mod tests {
    use investbot_plugin_api::Decimal;
    use proptest::prelude::*;

    use super::*;

    fn again<T: Display + FromStr<Err: Display>>(value: T) -> (String, T) {
        let text = serde_json::to_string(&Text(value)).expect("strings are JSON");
        let Text(value) = serde_json::from_str(&text).expect("it was written so");
        (text, value)
    }

    proptest! {
        #[test]
        fn a_float_keeps_its_bits(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(again(value).1.to_bits(), bits);
        }

        #[test]
        fn a_decimal_keeps_its_digits_and_its_scale(mantissa in -((1_i128 << 96) - 1)..(1_i128 << 96), shift in 0_u32..97, scale in 0_u32..=28) {
            let value = Decimal::from_i128_with_scale(mantissa >> shift, scale);
            let (text, read) = again(value);
            prop_assert_eq!((read.mantissa(), read.scale()), (value.mantissa(), value.scale()));
            // A decimal that stands by itself is written in the same way.
            prop_assert_eq!(serde_json::to_string(&value).expect("a string"), text.clone());
            let alone: Decimal = serde_json::from_str(&text).expect("it was written so");
            prop_assert_eq!((alone.mantissa(), alone.scale()), (value.mantissa(), value.scale()));
        }
    }

    #[test]
    fn numbers_are_strings_and_strings_that_are_none_are_refused() {
        assert_eq!(again(i64::MIN), (format!("\"{}\"", i64::MIN), i64::MIN));
        assert_eq!(
            again(-0.0_f64).1.to_bits(),
            (-0.0_f64).to_bits(),
            "even this"
        );
        for bad in ["1", "\"\"", "\"1.5\"", "\"a\"", "null"] {
            assert!(serde_json::from_str::<Text<u64>>(bad).is_err(), "{bad}");
        }
    }
}
