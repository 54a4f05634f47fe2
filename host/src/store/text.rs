//! Numbers as strings.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

pub(in crate::store) fn serialize<T: Display, S: Serializer>(
    value: &T,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

pub(in crate::store) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    from.deserialize_str(Text(PhantomData))
}

/// Reads a value out of its text, which need not be kept for it.
struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err: Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// The same for a value that may be absent; the field is to be skipped then.
pub(in crate::store) mod option {
    use super::{Deserializer, Display, FromStr, Serializer};

    pub(in crate::store) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(in crate::store) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        super::deserialize(from).map(Some)
    }
}

/// Moments.
pub(in crate::store) mod nanos {
    use investbot_plugin_api::UnixNanos;

    use super::{Deserializer, Serializer};

    pub(in crate::store) fn serialize<S: Serializer>(
        value: &UnixNanos,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(&value.0)
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<UnixNanos, D::Error> {
        super::deserialize(from).map(UnixNanos)
    }
}
