//! A plugin in a process of its own: whatever it does there costs its host a call, and never more.
//!
//! The process is this very program, run with [`ARGUMENT`]; it confines itself, maps the bytes that were checked and
//! serves calls until its host is gone ([`serve`]). When it ends, hangs or talks nonsense, it is killed. A call that was
//! under way has then an unknown effect, which the order protocol finds out about; the next call begins the adapter anew,
//! after a pause that doubles. An adapter that fails too often is not called any more.

mod child;
mod confine;
mod process;
mod wire;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use investbot_plugin_api::OpenParams;
use secrecy::zeroize::Zeroizing;

use super::error::LoadError;
use super::gate::Pass;
use super::image::Image;
use super::isolation::Isolation;
use super::link::{Failure, Link, Request};
use super::locked::lock;
use super::map;
use super::open::refusal;
use super::services::Session;
use super::strikes::Strikes;
use super::text::printable;
use super::watch::Watch;
pub use child::serve;
use process::{Broken, Process, Start};
use wire::{Confinement, Hello, Kind, Refusal};

/// What a program is told to become the process of a plugin.
pub const ARGUMENT: &str = "plugin-process";

/// An adapter in another process, begun anew when that ends.
pub(super) struct Isolated {
    recipe: Recipe,
    session: Arc<Session>,
    state: Mutex<State>,
    quarantine: OnceLock<String>,
    /// How often a process was ended.
    ended: AtomicU64,
    /// What a new adapter is told first.
    again: Mutex<Option<(String, Vec<u8>)>>,
}

/// How a process is made.
struct Recipe {
    isolation: Isolation,
    hello: Hello,
    image: OwnedFd,
    /// The parameters of `open`, with the secrets.
    params: Zeroizing<Vec<u8>>,
    timeout: Duration,
}

struct State {
    process: Option<Arc<Process>>,
    /// When the next may be started.
    not_before: Instant,
    strikes: Strikes,
}

/// How long a drop is waited for.
const DROP_LIMIT: Duration = Duration::from_secs(5);

/// How often a stop of the run is looked for while waiting.
const SLICE: Duration = Duration::from_millis(20);

impl Isolated {
    /// Starts a process for the plugin and opens the adapter in it.
    pub(super) fn open(
        image: &Image,
        session: &Arc<Session>,
        params: &OpenParams,
        timeout: Duration,
        isolation: Isolation,
        network: bool,
    ) -> Result<Self, LoadError> {
        let hello = Hello {
            path: image.path.clone(),
            confinement: Confinement {
                host: std::process::id(),
                data_dir: params.data_dir.clone(),
                readable: isolation.readable.clone(),
                network,
                memory: isolation.memory,
            },
        };
        let recipe = Recipe {
            image: map::share(image)?,
            params: Zeroizing::new(params.to_bytes()),
            isolation,
            hello,
            timeout,
        };
        let (process, missing) = recipe.start(session)?;
        if missing.is_empty() {
            tracing::info!(
                plugin = session.id(),
                "the plugin runs in a process of its own"
            );
        } else {
            tracing::warn!(
                plugin = session.id(),
                "the plugin runs in a process of its own, without {missing}"
            );
        }
        Ok(Self {
            recipe,
            session: session.clone(),
            state: Mutex::new(State {
                process: Some(process),
                not_before: Instant::now(),
                strikes: Strikes::default(),
            }),
            quarantine: OnceLock::new(),
            ended: AtomicU64::new(0),
            again: Mutex::default(),
        })
    }

    /// The process; a new one if there is none.
    fn process(&self) -> Result<Arc<Process>, Failure> {
        let mut state = lock(&self.state);
        if let Some(why) = self.quarantine.get() {
            return Err(Failure::Quarantined(why.clone()));
        }
        if let Some(process) = &state.process {
            return Ok(process.clone());
        }
        while let Some(left) = state.not_before.checked_duration_since(Instant::now()) {
            if self.session.is_cancelled() {
                return Err(Failure::Unasked("the run is being stopped".to_owned()));
            }
            std::thread::sleep(left.min(SLICE));
        }
        let begun = self.recipe.start(&self.session).and_then(|(process, _)| {
            self.bring_up_to_date(&process)?;
            Ok(process)
        });
        match begun {
            Ok(process) => {
                // It may have told something that its end swallowed.
                self.session.lose();
                tracing::info!(plugin = self.session.id(), "the plugin was begun anew");
                state.process = Some(process.clone());
                Ok(process)
            }
            Err(error) => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default();
                self.strike(&mut state, first);
                Err(Failure::Unasked(first.to_owned()))
            }
        }
    }

    fn bring_up_to_date(&self, process: &Process) -> Result<(), LoadError> {
        let Some((op, bytes)) = lock(&self.again).clone() else {
            return Ok(());
        };
        match process.call(Kind::Call, &op, &bytes, Some(self.recipe.timeout)) {
            Ok(_) => Ok(()),
            Err(broken) => {
                let how = process.kill(broken.is_end());
                Err(self.recipe.died(&self.session, broken, &how))
            }
        }
    }

    /// Ends `process`, unless somebody else has; how it ended, with what is known of why.
    fn end(&self, process: &Arc<Process>, why: &str) -> String {
        let mut state = lock(&self.state);
        let is_current = |current: &Arc<Process>| Arc::ptr_eq(current, process);
        if !state.process.as_ref().is_some_and(is_current) {
            return "its process ended".to_owned();
        }
        state.process = None;
        let how = process.kill(why.is_empty());
        let text = if why.is_empty() {
            format!("its process ended: {how}")
        } else {
            format!("its process was ended: {why}")
        };
        self.strike(&mut state, &text);
        text
    }

    fn end_current(&self, why: &str) {
        let process = lock(&self.state).process.clone();
        if let Some(process) = process {
            self.end(&process, why);
        }
    }

    fn strike(&self, state: &mut State, text: &str) {
        self.ended.fetch_add(1, Ordering::AcqRel);
        let plugin = self.session.id();
        match state.strikes.count(Instant::now()) {
            Some(pause) => {
                state.not_before = Instant::now() + pause;
                tracing::warn!(plugin, ?pause, "{text}; it is begun anew after a pause");
            }
            None => {
                let why = format!("{text}, which is once too often");
                if self.quarantine.set(why.clone()).is_ok() {
                    self.session.tell_quarantine(&why);
                }
            }
        }
    }
}

