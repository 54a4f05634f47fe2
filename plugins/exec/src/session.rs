//! A program that runs, and who waits for its answers.
//!
//! Three threads look after it: one hears what it says, one passes on what it writes to standard error, and one ends it
//! when an answer takes too long. Whoever finds that it is over tells everybody who waits, each with what is certain
//! about the own request: one that was not written was not sent, a write that was is unknown.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use investbot_plugin_api::op::Operation;
use investbot_plugin_api::serde::Serialize;
use investbot_plugin_api::*;

use crate::lines::{self, Read as Heard};
use crate::protocol::{self, Answered, Line, effect_of_failure};
use crate::settings::Settings;
use crate::start;
use crate::text::{LONGEST, Redactor, Sluice};

/// The longest line that a program may write, in bytes.
pub(crate) const LINE_LIMIT: usize = 16 << 20;

/// How many lines that nobody asked for a program may write between two answers.
const UNASKED_LIMIT: u32 = 100_000;

/// How long is waited for a program that is about to end, so that what is said about it is how it ended.
const LAST_MOMENTS: Duration = Duration::from_millis(300);

/// How often is looked whether the program is there.
const LOOK: Duration = Duration::from_millis(500);

/// A program that runs, or ran. Dropping it ends it.
pub(crate) struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    host: Host,
    redactor: Arc<Redactor>,
    answer_timeout: Duration,
    start_timeout: Duration,
    child: Mutex<Child>,
    /// `None` once it was closed.
    input: Mutex<Option<ChildStdin>>,
    state: Mutex<State>,
    /// Something about the state that somebody may wait for.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    last_id: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Lines since the last answer.
    unasked: u32,
    /// It reads no more.
    broken: bool,
    /// Somebody is finding out how it ended: nothing is written to it any more.
    ending: bool,
    /// How it ended.
    over: Option<Over>,
    last_words: Option<String>,
    all_is_written: bool,
}

/// Somebody who waits for an answer.
struct Waiting {
    op: String,
    is_write: bool,
    since: Instant,
    /// Whether it may have reached the program.
    sent: bool,
    answer: SyncSender<Answered>,
}

/// How a program ended.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    pub(crate) kind: ErrorKind,
    /// What it did: `ended with exit code 1: …`.
    pub(crate) text: String,
    pub(crate) at: Instant,
}

