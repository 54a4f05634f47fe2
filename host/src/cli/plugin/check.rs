//! `investbot plugin check`.

mod again;
mod junit;
mod print;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;

use super::Common;
use crate::cli::terminal::{fail, say};
use crate::config::{FlagValue, Mode};
use crate::exec::{isolation, search_path};
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::plugin::Plugin;
use crate::plugin::conformance::result::CheckResult;
use crate::plugin::conformance::runner::{self, Ended, How, MARK, Outcome};
use crate::plugin::conformance::{Setup, Test, tests};

/// The text above the arguments in the long help.
pub(super) const ABOUT: &str = "\
Tests a plugin's library: whether it does what the contract asks, and what its manifest claims. It needs neither the \
plugin's source nor a network of its own; a simulated venue is shown bars, every other one is traded on for real.

Each test runs in a process of its own with a limit of time, so that a crash or a hang is a result and not the end. The \
same seed sends the same orders. Exit code 8 if anything failed.";

/// The text below the arguments in the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  investbot plugin check stub
  investbot plugin check ./target/release/libmine.so --set latency_ms=0
  investbot plugin check ./libmine.so --only claims             one group
  investbot plugin check ./libmine.so --only claims.duplicate-filled --seed 7
  investbot plugin check ./libmine.so --isolate                 the code of a stranger
  investbot plugin check --list                                 what is tested, and why
  investbot plugin check ./libmine.so --result result.json      keeps it, for `pin --result` and
  investbot plugin check --reproduce result.json                what failed, once more
  investbot plugin check ./libmine.so --junit report.xml        for CI";

/// The greatest seed: what TOML and JSON readers take for a whole number.
const MOST: u64 = i64::MAX as u64;

/// How long one test may take if nobody says, in seconds.
const LIMIT: u64 = 60;

/// What is tested, and how.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(super) struct CheckArgs {
    /// A plugin's name, or the path of its library
    #[arg(value_name = "NAME|PATH", required_unless_present_any = ["list", "reproduce"])]
    plugin: Option<String>,
    /// Tells what is tested and why, and tests nothing
    #[arg(long)]
    list: bool,
    /// Runs one test, or one group; may be repeated
    #[arg(long, value_name = "TEST|GROUP")]
    only: Vec<String>,
    /// Runs what failed in an earlier check once more, with its seed, instrument and configuration
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "only", "seed", "set", "instrument"])]
    reproduce: Option<PathBuf>,
    /// Everything random is drawn from it
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MOST))]
    seed: u64,
    /// A key of the plugin's configuration; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The instrument that is traded
    #[arg(long, value_name = "SYMBOL", default_value = "BTC/USD")]
    instrument: String,
    /// Says that a venue with real money may be traded on; the configuration has to say so too
    #[arg(long)]
    live: bool,
    /// Tests it in a process of its own, which may do little: process or none [default: process with real money]
    #[arg(long, value_name = "WORD", num_args = 0..=1, require_equals = true, default_missing_value = "process")]
    isolate: Option<String>,
    /// How many tests run at a time [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// How long one test may take, in seconds [default: 60]
    #[arg(long, value_name = "S")]
    limit: Option<u64>,
    /// Writes what came of it to a file, which `plugin pin` and --reproduce read
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Writes the results as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Runs one test in this process, and nothing else: the runner's own flag
    #[arg(long, value_name = "TEST", hide = true)]
    one: Option<String>,
    /// The digest that the file must have still: the runner's own flag
    #[arg(long, value_name = "SHA256", hide = true)]
    of: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Tests a plugin, or tells what is tested.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let Some(file) = &args.reproduce else {
        return run_as(args, None);
    };
    match again::arguments(args, file) {
        Ok((args, earlier)) => run_as(&args, Some(&earlier)),
        Err(code) => code,
    }
}

