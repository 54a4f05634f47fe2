//! Calls into an adapter of this process that the host can stop waiting for.
//!
//! A call runs on a thread of its own, because nobody can take a thread back from foreign code. A call that does not
//! return is told that it is cancelled, then given up: its thread and its pass stay with it. An adapter that does this
//! too often is not called any more. Where calls are many and short, the frequent ones are only [watched](super::watch).

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use investbot_plugin_api::op::Operation;

use super::exit_guard::in_plugin;
use super::gate::Pass;
use super::link::{Direct, Failure, Link, Request};
use super::locked::lock;
use super::services::Session;
use super::strikes::Strikes;
use super::watch::Watch;

/// How long a call that was cancelled may take to say what it did.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// How long a drop is waited for.
const DROP_LIMIT: Duration = Duration::from_secs(5);

/// An adapter of this process, called with limits.
pub(super) struct Guarded {
    adapter: Arc<Direct>,
    session: Arc<Session>,
    /// Threads that wait for a call.
    idle: Mutex<Vec<Worker>>,
    strikes: Mutex<Strikes>,
    quarantine: OnceLock<String>,
    /// Frequent calls are made on the caller's thread and watched, if that is wanted.
    watch: Option<Watch>,
}

/// A thread that makes calls, as whoever uses it sees it.
struct Worker {
    seat: Arc<Seat>,
    thread: Thread,
}

/// Where a call is handed over and its answer handed back.
struct Seat {
    turn: AtomicU8,
    job: Mutex<Option<Job>>,
    answer: Mutex<Option<Result<Vec<u8>, Failure>>>,
}

struct Job {
    /// Not kept by an idle thread, so that whoever closes the adapter holds the last of it.
    adapter: Arc<Direct>,
    op: String,
    bytes: Vec<u8>,
    call_id: u64,
    caller: Thread,
    pass: Pass,
}

/// Nobody wants anything of the worker.
const IDLE: u8 = 0;
/// There is a job.
const ASKED: u8 = 1;
/// There is an answer.
const ANSWERED: u8 = 2;
/// Nobody waits for the worker any more.
const GIVEN_UP: u8 = 3;

impl Guarded {
    pub(super) fn new(adapter: Direct, session: Arc<Session>, watch: Option<Watch>) -> Self {
        Self {
            adapter: Arc::new(adapter),
            session,
            idle: Mutex::default(),
            strikes: Mutex::default(),
            quarantine: OnceLock::new(),
            watch,
        }
    }

    fn worker(&self) -> std::io::Result<Worker> {
        let idle = lock(&self.idle).pop();
        idle.map_or_else(|| Worker::spawn(self.session.clone()), Ok)
    }

    fn give_up(&self, op: &str, limit: Duration) -> Failure {
        let text = format!("`{op}` did not return within {limit:?}");
        if lock(&self.strikes).count(Instant::now()).is_none() {
            self.shut_out(format!("{text}, which is once too often"));
        } else {
            tracing::warn!(
                plugin = self.session.id(),
                "{text}; its thread is left behind"
            );
        }
        Failure::Late(text)
    }

    fn shut_out(&self, why: String) {
        if self.quarantine.set(why.clone()).is_ok() {
            self.session.tell_quarantine(&why);
        }
    }
}

impl Link for Guarded {
    fn call(&self, request: &Request<'_>, pass: Pass) -> Result<Vec<u8>, Failure> {
        if let Some(why) = self.quarantine.get() {
            return Err(Failure::Quarantined(why.clone()));
        }
        let op = Operation::from_name(request.op).filter(|op| Watch::is_frequent(*op));
        if let (Some(watch), Some(op), Some(limit)) = (&self.watch, op, request.limit) {
            return watch.call(&self.adapter, op, request, limit);
        }
        let worker = self
            .worker()
            .map_err(|error| Failure::Unasked(format!("no thread for the call: {error}")))?;
        worker.ask(&self.adapter, request, pass);
        let limit = request.limit.unwrap_or(Duration::MAX);
        let answer = worker.wait(limit).or_else(|| {
            self.session.give_up_call(request.call_id);
            worker.wait(GRACE)
        });
        let answer = answer.or_else(|| worker.leave());
        match answer {
            Some(answer) => {
                lock(&self.idle).push(worker);
                answer
            }
            None => Err(self.give_up(request.op, limit)),
        }
    }

