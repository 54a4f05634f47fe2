//! From a configuration to the parts of a run.
//!
//! Two steps. [`Prepared::new`] runs none of the plugin's code and finds whatever is wrong with the
//! configuration, the plugin's file and the data. [`Prepared::open`] makes the run directory, opens
//! the plugin and asks the venue what has to be known before the first order.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::manifest::{Capabilities, Deadline};
use investbot_plugin_api::{AdapterError, Decimal, Instrument, OpenParams};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::CancelFlag;
use super::courier::{Courier, SendPolicy};
use super::error::RunError;
use super::market::Market;
use super::session::Session;
use super::signals::StopFlag;
use super::source::{Intents, Source, Window};
use super::watch::Watch;
use super::worker::ExecWorker;
use crate::clock::{Clock as _, RunClock};
use crate::config::{Gaps, IntentSource, Mode, Pace, Risk, RuntimeConfig, ValidatedPluginConfig};
use crate::engine::retry::Backoff;
use crate::engine::strategy::{self, Strategy};
use crate::engine::{Core, CoreConfig, OrderSupport, RiskLimits};
use crate::feed::{BarOptions, BarReader, BarStream, Bundled, GapPolicy, IntentReader};
use crate::observe::output::Output;
use crate::observe::progress::Progress;
use crate::observe::record::Record;
use crate::observe::result::PluginUsed;
use crate::observe::run_dir::RunDir;
use crate::plugin::{Plugin, SearchPath, Venue};
use crate::store::InMemoryIdempotencyStore;

/// A run that nothing is wrong with, as far as that shows before any of the plugin's code runs.
pub struct Prepared {
    config: RuntimeConfig,
    plugin: Plugin,
    valid: ValidatedPluginConfig,
    strategy: Option<Box<dyn Strategy>>,
    stream: String,
    instrument: String,
    bars: Option<BarReader>,
    intents: Option<IntentReader<Box<dyn Read + Send>>>,
}

/// The parts of a run, ready to go.
pub struct Opened {
    pub(super) session: Session,
    pub(super) source: Source,
    pub(super) progress: Progress,
    pub(super) run_dir: Option<RunDir>,
    pub(super) plugin: PluginUsed,
    pub(super) stream: String,
    pub(super) instrument: String,
}