fn run_as(args: &CheckArgs, earlier: Option<&CheckResult>) -> ExitCode {
    let chosen = match chosen(&args.only) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            let text = format!(
                "there is no test and no group `{unknown}`\n  hint: investbot plugin check --list shows them"
            );
            return fail(text, ExitCode::Usage);
        }
    };
    if args.list {
        return printed(
            print::list(&mut Output::stdout(), &chosen, args.common.json),
            ExitCode::Ok,
        );
    }
    let name = args.plugin.as_deref().unwrap_or_default();
    let setup = match setup(name, args) {
        Ok(setup) => setup,
        Err(code) => return code,
    };
    if let Some(id) = &args.one {
        return one(id, &setup);
    }
    if let Some(earlier) = earlier {
        again::compare(earlier, &setup.plugin);
    }
    check(name, args, &chosen, &setup)
}

fn printed(done: Result<(), OutputError>, code: ExitCode) -> ExitCode {
    match done {
        Ok(()) => code,
        Err(error) => fail(error, ExitCode::Unexpected),
    }
}

/// The tests of some names or groups; all if none are named.
fn chosen(only: &[String]) -> Result<Vec<Test>, &str> {
    let all = tests();
    let is_named = |test: &Test, name: &str| test.id == name || test.group() == name;
    if let Some(unknown) = only
        .iter()
        .find(|name| !all.iter().any(|test| is_named(test, name)))
    {
        return Err(unknown);
    }
    let wanted = |test: &Test| only.is_empty() || only.iter().any(|name| is_named(test, name));
    Ok(all.into_iter().filter(wanted).collect())
}

/// The plugin and what it is opened with; why not, was said.
fn setup(name: &str, args: &CheckArgs) -> Result<Setup, ExitCode> {
    let flag = |key, texts: &[String]| {
        (!texts.is_empty()).then(|| FlagValue {
            key,
            texts: texts.to_vec(),
        })
    };
    let live = if args.live {
        vec!["true".to_owned()]
    } else {
        Vec::new()
    };
    let isolate: Vec<_> = args.isolate.iter().cloned().collect();
    let flags = [
        flag("exchange.config", &args.set),
        flag("exchange.isolation", &isolate),
        flag("live", &live),
    ];
    let config = args
        .common
        .configure_with(flags.into_iter().flatten().collect());
    let plugin = Plugin::inspect(name, &search_path(&config), args.of.as_deref())
        .map_err(|error| fail(error, ExitCode::PluginRefused))?;
    let valid = config
        .validate_for(plugin.manifest(), Mode::Intents)
        .map_err(|error| fail(error, ExitCode::ConfigOrData))?;
    let dir = tempfile::tempdir()
        .map(tempfile::TempDir::keep)
        .map_err(|error| {
            fail(
                format!("no directory can be made: {error}"),
                ExitCode::Unexpected,
            )
        })?;
    Ok(Setup {
        isolation: isolation(&config, plugin.manifest()),
        plugin,
        config: valid.json,
        secrets: valid.secrets,
        symbol: args.instrument.clone(),
        seed: args.seed,
        dir,
    })
}

/// Runs one test and prints what came of it, for the process that waits.
fn one(id: &str, setup: &Setup) -> ExitCode {
    let Some(test) = tests().into_iter().find(|test| test.id == id) else {
        return fail(format!("there is no test `{id}`"), ExitCode::Usage);
    };
    let outcome = Outcome::from(test.run(setup));
    let _ = std::fs::remove_dir_all(&setup.dir);
    let line = serde_json::to_string(&outcome).expect("strings are JSON");
    let mut out = std::io::stdout().lock();
    // The plugin may have printed half a line.
    let written = writeln!(out, "\n{MARK}{line}").and_then(|()| out.flush());
    if written.is_err() {
        return ExitCode::Unexpected;
    }
    // Threads that a plugin left behind must not keep the process, nor what they drop bring it down.
    std::process::exit(0)
}

