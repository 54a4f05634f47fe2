//! From what is kept of a run to a desk that goes on with it.
//!
//! First the journal is read back through the core ([`recall`]), without the venue. Then, with the venue
//! open, whatever an earlier process left open is taken over ([`take_over`]): attempts in doubt are found
//! out about by the order protocol, orders that were wanted and never sent are sent, cancels that nobody
//! answered are asked for again.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::{Bar, Instrument, OrderRef};

use super::books::{Books, Progress};
use super::checkpoint::{Interval, Keeper, Snapshot};
use super::desk::Desk;
use super::inputs;
use super::replay::{Bars, Replay, ReplayError, Replayed, Told};
use super::session::SessionError;
use crate::clock::{Clock as _, RunClock};
use crate::engine::core::{InstrumentError, RestoreError};
use crate::engine::{Core, CoreConfig, Outcome};
use crate::fs::Fs;
use crate::store::file::{Found, Options, Start};
use crate::store::record::{Account, Record};
use crate::store::{FileIdempotencyStore, InMemoryIdempotencyStore, StoreError};

/// Where a run is kept.
#[derive(Clone)]
pub struct Kept {
    /// The file system.
    pub fs: Arc<dyn Fs>,
    /// The run directory.
    pub dir: PathBuf,
    /// How the journal is opened.
    pub options: Options,
    /// When a checkpoint is due.
    pub interval: Interval,
    /// Whether checkpoints are written by a thread of their own.
    pub saves_aside: bool,
}

/// Why what is kept of a run cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    /// The journal cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The core cannot be restored from its checkpoint.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// What it holds cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// What was read back of a run.
pub struct Recalled {
    kept: Kept,
    /// The journal, on which nobody works yet.
    pub found: Found,
    /// The core, as far as the run had come.
    pub replayed: Replayed,
}

/// Reads a run back: from `snapshot` on, or from the beginning. `bars` gives the bars from where that is,
/// `told` is given the reports that the core makes again.
pub fn recall(
    kept: &Kept,
    snapshot: Option<Snapshot>,
    config_of: &dyn Fn(Account) -> CoreConfig,
    bars: &mut dyn Bars,
    told: &mut Told<'_>,
) -> Result<Recalled, RecallError> {
    let mut options = kept.options.clone();
    let begin = match snapshot {
        None => Replayed::default(),
        Some(snapshot) => {
            options.from = Some((snapshot.journal, snapshot.ledger));
            let config = config_of(snapshot.account);
            Replayed {
                core: Some(Core::restore(config, snapshot.core)?),
                account: Some(snapshot.account),
                progress: snapshot.progress,
                last_bar: None,
                clean: snapshot.clean,
                last_at: snapshot.now,
            }
        }
    };
    let mut replay = Replay::new(begin, config_of, bars, told);
    let mut broken = None;
    let found = FileIdempotencyStore::open(
        kept.fs.clone(),
        &kept.dir,
        options,
        &mut |position, at, record| {
            replay
                .take(position.position, at, &record)
                .map_err(|error| {
                    let text = error.to_string();
                    broken = Some(error);
                    text
                })
        },
    );
    if let Some(error) = broken {
        return Err(error.into());
    }
    Ok(Recalled {
        kept: kept.clone(),
        found: found?,
        replayed: replay.finish(),
    })
}

impl Started {
    /// Begins a run that is kept in memory alone: it cannot be resumed.
    pub fn in_memory(
        time_to_live: Duration,
        instruments: Vec<Instrument>,
        core: Core,
    ) -> Result<Self, InstrumentError> {
        let store = InMemoryIdempotencyStore::new(time_to_live);
        let mut books = Books::new(core, Box::new(store), Progress::default());
        books.core_mut().set_instruments(instruments)?;
        Ok(Self {
            books,
            keeper: Keeper::none(),
            inheritance: Inheritance::default(),
        })
    }
}