impl Prepared {
    /// Finds and checks everything, and opens the data.
    pub fn new(mut config: RuntimeConfig) -> Result<Self, RunError> {
        let mode = config.mode();
        let instrument = instrument_name(&config);
        let strategy = build_strategy(&mut config, mode);
        let plugin = find_plugin(&config)?;
        let valid = config.validate_for(plugin.manifest(), mode)?;
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
            valid,
            strategy,
            stream,
            instrument,
            bars,
            intents,
        })
    }

    /// Makes the run directory, opens the plugin and asks the venue what it starts from.
    pub fn open(self, stop: &StopFlag) -> Result<Opened, RunError> {
        let run_id = self.run_id();
        let run_dir = self
            .config
            .run
            .dir
            .as_deref()
            .map(RunDir::create)
            .transpose()?;
        if let Some(run_dir) = &run_dir {
            run_dir.write_json("run.json", &self.describe(&run_id))?;
        }
        let stream = self.intents.is_some().then(Output::stdout);
        let record = Record::new(stream, run_dir.as_ref())?;

        let clock = Arc::new(match self.valid.pace {
            Pace::Virtual => RunClock::simulated(),
            Pace::Realtime => RunClock::realtime(),
        });
        let cancel = CancelFlag::default();
        let mut params = OpenParams::new(self.valid.json.clone());
        params.seed = self.config.run.seed;
        params.instruments = vec![self.instrument.clone()];
        params.data_dir = run_dir
            .as_ref()
            .map(|dir| dir.make_dir("venue"))
            .transpose()?;
        for (name, value) in &self.valid.secrets {
            params = params.with_secret(name, value.clone());
        }
        let timeout = self.config.exchange.open_timeout;
        let venue: Arc<dyn Venue> =
            Arc::new(
                self.plugin
                    .open(&params, clock.clone(), cancel.clone(), timeout)?,
            );
        self.assemble(Parts {
            run_id,
            venue,
            clock,
            cancel,
            record,
            run_dir,
            stop: stop.clone(),
        })
    }

    fn assemble(mut self, parts: Parts) -> Result<Opened, RunError> {
        let Parts {
            run_id,
            venue,
            clock,
            cancel,
            record,
            run_dir,
            stop,
        } = parts;
        let lockstep = self.valid.pace == Pace::Virtual || self.intents.is_none();
        let core = self.core(run_id, venue.as_ref())?;
        let worker = self.worker(venue.clone(), clock.clone(), cancel)?;
        let watch = Watch::from_now(venue.as_ref());
        let simulated = self.plugin.manifest().plugin.simulated;
        let market = Market::new(&self.instrument, self.config.bars.batch, simulated);
        let progress = match &self.bars {
            Some(bars) => Progress::new(bars.progress(), !self.config.output.quiet),
            None => Progress::hidden(),
        };
        let window = Window {
            from: self.config.bars.from,
            to: self.config.bars.to,
        };
        let bars = self.bars.take().map(BarStream::spawn).transpose()?;
        let intents = self.intents.take().map(Intents::spawn).transpose();
        let source = Source::new(bars, window, intents.map_err(RunError::Thread)?);
        let info = &self.plugin.manifest().plugin;
        let plugin = PluginUsed {
            id: info.id.clone(),
            version: info.version.clone(),
            sha256: self.plugin.sha256().to_owned(),
        };
        let session = Session {
            core,
            worker,
            venue,
            clock,
            market,
            watch,
            record,
            stop,
            lockstep,
        };
        let (stream, instrument) = (self.stream, self.instrument);
        Ok(Opened {
            session,
            source,
            progress,
            run_dir,
            plugin,
            stream,
            instrument,
        })
    }

    /// Asks the venue for its rules and the account, and makes the core that starts from there.
    fn core(&mut self, run_id: String, venue: &dyn Venue) -> Result<Core, RunError> {
        let instruments = venue
            .instruments()
            .map_err(|error| start("instruments", error))?;
        let balances = venue.balances().map_err(|error| start("balances", error))?;
        let traded = instruments
            .iter()
            .find(|known| known.symbol == self.instrument)
            .cloned()
            .unwrap_or_else(|| Instrument::new(&self.instrument, Decimal::ONE, Decimal::ONE));
        let total = |currency: &str| {
            balances
                .iter()
                .filter(|balance| balance.currency == currency)
                .map(|balance| balance.total)
                .sum()
        };
        let capabilities = &self.plugin.manifest().capabilities;
        let mut core = Core::new(CoreConfig {
            run_id,
            stream: self.stream.clone(),
            partition: 0,
            instrument: self.instrument.clone(),
            cash: total(&traded.quote),
            position: total(&traded.base),
            risk: limits(&self.config.risk),
            client_order_id: capabilities.client_order_id.clone(),
            support: OrderSupport::new(capabilities),
            strategy: self.strategy.take(),
        });
        core.set_instruments(instruments)?;
        Ok(core)
    }

    fn worker(
        &self,
        venue: Arc<dyn Venue>,
        clock: Arc<RunClock>,
        cancel: CancelFlag,
    ) -> Result<ExecWorker, RunError> {
        let store = InMemoryIdempotencyStore::new(self.config.store_ttl);
        let policy = self.send_policy(&self.plugin.manifest().capabilities);
        let courier = Courier::new(venue, clock, Box::new(store), policy, cancel);
        match self.valid.pace {
            Pace::Virtual => Ok(ExecWorker::inline(courier)),
            Pace::Realtime => {
                let threads = usize::try_from(self.valid.max_in_flight).unwrap_or(usize::MAX);
                ExecWorker::pool(courier, threads).map_err(RunError::Thread)
            }
        }
    }

    fn send_policy(&self, capabilities: &Capabilities) -> SendPolicy {
        let retry = &self.config.retry;
        let backoff = Backoff {
            seed: self.config.run.seed,
            base: retry.base,
            cap: retry.cap,
        };
        let time_to_live = match capabilities.deadline {
            Deadline::Enforced { max_ms, .. } => {
                Some(Duration::from_millis(max_ms).min(self.config.exchange.call_timeout))
            }
            _ => None,
        };
        SendPolicy::new(capabilities, backoff, retry.max_attempts, time_to_live)
    }

    /// The run's id, part of every idempotency key. A simulated venue begins anew with every run, so
    /// that the same configuration may give the same keys; a real one has seen those of other runs.
    fn run_id(&self) -> String {
        if let Some(id) = &self.config.run.id {
            return id.clone();
        }
        let mut hash = Sha256::new();
        if self.plugin.manifest().plugin.simulated {
            hash.update(self.config.canonical());
        } else {
            use std::hash::{BuildHasher as _, RandomState};
            let now = crate::clock::SystemClock.now().0;
            hash.update(now.to_be_bytes());
            hash.update(std::process::id().to_be_bytes());
            hash.update(RandomState::new().hash_one(now).to_be_bytes());
        }
        hex::encode(&hash.finalize()[..8])
    }

    /// What was asked, without secrets.
    fn describe(&self, run_id: &str) -> serde_json::Value {
        let info = &self.plugin.manifest().plugin;
        json!({
            "format": "investbot.run",
            "version": 1,
            "investbot": env!("CARGO_PKG_VERSION"),
            "run_id": run_id,
            "stream": self.stream,
            "instrument": self.instrument,
            "plugin": {
                "id": info.id,
                "version": info.version,
                "api": self.plugin.api().to_string(),
                "sha256": self.plugin.sha256(),
                "path": self.plugin.path(),
            },
            "config": self.config.describe(),
        })
    }
}

