//! A plugin's own configuration, checked against the schema in its manifest.

use std::collections::BTreeMap;

use investbot_plugin_api::manifest::{ConfigKey, ConfigType, ConfigValue};
use serde_json::{Map, Value as Json, json};

use super::nearest::nearest;
use super::origin::Origin;
use super::parse::{Given, Written, decimal, is_decimal};
use super::problem::{Problem, excerpt, sentence};

/// Where a plugin's configuration is in ours.
const PREFIX: &str = "exchange.config.";

/// The plugin's configuration as it is handed to it, every key filled in; and what is wrong with it.
pub(super) fn check(
    plugin: &str,
    schema: &BTreeMap<String, ConfigKey>,
    free: &BTreeMap<String, Given>,
) -> (Map<String, Json>, Vec<Problem>) {
    let mut problems = Vec::new();
    for (key, given) in free.iter().filter(|(key, _)| key.starts_with(PREFIX)) {
        let name = &key[PREFIX.len()..];
        if !schema.contains_key(name) {
            problems.push(Problem::UnknownPluginKey {
                at: given.origin.clone(),
                plugin: plugin.to_owned(),
                key: excerpt(name),
                advice: advice(name, schema),
            });
        }
    }
    let mut config = Map::new();
    for (name, key) in schema {
        let value = match free.get(&format!("{PREFIX}{name}")) {
            Some(given) => read(name, key, given),
            None => default(plugin, name, key),
        };
        match value {
            Ok(value) => {
                config.insert(name.clone(), value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    (config, problems)
}

fn advice(name: &str, schema: &BTreeMap<String, ConfigKey>) -> String {
    let keys = || schema.keys().map(String::as_str);
    match nearest(name, keys()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if schema.is_empty() => "it has none".to_owned(),
        None => format!("it has: {}", keys().collect::<Vec<_>>().join(", ")),
    }
}

fn default(plugin: &str, name: &str, key: &ConfigKey) -> Result<Json, Problem> {
    let Some(default) = &key.default else {
        return Err(Problem::MissingPluginKey {
            plugin: plugin.to_owned(),
            key: name.to_owned(),
            help: sentence(&key.help),
            variable: format!("INVESTBOT_EXCHANGE_CONFIG_{}", name.to_ascii_uppercase()),
        });
    };
    let given = Given {
        written: match default {
            ConfigValue::Boolean(flag) => Written::Boolean(*flag),
            ConfigValue::Integer(number) => Written::Integer(number.to_string()),
            ConfigValue::Text(text) => Written::String(text.clone()),
            _ => Written::Other("value of an unknown type"),
        },
        origin: Origin::Default,
    };
    read(name, key, &given).map_err(|problem| Problem::Manifest {
        plugin: plugin.to_owned(),
        reason: problem.to_string(),
    })
}

fn read(name: &str, key: &ConfigKey, given: &Given) -> Result<Json, Problem> {
    let toml_type = match key.kind {
        ConfigType::Boolean => "boolean",
        ConfigType::Integer => "integer",
        ConfigType::Decimal => "string, integer or float",
        _ => "string",
    };
    let right_type = match (key.kind, &given.written) {
        (_, Written::Text(_))
        | (ConfigType::Boolean, Written::Boolean(_))
        | (ConfigType::Integer, Written::Integer(_))
        | (ConfigType::String, Written::String(_)) => true,
        (ConfigType::Decimal, written) => is_decimal(written),
        _ => false,
    };
    let full = || excerpt(&format!("{PREFIX}{name}"));
    let text = right_type
        .then(|| given.written.scalar())
        .flatten()
        .ok_or_else(|| Problem::WrongType {
            at: given.origin.clone(),
            key: full(),
            found: given.written.type_name(),
            expected: toml_type,
        })?;
    value(key, &text).ok_or_else(|| Problem::BadValue {
        at: given.origin.clone(),
        key: full(),
        text: excerpt(&text),
        expected: expectation(key),
    })
}

/// The JSON that the plugin gets: decimals as strings, so that they stay exact.
fn value(key: &ConfigKey, text: &str) -> Option<Json> {
    match key.kind {
        ConfigType::Boolean => text.parse::<bool>().ok().map(|flag| json!(flag)),
        ConfigType::Integer => {
            let number: i64 = text.parse().ok()?;
            in_range(key, text).then(|| json!(number))
        }
        ConfigType::Decimal => {
            let exact = decimal(text)?;
            in_range(key, text).then(|| json!(exact.to_string()))
        }
        ConfigType::String => {
            let allowed = key.one_of.is_empty() || key.one_of.iter().any(|word| word == text);
            allowed.then(|| json!(text))
        }
        _ => None,
    }
}

fn in_range(key: &ConfigKey, text: &str) -> bool {
    let bound = |value: &Option<ConfigValue>| value.as_ref().and_then(|v| decimal(&plain(v)));
    decimal(text).is_some_and(|number| {
        bound(&key.min).is_none_or(|min| number >= min)
            && bound(&key.max).is_none_or(|max| number <= max)
    })
}

/// What a value must be: the end of the sentence "… is not".
fn expectation(key: &ConfigKey) -> String {
    let kind = match key.kind {
        ConfigType::Boolean => "true or false",
        ConfigType::Integer => "a whole number",
        ConfigType::Decimal => "a plain decimal number",
        ConfigType::String if !key.one_of.is_empty() => {
            return format!("one of: {}", excerpt(&key.one_of.join(", ")));
        }
        ConfigType::String => "text",
        _ => "of a type that this version knows; a newer investbot may",
    };
    match (&key.min, &key.max) {
        (Some(min), Some(max)) => format!("{kind} from {} to {}", plain(min), plain(max)),
        (Some(min), None) => format!("{kind} of at least {}", plain(min)),
        (None, Some(max)) => format!("{kind} of at most {}", plain(max)),
        (None, None) => kind.to_owned(),
    }
}

fn plain(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Boolean(flag) => flag.to_string(),
        ConfigValue::Integer(number) => number.to_string(),
        ConfigValue::Text(text) => excerpt(text),
        _ => String::new(),
    }
}
