//! The encoding of everything that crosses the boundary: CBOR (RFC 8949).
//!
//! Structures are maps with integer keys, so that fields can be added; decimals are tag 4 (decimal
//! fraction), so that no digit and no trailing zero is lost; moments are integers (nanoseconds).

pub(crate) mod short;

use minicbor::{Decode, Encode};

/// Encodes a value. Writing to memory cannot fail.
pub fn to_vec<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    minicbor::encode(value, &mut bytes).expect("encoding into a Vec has no way to fail");
    bytes
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
