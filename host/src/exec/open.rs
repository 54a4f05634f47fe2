//! Makes the parts of a run: the run directory, the open plugin, and a core that starts from what the
//! venue says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::manifest::{Capabilities, Deadline};
use investbot_plugin_api::{Decimal, Instrument, OpenParams, UnixNanos};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::CancelFlag;
use super::courier::{Courier, SendPolicy};
use super::error::RunError;
use super::market::Market;
use super::prepare::Prepared;
use super::session::Session;
use super::signals::StopFlag;
use super::source::{Intents, Source, Window};
use super::watch::Watch;
use super::worker::ExecWorker;
use crate::clock::{Clock as _, RunClock, SystemClock};
use crate::config::{Pace, Risk};
use crate::engine::retry::Backoff;
use crate::engine::{Core, CoreConfig, OrderSupport, RiskLimits};
use crate::exit::ExitCode;
use crate::feed::BarStream;
use crate::fs::{Fs as _, RealFs};
use crate::observe::output::Output;
use crate::observe::progress::Progress;
use crate::observe::record::Record;
use crate::observe::result::PluginUsed;
use crate::observe::run_dir::{RunDir, RunDirError};
use crate::plugin::{Answer, Venue};
use crate::store::file::{Options, Start};
use crate::store::ids::IdsAt;
use crate::store::{self, FileIdempotencyStore, IdempotencyStore, InMemoryIdempotencyStore};

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
        if let Some(bars) = &self.bars {
            // The run begins where its market does, so that nothing happens in 1970.
            clock.advance_to(
                bars.starts_at()
                    .max(self.config.bars.from.unwrap_or_default()),
            );
        }
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
        let venue = self.open_plugin(&params, clock.clone(), cancel.clone())?;
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

    fn open_plugin(
        &self,
        params: &OpenParams,
        clock: Arc<RunClock>,
        cancel: CancelFlag,
    ) -> Result<Arc<dyn Venue>, RunError> {
        let timeouts = &self.config.exchange;
        let venue = self
            .plugin
            .open(params, clock, cancel, timeouts.open_timeout)?;
        Ok(Arc::new(venue.with_call_timeout(timeouts.call_timeout)))
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
        let core = self.core(run_id.clone(), venue.as_ref(), &clock, &stop)?;
        let store = self.store(run_dir.as_ref(), run_id, clock.now())?;
        let worker = self.worker(venue.clone(), clock.clone(), store, cancel)?;
        let watch = self.ask("fills", &clock, &stop, || Watch::from_now(venue.as_ref()))?;
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
            seen: HashMap::new(),
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
    fn core(
        &mut self,
        run_id: String,
        venue: &dyn Venue,
        clock: &RunClock,
        stop: &StopFlag,
    ) -> Result<Core, RunError> {
        let instruments = self.ask("instruments", clock, stop, || venue.instruments())?;
        let balances = self.ask("balances", clock, stop, || venue.balances())?;
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

    /// Asks what has to be known before the first order. A read does no harm, so it is tried again like
    /// a query about an order.
    fn ask<T>(
        &self,
        what: &'static str,
        clock: &RunClock,
        stop: &StopFlag,
        read: impl Fn() -> Answer<T>,
    ) -> Result<T, RunError> {
        let backoff = self.backoff();
        let mut attempt = 1;
        loop {
            let error = match read() {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if attempt >= SendPolicy::MAX_QUERIES {
                return Err(RunError::Start { what, error });
            }
            tracing::info!(what, attempt, %error, "the venue did not answer; trying again");
            let wait = error
                .retry_after()
                .unwrap_or_else(|| backoff.delay(what, attempt));
            if !clock.sleep(wait, &|| stop.is_raised()) {
                let code = stop.exit_code().unwrap_or(ExitCode::Interrupted);
                return Err(RunError::Stopped { what, error, code });
            }
            attempt += 1;
        }
    }

    fn backoff(&self) -> Backoff {
        let retry = &self.config.retry;
        Backoff {
            seed: self.config.run.seed,
            base: retry.base,
            cap: retry.cap,
        }
    }

    /// In the run directory's journal, or in memory where there is no run directory: such a run cannot be
    /// resumed.
    fn store(
        &self,
        run_dir: Option<&RunDir>,
        run_id: String,
        now: UnixNanos,
    ) -> Result<Box<dyn IdempotencyStore>, RunError> {
        let Some(run_dir) = run_dir else {
            let store = InMemoryIdempotencyStore::new(self.config.store_ttl);
            return Ok(Box::new(store));
        };
        let start = Start {
            run_id,
            plugin_sha256: self.plugin.sha256().to_owned(),
            started_at: SystemClock.now(),
        };
        let options = Options {
            ids: IdsAt::Disk,
            ..Options::default()
        };
        // The directory itself must be on the disk, or all that is in it could vanish.
        let path = run_dir.path();
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        RealFs.sync_dir(above).map_err(|source| RunDirError::Io {
            path: above.to_owned(),
            source,
        })?;
        let ignore = &mut |_, _, _: store::Record<'_>| Ok(());
        let found = FileIdempotencyStore::open(Arc::new(RealFs), path, options, ignore)?;
        Ok(Box::new(found.begin(start, now)?))
    }

    fn worker(
        &self,
        venue: Arc<dyn Venue>,
        clock: Arc<RunClock>,
        store: Box<dyn IdempotencyStore>,
        cancel: CancelFlag,
    ) -> Result<ExecWorker, RunError> {
        let policy = self.send_policy(&self.plugin.manifest().capabilities);
        let courier = Courier::new(venue, clock, store, policy, cancel);
        match self.valid.pace {
            Pace::Virtual => Ok(ExecWorker::inline(courier)),
            Pace::Realtime => {
                let threads = usize::try_from(self.valid.max_in_flight).unwrap_or(usize::MAX);
                ExecWorker::pool(courier, threads).map_err(RunError::Thread)
            }
        }
    }

    fn send_policy(&self, capabilities: &Capabilities) -> SendPolicy {
        let time_to_live = match capabilities.deadline {
            Deadline::Enforced { max_ms, .. } => {
                Some(Duration::from_millis(max_ms).min(self.config.exchange.call_timeout))
            }
            _ => None,
        };
        SendPolicy::new(
            capabilities,
            self.backoff(),
            self.config.retry.max_attempts,
            time_to_live,
        )
    }

    /// The run's id, part of every idempotency key. A simulated venue begins anew with every run, so
    /// that the same seed may give the same keys; a real one has seen the keys of other runs.
    fn run_id(&self) -> String {
        if let Some(id) = &self.config.run.id {
            return id.clone();
        }
        let mut hash = Sha256::new();
        if self.plugin.manifest().plugin.simulated {
            hash.update(self.config.run.seed.to_be_bytes());
        } else {
            use std::hash::{BuildHasher as _, RandomState};
            let now = SystemClock.now().0;
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
