//! The author's side of a call: decode, run the method, encode, and let no panic out.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use minicbor::{Decode, Decoder, Encode};

use crate::adapter::{Adapter, Answer, OpenParams};
use crate::codec;
use crate::error::{AdapterError, Effect, ErrorKind};
use crate::host::{Call, Host, Level};
use crate::market::BarBatch;
use crate::op::{CallHeader, Empty, Operation};

/// An adapter behind the boundary.
///
/// A panic in any method becomes an error, and the adapter is not entered again: what it left half
/// done must not be acted upon. The same guards hold for opening and dropping.
pub struct Dispatcher<A: Adapter> {
    /// `None` only while dropping.
    adapter: Option<A>,
    host: Host,
    poisoned: AtomicBool,
}

impl<A: Adapter> Dispatcher<A> {
    /// Opens the adapter. The error is an encoded [`AdapterError`].
    pub fn open(host: Host, params: &[u8]) -> Result<Self, Vec<u8>> {
        install_panic_hook();
        let opened = guard("open", || {
            let params = OpenParams::from_bytes(params)
                .map_err(|e| AdapterError::not_sent(ErrorKind::Protocol, format!("open: {e}")))?;
            A::open(host.clone(), params)
        });
        let adapter = opened
            .unwrap_or_else(|panic| Err(panicked(Effect::NotSent, panic)))
            .map_err(|e| codec::to_vec(&e))?;
        Ok(Self {
            adapter: Some(adapter),
            host,
            poisoned: AtomicBool::new(false),
        })
    }

    /// Runs one operation. The error is an encoded [`AdapterError`].
    pub fn call(&self, name: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        self.answer(name, body).map_err(|e| codec::to_vec(&e))
    }

    fn answer(&self, name: &str, body: &[u8]) -> Answer<Vec<u8>> {
        let Some(op) = Operation::from_name(name) else {
            return Err(AdapterError::unsupported(name));
        };
        if self.poisoned.load(Ordering::Acquire) {
            return Err(AdapterError::not_sent(
                ErrorKind::Poisoned,
                format!("`{name}` was not run: the adapter panicked earlier"),
            ));
        }
        let adapter = self
            .adapter
            .as_ref()
            .expect("the adapter is taken only by drop");
        guard(name, || run(adapter, &self.host, op, body)).unwrap_or_else(|panic| {
            self.poisoned.store(true, Ordering::Release);
            let effect = if op.is_write() {
                Effect::Unknown
            } else {
                Effect::NotSent
            };
            Err(panicked(effect, panic))
        })
    }
}

impl<A: Adapter> Drop for Dispatcher<A> {
    fn drop(&mut self) {
        let adapter = self.adapter.take();
        if let Err(panic) = guard("drop", || drop(adapter)) {
            self.host.log(Level::Error, panic);
        }
    }
}

/// Decodes the request, calls the method, encodes the answer.
fn run<A: Adapter>(adapter: &A, host: &Host, op: Operation, bytes: &[u8]) -> Answer<Vec<u8>> {
    let request = Request { host, op, bytes };
    match op {
        Operation::Place => request.with(|call, order| adapter.place(call, &order)),
        Operation::OnBars => request.with(|call, batch: BarBatch| {
            let answer = adapter.on_bars(call, &batch);
            codec::short::give_back(batch.bars);
            answer
        }),
        Operation::Cancel => request.with(|call, cancel| adapter.cancel(call, &cancel)),
        Operation::Order => request.with(|call, order| adapter.order(call, &order)),
        Operation::FillsSince => request
            .with(|call, cursor: Option<String>| adapter.fills_since(call, cursor.as_deref())),
        Operation::OpenOrders => request.with(|call, Empty {}| adapter.open_orders(call)),
        Operation::Instruments => request.with(|call, Empty {}| adapter.instruments(call)),
        Operation::Balances => request.with(|call, Empty {}| adapter.balances(call)),
        Operation::Positions => request.with(|call, Empty {}| adapter.positions(call)),
        Operation::Health => request.with(|call, Empty {}| adapter.health(call)),
        Operation::Shutdown => request.with(|call, Empty {}| adapter.shutdown(call)),
        Operation::PlaceBatch => {
            request.with(|call, orders: Vec<_>| adapter.place_batch(call, &orders))
        }
        Operation::Amend => request.with(|call, amend| adapter.amend(call, &amend)),
        Operation::CancelAll => request.with(|call, instrument: Option<String>| {
            adapter.cancel_all(call, instrument.as_deref())
        }),
        Operation::Bars => request.with(|call, query| adapter.bars(call, &query)),
        Operation::Ticker => {
            request.with(|call, instrument: String| adapter.ticker(call, &instrument))
        }
        Operation::ServerTime => request.with(|call, Empty {}| adapter.server_time(call)),
    }
}

