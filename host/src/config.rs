//! The configuration of a run: where each value comes from, and whether it makes sense.
//!
//! One table ([`SETTINGS`]) names every setting. From it come the flags of `run`, the environment
//! variables, the keys of the TOML file, the nearest names in messages and `.env.example`, so that none
//! of them can drift from the others. Values come in layers: a flag wins over the environment, the
//! environment over `.env`, `.env` over the TOML file, the file over the default; a value keeps its
//! [`Origin`] for messages and for the record of the run.
//!
//! Three steps, of which the first reads files and the others do not (but for files that hold secrets):
//!
//! ```text
//! Layers::gather(flags, environment, directory, started)   what was written, and where
//! RuntimeConfig::resolve(layers)                  typed values; mistakes are kept, not thrown
//! RuntimeConfig::validate_for(manifest, mode)     every mistake at once, before plugin code runs
//! ```

mod describe;
mod dotenv;
mod error;
mod example;
mod file;
mod layers;
mod nearest;
mod origin;
mod parse;
mod problem;
mod runtime;
mod schema;
mod secret;
mod setting;
mod started;
mod table;
#[cfg(test)]
mod tests;
mod typed;
mod validate;
mod values;
mod variables;

pub use error::ConfigError;
pub use example::env_example;
pub use layers::{FlagValue, Layers};
pub use origin::Origin;
pub use problem::Problem;
pub use runtime::RuntimeConfig;
pub use setting::{Kind, Setting};
pub use started::{Difference, Started};
pub use table::{DRILL_KILL, PROGRAM_PLUGIN, SETTINGS};
pub use typed::{
    Bars, Color, Exchange, Gaps, IntentSource, Isolation, Live, Log, LogFormat, Output, Pace,
    PluginSearch, Reconcile, Retry, Risk, Run, Strategy,
};
pub use validate::{Mode, ValidatedPluginConfig};
