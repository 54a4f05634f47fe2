//! One life of the shipping code: it recovers from what is there, works, and ends somehow.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use investbot::clock::{Clock as _, RunClock};
use investbot::engine::core::InstrumentError;
use investbot::engine::retry::Backoff;
use investbot::engine::{Core, CoreConfig, ExecutionReport, OrderSupport, RiskLimits};
use investbot::exec::SessionError;
use investbot::exec::boot::{Inheritance, Kept, RecallError, Recalled, Started, recall, take_over};
use investbot::exec::checkpoint::Snapshot;
use investbot::exec::desk::{Desk, Parts};
use investbot::exec::hands::{Hand, Hands};
use investbot::exec::market::Market;
use investbot::exec::policy::SendPolicy;
use investbot::exec::reconcile::{Reconciler, StartError};
use investbot::exec::session::Session;
use investbot::exec::signals::StopFlag;
use investbot::exec::source::{Item, Source};
use investbot::exec::watch::Watch;
use investbot::exec::worker::ExecWorker;
use investbot::observe::record::{Record, RecordError};
use investbot::plugin::{Answer, Venue};
use investbot::store::StoreError;
use investbot::store::checkpoint::{self, CheckpointError};
use investbot::store::file::{Options, Start};
use investbot::store::record::Account;
use investbot_plugin_api::{AdapterError, Decimal, Instrument};

use super::course::{INSTRUMENTS, STREAM};
use super::eye::{Eye, WatchedVenue};
use super::journal::JournalView;
use super::threads::chooser;
use super::{Course, RUN_ID, Situation, World};
use crate::simulator::disk::SimDisk;
use crate::simulator::invariants::Checker;
use crate::simulator::model::Model;
use crate::simulator::oracle::Oracle;
use crate::simulator::process::Process;
use crate::simulator::venue::{Setup, SimVenue};

/// How long after an attempt a venue that enforces deadlines may still accept it.
pub(super) const TIME_TO_LIVE: Duration = Duration::from_secs(5);
/// The account's cash at the start.
pub(super) const CASH: Decimal = Decimal::ONE_THOUSAND;
/// No life takes so many steps that comes to an end.
const MOST_STEPS: u64 = 20_000;
const DIR: &str = "run";

/// One life of the process, and what it lives in.
pub(super) struct Life {
    pub(super) course: Course,
    model: Model,
    pub(super) oracle: Oracle,
    pub(super) process: Process,
    pub(super) clock: Arc<RunClock>,
    pub(super) disk: SimDisk,
    pub(super) venue: Arc<SimVenue>,
    pub(super) eye: Arc<Eye>,
    stalls: &'static [super::Stall],
}

/// What a life came to that was not cut short.
pub(super) struct Done {
    /// The core as it was read back.
    pub(super) recalled: Option<String>,
    /// The core at the end.
    pub(super) core: Core,
}

/// Why a life ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broke {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Recall(#[from] RecallError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Start(#[from] StartError),
    /// The venue did not tell what a run begins with.
    #[error("the venue did not answer: {0}")]
    Unanswered(AdapterError),
}

impl Life {
    pub(super) fn new(world: &World, situation: &mut Situation, oracle: &Oracle) -> Self {
        let process = Process::after(oracle.clone(), situation.life, situation.steps);
        process.limit(situation.steps + MOST_STEPS);
        let clock = Arc::new(RunClock::simulated());
        clock.advance_to(situation.now);
        let disk = SimDisk::on(&situation.disk, world.disk, oracle.clone(), process.clone());
        let remembered = std::mem::take(&mut situation.journal);
        let journal = JournalView::new(disk.clone(), Path::new(DIR), remembered);
        let journal = Arc::new(journal);
        let memory = std::mem::take(&mut situation.venue);
        let venue = SimVenue::having(
            memory,
            Setup {
                rules: world.rules.clone(),
                menu: world.venue.clone(),
                instruments: instruments(),
                cash: CASH,
                clock: clock.clone(),
                oracle: oracle.clone(),
                process: process.clone(),
                durable: Some(journal.clone()),
            },
        );
        let checker = std::mem::replace(&mut situation.checker, Checker::new(false));
        let eye = Eye::new(process.clone(), journal, checker);
        Self {
            course: situation.course,
            model: world.model,
            oracle: oracle.clone(),
            process,
            clock,
            disk,
            venue: Arc::new(venue),
            eye: Arc::new(eye),
            stalls: world.stalls,
        }
    }

    /// Recovers, works and comes to an end.
    pub(super) fn run(&self) -> Result<Done, Broke> {
        let mut record = self.record()?;
        let recalled = self.recall(&mut record)?;
        let again = recalled.replayed.core.as_ref().map(text_of);
        let venue: Arc<dyn Venue> = Arc::new(WatchedVenue {
            venue: self.venue.clone(),
            eye: self.eye.clone(),
        });
        let instruments = self.ask(|| venue.instruments())?;
        let account = || self.account(venue.as_ref());
        let start = Start {
            run_id: RUN_ID.to_owned(),
            plugin_sha256: "simulated".to_owned(),
            started_at: self.clock.now(),
        };
        let config_of = |account| self.core_config(account);
        let started = recalled.go_on(start, &self.clock, instruments, &config_of, account)?;
        let inheritance = started.inheritance;
        let mut session = self.session(started, venue, record)?;
        let last = session.desk.books().progress().last_intent;
        let mut source = Source::listed(self.items(last));
        self.take_over(&mut session, &inheritance)?;
        session.run(&mut source, |_| ())?;
        let parts = session.desk.into_parts();
        Ok(Done {
            recalled: again,
            core: parts.books.into_core(),
        })
    }

