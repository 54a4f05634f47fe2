//! One run: takes what comes from the source, in order, through the core, and carries out what the
//! core commands, until the source ends or somebody stops it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::{AdapterError, Bar, VenueEvent};

use super::courier::SendPolicy;
use super::market::Market;
use super::signals::StopFlag;
use super::source::{Item, Source};
use super::watch::{Thoroughness, Watch};
use super::worker::{ExecWorker, WorkerError, WorkerEvent};
use crate::clock::{Clock as _, RunClock};
use crate::engine::orders::Order;
use crate::engine::{Command, Core, Input, Intent, OrderState, Seen, Submission};
use crate::feed::{DataError, IntentError, IntentLine};
use crate::observe::record::{Record, RecordError};
use crate::observe::result::End;
use crate::plugin::Venue;

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The source has something that cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The stream of intents has something that cannot be used.
    #[error(transparent)]
    Intents(#[from] IntentError),
    /// The worker could not go on.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// What came of the run could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A simulated venue would not look at the market.
    #[error("the venue did not take the bars it was shown: {0}")]
    Market(AdapterError),
}

/// The parts of a run.
pub struct Session {
    /// Decides.
    pub core: Core,
    /// Sends.
    pub worker: ExecWorker,
    /// The venue, for what is not an order.
    pub venue: Arc<dyn Venue>,
    /// The run's time.
    pub clock: Arc<RunClock>,
    /// The bars that a simulated venue has not been shown yet.
    pub market: Market,
    /// Finds out what the venue did not tell.
    pub watch: Watch,
    /// What the run leaves.
    pub record: Record,
    /// Whether to stop.
    pub stop: StopFlag,
    /// Whether everything an item caused is waited for before the next item is taken.
    pub lockstep: bool,
    /// What became of callers' ids.
    pub seen: HashMap<String, Seen>,
}

impl Session {
    /// How long to wait for one thing before looking at the others.
    const PATIENCE: Duration = Duration::from_millis(20);

    /// Runs to the end of the source. Whatever the end, the record is complete up to it.
    pub fn run(
        &mut self,
        source: &mut Source,
        mut progress: impl FnMut(u64),
    ) -> Result<End, SessionError> {
        let mut bars = 0;
        let end = loop {
            if self.stop.is_raised() {
                break End::Stopped;
            }
            let patience = if self.worker.is_idle() {
                Self::PATIENCE * 5
            } else {
                Self::PATIENCE
            };
            let halted = match source.next(patience)? {
                Item::Bar(bar) => {
                    let halted = self.on_bar(bars, &bar)?;
                    bars += 1;
                    progress(bars);
                    halted
                }
                Item::Intent(line) => self.on_intent(*line)?,
                Item::Nothing => self.idle()?,
                Item::End => break End::Complete,
            };
            if let Some(end) = halted {
                break end;
            }
        };
        self.finish(end)
    }

    /// Nothing came from the source for a while. With virtual time no time has passed for the venue
    /// either, and what is done must not depend on how long the while was.
    fn idle(&mut self) -> Result<Option<End>, SessionError> {
        let halted = self.listen(Duration::ZERO)?;
        if self.lockstep || !self.watch.is_due(self.clock.now()) {
            return Ok(halted);
        }
        let mut commands = Vec::new();
        self.look_after_orders(Thoroughness::Usual, &mut commands);
        Ok(halted.or(self.execute(commands)?))
    }

    /// Waits for what is under way, shows the venue the rest of the market and asks it a last time.
    fn finish(&mut self, end: End) -> Result<End, SessionError> {
        let mut halted = self.settle()?;
        halted = halted.or(self.show_market()?);
        halted = halted.or(self.settle()?);
        halted = halted.or(self.last_look()?);
        halted = halted.or(self.settle()?);
        Ok(match end {
            End::Complete => halted.unwrap_or(End::Complete),
            other => other,
        })
    }

