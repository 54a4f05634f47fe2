//! An open adapter as a [`Venue`]: typed calls in, bytes across the boundary, typed answers out.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use abi_stable::std_types::{RResult, RSlice, RStr};
use investbot_plugin_api::abi::RawAdapterBox;
use investbot_plugin_api::codec;
use investbot_plugin_api::op::{CallHeader, Empty, Frame, Operation};
use investbot_plugin_api::{
    AdapterError, AmendOrder, Balance, BarBatch, CancelOrder, Effect, ErrorKind, FillsPage, Health,
    Instrument, NewOrder, OpenOrders, OrderRef, OrderReport, Position, UnixNanos, VenueEvent,
};
use minicbor::{Decode, Encode};

use super::services::Session;
use super::text::{MESSAGE_LIMIT, printable};
use super::venue::{Answer, Venue};

/// An open adapter. Dropping it drops the adapter; its library stays mapped.
pub struct PluginVenue {
    /// Dropped first: it may still log.
    adapter: RawAdapterBox,
    session: Arc<Session>,
    next_call: AtomicU64,
    gate: Gate,
    call_timeout: Option<Duration>,
}

impl PluginVenue {
    pub(super) fn new(adapter: RawAdapterBox, session: Arc<Session>, max_in_flight: u32) -> Self {
        Self {
            adapter,
            session,
            next_call: AtomicU64::new(1),
            gate: Gate::new(max_in_flight),
            call_timeout: None,
        }
    }

    /// Tells the adapter with every call by when it is to be answered. Without it a call has only the
    /// deadline of its order, if it has one.
    #[must_use]
    pub fn with_call_timeout(self, call_timeout: Duration) -> Self {
        Self {
            call_timeout: Some(call_timeout),
            ..self
        }
    }

    /// A call with any name and any bytes, for those who try what happens then.
    pub(super) fn raw(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        match self
            .adapter
            .call(RStr::from_str(op), RSlice::from_slice(body))
        {
            RResult::ROk(bytes) => Ok(bytes.into_vec()),
            RResult::RErr(bytes) => Err(bytes.into_vec()),
        }
    }

    fn call<I, O>(&self, op: Operation, body: &I) -> Answer<O>
    where
        I: Encode<()>,
        O: for<'b> Decode<'b, ()>,
    {
        let deadline = self
            .call_timeout
            .map(|timeout| self.session.now().after(timeout));
        self.call_until(op, body, deadline)
    }

    fn call_until<I, O>(&self, op: Operation, body: &I, deadline: Option<UnixNanos>) -> Answer<O>
    where
        I: Encode<()>,
        O: for<'b> Decode<'b, ()>,
    {
        let _pass = self.gate.enter();
        let header = CallHeader {
            call_id: self.next_call.fetch_add(1, Ordering::Relaxed),
            deadline,
        };
        let mut request = RequestBuffer::take();
        codec::encode_into(&Frame { header, body }, &mut request.0);
        let name = RStr::from_str(op.as_str());
        match self.adapter.call(name, RSlice::from_slice(&request.0)) {
            RResult::ROk(bytes) => decode(op, bytes.as_slice()),
            RResult::RErr(bytes) => Err(decode_error(bytes.as_slice(), op.is_write())),
        }
    }
}

fn decode<O: for<'b> Decode<'b, ()>>(op: Operation, bytes: &[u8]) -> Answer<O> {
    codec::from_slice(bytes).map_err(|e| protocol(op, &format!("its answer makes no sense: {e}")))
}

/// An adapter that breaks the protocol. What a write did at the venue is then unknown.
fn protocol(op: Operation, what: &str) -> AdapterError {
    AdapterError::new(
        ErrorKind::Protocol,
        effect_of_failure(op.is_write()),
        format!("`{}`: {what}", op.as_str()),
    )
}

const fn effect_of_failure(is_write: bool) -> Effect {
    if is_write {
        Effect::Unknown
    } else {
        Effect::NotSent
    }
}

/// An adapter's error, fit for a terminal; bytes that are none become an error that says so.
pub(super) fn decode_error(bytes: &[u8], is_write: bool) -> AdapterError {
    match codec::from_slice::<AdapterError>(bytes) {
        Ok(mut error) => {
            error.message = printable(&error.message, MESSAGE_LIMIT);
            error.venue_code = error.venue_code.map(|code| printable(&code, 100));
            error
        }
        Err(e) => AdapterError::new(
            ErrorKind::Protocol,
            effect_of_failure(is_write),
            format!("the adapter failed with an error that makes no sense: {e}"),
        ),
    }
}

/// A report about another order than the one that was named is no answer.
fn about(op: Operation, order: &str, report: OrderReport) -> Answer<OrderReport> {
    if report.client_order_id == order {
        return Ok(report);
    }
    let other = printable(&report.client_order_id, 100);
    Err(protocol(
        op,
        &format!("asked about order `{order}`, answered about `{other}`"),
    ))
}

