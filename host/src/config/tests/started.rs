//! A run that goes on: what it was started with, and what is said now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Case, manifest, mistakes};
use crate::config::{
    Layers, Live, Mode, Origin, Pace, RuntimeConfig, Started, ValidatedPluginConfig,
};

/// What `config` says of itself, as a run directory has it.
fn record(config: &RuntimeConfig) -> Started {
    let described = config.describe();
    let entries = described.as_object().expect("an object").iter();
    let entry = |(key, entry): (&String, &Json)| {
        let origin = entry["origin"].as_str().expect("text").to_owned();
        (key.clone(), (origin, entry["value"].clone()))
    };
    Started {
        run_dir: "runs/1".into(),
        file: Path::new("runs/1/run.json").into(),
        directory: Some(config.directory.clone()),
        settings: entries.map(entry).collect(),
        known: BTreeMap::new(),
    }
}

impl Case {
    /// The same case in the place and the environment of `self`, going on with what `started`.
    fn resume(&self, started: &Started) -> RuntimeConfig {
        let (flags, env) = (self.flags.clone(), self.env.clone());
        let layers = Layers::gather(flags, env, self.path(), Some(started));
        RuntimeConfig::resolve(layers)
    }
}

fn plugin_config(config: &RuntimeConfig) -> ValidatedPluginConfig {
    let schema = "[config.fee]\ntype = \"decimal\"\ndefault = \"1\"\nhelp = \"What it takes\"\n";
    config
        .validate_for(&manifest("simulated = true", schema), Mode::Backtest)
        .expect("a valid configuration")
}

/// A value of every kind, in every layer.
fn rich() -> Case {
    Case::new()
        .toml("[run]\nseed = 9\ndir = \"mine\"\n[risk]\nmax_position = 0.50\n[plugin]\npath = [\"a\", \"b\"]\n")
        .dotenv("INVESTBOT_BARS_FROM=2018-01-01\nINVESTBOT_EXCHANGE_CONFIG_FEE=0.10\n")
        .env("INVESTBOT_BARS_INTERVAL", "30m")
        .flag("seed", "7")
        .flag("param", "fast=5")
        .flag("bars", "my.csv")
        .flag("gaps", "halt")
        .flag("json", "true")
        .flag("log", "info")
}

#[test]
fn nothing_said_is_what_it_was_started_with() {
    let case = rich();
    let before = case.resolve();
    let started = record(&before);
    // The flags are gone, the files and the environment too.
    let after = Case::new();
    let mut moved = started.clone();
    moved.directory = Some(after.path().to_owned());
    let after = after.resume(&moved);
    assert_eq!(mistakes(&after), "");
    assert_eq!(after.canonical(), before.canonical());
    assert_eq!(after.bars, before.bars);
    assert_eq!(after.risk, before.risk);
    assert_eq!(after.strategy, before.strategy);
    assert_eq!(after.output, before.output);
    assert_eq!(after.log, before.log);
    assert_eq!(after.plugin, before.plugin);
    assert_eq!(plugin_config(&after).json, plugin_config(&before).json);
    assert_eq!(after.origin("run.seed").to_string(), "runs/1/run.json");
    assert_eq!(after.origin("store.ttl_s"), &Origin::Default);
    assert_eq!(
        after.run.dir, None,
        "where it was started is not where it is"
    );
}

#[test]
fn the_same_said_again_is_no_difference() {
    let case = rich();
    let started = record(&case.resolve());
    let after = case.resume(&started);
    assert_eq!(mistakes(&after), "");
    assert_eq!(after.origin("run.seed").to_string(), "--seed");
    // Another spelling of the same value.
    let after = Case::new()
        .flag("max-position", "0.5000")
        .env("INVESTBOT_BARS_INTERVAL", "1800s")
        .flag("from", "2018-01-01T01:00:00+01:00")
        .resume(&started);
    assert_eq!(mistakes(&after), "");
}

