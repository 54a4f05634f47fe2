//! The process of one plugin: confines itself, maps the plugin, and carries calls between its host and the adapter.
//!
//! It ends when its host does: the control socket closes then, and nothing of the plugin is asked whether it agrees.

use std::cell::RefCell;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use abi_stable::std_types::{RResult, RSlice, RStr};
use investbot_plugin_api::abi::{RawAdapterBox, host_box};
use investbot_plugin_api::host::HostServices;
use investbot_plugin_api::{AdapterError, ErrorKind, codec};
use secrecy::zeroize::Zeroizing;

use super::super::error::LoadError;
use super::super::locked::lock;
use super::super::map;
use super::confine::{confine, hide_memory};
use super::wire::{Frame, Hello, Kind, Line, Refusal, receive_fds};

thread_local! {
    /// The line on which this thread was called. What the adapter asks its host meanwhile goes over it.
    static LINE: RefCell<Option<Line>> = const { RefCell::new(None) };
}

/// The adapter, once it is open.
static ADAPTER: OnceLock<RwLock<Option<RawAdapterBox>>> = OnceLock::new();

/// Serves the host at the other end of standard input until it is gone.
///
/// # Errors
///
/// Where nobody is there, or nobody who speaks this language.
pub fn serve() -> std::io::Result<()> {
    let control = take_stdin()?;
    let (bytes, fds) = receive_fds(&control)?;
    let nobody = || {
        std::io::Error::other(
            "this is how investbot starts the process of a plugin, and nobody else",
        )
    };
    let hello: Hello = serde_json::from_slice(&bytes).map_err(|_| nobody())?;
    let mut fds = fds.into_iter();
    let (Some(image), Some(first), Some(besides)) = (fds.next(), fds.next(), fds.next()) else {
        return Err(nobody());
    };
    // What else came along is held for as long as this process lives: the lock of the run.
    let held: Vec<OwnedFd> = fds.collect();
    std::mem::forget(held);
    let missing = confine(&hello.confinement)?;
    std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || listen(&control))?;
    let mut line = Line::new(first);
    match open(&hello, image, Line::new(besides), &mut line) {
        Ok(adapter) => {
            let _ = ADAPTER.set(RwLock::new(Some(adapter)));
            line.send(Kind::Done, "", missing.join(", ").as_bytes())?;
            answer(line);
        }
        Err(no) => line.send(no.kind, "", &no.body)?,
    }
    // The control socket says when to end.
    loop {
        std::thread::park();
    }
}

/// Standard input as a socket of our own. What the plugin finds in its place is empty.
fn take_stdin() -> std::io::Result<OwnedFd> {
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(control)
}

/// Takes up further lines, and ends the process with its host.
fn listen(control: &OwnedFd) {
    loop {
        let fds = match receive_fds(control) {
            Ok((bytes, fds)) if !bytes.is_empty() => fds,
            _ => end(),
        };
        for fd in fds {
            let spawned = std::thread::Builder::new()
                .name("line".to_owned())
                .spawn(move || answer(Line::new(fd)));
            // Without a thread the line is closed, and the host hears it.
            drop(spawned);
        }
    }
}

/// Ends the process at once. Exit handlers and destructors of the plugin are foreign code that could stay.
fn end() -> ! {
    let me = rustix::process::getpid();
    let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    std::process::abort()
}

fn open(
    hello: &Hello,
    image: OwnedFd,
    besides: Line,
    line: &mut Line,
) -> Result<RawAdapterBox, Frame> {
    let params = match line.next() {
        Ok(frame) if frame.kind == Kind::Open => Zeroizing::new(frame.body),
        _ => end(),
    };
    line.wipe();
    let root = map::map_shared(image, &hello.path).map_err(|error| refused(&error))?;
    if let Err(error) = hide_memory() {
        return Err(failed(format!("its memory cannot be hidden: {error}")));
    }
    let asks = Asks(Arc::new(Mutex::new(besides)));
    let opened = on_line(line, || {
        root.open()(host_box(asks), RSlice::from_slice(&params))
    });
    match opened {
        RResult::ROk(adapter) => Ok(adapter),
        RResult::RErr(bytes) => Err(Frame {
            kind: Kind::Failed,
            op: String::new(),
            body: bytes.into_vec(),
        }),
    }
}

