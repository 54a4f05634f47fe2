//! The host, as a plugin sees it: log, events, time, waiting, cancellation.
//!
//! Everything that comes in here is foreign: bytes that make no sense get an error for an answer, text
//! is made printable, events are bounded, and no panic crosses back.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use investbot_plugin_api::codec;
use investbot_plugin_api::host::{HostServices, LogRecord};
use investbot_plugin_api::op::host_op;
use investbot_plugin_api::{AdapterError, ErrorKind, Level, UnixNanos, VenueEvent};

use super::locked::lock;
use super::text::{MESSAGE_LIMIT, printable};
use super::throttle::Throttle;
use crate::clock::Clock;

/// How many events wait at most. The worker empties the queue after every call, so this is reached
/// only by a plugin that talks faster than anybody listens.
const EVENT_LIMIT: usize = 1 << 18;

/// What one open plugin and its host share.
pub(super) struct Session {
    id: String,
    clock: Arc<dyn Clock>,
    /// Set by the host when the run is stopped.
    cancel: Arc<AtomicBool>,
    /// Set when the host has given this one adapter up.
    abandoned: AtomicBool,
    /// Calls that nobody waits for any more, and how many they are.
    given_up: Mutex<BTreeSet<u64>>,
    how_many_given_up: AtomicUsize,
    events: Mutex<VecDeque<VenueEvent>>,
    lost: AtomicU64,
    throttle: Mutex<Throttle>,
}

impl Session {
    pub(super) fn new(id: String, clock: Arc<dyn Clock>, cancel: Arc<AtomicBool>) -> Self {
        Self {
            id,
            clock,
            cancel,
            abandoned: AtomicBool::new(false),
            given_up: Mutex::default(),
            how_many_given_up: AtomicUsize::new(0),
            events: Mutex::default(),
            lost: AtomicU64::new(0),
            throttle: Mutex::new(Throttle::new()),
        }
    }

    /// The plugin's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The time, as the adapter sees it.
    pub(super) fn now(&self) -> UnixNanos {
        self.clock.now()
    }

    /// Whether whatever the adapter does is no longer wanted.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Acquire) || self.abandoned.load(Ordering::Acquire)
    }

    /// Nobody waits for this adapter any more: what it still waits for ends.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    /// Nobody waits for this call any more.
    pub(super) fn give_up_call(&self, call_id: u64) {
        let mut given_up = lock(&self.given_up);
        given_up.insert(call_id);
        self.how_many_given_up
            .store(given_up.len(), Ordering::Release);
    }

    /// A call is over.
    pub(super) fn forget_call(&self, call_id: u64) {
        if self.how_many_given_up.load(Ordering::Acquire) > 0 {
            let mut given_up = lock(&self.given_up);
            given_up.remove(&call_id);
            self.how_many_given_up
                .store(given_up.len(), Ordering::Release);
        }
    }

    fn is_given_up(&self, call_id: u64) -> bool {
        self.how_many_given_up.load(Ordering::Acquire) > 0
            && lock(&self.given_up).contains(&call_id)
    }

    /// The adapter is not called any more: an alert for whoever watches the run.
    pub(super) fn tell_quarantine(&self, why: &str) {
        tracing::error!(
            target: "alert",
            plugin = %self.id,
            "the plugin is in quarantine and not called any more: {why}"
        );
    }

    /// Moves the events that came in since the last time to the end of `into`.
    pub(super) fn drain(&self, into: &mut Vec<VenueEvent>) {
        into.extend(self.queue().drain(..));
    }

    /// How many events were thrown away or could not be read.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<VenueEvent>> {
        lock(&self.events)
    }

    fn take_event(&self, body: &[u8]) -> Result<(), AdapterError> {
        let event = decode::<VenueEvent>(host_op::EVENT, body).inspect_err(|_| self.lose())?;
        let mut queue = self.queue();
        if queue.len() >= EVENT_LIMIT {
            drop(queue);
            self.lose();
            return Err(AdapterError::not_sent(
                ErrorKind::RateLimited,
                "the host's queue of events is full",
            ));
        }
        queue.push_back(event);
        Ok(())
    }

    /// Events may have been lost. Said once for each power of two, so that a flood of losses is no flood of lines.
    pub(super) fn lose(&self) {
        let lost = self.lost.fetch_add(1, Ordering::AcqRel) + 1;
        if lost.is_power_of_two() {
            tracing::warn!(plugin = %self.id, lost, "events of the plugin may be lost");
        }
    }

    /// Writes a line of the plugin's into the log.
    pub(super) fn log(&self, record: &LogRecord) {
        let plugin = &self.id;
        match lock(&self.throttle).admit(Instant::now()) {
            None => return,
            Some(0) => {}
            Some(dropped) => {
                tracing::warn!(%plugin, dropped, "the plugin logs too much; lines were dropped");
            }
        }
        let text = printable(&record.message, MESSAGE_LIMIT);
        match record.level {
            Level::Error => tracing::error!(target: "plugin", %plugin, "{text}"),
            Level::Warn => tracing::warn!(target: "plugin", %plugin, "{text}"),
            Level::Info => tracing::info!(target: "plugin", %plugin, "{text}"),
            Level::Debug => tracing::debug!(target: "plugin", %plugin, "{text}"),
            _ => tracing::trace!(target: "plugin", %plugin, "{text}"),
        }
    }

    /// Answers one request of the plugin. `is_over` says of a call whether nobody waits for it any more.
    pub(super) fn answer(
        &self,
        op: &str,
        body: &[u8],
        is_over: &dyn Fn(u64) -> bool,
    ) -> Result<Vec<u8>, Vec<u8>> {
        let answer = catch_unwind(AssertUnwindSafe(|| self.try_answer(op, body, is_over)));
        answer
            .unwrap_or_else(|payload| {
                // Dropping a payload can panic again.
                std::mem::forget(payload);
                Err(AdapterError::not_sent(
                    ErrorKind::Internal,
                    "a fault of the host",
                ))
            })
            .map_err(|e| codec::to_vec(&e))
    }

    fn try_answer(
        &self,
        op: &str,
        body: &[u8],
        is_over: &dyn Fn(u64) -> bool,
    ) -> Result<Vec<u8>, AdapterError> {
        match op {
            host_op::NOW => Ok(codec::to_vec(&self.clock.now())),
            host_op::EVENT => self.take_event(body).map(|()| Vec::new()),
            host_op::LOG => decode(op, body).map(|record| {
                self.log(&record);
                Vec::new()
            }),
            host_op::SLEEP => {
                let (call_id, nanos): (u64, u64) = decode(op, body)?;
                let whole = self.clock.sleep(Duration::from_nanos(nanos), &|| {
                    self.is_cancelled() || is_over(call_id)
                });
                Ok(codec::to_vec(&whole))
            }
            host_op::IS_CANCELLED => {
                let call_id: u64 = decode(op, body)?;
                let is_cancelled = self.is_cancelled() || is_over(call_id);
                Ok(codec::to_vec(&is_cancelled))
            }
            unknown => Err(AdapterError::not_sent(
                ErrorKind::Unsupported,
                format!("this host does not know `{}`", printable(unknown, 64)),
            )),
        }
    }
}