fn check(name: &str, args: &CheckArgs, chosen: &[Test], setup: &Setup) -> ExitCode {
    let done = match &args.result {
        // Said before the work, not after it.
        Some(file) => CheckResult::could_write(file)
            .map_err(|error| fail(error, ExitCode::Unexpected))
            .and_then(|()| go_through(name, args, chosen, setup)),
        None => go_through(name, args, chosen, setup),
    };
    let _ = std::fs::remove_dir_all(&setup.dir);
    let written = done.and_then(|ended| {
        write_files(name, args, setup, &ended)?;
        Ok(ended)
    });
    let ended = match written {
        Ok(ended) => ended,
        Err(code) => return code,
    };
    let is_bad = ended.iter().any(|ended| ended.outcome.is_bad());
    let code = if is_bad {
        ExitCode::Mismatch
    } else {
        ExitCode::Ok
    };
    let mut out = Output::stdout();
    let done = if args.common.json {
        print::print_json(&mut out, setup, &ended)
    } else {
        print::print(&mut out, setup, &ended)
    };
    if is_bad && !args.common.json {
        hint(name, args, &ended);
    }
    printed(done, code)
}

/// Runs the tests and tells what does not pass as it is found.
fn go_through(
    name: &str,
    args: &CheckArgs,
    chosen: &[Test],
    setup: &Setup,
) -> Result<Vec<Ended>, ExitCode> {
    let program = std::env::current_exe().map_err(|error| {
        let text = format!("this program cannot be found again: {error}");
        fail(text, ExitCode::Unexpected)
    })?;
    let command = |test: &Test| child(&program, name, args, test, setup);
    let told = |ended: &Ended| {
        if ended.outcome.is_bad() && !args.common.json {
            say(format_args!(
                "{}: {}: {}",
                ended.test.id,
                ended.outcome.word(),
                ended.outcome.text()
            ));
        }
    };
    let how = How {
        jobs: args
            .jobs
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        limit: Duration::from_secs(args.limit.unwrap_or(LIMIT)),
        secrets: &setup.secrets,
    };
    Ok(runner::run(chosen, &how, &command, &told))
}

/// Writes what is asked for: the result, the report for CI.
fn write_files(
    name: &str,
    args: &CheckArgs,
    setup: &Setup,
    ended: &[Ended],
) -> Result<(), ExitCode> {
    if let Some(file) = &args.result {
        CheckResult::of(setup, name, args.limit.unwrap_or(LIMIT), ended)
            .write(file)
            .map_err(|error| fail(error, ExitCode::Unexpected))?;
    }
    if let Some(file) = &args.junit
        && let Err(error) = std::fs::write(file, junit::report(setup, ended))
    {
        let text = format!(
            "the report cannot be written: {}: {error}\n  hint: check --junit",
            file.display()
        );
        return Err(fail(text, ExitCode::Unexpected));
    }
    Ok(())
}

/// The same program, for one test. What it leaves if it crashes is in the setup's directory, and goes with that. A file
/// that has another's place meanwhile is not tested: the result is of the one that was read first.
fn child(program: &Path, name: &str, args: &CheckArgs, test: &Test, setup: &Setup) -> Command {
    let mut command = Command::new(program);
    command.env("TMPDIR", &setup.dir);
    command.args(["plugin", "check", name, "--one", test.id]);
    command.args(["--of", setup.plugin.sha256()]);
    command.args([
        "--seed",
        &args.seed.to_string(),
        "--instrument",
        &args.instrument,
    ]);
    for pair in &args.set {
        command.args(["--set", pair]);
    }
    for dir in &args.common.plugin_dir {
        command.args(["--plugin-dir", dir]);
    }
    if let Some(word) = &args.isolate {
        command.arg(format!("--isolate={word}"));
    }
    if args.live {
        command.arg("--live");
    }
    command
}

fn hint(name: &str, args: &CheckArgs, ended: &[Ended]) {
    let Some(first) = ended.iter().find(|ended| ended.outcome.is_bad()) else {
        return;
    };
    let set: String = args
        .set
        .iter()
        .map(|pair| format!(" --set {pair}"))
        .collect();
    say(format_args!(
        "{}: {}\n  hint: investbot plugin check {name} --only {} --seed {}{set}",
        first.test.id, first.test.description, first.test.id, args.seed
    ));
    if let Some(file) = &args.result {
        say(format_args!(
            "  all that failed: investbot plugin check --reproduce {}",
            file.display()
        ));
    }
}
