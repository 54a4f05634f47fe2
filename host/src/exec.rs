//! The shell around the core: opens what a run needs, lets what happens into the core in order, and
//! carries out what the core commands.
//!
//! Here are the threads, the clock and the venue; decisions about orders are [`engine`](crate::engine)'s.

pub mod books;
pub mod boot;
pub mod checkpoint;
mod delivery;
pub mod desk;
pub mod error;
mod files;
pub mod hands;
mod inputs;
pub mod market;
pub mod open;
pub mod policy;
pub mod prepare;
pub mod reconcile;
pub mod replay;
pub mod resolve;
pub mod resumed;
pub mod session;
pub mod signals;
pub mod source;
#[cfg(test)]
mod testing;
pub mod verify;
pub mod watch;
pub mod worker;

use std::sync::Arc;
use std::time::Instant;

pub use error::RunError;
pub use policy::SendPolicy;
pub use prepare::{Prepared, find_plugin, isolation, search_path};
pub use resumed::Resumed;
pub use session::SessionError;
pub use signals::StopFlag;
pub use verify::verify;
pub use worker::ExecWorker;

use crate::config::RuntimeConfig;
pub use crate::engine::Decision;
use crate::exit::ExitCode;
use crate::observe::output::Output;
use crate::observe::result::{End, RunResult};
use crate::observe::summary::SummaryView;

/// A run that came to an end.
pub struct Finished {
    /// What came of it.
    pub result: RunResult,
    /// Standard output, if the run printed there.
    pub output: Option<Output>,
}

impl Finished {
    /// The exit code of the run.
    #[must_use]
    pub fn exit_code(&self, stop: &StopFlag) -> ExitCode {
        match &self.result.end {
            End::Stopped => stop.exit_code().unwrap_or(ExitCode::Interrupted),
            End::Halted {
                code: crate::engine::core::stop::IDEMPOTENCY_CONFLICT,
                ..
            } => ExitCode::ConfigOrData,
            End::Halted { .. } => ExitCode::Halted,
            End::Complete if self.result.open_questions() > 0 => ExitCode::InDoubt,
            End::Complete => ExitCode::Ok,
        }
    }
}

/// Runs what `config` asks for, from its plugin to its summary. The execution reports of a stream of
/// intents go to standard output as they come.
/// A run that goes on is handed over as it was taken.
pub fn run(
    config: RuntimeConfig,
    resumed: Option<Resumed>,
    stop: &StopFlag,
) -> Result<Finished, RunError> {
    let mut opened = Prepared::new(config, resumed)?.open(stop)?;

    let started = Instant::now();
    let ended = opened
        .session
        .run(&mut opened.source, |bars| opened.progress.set(bars));
    let elapsed = started.elapsed();
    opened.progress.finish();
    // Whatever happened, the venue is told that the session is over.
    if let Err(error) = opened.session.desk.venue().shutdown() {
        tracing::warn!(%error, "the venue did not end its session cleanly");
    }
    let end =
        ended.map_err(|error| RunError::broken_off(error, opened.session.desk.books().core()))?;

    let bars = opened.source.finish()?;
    let parts = opened.session.desk.into_parts();
    let summary = parts.books.core().summary();
    let (report_digest, output) = parts.record.finish()?;
    let result = RunResult {
        end,
        summary,
        bars,
        report_digest,
        plugin: opened.plugin,
        stream: opened.stream,
        instrument: opened.instrument,
        elapsed,
    };
    if let Some(run_dir) = &opened.run_dir {
        run_dir.write_json("summary.json", &SummaryView::of(&result))?;
    }
    Ok(Finished { result, output })
}

/// What is shared with the plugin: whether what it waits for should end.
pub(crate) type CancelFlag = Arc<std::sync::atomic::AtomicBool>;
