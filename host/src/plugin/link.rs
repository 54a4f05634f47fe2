//! The way to an open adapter: bytes in, bytes out, or why none came back.

use std::sync::Arc;
use std::time::Duration;

use abi_stable::std_types::{RResult, RSlice, RStr};
use investbot_plugin_api::abi::RawAdapterBox;

use super::gate::Pass;
use super::guard::Guarded;
use super::services::Session;
use super::watch::Watch;

/// One request on its way to an adapter.
pub(super) struct Request<'a> {
    /// The operation.
    pub(super) op: &'a str,
    /// The encoded frame.
    pub(super) bytes: &'a [u8],
    /// Names the call among those in flight.
    pub(super) call_id: u64,
    /// How long an answer is waited for, by the system's clock; `None` is for ever.
    pub(super) limit: Option<Duration>,
}

/// Why an adapter did not answer with what was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// It answered with an error, encoded.
    Refused(Vec<u8>),
    /// It was asked, and did not answer in time.
    Late(String),
    /// It was asked, and ended before it answered.
    Gone(String),
    /// It was not asked: it cannot be, for now.
    Unasked(String),
    /// It was not asked and will not be any more.
    Quarantined(String),
}

/// A way to an adapter. It may be used from several threads at once; a pass is the right to be one of them.
pub(super) trait Link: Send + Sync {
    /// Makes one call.
    fn call(&self, request: &Request<'_>, pass: Pass) -> Result<Vec<u8>, Failure>;

    /// The same way, on which the limits of requests hold. With a watch, what runs in this process may stay on the
    /// caller's thread.
    fn limited(self: Box<Self>, session: &Arc<Session>, watch: Option<Watch>) -> Box<dyn Link>;

    /// The adapter panicked in a call, and is not fit for another.
    fn panicked(&self, _what: &str) {}

    /// The adapter answered what makes no sense.
    fn nonsense(&self, _what: &str) {}

    /// Why the adapter is not called any more, if it is not.
    fn quarantine(&self) -> Option<String> {
        None
    }

    /// Whether an adapter that ended is begun anew.
    fn begins_anew(&self) -> bool {
        false
    }

    /// How often the adapter was ended, to be begun anew.
    fn begun(&self) -> u64 {
        0
    }

    /// The call that an adapter which begins anew is told first.
    fn tell_again(&self, _op: &str, _bytes: Vec<u8>) {}
}

/// Straight into the adapter, for as long as it takes.
pub(super) struct Direct(Option<RawAdapterBox>);

impl Direct {
    pub(super) const fn new(adapter: RawAdapterBox) -> Self {
        Self(Some(adapter))
    }

    /// The adapter, to be dropped where its drop can be waited for.
    pub(super) const fn take(&mut self) -> Option<RawAdapterBox> {
        self.0.take()
    }

    pub(super) fn raw(&self, op: &str, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let Some(adapter) = &self.0 else {
            return Err(Failure::Unasked("the adapter is closed".to_owned()));
        };
        match adapter.call(RStr::from_str(op), RSlice::from_slice(bytes)) {
            RResult::ROk(bytes) => Ok(bytes.into_vec()),
            RResult::RErr(bytes) => Err(Failure::Refused(bytes.into_vec())),
        }
    }
}

impl Link for Direct {
    fn call(&self, request: &Request<'_>, _pass: Pass) -> Result<Vec<u8>, Failure> {
        self.raw(request.op, request.bytes)
    }

    fn limited(self: Box<Self>, session: &Arc<Session>, watch: Option<Watch>) -> Box<dyn Link> {
        Box::new(Guarded::new(*self, session.clone(), watch))
    }
}
