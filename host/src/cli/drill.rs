//! `investbot drill`.

use std::path::PathBuf;

use clap::Args;

use super::settings::{configure, flag, plugin_dirs};
use super::terminal::fail;
use crate::drill::{Plan, Tally, hold};
use crate::exec::StopFlag;
use crate::exit::ExitCode;
use crate::observe::output::Output;
use crate::observe::progress::Count;

pub(super) const ABOUT: &str = "\
Kills runs of this program at every step of their journal and at random instants, resumes them, kills \
the resumes too, and compares what the runs tell in the end with what the venue has in its ledger.

The runs trade on a simulated venue, with data of their own, in a directory of their own. Nothing that \
you have is touched, and no setting of yours counts but those that say where plugins are. Exit code 8 if \
an order was sent twice, lost or lied about; the run directory is kept then.";

pub(super) const EXAMPLES: &str = "\
Examples:
  investbot drill                                every step, and 100 kills at random instants
  investbot drill --kills 2000                   random instants alone
  investbot drill --steps                        every step alone
  investbot drill --exchange realish             a venue behind a bad network
  investbot drill --exchange realish -- --set ack_lost=0.3
  investbot drill --dir /dev/shm/drill --json    in memory, for scripts";

/// The flags of `drill`.
#[derive(Clone, Debug, Args)]
pub(super) struct DrillArgs {
    /// How many kills at random instants there are at least [default: 100, or none with --steps]
    #[arg(long, value_name = "N")]
    kills: Option<u64>,
    /// Kill at every step of the journal; without --kills, at nothing else
    #[arg(long)]
    steps: bool,
    /// A simulated venue: a plugin's name or the path of its library
    #[arg(long, value_name = "KIND")]
    exchange: Option<String>,
    /// A directory that is searched for plugins before all others
    #[arg(long, value_name = "DIR")]
    plugin_dir: Vec<String>,
    /// Everything random is drawn from it
    #[arg(long, value_name = "N")]
    seed: Option<String>,
    /// How fast simulated time passes: virtual or realtime
    #[arg(long, value_name = "PACE")]
    pace: Option<String>,
    /// Where the run directories are [default: a directory of its own among temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How many runs there are at a time [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Stop at the first run that breaks a promise
    #[arg(long)]
    fail_fast: bool,
    /// JSON lines instead of a table
    #[arg(long)]
    json: bool,
    /// More flags for every run, after `--`
    #[arg(last = true, value_name = "RUN FLAGS")]
    flags: Vec<String>,
}

const KILLS: u64 = 100;

/// Holds it and says what came of it.
pub(super) fn run(args: DrillArgs) -> ExitCode {
    let flags = [
        flag("exchange.kind", args.exchange),
        flag("run.seed", args.seed),
        flag("run.pace", args.pace),
    ];
    let dirs = plugin_dirs(args.plugin_dir);
    let flags = flags.into_iter().flatten().chain(dirs).collect();
    let config = configure(flags, None);
    let stop = match StopFlag::from_signals() {
        Ok(stop) => stop,
        Err(error) => {
            let text = format!("signals cannot be caught: {error}");
            return fail(text, ExitCode::Unexpected);
        }
    };
    let plan = Plan {
        config,
        steps: args.steps || args.kills.is_none(),
        kills: args.kills.unwrap_or(if args.steps { 0 } else { KILLS }),
        dir: args.dir,
        jobs: args.jobs.unwrap_or_else(processors),
        fail_fast: args.fail_fast,
        flags: args.flags,
    };
    let total = (!plan.steps).then_some(plan.kills);
    let count = Count::new("kills", total);
    let held = hold(&plan, &stop, &mut |tally| count.set(tally.kills));
    count.finish();
    match held {
        Err(error) => fail(&error, error.exit_code()),
        Ok(tally) => show(&tally, args.json, &stop),
    }
}

fn show(tally: &Tally, json: bool, stop: &StopFlag) -> ExitCode {
    let mut out = Output::stdout();
    let printed = if json {
        out.header_of("investbot.drill")
            .and_then(|()| out.line(&tally.to_line()))
    } else {
        out.line(&tally.to_table())
    };
    if let Err(error) = printed.and_then(|()| out.flush()) {
        return fail(error, ExitCode::Unexpected);
    }
    if !tally.failures.is_empty() {
        return ExitCode::Mismatch;
    }
    stop.exit_code().unwrap_or(ExitCode::Ok)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
