//! Reading a manifest and checking that it makes sense. The rest of the host acts on it without doubt:
//! a client order id of length 0 or a default out of its own range would surface in the middle of a run.

use std::str::FromStr;

use investbot_plugin_api::Decimal;
use investbot_plugin_api::manifest::{
    Capabilities, ConfigKey, ConfigType, ConfigValue, Deadline, Dedupe, Manifest, SecretSpec,
};
use investbot_plugin_api::{OrderType, TimeInForce};

use super::text::{one_line, printable};
use super::version::{ApiVersion, is_full_version};

/// The shortest client order id that still tells one order from every other.
const SHORTEST_CLIENT_ID: u32 = 16;

/// What is wrong with a plugin's manifest, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestProblem {
    /// The record in the file is cut or overwritten.
    #[error("a damaged manifest record")]
    Damaged,
    /// The file has more than one record.
    #[error("several manifests in one file")]
    Several,
    /// It is no TOML, or not a manifest's.
    #[error("plugin.toml:{line}:{column}: {message}")]
    Toml {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser said.
        message: String,
    },
    /// A value that cannot be.
    #[error("{key} = {found}, expected {expected}")]
    Value {
        /// The key, with its tables.
        key: String,
        /// Its value.
        found: String,
        /// What it could be.
        expected: String,
    },
}

impl ManifestProblem {
    /// What to do about it.
    pub(super) const fn hint(&self) -> &'static str {
        match self {
            Self::Damaged => "copy or build the file again",
            Self::Several => "use export_adapter! once; take one machine out of a universal binary",
            Self::Toml { .. } | Self::Value { .. } => "correct plugin.toml and rebuild the plugin",
        }
    }
}