    /// Nothing more will be shown, so this is the last chance to learn what was not told: the venue is
    /// asked until it has answered. A stop is not made to wait for a venue that does not.
    fn last_look(&mut self) -> Result<Option<End>, SessionError> {
        let mut halted = None;
        for tries in 1..=SendPolicy::MAX_QUERIES {
            let mut commands = Vec::new();
            let failed = self.look_after_orders(Thoroughness::Book, &mut commands);
            halted = halted.or(self.execute(commands)?);
            let Some(error) = failed else { break };
            if tries == SendPolicy::MAX_QUERIES {
                tracing::warn!(%error, "the venue did not tell what became of all open orders");
            }
            let wait = error
                .retry_after()
                .unwrap_or_else(|| self.worker.backoff().delay("end", tries));
            if !self.clock.sleep(wait, &|| self.stop.is_raised()) {
                break;
            }
        }
        Ok(halted)
    }

    fn on_bar(&mut self, position: u64, bar: &Bar) -> Result<Option<End>, SessionError> {
        // What was sent before the bar reaches the venue before the bar does.
        let mut halted = if self.worker.is_idle() {
            None
        } else {
            self.settle()?
        };
        self.clock.advance_to(bar.close_time);
        self.market.push(bar);
        // A venue with nothing to fill has nothing to say about a bar: it is shown many at once. With
        // an order in its book it is shown each, so that the strategy knows of a fill as it happens.
        if self.has_open_orders() || self.market.is_full() {
            halted = halted.or(self.show_market()?);
        }
        let mut commands = Vec::new();
        self.core.step(Input::Bar { position, bar }, &mut commands);
        if commands.is_empty() {
            return Ok(halted);
        }
        Ok(halted.or(self.execute(commands)?))
    }

    fn on_intent(&mut self, line: IntentLine) -> Result<Option<End>, SessionError> {
        if let Some(time) = line.time {
            self.clock.advance_to(time);
        }
        let id = match &line.intent {
            Intent::Order { id, .. } => id.as_ref(),
            Intent::Cancel { id } => Some(id),
        };
        let input = Input::Intent {
            seen: id.and_then(|id| self.seen.get(id)).cloned(),
            position: line.position,
            now: self.clock.now(),
            intent: line.intent,
        };
        let mut commands = Vec::new();
        self.core.step(input, &mut commands);
        let halted = self.execute(commands)?;
        self.record.flush()?;
        Ok(halted)
    }

    /// Carries out commands, and those that come of them.
    fn execute(&mut self, commands: Vec<Command>) -> Result<Option<End>, SessionError> {
        let mut halted = self.carry_out(commands)?;
        let patience = if self.lockstep {
            Self::PATIENCE
        } else {
            Duration::ZERO
        };
        halted = halted.or(self.listen(patience)?);
        while !self.worker.is_idle() && (self.lockstep || self.worker.room() == 0) {
            halted = halted.or(self.listen(Self::PATIENCE)?);
        }
        Ok(halted)
    }

    /// Waits until nothing is under way.
    fn settle(&mut self) -> Result<Option<End>, SessionError> {
        let mut halted = self.listen(Duration::ZERO)?;
        while !self.worker.is_idle() {
            halted = halted.or(self.listen(Self::PATIENCE)?);
        }
        Ok(halted)
    }

    fn carry_out(&mut self, commands: Vec<Command>) -> Result<Option<End>, SessionError> {
        let mut submissions: Vec<Submission> = Vec::new();
        let mut cancels = Vec::new();
        let mut halted = None;
        for command in commands {
            match command {
                Command::Report(report) => self.record.report(&report)?,
                Command::TakenUp { id, seen } => drop(self.seen.insert(id, seen)),
                Command::Submit(submission) => submissions.push(submission),
                Command::Cancel(order) => cancels.push(order),
                Command::Stop { code, text } => halted = Some(End::Halted { code, text }),
            }
        }
        if submissions.is_empty() && cancels.is_empty() {
            return Ok(halted);
        }
        // The venue knows the market up to now before it hears of an order.
        halted = halted.or(self.show_market()?);
        for order in cancels {
            self.worker.cancel(order)?;
        }
        self.worker.submit(submissions)?;
        Ok(halted)
    }

