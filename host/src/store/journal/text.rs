//! Numbers as strings.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = <Cow<'de, str>>::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// The same for a value that may be absent; the field is to be skipped then.
pub(super) mod option {
    use super::{Deserializer, Display, FromStr, Serializer};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        super::deserialize(from).map(Some)
    }
}

/// Moments.
pub(super) mod nanos {
    use super::{Deserializer, Serializer};
    use investbot_plugin_api::UnixNanos;

    pub(in super::super) fn serialize<S: Serializer>(
        value: &UnixNanos,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(&value.0)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<UnixNanos, D::Error> {
        super::deserialize(from).map(UnixNanos)
    }
}
