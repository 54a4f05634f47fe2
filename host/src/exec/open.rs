//! Makes the parts of a run: the run directory, the open plugin, and a core that starts from what the
//! venue says.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::manifest::{Capabilities, Deadline};
use investbot_plugin_api::{Decimal, Instrument, OpenParams};
use sha2::{Digest as _, Sha256};

use super::CancelFlag;
use super::boot::{Kept, Recalled, Started, recall, take_over};
use super::checkpoint::{Interval, Snapshot};
use super::desk::{Desk, Parts};
use super::error::RunError;
use super::files::file_system;
use super::hands::{Hand, Hands};
use super::market::Market;
use super::policy::SendPolicy;
use super::prepare::{Prepared, isolation};
use super::reconcile::{Reconciler, StartError};
use super::session::Session;
use super::signals::StopFlag;
use super::source::{Intents, Source};
use super::watch::Watch;
use super::worker::ExecWorker;
use crate::clock::{Clock as _, RunClock, SystemClock};
use crate::config::{Pace, Risk};
use crate::engine::retry::Backoff;
use crate::engine::{Core, CoreConfig, ExecutionReport, OrderSupport, RiskLimits};
use crate::exit::ExitCode;
use crate::observe::output::Output;
use crate::observe::progress::Progress;
use crate::observe::record::Record;
use crate::observe::result::PluginUsed;
use crate::observe::run_dir::RunDir;
use crate::plugin::{Answer, Hang, Venue};
use crate::store::checkpoint;
use crate::store::file::{Options, Start};
use crate::store::ids::IdsAt;
use crate::store::record::Account;

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

/// What is there of a run before the venue is open.
struct Begun {
    run_id: String,
    run_dir: Option<RunDir>,
    clock: Arc<RunClock>,
    source: Source,
    progress: Progress,
    record: Record,
    /// What was read back; `None` for a run that is not kept.
    recalled: Option<Recalled>,
}

impl Prepared {
    /// Takes the run directory, reads back what is in it, opens the plugin and asks the venue what it
    /// starts from, or whether all is as it was.
    pub fn open(mut self, stop: &StopFlag) -> Result<Opened, RunError> {
        let begun = self.begin()?;
        let cancel = CancelFlag::default();
        let params = self.open_params(begun.run_dir.as_ref())?;
        let venue = self.open_plugin(&params, &begun, cancel)?;
        self.assemble(begun, venue, stop)
    }

    /// All that can be done without the venue.
    fn begin(&mut self) -> Result<Begun, RunError> {
        let (run_dir, run_id) = self.take_run_dir()?;
        let fs = file_system();
        let clock = Arc::new(match self.valid.pace {
            Pace::Virtual => RunClock::simulated(),
            Pace::Realtime => RunClock::realtime(),
        });
        let snapshot = match &run_dir {
            None => None,
            Some(run_dir) => checkpoint::load::<Snapshot>(fs.as_ref(), run_dir.path())?,
        };
        if let Some(bars) = &self.bars {
            // The run begins where its market does, so that nothing happens in 1970.
            clock.advance_to(
                bars.starts_at()
                    .max(self.config.bars.from.unwrap_or_default()),
            );
        }
        let progress = match &self.bars {
            Some(bars) => Progress::new(bars.progress(), !self.config.output.quiet),
            None => Progress::hidden(),
        };
        let passed = snapshot.as_ref().map(|snapshot| snapshot.progress.bars);
        let (mut source, last_bar) = self.bars_from(passed.unwrap_or_default())?;
        let stream = self.is_stream().then(Output::stdout);
        let mut record = match &run_dir {
            None => Record::new(stream, None)?,
            Some(run_dir) => {
                let mark = snapshot.as_ref().map(|snapshot| snapshot.record.clone());
                Record::resume(run_dir, stream, mark)?
            }
        };
        let recalled = match &run_dir {
            None => None,
            Some(run_dir) => {
                let kept = Kept {
                    fs,
                    dir: run_dir.path().to_owned(),
                    options: Options {
                        ids: IdsAt::Disk,
                        ..Options::default()
                    },
                    interval: Interval::default(),
                    saves_aside: true,
                };
                let mut recalled =
                    self.recall(&run_id, &kept, snapshot, &mut source, &mut record)?;
                let last = &mut recalled.replayed.last_bar;
                *last = last.or(last_bar);
                Some(recalled)
            }
        };
        Ok(Begun {
            run_id,
            run_dir,
            clock,
            source,
            progress,
            record,
            recalled,
        })
    }

