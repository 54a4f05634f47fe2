//! The far side of the network: the venue, and what is on its way to and from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::{
    AdapterError, BarBatch, CancelOrder, ErrorKind, NewOrder, OrderRef, OrderReport, UnixNanos,
    VenueEvent,
};
use investbot_venue_sim::{Refusal, SimVenue};

use crate::auth::{Credentials, Request};
use crate::config::{Config, EventFate};
use crate::dice::Dice;
use crate::limits::Limits;

/// The farthest deadline that is accepted, as the manifest says.
pub(crate) const DEADLINE_MAX: Duration = Duration::from_millis(60_000);
/// How far the venue's clock may be off, as the manifest says.
pub(crate) const SKEW_MAX: Duration = Duration::from_millis(250);

/// An order or a cancel.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    Order(NewOrder),
    Cancel(CancelOrder),
}

/// A letter that arrives when nobody waits for the answer any more.
#[derive(Debug)]
struct Delayed {
    letter: Letter,
    lag: Duration,
}

/// What is on its way, by arrival. The number keeps those apart that arrive at the same moment.
type Post<T> = BTreeMap<(UnixNanos, u64), T>;

#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) venue: SimVenue,
    config: Arc<Config>,
    dice: Arc<Dice>,
    account: Credentials,
    limits: Limits,
    skew_ms: i64,
    inbound: Post<Delayed>,
    outbound: Post<VenueEvent>,
    posted: u64,
    /// Orders that queries do not see yet, by venue order id, and until when.
    hidden: BTreeMap<String, UnixNanos>,
}

impl Exchange {
    pub(crate) fn new(
        venue: SimVenue,
        config: Arc<Config>,
        dice: Arc<Dice>,
        account: Credentials,
        limits: Limits,
    ) -> Self {
        Self {
            venue,
            skew_ms: config.clock_skew_ms,
            config,
            dice,
            account,
            limits,
            inbound: Post::new(),
            outbound: Post::new(),
            posted: 0,
            hidden: BTreeMap::new(),
        }
    }

    /// The venue's clock, which differs from the host's.
    pub(crate) fn clock(&self, now: UnixNanos) -> UnixNanos {
        UnixNanos(now.0.saturating_add(self.skew_ms.saturating_mul(1_000_000)))
    }

    /// Lets everything arrive that is due by `now`. Called before anything else happens.
    pub(crate) fn catch_up(&mut self, now: UnixNanos) {
        while let Some(entry) = self.inbound.first_entry() {
            let (arrival, _) = *entry.key();
            if arrival > now {
                break;
            }
            let Delayed { letter, lag } = entry.remove();
            // Nobody is there to hear the answer.
            let _ = self
                .limits
                .admit(arrival)
                .and_then(|()| self.carry_out(&letter, arrival, lag));
        }
        self.hidden.retain(|_, until| *until > now);
    }

    /// Checks what every request has to pass. A refusal is definite.
    pub(crate) fn admit(&mut self, request: &Request<'_>, now: UnixNanos) -> Answer<()> {
        self.limits.admit(now)?;
        self.account.verify(request)
    }

    /// Sends a request by a slower way. One with a bad signature need not arrive: nothing comes of it.
    pub(crate) fn delay(
        &mut self,
        request: &Request<'_>,
        letter: Letter,
        arrival: UnixNanos,
        lag: Duration,
    ) {
        if self.account.verify(request).is_ok() {
            let key = self.key(arrival);
            self.inbound.insert(key, Delayed { letter, lag });
        }
    }

    /// Does what a letter asks for.
    pub(crate) fn carry_out(
        &mut self,
        letter: &Letter,
        now: UnixNanos,
        lag: Duration,
    ) -> Answer<OrderReport> {
        let clock = self.clock(now);
        match letter {
            Letter::Cancel(cancel) => Ok(self.venue.cancel(cancel, clock)?),
            Letter::Order(order) => {
                let name = OrderRef::new(&order.instrument, &order.client_order_id);
                let known = self.venue.order(&name);
                if known.as_ref().is_none_or(|r| r.status.is_final()) {
                    check_deadline(order, clock)?;
                }
                let report = self.venue.place(order, clock)?;
                if known.is_none() && !lag.is_zero() {
                    let until = now.after(lag);
                    self.hidden.insert(report.venue_order_id.clone(), until);
                }
                Ok(report)
            }
        }
    }

    /// An order, as queries see it.
    pub(crate) fn order(&self, order: &OrderRef) -> Option<OrderReport> {
        self.venue.order(order).filter(|r| self.is_visible(r))
    }

    /// The open orders, as queries see them.
    pub(crate) fn open_orders(&self) -> Vec<OrderReport> {
        let mut orders = self.venue.open_orders();
        orders.retain(|report| self.is_visible(report));
        orders
    }

    fn is_visible(&self, report: &OrderReport) -> bool {
        !self.hidden.contains_key(&report.venue_order_id)
    }

    /// Shows the market to the venue; delayed letters arrive between the bars.
    pub(crate) fn on_bars(&mut self, batch: &BarBatch, now: UnixNanos) -> Result<(), Refusal> {
        let mut events = Vec::new();
        let shown = if self.inbound.is_empty() {
            self.venue.on_bars(batch, &mut events)
        } else {
            self.on_each_bar(batch, &mut events)
        };
        for event in events {
            self.send(event, now);
        }
        self.catch_up(now);
        shown
    }

    fn on_each_bar(
        &mut self,
        batch: &BarBatch,
        events: &mut Vec<VenueEvent>,
    ) -> Result<(), Refusal> {
        batch.bars.iter().try_for_each(|bar| {
            self.catch_up(bar.open_time);
            let one = BarBatch {
                instrument: batch.instrument.clone(),
                bars: vec![*bar],
            };
            self.venue.on_bars(&one, events)
        })
    }

    /// Puts a report on its way to the client.
    fn send(&mut self, event: VenueEvent, now: UnixNanos) {
        let roll = self.dice.roll("event");
        let later = now.after(self.config.event_delay(&roll));
        let times = match self.config.event_fate(&roll) {
            EventFate::Prompt => vec![now],
            EventFate::Lost => Vec::new(),
            EventFate::Late => vec![later],
            EventFate::Doubled => vec![now, later],
        };
        for time in times {
            let key = self.key(time);
            self.outbound.insert(key, event.clone());
        }
    }

    /// The reports that have reached the client by `now`.
    pub(crate) fn arrived(&mut self, now: UnixNanos) -> Vec<VenueEvent> {
        let still_under_way = self.outbound.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.outbound, still_under_way)
            .into_values()
            .collect()
    }

    /// How long the venue is closed.
    pub(crate) fn closed_for(&self, now: UnixNanos) -> Option<Duration> {
        self.limits.closed_for(now)
    }

    fn key(&mut self, time: UnixNanos) -> (UnixNanos, u64) {
        self.posted += 1;
        (time, self.posted)
    }
}

/// A deadline that is too far away could not be relied upon by anybody.
fn check_deadline(order: &NewOrder, clock: UnixNanos) -> Answer<()> {
    let farthest = clock.after(DEADLINE_MAX + SKEW_MAX);
    match order.deadline {
        Some(deadline) if deadline > farthest => {
            let text = format!(
                "the deadline is more than {} ms away; choose an earlier one",
                DEADLINE_MAX.as_millis()
            );
            Err(AdapterError::rejected(ErrorKind::InvalidOrder, text)
                .with_venue_code("DEADLINE_TOO_FAR"))
        }
        _ => Ok(()),
    }
}
