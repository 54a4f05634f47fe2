//! A JSON object as its fields' own text, each with its place in the line.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::error::excerpt;
use super::error::IntentFault;

/// A fault and the byte of the line that it is at.
pub(super) type Located = (usize, IntentFault);

/// The fields of an object, in the order they were written.
#[derive(Debug)]
pub(super) struct Object<'a> {
    line: &'a str,
    entries: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// One field's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) raw: &'a str,
    /// Where in the line it is.
    pub(super) offset: usize,
}

impl Value<'_> {
    /// The value as it may go into a message.
    pub(super) fn excerpt(&self) -> String {
        excerpt(self.raw.as_bytes())
    }

    /// The string that the value is, if it is one.
    pub(super) fn as_string(&self) -> Option<String> {
        serde_json::from_str(self.raw).ok()
    }
}

impl<'a> Object<'a> {
    /// Reads a line that is one object and nothing else.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Located> {
        let line =
            std::str::from_utf8(line).map_err(|e| (e.valid_up_to(), IntentFault::NotUtf8))?;
        let start = line.len() - line.trim_ascii_start().len();
        if !line[start..].starts_with('{') {
            let found = excerpt(&line.as_bytes()[start..]);
            return Err((start, IntentFault::NotAnObject { found }));
        }
        let Entries(entries) = serde_json::from_str(line).map_err(|e| not_json(&e))?;
        let object = Self { line, entries };
        object.refuse_repeats()?;
        Ok(object)
    }

    fn refuse_repeats(&self) -> Result<(), Located> {
        let mut names: Vec<_> = self.entries.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => {
                let last = self.entries.iter().rposition(|(name, _)| name == pair[0]);
                let field = excerpt(pair[0].as_bytes());
                let offset = self.value_at(last.unwrap_or(0)).offset;
                Err((offset, IntentFault::RepeatedField { field }))
            }
        }
    }

    /// The first field whose name is not `known`, and where it is.
    pub(super) fn stranger(&self, known: &[&str]) -> Option<(usize, &str)> {
        let index = self
            .entries
            .iter()
            .position(|(name, _)| !known.contains(&name.as_ref()))?;
        let name = &self.entries[index].0;
        let offset = match name {
            // Within the quotes.
            Cow::Borrowed(text) => self.offset_of(text).saturating_sub(1),
            Cow::Owned(_) => self.value_at(index).offset,
        };
        Some((offset, name))
    }

    /// A field's value; `null` is the same as no field.
    pub(super) fn get(&self, field: &str) -> Option<Value<'a>> {
        let index = self.entries.iter().position(|(name, _)| name == field)?;
        Some(self.value_at(index)).filter(|value| value.raw != "null")
    }

    fn value_at(&self, index: usize) -> Value<'a> {
        let raw = self.entries[index].1.get();
        Value {
            raw,
            offset: self.offset_of(raw),
        }
    }

    /// Where in the line a part of it begins.
    fn offset_of(&self, part: &str) -> usize {
        part.as_ptr().addr().wrapping_sub(self.line.as_ptr().addr())
    }
}

/// The library's own words end in the place, which goes to the front here.
fn not_json(error: &serde_json::Error) -> Located {
    let text = error.to_string();
    let detail = match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    };
    let offset = error.column().saturating_sub(1);
    (offset, IntentFault::Json { detail })
}

struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(8);
                while let Some((Key(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
