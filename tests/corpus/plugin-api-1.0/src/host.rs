//! What an adapter can ask of the host.

use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::abi::HostLink;
use crate::codec;
use crate::op::{CallHeader, host_op};
use crate::report::VenueEvent;
use crate::time::UnixNanos;
use crate::wire::wire_enum;

wire_enum! {
    /// How loud a log record is.
    pub enum Level {
        /// Something failed.
        Error = 0 "error",
        /// Something is odd.
        Warn = 1 "warn",
        /// Something happened.
        Info = 2 "info",
        /// For whoever debugs the adapter.
        Debug = 3 "debug",
        /// Everything.
        Trace = 4 "trace",
    }
}

/// One line for the host's log.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogRecord {
    /// How loud.
    #[n(0)]
    pub level: Level,
    /// The text, without secrets.
    #[n(1)]
    pub message: String,
}

/// The services of a host, as the boundary carries them: operation name and bytes in, bytes out.
///
/// Adapters use [`Host`]; a test of an adapter implements this to play the host.
pub trait HostServices: Send + Sync + 'static {
    /// Answers one request of the adapter.
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>>;
}

/// The adapter's handle to its host. Cheap to clone; usable from any thread of the adapter.
#[derive(Clone)]
pub struct Host {
    link: Arc<dyn HostServices>,
}

impl Host {
    /// A handle to a host on the other side of the boundary.
    #[must_use]
    pub fn from_link(link: HostLink) -> Self {
        Self {
            link: Arc::new(link),
        }
    }

    /// A handle to a host in the same binary, for the adapter's own tests.
    pub fn from_services(services: impl HostServices) -> Self {
        Self {
            link: Arc::new(services),
        }
    }

    /// A host for the simplest of an adapter's own tests: it drops logs and events, its clock stands at 0,
    /// waiting takes no time, and no call is cancelled.
    #[must_use]
    pub fn for_tests() -> Self {
        struct Nobody;
        impl HostServices for Nobody {
            fn call(&self, _op: &str, _body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
                Err(Vec::new())
            }
        }
        Self::from_services(Nobody)
    }

    /// Writes a line to the host's log. Standard output belongs to the host: don't print.
    pub fn log(&self, level: Level, message: impl Into<String>) {
        let record = LogRecord {
            level,
            message: message.into(),
        };
        // A log line that the host cannot take is not worth failing a call for.
        let _ = self.link.call(host_op::LOG, &codec::to_vec(&record));
    }

    /// Tells the host what the venue said without being asked: an order changed, a fill happened.
    ///
    /// Events may be late, doubled or missing; the host knows fills by their ids and asks
    /// `fills_since` for the rest.
    pub fn event(&self, event: &VenueEvent) {
        let _ = self.link.call(host_op::EVENT, &codec::to_vec(event));
    }

    /// The time. In a simulation this is the time of the simulated market, so an adapter that asks
    /// here and never the system behaves the same on every run.
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        self.link
            .call(host_op::NOW, &[])
            .ok()
            .and_then(|bytes| codec::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    fn sleep(&self, call_id: u64, duration: Duration) -> bool {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.link
            .call(host_op::SLEEP, &codec::to_vec(&(call_id, nanos)))
            .ok()
            .and_then(|bytes| codec::from_slice(&bytes).ok())
            .unwrap_or(true)
    }

    fn is_cancelled(&self, call_id: u64) -> bool {
        self.link
            .call(host_op::IS_CANCELLED, &codec::to_vec(&call_id))
            .ok()
            .and_then(|bytes| codec::from_slice(&bytes).ok())
            .unwrap_or(false)
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host")
    }
}

/// One call of the host into the adapter.
#[derive(Debug)]
pub struct Call<'a> {
    host: &'a Host,
    header: CallHeader,
}

impl<'a> Call<'a> {
    /// The call that `header` describes.
    #[must_use]
    pub const fn new(host: &'a Host, header: CallHeader) -> Self {
        Self { host, header }
    }

    /// The host that calls.
    #[must_use]
    pub const fn host(&self) -> &Host {
        self.host
    }

    /// The time; see [`Host::now`].
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        self.host.now()
    }

    /// When the host stops waiting for the answer; `None` if it waits for ever.
    #[must_use]
    pub const fn deadline(&self) -> Option<UnixNanos> {
        self.header.deadline
    }

    /// Whether the host has given up on this call. Long work asks now and then, and stops with
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) and an honest effect.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.host.is_cancelled(self.header.call_id)
    }

    /// Waits. With virtual time it returns at once; otherwise it sleeps. False means that the call was
    /// cancelled before the time was over.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> bool {
        self.host.sleep(self.header.call_id, duration)
    }
}
