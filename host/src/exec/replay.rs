//! Brings the core back to where it was: what the journal holds goes through it once more, with the bars
//! that came in between read again.
//!
//! The core has to want what it wanted then. Where it wants something else, the configuration, the data or
//! the program is not what it was, and nothing can be relied on: that is a [`Divergence`].

use investbot_plugin_api::{Bar, UnixNanos};

use super::books::Progress;
use super::inputs::input_of;
use crate::engine::core::InstrumentError;
use crate::engine::{Command, Core, CoreConfig, ExecutionReport, Input, OrderState};
use crate::feed::DataError;
use crate::store::journal::Position;
use crate::store::record::{Account, Claim, Record};

/// The journal and what comes of replaying it do not agree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the run cannot be replayed: record {seq} of the journal says {recorded}, but {found}\n  hint: \
     resume with the version, the configuration and the data that the run was started with"
)]
pub struct Divergence {
    /// The record.
    pub seq: u64,
    /// What it says.
    pub recorded: String,
    /// What came of the replay.
    pub found: String,
}

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It comes to something else.
    #[error(transparent)]
    Diverged(#[from] Divergence),
    /// The bars cannot be read again.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The venue's rules, as they are recorded, cannot be worked with.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
}

/// Reads bars again, from where the replay is.
pub trait Bars {
    /// The next bar.
    fn next(&mut self) -> Result<Option<Bar>, DataError>;
}

/// Takes the reports that the core makes again.
pub type Told<'a> = dyn FnMut(&ExecutionReport) + 'a;

/// Where a run is, as far as it was replayed.
pub struct Replayed {
    /// The core; `None` if the run had not come to begin.
    pub core: Option<Core>,
    /// What the run began with.
    pub account: Option<Account>,
    /// How far the run had come.
    pub progress: Progress,
    /// The last bar that was taken in, as far as bars were read again.
    pub last_bar: Option<Bar>,
    /// Whether the process before ended in good order.
    pub clean: bool,
    /// The time of the last record.
    pub last_at: UnixNanos,
}

impl Default for Replayed {
    /// Before the first record.
    fn default() -> Self {
        Self {
            core: None,
            account: None,
            progress: Progress::default(),
            last_bar: None,
            clean: true,
            last_at: UnixNanos(i64::MIN),
        }
    }
}

/// A replay under way.
pub struct Replay<'a> {
    at: Replayed,
    config_of: &'a dyn Fn(Account) -> CoreConfig,
    bars: &'a mut dyn Bars,
    told: &'a mut Told<'a>,
    commands: Vec<Command>,
}

impl<'a> Replay<'a> {
    /// A replay that goes on from `begin`.
    pub fn new(
        begin: Replayed,
        config_of: &'a dyn Fn(Account) -> CoreConfig,
        bars: &'a mut dyn Bars,
        told: &'a mut Told<'a>,
    ) -> Self {
        Self {
            at: begin,
            config_of,
            bars,
            told,
            commands: Vec::new(),
        }
    }

    /// Where the run is, as far as it was replayed.
    #[must_use]
    pub const fn at(&self) -> &Replayed {
        &self.at
    }

    /// Where the run is now.
    #[must_use]
    pub fn finish(self) -> Replayed {
        self.at
    }

    /// Takes in one record.
    pub fn take(
        &mut self,
        position: Position,
        at: UnixNanos,
        record: &Record<'_>,
    ) -> Result<(), ReplayError> {
        self.at.last_at = self.at.last_at.max(at);
        self.at.clean = matches!(record, Record::Closed);
        match record {
            Record::Epoch(_) | Record::Closed => return Ok(()),
            Record::Account(account) => {
                self.at.account = Some(*account);
                self.at.core = Some(Core::new((self.config_of)(*account)));
                return Ok(());
            }
            _ => {}
        }
        let diverged = |recorded: &str, found: &str| Divergence {
            seq: position.seq,
            recorded: recorded.to_owned(),
            found: found.to_owned(),
        };
        let Some(core) = &mut self.at.core else {
            return Err(diverged("that the run went on", "it had not begun").into());
        };
        match record {
            Record::Instruments(instruments) => {
                core.set_instruments(instruments.clone().into_owned())?;
            }
            Record::Offset(bars) => return self.take_bars(*bars, position),
            Record::Cursor(cursor) => self.at.progress.cursor = Some(cursor.clone().into_owned()),
            Record::Intent(taken) => self.at.progress.last_intent = Some(taken.position),
            Record::Attempt(claim) => {
                if let Err(found) = fits(core, claim) {
                    let recorded = format!("order {} was sent", claim.order.client_order_id);
                    return Err(diverged(&recorded, &found).into());
                }
            }
            _ => {}
        }
        if let Some(input) = input_of(record, at) {
            core.step(input, &mut self.commands);
        }
        self.tell();
        Ok(())
    }

    /// Takes in bars until there were as many as the journal says at `position`.
    pub fn take_bars(&mut self, count: u64, position: Position) -> Result<(), ReplayError> {
        while self.at.progress.bars < count {
            let Some(bar) = self.bars.next()? else {
                return Err(Divergence {
                    seq: position.seq,
                    recorded: format!("{count} bars were taken in"),
                    found: format!("there are only {}", self.at.progress.bars),
                }
                .into());
            };
            if let Some(core) = &mut self.at.core {
                let position = self.at.progress.bars;
                let bar = &bar;
                core.step(Input::Bar { position, bar }, &mut self.commands);
            }
            self.at.progress.bars += 1;
            self.at.last_bar = Some(bar);
            self.tell();
        }
        Ok(())
    }

    /// Passes the reports on; everything else was done when the commands came for the first time.
    fn tell(&mut self) {
        for command in self.commands.drain(..) {
            if let Command::Report(report) = command {
                (self.told)(&report);
            }
        }
    }
}

/// Whether the core wants the very order that was sent.
fn fits(core: &Core, claim: &Claim) -> Result<(), String> {
    let Some(order) = core.order(&claim.order.client_order_id) else {
        return Err("the strategy does not ask for it now".to_owned());
    };
    if order.key.to_hex() != claim.key {
        return Err(format!("its key is {} now", order.key.to_hex()));
    }
    if order.digest.to_hex() != claim.digest {
        return Err("it is asked for with other parameters now".to_owned());
    }
    let mut wanted = order.to_place();
    wanted.deadline = claim.order.deadline;
    if wanted != claim.order {
        return Err("what is asked for now would be sent otherwise".to_owned());
    }
    if !matches!(
        order.state,
        OrderState::New | OrderState::InDoubt | OrderState::Absent
    ) {
        return Err(format!("it is {:?} now", order.state));
    }
    Ok(())
}