/// Reads and checks the manifest of a plugin that was built with API version `api`.
pub(super) fn read(
    bytes: &[u8],
    api: ApiVersion,
    host: ApiVersion,
) -> Result<Manifest, ManifestProblem> {
    let text = std::str::from_utf8(bytes).map_err(|e| ManifestProblem::Toml {
        line: 1 + bytes[..e.valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count(),
        column: 1,
        message: "not UTF-8".to_owned(),
    })?;
    let manifest = parse(text, api > host).map_err(|e| toml_problem(text, &e))?;
    check(&manifest)?;
    Ok(manifest)
}

fn parse(text: &str, newer: bool) -> Result<Manifest, toml::de::Error> {
    if !newer {
        return toml::from_str(text);
    }
    let mut table: toml::Table = text.parse()?;
    forget_unknown::<OrderType>(&mut table, "order_types");
    forget_unknown::<TimeInForce>(&mut table, "times_in_force");
    table.try_into()
}

/// A newer plugin may offer more than this host knows of. The host will never ask for it, so it is
/// left out, and the plugin can be used for the rest.
fn forget_unknown<T: FromStr>(table: &mut toml::Table, key: &str) {
    let words = table
        .get_mut("capabilities")
        .and_then(|capabilities| capabilities.get_mut(key))
        .and_then(toml::Value::as_array_mut);
    if let Some(words) = words {
        words.retain(|word| word.as_str().is_none_or(|w| w.parse::<T>().is_ok()));
    }
}

fn toml_problem(text: &str, error: &toml::de::Error) -> ManifestProblem {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ManifestProblem::Toml {
        line: 1 + before.matches('\n').count(),
        column: 1 + before[line_start..].chars().count(),
        message: one_line(error.message()),
    }
}

fn check(manifest: &Manifest) -> Result<(), ManifestProblem> {
    let plugin = &manifest.plugin;
    ensure(is_id(&plugin.id), "plugin.id", &plugin.id, || {
        "lower case letters, digits and dashes, starting with a letter, at most 64".to_owned()
    })?;
    ensure(
        is_full_version(&plugin.version),
        "plugin.version",
        &plugin.version,
        || "MAJOR.MINOR.PATCH".to_owned(),
    )?;
    ensure(
        plugin.requires_api.parse::<ApiVersion>().is_ok(),
        "plugin.requires_api",
        &plugin.requires_api,
        || "MAJOR.MINOR".to_owned(),
    )?;
    check_text("plugin.description", &plugin.description)?;
    check_capabilities(&manifest.capabilities)?;
    for (i, secret) in manifest.secrets.iter().enumerate() {
        check_secret(secret, &manifest.secrets[..i])?;
    }
    for (name, key) in &manifest.config {
        ensure(is_key(name), "config", name, || {
            "keys of lower case letters, digits and `_`, starting with a letter".to_owned()
        })?;
        check_config(&format!("config.{name}"), key)?;
    }
    Ok(())
}

fn check_capabilities(capabilities: &Capabilities) -> Result<(), ManifestProblem> {
    let at_least = |key: &str, value: u64, least: u64| {
        ensure(
            value >= least,
            &format!("capabilities.{key}"),
            &value.to_string(),
            || format!("at least {least}"),
        )
    };
    at_least("max_in_flight", capabilities.max_in_flight.into(), 1)?;
    at_least(
        "client_order_id.max_length",
        capabilities.client_order_id.max_length.into(),
        SHORTEST_CLIENT_ID.into(),
    )?;
    for (key, is_empty) in [
        ("order_types", capabilities.order_types.is_empty()),
        ("times_in_force", capabilities.times_in_force.is_empty()),
    ] {
        ensure(!is_empty, &format!("capabilities.{key}"), "[]", || {
            "at least one that this host knows".to_owned()
        })?;
    }
    for (key, words) in [
        ("order_fields", &capabilities.order_fields),
        ("definitive_codes", &capabilities.definitive_codes),
    ] {
        for word in words {
            check_text(&format!("capabilities.{key}"), word)?;
        }
    }
    if let Dedupe::Window { window_ms } = capabilities.dedupe {
        at_least("dedupe.window_ms", window_ms, 1)?;
    }
    if let Deadline::Enforced { max_ms, .. } = capabilities.deadline {
        at_least("deadline.max_ms", max_ms, 1)?;
    }
    Ok(())
}

fn check_secret(secret: &SecretSpec, before: &[SecretSpec]) -> Result<(), ManifestProblem> {
    let plain = secret
        .env
        .starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && secret
            .env
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    ensure(plain, "secrets.env", &secret.env, || {
        "an environment name of capital letters, digits and `_`".to_owned()
    })?;
    check_text("secrets.help", &secret.help)?;
    let first = before.iter().all(|other| other.env != secret.env);
    ensure(first, "secrets.env", &secret.env, || {
        "each name once".to_owned()
    })
}

fn check_config(name: &str, key: &ConfigKey) -> Result<(), ManifestProblem> {
    check_text(&format!("{name}.help"), &key.help)?;
    for choice in &key.one_of {
        check_text(&format!("{name}.one_of"), choice)?;
    }
    if let Some(ConfigValue::Text(text)) = &key.default {
        check_text(&format!("{name}.default"), text)?;
    }
    let numeric = matches!(key.kind, ConfigType::Integer | ConfigType::Decimal);
    let of_type = |field: &str, value: &ConfigValue| {
        ensure(
            is_of(key.kind, value),
            &format!("{name}.{field}"),
            &shown(value),
            || format!("a value of type {}", key.kind),
        )
    };
    for (field, bound) in [("min", &key.min), ("max", &key.max)] {
        let Some(bound) = bound else { continue };
        ensure(numeric, &format!("{name}.{field}"), &shown(bound), || {
            format!("no such bound on a {}", key.kind)
        })?;
        of_type(field, bound)?;
    }
    let choices = key.one_of.is_empty() || key.kind == ConfigType::String;
    ensure(
        choices,
        &format!("{name}.one_of"),
        &key.one_of.join(", "),
        || format!("no choices for a {}", key.kind),
    )?;
    let (min, max) = (
        key.min.as_ref().and_then(number),
        key.max.as_ref().and_then(number),
    );
    if let (Some(min), Some(max)) = (min, max) {
        ensure(min <= max, &format!("{name}.max"), &max.to_string(), || {
            format!("at least min, which is {min}")
        })?;
    }
    let Some(default) = &key.default else {
        return Ok(());
    };
    of_type("default", default)?;
    let field = format!("{name}.default");
    if let Some(value) = number(default).filter(|_| numeric) {
        let inside = min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max);
        ensure(inside, &field, &shown(default), || range(min, max))?;
    }
    if let ConfigValue::Text(text) = default
        && !key.one_of.is_empty()
    {
        ensure(key.one_of.contains(text), &field, &shown(default), || {
            format!("one of: {}", key.one_of.join(", "))
        })?;
    }
    Ok(())
}

