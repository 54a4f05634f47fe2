//! The desk: carries out what the core commands, and lets it hear what comes of that.
//!
//! A round is always the same: what became known is staged in the journal and taken in by the core; the
//! attempts that are due are staged too; all of it is made durable by one commit; and only then is
//! anything sent or told.

mod hear;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::{Bar, UnixNanos};

use super::books::Books;
use super::hands::Hands;
use super::market::Market;
use super::session::SessionError;
use super::watch::Watch;
use super::worker::ExecWorker;
use crate::clock::{Clock, RunClock};
use crate::engine::orders::Order;
use crate::engine::{Command, ExecutionReport, OrderState};
use crate::feed::IntentLine;
use crate::observe::record::Record;
use crate::observe::result::End;
use crate::planted::{self, Bug};
use crate::plugin::Venue;
use crate::store::StoreError;
use crate::store::record::Record as Entry;

/// What a desk is made of.
pub struct Parts {
    /// The core and what is kept of it.
    pub books: Books,
    /// The orders on their way.
    pub worker: ExecWorker,
    /// What makes the requests.
    pub hands: Hands,
    /// The venue, for what is not a request about one order.
    pub venue: Arc<dyn Venue>,
    /// The run's time.
    pub clock: Arc<RunClock>,
    /// The bars that a simulated venue has not been shown yet.
    pub market: Market,
    /// Finds out what the venue did not tell.
    pub watch: Watch,
    /// What the run leaves.
    pub record: Record,
    /// Whether everything an item caused is waited for before the next item is taken.
    pub lockstep: bool,
}

/// The desk of a run.
pub struct Desk {
    parts: Parts,
    /// Reports that are not told yet.
    untold: Vec<ExecutionReport>,
    halted: Option<End>,
    /// Something cannot be kept any more: nothing new is sent, what is under way is still settled.
    winding_up: Option<SessionError>,
    /// Whether the record lacks what was to be told.
    record_lacks: bool,
}

impl Desk {
    /// How long to wait for one thing before looking at the others.
    pub(super) const PATIENCE: Duration = Duration::from_millis(20);

    /// A desk with nothing on it.
    #[must_use]
    pub const fn new(parts: Parts) -> Self {
        Self {
            parts,
            untold: Vec::new(),
            halted: None,
            winding_up: None,
            record_lacks: false,
        }
    }