    fn recall(
        &self,
        run_id: &str,
        kept: &Kept,
        snapshot: Option<Snapshot>,
        source: &mut Source,
        record: &mut Record,
    ) -> Result<Recalled, RunError> {
        let mut failed = None;
        let mut told = |report: &ExecutionReport| {
            if let Err(error) = record.report(report) {
                failed.get_or_insert(error);
            }
        };
        let config_of = |account| self.core_config(run_id, account);
        let recalled = recall(kept, snapshot, &config_of, source, &mut told)?;
        match failed {
            Some(error) => Err(error.into()),
            None => {
                record.cut()?;
                Ok(recalled)
            }
        }
    }

    fn open_params(&self, run_dir: Option<&RunDir>) -> Result<OpenParams, RunError> {
        let mut params = OpenParams::new(self.valid.json.clone());
        params.seed = self.config.run.seed;
        params.instruments = vec![self.instrument.clone()];
        params.data_dir = run_dir.map(|dir| dir.make_dir("venue")).transpose()?;
        for (name, value) in &self.valid.secrets {
            params = params.with_secret(name, value.clone());
        }
        Ok(params)
    }

    fn open_plugin(
        &self,
        params: &OpenParams,
        begun: &Begun,
        cancel: CancelFlag,
    ) -> Result<Arc<dyn Venue>, RunError> {
        let timeouts = &self.config.exchange;
        let (clock, timeout) = (begun.clock.clone(), timeouts.open_timeout);
        let plugin = &self.plugin;
        let venue = match isolation(&self.config, plugin.manifest()) {
            Some(mut isolation) => {
                let held = begun.run_dir.as_ref().map(RunDir::share_lock).transpose();
                isolation.held = held.map_err(RunError::Descriptor)?.map(Arc::new);
                plugin.open_isolated(params, clock, cancel, timeout, isolation)?
            }
            None => plugin.open(params, clock, cancel, timeout)?,
        };
        let limit = timeouts.call_timeout;
        Ok(Arc::new(match self.valid.pace {
            Pace::Virtual => venue
                .with_watched_calls(limit, Box::new(end_process))
                .map_err(RunError::Thread)?,
            Pace::Realtime => venue.with_call_timeout(limit),
        }))
    }

