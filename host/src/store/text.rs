//! Numbers as strings, as the journal and the checkpoint have them: what may be absent, and moments.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserializer, Serializer};

pub(in crate::store) use crate::engine::text::{deserialize, serialize};

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
