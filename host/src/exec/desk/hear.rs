//! Hearing: what the hands bring, what the venue tells unasked, and what it has to be asked for.

use std::borrow::Cow;
use std::time::Duration;

use investbot_plugin_api::{AdapterError, ErrorKind, Fill, VenueEvent};

use super::{Desk, Parts};
use crate::clock::Clock;
use crate::engine::orders::Order;
use crate::engine::{Command, Core, OrderState};
use crate::exec::session::SessionError;
use crate::exec::watch::Thoroughness;
use crate::store::record::Record as Entry;

impl Desk {
    /// Hears what the hands and the venue have to tell.
    pub(super) fn hear(&mut self, patience: Duration) -> Result<(), SessionError> {
        let patience = if self.parts.worker.awaits_answers() {
            patience
        } else {
            Duration::ZERO
        };
        let answers = self.parts.hands.poll(patience)?;
        let now = self.now();
        let mut commands = Vec::new();
        for answer in answers {
            if let Some(event) = self.parts.worker.answered(answer, now) {
                self.parts.books.on_record(&event, now, &mut commands)?;
            }
        }
        self.hear_venue(&mut commands)?;
        if !commands.is_empty() {
            self.carry_out(commands)?;
        }
        self.tell()
    }

    /// Hears what the venue tells unasked; whether it told anything.
    fn hear_venue(&mut self, commands: &mut Vec<Command>) -> Result<bool, SessionError> {
        let mut events = Vec::new();
        self.parts.venue.drain_events(&mut events);
        let now = self.now();
        let told = !events.is_empty();
        for event in events {
            let event = match event {
                VenueEvent::Fill(fill) => Entry::Fill(Cow::Owned(fill)),
                VenueEvent::Order(report) => Entry::Order(Cow::Owned(report)),
                // An event that this host does not know: fills come again with `fills_since`.
                _ => continue,
            };
            self.parts.books.on_record(&event, now, commands)?;
        }
        Ok(told)
    }

    /// Shows a simulated venue the bars it has not seen, and hears what came of them.
    pub(in crate::exec) fn show_market(&mut self) -> Result<(), SessionError> {
        if self.parts.market.is_empty() {
            return Ok(());
        }
        // What the venue does next must not come before what is known of it now.
        self.commit()?;
        let venue = self.parts.venue.as_ref();
        let shown = self.parts.market.show(venue);
        shown.map_err(|error| match venue.quarantine() {
            Some(why) => SessionError::Quarantined(why),
            None => SessionError::Market(error),
        })?;
        let mut commands = Vec::new();
        // A venue that tells of its orders is believed to tell all; one that is silent is asked. An
        // event that was lost is so found after the next bar that nothing is told about.
        if !self.hear_venue(&mut commands)? {
            self.look_after_orders(Thoroughness::Usual, &mut commands)?;
        }
        if commands.is_empty() {
            Ok(())
        } else {
            self.execute(commands)
        }
    }

    /// Asks the venue for what it did not tell, and carries out what follows; why not all of it could be
    /// seen.
    pub(in crate::exec) fn look(
        &mut self,
        thoroughness: Thoroughness,
    ) -> Result<Option<AdapterError>, SessionError> {
        let mut commands = Vec::new();
        let failed = self.look_after_orders(thoroughness, &mut commands)?;
        self.execute(commands)?;
        Ok(failed)
    }

    /// Asks the venue for what it did not tell about open orders; why not all of it could be seen.
    fn look_after_orders(
        &mut self,
        thoroughness: Thoroughness,
        commands: &mut Vec<Command>,
    ) -> Result<Option<AdapterError>, SessionError> {
        let Parts {
            books,
            watch,
            venue,
            clock,
            lockstep,
            ..
        } = &mut self.parts;
        // Before its first attempt the venue cannot know an order.
        let is_sent = |order: &Order| order.state != OrderState::New;
        let is_behind = watch.is_behind(books.core().portfolio().fills());
        if !is_behind && !books.core().unsettled_orders().any(is_sent) {
            return Ok(None);
        }
        let core = books.core();
        let open = || core.unsettled_orders().map(Order::reference).collect();
        // Where time is the market's, a venue that is ahead of the run must not tell it the future.
        let until = lockstep.then(|| clock.now());
        let mut found = watch.look(venue.as_ref(), thoroughness, clock.now(), until, open);
        let now = clock.now();
        let is_known = |core: &Core, fill: &Fill| {
            let order = core.order(&fill.client_order_id);
            order.is_some_and(|order| order.has_fill(&fill.fill_id))
        };
        for fill in found.fills {
            if is_known(books.core(), &fill) {
                continue;
            }
            books.on_record(&Entry::Fill(Cow::Owned(fill)), now, commands)?;
        }
        for report in found.orders {
            // An answer about another order than the one that was asked about is none.
            if books.core().is_about_another(&report) {
                found.failed = Some(another_order());
                continue;
            }
            books.on_record(&Entry::Order(Cow::Owned(report)), now, commands)?;
        }
        watch.note_seen(books.core().portfolio().fills());
        self.note_cursor()?;
        Ok(found.failed)
    }

    /// Notes up to where the venue's fills are known, if that is news.
    pub(in crate::exec) fn note_cursor(&mut self) -> Result<(), SessionError> {
        let now = self.now();
        if let Some(cursor) = self.parts.watch.news() {
            self.parts.books.note_cursor(cursor, now)?;
        }
        Ok(())
    }
}

fn another_order() -> AdapterError {
    let text = "the venue answered with another order";
    AdapterError::unknown(ErrorKind::Protocol, text)
}
