//! Brings the core back to where it was: what the journal holds goes through it once more, with the bars
//! that came in between read again.
//!
//! The core has to want what it wanted then. Where it wants something else, the configuration, the data or
//! the program is not what it was, and nothing can be relied on: that is a [`Divergence`].

use investbot_plugin_api::{Bar, UnixNanos};

use super::books::Progress;
use super::inputs::input_of;
use crate::engine::core::InstrumentError;
use crate::engine::{Command, Core, ExecutionReport, Input, OrderState};
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

/// A replay under way.
pub struct Replay<'a> {
    core: Option<Core>,
    make_core: &'a dyn Fn(Account) -> Core,
    bars: &'a mut dyn Bars,
    told: &'a mut Told<'a>,
    progress: Progress,
    clean: bool,
    last_at: UnixNanos,
    commands: Vec<Command>,
}

/// What a replay came to.
pub struct Replayed {
    /// The core; `None` if the run had not come to begin.
    pub core: Option<Core>,
    /// How far the run had come.
    pub progress: Progress,
    /// Whether the process before ended in good order.
    pub clean: bool,
    /// The time of the last record.
    pub last_at: UnixNanos,
}

impl<'a> Replay<'a> {
    /// A replay that goes on from `core`, which had come as far as `progress`.
    pub fn new(
        core: Option<Core>,
        progress: Progress,
        make_core: &'a dyn Fn(Account) -> Core,
        bars: &'a mut dyn Bars,
        told: &'a mut Told<'a>,
    ) -> Self {
        Self {
            core,
            make_core,
            bars,
            told,
            progress,
            clean: true,
            last_at: UnixNanos(i64::MIN),
            commands: Vec::new(),
        }
    }

    /// What the replay came to.
    #[must_use]
    pub fn finish(self) -> Replayed {
        Replayed {
            core: self.core,
            progress: self.progress,
            clean: self.clean,
            last_at: self.last_at,
        }
    }

    /// Takes in one record.
    pub fn take(
        &mut self,
        position: Position,
        at: UnixNanos,
        record: &Record<'_>,
    ) -> Result<(), ReplayError> {
        self.last_at = self.last_at.max(at);
        self.clean = matches!(record, Record::Closed);
        match record {
            Record::Epoch(_) | Record::Closed => return Ok(()),
            Record::Account(account) => {
                self.core = Some((self.make_core)(*account));
                return Ok(());
            }
            _ => {}
        }
        let diverged = |recorded: &str, found: &str| Divergence {
            seq: position.seq,
            recorded: recorded.to_owned(),
            found: found.to_owned(),
        };
        let Some(core) = &mut self.core else {
            return Err(diverged("that the run went on", "it had not begun").into());
        };
        match record {
            Record::Instruments(instruments) => {
                core.set_instruments(instruments.clone().into_owned())?;
            }
            Record::Offset(bars) => return self.take_bars(*bars, position),
            Record::Cursor(cursor) => self.progress.cursor = Some(cursor.clone().into_owned()),
            Record::Intent(taken) => self.progress.last_intent = Some(taken.position),
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

    /// Takes in bars until there were as many as the journal says.
    fn take_bars(&mut self, count: u64, position: Position) -> Result<(), ReplayError> {
        while self.progress.bars < count {
            let Some(bar) = self.bars.next()? else {
                return Err(Divergence {
                    seq: position.seq,
                    recorded: format!("{count} bars were taken in"),
                    found: format!("there are only {}", self.progress.bars),
                }
                .into());
            };
            if let Some(core) = &mut self.core {
                let position = self.progress.bars;
                let bar = &bar;
                core.step(Input::Bar { position, bar }, &mut self.commands);
            }
            self.progress.bars += 1;
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
