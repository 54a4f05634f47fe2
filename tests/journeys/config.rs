//! What a user meets who configures something wrong: everything at once, before anything runs.

use std::process::Output;

use crate::program::run;
use investbot_tests::{investbot, scratch};

#[test]
fn ten_mistakes_are_ten_numbered_lines() {
    let dir = scratch();
    dir.file(
        "investbot.toml",
        "[exchange]\n\
         kind = \"realish\"\n\
         knid = \"paper\"\n\
         open_timeout_ms = \"soon\"\n\
         config = { slipage_bps = 1, ack_lost = 2 }\n\
         [risk]\n\
         max_position = -1\n\
         [strategy.params]\n\
         fastt = 3\n",
    );
    dir.file(
        ".env",
        "INVESTBOT_RUN_SEDE=1\nINVESTBOT_API_SECRET=present\n",
    );
    let ended = run(["--max-in-flight", "65"])
        .in_dir(&dir)
        .env("INVESTBOT_RUN_SEED", "abc")
        .end()
        .with_code(3);
    assert_eq!(ended.stdout, "");
    insta::assert_snapshot!(ended.stderr, @r"
    error: the configuration has 10 problems
      1. --max-in-flight: 65 is more than the plugin `realish` takes at once, which is 64
      2. INVESTBOT_RUN_SEED: `abc` is not a whole number from 0 to 18446744073709551615
      3. .env:1: INVESTBOT_RUN_SEDE is not a variable of investbot; did you mean `INVESTBOT_RUN_SEED`?
      4. investbot.toml:3:1: unknown key `exchange.knid`; did you mean `exchange.kind`?
      5. investbot.toml:4:19: `exchange.open_timeout_ms`: found string, expected integer
      6. investbot.toml:5:26: the plugin `realish` has no configuration key `slipage_bps`; did you mean `slippage_bps`?
      7. investbot.toml:5:40: `exchange.config.ack_lost`: `2` is not a plain decimal number from 0 to 1
      8. investbot.toml:7:16: `risk.max_position`: `-1` is not a plain decimal number above 0 and at most 1000000000000000000
      9. investbot.toml:9:9: `strategy.params.fastt`: strategy sma-cross has no parameter `fastt`; did you mean `fast`?
      10. INVESTBOT_API_KEY is not set: the plugin `realish` needs it (Any text: the simulated venue opens an account for whatever key it is given); set it in the environment or in .env, or name a file that holds it in INVESTBOT_API_KEY_FILE
    ");
}

#[test]
fn secrets_that_are_missing_are_named() {
    let dir = scratch();
    let ended = run(["--exchange", "realish"])
        .in_dir(&dir)
        .end()
        .with_code(3);
    insta::assert_snapshot!(ended.stderr, @r"
    error: the configuration has 2 problems
      1. INVESTBOT_API_KEY is not set: the plugin `realish` needs it (Any text: the simulated venue opens an account for whatever key it is given); set it in the environment or in .env, or name a file that holds it in INVESTBOT_API_KEY_FILE
      2. INVESTBOT_API_SECRET is not set: the plugin `realish` needs it (Any text: requests are signed with it, and the simulated venue checks the signature); set it in the environment or in .env, or name a file that holds it in INVESTBOT_API_SECRET_FILE
    ");
    let ended = run(["--exchange", "realish"])
        .in_dir(&dir)
        .env("INVESTBOT_API_KEY", "k")
        .env("INVESTBOT_API_SECRT", "hunter2")
        .end()
        .with_code(3);
    insta::assert_snapshot!(ended.stderr, @r"
    warning: INVESTBOT_API_SECRT is not a variable of investbot
    error: the configuration has 1 problem
      1. INVESTBOT_API_SECRET is not set: the plugin `realish` needs it (Any text: requests are signed with it, and the simulated venue checks the signature); set it in the environment or in .env, or name a file that holds it in INVESTBOT_API_SECRET_FILE; INVESTBOT_API_SECRT is set: is that a slip of the pen?
    ");
}

#[test]
fn a_wrong_plugin_and_a_wrong_configuration_together() {
    let dir = scratch();
    let ended = run(["--exchange", "./missing.so", "--seed", "-1"])
        .in_dir(&dir)
        .end()
        .with_code(4);
    insta::assert_snapshot!(ended.stderr, @r"
    error: cannot load plugin ./missing.so [PLUGIN_NOT_FOUND]: no such file
      hint: check the path; a bare name such as `paper` is looked for in the plugin directories
    the configuration has 1 problem
      1. --seed: `-1` is not a whole number from 0 to 18446744073709551615
    ");
}

#[test]
fn parameters_of_strategies() {
    let dir = scratch();
    let said = |args: &[&str]| run(args).in_dir(&dir).end().with_code(3).stderr;
    insta::assert_snapshot!(said(&["--param", "fats=3"]), @r"
    error: the configuration has 1 problem
      1. --param: strategy sma-cross has no parameter `fats`; did you mean `fast`?
    ");
    insta::assert_snapshot!(said(&["--strategy", "mean-reversion", "--param", "speed=3", "--param", "window=x"]), @r"
    error: the configuration has 2 problems
      1. --param: strategy mean-reversion has no parameter `speed`; it has: window, entry, exit, fraction
      2. --param: window = `x` is not a whole number from 2 to 100000
    ");
    insta::assert_snapshot!(said(&["--param", "fast=50", "--param", "slow=20"]), @r"
    error: the configuration has 1 problem
      1. --param: fast = 50 must be less than slow = 20
    ");
    insta::assert_snapshot!(said(&["--strategy", "sma-corss"]), @r"
    error: the configuration has 1 problem
      1. --strategy: there is no strategy `sma-corss`; use one of: sma-cross, buy-and-hold, mean-reversion
    ");
    dir.file(".env", "INVESTBOT_STRATEGY_PARAMS_SLOWW=9\n");
    insta::assert_snapshot!(said(&[]), @r"
    error: the configuration has 1 problem
      1. .env:1: INVESTBOT_STRATEGY_PARAMS_SLOWW: strategy sma-cross has no parameter `sloww`; did you mean `slow`?
    ");
}

fn output(args: &[&str]) -> Output {
    investbot().args(args).output().unwrap()
}

#[test]
fn command_lines_that_make_no_sense() {
    for (args, hint) in [
        (&["run", "--sede", "1"][..], "--seed"),
        (&["runn"], "run"),
        (&["run", "paper"], "--help"),
        (&["run", "--seed", "1", "--seed", "2"], "--seed"),
        (&[], "Usage: investbot"),
    ] {
        let output = output(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(hint), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn help_teaches() {
    let help = |args: &[&str]| {
        let output = output(args);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    insta::assert_snapshot!(help(&["--help"]), @r"
    Runs trading strategies through exchange adapters that are loaded as plugins

    Usage: investbot <COMMAND>

    Commands:
      run      Runs a strategy on bars, or a stream of order intents, and shows what came of it
      resolve  Shows the orders that are held, and records what became of one
      verify   Checks a run: recomputes it from its journal and its data, and compares
      drill    Kills runs, resumes them, and compares what they tell with what the venue has
      plugin   Shows the exchange adapters that are there, and what each can do
      help     Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Start with `investbot run`: it needs no key, no file and no network.
    Exit codes: 0 ok, 1 unexpected, 2 usage, 3 configuration or data, 4 plugin refused, 5 orders in
    doubt or held, 6 halted, 7 run directory taken, 8 verification mismatch, 130/143 stopped.
    ");
    let run = help(&["run", "--help"]);
    for part in [
        "Examples:\n  investbot run  ",
        "my-strategy | investbot run --intents -",
        "sma-cross        fast=20 slow=50 fraction=0.95",
        "[env: INVESTBOT_EXCHANGE_KIND]",
        "Risk limits:",
        "the flag wins, then",
    ] {
        // Where lines break depends on the width.
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&run).contains(&flat(part)), "{part} in {run}");
    }
    for command in ["run", "resolve", "verify", "drill"] {
        let (short, long) = (help(&[command, "-h"]), help(&[command, "--help"]));
        assert!(short.len() < long.len(), "{command}: -h is the short one");
        assert!(
            long.contains(&format!("Examples:\n  investbot {command} ")),
            "{long}"
        );
    }
    assert!(help(&["--version"]).starts_with("investbot "));
}

/// The examples of the help are commands that work.
#[test]
fn what_help_says_of_strategies_is_true() {
    for (strategy, params) in [
        ("sma-cross", "fast=20 slow=50 fraction=0.95"),
        ("mean-reversion", "window=48 entry=2 exit=0.5 fraction=0.95"),
        ("buy-and-hold", "fraction=0.95"),
    ] {
        let line = format!("{strategy:<16} {params}");
        let help = String::from_utf8(output(&["run", "--help"]).stdout).unwrap();
        assert!(help.contains(&line), "{line}");
        let base = [
            "--json",
            "--run-id",
            "help",
            "--to",
            "2018-01-01",
            "--strategy",
            strategy,
        ];
        let defaults = run(base).end().with_code(0).digest();
        let params = params.split(' ').flat_map(|param| ["--param", param]);
        assert_eq!(run(base).args(params).end().with_code(0).digest(), defaults);
    }
}
