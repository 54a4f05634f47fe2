//! Which layer wins, and that every setting arrives.

use std::time::Duration;

use investbot_plugin_api::{Decimal, UnixNanos};
use serde_json::json;

use super::super::{
    IntentSource, Kind, Live, Mode, Origin, Pace, RuntimeConfig, SETTINGS, Setting,
};
use super::{Case, mistakes, simulated};

fn seed(case: &Case) -> (u64, String) {
    let config = case.resolve();
    assert_eq!(mistakes(&config), "");
    (config.run.seed, config.origin("run.seed").to_string())
}

#[test]
fn each_layer_wins_over_the_next() {
    let case = Case::new();
    assert_eq!(seed(&case), (0, "default".to_owned()));
    let case = case.toml("[run]\n  seed = 1\n");
    assert_eq!(seed(&case), (1, "investbot.toml:2:10".to_owned()));
    let case = case.dotenv("# a comment\n\nINVESTBOT_RUN_SEED=2");
    assert_eq!(seed(&case), (2, ".env:3: INVESTBOT_RUN_SEED".to_owned()));
    let case = case.env("INVESTBOT_RUN_SEED", "3");
    assert_eq!(seed(&case), (3, "INVESTBOT_RUN_SEED".to_owned()));
    let case = case.flag("seed", "4");
    assert_eq!(seed(&case), (4, "--seed".to_owned()));
}

#[test]
fn an_empty_variable_is_not_set() {
    let case = Case::new()
        .toml("run.seed = 1")
        .dotenv("INVESTBOT_RUN_SEED=\n")
        .env("INVESTBOT_RUN_SEED", "");
    assert_eq!(seed(&case).0, 1);
}

#[test]
fn free_tables_are_merged_key_by_key() {
    let case = Case::new()
        .toml("[strategy.params]\nfast = 1\nslow = 1\nquantity = 0.10\nflat = true\n")
        .dotenv("INVESTBOT_STRATEGY_PARAMS_FAST=2\nINVESTBOT_STRATEGY_PARAMS_SLOW=2\n")
        .env("INVESTBOT_STRATEGY_PARAMS_SLOW", "3")
        .flag("param", "mode=long=only");
    let config = case.resolve();
    assert_eq!(mistakes(&config), "");
    let params: Vec<_> = config
        .strategy
        .params
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(
        params,
        [
            "fast=2",
            "flat=true",
            "mode=long=only",
            "quantity=0.10",
            "slow=3"
        ]
    );
    assert_eq!(
        config.origin("strategy.params.slow"),
        &Origin::Env("INVESTBOT_STRATEGY_PARAMS_SLOW".to_owned())
    );
}

#[test]
fn files_can_be_named_by_the_layers_above_them() {
    let case = Case::new()
        .file("a.toml", "run.seed = 7")
        .file("b.env", "INVESTBOT_CONFIG=a.toml")
        .flag("env-file", "b.env");
    assert_eq!(seed(&case).0, 7);
    let missing = Case::new().env("INVESTBOT_CONFIG", "none.toml").resolve();
    assert!(mistakes(&missing).contains("none.toml: cannot be read: "));
}

#[test]
fn decimals_stay_exact() {
    for written in ["0.1", "\"0.1\""] {
        let config = Case::new()
            .toml(&format!("risk.max_position = {written}"))
            .resolve();
        assert_eq!(config.risk.max_position, Some(Decimal::new(1, 1)));
    }
    // Neither number is one that a binary float can hold.
    let config = Case::new()
        .toml("[risk]\nmax_position = 1234567.12345678901234567\nloss_limit = 9007199254740993\n")
        .resolve();
    assert_eq!(
        config.risk.max_position.map(|d| d.to_string()).as_deref(),
        Some("1234567.12345678901234567")
    );
    assert_eq!(
        config.risk.loss_limit,
        Some(Decimal::from(9_007_199_254_740_993_u64))
    );
    // Digits that do not fit are a mistake, not rounded away.
    let config = Case::new()
        .toml("risk.max_position = 0.12345678901234567890123456789012345")
        .resolve();
    assert!(mistakes(&config).contains("is not a plain decimal number"));
}

#[test]
fn times_intervals_and_paths() {
    let config = Case::new()
        .toml("[bars]\nfrom = 2024-01-31\nto = 2024-02-01T01:00:00+01:00\ninterval = \"30m\"\n")
        .env("INVESTBOT_PLUGIN_PATH", "a:b:")
        .flag("intents", "-")
        .resolve();
    assert_eq!(mistakes(&config), "");
    assert_eq!(
        config.bars.from,
        Some(UnixNanos::from_millis(1_706_659_200_000))
    );
    assert_eq!(
        config.bars.to,
        Some(UnixNanos::from_millis(1_706_745_600_000))
    );
    assert_eq!(config.bars.interval, Some(Duration::from_secs(1800)));
    assert_eq!(config.plugin.path.len(), 2);
    assert_eq!(config.intents, Some(IntentSource::Stdin));
    assert_eq!(config.mode(), Mode::Intents);
}

