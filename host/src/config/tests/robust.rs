//! No text, however strange, makes the configuration panic.

use proptest::prelude::*;

use super::super::{Mode, SETTINGS};
use super::{Case, mistakes, simulated};

/// Lines that are nearly right, which arbitrary bytes never are.
fn nearly_toml() -> impl Strategy<Value = String> {
    let keys: Vec<_> = SETTINGS.iter().map(|s| s.key).collect();
    let value = prop_oneof![
        "[-+]?[0-9_.e]{1,40}",
        "\"[^\"\n]{0,10}\"",
        r#"[\[\]{}"'=,.a-z0-9 ]{0,12}"#,
        Just("true".to_owned()),
        Just("0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ff".to_owned()),
        Just("inf".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
    ];
    let line = (proptest::sample::select(keys), value).prop_map(|(k, v)| format!("{k} = {v}\n"));
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

fn nearly_dotenv() -> impl Strategy<Value = String> {
    let names: Vec<_> = SETTINGS.iter().filter_map(|s| s.env).collect();
    let value = r#"[-a-z0-9.$ {}'"\\#=\r\t]{0,14}"#;
    let line = (proptest::sample::select(names), value).prop_map(|(n, v)| format!("{n}={v}\n"));
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

/// Runs everything; the result must be the same a second time.
fn exercise(case: &Case) {
    let run = || {
        let config = case.resolve();
        let valid = config.validate_for(&simulated(""), Mode::Backtest);
        let described = (config.describe().to_string(), config.canonical());
        (mistakes(&config), valid.map(|v| v.json), described)
    };
    assert_eq!(run(), run());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_bytes(toml in any::<Vec<u8>>(), dotenv in any::<Vec<u8>>()) {
        exercise(&Case::new().file("investbot.toml", toml).file(".env", dotenv));
    }

    #[test]
    fn any_text(toml in any::<String>(), dotenv in any::<String>(), value in any::<String>()) {
        let mut case = Case::new().toml(&toml).dotenv(&dotenv);
        for setting in SETTINGS.iter().filter(|s| s.key != "env_file" && s.key != "config") {
            if let Some(env) = setting.env {
                case = case.env(&format!("{env}X"), &value).env(env, &value);
            }
            if let Some(flag) = setting.flag {
                case = case.flag(flag, &value);
            }
        }
        exercise(&case);
    }

    #[test]
    fn any_log_filter(filter in r"[ -~]{0,24}", odd in "[a\\[{=\u{a0}\u{13460}]{0,6}") {
        for text in [filter, odd] {
            exercise(&Case::new().flag("log", &text));
        }
    }

    #[test]
    fn nearly_right(toml in nearly_toml(), dotenv in nearly_dotenv()) {
        exercise(&Case::new().toml(&toml).dotenv(&dotenv));
    }
}

#[test]
fn a_directory_a_device_and_a_deep_nest_are_refused() {
    let case = Case::new().env("INVESTBOT_CONFIG", ".");
    assert!(mistakes(&case.resolve()).contains(".: cannot be read: "));
    #[cfg(unix)]
    {
        let case = Case::new().env("INVESTBOT_CONFIG", "/dev/zero");
        assert!(mistakes(&case.resolve()).contains("it is larger than 1 MiB"));
    }
    let case = Case::new().toml(&format!("plugin.dir = {}", "[".repeat(100_000)));
    assert!(mistakes(&case.resolve()).starts_with("the configuration has "));
    let case = Case::new().toml(&format!("{}a = 1", "a.".repeat(100_000)));
    assert!(mistakes(&case.resolve()).starts_with("the configuration has "));
}

#[test]
fn bytes_that_are_not_text_have_a_line() {
    let case = Case::new().file("investbot.toml", b"[run]\nseed = \xff\n");
    assert!(
        mistakes(&case.resolve()).contains("investbot.toml: cannot be read: line 2 is not UTF-8")
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_named() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let mut case = Case::new();
    case.env
        .push(("INVESTBOT_RUN_ID".into(), OsString::from_vec(vec![0xff])));
    assert!(mistakes(&case.resolve()).contains("INVESTBOT_RUN_ID: the value is not UTF-8 text"));
}

#[test]
fn a_log_filter_that_its_parser_would_choke_on_is_a_mistake() {
    let case = Case::new().flag("log", "\u{a0}\u{13460}=");
    assert!(mistakes(&case.resolve()).starts_with("the configuration has 1 problem"));
}
