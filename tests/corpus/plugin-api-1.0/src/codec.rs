//! The encoding of everything that crosses the boundary: CBOR (RFC 8949).
//!
//! Structures are maps with integer keys, so that fields can be added; decimals are tag 4 (decimal
//! fraction), so that no digit and no trailing zero is lost; moments are integers (nanoseconds).

pub(crate) mod short;

use minicbor::{Decode, Encode};

/// Encodes a value. Writing to memory cannot fail.
pub fn to_vec<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    encode_into(value, &mut bytes);
    bytes
}

/// Encodes a value to the end of `bytes`.
pub fn encode_into<T: Encode<()>>(value: &T, bytes: &mut Vec<u8>) {
    minicbor::encode(value, Sink(bytes)).expect("encoding into a Vec has no way to fail");
}

/// Most of what an encoder writes are single bytes, for which a general copy costs more than the byte.
struct Sink<'a>(&'a mut Vec<u8>);

impl minicbor::encode::Write for Sink<'_> {
    type Error = std::convert::Infallible;

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        match bytes {
            [byte] => self.0.push(*byte),
            bytes => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }
}

/// Decodes exactly one value that fills `bytes`; the error says what was wrong and at which byte.
pub fn from_slice<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, String> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().map_err(|e| e.to_string())?;
    if decoder.position() != bytes.len() {
        return Err(format!(
            "{} bytes follow the value",
            bytes.len() - decoder.position()
        ));
    }
    Ok(value)
}

/// Skips one item. What commands are mostly made of is skipped by its first byte alone, and its text is
/// not looked at: whoever decodes it does that.
pub(crate) fn skip(d: &mut minicbor::Decoder<'_>) -> Result<(), minicbor::decode::Error> {
    let mut items = 1_u32;
    while items > 0 {
        let at = d.position();
        let length = match d.input().get(at) {
            // Small integers, booleans, null.
            Some(0x00..=0x17 | 0x20..=0x37 | 0xF4..=0xF6) => 1,
            // Integers of 1, 2, 4, 8 bytes.
            Some(head @ (0x18..=0x1B | 0x38..=0x3B)) => 1 + (1 << (head & 3)),
            // Short text.
            Some(head @ 0x60..=0x77) => 1 + usize::from(head & 0x1F),
            // A decimal: a tag, an array, and its two items.
            Some(0xC4) if d.input().get(at + 1) == Some(&0x82) => {
                items += 2;
                2
            }
            _ => {
                d.skip()?;
                items -= 1;
                continue;
            }
        };
        if d.input().len() - at < length {
            return Err(minicbor::decode::Error::end_of_input());
        }
        d.set_position(at + length);
        items -= 1;
    }
    Ok(())
}

/// Decimals as CBOR tag 4: `[-scale, mantissa]`. For `#[cbor(with = "…")]`.
pub mod decimal {
    use minicbor::data::{IanaTag, Type};
    use minicbor::{Decoder, Encoder, decode as de, encode as en};
    use rust_decimal::Decimal;

    use super::short;

    /// Writes one decimal.
    pub fn encode<C, W: en::Write>(
        value: &Decimal,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), en::Error<W::Error>> {
        short::write_decimal(value, e)
    }

    /// Reads one decimal; more than 28 decimals or 96 bits is an error, never a rounding.
    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Decimal, de::Error> {
        match short::read_decimal(d) {
            Some(value) => Ok(value),
            None => decode_general(d),
        }
    }

    /// Reads a decimal in whichever form it may have.
    #[cold]
    pub(super) fn decode_general(d: &mut Decoder<'_>) -> Result<Decimal, de::Error> {
        if d.tag()? != IanaTag::Decimal.tag() {
            return Err(de::Error::message("expected a decimal (tag 4)"));
        }
        if d.array()? != Some(2) {
            return Err(de::Error::message("a decimal is an array of 2"));
        }
        let exponent = d.i64()?;
        let mantissa = mantissa(d)?;
        let scale = u32::try_from(-i128::from(exponent))
            .map_err(|_| de::Error::message("decimal exponent above 0"))?;
        Decimal::try_from_i128_with_scale(mantissa, scale)
            .map_err(|e| de::Error::message(e.to_string()))
    }

