//! The keys of the configuration that are this plugin's own. The program is given the others.

use std::time::Duration;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::serde::Deserialize;
use investbot_plugin_api::serde_json::{Map, Value};
use investbot_plugin_api::*;

use crate::words;

/// The keys. A plugin that was made of this one for another venue may leave out all but the first.
const OWN: [&str; 6] = [
    "program",
    "args",
    "answer_timeout_ms",
    "start_timeout_ms",
    "restarts",
    "environment",
];

#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
struct Keys {
    program: String,
    #[serde(default)]
    args: String,
    #[serde(default = "answer_timeout")]
    answer_timeout_ms: u64,
    #[serde(default = "start_timeout")]
    start_timeout_ms: u64,
    #[serde(default = "restarts")]
    restarts: u32,
    #[serde(default)]
    environment: String,
}

// What plugin.toml has as defaults; a test compares them.

const fn answer_timeout() -> u64 {
    9_000
}

const fn start_timeout() -> u64 {
    9_000
}

const fn restarts() -> u32 {
    5
}

/// How the program is run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    /// How long an answer may take, in real time.
    pub(crate) answer_timeout: Duration,
    /// How long the first one may take.
    pub(crate) start_timeout: Duration,
    /// How often in a row it is started again.
    pub(crate) restarts: u32,
    /// Names of variables that it is given besides the usual ones.
    pub(crate) environment: Vec<String>,
    /// The configuration that is the program's.
    pub(crate) others: Map<String, Value>,
}

impl Settings {
    pub(crate) fn of(params: &OpenParams) -> Answer<Self> {
        let keys: Keys = params.config()?;
        let mut others: Map<String, Value> = params.config()?;
        others.retain(|key, _| !OWN.contains(&key.as_str()));
        if keys.program.trim().is_empty() {
            return Err(mistake(
                "config.program is empty: set it to the path or the name of a program",
            ));
        }
        let args = words::split(&keys.args)
            .map_err(|what| mistake(&format!("config.args: {what} in `{}`", keys.args)))?;
        Ok(Self {
            program: keys.program,
            args,
            answer_timeout: Duration::from_millis(keys.answer_timeout_ms),
            start_timeout: Duration::from_millis(keys.start_timeout_ms),
            restarts: keys.restarts,
            environment: keys
                .environment
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            others,
        })
    }
}

fn mistake(text: &str) -> AdapterError {
    AdapterError::not_sent(ErrorKind::Config, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use investbot_plugin_api::manifest::{ConfigValue, Manifest};

    fn read(config: &str) -> Answer<Settings> {
        Settings::of(&OpenParams::new(config))
    }

    #[test]
    fn the_defaults_are_those_of_the_manifest() {
        let manifest: Manifest =
            toml::from_str(include_str!("../plugin.toml")).expect("a manifest");
        let settings = read(r#"{"program":"p"}"#).expect("it is enough");
        let whole = |key: &str| match manifest.config[key].default {
            Some(ConfigValue::Integer(n)) => u128::try_from(n).expect("above 0"),
            ref other => panic!("{other:?}"),
        };
        assert_eq!(
            settings.answer_timeout.as_millis(),
            whole("answer_timeout_ms")
        );
        assert_eq!(
            settings.start_timeout.as_millis(),
            whole("start_timeout_ms")
        );
        assert_eq!(u128::from(settings.restarts), whole("restarts"));
        assert!(settings.args.is_empty() && settings.environment.is_empty());
        let mut keys: Vec<&str> = manifest.config.keys().map(String::as_str).collect();
        let mut own = OWN;
        keys.sort_unstable();
        own.sort_unstable();
        assert_eq!(keys, own);
    }

    #[test]
    fn the_program_is_given_the_other_keys() {
        let settings = read(
            r#"{"program":"python3","args":"venue.py --name 'a b'","environment":" A  B ","fee":"0.1","depth":3}"#,
        )
        .expect("it can be read");
        assert_eq!(settings.args, ["venue.py", "--name", "a b"]);
        assert_eq!(settings.environment, ["A", "B"]);
        assert_eq!(
            Value::from(settings.others).to_string(),
            r#"{"depth":3,"fee":"0.1"}"#
        );
    }

    #[test]
    fn mistakes_name_the_key() {
        for (config, key) in [
            ("{}", "program"),
            (r#"{"program":" "}"#, "config.program"),
            (r#"{"program":"p","args":"'"}"#, "config.args"),
            (r#"{"program":[[]]}"#, "configuration"),
            ("{\"\u{0}", "configuration"),
        ] {
            let error = read(config).expect_err(config);
            assert_eq!(
                (error.kind, error.effect),
                (ErrorKind::Config, Effect::NotSent)
            );
            assert!(error.message.contains(key), "{error}");
        }
    }
}