    /// Goes on as a run does: asks for orders that the journal has lost, takes over what was left open, and
    /// compares the books with the account.
    fn take_over(&self, session: &mut Session, inherited: &Inheritance) -> Result<(), Broke> {
        let (reconciler, stop) = (session.reconciler, session.stop.clone());
        let desk = &mut session.desk;
        let goes_on = inherited.goes_on;
        if goes_on && !inherited.clean {
            Reconciler::before_sending(desk, &stop)?;
        }
        take_over(desk, inherited)?;
        if goes_on {
            reconciler.at_start(desk, &stop)?;
        }
        Ok(())
    }

    fn record(&self) -> Result<Record, RecordError> {
        let eye = self.eye.clone();
        let record = Record::new(None, None)?;
        Ok(record.heard_by(Box::new(move |report| eye.shown(report))))
    }

    fn recall(&self, record: &mut Record) -> Result<Recalled, Broke> {
        let kept = Kept {
            fs: Arc::new(self.disk.clone()),
            dir: DIR.into(),
            options: Options {
                sizes: self.course.sizes(),
                ..Options::default()
            },
            interval: self.course.interval(),
            saves_aside: false,
        };
        let snapshot: Option<Snapshot> = checkpoint::load(&self.disk, Path::new(DIR))?;
        let mut failed = None;
        let mut told = |report: &ExecutionReport| {
            if let Err(error) = record.report(report) {
                failed.get_or_insert(error);
            }
        };
        let config_of = |account| self.core_config(account);
        let recalled = recall(
            &kept,
            snapshot,
            &config_of,
            &mut Source::default(),
            &mut told,
        )?;
        failed.map_or(Ok(recalled), |error| Err(error.into()))
    }

    fn session(
        &self,
        started: Started,
        venue: Arc<dyn Venue>,
        record: Record,
    ) -> Result<Session, Broke> {
        let Started { books, keeper, .. } = started;
        let watch = match books.progress().cursor {
            Some(cursor) => Watch::after(Some(cursor)),
            None => self.ask(|| Watch::from_now(venue.as_ref()))?,
        };
        let policy = self.policy();
        let hand = Hand::new(venue.clone(), self.clock.clone(), policy.asking());
        let hands = if self.course.is_in_step() {
            Hands::inline(hand)
        } else {
            let (oracle, process) = (self.oracle.clone(), self.process.clone());
            let chooser = chooser(oracle, process, self.clock.clone(), self.stalls);
            Hands::chosen(hand, chooser)
        };
        let desk = Desk::new(Parts {
            books,
            worker: ExecWorker::new(policy, self.course.threads()),
            hands,
            venue,
            clock: self.clock.clone(),
            market: Market::new(INSTRUMENTS[0], 1, true),
            watch,
            record,
            lockstep: self.course.is_in_step(),
        });
        Ok(Session {
            desk,
            keeper,
            reconciler: Reconciler::new(None, true),
            stop: StopFlag::default(),
        })
    }

    /// What the run has not taken in yet. Now and then nothing comes for a while.
    fn items(&self, last: Option<u64>) -> Vec<Item> {
        let lines = self.course.lines().iter();
        let lines = lines.filter(|line| last.is_none_or(|last| line.position > last));
        let mut items = Vec::new();
        for line in lines {
            items.push(Item::Intent(Box::new(line.clone())));
            if !self.course.is_many() || line.position % 4 == 3 {
                items.push(Item::Nothing);
            }
        }
        items
    }

    fn policy(&self) -> SendPolicy {
        let time_to_live = (self.model == Model::B).then_some(TIME_TO_LIVE);
        SendPolicy::new(
            &self.model.manifest().capabilities,
            BACKOFF,
            self.course.max_attempts(),
            time_to_live,
        )
    }

    fn core_config(&self, account: Account) -> CoreConfig {
        let capabilities = &self.model.manifest().capabilities;
        CoreConfig {
            run_id: RUN_ID.to_owned(),
            stream: STREAM.to_owned(),
            partition: 0,
            instrument: INSTRUMENTS[0].to_owned(),
            cash: account.cash,
            position: account.position,
            risk: RiskLimits {
                allow_while_in_doubt: self.course.allows_while_in_doubt(),
                ..RiskLimits::default()
            },
            client_order_id: capabilities.client_order_id.clone(),
            support: OrderSupport::new(capabilities),
            strategy: None,
        }
    }

    fn account(&self, venue: &dyn Venue) -> Result<Account, Broke> {
        let balances = self.ask(|| venue.balances())?;
        let total = |currency: &str| {
            let own = balances.iter().filter(|b| b.currency == currency);
            own.map(|balance| balance.total).sum()
        };
        Ok(Account {
            cash: total("USD"),
            position: total("BTC"),
        })
    }

    /// Asks what has to be known before the first order.
    fn ask<T>(&self, read: impl Fn() -> Answer<T>) -> Result<T, Broke> {
        const TRIES: u32 = 10;
        let mut attempt = 1;
        loop {
            let error = match read() {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if attempt >= TRIES || !self.process.is_alive() {
                return Err(Broke::Unanswered(error));
            }
            self.clock.sleep(BACKOFF.delay("start", attempt), &|| false);
            attempt += 1;
        }
    }
}

const BACKOFF: Backoff = Backoff {
    seed: 1,
    base: Duration::from_millis(100),
    cap: Duration::from_secs(10),
};

fn instruments() -> Vec<Instrument> {
    let rules = |symbol: &&str| Instrument::new(*symbol, Decimal::ONE, Decimal::new(1, 3));
    INSTRUMENTS.iter().map(rules).collect()
}

/// All of a core, in words.
pub(super) fn text_of(core: &Core) -> String {
    serde_json::to_string(&core.state()).expect("a core's state is strings, lists and names")
}
