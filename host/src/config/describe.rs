//! The configuration as a run records it: never a secret.

use serde_json::{Map, Value as Json, json};

use super::origin::Origin;
use super::parse::{Given, Value, Written};
use super::runtime::RuntimeConfig;
use super::table::setting;
use crate::clock::rfc3339;

impl RuntimeConfig {
    /// Every value with its origin, by key, in the order of the keys:
    /// `{"run.seed": {"origin": "--seed", "value": 7}}`. Numbers that are not whole are strings.
    #[must_use]
    pub fn describe(&self) -> Json {
        let mut all: Vec<(&str, Json)> =
            self.effective
                .iter()
                .map(|(key, e)| (*key, entry(e.value.as_ref().map(value_json), &e.origin)))
                .chain(self.free.iter().map(|(key, given)| {
                    (key.as_str(), entry(Some(given_json(given)), &given.origin))
                }))
                .collect();
        all.sort_by_key(|(key, _)| *key);
        Json::Object(all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
    }

    /// What a run's result may depend on, one `key = value` a line, in the order of the keys: the same
    /// text for the same values, wherever they were written. Values that are not set are left out.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut lines: Vec<String> = self
            .effective
            .iter()
            .filter(|(key, _)| setting(key).is_some_and(|setting| setting.shapes_result))
            .filter_map(|(key, e)| Some(format!("{key} = {}\n", value_json(e.value.as_ref()?))))
            .chain(
                self.free
                    .iter()
                    .map(|(key, given)| format!("{} = {}\n", json!(key), given_json(given))),
            )
            .collect();
        lines.sort();
        lines.concat()
    }
}

fn entry(value: Option<Json>, origin: &Origin) -> Json {
    let mut entry = Map::new();
    entry.insert("origin".to_owned(), origin.to_string().into());
    entry.insert("value".to_owned(), value.unwrap_or(Json::Null));
    Json::Object(entry)
}

pub(super) fn value_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Switch(on) => json!(on),
        Value::Whole(number) => json!(number),
        Value::Decimal(decimal) => json!(decimal.normalize().to_string()),
        Value::Interval(interval) => json!(format!("{}s", interval.as_secs())),
        Value::Time(time) => json!(rfc3339(*time)),
        Value::Paths(paths) => paths
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
    }
}

/// A value that somebody else checks: its text, so that `--set fee=5` and `fee = 5` are the same.
pub(super) fn given_json(given: &Given) -> Json {
    match &given.written {
        Written::Texts(texts) | Written::Strings(texts) => json!(texts),
        written => json!(written.scalar()),
    }
}
