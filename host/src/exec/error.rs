//! Why a run did not come to its end, and the exit code of each reason.

use investbot_plugin_api::AdapterError;

use super::session::SessionError;
use crate::config::ConfigError;
use crate::engine::core::InstrumentError;
use crate::exit::ExitCode;
use crate::feed::DataError;
use crate::observe::record::RecordError;
use crate::observe::run_dir::RunDirError;
use crate::plugin::LoadError;
use crate::store::StoreError;
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
    /// The bars or intents cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
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
    /// The venue's rules make no sense.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// A thread could not be started.
    #[error("the system gives no thread: {0}\n  hint: lower worker.max_in_flight, or the load")]
    Thread(std::io::Error),
    /// The run broke off.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// What came of the run could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<LoadError> for RunError {
    fn from(error: LoadError) -> Self {
        Self::Plugin(Box::new(error))
    }
}

impl RunError {
    /// The exit code of the class of the error.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Data(_) | Self::Intents { .. } => ExitCode::ConfigOrData,
            Self::Plugin(_) | Self::PluginAndConfig { .. } | Self::Instrument(_) => {
                ExitCode::PluginRefused
            }
            Self::Start { .. } => ExitCode::PluginRefused,
            Self::RunDir(error) => run_dir_code(error),
            Self::Store(error) => store_code(error),
            Self::Session(SessionError::Data(_) | SessionError::Intents(_)) => {
                ExitCode::ConfigOrData
            }
            Self::Session(SessionError::Record(error)) | Self::Record(error) => record_code(error),
            Self::Session(_) | Self::Thread(_) => ExitCode::Unexpected,
        }
    }
}

const fn record_code(error: &RecordError) -> ExitCode {
    match error {
        RecordError::RunDir(error) => run_dir_code(error),
        RecordError::Output(_) => ExitCode::Unexpected,
    }
}

const fn store_code(error: &StoreError) -> ExitCode {
    match error {
        StoreError::OtherRun { .. }
        | StoreError::Journal(
            JournalError::Corrupt { .. }
            | JournalError::MissingSegment { .. }
            | JournalError::CutShort { .. },
        ) => ExitCode::RunDir,
        _ => ExitCode::Unexpected,
    }
}

const fn run_dir_code(error: &RunDirError) -> ExitCode {
    match error {
        RunDirError::Exists { .. }
        | RunDirError::Locked { .. }
        | RunDirError::NotADirectory { .. } => ExitCode::RunDir,
        RunDirError::Io { .. } => ExitCode::Unexpected,
    }
}
