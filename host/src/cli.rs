//! The command line: one file a subcommand, and no logic that a test would want to call.
//!
//! A subcommand is its arguments, a call into [`exec`](crate::exec) and the printing of what came of it, all
//! in its own file; here it has one line in `Command` and one in [`main`].

pub mod args;
mod drill;
mod plugin;
pub mod resolve;
mod run;
mod settings;
mod terminal;
mod verify;

use clap::{Parser, Subcommand};

use self::args::RunArgs;
use self::drill::DrillArgs;
use self::plugin::PluginArgs;
use self::resolve::ResolveArgs;
use self::terminal::fail;
use self::verify::VerifyArgs;
use crate::exec::signals::outlive_file_limits;
use crate::exit::ExitCode;
#[cfg(target_os = "linux")]
use crate::plugin::isolated;

/// An order execution host for algorithmic trading.
#[derive(Debug, Parser)]
#[command(
    name = "investbot",
    version,
    about = "Runs trading strategies through exchange adapters that are loaded as plugins",
    after_help = "Start with `investbot run`: it needs no key, no file and no network.\n\
        Exit codes: 0 ok, 1 unexpected, 2 usage, 3 configuration or data, 4 plugin refused, 5 orders in \
        doubt or held, 6 halted, 7 run directory taken, 8 verification mismatch, 130/143 stopped."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a strategy on bars, or a stream of order intents, and shows what came of it
    #[command(after_long_help = run::EXAMPLES, long_about = run::ABOUT)]
    Run(RunArgs),
    /// Shows the orders that are held, and records what became of one
    #[command(after_long_help = resolve::EXAMPLES, long_about = resolve::ABOUT)]
    Resolve(ResolveArgs),
    /// Checks a run: recomputes it from its journal and its data, and compares
    #[command(after_long_help = verify::EXAMPLES, long_about = verify::ABOUT)]
    Verify(VerifyArgs),
    /// Kills runs, resumes them, and compares what they tell with what the venue has
    #[command(after_long_help = drill::EXAMPLES, long_about = drill::ABOUT)]
    Drill(DrillArgs),
    /// Shows the exchange adapters that are there, and what each can do
    #[command(after_long_help = plugin::EXAMPLES, long_about = plugin::ABOUT)]
    Plugin(PluginArgs),
    /// Becomes the process of an isolated plugin: for this program alone
    #[cfg(target_os = "linux")]
    #[command(hide = true, name = isolated::ARGUMENT)]
    Isolated,
}

/// Runs the process's command line.
#[must_use]
pub fn main() -> std::process::ExitCode {
    // Where this cannot be had, a limit ends the process: nothing is lost by it that a kill would not lose.
    let _ = outlive_file_limits();
    // A command line that makes no sense ends here, with exit code 2 and clap's explanation.
    match Cli::parse().command {
        Command::Run(args) => run::run(args).into(),
        Command::Resolve(args) => resolve::run(&args).into(),
        Command::Verify(args) => verify::run(args).into(),
        Command::Drill(args) => drill::run(args).into(),
        Command::Plugin(args) => plugin::run(args).into(),
        #[cfg(target_os = "linux")]
        Command::Isolated => match isolated::serve() {
            Ok(()) => ExitCode::Ok.into(),
            Err(error) => fail(error, ExitCode::Usage).into(),
        },
    }
}