fn decode<'b, T: minicbor::Decode<'b, ()>>(op: &str, body: &'b [u8]) -> Result<T, AdapterError> {
    codec::from_slice(body)
        .map_err(|e| AdapterError::not_sent(ErrorKind::Protocol, format!("`{op}`: {e}")))
}

/// The session behind the boundary, for an adapter of this process.
pub(super) struct Services(pub(super) Arc<Session>);

impl HostServices for Services {
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let is_over = |call_id| self.0.is_given_up(call_id);
        self.0.answer(op, body, &is_over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;
    use investbot_plugin_api::host::Host;
    use investbot_plugin_api::op::CallHeader;
    use investbot_plugin_api::{Call, Decimal, OrderReport, OrderStatus, Side, UnixNanos};

    fn session() -> Arc<Session> {
        let clock = Arc::new(VirtualClock::default());
        clock.advance_to(UnixNanos(5));
        Arc::new(Session::new("test".to_owned(), clock, Arc::default()))
    }

    fn event(n: u32) -> VenueEvent {
        VenueEvent::Order(OrderReport::new(
            n.to_string(),
            "v",
            "BTC/USD",
            Side::Buy,
            OrderStatus::Open,
            Decimal::ONE,
            UnixNanos(0),
        ))
    }

    #[test]
    fn a_plugin_sees_the_hosts_clock_and_can_wait() {
        let host = Host::from_services(Services(session()));
        let call = Call::new(&host, CallHeader::default());
        assert_eq!(call.now(), UnixNanos(5));
        assert!(call.sleep(Duration::from_nanos(7)));
        assert_eq!(call.now(), UnixNanos(12));
        assert!(!call.is_cancelled());
    }

    #[test]
    fn an_abandoned_adapter_waits_no_more() {
        let session = session();
        let host = Host::from_services(Services(session.clone()));
        let call = Call::new(&host, CallHeader::default());
        session.abandon();
        assert!(call.is_cancelled());
        assert!(!call.sleep(Duration::from_secs(1)));
    }

    #[test]
    fn events_come_out_in_order_and_once() {
        let session = session();
        let host = Host::from_services(Services(session.clone()));
        host.event(&event(1));
        host.event(&event(2));
        let mut events = vec![event(0)];
        session.drain(&mut events);
        session.drain(&mut events);
        assert_eq!(events, [event(0), event(1), event(2)]);
        assert_eq!(session.lost(), 0);
    }

    #[test]
    fn a_flood_of_events_is_bounded_and_counted() {
        let session = session();
        let host = Host::from_services(Services(session.clone()));
        for _ in 0..EVENT_LIMIT + 3 {
            host.event(&event(1));
        }
        assert_eq!(session.lost(), 3);
        let mut events = Vec::new();
        session.drain(&mut events);
        assert_eq!(events.len(), EVENT_LIMIT);
    }

    #[test]
    fn garbage_gets_an_error_and_does_no_harm() {
        let session = session();
        let services = Services(session.clone());
        for op in ["log", "event", "sleep", "is_cancelled", "no such"] {
            for body in [&[0xFF_u8][..], b"\xa1\x00", b""] {
                let error = services.call(op, body).expect_err(op);
                assert!(codec::from_slice::<AdapterError>(&error).is_ok());
            }
        }
        assert_eq!(session.lost(), 3);
    }
}
