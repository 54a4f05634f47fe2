//! What is said, line by line: docs/EXEC_PROTOCOL.md as types. What is inside a line are the plugin API's own.

use std::time::Duration;

use investbot_plugin_api::op::Operation;
use investbot_plugin_api::serde::de::{DeserializeOwned, Deserializer};
use investbot_plugin_api::serde::{Deserialize, Serialize};
use investbot_plugin_api::serde_json::value::RawValue;
use investbot_plugin_api::serde_json::{self, Map, Value};
use investbot_plugin_api::*;

/// The version of this protocol. A program answers `open` with the one that it speaks.
pub(crate) const VERSION: u32 = 1;

/// The name of the request that comes first.
pub(crate) const OPEN: &str = "open";

/// A request.
#[derive(Serialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct Line<'a, B> {
    /// Names the request; the answer carries it.
    pub(crate) id: u64,
    pub(crate) op: &'a str,
    /// The host's time.
    pub(crate) now: UnixNanos,
    /// When the host stops waiting, in the host's time.
    pub(crate) deadline: Option<UnixNanos>,
    /// What the operation takes, as fields of the same object.
    #[serde(flatten)]
    pub(crate) body: &'a B,
}

impl<B: Serialize> Line<'_, B> {
    /// With the end of the line.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec(self).expect("texts, numbers and lists of them are JSON");
        bytes.push(b'\n');
        bytes
    }
}

/// The body of `open`.
#[derive(Serialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct Opening<'a> {
    pub(crate) protocol: u32,
    /// The configuration, without the keys that are this plugin's own.
    pub(crate) config: &'a Map<String, Value>,
    pub(crate) secrets: Map<String, Value>,
    pub(crate) data_dir: Option<&'a str>,
    pub(crate) seed: u64,
    pub(crate) instruments: &'a [String],
}

/// The body of an operation that takes nothing.
#[derive(Serialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct Nothing {}

/// The body of operations about one order.
#[derive(Serialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct About<'a, O> {
    pub(crate) order: &'a O,
}

#[derive(Serialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct Several<'a> {
    pub(crate) orders: &'a [NewOrder],
}

#[derive(Serialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct After<'a> {
    pub(crate) cursor: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct Of<'a> {
    pub(crate) instrument: Option<&'a str>,
}

/// The answer to `open`.
#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
pub(crate) struct Opened {
    pub(crate) protocol: u32,
}

/// An answer, with what it answers still as text: the caller knows what it has to be.
pub(crate) type Answered = Result<Box<RawValue>, AdapterError>;

/// What a program says.
#[derive(Debug)]
pub(crate) enum Heard {
    Answer(u64, Answered),
    Event(VenueEvent),
    Log(Level, String),
}

#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde", expecting = "a JSON object")]
struct Said {
    id: Option<u64>,
    #[serde(default, deserialize_with = "even_null")]
    ok: Option<Box<RawValue>>,
    error: Option<Refusal>,
    event: Option<Event>,
    log: Option<Log>,
}

/// `"ok": null` is an answer, a line without `ok` is none.
fn even_null<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(d).map(Some)
}

#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
struct Refusal {
    kind: ErrorKind,
    effect: Effect,
    message: String,
    venue_code: Option<String>,
    retry_after_ms: Option<u64>,
}

impl From<Refusal> for AdapterError {
    fn from(refusal: Refusal) -> Self {
        let mut error = Self::new(refusal.kind, refusal.effect, refusal.message);
        error.venue_code = refusal.venue_code;
        match refusal.retry_after_ms {
            Some(wait) => error.with_retry_after(Duration::from_millis(wait)),
            None => error,
        }
    }
}

#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde", rename_all = "snake_case")]
enum Event {
    Order(OrderReport),
    Fill(Fill),
}

#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
struct Log {
    level: Level,
    message: String,
}

/// Reads a line of the program; the error says what is wrong with it.
pub(crate) fn hear(line: &[u8]) -> Result<Heard, String> {
    let said: Said = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    match said {
        Said {
            id: Some(id),
            ok: Some(value),
            error: None,
            event: None,
            log: None,
        } => Ok(Heard::Answer(id, Ok(value))),
        Said {
            id: Some(id),
            ok: None,
            error: Some(refusal),
            event: None,
            log: None,
        } => Ok(Heard::Answer(id, Err(refusal.into()))),
        Said {
            id: None,
            ok: None,
            error: None,
            event: Some(event),
            log: None,
        } => Ok(Heard::Event(match event {
            Event::Order(report) => VenueEvent::Order(report),
            Event::Fill(fill) => VenueEvent::Fill(fill),
        })),
        Said {
            id: None,
            ok: None,
            error: None,
            event: None,
            log: Some(log),
        } => Ok(Heard::Log(log.level, log.message)),
        _ => Err(
            "it is neither an answer (id, and ok or error), nor an event, nor a log line"
                .to_owned(),
        ),
    }
}

/// Reads what was answered to an operation. What a write did at the venue is unknown if that makes no sense.
pub(crate) fn understood<T: DeserializeOwned>(
    op: Operation,
    ok: &RawValue,
) -> Result<T, AdapterError> {
    serde_json::from_str(ok.get()).map_err(|e| nonsense(op, &e.to_string()))
}

pub(crate) fn nonsense(op: Operation, what: &str) -> AdapterError {
    let text = format!(
        "the program's answer to `{}` makes no sense: {what}",
        op.as_str()
    );
    AdapterError::new(ErrorKind::Protocol, effect_of_failure(op.is_write()), text)
}

/// What a request that was sent and not answered did at the venue.
pub(crate) const fn effect_of_failure(is_write: bool) -> Effect {
    if is_write {
        Effect::Unknown
    } else {
        Effect::NotSent
    }
}

/// One of the answers to `place_batch`.
#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
struct OfSeveral {
    ok: Option<OrderReport>,
    error: Option<Refusal>,
}

/// The answers to `place_batch`, which are as many as there were orders.
pub(crate) fn several(
    ok: &RawValue,
    orders: usize,
) -> Result<Vec<Result<OrderReport, AdapterError>>, AdapterError> {
    let op = Operation::PlaceBatch;
    let answers: Vec<OfSeveral> = understood(op, ok)?;
    if answers.len() != orders {
        return Err(nonsense(
            op,
            &format!("{} answers to {orders} orders", answers.len()),
        ));
    }
    let one = |answer: OfSeveral| match answer {
        OfSeveral {
            ok: Some(report),
            error: None,
        } => Ok(report),
        OfSeveral {
            ok: None,
            error: Some(refusal),
        } => Err(refusal.into()),
        _ => Err(nonsense(op, "neither ok nor error about one of the orders")),
    };
    Ok(answers.into_iter().map(one).collect())
}
