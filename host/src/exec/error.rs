//! Why a run did not come to its end, and the exit code of each reason.

use std::path::PathBuf;

use investbot_plugin_api::AdapterError;

use super::boot::RecallError;
use super::reconcile::Unsound;
use super::replay::ReplayError;
use super::resolve::HeldOrder;
use super::session::SessionError;
use crate::config::ConfigError;
use crate::engine::core::{InstrumentError, RestoreError};
use crate::engine::{Core, OrderState};
use crate::exit::ExitCode;
use crate::feed::{DataError, IntentError};
use crate::observe::record::RecordError;
use crate::observe::run_dir::{AskedError, RunDirError};
use crate::plugin::lock::LockError;
use crate::plugin::{Hang, LoadError};
use crate::store::StoreError;
use crate::store::checkpoint::CheckpointError;
use crate::store::journal::JournalError;

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No plugin, and a configuration that cannot be used besides.
    #[error("{plugin}\n{config}")]
    PluginAndConfig {
        /// What is wrong with the plugin.
        plugin: Box<LoadError>,
        /// What is wrong with the configuration.
        config: ConfigError,
    },
    /// The plugin was refused or would not open.
    #[error(transparent)]
    Plugin(Box<LoadError>),
    /// The pinned plugins cannot be read.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The plugin is not the one that the run was started with.
    #[error(
        "the run in {} was started with another library of its plugin; to go on with this one, set \
         INVESTBOT_PLUGIN_SHA256 to the digest that was found\n{plugin}", run_dir.display()
    )]
    OtherPlugin {
        /// The run.
        run_dir: PathBuf,
        /// What is wrong with the plugin.
        plugin: Box<LoadError>,
    },
    /// The data are not those that the run was started with.
    #[error(
        "the run in {} cannot go on with these data{}\n  hint: put the files back, or say with --bars and \
         --intents where they are now; with other data, start a new run", run_dir.display(),
        numbered(differences)
    )]
    OtherData {
        /// The run.
        run_dir: PathBuf,
        /// What is different.
        differences: Vec<String>,
    },
    /// The bars or intents cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The intents cannot be gone on with.
    #[error(transparent)]
    Lines(#[from] IntentError),
    /// A file of intents cannot be opened.
    #[error(
        "cannot open the intents {path}: {cause}\n  hint: check --intents; `-` reads standard input"
    )]
    Intents {
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The run directory cannot be used.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// What the run has sent cannot be kept, or cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The last checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The core that the last checkpoint keeps cannot be restored.
    #[error(transparent)]
    Restore(RestoreError),
    /// What the run did cannot be replayed.
    #[error(transparent)]
    Replay(Box<ReplayError>),
    /// There is nothing to decide about an order.
    #[error(
        "no order of this run is held under the name {name}, so there is nothing to decide{}\n  hint: check \
         the name; a decision that was recorded stands",
        listed(held)
    )]
    NotHeld {
        /// What was looked for.
        name: String,
        /// The orders that are held.
        held: Vec<HeldOrder>,
    },
    /// The venue did not answer what has to be known before the first order.
    #[error(
        "the venue did not tell its {what}: {error}\n  hint: nothing was sent; run again once the venue answers"
    )]
    Start {
        /// What was asked.
        what: &'static str,
        /// What it answered.
        error: AdapterError,
    },
    /// Somebody asked for a stop while the venue did not answer yet.
    #[error(
        "stopped on request while the venue did not tell its {what}: {error}\n  hint: nothing was sent"
    )]
    Stopped {
        /// What was asked.
        what: &'static str,
        /// What it answered last.
        error: AdapterError,
        /// The exit code that the signal asks for.
        code: ExitCode,
    },
    /// The books and the venue are not at one.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// The venue's rules make no sense.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// A thread could not be started.
    #[error("the system gives no thread: {0}\n  hint: lower worker.max_in_flight, or the load")]
    Thread(std::io::Error),
    /// The lock of the run directory could not be shared with the plugin's process.
    #[error(
        "the system gives no file descriptor: {0}\n  hint: raise the limit (ulimit -n), or lower the load"
    )]
    Descriptor(std::io::Error),
    /// A call into the plugin does not return, and the thread that made it is the run's own.
    #[error(
        "the plugin is in quarantine: {}\n  hint: the run ends here, and nothing is lost that a kill would not lose; mend \
         or replace the plugin, then resume the run (--resume DIR), which finds out what became of orders in doubt; with \
         --isolate such a plugin costs a call", .0.text
    )]
    Hang(Hang),
    /// The run broke off.
    #[error("{error}{}", unsettled_text(.unsettled))]
    Session {
        /// Why.
        error: Box<SessionError>,
        /// Orders that may be at the venue, with their states.
        unsettled: Vec<String>,
    },
    /// What came of the run could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<RecallError> for RunError {
    fn from(error: RecallError) -> Self {
        match error {
            RecallError::Store(error) => Self::Store(error),
            RecallError::Restore(error) => Self::Restore(error),
            RecallError::Replay(error) => error.into(),
        }
    }
}

impl From<ReplayError> for RunError {
    fn from(error: ReplayError) -> Self {
        Self::Replay(Box::new(error))
    }
}

impl From<LoadError> for RunError {
    fn from(error: LoadError) -> Self {
        Self::Plugin(Box::new(error))
    }
}