impl Link for Isolated {
    fn call(&self, request: &Request<'_>, _pass: Pass) -> Result<Vec<u8>, Failure> {
        let process = self.process()?;
        match process.call(Kind::Call, request.op, request.bytes, request.limit) {
            Ok(frame) if frame.kind == Kind::Done => Ok(frame.body),
            Ok(frame) if frame.kind == Kind::Failed => Err(Failure::Refused(frame.body)),
            Ok(_) => Err(Failure::Gone(self.end(&process, "it answered nonsense"))),
            Err(Broken::Unfit(text)) => Err(Failure::Unasked(text)),
            Err(Broken::Unasked(text)) => {
                self.end(&process, "");
                Err(Failure::Unasked(text))
            }
            Err(Broken::Late) => {
                let limit = request.limit.unwrap_or_default();
                let text = format!("`{}` did not return within {limit:?}", request.op);
                self.end(&process, &text);
                Err(Failure::Late(text))
            }
            Err(Broken::Gone(why)) => Err(Failure::Gone(self.end(&process, &why))),
        }
    }

    fn limited(self: Box<Self>, _: &Arc<Session>, _: Option<Watch>) -> Box<dyn Link> {
        self
    }

    fn panicked(&self, what: &str) {
        self.end_current(&format!("it {what}"));
    }

    fn nonsense(&self, what: &str) {
        self.end_current(what);
    }

    fn quarantine(&self) -> Option<String> {
        self.quarantine.get().cloned()
    }

    fn begins_anew(&self) -> bool {
        true
    }

    fn begun(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    fn tell_again(&self, op: &str, bytes: Vec<u8>) {
        *lock(&self.again) = Some((op.to_owned(), bytes));
    }
}

impl Drop for Isolated {
    /// Drops the adapter, and ends its process whatever comes of that.
    fn drop(&mut self) {
        let Some(process) = lock(&self.state).process.take() else {
            return;
        };
        if process.call(Kind::Drop, "", &[], Some(DROP_LIMIT)).is_err() {
            tracing::warn!(
                plugin = self.session.id(),
                "the adapter was not done with its drop; its process was ended"
            );
        }
        process.kill(false);
    }
}

impl Recipe {
    /// A process with an open adapter, and what it could not be kept from.
    fn start(&self, session: &Arc<Session>) -> Result<(Arc<Process>, String), LoadError> {
        let start = Start {
            program: &self.isolation.program,
            hello: &self.hello,
            image: &self.image,
            held: self.isolation.held.as_deref().map(AsFd::as_fd),
            params: &self.params,
        };
        let (process, opened) = Process::start(&start, session, self.timeout);
        let kill = |process: Option<Process>, is_ending| {
            let killed = process.map(|process| process.kill(is_ending));
            killed.unwrap_or_default()
        };
        let id = session.id().to_owned();
        match (process, opened) {
            (Some(process), Ok(frame)) if frame.kind == Kind::Done => {
                let missing = String::from_utf8_lossy(&frame.body);
                Ok((Arc::new(process), printable(&missing, 400)))
            }
            (process, Ok(frame)) => {
                kill(process, false);
                Err(match frame.kind {
                    Kind::Failed => refusal(&id, &frame.body),
                    _ => refused(&id, &frame.body),
                })
            }
            (process, Err(broken)) => {
                let how = kill(process, broken.is_end());
                Err(self.died(session, broken, &how))
            }
        }
    }

    fn died(&self, session: &Session, broken: Broken, how: &str) -> LoadError {
        let id = session.id().to_owned();
        match broken {
            Broken::Late => LoadError::OpenTimedOut {
                id,
                timeout: self.timeout,
            },
            Broken::Unfit(text) | Broken::Unasked(text) if how.is_empty() => {
                LoadError::Isolation { id, message: text }
            }
            Broken::Unfit(_) | Broken::Unasked(_) | Broken::Gone(_) => LoadError::OpenDied {
                id,
                how: how.to_owned(),
            },
        }
    }
}

/// What the process says of a plugin that it could not map.
fn refused(id: &str, body: &[u8]) -> LoadError {
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => LoadError::RefusedApart {
            code: LoadError::known_code(&refusal.code),
            text: refusal.text,
        },
        Err(_) => LoadError::OpenDied {
            id: id.to_owned(),
            how: "an answer that is none".to_owned(),
        },
    }
}