/// Text that is shown on terminals and in messages.
fn check_text(key: &str, text: &str) -> Result<(), ManifestProblem> {
    const LONGEST: usize = 300;
    let shown = printable(text, LONGEST);
    ensure(shown == text, key, &shown, || {
        format!("one line of at most {LONGEST} bytes, without control characters")
    })
}

fn range(min: Option<Decimal>, max: Option<Decimal>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any number".to_owned(),
    }
}

fn is_of(kind: ConfigType, value: &ConfigValue) -> bool {
    match (kind, value) {
        (ConfigType::Boolean, ConfigValue::Boolean(_))
        | (ConfigType::Integer | ConfigType::Decimal, ConfigValue::Integer(_))
        | (ConfigType::String, ConfigValue::Text(_)) => true,
        (ConfigType::Decimal, ConfigValue::Text(_)) => number(value).is_some(),
        _ => false,
    }
}

fn number(value: &ConfigValue) -> Option<Decimal> {
    match value {
        ConfigValue::Integer(whole) => Some(Decimal::from(*whole)),
        ConfigValue::Text(text) => Decimal::from_str_exact(text).ok(),
        _ => None,
    }
}

fn shown(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Boolean(value) => value.to_string(),
        ConfigValue::Integer(value) => value.to_string(),
        ConfigValue::Text(text) => format!("\"{text}\""),
        _ => "a value of an unknown type".to_owned(),
    }
}