/// What [`Prepared::open`] has made when the venue is open.
struct Parts {
    run_id: String,
    venue: Arc<dyn Venue>,
    clock: Arc<RunClock>,
    cancel: CancelFlag,
    record: Record,
    run_dir: Option<RunDir>,
    stop: StopFlag,
}

fn start(what: &'static str, error: AdapterError) -> RunError {
    RunError::Start { what, error }
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

/// The strategy; what is wrong with its parameters goes to the other mistakes of the configuration.
fn build_strategy(config: &mut RuntimeConfig, mode: Mode) -> Option<Box<dyn Strategy>> {
    if mode == Mode::Intents {
        return None;
    }
    match strategy::build(&config.strategy.name, &config.strategy.params) {
        Ok(strategy) => Some(strategy),
        Err(problems) => {
            for problem in problems {
                config.reject("strategy.params", &problem);
            }
            None
        }
    }
}

fn find_plugin(config: &RuntimeConfig) -> Result<Plugin, RunError> {
    // Directories of the configuration become one more variable of the same shape.
    let listed: OsString = std::env::join_paths(&config.plugin.path).unwrap_or_default();
    let search = SearchPath::of_this_process(&config.plugin.dirs, Some(&listed));
    let pin = config.plugin.sha256.as_deref();
    Plugin::inspect(&config.exchange.kind, &search, pin).map_err(|plugin| match config.check() {
        Ok(()) => RunError::Plugin(plugin),
        Err(config) => RunError::PluginAndConfig { plugin, config },
    })
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

fn open_intents(source: &IntentSource) -> Result<IntentReader<Box<dyn Read + Send>>, RunError> {
    Ok(match source {
        IntentSource::Stdin => IntentReader::new("stdin", Box::new(io::stdin())),
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
            IntentReader::new(&shown, Box::new(file))
        }
    })
}

fn limits(risk: &Risk) -> RiskLimits {
    RiskLimits {
        max_order_quantity: risk.max_order_quantity,
        max_order_notional: risk.max_order_notional,
        max_position: risk.max_position,
        price_band_percent: risk.price_band_percent,
        max_orders_per_minute: risk.max_orders_per_minute,
        loss_limit: risk.loss_limit,
        allow_while_in_doubt: false,
    }
}