    fn mantissa(d: &mut Decoder<'_>) -> Result<i128, de::Error> {
        if d.datatype()? != Type::Tag {
            return Ok(i128::from(d.int()?));
        }
        let tag = d.tag()?;
        let bytes = d.bytes()?;
        if bytes.len() > 12 {
            return Err(de::Error::message("decimal mantissa above 96 bits"));
        }
        let magnitude = bytes
            .iter()
            .fold(0i128, |sum, byte| (sum << 8) | i128::from(*byte));
        if tag == IanaTag::PosBignum.tag() {
            Ok(magnitude)
        } else if tag == IanaTag::NegBignum.tag() {
            Ok(-1 - magnitude)
        } else {
            Err(de::Error::message(
                "decimal mantissa is neither integer nor bignum",
            ))
        }
    }

    /// The same for an optional decimal: a missing field is `None`.
    pub mod optional {
        use super::*;

        /// Writes the decimal, or null.
        pub fn encode<C, W: en::Write>(
            value: &Option<Decimal>,
            e: &mut Encoder<W>,
            cx: &mut C,
        ) -> Result<(), en::Error<W::Error>> {
            match value {
                Some(value) => super::encode(value, e, cx),
                None => e.null().map(|_| ()),
            }
        }

        /// Reads the decimal, or null.
        pub fn decode<C>(d: &mut Decoder<'_>, cx: &mut C) -> Result<Option<Decimal>, de::Error> {
            if d.datatype()? == Type::Null {
                d.null()?;
                return Ok(None);
            }
            super::decode(d, cx).map(Some)
        }

        /// The value of a field that is not there.
        #[must_use]
        pub fn nil() -> Option<Option<Decimal>> {
            Some(None)
        }

        /// Whether the field can be left out.
        #[must_use]
        pub fn is_nil(value: &Option<Decimal>) -> bool {
            value.is_none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skipped(
        bytes: &[u8],
        skip: impl FnOnce(&mut minicbor::Decoder<'_>) -> Result<(), minicbor::decode::Error>,
    ) -> Option<usize> {
        let mut d = minicbor::Decoder::new(bytes);
        skip(&mut d).ok().map(|()| d.position())
    }

    fn item() -> impl Strategy<Value = Vec<u8>> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(|v| to_vec(&v)),
            any::<u8>().prop_map(|v| to_vec(&v)),
            any::<String>().prop_map(|v| to_vec(&v)),
            any::<Option<bool>>().prop_map(|v| to_vec(&v)),
            (0..=28_i64, any::<i64>()).prop_map(|(scale, mantissa)| {
                [vec![0xC4], to_vec(&[-scale, mantissa])].concat()
            }),
            Just(vec![0xF9, 0x3C, 0x00]),
            Just(vec![0x9F, 0x01, 0xFF]),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            proptest::collection::vec(inner, 0..3).prop_map(|items| {
                let head = 0x80 + u8::try_from(items.len()).expect("at most 2");
                [vec![head], items.concat()].concat()
            })
        })
    }

    proptest! {
        /// The short cut goes where minicbor's own way goes.
        #[test]
        fn skip_finds_the_end(item in item(), tail in proptest::collection::vec(any::<u8>(), 0..4)) {
            let bytes = [item.clone(), tail].concat();
            prop_assert_eq!(skipped(&bytes, skip), Some(item.len()));
            prop_assert_eq!(skipped(&bytes, |d| d.skip()), Some(item.len()));
            for cut in 0..item.len() {
                prop_assert_eq!(skipped(&item[..cut], skip), None);
            }
        }

        #[test]
        fn skip_never_leaves_the_input(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let end = skipped(&bytes, skip);
            prop_assert!(end.is_none_or(|end| end <= bytes.len()));
            if let Some(expected) = skipped(&bytes, |d| d.skip()) {
                prop_assert_eq!(end, Some(expected));
            }
        }
    }
}
