//! Calls into an adapter of this process that are made on the caller's own thread, because they are made all the time and
//! a hand-over to another thread costs many times what they do.
//!
//! Nobody can take a thread back from foreign code. So when such a call does not return, the host is told, from a thread
//! that watches, and has no choice but to end the process: as a kill would, with nothing lost that a kill would not lose.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use investbot_plugin_api::op::Operation;

use super::exit_guard::in_plugin;
use super::guard::GRACE;
use super::link::{Direct, Failure, Request};
use super::locked::lock;
use super::services::Session;

/// A call that does not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hang {
    /// What happened, in words.
    pub text: String,
    /// Whether the adapter was asked to write, now or earlier: then an order may be in doubt.
    pub may_have_written: bool,
}

/// What the host does about it. It is not expected to return.
pub type OnHang = Box<dyn Fn(&Hang) + Send + Sync>;

/// Watches the calls that are under way.
pub(super) struct Watch {
    shared: Arc<Shared>,
}

struct Shared {
    session: Arc<Session>,
    calls: Mutex<Calls>,
    closed: Condvar,
    has_written: AtomicBool,
    on_hang: OnHang,
}

#[derive(Default)]
struct Calls {
    under_way: Vec<Call>,
    is_closed: bool,
}

struct Call {
    id: u64,
    op: Operation,
    begun: Instant,
    limit: Duration,
}

/// How often the watch looks.
const LOOK: Duration = Duration::from_millis(50);

impl Watch {
    /// Begins to watch.
    pub(super) fn new(session: Arc<Session>, on_hang: OnHang) -> std::io::Result<Self> {
        let name = format!("watch-{}", session.id());
        let shared = Arc::new(Shared {
            session,
            calls: Mutex::default(),
            closed: Condvar::new(),
            has_written: AtomicBool::new(false),
            on_hang,
        });
        let its = shared.clone();
        thread::Builder::new()
            .name(name)
            .spawn(move || its.watch())?;
        Ok(Self { shared })
    }

    /// The operations of a run that come with every bar and every order.
    pub(super) fn is_frequent(op: Operation) -> bool {
        use Operation::{Cancel, FillsSince, OnBars, OpenOrders, Order, Place};
        matches!(
            op,
            Place | Cancel | Order | OpenOrders | FillsSince | OnBars
        )
    }

    /// Makes a call on this thread.
    pub(super) fn call(
        &self,
        adapter: &Direct,
        op: Operation,
        request: &Request<'_>,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let shared = &self.shared;
        if op.is_write() {
            shared.has_written.store(true, Ordering::Release);
        }
        lock(&shared.calls).under_way.push(Call {
            id: request.call_id,
            op,
            begun: Instant::now(),
            limit,
        });
        let answer = in_plugin(op.as_str(), || adapter.raw(request.op, request.bytes));
        lock(&shared.calls)
            .under_way
            .retain(|call| call.id != request.call_id);
        shared.session.forget_call(request.call_id);
        answer
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock(&self.shared.calls).is_closed = true;
        self.shared.closed.notify_all();
    }
}

impl Shared {
    /// The life of the thread that watches.
    fn watch(&self) {
        let mut calls = lock(&self.calls);
        while !calls.is_closed {
            let now = Instant::now();
            for call in &calls.under_way {
                let taken = now.saturating_duration_since(call.begun);
                if taken >= call.limit {
                    self.session.give_up_call(call.id);
                }
                if taken >= call.limit + GRACE {
                    let hang = self.hang(call);
                    self.session.tell_quarantine(&hang.text);
                    (self.on_hang)(&hang);
                }
            }
            calls = self
                .closed
                .wait_timeout(calls, LOOK)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
        }
    }

    fn hang(&self, call: &Call) -> Hang {
        Hang {
            text: format!(
                "`{}` did not return within {:?}",
                call.op.as_str(),
                call.limit
            ),
            may_have_written: self.has_written.load(Ordering::Acquire),
        }
    }
}
