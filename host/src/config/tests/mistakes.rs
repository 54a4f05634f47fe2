//! Mistakes, all told at once.

use super::super::{Mode, env_example};
use super::{Case, manifest, mistakes, simulated};

const SECRET: &str = r#"
[[secrets]]
env = "INVESTBOT_API_KEY"
help = "any value will do"
"#;

#[test]
fn ten_mistakes_in_every_layer_are_ten_lines() {
    let manifest = simulated(&format!(
        "{SECRET}
        [config.slippage_bps]
        type = 'integer'
        default = 5
        min = 0
        max = 1000
        help = 'The slippage'"
    ));
    let config = Case::new()
        .toml(
            "[exchange]\n\
             open_timeout_ms = \"soon\"\n\
             kindd = \"paper\"\n\
             config = { slipage_bps = 1 }\n\
             [risk]\n\
             max_position = -1\n\
             [bars]\n\
             gaps = \"hold\"\n",
        )
        .dotenv("INVESTBOT_RUN_SEDE=1\n")
        .env("INVESTBOT_RUN_SEED", "abc")
        .flag("max-in-flight", "64")
        .flag("param", "fast")
        .resolve();
    let error = config
        .validate_for(&manifest, Mode::Backtest)
        .expect_err("a wrong configuration");
    insta::assert_snapshot!(error, @r#"
    the configuration has 10 problems
      1. --param: `fast` is not KEY=VALUE
      2. --max-in-flight: 64 is more than the plugin `venue` takes at once, which is 16
      3. INVESTBOT_RUN_SEED: `abc` is not a whole number from 0 to 18446744073709551615
      4. .env:1: INVESTBOT_RUN_SEDE is not a variable of investbot; did you mean `INVESTBOT_RUN_SEED`?
      5. investbot.toml:2:19: `exchange.open_timeout_ms`: found string, expected integer
      6. investbot.toml:3:1: unknown key `exchange.kindd`; did you mean `exchange.kind`?
      7. investbot.toml:4:26: the plugin `venue` has no configuration key `slipage_bps`; did you mean `slippage_bps`?
      8. investbot.toml:6:16: `risk.max_position`: `-1` is not a plain decimal number above 0 and at most 1000000000000000000
      9. investbot.toml:8:8: `bars.gaps`: `hold` is not one of: keep, halt
      10. INVESTBOT_API_KEY is not set: the plugin `venue` needs it (any value will do); set it in the environment or in .env, or name a file that holds it in INVESTBOT_API_KEY_FILE
    "#);
}

#[test]
fn a_real_venue_asks_for_more() {
    let manifest = manifest("real_money = true", SECRET);
    let config = Case::new().flag("pace", "virtual").resolve();
    let error = config
        .validate_for(&manifest, Mode::Backtest)
        .expect_err("a wrong configuration");
    insta::assert_snapshot!(error, @r#"
    the configuration has 4 problems
      1. --pace: virtual time is for simulated venues, and the plugin `venue` is none; use `realtime`
      2. the plugin `venue` trades with real money: if that is meant, add the flag --live, and `live = true` to the configuration file (or INVESTBOT_LIVE=true)
      3. the plugin `venue` is not a simulated venue, and a strategy on bars of the past can only trade on one: choose another --exchange, or send orders with --intents
      4. INVESTBOT_API_KEY is not set: the plugin `venue` needs it (any value will do); set it in the environment or in .env, or name a file that holds it in INVESTBOT_API_KEY_FILE
    "#);

    let config = Case::new()
        .flag("live", "true")
        .toml("live = true")
        .dotenv("INVESTBOT_API_KEY=k")
        .resolve();
    assert!(config.validate_for(&manifest, Mode::Intents).is_ok());
}

#[test]
fn what_toml_cannot_read_has_its_place() {
    let config = Case::new()
        .toml("[run]\nseed = = 1\n\n[bars]\nbatch = 0\nbatch = 1\n")
        .resolve();
    insta::assert_snapshot!(mistakes(&config), @r#"
    the configuration has 3 problems
      1. investbot.toml:2:8: extra `=`, expected nothing
      2. investbot.toml:5:9: `bars.batch`: `0` is not a whole number from 1 to 65536
      3. investbot.toml:6:1: duplicate key
    "#);
}

#[test]
fn tables_and_values_are_not_confused() {
    let config = Case::new()
        .toml(
            "exchange = \"paper\"\nseed = 1\nenv_file = \"x\"\nrun.seed.deep = 1\n\
             plugin.dir = [1]\nstrategy.params = 5\nintents.file = \"x\"\n\
             [strateg]\nname = \"sma-cross\"\n",
        )
        .resolve();
    insta::assert_snapshot!(mistakes(&config), @r#"
    the configuration has 8 problems
      1. investbot.toml:1:1: `exchange`: found string, expected table
      2. investbot.toml:2:1: unknown key `seed`; did you mean `run.seed`?
      3. investbot.toml:3:1: `env_file` cannot be set in this file; use the flag --env-file
      4. investbot.toml:4:5: `run.seed`: found table, expected integer
      5. investbot.toml:5:14: `plugin.dir`: found array, expected array of strings
      6. investbot.toml:6:10: `strategy.params`: found integer, expected table
      7. investbot.toml:7:1: `intents`: found table, expected string
      8. investbot.toml:8:2: unknown key `strateg`; did you mean `strategy`?
    "#);
}

#[test]
fn values_that_contradict_each_other() {
    let config = Case::new()
        .toml("retry.cap_ms = 50\nbars.from = 2024-01-02\nbars.to = 2024-01-01\n")
        .resolve();
    insta::assert_snapshot!(mistakes(&config), @r#"
    the configuration has 2 problems
      1. investbot.toml:1:16: `retry.cap_ms`: retry.base_ms must not be greater than retry.cap_ms
      2. investbot.toml:2:13: `bars.from`: bars.from must be earlier than bars.to
    "#);
}

#[test]
fn a_plugins_keys_are_checked_as_ours_are() {
    let manifest = simulated(
        r#"
        [config.mode]
        type = "string"
        default = "fast"
        one_of = ["fast", "slow"]
        help = "The mode"
        [config.fee]
        type = "decimal"
        default = "0.1"
        min = "0"
        max = "0.5"
        help = "The fee"
        [config.strict]
        type = "boolean"
        default = false
        help = "Whether it is strict"
        [config.url]
        type = "string"
        help = "Where the venue is"
        "#,
    );
    let config = Case::new()
        .toml("[exchange.config]\nmode = \"quick\"\nfee = 0.51\nstrict = \"yes\"\nzzz = {}\n")
        .resolve();
    let error = config
        .validate_for(&manifest, Mode::Backtest)
        .expect_err("a wrong configuration");
    insta::assert_snapshot!(error, @r#"
    the configuration has 5 problems
      1. investbot.toml:2:8: `exchange.config.mode`: `quick` is not one of: fast, slow
      2. investbot.toml:3:7: `exchange.config.fee`: `0.51` is not a plain decimal number from 0 to 0.5
      3. investbot.toml:4:10: `exchange.config.strict`: found string, expected boolean
      4. investbot.toml:5:7: the plugin `venue` has no configuration key `zzz`; it has: fee, mode, strict, url
      5. `exchange.config.url` is not set: the plugin `venue` needs it (Where the venue is); set it under [exchange.config], in INVESTBOT_EXCHANGE_CONFIG_URL or with --set url=…
    "#);
}

#[test]
fn a_manifest_whose_default_is_wrong_is_blamed() {
    let manifest = simulated("[config.n]\ntype = 'integer'\ndefault = 7\nmax = 5\nhelp = 'N'");
    let error = Case::new()
        .resolve()
        .validate_for(&manifest, Mode::Backtest)
        .expect_err("a wrong manifest");
    insta::assert_snapshot!(error, @r#"
    the configuration has 1 problem
      1. the manifest of the plugin `venue` cannot be used: default: `exchange.config.n`: `7` is not a whole number of at most 5
    "#);
}

#[test]
fn strange_variables_in_the_environment_are_warnings() {
    let config = Case::new()
        .env("INVESTBOT_RUN_SEDE", "1")
        .env("INVESTBOT_INTEGRATION", "1")
        .env("INVESTBOT_OTHER_PLUGIN_TOKEN", "t")
        .resolve();
    assert_eq!(mistakes(&config), "");
    let warnings: Vec<_> = config.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["INVESTBOT_RUN_SEDE is not a variable of investbot; did you mean `INVESTBOT_RUN_SEED`?"]
    );
}

#[test]
fn a_strategys_own_mistake_has_its_place_too() {
    let mut config = Case::new().flag("param", "fast=0").resolve();
    config.reject("strategy.params.fast", "fast must be at least 1");
    insta::assert_snapshot!(mistakes(&config), @r#"
    the configuration has 1 problem
      1. --param: fast must be at least 1
    "#);
}

#[test]
fn the_example_file_is_what_the_code_reads() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example");
    if std::env::var_os("UPDATE_ENV_EXAMPLE").is_some() {
        std::fs::write(path, env_example()).expect("a writable file");
    }
    assert_eq!(
        std::fs::read_to_string(path).expect(".env.example"),
        env_example(),
        "make it again: UPDATE_ENV_EXAMPLE=1 cargo test -p investbot --lib example_file"
    );
}

#[test]
fn the_example_file_can_be_used_as_it_is_and_with_every_line() {
    let config = Case::new().dotenv(&env_example()).resolve();
    assert_eq!(mistakes(&config), "");
    assert_eq!(config.canonical(), Case::new().resolve().canonical());

    let every_line = env_example().replace("\n#INVESTBOT_", "\nINVESTBOT_");
    let every_line = every_line.replace("<KEY>=", "X=1");
    let config = Case::new().dotenv(&every_line).resolve();
    assert_eq!(mistakes(&config), "");
    assert_eq!(config.strategy.params["x"], "1");
}