fn refused(error: &LoadError) -> Frame {
    let refusal = Refusal {
        code: error.code().to_owned(),
        text: error.to_string(),
    };
    Frame {
        kind: Kind::Refused,
        op: String::new(),
        body: serde_json::to_vec(&refusal).expect("two strings are JSON"),
    }
}

fn failed(text: String) -> Frame {
    let error = AdapterError::not_sent(ErrorKind::Internal, text);
    Frame {
        kind: Kind::Failed,
        op: String::new(),
        body: codec::to_vec(&error),
    }
}

/// Runs `f` with this thread's requests to the host going over `line`.
fn on_line<T>(line: &mut Line, f: impl FnOnce() -> T) -> T {
    // The line goes to where the adapter's requests find it, and comes back.
    let lent = std::mem::replace(line, Line::lent());
    LINE.set(Some(lent));
    let result = f();
    if let Some(lent) = LINE.take() {
        *line = lent;
    }
    result
}

/// The life of a line: calls in, answers out.
fn answer(mut line: Line) {
    while let Ok(frame) = line.next() {
        let (kind, body) = match frame.kind {
            Kind::Call => call(&mut line, &frame),
            Kind::Drop => {
                let adapter = adapter().and_then(|adapter| {
                    let mut adapter = adapter.write().unwrap_or_else(PoisonError::into_inner);
                    adapter.take()
                });
                on_line(&mut line, || drop(adapter));
                (Kind::Done, Vec::new())
            }
            // A host that says anything else is none.
            _ => end(),
        };
        if line.send(kind, "", &body).is_err() {
            return;
        }
    }
}

fn adapter() -> Option<&'static RwLock<Option<RawAdapterBox>>> {
    ADAPTER.get()
}

fn call(line: &mut Line, frame: &Frame) -> (Kind, Vec<u8>) {
    let closed = || {
        let error = AdapterError::not_sent(ErrorKind::Internal, "the adapter is closed");
        (Kind::Failed, codec::to_vec(&error))
    };
    let Some(adapter) = adapter() else {
        return closed();
    };
    let adapter = adapter.read().unwrap_or_else(PoisonError::into_inner);
    let Some(adapter) = adapter.as_ref() else {
        return closed();
    };
    let (op, body) = (RStr::from_str(&frame.op), RSlice::from_slice(&frame.body));
    match on_line(line, || adapter.call(op, body)) {
        RResult::ROk(bytes) => (Kind::Done, bytes.into_vec()),
        RResult::RErr(bytes) => (Kind::Failed, bytes.into_vec()),
    }
}

/// The host, as the adapter sees it: behind the line of the call, or the one besides.
struct Asks(Arc<Mutex<Line>>);

impl HostServices for Asks {
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        // An adapter that asks in the course of asking has a thread-local destructor at work; it asks besides.
        let own = LINE.try_with(|line| {
            let mut line = line.try_borrow_mut().ok()?;
            Some(ask(line.as_mut()?, op, body))
        });
        match own {
            Ok(Some(answer)) => answer,
            _ => ask(&mut lock(&self.0), op, body),
        }
    }
}

fn ask(line: &mut Line, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let answer = line.send(Kind::Call, op, body).and_then(|()| line.next());
    match answer {
        Ok(frame) if frame.kind == Kind::Done => Ok(frame.body),
        Ok(frame) if frame.kind == Kind::Failed => Err(frame.body),
        // The host has closed the line, or is gone.
        _ => end(),
    }
}
