//! `investbot run`.

use super::args::RunArgs;
use super::settings::configure;
use super::terminal::{fail, say};
use crate::config::Mode;
use crate::exec::{self, Finished, Resumed, StopFlag};
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::observe::summary::{SummaryView, to_table};

pub(super) const ABOUT: &str = "\
Runs a strategy on bars, or a stream of order intents, and shows what came of it.

Without flags: the bundled BTC/USD bars, the strategy sma-cross, the venue `paper`. Every flag can also \
be an environment variable, a line of .env or a key of investbot.toml; the flag wins, then the \
environment, then .env, then the file.";

pub(super) const EXAMPLES: &str = "\
Examples:
  investbot run                                      the bundled bars, nothing to prepare
  investbot run --bars my.csv --instrument ETH/USD   bars of your own: CSV, JSON, gz, zip
  investbot run --strategy mean-reversion --param window=96
  investbot run --exchange ./libmyvenue.so           an adapter of your own
  investbot run --exchange realish --seed 7          a venue behind a bad network
  my-strategy | investbot run --intents -            orders from any program, reports as JSON lines
  investbot run --run-dir runs/1 --json              everything kept, one line for scripts
  investbot run --resume runs/1                      goes on after a crash, with the same settings

Strategies and their parameters:
  sma-cross        fast=20 slow=50 fraction=0.95
  mean-reversion   window=48 entry=2 exit=0.5 fraction=0.95
  buy-and-hold     fraction=0.95";

/// Runs it and says how it went.
pub(super) fn run(args: RunArgs) -> ExitCode {
    let resumed = match args.value("resume").map(|dir| Resumed::open(dir.as_ref())) {
        None => None,
        Some(Ok(resumed)) => Some(resumed),
        Some(Err(error)) => return fail(&error, error.exit_code()),
    };
    let config = configure(args.flags, resumed.as_ref());
    let stop = match StopFlag::from_signals() {
        Ok(stop) => stop,
        Err(error) => {
            let text = format!("signals cannot be caught: {error}");
            return fail(text, ExitCode::Unexpected);
        }
    };
    let show = Show {
        json: config.output.json || config.mode() == Mode::Intents,
        table: !config.output.quiet && !config.output.json,
    };
    match exec::run(config, resumed, &stop) {
        Err(error) => fail(&error, error.exit_code()),
        Ok(mut finished) => match show.print(&mut finished) {
            Ok(()) => finished.exit_code(&stop),
            Err(error) => fail(error, ExitCode::Unexpected),
        },
    }
}

/// What is shown at the end.
struct Show {
    json: bool,
    table: bool,
}

impl Show {
    fn print(&self, run: &mut Finished) -> Result<(), OutputError> {
        let mut out = match run.output.take() {
            Some(out) => out,
            None => {
                let mut out = Output::stdout();
                if self.json {
                    out.header()?;
                }
                out
            }
        };
        if self.json {
            out.line(&SummaryView::of(&run.result).to_line())?;
            if self.table {
                say(to_table(&run.result));
            }
        } else if self.table {
            out.line(&to_table(&run.result))?;
        }
        out.flush()
    }
}
