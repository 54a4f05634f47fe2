//! Finds and checks everything that a run needs, before any of the plugin's code runs: the configuration,
//! the plugin's file, the data.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};

use investbot_plugin_api::Bar;
use investbot_plugin_api::manifest::Manifest;

use super::error::RunError;
use super::resumed::{OpenIntents, Resumed};
use super::source::{Source, Window};
use crate::config::{
    ConfigError, Gaps, IntentSource, Isolation as Place, Mode, RuntimeConfig, ValidatedPluginConfig,
};
use crate::engine::strategy::{self, Strategy};
use crate::feed::{BarOptions, BarReader, BarStream, Bundled, GapPolicy, IntentReader};
use crate::plugin::belief::Belief;
use crate::plugin::lock::Lock;
use crate::plugin::{Isolation, Plugin, SearchPath, this_program};

type Validate = fn(&RuntimeConfig, &Manifest, Mode) -> Result<ValidatedPluginConfig, ConfigError>;

/// A run that nothing is wrong with, as far as that shows before any of the plugin's code runs.
pub struct Prepared {
    pub(super) config: RuntimeConfig,
    pub(super) plugin: Plugin,
    /// Which of its claims orders may rely on.
    pub(super) belief: Belief,
    pub(super) valid: ValidatedPluginConfig,
    pub(super) stream: String,
    pub(super) instrument: String,
    pub(super) bars: Option<BarReader>,
    pub(super) intents: Option<OpenIntents>,
    /// The run that goes on, if it is no new one.
    pub(super) resumed: Option<Resumed>,
}

impl Prepared {
    /// Finds and checks everything, and opens the data.
    pub fn new(config: RuntimeConfig, resumed: Option<Resumed>) -> Result<Self, RunError> {
        let prepared = Self::with(config, resumed, RuntimeConfig::validate_for)?;
        prepared.tell_disbelief();
        Ok(prepared)
    }

    /// The same for a run that is only looked at.
    pub fn to_look_at(config: RuntimeConfig, resumed: Resumed) -> Result<Self, RunError> {
        Self::with(config, Some(resumed), RuntimeConfig::validate_to_look)
    }

    fn with(
        mut config: RuntimeConfig,
        resumed: Option<Resumed>,
        validate: Validate,
    ) -> Result<Self, RunError> {
        let mode = config.mode();
        let instrument = instrument_name(&config);
        check_strategy(&mut config, mode);
        let plugin = find_plugin(&config).map_err(|error| match &resumed {
            Some(resumed) => resumed.explain(error),
            None => error,
        })?;
        let valid = validate(&config, plugin.manifest(), mode)?;
        require_pin(&config, &plugin)?;
        let lock = Lock::read(&config.plugin.lock)?;
        let belief = Belief::of(plugin.manifest(), plugin.sha256(), &lock);
        let simulated = plugin.manifest().plugin.simulated;
        let bars = if simulated {
            Some(open_bars(&config)?)
        } else {
            None
        };
        let intents = config.intents.as_ref().map(open_intents).transpose()?;
        let stream = match mode {
            Mode::Backtest => config.strategy.name.clone(),
            Mode::Intents => "intents".to_owned(),
        };
        Ok(Self {
            config,
            plugin,
            belief,
            valid,
            stream,
            instrument,
            bars,
            intents,
            resumed,
        })
    }
}

impl Prepared {
    /// Says so if what the plugin claims is not relied on.
    fn tell_disbelief(&self) {
        let why = match &self.belief {
            Belief::Unchecked => "no check of this file is pinned".to_owned(),
            Belief::Refuted(found) => format!("the check of this file: {found}"),
            _ => return,
        };
        let Manifest {
            plugin,
            capabilities,
            ..
        } = self.plugin.manifest();
        let (id, claimed) = (&plugin.id, capabilities.class());
        let path = self.plugin.path().display();
        let live = if plugin.real_money { " --live" } else { "" };
        tracing::warn!(
            "the claims of `{id}` (class {claimed}) are not proven, so that it runs as class E: an order in doubt is held \
             for you ({why}); prove them: investbot plugin check {path}{live} --result result.json && investbot plugin pin \
             {path} --result result.json"
        );
    }

    /// Whether the run takes intents from a stream, and tells of them on standard output.
    pub(super) fn is_stream(&self) -> bool {
        self.config.mode() == Mode::Intents
    }

    /// The bars after the first `passed`, with the last of those. They can be taken once.
    pub(super) fn bars_from(&mut self, passed: u64) -> Result<(Source, Option<Bar>), RunError> {
        let window = Window {
            from: self.config.bars.from,
            to: self.config.bars.to,
        };
        let last = match &mut self.bars {
            Some(bars) if passed > 0 => bars.skip(passed, window.from)?,
            _ => None,
        };
        let bars = self.bars.take().map(BarStream::spawn).transpose()?;
        Ok((Source::new(bars, window, None), last))
    }