/// What somebody found out about a program that cannot go on.
enum Found {
    /// A pipe was closed.
    Closed(&'static str),
    /// What it said makes no sense.
    Nonsense(String),
    /// It did not answer.
    Silence(String, Duration),
    /// It is wanted no more.
    Unwanted,
}

impl Session {
    /// Starts a program. It has not been spoken to.
    pub(crate) fn start(
        settings: &Settings,
        host: &Host,
        redactor: &Arc<Redactor>,
    ) -> Result<Self, AdapterError> {
        let mut child = start::start(settings)?;
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let session = Self {
            shared: Arc::new(Shared {
                name: settings.program.clone(),
                host: host.clone(),
                redactor: redactor.clone(),
                answer_timeout: settings.answer_timeout,
                start_timeout: settings.start_timeout,
                child: Mutex::new(child),
                input: Mutex::new(input),
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        };
        // Where a thread cannot be had, dropping the session ends the program again.
        session.thread("hear", move |shared| {
            output.into_iter().for_each(|output| shared.hear(output))
        })?;
        session.thread("stderr", move |shared| {
            errors.into_iter().for_each(|errors| shared.pass_on(errors))
        })?;
        session.thread("watch", |shared| shared.watch())?;
        Ok(session)
    }

    /// The threads are not waited for: something that the program started may hold its pipes open. They keep what
    /// they use, and the library is never unloaded.
    fn thread(
        &self,
        what: &str,
        run: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<(), AdapterError> {
        let shared = self.shared.clone();
        let spawned = std::thread::Builder::new()
            .name(format!("program-{what}"))
            .spawn(move || run(&shared));
        spawned.map(drop).map_err(|error| {
            AdapterError::not_sent(
                ErrorKind::Internal,
                format!("a thread cannot be had: {error}"),
            )
        })
    }

    /// How it ended, if it did.
    pub(crate) fn over(&self) -> Option<Over> {
        self.shared.state().over.clone()
    }

    /// Makes a request and waits for the answer.
    pub(crate) fn ask<B: Serialize>(
        &self,
        op: &str,
        deadline: Option<UnixNanos>,
        body: &B,
    ) -> Answered {
        let is_write = Operation::from_name(op).is_some_and(Operation::is_write);
        let (answer, answered) = sync_channel(1);
        let id = {
            let mut state = self.shared.state();
            if let Some(over) = &state.over {
                return Err(self.shared.lost(over, op, is_write, false));
            }
            state.last_id += 1;
            let id = state.last_id;
            let waiting = Waiting {
                op: op.to_owned(),
                is_write,
                since: Instant::now(),
                sent: false,
                answer,
            };
            state.waiting.insert(id, waiting);
            id
        };
        let now = self.shared.host.now();
        let line = Line {
            id,
            op,
            now,
            deadline,
            body,
        };
        self.shared.write(id, &line.to_bytes());
        // Whoever ends the session answers everybody who waits.
        let lost = || {
            AdapterError::new(
                ErrorKind::Internal,
                effect_of_failure(is_write),
                "nobody looked after the answer",
            )
        };
        answered.recv().unwrap_or_else(|_| Err(lost()))
    }

    /// Closes its standard input, which asks it to end, and waits for that; ends it if it does not.
    pub(crate) fn close(&self, patience: Duration) {
        // Whoever writes at the moment holds the lock, perhaps because the program does not read.
        if let Ok(mut input) = self.shared.input.try_lock() {
            input.take();
            let begun = Instant::now();
            while begun.elapsed() < patience && self.shared.exit_status().is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        self.shared.end(Found::Unwanted);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.over().is_none() {
            self.close(LAST_MOMENTS);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a request, unless the program is about to end: then it is not sent.
    fn write(&self, id: u64, line: &[u8]) {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pipe) = input.as_mut() else {
            return;
        };
        {
            let mut state = self.state();
            if state.ending {
                return;
            }
            if let Some(waiting) = state.waiting.get_mut(&id) {
                waiting.sent = true;
                waiting.since = Instant::now();
            }
        }
        let written = pipe.write_all(line).and_then(|()| pipe.flush());
        drop(input);
        if written.is_err() {
            // What it said before may still be in the other pipe, so that this is not yet the end.
            self.state().broken = true;
        }
    }

    /// A thread's life: hears what the program says until it says no more.
    fn hear(&self, output: impl Read) {
        let mut output = BufReader::with_capacity(1 << 16, output);
        let mut line = Vec::new();
        let mut sluice = Sluice::new(Instant::now());
        loop {
            let nonsense = match lines::read(&mut output, &mut line, LINE_LIMIT) {
                Ok(Heard::Line) => self.heard(&line, &mut sluice),
                Ok(Heard::Long) => Err(format!("wrote a line of more than {LINE_LIMIT} bytes")),
                Ok(Heard::End) | Err(_) => return self.end(Found::Closed("output")),
            };
            if let Err(text) = nonsense {
                return self.end(Found::Nonsense(text));
            }
            // One large answer should not cost memory for ever.
            line.shrink_to(1 << 16);
        }
    }

    /// Acts on a line; the error is why the program cannot go on.
    fn heard(&self, line: &[u8], sluice: &mut Sluice) -> Result<(), String> {
        if line.trim_ascii().is_empty() {
            return self.unasked();
        }
        let heard = protocol::hear(line).map_err(|why| {
            let said = String::from_utf8_lossy(&line[..line.len().min(LONGEST)]);
            let said: String = self.redactor.clean(&said).chars().take(200).collect();
            format!("wrote a line that makes no sense: {why}: {said}")
        })?;
        match heard {
            protocol::Heard::Answer(id, answer) => self.answer(id, answer),
            protocol::Heard::Event(event) => {
                self.host.event(&event);
                self.unasked()
            }
            protocol::Heard::Log(level, message) => {
                self.log(level, &message, sluice);
                self.unasked()
            }
        }
    }

    fn answer(&self, id: u64, answer: Answered) -> Result<(), String> {
        let mut state = self.state();
        state.unasked = 0;
        match state.waiting.remove(&id) {
            Some(waiting) if waiting.sent => {
                drop(state);
                let answer = answer.map_err(|error| self.redactor.clean_error(error));
                // It waits for nothing else.
                let _ = waiting.answer.send(answer);
                Ok(())
            }
            Some(waiting) => {
                state.waiting.insert(id, waiting);
                Err(format!("answered request {id}, which it was not sent yet"))
            }
            None => Err(format!(
                "answered request {id}, which does not wait for an answer"
            )),
        }
    }

    fn unasked(&self) -> Result<(), String> {
        let mut state = self.state();
        state.unasked += 1;
        if state.unasked <= UNASKED_LIMIT {
            return Ok(());
        }
        Err(format!(
            "wrote more than {UNASKED_LIMIT} lines without an answer among them"
        ))
    }

    fn log(&self, level: Level, text: &str, sluice: &mut Sluice) {
        match sluice.passes(Instant::now()) {
            None => {}
            Some(0) => self.host.log(level, self.redactor.clean(text)),
            Some(held_back) => {
                let text = self.redactor.clean(text);
                self.host
                    .log(level, format!("({held_back} lines were left out) {text}"));
            }
        }
    }

    /// A thread's life: passes on what the program writes to standard error.
    fn pass_on(&self, errors: impl Read) {
        let mut errors = BufReader::new(errors);
        let mut line = Vec::new();
        let mut sluice = Sluice::new(Instant::now());
        while let Ok(read) = lines::read(&mut errors, &mut line, LONGEST) {
            let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            if !text.is_empty() {
                self.log(Level::Info, &text, &mut sluice);
                self.state().last_words = Some(text);
            }
            let more = match read {
                Heard::Line => true,
                Heard::Long => lines::skip(&mut errors).is_ok(),
                Heard::End => false,
            };
            if !more {
                break;
            }
        }
        self.state().all_is_written = true;
        self.changed.notify_all();
    }

    /// A thread's life: ends the program when somebody has waited too long. What is sent while it sleeps cannot be due
    /// before it wakes, because none is waited for less long than it sleeps. It also looks whether the program is
    /// there: its pipes say nothing of its end while something that it started holds them open.
    fn watch(&self) {
        let nap = LOOK.min(self.answer_timeout).min(self.start_timeout);
        let mut gone_since: Option<Instant> = None;
        let mut state = self.state();
        while !state.ending {
            let is_gone = state.broken || self.exit_status().is_some();
            let since = gone_since.filter(|_| is_gone).unwrap_or_else(Instant::now);
            // Its last answer may be in the pipe, so there is some time to hear it.
            if since.elapsed() >= nap {
                let pipe = if state.broken { "input" } else { "output" };
                drop(state);
                return self.end(Found::Closed(pipe));
            }
            gone_since = is_gone.then_some(since);
            let now = Instant::now();
            let mut sleep = nap;
            let mut late = None;
            for waiting in state.waiting.values() {
                let limit = self.limit(&waiting.op);
                let waited = now.saturating_duration_since(waiting.since);
                if waited >= limit {
                    late = Some((waiting.op.clone(), limit));
                }
                sleep = sleep.min(limit.saturating_sub(waited));
            }
            if let Some((op, limit)) = late {
                drop(state);
                return self.end(Found::Silence(op, limit));
            }
            let woken = self.changed.wait_timeout(state, sleep);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn limit(&self, op: &str) -> Duration {
        if op == protocol::OPEN {
            self.start_timeout
        } else {
            self.answer_timeout
        }
    }

    /// Ends the program and tells everybody who waits. Only the first who comes does something.
    fn end(&self, found: Found) {
        {
            let mut state = self.state();
            if state.ending {
                return;
            }
            state.ending = true;
        }
        self.changed.notify_all();
        let (kind, text) = match found {
            Found::Closed(what) => (ErrorKind::Network, self.how_it_ended(what)),
            Found::Nonsense(text) => {
                self.kill();
                (ErrorKind::Protocol, text)
            }
            Found::Silence(op, limit) => {
                self.kill();
                let text = format!(
                    "did not answer `{op}` within {} ms; a program has to flush its standard output after every line",
                    limit.as_millis()
                );
                (ErrorKind::Timeout, text)
            }
            Found::Unwanted => {
                self.kill();
                self.last_words();
                (
                    ErrorKind::Network,
                    "was ended, because its session is over".to_owned(),
                )
            }
        };
        let over = Over {
            kind,
            text: self.redactor.clean(&text),
            at: Instant::now(),
        };
        let mut state = self.state();
        for waiting in std::mem::take(&mut state.waiting).into_values() {
            let error = self.lost(&over, &waiting.op, waiting.is_write, waiting.sent);
            let _ = waiting.answer.send(Err(error));
        }
        state.over = Some(over);
    }

    /// What became of a request of a program that ended.
    fn lost(&self, over: &Over, op: &str, is_write: bool, sent: bool) -> AdapterError {
        let effect = effect_of_failure(is_write && sent);
        let what = if sent {
            "has no answer"
        } else {
            "was not sent"
        };
        let text = format!("`{op}` {what}: the program `{}` {}", self.name, over.text);
        AdapterError::new(over.kind, effect, text)
    }

    /// The end of a program that closed a pipe: most likely it ended, and its status says how.
    fn how_it_ended(&self, pipe: &str) -> String {
        let begun = Instant::now();
        let mut status = self.exit_status();
        while status.is_none() && begun.elapsed() < LAST_MOMENTS {
            std::thread::sleep(Duration::from_millis(2));
            status = self.exit_status();
        }
        self.kill();
        let how = match status {
            Some(status) => format!("ended with {}", shown(status)),
            None => format!("closed its standard {pipe}"),
        };
        match self.last_words() {
            Some(words) => format!("{how}: {words}"),
            None => how,
        }
    }

    /// The last line that the program wrote to standard error, when all that it wrote there was passed on.
    fn last_words(&self) -> Option<String> {
        let state = self.state();
        let waited = self
            .changed
            .wait_timeout_while(state, LAST_MOMENTS, |state| !state.all_is_written);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.last_words.clone()
    }

    fn exit_status(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().ok().flatten()
    }

    /// Ends the program, with what it started itself, and takes it off the system's list.
    fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            // The group has the program's id as long as anybody is in it.
            let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
        // An error means that it has ended already.
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[cfg(unix)]
fn shown(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(not(unix))]
fn shown(status: ExitStatus) -> String {
    status.to_string()
}
