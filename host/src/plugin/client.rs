//! An open adapter as a [`Venue`]: typed calls in, bytes across the boundary, typed answers out.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use investbot_plugin_api::abi::RawAdapterBox;
use investbot_plugin_api::codec;
use investbot_plugin_api::op::{CallHeader, Empty, Frame, Operation};
use investbot_plugin_api::{
    AdapterError, AmendOrder, Balance, BarBatch, CancelOrder, Effect, ErrorKind, FillsPage, Health,
    Instrument, NewOrder, OpenOrders, OrderRef, OrderReport, Position, UnixNanos, VenueEvent,
};
use minicbor::{Decode, Encode};

use super::gate::Gate;
use super::link::{Direct, Failure, Link, Request};
use super::services::Session;
use super::text::{MESSAGE_LIMIT, printable};
use super::venue::{Answer, Venue};
use super::watch::{OnHang, Watch};

/// An open adapter. Dropping it drops the adapter; its library stays mapped.
pub struct PluginVenue {
    /// Dropped first: the adapter may still log.
    link: Box<dyn Link>,
    session: Arc<Session>,
    next_call: AtomicU64,
    gate: Arc<Gate>,
    call_timeout: Option<Duration>,
}

impl PluginVenue {
    /// An adapter of this process, called for as long as its calls take.
    pub(super) fn new(adapter: RawAdapterBox, session: Arc<Session>, max_in_flight: u32) -> Self {
        let link = Box::new(Direct::new(adapter));
        Self::by(link, session, max_in_flight)
    }

    pub(super) fn by(link: Box<dyn Link>, session: Arc<Session>, max_in_flight: u32) -> Self {
        Self {
            link,
            session,
            next_call: AtomicU64::new(1),
            gate: Gate::new(max_in_flight),
            call_timeout: None,
        }
    }

    /// Tells the adapter with every call by when it is to be answered, and stops waiting for it soon after.
    /// Without it a call has only the deadline of its order, if it has one, and takes as long as it takes.
    #[must_use]
    pub fn with_call_timeout(self, call_timeout: Duration) -> Self {
        Self {
            link: self.link.limited(&self.session, None),
            call_timeout: Some(call_timeout),
            ..self
        }
    }

    /// The same for a run whose calls are many and short. An adapter of this process is called on the caller's thread;
    /// when a call does not return, `on_hang` is told, from another thread, and has to end the process.
    pub fn with_watched_calls(
        self,
        call_timeout: Duration,
        on_hang: OnHang,
    ) -> std::io::Result<Self> {
        let watch = Watch::new(self.session.clone(), on_hang)?;
        Ok(Self {
            link: self.link.limited(&self.session, Some(watch)),
            call_timeout: Some(call_timeout),
            ..self
        })
    }

    /// A call with any name and any bytes, for those who try what happens then.
    pub(super) fn raw(&self, op: &str, bytes: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        self.send(op, bytes, 0).map_err(|failure| match failure {
            Failure::Refused(bytes) => bytes,
            other => codec::to_vec(&error_of(other, false)),
        })
    }

    fn send(&self, op: &str, bytes: &[u8], call_id: u64) -> Result<Vec<u8>, Failure> {
        let limit = self.call_timeout;
        let pass = self.gate.enter(limit).ok_or_else(|| {
            Failure::Unasked("all calls that it takes at once are still under way".to_owned())
        })?;
        let request = Request {
            op,
            bytes,
            call_id,
            limit,
        };
        self.link.call(&request, pass)
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
        let header = CallHeader {
            call_id: self.next_call.fetch_add(1, Ordering::Relaxed),
            deadline,
        };
        let mut request = RequestBuffer::take();
        codec::encode_into(&Frame { header, body }, &mut request.0);
        match self.send(op.as_str(), &request.0, header.call_id) {
            Ok(bytes) => decode(op, &bytes).inspect_err(|error| self.link.nonsense(&error.message)),
            Err(failure) => {
                let error = error_of(failure, op.is_write());
                if error.kind == ErrorKind::Panicked {
                    self.link.panicked(&error.message);
                }
                Err(error)
            }
        }
    }

    /// A venue that is begun anew has kept its books, and not what the market was.
    fn keep_market(&self, bars: &BarBatch) {
        let Some(last) = bars.bars.last().filter(|_| self.link.begins_anew()) else {
            return;
        };
        let body = BarBatch {
            instrument: bars.instrument.clone(),
            bars: vec![*last],
        };
        let header = CallHeader {
            call_id: self.next_call.fetch_add(1, Ordering::Relaxed),
            deadline: None,
        };
        let frame = codec::to_vec(&Frame { header, body });
        self.link.tell_again(Operation::OnBars.as_str(), frame);
    }
}

/// What a failure is for whoever called: an order that may have been sent is in doubt.
fn error_of(failure: Failure, is_write: bool) -> AdapterError {
    let lost = effect_of_failure(is_write);
    match failure {
        Failure::Refused(bytes) => decode_error(&bytes, is_write),
        Failure::Late(text) => AdapterError::new(ErrorKind::Timeout, lost, text),
        Failure::Gone(text) => AdapterError::new(ErrorKind::Internal, lost, text),
        Failure::Unasked(text) => AdapterError::not_sent(ErrorKind::Internal, text),
        Failure::Quarantined(why) => AdapterError::not_sent(
            ErrorKind::Poisoned,
            format!("the plugin is in quarantine: {why}"),
        ),
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

    /// A simulated venue knows the bars that it has seen, so an adapter that was begun anew is shown them again.
    fn on_bars(&self, bars: &BarBatch) -> Answer<()> {
        loop {
            let begun = self.link.begun();
            match self.call(Operation::OnBars, bars) {
                Ok(()) => {
                    self.keep_market(bars);
                    return Ok(());
                }
                Err(_) if self.link.begun() > begun => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn shutdown(&self) -> Answer<()> {
        self.call(Operation::Shutdown, &Empty {})
    }

    fn drain_events(&self, events: &mut Vec<VenueEvent>) {
        self.session.drain(events);
    }

    fn quarantine(&self) -> Option<String> {
        self.link.quarantine()
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

    #[test]
    fn only_what_was_asked_can_have_had_an_effect() {
        let text = || "why".to_owned();
        let asked = [Failure::Late(text()), Failure::Gone(text())];
        let not_asked = [Failure::Unasked(text()), Failure::Quarantined(text())];
        assert!(asked.map(|f| error_of(f, true).effect) == [Effect::Unknown; 2]);
        assert!(not_asked.map(|f| error_of(f, true).effect) == [Effect::NotSent; 2]);
    }
}
