//! Opening an adapter under a deadline. `open` is the first code of the plugin that runs; it connects to
//! a venue, so it may hang, fail or panic.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use abi_stable::std_types::{RResult, RSlice};
use investbot_plugin_api::abi::{PluginRootRef, RawAdapterBox, host_box};
use investbot_plugin_api::{ErrorKind, OpenParams};
use secrecy::zeroize::Zeroizing;

use super::client;
use super::error::LoadError;
use super::exit_guard::in_plugin;
use super::services::{Services, Session};

/// How often a stop of the run is looked for while waiting.
const SLICE: Duration = Duration::from_millis(20);

/// The adapter, or its error as the plugin encoded it.
type Opened = Result<RawAdapterBox, Vec<u8>>;

/// Runs the plugin's `open` on a thread of its own and waits for it. A thread that does not answer is
/// left behind; an adapter that it makes too late is dropped on that thread.
pub(super) fn open(
    id: &str,
    root: PluginRootRef,
    session: &Arc<Session>,
    params: &OpenParams,
    timeout: Duration,
) -> Result<RawAdapterBox, LoadError> {
    let (sender, receiver) = mpsc::sync_channel::<Opened>(1);
    let services = Services(session.clone());
    // They hold the secrets.
    let params = Zeroizing::new(params.to_bytes());
    let spawned = std::thread::Builder::new()
        .name(format!("open-{id}"))
        .spawn(move || {
            let opened = in_plugin("open", || {
                match root.open()(host_box(services), RSlice::from_slice(&params)) {
                    RResult::ROk(adapter) => Ok(adapter),
                    RResult::RErr(bytes) => Err(bytes.into_vec()),
                }
            });
            drop(params);
            // Nobody listens any more if it took too long.
            let _ = sender.send(opened);
        });
    if let Err(error) = spawned {
        return Err(LoadError::OpenPanicked {
            id: id.to_owned(),
            message: format!("could not be given a thread: {error}"),
        });
    }
    wait(id, session, &receiver, timeout)
        .inspect_err(|_| session.abandon())?
        .map_err(|bytes| refusal(id, &bytes))
}

fn wait(
    id: &str,
    session: &Session,
    receiver: &Receiver<Opened>,
    timeout: Duration,
) -> Result<Opened, LoadError> {
    let start = Instant::now();
    loop {
        let left = timeout.saturating_sub(start.elapsed());
        match receiver.recv_timeout(left.min(SLICE)) {
            Ok(opened) => return Ok(opened),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(LoadError::OpenPanicked {
                    id: id.to_owned(),
                    message: "ended its thread without an answer".to_owned(),
                });
            }
            Err(RecvTimeoutError::Timeout) if session.is_cancelled() => {
                return Err(LoadError::OpenCancelled { id: id.to_owned() });
            }
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                return Err(LoadError::OpenTimedOut {
                    id: id.to_owned(),
                    timeout,
                });
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Why an adapter would not open, from the bytes that it answered.
pub(super) fn refusal(id: &str, bytes: &[u8]) -> LoadError {
    let error = client::decode_error(bytes, false);
    let id = id.to_owned();
    if error.kind == ErrorKind::Panicked {
        return LoadError::OpenPanicked {
            id,
            message: error.message,
        };
    }
    LoadError::OpenFailed { id, error }
}