    /// The core and what is kept of it.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.parts.books
    }

    /// The same, to be given up.
    pub const fn books_mut(&mut self) -> &mut Books {
        &mut self.parts.books
    }

    /// The orders on their way.
    #[must_use]
    pub const fn worker(&self) -> &ExecWorker {
        &self.parts.worker
    }

    /// The same, to be changed.
    pub const fn worker_mut(&mut self) -> &mut ExecWorker {
        &mut self.parts.worker
    }

    /// The venue.
    #[must_use]
    pub fn venue(&self) -> &dyn Venue {
        self.parts.venue.as_ref()
    }

    /// What the run leaves.
    pub const fn record_mut(&mut self) -> &mut Record {
        &mut self.parts.record
    }

    /// Ends the work, and gives up what the run leaves.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    /// The run's clock.
    #[must_use]
    pub fn clock(&self) -> &RunClock {
        &self.parts.clock
    }

    /// The run's time.
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        self.parts.clock.now()
    }

    /// Whether the core has halted the run, and why.
    #[must_use]
    pub const fn halted(&self) -> Option<&End> {
        self.halted.as_ref()
    }

    /// Whether nothing new is sent because something cannot be kept any more.
    #[must_use]
    pub const fn is_winding_up(&self) -> bool {
        self.winding_up.is_some()
    }

    /// Why nothing new was sent at the end.
    pub const fn wound_up(&mut self) -> Option<SessionError> {
        self.winding_up.take()
    }

    /// Whether everything an item caused is waited for before the next item is taken.
    #[must_use]
    pub const fn is_lockstep(&self) -> bool {
        self.parts.lockstep
    }

    /// Whether it is time to ask the venue for what it did not tell, however much else there is to do.
    #[must_use]
    pub fn must_look(&self) -> bool {
        let fills = self.parts.books.core().portfolio().fills();
        let is_late = !self.parts.lockstep && self.parts.watch.is_due(self.now());
        is_late || self.parts.watch.is_behind(fills)
    }

    /// Whether nothing is on its way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.parts.worker.is_idle()
    }

    /// Whether nothing is expected of any order: none is in doubt or held, and every fill is known that the
    /// venue spoke of.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let mut unsettled = self.parts.books.core().unsettled_orders();
        let is_open = |order: &Order| {
            matches!(
                order.state,
                OrderState::Accepted | OrderState::PartiallyFilled
            ) && order.filled >= order.reported_filled
        };
        self.is_idle() && !self.parts.watch.is_ahead() && unsettled.all(is_open)
    }

    /// A bar closed.
    pub fn on_bar(&mut self, bar: &Bar) -> Result<(), SessionError> {
        // What was sent before the bar reaches the venue before the bar does.
        if !self.is_idle() {
            self.settle()?;
        }
        self.parts.clock.advance_to(bar.close_time);
        self.parts.market.push(bar);
        // A venue with nothing to fill has nothing to say about a bar: it is shown many at once. With
        // an order in its book it is shown each, so that the strategy knows of a fill as it happens.
        if self.has_open_orders() || self.parts.market.is_full() {
            self.show_market()?;
        }
        let mut commands = Vec::new();
        self.parts.books.on_bar(bar, &mut commands);
        if commands.is_empty() {
            return Ok(());
        }
        self.execute(commands)
    }

    /// Shows a simulated venue a bar that it may have seen before: it has kept its books, but not what the
    /// market was.
    pub fn show_again(&mut self, bar: &Bar) -> Result<(), SessionError> {
        let Parts {
            clock,
            market,
            venue,
            ..
        } = &mut self.parts;
        clock.advance_to(bar.close_time);
        market.push(bar);
        market
            .show(venue.as_ref())
            .map(drop)
            .map_err(SessionError::Market)
    }

    /// Somebody wants something. In lockstep all that comes of it is waited for; otherwise it is sent with
    /// the next [`turn`](Self::turn), so that intents which come together share a sync.
    pub fn on_intent(&mut self, line: IntentLine) -> Result<(), SessionError> {
        if let Some(time) = line.time {
            self.parts.clock.advance_to(time);
        }
        let now = self.now();
        let mut commands = Vec::new();
        self.parts.books.on_intent(line, now, &mut commands)?;
        if self.parts.lockstep {
            self.execute(commands)
        } else {
            self.carry_out(commands)
        }
    }

    /// Whether there is room for another order.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.parts.worker.has_room()
    }

    /// Something happened that did not come from the source.
    pub fn on_record(&mut self, record: &Entry<'_>) -> Result<(), SessionError> {
        let now = self.now();
        let mut commands = Vec::new();
        self.parts.books.on_record(record, now, &mut commands)?;
        self.carry_out(commands)?;
        self.tell()
    }

    /// Carries out commands and, in lockstep, waits for all that comes of them.
    pub(super) fn execute(&mut self, commands: Vec<Command>) -> Result<(), SessionError> {
        self.carry_out(commands)?;
        self.send_due()?;
        self.hear(if self.parts.lockstep {
            Self::PATIENCE
        } else {
            Duration::ZERO
        })?;
        while !self.is_idle() && (self.parts.lockstep || !self.has_room()) {
            self.wait()?;
        }
        Ok(())
    }

    /// Waits until nothing is on its way.
    pub fn settle(&mut self) -> Result<(), SessionError> {
        self.send_due()?;
        self.hear(Duration::ZERO)?;
        while !self.is_idle() {
            self.wait()?;
        }
        Ok(())
    }

    /// Waits for whatever is next, for a short while: an answer, or that something is due.
    pub fn wait(&mut self) -> Result<(), SessionError> {
        let worker = &self.parts.worker;
        let due = worker.next_due().map(|due| due.since(self.now()));
        let mut patience = due.map_or(Self::PATIENCE, |due| due.min(Self::PATIENCE));
        if !worker.awaits_answers() {
            let wait = if self.parts.clock.is_virtual() {
                due.unwrap_or_default()
            } else {
                patience
            };
            self.parts.clock.sleep(wait, &|| false);
            patience = Duration::ZERO;
        }
        self.send_due()?;
        self.hear(patience)
    }

    /// Sends what is due and hears what is there to be heard; waits a little if there is no room for another
    /// order.
    pub fn turn(&mut self) -> Result<(), SessionError> {
        if self.has_room() {
            self.send_due()?;
            self.hear(Duration::ZERO)
        } else {
            self.wait()
        }
    }

    /// How long the source may be waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let worker = &self.parts.worker;
        if worker.has_fresh() {
            Duration::ZERO
        } else if worker.is_idle() {
            Self::PATIENCE * 5
        } else {
            Self::PATIENCE
        }
    }

    fn carry_out(&mut self, commands: Vec<Command>) -> Result<(), SessionError> {
        let mut submissions = Vec::new();
        let mut cancels = Vec::new();
        for command in commands {
            match command {
                Command::Report(report) => self.untold.push(report),
                Command::Submit(submission) => submissions.push(submission),
                Command::Cancel(order) => cancels.push(order),
                // The books have noted it.
                Command::TakenUp { .. } => {}
                Command::Stop { code, text } => {
                    self.halted.get_or_insert(End::Halted { code, text });
                }
            }
        }
        if submissions.is_empty() && cancels.is_empty() {
            return Ok(());
        }
        // The venue knows the market up to now before it hears of an order.
        self.show_market()?;
        let now = self.now();
        for order in cancels {
            self.parts.worker.cancel(order);
        }
        for submission in submissions {
            self.parts.worker.submit(submission, now);
        }
        Ok(())
    }

    /// Records the attempts that are due, makes everything durable, and makes the requests that are due.
    fn send_due(&mut self) -> Result<(), SessionError> {
        if self.parts.venue.quarantine().is_some() {
            // What is in doubt stays so: a plugin that is not called is no reason to hold an order.
            self.parts.worker.leave_the_rest();
        }
        let now = self.now();
        let attempts = if self.is_winding_up() {
            Vec::new()
        } else {
            self.parts.worker.attempts(now)
        };
        for attempt in &attempts {
            match self.parts.books.stage_attempt(attempt, now) {
                Err(full @ StoreError::Full { .. }) => {
                    let keys = attempts.iter().map(|attempt| attempt.claim.key.clone());
                    self.give_up(full.into(), &keys.collect::<Vec<_>>());
                    break;
                }
                staged => staged?,
            }
        }
        if !planted::is(Bug::SendBeforeSync) {
            self.commit()?;
        }
        // What found no room in the journal has not happened.
        if !self.is_winding_up() || planted::is(Bug::FullDiskBelieved) {
            let mut commands = Vec::new();
            for attempt in &attempts {
                let claim = &attempt.claim;
                self.parts.books.on_attempt(claim, now, &mut commands);
            }
            self.carry_out(commands)?;
        }
        for request in self.parts.worker.requests(self.now()) {
            self.parts.hands.give(request)?;
        }
        Ok(())
    }

    /// Makes everything durable that was staged. A disk that is full keeps what became known and refuses
    /// attempts: they are taken back, and no more are made.
    pub fn commit(&mut self) -> Result<(), SessionError> {
        match self.parts.books.commit() {
            Ok(()) => Ok(()),
            Err(StoreError::Full { keys, failure }) if !self.is_winding_up() => {
                let unrecorded = keys.clone();
                self.give_up(StoreError::Full { keys, failure }.into(), &unrecorded);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the work in good order after a failure that leaves the journal as it is: from here on nothing new
    /// is sent, and what was sent is still found out about. Any other failure is the end.
    pub fn wind_up(&mut self, error: SessionError) -> Result<(), SessionError> {
        if !error.leaves_the_journal() {
            return Err(error);
        }
        if !self.is_winding_up() {
            self.give_up(error, &[]);
        }
        Ok(())
    }

    fn give_up(&mut self, error: SessionError, unrecorded: &[String]) {
        self.parts.worker.give_up_attempts(unrecorded);
        self.winding_up = Some(error);
    }

    fn has_open_orders(&self) -> bool {
        self.parts.books.core().unsettled_orders().next().is_some()
    }
}
