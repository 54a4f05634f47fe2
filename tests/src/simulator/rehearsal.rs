//! The whole simulation with a stand-in for the client: what proves that the simulator itself works.
//!
//! The stand-in is the order protocol in the fewest lines, with a list for a journal. Right as
//! it is, no schedule may break a rule; with one of its [`Bug`]s in it, some schedule must.

mod bug;
mod client;
mod journal;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use investbot::clock::{Clock as _, VirtualClock};
use investbot_plugin_api::{Decimal, Instrument, UnixNanos};

use super::invariants::{Broken, Checker};
use super::model::Model;
use super::oracle::Oracle;
use super::process::{Dead, Process};
use super::venue::{Menu, Setup, SimVenue};
pub use bug::Bug;
use client::Client;
use journal::Journal;

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The venue.
    pub model: Model,
    /// What can happen at it.
    pub menu: Menu,
    /// How many orders the client sends, one after another.
    pub orders: usize,
    /// What is wrong with the client.
    pub bug: Option<Bug>,
}

/// Why a life of the client ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The process died.
    Dead,
    /// A rule was broken.
    Broken(Broken),
}

impl From<Dead> for Stop {
    fn from(_: Dead) -> Self {
        Self::Dead
    }
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// The time at the start.
const START: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

impl Rehearsal {
    /// Runs one schedule.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn run(&self, oracle: &Oracle) -> Result<(), Broken> {
        let clock = Arc::new(VirtualClock::default());
        clock.advance_to(START);
        let process = Process::new(oracle.clone());
        let journal = Arc::new(Mutex::new(Journal::default()));
        let venue = SimVenue::new(Setup {
            rules: self.model.rules(),
            menu: self.menu.clone(),
            instruments: vec![Instrument::new(
                client::INSTRUMENT,
                Decimal::ONE,
                Decimal::new(1, 3),
            )],
            cash: Decimal::ONE_THOUSAND,
            clock: clock.clone(),
            oracle: oracle.clone(),
            process: process.clone(),
            durable: Some(journal.clone()),
        });
        let mut checker = Checker::new(matches!(self.model, Model::A | Model::AWindow));
        loop {
            let mut client = Client::new(self, &clock, &process, &venue, &journal, &mut checker);
            match client.live().and_then(|()| client.finish()) {
                Ok(()) => return Ok(()),
                Err(Stop::Broken(broken)) => return Err(broken),
                Err(Stop::Dead) => {}
            }
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.crash(oracle);
            let downtimes = [Duration::ZERO, Duration::from_secs(7200)];
            let downtime = downtimes[oracle.choose(2, "it is down for a while") as usize];
            clock.advance_to(clock.now().after(downtime));
            process.revive();
        }
    }
}

#[cfg(test)]
mod tests;