    /// A strategy that has seen nothing yet; `None` if intents come from a stream.
    pub(super) fn strategy(&self) -> Option<Box<dyn Strategy>> {
        if self.is_stream() {
            return None;
        }
        let asked = &self.config.strategy;
        let built = strategy::build(&asked.name, &asked.params);
        Some(built.expect("it was built once when the configuration was checked"))
    }
}

/// The symbol of the bars: as configured, as bundled, or after the file.
fn instrument_name(config: &RuntimeConfig) -> String {
    if let Some(name) = &config.bars.instrument {
        return name.clone();
    }
    if let Some(bundled) = Bundled::find(&config.bars.source) {
        return bundled.symbol.to_owned();
    }
    let file = std::path::Path::new(&config.bars.source)
        .file_name()
        .unwrap_or_default();
    let name = file.to_string_lossy();
    name.split('.').next().unwrap_or(&name).to_owned()
}

/// Tries to make the strategy; what is wrong with its parameters goes to the other mistakes of the
/// configuration.
fn check_strategy(config: &mut RuntimeConfig, mode: Mode) {
    if mode == Mode::Intents {
        return;
    }
    let Err(problems) = strategy::build(&config.strategy.name, &config.strategy.params) else {
        return;
    };
    for problem in problems {
        let key = match problem.param {
            Some(param) => format!("strategy.params.{param}"),
            None => "strategy.name".to_owned(),
        };
        config.reject(&key, &problem.text);
    }
}

/// Where a configuration has plugins looked for.
#[must_use]
pub fn search_path(config: &RuntimeConfig) -> SearchPath {
    // Directories of the configuration become one more variable of the same shape.
    let listed: OsString = std::env::join_paths(&config.plugin.path).unwrap_or_default();
    SearchPath::of_this_process(&config.plugin.dirs, Some(&listed))
}

/// How a plugin is isolated, if it is: with real money, unless the configuration says otherwise; else if it says so.
#[must_use]
pub fn isolation(config: &RuntimeConfig, manifest: &Manifest) -> Option<Isolation> {
    let exchange = &config.exchange;
    let is_isolated = match exchange.isolation {
        Some(place) => place == Place::Process,
        None => manifest.plugin.real_money,
    };
    is_isolated.then(|| Isolation {
        program: this_program(),
        readable: exchange.isolation_read.clone(),
        memory: exchange.isolation_memory,
        held: None,
    })
}

/// Finds the plugin that a configuration names, and checks it; none of its code runs.
pub fn find_plugin(config: &RuntimeConfig) -> Result<Plugin, RunError> {
    let search = search_path(config);
    let pin = config.plugin.sha256.as_deref();
    let lock = Lock::read(&config.plugin.lock)?;
    let asked = &config.exchange.kind;
    let found = Plugin::inspect(asked, &search, pin).and_then(|plugin| {
        lock.check(asked, &plugin)?;
        Ok(plugin)
    });
    found.map_err(|plugin| match config.check() {
        Ok(()) => RunError::from(plugin),
        Err(config) => RunError::PluginAndConfig {
            plugin: Box::new(plugin),
            config,
        },
    })
}

/// A plugin that trades with real money must be one that somebody has decided to trust.
fn require_pin(config: &RuntimeConfig, plugin: &Plugin) -> Result<(), RunError> {
    let is_pinned = config.plugin.sha256.is_some();
    if !plugin.manifest().plugin.real_money || is_pinned {
        return Ok(());
    }
    Ok(Lock::read(&config.plugin.lock)?.require(plugin)?)
}

fn open_bars(config: &RuntimeConfig) -> Result<BarReader, RunError> {
    let options = BarOptions {
        interval: config.bars.interval,
        time_unit: None,
        gaps: match config.bars.gaps {
            Gaps::Keep => GapPolicy::Keep,
            Gaps::Halt => GapPolicy::Halt,
        },
    };
    let source = &config.bars.source;
    // A name without a path or an extension is a bundled series, unless there is a file of that name.
    let is_name = !source.contains(['/', '\\', '.']) && !std::path::Path::new(source).exists();
    Ok(if Bundled::find(source).is_some() || is_name {
        BarReader::bundled(source, &options)?
    } else {
        BarReader::open(source, &options)?
    })
}

fn open_intents(source: &IntentSource) -> Result<OpenIntents, RunError> {
    let (reader, begins_again): (IntentReader<Box<dyn Read + Send>>, _) = match source {
        IntentSource::Stdin => (IntentReader::new("stdin", Box::new(io::stdin())), false),
        IntentSource::File(path) => {
            let shown = path.display().to_string();
            let unreadable = |cause| RunError::Intents {
                path: shown.clone(),
                cause,
            };
            // A directory opens as well as a file; that it has no lines would show only later.
            if path.is_dir() {
                let cause = io::Error::new(io::ErrorKind::IsADirectory, "is a directory");
                return Err(unreadable(cause));
            }
            let file = File::open(path).map_err(unreadable)?;
            let begins_again = file.metadata().is_ok_and(|about| about.is_file());
            (IntentReader::new(&shown, Box::new(file)), begins_again)
        }
    };
    Ok(OpenIntents {
        reader,
        begins_again,
    })
}