    fn limited(self: Box<Self>, _: &Arc<Session>, _: Option<Watch>) -> Box<dyn Link> {
        self
    }

    fn panicked(&self, what: &str) {
        self.shut_out(format!("it {what}"));
    }

    fn quarantine(&self) -> Option<String> {
        self.quarantine.get().cloned()
    }
}

impl Drop for Guarded {
    /// Ends the threads, and drops the adapter on one of its own: its drop is foreign code too.
    fn drop(&mut self) {
        for worker in lock(&self.idle).drain(..) {
            worker.seat.turn.store(GIVEN_UP, Ordering::Release);
            worker.thread.unpark();
        }
        let Some(adapter) = Arc::get_mut(&mut self.adapter).map(Direct::take) else {
            // A call is still in it.
            return;
        };
        let (done, wait) = std::sync::mpsc::sync_channel::<()>(1);
        let spawned = thread::Builder::new().spawn(move || {
            in_plugin("drop", || drop(adapter));
            let _ = done.send(());
        });
        if spawned.is_ok() && wait.recv_timeout(DROP_LIMIT).is_err() {
            tracing::warn!(
                plugin = self.session.id(),
                "the adapter was not done with its drop within {DROP_LIMIT:?}; it is left behind"
            );
        }
    }
}

impl Worker {
    fn spawn(session: Arc<Session>) -> std::io::Result<Self> {
        let seat = Arc::new(Seat {
            turn: AtomicU8::new(IDLE),
            job: Mutex::default(),
            answer: Mutex::default(),
        });
        let its = seat.clone();
        let name = format!("call-{}", session.id());
        let handle = thread::Builder::new()
            .name(name)
            .spawn(move || its.serve(&session))?;
        let thread = handle.thread().clone();
        Ok(Self { seat, thread })
    }

    fn ask(&self, adapter: &Arc<Direct>, request: &Request<'_>, pass: Pass) {
        *lock(&self.seat.job) = Some(Job {
            adapter: adapter.clone(),
            op: request.op.to_owned(),
            bytes: request.bytes.to_vec(),
            call_id: request.call_id,
            caller: thread::current(),
            pass,
        });
        self.seat.turn.store(ASKED, Ordering::Release);
        self.thread.unpark();
    }

    /// Waits for the answer, up to `limit`.
    fn wait(&self, limit: Duration) -> Option<Result<Vec<u8>, Failure>> {
        let turn = &self.seat.turn;
        let is_there = || turn.load(Ordering::Acquire) == ANSWERED;
        let begun = Instant::now();
        while !is_there() {
            thread::park_timeout(limit.checked_sub(begun.elapsed())?);
        }
        turn.store(IDLE, Ordering::Release);
        lock(&self.seat.answer).take()
    }

    /// Stops waiting, unless there is an answer after all.
    fn leave(&self) -> Option<Result<Vec<u8>, Failure>> {
        let turn = &self.seat.turn;
        let left = turn.compare_exchange(ASKED, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire);
        if left.is_ok() {
            return None;
        }
        turn.store(IDLE, Ordering::Release);
        lock(&self.seat.answer).take()
    }
}

impl Seat {
    /// The life of the thread.
    fn serve(&self, session: &Session) {
        let is_wanted = || matches!(self.turn.load(Ordering::Acquire), ASKED | GIVEN_UP);
        loop {
            while !is_wanted() {
                thread::park();
            }
            let job = lock(&self.job).take();
            let Some(job) = job.filter(|_| self.turn.load(Ordering::Acquire) == ASKED) else {
                return;
            };
            let call = Operation::from_name(&job.op).map_or("a call", Operation::as_str);
            let answer = in_plugin(call, || job.adapter.raw(&job.op, &job.bytes));
            session.forget_call(job.call_id);
            // Before the answer is heard: whoever hears it may call again, or close the adapter.
            drop((job.adapter, job.pass));
            *lock(&self.answer) = Some(answer);
            let turn = &self.turn;
            let heard = turn.compare_exchange(ASKED, ANSWERED, Ordering::AcqRel, Ordering::Acquire);
            if heard.is_err() {
                return;
            }
            job.caller.unpark();
        }
    }
}
