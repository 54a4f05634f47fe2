//! `investbot plugin check`.

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
use crate::exec::search_path;
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::plugin::Plugin;
use crate::plugin::conformance::runner::{self, Ended, MARK, Outcome};
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
  investbot plugin check --list                                 what is tested, and why
  investbot plugin check ./libmine.so --junit report.xml        for CI";

/// What is tested, and how.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(super) struct CheckArgs {
    /// A plugin's name, or the path of its library
    #[arg(value_name = "NAME|PATH", required_unless_present = "list")]
    plugin: Option<String>,
    /// Tells what is tested and why, and tests nothing
    #[arg(long)]
    list: bool,
    /// Runs one test, or one group; may be repeated
    #[arg(long, value_name = "TEST|GROUP")]
    only: Vec<String>,
    /// Everything random is drawn from it
    #[arg(long, value_name = "N", default_value_t = 0)]
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
    /// How many tests run at a time [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// How long one test may take, in seconds
    #[arg(long, value_name = "S", default_value_t = 60)]
    limit: u64,
    /// Writes the results as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Runs one test in this process, and nothing else: the runner's own flag
    #[arg(long, value_name = "TEST", hide = true)]
    one: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Tests a plugin, or tells what is tested.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
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
    match &args.one {
        Some(id) => one(id, &setup),
        None => check(name, args, &chosen, &setup),
    }
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
    let flags = [flag("exchange.config", &args.set), flag("live", &live)];
    let config = args
        .common
        .configure_with(flags.into_iter().flatten().collect());
    let plugin = Plugin::inspect(name, &search_path(&config), None)
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
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => {
            return fail(
                format!("this program cannot be found again: {error}"),
                ExitCode::Unexpected,
            );
        }
    };
    let command = |test: &Test| child(&program, name, args, test, &setup.dir);
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
    let jobs = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let ended = runner::run(
        chosen,
        jobs,
        Duration::from_secs(args.limit),
        &command,
        &told,
    );
    let _ = std::fs::remove_dir_all(&setup.dir);
    if let Some(file) = &args.junit
        && let Err(error) = std::fs::write(file, junit::report(setup, &ended))
    {
        let text = format!(
            "the report cannot be written: {}: {error}\n  hint: check --junit",
            file.display()
        );
        return fail(text, ExitCode::Unexpected);
    }
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

/// The same program, for one test. What it leaves if it crashes is in `dir`, and goes with that.
fn child(program: &Path, name: &str, args: &CheckArgs, test: &Test, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("TMPDIR", dir);
    command.args(["plugin", "check", name, "--one", test.id]);
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
}
