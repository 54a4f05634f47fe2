//! An open adapter as a [`Venue`]: typed calls in, bytes across the boundary, typed answers out.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

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
}

impl PluginVenue {
    pub(super) fn new(adapter: RawAdapterBox, session: Arc<Session>, max_in_flight: u32) -> Self {
        Self {
            adapter,
            session,
            next_call: AtomicU64::new(1),
            gate: Gate::new(max_in_flight),
        }
    }

    fn call<I, O>(&self, op: Operation, body: &I) -> Answer<O>
    where
        I: Encode<()>,
        O: for<'b> Decode<'b, ()>,
    {
        self.call_until(op, body, None)
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
        minicbor::encode(Frame { header, body }, &mut request.0)
            .expect("encoding into a Vec has no way to fail");
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
        let report = self.call_until(op, order, order.deadline)?;
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
    free: Mutex<u32>,
    freed: Condvar,
}

impl Gate {
    fn new(passes: u32) -> Self {
        Self {
            free: Mutex::new(passes),
            freed: Condvar::new(),
        }
    }

    fn enter(&self) -> Pass<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Pass(self)
    }
}

struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
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
