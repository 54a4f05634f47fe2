//! Secrets: where they are found, and where they never show.

use secrecy::ExposeSecret;

use super::super::{Mode, RuntimeConfig};
use super::{Case, simulated};

const MANIFEST: &str = r#"
[[secrets]]
env = "INVESTBOT_API_KEY"
help = "any value will do"
[[secrets]]
env = "VENUE_PIN"
help = "on the card"
optional = true
"#;

/// The secrets that a plugin gets, or the mistakes.
fn secrets(config: &RuntimeConfig) -> Result<Vec<(String, String)>, String> {
    config
        .validate_for(&simulated(MANIFEST), Mode::Backtest)
        .map(|valid| {
            let plain = |(name, secret): &(String, secrecy::SecretString)| {
                (name.clone(), secret.expose_secret().to_owned())
            };
            valid.secrets.iter().map(plain).collect()
        })
        .map_err(|error| error.to_string())
}

fn key(value: &str) -> Result<Vec<(String, String)>, String> {
    Ok(vec![("INVESTBOT_API_KEY".to_owned(), value.to_owned())])
}

#[test]
fn environment_then_dotenv_then_file() {
    let case = Case::new()
        .file("secret", "from-file\r\n")
        .env("INVESTBOT_API_KEY_FILE", "secret");
    assert_eq!(secrets(&case.resolve()), key("from-file"));
    let case = case.dotenv("INVESTBOT_API_KEY='from $dotenv'\n");
    assert_eq!(secrets(&case.resolve()), key("from $dotenv"));
    let case = case.env("INVESTBOT_API_KEY", "from-env");
    assert_eq!(secrets(&case.resolve()), key("from-env"));
}

#[test]
fn an_optional_secret_may_be_missing_or_there() {
    let case = Case::new()
        .env("INVESTBOT_API_KEY", "k")
        .env("VENUE_PIN", "1234");
    let found = secrets(&case.resolve()).expect("a valid configuration");
    assert_eq!(found[1], ("VENUE_PIN".to_owned(), "1234".to_owned()));
}

#[test]
fn missing_and_empty_are_the_same_and_told_by_name() {
    let missing = secrets(&Case::new().resolve()).expect_err("a missing secret");
    insta::assert_snapshot!(missing, @r#"
    the configuration has 1 problem
      1. INVESTBOT_API_KEY is not set: the plugin `venue` needs it (any value will do); set it in the environment or in .env, or name a file that holds it in INVESTBOT_API_KEY_FILE
    "#);
    let empty = Case::new().env("INVESTBOT_API_KEY", "").resolve();
    assert_eq!(secrets(&empty), Err(missing));
}

#[test]
fn a_slip_of_the_pen_is_pointed_out() {
    let config = Case::new().env("INVESTBOT_API_KYE", "hunter2").resolve();
    let error = secrets(&config).expect_err("a missing secret");
    assert!(error.contains("; INVESTBOT_API_KYE is set"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_secret_file_must_be_there_and_hold_something() {
    let case = Case::new()
        .file("empty", "\n")
        .env("INVESTBOT_API_KEY_FILE", "empty");
    let error = secrets(&case.resolve()).expect_err("an empty file");
    assert!(
        error.contains("INVESTBOT_API_KEY_FILE: empty: the file is empty"),
        "{error}"
    );
    let case = Case::new().env("INVESTBOT_API_KEY_FILE", "nowhere");
    let error = secrets(&case.resolve()).expect_err("no such file");
    assert!(
        error.contains("INVESTBOT_API_KEY_FILE: nowhere: cannot be read: "),
        "{error}"
    );
}

#[test]
fn a_name_in_the_manifest_is_no_unknown_variable() {
    let manifest = simulated("[[secrets]]\nenv = 'INVESTBOT_ODD'\nhelp = 'h'");
    let config = Case::new().dotenv("INVESTBOT_ODD=1").resolve();
    assert!(config.check().is_err());
    assert!(config.validate_for(&manifest, Mode::Backtest).is_ok());
}

#[test]
fn secrets_of_other_plugins_are_no_mistake() {
    let config = Case::new()
        .dotenv("INVESTBOT_API_KEY=k\nINVESTBOT_API_SECRET=s\nVENUE_PIN=1\n")
        .resolve();
    assert!(config.validate_for(&simulated(""), Mode::Backtest).is_ok());
    assert!(config.warnings().is_empty());
}

#[test]
fn a_secret_shows_nowhere() {
    let config = Case::new()
        .dotenv("INVESTBOT_API_KEY=hunter2\n")
        .env("VENUE_PIN", "hunter2")
        .resolve();
    let valid = config
        .validate_for(&simulated(MANIFEST), Mode::Backtest)
        .expect("a valid configuration");
    assert_eq!(valid.secrets.len(), 2);
    for shown in [
        format!("{config:?}"),
        format!("{valid:?}"),
        config.describe().to_string(),
        config.canonical(),
        valid.json,
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_broken_line_of_dotenv_is_named_but_not_quoted() {
    let config = Case::new()
        .dotenv("INVESTBOT_RUN_SEED=1\n\n# x\nINVESTBOT_API_KEY=hunter2 hunter3\nINVESTBOT_RUN_ID='a\nb'\nINVESTBOT_RUN_SEED=2\nINVESTBOT_RUN_DIR='hunter2\n")
        .resolve();
    let error = config.check().expect_err("broken lines").to_string();
    insta::assert_snapshot!(error, @r#"
    the configuration has 4 problems
      1. .env:4: this is not a NAME=value line; a value with spaces, `$`, `#`, quotes or backslashes goes in single quotes
      2. .env:5: INVESTBOT_RUN_ID: `a\nb` is not 1 to 64 letters, digits, `.`, `_` or `-`
      3. .env:7: INVESTBOT_RUN_SEED was set on line 1 already; keep one of the two
      4. .env:8: this is not a NAME=value line; a value with spaces, `$`, `#`, quotes or backslashes goes in single quotes
    "#);
}