    fn assemble(
        mut self,
        begun: Begun,
        venue: Arc<dyn Venue>,
        stop: &StopFlag,
    ) -> Result<Opened, RunError> {
        let Begun {
            run_id,
            run_dir,
            clock,
            mut source,
            progress,
            record,
            recalled,
        } = begun;
        let lockstep = self.valid.pace == Pace::Virtual || self.intents.is_none();
        let instruments = self.ask("instruments", &clock, stop, || venue.instruments())?;
        let account = || self.account(&instruments, venue.as_ref(), &clock, stop);
        let Started {
            books,
            keeper,
            inheritance,
        } = match recalled {
            None => {
                let core = Core::new(self.core_config(&run_id, account()?));
                Started::in_memory(self.config.store_ttl, instruments, core)?
            }
            Some(recalled) => {
                let start = Start {
                    run_id: run_id.clone(),
                    plugin_sha256: self.plugin.sha256().to_owned(),
                    started_at: SystemClock.now(),
                };
                let config_of = |account| self.core_config(&run_id, account);
                let rules = instruments.clone();
                recalled.go_on(start, &clock, rules, &config_of, account)?
            }
        };
        let watch = match books.progress().cursor {
            Some(cursor) => Watch::after(Some(cursor)),
            None => self.ask("fills", &clock, stop, || Watch::from_now(venue.as_ref()))?,
        };
        let claimed = &self.plugin.manifest().capabilities;
        let policy = self.send_policy(&self.belief.capabilities(claimed));
        let hands = self.hands(venue.clone(), clock.clone(), &policy)?;
        let worker = ExecWorker::new(policy, self.max_in_flight());
        let simulated = self.plugin.manifest().plugin.simulated;
        let last_intent = books.progress().last_intent;
        let desk = Desk::new(Parts {
            books,
            worker,
            hands,
            venue,
            clock,
            market: Market::new(&self.instrument, self.config.bars.batch, simulated),
            watch,
            record,
            lockstep,
        });
        if let Some(intents) = self.intents.take() {
            let intents = Intents::spawn(intents.after(last_intent)?);
            source.listen_to(intents.map_err(RunError::Thread)?);
        }
        let mut session = Session {
            desk,
            keeper,
            reconciler: self.reconciler(),
            stop: stop.clone(),
        };
        let has_begun = |begun: Result<(), StartError>, desk: &Desk| {
            begun.map_err(|error| match error {
                StartError::Unsound(unsound) => RunError::Unsound(unsound),
                StartError::Session(error) => RunError::broken_off(error, desk.books().core()),
            })
        };
        let desk = &mut session.desk;
        if inheritance.goes_on && !inheritance.clean {
            has_begun(Reconciler::before_sending(desk, stop), desk)?;
        }
        has_begun(
            take_over(desk, &inheritance).map_err(StartError::from),
            desk,
        )?;
        if inheritance.goes_on || !simulated {
            has_begun(self.reconciler().at_start(desk, stop), desk)?;
        }
        let info = &self.plugin.manifest().plugin;
        Ok(Opened {
            session,
            source,
            progress,
            run_dir,
            plugin: PluginUsed {
                id: info.id.clone(),
                version: info.version.clone(),
                sha256: self.plugin.sha256().to_owned(),
            },
            stream: self.stream,
            instrument: self.instrument,
        })
    }

    /// What a core of this run is made of.
    pub(super) fn core_config(&self, run_id: &str, account: Account) -> CoreConfig {
        let capabilities = &self.plugin.manifest().capabilities;
        CoreConfig {
            run_id: run_id.to_owned(),
            stream: self.stream.clone(),
            partition: 0,
            instrument: self.instrument.clone(),
            cash: account.cash,
            position: account.position,
            risk: limits(&self.config.risk),
            client_order_id: capabilities.client_order_id.clone(),
            support: OrderSupport::new(capabilities),
            strategy: self.strategy(),
        }
    }

    /// What the account holds of the instrument's two sides.
    fn account(
        &self,
        instruments: &[Instrument],
        venue: &dyn Venue,
        clock: &RunClock,
        stop: &StopFlag,
    ) -> Result<Account, RunError> {
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
        Ok(Account {
            cash: total(&traded.quote),
            position: total(&traded.base),
        })
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

    fn hands(
        &self,
        venue: Arc<dyn Venue>,
        clock: Arc<RunClock>,
        policy: &SendPolicy,
    ) -> Result<Hands, RunError> {
        let hand = Hand::new(venue, clock, policy.asking());
        match self.valid.pace {
            Pace::Virtual => Ok(Hands::inline(hand)),
            Pace::Realtime => Hands::pool(hand, self.max_in_flight()).map_err(RunError::Thread),
        }
    }

    fn reconciler(&self) -> Reconciler {
        let reconcile = &self.config.reconcile;
        Reconciler::new(reconcile.interval, reconcile.strict)
    }

    fn max_in_flight(&self) -> usize {
        match self.valid.pace {
            // One after another: with virtual time nothing is gained by more.
            Pace::Virtual => 1,
            Pace::Realtime => usize::try_from(self.valid.max_in_flight).unwrap_or(usize::MAX),
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
    pub(super) fn run_id(&self) -> String {
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
}

/// Ends the process whose main thread is in a plugin and does not come back. What is known is on the disk.
fn end_process(hang: &Hang) {
    let text = RunError::Hang(hang.clone());
    // There is nobody left to tell if that fails.
    let _ = writeln!(std::io::stderr(), "error: {text}");
    std::process::exit(text.exit_code() as i32)
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