fn is_id(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_key(text: &str) -> bool {
    is_id(&text.replace('_', "-")) && !text.contains('-')
}

fn ensure(
    holds: bool,
    key: &str,
    found: &str,
    expected: impl FnOnce() -> String,
) -> Result<(), ManifestProblem> {
    if holds {
        return Ok(());
    }
    Err(ManifestProblem::Value {
        key: one_line(key),
        found: format!("`{}`", one_line(found)),
        expected: one_line(&expected()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[plugin]
id = "my-venue"
version = "0.3.0"
requires_api = "1.0"
description = "Adapter for My Venue"

[capabilities]
order_types = ["market", "limit"]
times_in_force = ["gtc"]
max_in_flight = 16
client_order_id = { charset = "hex", max_length = 32 }
dedupe = { kind = "window", window_ms = 1000 }
deadline = { kind = "enforced", max_ms = 60000, skew_ms = 1000 }
query = { kind = "none" }

[[secrets]]
env = "MYVENUE_API_KEY"
help = "Make one"

[config.window]
type = "integer"
default = 5000
min = 1
max = 60000
help = "How long"

[config.fee]
type = "decimal"
default = "0.10"
min = 0
help = "The fee"

[config.mode]
type = "string"
default = "fast"
one_of = ["fast", "slow"]
help = "The mode"
"#;
    const V1_0: ApiVersion = ApiVersion { major: 1, minor: 0 };
    const V1_9: ApiVersion = ApiVersion { major: 1, minor: 9 };

    fn problem(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        read(GOOD.replacen(from, to, 1).as_bytes(), V1_0, V1_0)
            .expect_err(to)
            .to_string()
    }

    #[test]
    fn a_good_manifest_is_read() {
        let manifest = read(GOOD.as_bytes(), V1_0, V1_0).expect("it is good");
        assert_eq!(manifest.plugin.id, "my-venue");
        assert_eq!(manifest.config.len(), 3);
    }

    #[test]
    fn each_problem_has_its_text() {
        let cases = [
            ("id = \"my-venue\"", "id = \"My Venue\""),
            ("\"0.3.0\"", "\"0.3\""),
            ("\"1.0\"", "\"one\""),
            ("max_in_flight = 16", "max_in_flight = 0"),
            ("max_length = 32", "max_length = 15"),
            ("[\"market\", \"limit\"]", "[]"),
            ("[\"gtc\"]", "[]"),
            ("[\"gtc\"]", "[\"soon\"]"),
            ("window_ms = 1000", "window_ms = 0"),
            ("max_ms = 60000", "max_ms = 0"),
            ("MYVENUE_API_KEY", "MyVenue"),
            (
                "[config.window]",
                "[[secrets]]\nenv = \"MYVENUE_API_KEY\"\nhelp = \"\"\n[config.window]",
            ),
            ("[config.window]", "[config.\"win-dow\"]"),
            ("default = 5000", "default = \"5000\""),
            ("default = 5000", "default = 0"),
            ("max = 60000", "max = 0"),
            ("min = 1", "min = true"),
            ("default = \"0.10\"", "default = \"ten\""),
            ("default = \"0.10\"", "default = \"-0.10\""),
            ("default = \"fast\"", "default = \"odd\""),
            ("default = \"fast\"", "default = \"fast\"\nmin = 1"),
            ("min = 0", "one_of = [\"a\"]"),
            ("id = \"my-venue\"\n", ""),
            ("description", "description = 1\nx"),
            ("My Venue\"", "My \\u001b[31mVenue\""),
            ("help = \"How long\"", "help = \"How\\nlong\""),
            ("\"slow\"]", "\"s\\u202elow\"]"),
            ("[plugin]", "[plugin"),
        ];
        let texts: Vec<_> = cases.iter().map(|(from, to)| problem(from, to)).collect();
        insta::assert_snapshot!(texts.join("\n"), @r#"
        plugin.id = `My Venue`, expected lower case letters, digits and dashes, starting with a letter, at most 64
        plugin.version = `0.3`, expected MAJOR.MINOR.PATCH
        plugin.requires_api = `one`, expected MAJOR.MINOR
        capabilities.max_in_flight = `0`, expected at least 1
        capabilities.client_order_id.max_length = `15`, expected at least 16
        capabilities.order_types = `[]`, expected at least one that this host knows
        capabilities.times_in_force = `[]`, expected at least one that this host knows
        plugin.toml:10:18: `soon` is not one of: gtc, ioc, fok, gtd, day
        capabilities.dedupe.window_ms = `0`, expected at least 1
        capabilities.deadline.max_ms = `0`, expected at least 1
        secrets.env = `MyVenue`, expected an environment name of capital letters, digits and `_`
        secrets.env = `MYVENUE_API_KEY`, expected each name once
        config = `win-dow`, expected keys of lower case letters, digits and `_`, starting with a letter
        config.window.default = `"5000"`, expected a value of type integer
        config.window.default = `0`, expected 1 to 60000
        config.window.max = `0`, expected at least min, which is 1
        config.window.min = `true`, expected a value of type integer
        config.fee.default = `"ten"`, expected a value of type decimal
        config.fee.default = `"-0.10"`, expected at least 0
        config.mode.default = `"odd"`, expected one of: fast, slow
        config.mode.min = `1`, expected no such bound on a string
        config.fee.one_of = `a`, expected no choices for a decimal
        plugin.toml:2:1: missing field `id`
        plugin.toml:6:15: invalid type: integer `1`, expected a string
        plugin.description = `Adapter for My \u{1b}[31mVenue`, expected one line of at most 300 bytes, without control characters
        config.window.help = `How\nlong`, expected one line of at most 300 bytes, without control characters
        config.mode.one_of = `s\u{202e}low`, expected one line of at most 300 bytes, without control characters
        plugin.toml:2:8: unclosed table, expected `]`
        "#);
    }

    #[test]
    fn what_only_a_newer_host_knows_is_left_out() {
        let text = GOOD.replace("[\"gtc\"]", "[\"gtc\", \"soon\"]");
        let manifest = read(text.as_bytes(), V1_9, V1_0).expect("it is newer");
        assert_eq!(manifest.capabilities.times_in_force, [TimeInForce::Gtc]);
        assert!(read(text.as_bytes(), V1_0, V1_0).is_err());
    }

    #[test]
    fn bytes_that_are_no_text_are_named_by_line() {
        let bytes = [b"a = 1\n".as_slice(), &[0xFF]].concat();
        let problem = read(&bytes, V1_0, V1_0).expect_err("it is no text");
        assert_eq!(problem.to_string(), "plugin.toml:2:1: not UTF-8");
    }
}