/// One request, not yet decoded.
struct Request<'a> {
    host: &'a Host,
    op: Operation,
    bytes: &'a [u8],
}

impl Request<'_> {
    fn with<'b, I, O>(&'b self, method: impl FnOnce(&Call<'_>, I) -> Answer<O>) -> Answer<Vec<u8>>
    where
        I: Decode<'b, ()>,
        O: Encode<()>,
    {
        let (header, body) = self.decode().map_err(|e| {
            AdapterError::not_sent(ErrorKind::Protocol, format!("`{}`: {e}", self.op.as_str()))
        })?;
        let answer = method(&Call::new(self.host, header), body)?;
        Ok(codec::to_vec(&answer))
    }

    fn decode<'b, I: Decode<'b, ()>>(&'b self) -> Result<(CallHeader, I), String> {
        let mut decoder = Decoder::new(self.bytes);
        let text = |e: minicbor::decode::Error| e.to_string();
        if decoder.array().map_err(text)? != Some(2) {
            return Err("a request is an array of header and body".to_owned());
        }
        let header = decoder.decode().map_err(text)?;
        refuse_unknown_fields(self.op, &mut decoder.probe())?;
        let body = decoder.decode().map_err(text)?;
        if decoder.position() != self.bytes.len() {
            return Err("bytes follow the request".to_owned());
        }
        Ok((header, body))
    }
}

/// A command must not carry a field that this API version does not know: it could be the very field
/// that keeps the order from losing money.
fn refuse_unknown_fields(op: Operation, body: &mut Decoder<'_>) -> Result<(), String> {
    let Some(known) = op.strict_fields() else {
        return Ok(());
    };
    let values = match op {
        Operation::PlaceBatch => length(body.array())?,
        _ => 1,
    };
    let names_an_order = matches!(op, Operation::Cancel | Operation::Amend);
    for _ in 0..values {
        for _ in 0..length(body.map())? {
            let key = known_key(body, known)?;
            if key == 0 && names_an_order {
                for _ in 0..length(body.map())? {
                    known_key(body, ORDER_REF_FIELDS)?;
                    codec::skip(body).map_err(|e| e.to_string())?;
                }
            } else {
                codec::skip(body).map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(())
}

/// How many fields an [`OrderRef`](crate::OrderRef) has, which is field 0 of a cancel and an amendment.
const ORDER_REF_FIELDS: u64 = 3;

fn length(length: Result<Option<u64>, minicbor::decode::Error>) -> Result<u64, String> {
    length
        .map_err(|e| e.to_string())?
        .ok_or_else(|| "a command has known lengths".to_owned())
}

fn known_key(map: &mut Decoder<'_>, known: u64) -> Result<u64, String> {
    let key = map.u64().map_err(|e| e.to_string())?;
    if key < known {
        return Ok(key);
    }
    Err(format!(
        "field {key} is unknown to this adapter (built with API {})",
        crate::API_VERSION
    ))
}

fn panicked(effect: Effect, text: String) -> AdapterError {
    AdapterError::new(ErrorKind::Panicked, effect, text)
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `f`; a panic comes back as one line that says where it happened.
fn guard<T>(what: &str, f: impl FnOnce() -> T) -> Result<T, String> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    GUARDED.set(outer);
    result.map_err(|payload| {
        let message = payload_text(payload.as_ref());
        // Dropping a payload can panic again.
        std::mem::forget(payload);
        let place = PLACE
            .take()
            .unwrap_or_else(|| "an unknown place".to_owned());
        format!("panicked in `{what}` at {place}: {message}")
    })
}

fn payload_text(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned())
}

/// A plugin has its own copy of std and so its own panic hook. Inside a guarded call the place is kept
/// for the answer instead of being printed over the host's terminal.
fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                let place = info
                    .location()
                    .map(|l| format!("{}:{}", l.file(), l.line()));
                PLACE.replace(place);
            } else {
                before(info);
            }
        }));
    });
}