#[test]
fn all_differences_are_told_at_once() {
    let started = record(&rich().resolve());
    let after = Case::new()
        .toml("[retry]\nmax_attempts = 9\n")
        .dotenv("INVESTBOT_BARS_TO=2019-01-01\n")
        .env("INVESTBOT_RISK_MAX_POSITION", "2")
        .flag("seed", "8")
        .flag("param", "fast=6")
        .flag("param", "slow=60")
        .flag("set", "fee=0.2")
        .flag("json", "false")
        .flag("exchange", "stub")
        .resume(&started);
    let error = after.check().expect_err("differences");
    assert!(error.is_of_another_run());
    insta::assert_snapshot!(error, @r"
    the configuration has 8 problems
      1. --set: the run in runs/1 was started with exchange.config.fee = 0.10 (.env:2: INVESTBOT_EXCHANGE_CONFIG_FEE), and now it is 0.2
      2. --exchange: the run in runs/1 was started with exchange.kind = paper (default), and now it is stub
      3. --seed: the run in runs/1 was started with run.seed = 7 (--seed), and now it is 8
      4. --param: the run in runs/1 was started with strategy.params.fast = 5 (--param), and now it is 6
      5. --param: the run in runs/1 was started without strategy.params.slow, and now it is 60
      6. INVESTBOT_RISK_MAX_POSITION: the run in runs/1 was started with risk.max_position = 0.5 (investbot.toml:5:16), and now it is 2
      7. .env:1: INVESTBOT_BARS_TO: the run in runs/1 was started without bars.to, and now it is 2019-01-01T00:00:00Z
      8. investbot.toml:2:16: the run in runs/1 was started with retry.max_attempts = 5 (default), and now it is 9
      hint: a run goes on with what it was started with: leave out what differs, or start a new run with --run-dir
    ");
}

#[test]
fn mistakes_are_told_beside_the_differences() {
    let started = record(&rich().resolve());
    let after = Case::new()
        .flag("seed", "8")
        .flag("max-position", "many")
        .resume(&started);
    let error = after.check().expect_err("a mistake and a difference");
    assert!(!error.is_of_another_run());
    insta::assert_snapshot!(error, @r"
    the configuration has 2 problems
      1. --max-position: `many` is not a plain decimal number above 0 and at most 1000000000000000000
      2. --seed: the run in runs/1 was started with run.seed = 7 (--seed), and now it is 8
      hint: a run goes on with what it was started with: leave out what differs, or start a new run with --run-dir
    ");
}

/// Each setting that a result may depend on, one after another.
#[test]
fn no_setting_that_shapes_the_result_may_be_another() {
    use crate::config::{Kind, SETTINGS};
    let started = record(&Case::new().resolve());
    let mut checked = 0;
    for setting in SETTINGS {
        let value = match setting.kind {
            Kind::Text | Kind::Id | Kind::Path => "other",
            Kind::Word(words) => words[words.len() - 1],
            Kind::LogFilter => "debug",
            Kind::Switch => "true",
            Kind::Whole { .. } => "77",
            Kind::Decimal { .. } => "7.7",
            Kind::Interval => "7m",
            Kind::Time => "2017-07-07",
            Kind::Sha256 => &"7".repeat(64),
            Kind::Paths | Kind::Table => continue,
        };
        let Some(env) = setting.env.filter(|_| setting.key != "config") else {
            continue;
        };
        let after = Case::new().env(env, value).resume(&started);
        let refused = mistakes(&after).contains("the run in runs/1 was started");
        // These are known by their content, by two words, or said on purpose.
        let other = matches!(setting.key, "bars.source" | "live" | "plugin.sha256");
        assert_eq!(refused, setting.shapes_result && !other, "{}", setting.key);
        checked += u32::from(refused);
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn data_may_be_named_by_another_path_but_not_be_there_or_not() {
    let started = record(&rich().resolve());
    let with = |flag: &str, text: &str, started: &Started| {
        mistakes(&Case::new().flag(flag, text).resume(started))
    };
    assert_eq!(with("bars", "elsewhere/my.csv", &started), "");
    assert!(with("intents", "x.jsonl", &started).contains("was started without intents"));
    let streamed = record(&rich().flag("intents", "-").resolve());
    assert_eq!(with("intents", "x.jsonl", &streamed), "");
    assert_eq!(with("exchange", "./libinvestbot_paper.so", &started), "");
}

#[test]
fn relative_paths_begin_where_the_run_was_started() {
    let before = Case::new()
        .flag("intents", "in.jsonl")
        .flag("plugin-dir", "plugins");
    let started = record(&before.resolve());
    let after = Case::new().resume(&started);
    let from = before.path();
    let intents = crate::config::IntentSource::File(from.join("in.jsonl"));
    assert_eq!(after.intents, Some(intents));
    assert_eq!(after.plugin.dirs, [from.join("plugins")]);
    let stdin = record(&Case::new().flag("intents", "-").resolve());
    let after = Case::new().resume(&stdin);
    assert_eq!(after.intents, Some(crate::config::IntentSource::Stdin));
}

/// Secrets are in no record; they come from where they came from.
#[test]
fn the_file_of_variables_is_that_of_the_start() {
    let case = Case::new()
        .file("prod.env", "VENUE_PIN=hunter2\n")
        .file("my.toml", "[run]\nseed = 5\n")
        .flag("env-file", "prod.env")
        .flag("config", "my.toml");
    let started = record(&case.resolve());
    let secret = "[[secrets]]\nenv = \"VENUE_PIN\"\nhelp = \"Four digits\"\n";
    let manifest = manifest("simulated = true", secret);
    let mut bare = case;
    bare.flags.clear();
    let after = bare.resume(&started);
    let valid = after.validate_for(&manifest, Mode::Backtest);
    assert_eq!(valid.expect("it is all there").secrets.len(), 1);
    // What was in the other file is known; the file need not be there any more.
    std::fs::remove_file(bare.path().join("my.toml")).expect("it is there");
    let after = bare.resume(&started);
    assert_eq!((mistakes(&after), after.run.seed), (String::new(), 5));
    // A file that is named now must be.
    let after = bare.flag("config", "none.toml").resume(&started);
    assert!(mistakes(&after).contains("none.toml: cannot be read"));
}

#[test]
fn real_money_that_was_asked_for_twice_is_not_asked_for_again() {
    let started = record(
        &Case::new()
            .flag("live", "true")
            .env("INVESTBOT_LIVE", "true")
            .resolve(),
    );
    let both = Live {
        flag: true,
        word: true,
    };
    assert_eq!(Case::new().resume(&started).live, both);
    let calm = Case::new().flag("live", "false").resume(&started);
    assert!(mistakes(&calm).contains("was started with live = true"));

    let paper = record(&Case::new().env("INVESTBOT_LIVE", "true").resolve());
    let again = Case::new().env("INVESTBOT_LIVE", "true").resume(&paper);
    assert_eq!((mistakes(&again).as_str(), again.live.flag), ("", false));
    let now = Case::new()
        .env("INVESTBOT_LIVE", "true")
        .flag("live", "true")
        .resume(&paper);
    assert!(mistakes(&now).contains("was started with live = false"));
}

/// A venue that is not simulated has its own time, and nobody chose the default.
#[test]
fn a_default_stays_one() {
    let started = record(&Case::new().flag("intents", "-").resolve());
    let after = Case::new().resume(&started);
    let valid = after.validate_for(&manifest("", ""), Mode::Intents);
    assert_eq!(valid.expect("a valid configuration").pace, Pace::Realtime);
}

#[test]
fn what_was_left_open_is_known() {
    let mut started = record(&Case::new().resolve());
    let digest = "ab".repeat(32);
    started.known = BTreeMap::from([
        ("run.id", "the-run".to_owned()),
        ("plugin.sha256", digest.clone()),
    ]);
    let after = Case::new().resume(&started);
    assert_eq!(after.run.id.as_deref(), Some("the-run"));
    assert_eq!(after.plugin.sha256, Some(digest));
    let other = Case::new().flag("run-id", "another").resume(&started);
    insta::assert_snapshot!(mistakes(&other), @r"
    the configuration has 1 problem
      1. --run-id: the run in runs/1 was started with run.id = the-run, and now it is another
      hint: a run goes on with what it was started with: leave out what differs, or start a new run with --run-dir
    ");
    // Whoever pins another library has replaced it on purpose, and is told so.
    let other = "cd".repeat(32);
    let after = Case::new()
        .env("INVESTBOT_PLUGIN_SHA256", &other)
        .resume(&started);
    assert_eq!(mistakes(&after), "");
    assert_eq!(after.plugin.sha256, Some(other));
    insta::assert_snapshot!(after.warnings()[0], @"INVESTBOT_PLUGIN_SHA256: the run in runs/1 was started with plugin.sha256 = abababababababababababababababababababababababababababababababab, and now it is cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
}

#[test]
fn a_record_of_a_newer_program_is_not_guessed_at() {
    let mut started = record(&Case::new().resolve());
    let value = ("default".to_owned(), Json::from(1));
    started.settings.insert("run.sede".to_owned(), value);
    let strange = ("--seed".to_owned(), Json::from("abc"));
    started.settings.insert("run.seed".to_owned(), strange);
    insta::assert_snapshot!(mistakes(&Case::new().resume(&started)), @r"
    the configuration has 2 problems
      1. runs/1/run.json: unknown key `run.sede`; did you mean `run.seed`?
      2. runs/1/run.json: `run.seed`: `abc` is not a whole number from 0 to 18446744073709551615
    ");
}

#[test]
fn the_directory_to_go_on_with_wins_over_a_new_one() {
    let case = Case::new()
        .env("INVESTBOT_RUN_DIR", "new")
        .flag("resume", "runs/1");
    let config = case.resume(&record(&Case::new().resolve()));
    assert_eq!(mistakes(&config), "");
    assert_eq!(config.run.dir, None);
    assert_eq!(config.run.resume, Some(PathBuf::from("runs/1")));
}