    /// Hears what the worker and the venue have to tell.
    fn listen(&mut self, patience: Duration) -> Result<Option<End>, SessionError> {
        let mut halted = None;
        let mut heard = Vec::new();
        self.worker.poll(patience, &mut heard)?;
        let mut commands = Vec::new();
        for event in heard {
            self.tell_core(event, &mut commands);
        }
        self.hear_venue(&mut commands);
        if !commands.is_empty() {
            halted = self.carry_out(commands)?;
            self.record.flush()?;
        }
        Ok(halted)
    }

    fn tell_core(&mut self, event: WorkerEvent, commands: &mut Vec<Command>) {
        match event {
            WorkerEvent::Attempt {
                client_order_id,
                attempt,
                at,
            } => {
                let client_order_id = client_order_id.as_str();
                self.core.step(
                    Input::Attempt {
                        client_order_id,
                        attempt,
                        now: at,
                    },
                    commands,
                );
            }
            WorkerEvent::Outcome {
                client_order_id,
                outcome,
                at,
            } => {
                let client_order_id = client_order_id.as_str();
                self.core.step(
                    Input::Outcome {
                        client_order_id,
                        outcome,
                        now: at,
                    },
                    commands,
                );
            }
            WorkerEvent::Cancel { order, answer, at } => {
                let input = match answer {
                    Ok(report) => Input::Order { report, now: at },
                    Err(error) => Input::CancelFailed {
                        client_order_id: &order.client_order_id,
                        code: error
                            .venue_code
                            .clone()
                            .unwrap_or_else(|| error.kind.to_string()),
                        text: error.message,
                        now: at,
                    },
                };
                self.core.step(input, commands);
            }
        }
    }

    /// Hears what the venue tells unasked; whether it told anything.
    fn hear_venue(&mut self, commands: &mut Vec<Command>) -> bool {
        let mut events = Vec::new();
        self.venue.drain_events(&mut events);
        let told = !events.is_empty();
        let now = self.clock.now();
        for event in events {
            match event {
                VenueEvent::Fill(fill) => self.core.step(Input::Fill { fill, now }, commands),
                VenueEvent::Order(report) => self.core.step(Input::Order { report, now }, commands),
                // An event that this host does not know: fills come again with `fills_since`.
                _ => {}
            }
        }
        told
    }

    fn has_open_orders(&self) -> bool {
        self.core.unsettled_orders().next().is_some()
    }

    /// Shows a simulated venue the bars it has not seen, and hears what came of them.
    fn show_market(&mut self) -> Result<Option<End>, SessionError> {
        let shown = self
            .market
            .show(self.venue.as_ref())
            .map_err(SessionError::Market)?;
        if shown == 0 {
            return Ok(None);
        }
        let mut commands = Vec::new();
        // A venue that tells of its orders is believed to tell all; one that is silent is asked. An
        // event that was lost is so found after the next bar that nothing is told about.
        if !self.hear_venue(&mut commands) {
            self.look_after_orders(Thoroughness::Usual, &mut commands);
        }
        if commands.is_empty() {
            Ok(None)
        } else {
            self.execute(commands)
        }
    }

    /// Asks the venue for what it did not tell about open orders; why not all of it could be seen.
    fn look_after_orders(
        &mut self,
        thoroughness: Thoroughness,
        commands: &mut Vec<Command>,
    ) -> Option<AdapterError> {
        // Before its first attempt the venue cannot know an order.
        let is_known = |order: &Order| order.state != OrderState::New;
        if !self.core.unsettled_orders().any(is_known) {
            return None;
        }
        let core = &self.core;
        let open = || core.unsettled_orders().map(Order::reference).collect();
        let now = self.clock.now();
        let found = self
            .watch
            .look(self.venue.as_ref(), thoroughness, now, open);
        let now = self.clock.now();
        for fill in found.fills {
            self.core.step(Input::Fill { fill, now }, commands);
        }
        for report in found.orders {
            self.core.step(Input::Order { report, now }, commands);
        }
        found.failed
    }
}