#[test]
fn the_flag_alone_or_the_word_alone_is_not_live() {
    let live = |case: Case| {
        let config = case.resolve();
        assert_eq!(mistakes(&config), "");
        config.live
    };
    let (yes, no) = (true, false);
    assert_eq!(live(Case::new()), Live { flag: no, word: no });
    assert_eq!(
        live(Case::new().flag("live", "true")),
        Live {
            flag: yes,
            word: no
        }
    );
    assert_eq!(
        live(Case::new().toml("live = true")),
        Live {
            flag: no,
            word: yes
        }
    );
    let both = Case::new()
        .flag("live", "true")
        .env("INVESTBOT_LIVE", "true");
    assert_eq!(
        live(both),
        Live {
            flag: yes,
            word: yes
        }
    );
    // A word above a word takes its place.
    let denied = Case::new()
        .flag("live", "true")
        .env("INVESTBOT_LIVE", "false")
        .toml("live = true");
    assert_eq!(
        live(denied),
        Live {
            flag: yes,
            word: no
        }
    );
}

/// A valid value that is not the default, as TOML.
fn other_value(setting: &Setting) -> String {
    match setting.kind {
        Kind::Text | Kind::Id | Kind::Path => "\"other\"".to_owned(),
        Kind::Word(words) => {
            let word = words.iter().find(|word| Some(**word) != setting.default);
            format!("{:?}", word.expect("two words"))
        }
        Kind::LogFilter => "\"warn,investbot=debug\"".to_owned(),
        Kind::Paths => "[\"other\"]".to_owned(),
        Kind::Switch => "true".to_owned(),
        Kind::Whole { max, .. } => max.to_string(),
        Kind::Decimal { max } => max.to_string(),
        Kind::Interval => "\"7m\"".to_owned(),
        Kind::Time => "2024-01-31T00:00:00Z".to_owned(),
        Kind::Sha256 => format!("\"{}\"", "ab".repeat(32)),
        Kind::Table => "{ other = 1 }".to_owned(),
    }
}

/// Everything typed, without the keys' table.
fn typed(config: &RuntimeConfig) -> String {
    let parts = (
        (
            &config.exchange,
            &config.plugin,
            &config.bars,
            &config.intents,
        ),
        (
            &config.strategy,
            &config.risk,
            &config.max_in_flight,
            &config.retry,
        ),
        (&config.store_ttl, &config.run, &config.live, &config.output),
        &config.reconcile,
        &config.log,
    );
    format!("{parts:?}")
}

#[test]
fn every_setting_of_the_file_reaches_its_field() {
    let default = typed(&Case::new().resolve());
    for setting in SETTINGS.iter().filter(|s| s.in_file) {
        // What a plugin's configuration is checked for is in its manifest.
        if setting.key == "exchange.config" {
            continue;
        }
        let config = Case::new()
            .toml(&format!("{} = {}", setting.key, other_value(setting)))
            .resolve();
        if setting.key != "retry.base_ms" {
            assert_eq!(mistakes(&config), "", "{}", setting.key);
        }
        assert_ne!(typed(&config), default, "{} changes nothing", setting.key);
    }
}

#[test]
fn every_variable_is_named_after_its_key() {
    for setting in SETTINGS {
        let Some(env) = setting.env else { continue };
        let mut named = format!("INVESTBOT_{}", setting.key.to_uppercase().replace('.', "_"));
        if setting.kind == Kind::Table {
            named.push('_');
        }
        if setting.key == "log.level" {
            named = "INVESTBOT_LOG".to_owned();
        }
        assert_eq!(env, named);
    }
}

#[test]
fn a_plugin_gets_every_key_with_its_type() {
    let manifest = simulated(
        r#"
        [config.fee]
        type = "decimal"
        default = "0.10"
        help = "The fee"
        [config.slippage_bps]
        type = "integer"
        default = 5
        help = "The slippage"
        [config.name]
        type = "string"
        help = "The name"
        [config.strict]
        type = "boolean"
        default = false
        help = "Whether it is strict"
        "#,
    );
    let config = Case::new()
        .toml("[exchange.config]\nname = \"n\"\nstrict = true\n")
        .env("INVESTBOT_EXCHANGE_CONFIG_SLIPPAGE_BPS", "7")
        .resolve();
    let valid = config
        .validate_for(&manifest, Mode::Backtest)
        .expect("a valid configuration");
    assert_eq!(
        valid.json,
        r#"{"fee":"0.10","name":"n","slippage_bps":7,"strict":true}"#
    );
    assert_eq!(valid.max_in_flight, 16);
    assert_eq!(valid.pace, Pace::Virtual);
}

#[test]
fn a_run_records_values_with_their_origins() {
    let config = Case::new()
        .toml("exchange.config.fee = 0.10\nrun.seed = 7\n")
        .flag("bars", "my.csv")
        .resolve();
    let described = config.describe();
    assert_eq!(
        described["run.seed"],
        json!({"value": 7, "origin": "investbot.toml:2:12"})
    );
    assert_eq!(
        described["bars.source"],
        json!({"value": "my.csv", "origin": "--bars"})
    );
    assert_eq!(described["exchange.config.fee"]["value"], json!("0.10"));
    assert_eq!(
        described["run.id"],
        json!({"value": null, "origin": "default"})
    );
}

#[test]
fn the_canonical_text_is_the_same_wherever_a_value_was_written() {
    let file = Case::new()
        .toml("[run]\nseed = 7\ndir = \"here\"\n[exchange.config]\nfee = 0.10\n")
        .resolve();
    let flags = Case::new()
        .flag("seed", "7")
        .flag("set", "fee=0.10")
        .flag("json", "true")
        .resolve();
    assert_eq!(file.canonical(), flags.canonical());
    assert!(file.canonical().contains("run.seed = 7\n"));
    assert_ne!(file.canonical(), Case::new().resolve().canonical());
}