impl Venue for PluginVenue {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        let op = Operation::Place;
        let report = match order.deadline {
            Some(_) => self.call_until(op, order, order.deadline)?,
            None => self.call(op, order)?,
        };
        about(op, &order.client_order_id, report)
    }

    fn cancel(&self, cancel: &CancelOrder) -> Answer<OrderReport> {
        let op = Operation::Cancel;
        about(op, &cancel.order.client_order_id, self.call(op, cancel)?)
    }

    fn amend(&self, amend: &AmendOrder) -> Answer<OrderReport> {
        let op = Operation::Amend;
        about(op, &amend.order.client_order_id, self.call(op, amend)?)
    }

    fn order(&self, order: &OrderRef) -> Answer<Option<OrderReport>> {
        let op = Operation::Order;
        let report: Option<OrderReport> = self.call(op, order)?;
        report
            .map(|report| about(op, &order.client_order_id, report))
            .transpose()
    }

    fn open_orders(&self) -> Answer<OpenOrders> {
        self.call(Operation::OpenOrders, &Empty {})
    }

    fn fills_since(&self, cursor: Option<&str>) -> Answer<FillsPage> {
        self.call(Operation::FillsSince, &cursor)
    }

    fn instruments(&self) -> Answer<Vec<Instrument>> {
        self.call(Operation::Instruments, &Empty {})
    }

    fn balances(&self) -> Answer<Vec<Balance>> {
        self.call(Operation::Balances, &Empty {})
    }

    fn positions(&self) -> Answer<Vec<Position>> {
        self.call(Operation::Positions, &Empty {})
    }

    fn health(&self) -> Answer<Health> {
        self.call(Operation::Health, &Empty {})
    }

    fn on_bars(&self, bars: &BarBatch) -> Answer<()> {
        self.call(Operation::OnBars, bars)
    }

    fn shutdown(&self) -> Answer<()> {
        self.call(Operation::Shutdown, &Empty {})
    }

    fn drain_events(&self, events: &mut Vec<VenueEvent>) {
        self.session.drain(events);
    }

    fn events_lost(&self) -> u64 {
        self.session.lost()
    }
}

impl std::fmt::Debug for PluginVenue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PluginVenue")
    }
}

/// Keeps the promise that an adapter is called at most `max_in_flight` times at once, whoever calls.
struct Gate {
    state: Mutex<Passes>,
    freed: Condvar,
}

struct Passes {
    free: u32,
    /// To wake somebody costs a system call even if nobody waits, and nearly always nobody does.
    waiting: u32,
}

impl Gate {
    fn new(free: u32) -> Self {
        Self {
            state: Mutex::new(Passes { free, waiting: 0 }),
            freed: Condvar::new(),
        }
    }

    fn enter(&self) -> Pass<'_> {
        let mut state = self.lock();
        if state.free == 0 {
            state.waiting += 1;
            state = self
                .freed
                .wait_while(state, |state| state.free == 0)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.free -= 1;
        Pass(self)
    }

    fn lock(&self) -> MutexGuard<'_, Passes> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.free += 1;
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            self.0.freed.notify_one();
        }
    }
}

/// The bytes of a request. Each thread keeps its buffer, so that a call allocates nothing for it.
struct RequestBuffer(Vec<u8>);

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl RequestBuffer {
    /// What is larger is not kept: one large request should not cost memory for ever.
    const KEPT: usize = 1 << 20;

    fn take() -> Self {
        let mut bytes = SPARE.take();
        bytes.clear();
        Self(bytes)
    }
}

impl Drop for RequestBuffer {
    fn drop(&mut self) {
        if self.0.capacity() <= Self::KEPT {
            let _ = SPARE.try_with(|spare| spare.set(std::mem::take(&mut self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;
    use std::sync::mpsc;

    #[test]
    fn no_more_pass_the_gate_than_it_lets() {
        let gate = Gate::new(2);
        let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _pass = gate.enter();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(gate.lock().free, 2);
    }

    #[test]
    fn who_waits_at_the_gate_is_let_in() {
        let gate = Gate::new(1);
        let (sender, receiver) = mpsc::channel();
        let pass = gate.enter();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _pass = gate.enter();
                sender.send(()).expect("the test waits for it");
            });
            while gate.lock().waiting == 0 {
                std::thread::yield_now();
            }
            assert!(receiver.try_recv().is_err());
            drop(pass);
            receiver.recv().expect("it is let in");
        });
    }

    #[test]
    fn bytes_that_are_no_error_are_unknown_in_a_write() {
        for bytes in [&b""[..], &[0xFF], b"panic"] {
            let error = decode_error(bytes, true);
            assert_eq!(
                (error.kind, error.effect),
                (ErrorKind::Protocol, Effect::Unknown)
            );
            assert_eq!(decode_error(bytes, false).effect, Effect::NotSent);
        }
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_unknown_in_a_write() {
        for (op, effect) in [
            (Operation::Place, Effect::Unknown),
            (Operation::Order, Effect::NotSent),
        ] {
            for bytes in [&b""[..], &[0xFF], &codec::to_vec(&Empty {})] {
                let error = decode::<OrderReport>(op, bytes).expect_err("it is no report");
                assert_eq!((error.kind, error.effect), (ErrorKind::Protocol, effect));
            }
        }
    }
}
