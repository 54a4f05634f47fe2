//! From the command line to the configuration, for every subcommand that has one.

use clap::Args;

use super::terminal::{choose_color, say};
use crate::config::{FlagValue, Layers, LogFormat, RuntimeConfig};
use crate::exec::Resumed;
use crate::observe::logging;

/// The configuration that the flags, the environment, the files and the run that goes on come to. From here
/// on the terminal and the log are as it says.
pub(super) fn configure(flags: Vec<FlagValue>, resumed: Option<&Resumed>) -> RuntimeConfig {
    let directory = std::env::current_dir().unwrap_or_else(|_| ".".into());
    let started = resumed.map(|resumed| resumed.started(&directory));
    let env = std::env::vars_os();
    let layers = Layers::gather(flags, env, &directory, started.as_ref());
    let mut config = RuntimeConfig::resolve(layers);
    choose_color(config.output.color);
    let format = match config.log.format {
        LogFormat::Text => logging::LogFormat::Text,
        LogFormat::Json => logging::LogFormat::Json,
    };
    if let Err(problem) = logging::init(&config.log.filter, format) {
        config.reject("log.level", &problem);
    }
    for warning in config.warnings() {
        say(format_args!("warning: {warning}"));
    }
    config
}

/// The flag of a setting, if it was given.
pub(super) fn flag(key: &'static str, text: Option<String>) -> Option<FlagValue> {
    text.map(|text| FlagValue {
        key,
        texts: vec![text],
    })
}

/// Where a run's files are now.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Where the bars are now, if they are somewhere else
    #[arg(long, value_name = "FILE")]
    bars: Option<String>,
    /// Where the file of intents is now, if it is somewhere else
    #[arg(long, value_name = "FILE")]
    intents: Option<String>,
    /// A directory that is searched for the plugin before all others
    #[arg(long, value_name = "DIR")]
    plugin_dir: Vec<String>,
}

impl Places {
    /// The configuration of a run that is looked at.
    pub(super) fn configure(&self, resumed: &Resumed) -> RuntimeConfig {
        let named = [
            flag("bars.source", self.bars.clone()),
            flag("intents", self.intents.clone()),
        ];
        let dirs = plugin_dirs(self.plugin_dir.clone());
        let flags = named.into_iter().flatten().chain(dirs);
        configure(flags.collect(), Some(resumed))
    }
}

/// The flag that names directories of plugins, if it was given.
pub(super) fn plugin_dirs(texts: Vec<String>) -> Option<FlagValue> {
    let key = "plugin.dir";
    (!texts.is_empty()).then_some(FlagValue { key, texts })
}