impl RunError {
    /// A run that broke off, and the orders that somebody has to look after.
    pub(super) fn broken_off(error: SessionError, core: &Core) -> Self {
        let not_sent = match &error {
            SessionError::Store(StoreError::Full { keys, .. }) => keys.as_slice(),
            _ => &[],
        };
        let unsettled = core
            .unsettled_orders()
            .filter(|order| order.state != OrderState::New)
            .filter(|order| !not_sent.contains(&order.key.to_hex()))
            .map(|order| format!("{} ({:?})", order.client_order_id, order.state))
            .collect();
        Self::Session {
            error: Box::new(error),
            unsettled,
        }
    }

    /// The exit code of the class of the error.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(error) if error.is_of_another_run() => ExitCode::RunDir,
            Self::Config(_) | Self::Lock(_) | Self::Intents { .. } => ExitCode::ConfigOrData,
            Self::OtherData { .. } => ExitCode::RunDir,
            Self::NotHeld { .. } => ExitCode::Usage,
            Self::Lines(error) => error.exit_code(),
            Self::Data(error) => error.exit_code(),
            Self::Plugin(_)
            | Self::OtherPlugin { .. }
            | Self::PluginAndConfig { .. }
            | Self::Instrument(_)
            | Self::Start { .. } => ExitCode::PluginRefused,
            Self::Stopped { code, .. } => *code,
            Self::Unsound(Unsound::NoComparison(_)) => ExitCode::PluginRefused,
            Self::Unsound(_) => ExitCode::InDoubt,
            Self::RunDir(error) => run_dir_code(error),
            Self::Store(error) => store_code(error),
            Self::Checkpoint(error) => checkpoint_code(error),
            Self::Restore(_) => ExitCode::RunDir,
            Self::Replay(error) => match error.as_ref() {
                ReplayError::Data(error) => error.exit_code(),
                _ => ExitCode::Mismatch,
            },
            Self::Session { error, unsettled } => match error.as_ref() {
                SessionError::Data(error) => error.exit_code(),
                SessionError::Intents(error) => error.exit_code(),
                SessionError::Record(error) => record_code(error),
                SessionError::Store(error) => store_code(error),
                SessionError::Checkpoint(error) => checkpoint_code(error),
                SessionError::Quarantined(_) if unsettled.is_empty() => ExitCode::PluginRefused,
                SessionError::Quarantined(_) => ExitCode::InDoubt,
                _ => ExitCode::Unexpected,
            },
            Self::Record(error) => record_code(error),
            Self::Hang(hang) if hang.may_have_written => ExitCode::InDoubt,
            Self::Hang(_) => ExitCode::PluginRefused,
            Self::Thread(_) | Self::Descriptor(_) => ExitCode::Unexpected,
        }
    }
}

fn numbered(lines: &[String]) -> String {
    let lines = lines.iter().enumerate();
    lines
        .map(|(index, line)| format!("\n  {}. {line}", index + 1))
        .collect()
}

fn listed(held: &[HeldOrder]) -> String {
    if held.is_empty() {
        return "; none is".to_owned();
    }
    let lines = held.iter().map(|order| {
        let HeldOrder {
            key,
            client_order_id,
            side,
            quantity,
            instrument,
            ..
        } = order;
        format!("{key} ({client_order_id}, {side} {quantity} {instrument})")
    });
    format!("; held are{}", numbered(&lines.collect::<Vec<_>>()))
}

/// How many orders a message names.
const NAMED: usize = 10;

fn unsettled_text(orders: &[String]) -> String {
    if orders.is_empty() {
        return String::new();
    }
    let named: Vec<&str> = orders.iter().take(NAMED).map(String::as_str).collect();
    let more = match orders.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "\n  hint: orders that may be at the venue, look them up there: {}{more}",
        named.join(", ")
    )
}

const fn record_code(error: &RecordError) -> ExitCode {
    match error {
        RecordError::RunDir(error) => run_dir_code(error),
        RecordError::Digest(_) => ExitCode::RunDir,
        RecordError::Output(_) => ExitCode::Unexpected,
    }
}

const fn store_code(error: &StoreError) -> ExitCode {
    match error {
        StoreError::OtherRun { .. }
        | StoreError::LostEnd { .. }
        | StoreError::Journal(
            JournalError::Corrupt { .. }
            | JournalError::MissingSegment { .. }
            | JournalError::CutShort { .. },
        ) => ExitCode::RunDir,
        _ => ExitCode::Unexpected,
    }
}

const fn checkpoint_code(error: &CheckpointError) -> ExitCode {
    match error {
        CheckpointError::Io(_) => ExitCode::Unexpected,
        CheckpointError::Damaged { .. } | CheckpointError::Content { .. } => ExitCode::RunDir,
    }
}

const fn run_dir_code(error: &RunDirError) -> ExitCode {
    match error {
        RunDirError::Exists { .. }
        | RunDirError::Locked { .. }
        | RunDirError::NotADirectory { .. }
        | RunDirError::NotARun { .. }
        | RunDirError::Asked {
            error: AskedError::Sealed(_),
            ..
        }
        | RunDirError::Short { .. } => ExitCode::RunDir,
        RunDirError::Asked {
            error: AskedError::Io(_),
            ..
        }
        | RunDirError::Gone { .. }
        | RunDirError::Io { .. } => ExitCode::Unexpected,
    }
}