impl Recalled {
    /// Goes to work: from here on, this process is the run. `account` is asked if the run had not come to
    /// begin; the venue's rules go into the journal if they are news.
    pub fn go_on<E: From<StoreError> + From<InstrumentError>>(
        self,
        start: Start,
        clock: &RunClock,
        instruments: Vec<Instrument>,
        config_of: &dyn Fn(Account) -> CoreConfig,
        account: impl FnOnce() -> Result<Account, E>,
    ) -> Result<Started, E> {
        let Self {
            kept,
            found,
            replayed,
        } = self;
        let inheritance = Inheritance {
            last_bar: replayed.last_bar,
            goes_on: replayed.core.is_some(),
            clean: replayed.clean,
            torn: found.opening.torn.is_some(),
        };
        clock.advance_to(replayed.last_at);
        let now = clock.now();
        let store = found.begin(start, now)?;
        let is_new = replayed.core.is_none();
        let (core, account) = match (replayed.core, replayed.account) {
            (Some(core), Some(account)) => (core, account),
            _ => {
                let account = account()?;
                (Core::new(config_of(account)), account)
            }
        };
        let mut books = Books::new(core, Box::new(store), replayed.progress);
        if is_new {
            books.stage(Record::Account(account), now)?;
        }
        if !books.core().knows(&instruments) {
            books.stage(Record::Instruments(Cow::Borrowed(&instruments)), now)?;
            books.core_mut().set_instruments(instruments)?;
        }
        books.commit()?;
        let keeper = Keeper::new(kept, account);
        Ok(Started {
            books,
            keeper,
            inheritance,
        })
    }
}

/// A run that is ready to go on.
pub struct Started {
    /// The core and its journal.
    pub books: Books,
    /// What saves checkpoints of it.
    pub keeper: Keeper,
    /// What was left to be done.
    pub inheritance: Inheritance,
}

/// What an earlier process left to be done.
#[derive(Clone, Copy, Debug)]
pub struct Inheritance {
    /// The last bar that was taken in.
    pub last_bar: Option<Bar>,
    /// Whether there was one.
    pub goes_on: bool,
    /// Whether it ended in good order.
    pub clean: bool,
    /// Whether the last of what it wrote was lost.
    pub torn: bool,
}

impl Default for Inheritance {
    /// Nothing was left.
    fn default() -> Self {
        Self {
            last_bar: None,
            goes_on: false,
            clean: true,
            torn: false,
        }
    }
}

/// Takes over what an earlier process left open.
pub fn take_over(desk: &mut Desk, inherited: &Inheritance) -> Result<(), SessionError> {
    if let Some(bar) = &inherited.last_bar {
        desk.show_again(bar)?;
    }
    let now = desk.now();
    // Where a run begins to hear of fills is noted with its first attempt at the latest: a later process
    // that began anew from then would miss what the first one's orders came to.
    desk.note_cursor()?;
    let in_doubt = desk.books().store().in_doubt();
    let absent = desk.books().store().absent();
    let unsent: Vec<_> = desk.books().core().unsent().collect();
    let unwanted: Vec<OrderRef> = desk.books().core().unwanted().collect();
    for claim in in_doubt {
        let known = desk.worker_mut().inherit(claim.clone(), now);
        // In lockstep nothing else happens before it is known.
        let doubt = (!desk.is_lockstep()).then(|| {
            let text = "the process ended before the venue answered".to_owned();
            inputs::outcome(&claim, Outcome::Unknown { text })
        });
        if let Some(record) = known.or(doubt) {
            desk.on_record(&record)?;
        }
    }
    for claim in absent {
        desk.worker_mut().go_on(claim, now);
    }
    desk.worker_mut().ask_first(!inherited.clean);
    for submission in unsent {
        desk.worker_mut().submit(submission, now);
    }
    // Where the journal's end was cut off, what comes from the source now may have been sent too.
    desk.worker_mut().ask_first(inherited.torn);
    for order in unwanted {
        desk.worker_mut().cancel(order);
    }
    if desk.is_lockstep() {
        desk.settle()
    } else {
        desk.turn()
    }
}
