//! Starts the program, and starts it again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use investbot_plugin_api::serde_json::{Map, Value};
use investbot_plugin_api::*;

use crate::protocol::{self, Opened, Opening};
use crate::session::{Over, Session};
use crate::settings::Settings;
use crate::text::Redactor;

/// The wait before the first new start; each one after it is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A program that ran as long without a fault has not failed in a row.
const GOOD_RUN: Duration = Duration::from_secs(60);

/// How long a program may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(2);

/// Keeps the program running.
pub(crate) struct Supervisor {
    host: Host,
    settings: Settings,
    params: OpenParams,
    redactor: Arc<Redactor>,
    program: Mutex<Program>,
}

struct Program {
    session: Option<Arc<Session>>,
    started: Instant,
    /// How often in a row it failed.
    failures: u32,
    /// The last failure.
    failed: Option<Over>,
    /// The adapter was shut down.
    closed: bool,
}

impl Supervisor {
    /// Starts the program and opens its session.
    pub(crate) fn open(host: Host, params: OpenParams) -> Result<Self, AdapterError> {
        let settings = Settings::of(&params)?;
        let supervisor = Self {
            redactor: Arc::new(Redactor::of(&params)),
            host,
            settings,
            params,
            program: Mutex::new(Program {
                session: None,
                started: Instant::now(),
                failures: 0,
                failed: None,
                closed: false,
            }),
        };
        let session = supervisor.start()?;
        supervisor.program().session = Some(Arc::new(session));
        Ok(supervisor)
    }

    fn program(&self) -> MutexGuard<'_, Program> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes secrets out of what the program said.
    pub(crate) fn clean(&self, error: AdapterError) -> AdapterError {
        self.redactor.clean_error(error)
    }

    /// The program, started again if it failed. Whoever comes meanwhile waits here, with nothing sent; after too many
    /// failures in a row there is none any more.
    pub(crate) fn session(&self) -> Result<Arc<Session>, AdapterError> {
        let mut program = self.program();
        if program.closed {
            return Err(AdapterError::not_sent(
                ErrorKind::Cancelled,
                "the session was shut down",
            ));
        }
        if let Some(session) = &program.session {
            let Some(over) = session.over() else {
                return Ok(session.clone());
            };
            if program.started.elapsed() >= GOOD_RUN {
                program.failures = 0;
            }
            program.session = None;
            self.count(&mut program, over);
        }
        let Some(failed) = program
            .failed
            .clone()
            .filter(|_| program.failures <= self.settings.restarts)
        else {
            return Err(self.down(&program));
        };
        let wait = wait_after(program.failures);
        std::thread::sleep(wait.saturating_sub(failed.at.elapsed()));
        match self.start() {
            Ok(session) => {
                let session = Arc::new(session);
                program.started = Instant::now();
                program.session = Some(session.clone());
                Ok(session)
            }
            Err(error) => {
                let over = Over {
                    kind: error.kind,
                    text: format!("could not be started again: {}", error.message),
                    at: Instant::now(),
                };
                self.count(&mut program, over);
                // It was there before, so this is no mistake in the configuration that trying again cannot mend.
                let text = format!("nothing was sent: {}", error.message);
                Err(AdapterError::not_sent(ErrorKind::Network, text))
            }
        }
    }

    fn count(&self, program: &mut Program, over: Over) {
        program.failures += 1;
        let next = if program.failures <= self.settings.restarts {
            format!(
                "it is started again in {} ms",
                wait_after(program.failures).as_millis()
            )
        } else {
            "it is not started again".to_owned()
        };
        let name = &self.settings.program;
        self.host.log(
            Level::Warn,
            format!("the program `{name}` {}; {next}", over.text),
        );
        program.failed = Some(over);
    }

    fn down(&self, program: &Program) -> AdapterError {
        let last = program
            .failed
            .as_ref()
            .map(|over| over.text.as_str())
            .unwrap_or_default();
        let often = match program.failures {
            1 => "once".to_owned(),
            n => format!("{n} times in a row"),
        };
        let text = format!(
            "the program `{}` failed {often} and stays down until investbot is started again; at last it {last}",
            self.settings.program
        );
        AdapterError::not_sent(ErrorKind::Network, text)
    }

    /// Starts the program and greets it.
    fn start(&self) -> Result<Session, AdapterError> {
        let session = Session::start(&self.settings, &self.host, &self.redactor)?;
        let secrets: Map<String, Value> = self
            .params
            .secrets()
            .map(|(name, value)| (name.to_owned(), value.expose_secret().into()))
            .collect();
        let data_dir = self
            .params
            .data_dir
            .as_ref()
            .map(|dir| dir.to_string_lossy());
        let opening = Opening {
            protocol: protocol::VERSION,
            config: &self.settings.others,
            secrets,
            data_dir: data_dir.as_deref(),
            seed: self.params.seed,
            instruments: &self.params.instruments,
        };
        let answer = session.ask(protocol::OPEN, None, &opening);
        let ok = answer.map_err(|error| self.not_opened(&session, error))?;
        let name = &self.settings.program;
        let said = serde_json::from_str::<Opened>(ok.get());
        match said {
            Ok(opened) if opened.protocol == protocol::VERSION => Ok(session),
            Ok(opened) => Err(mistake(format!(
                "the program `{name}` speaks version {} of the protocol, and this plugin version {}",
                opened.protocol,
                protocol::VERSION
            ))),
            Err(error) => Err(mistake(format!(
                "the program `{name}` answered `open` with what makes no sense: {error}; expected {{\"protocol\":{}}}",
                protocol::VERSION
            ))),
        }
    }

    /// Why a program did not open: its own word, or what became of it. In either case nothing was sent to a venue that
    /// anybody would have to find out about.
    fn not_opened(&self, session: &Session, mut error: AdapterError) -> AdapterError {
        error.effect = Effect::NotSent;
        if let Some(over) = session.over() {
            error.kind = ErrorKind::Config;
            let name = &self.settings.program;
            error.message = format!("the program `{name}` cannot be opened: it {}", over.text);
        }
        error
    }

    /// Ends the session, whatever the program says to it.
    pub(crate) fn shutdown(
        &self,
        goodbye: impl FnOnce(&Session) -> Result<(), AdapterError>,
    ) -> Result<(), AdapterError> {
        let mut program = self.program();
        program.closed = true;
        let Some(session) = program.session.take() else {
            return Ok(());
        };
        drop(program);
        if session.over().is_some() {
            return Ok(());
        }
        let answer = goodbye(&session);
        session.close(FAREWELL);
        answer
    }
}

fn mistake(text: String) -> AdapterError {
    AdapterError::not_sent(ErrorKind::Config, text)
}

/// The wait after so many failures in a row.
fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let waits = (1..=8)
            .map(|n| wait_after(n).as_millis())
            .collect::<Vec<_>>();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(wait_after(u32::MAX), LONGEST_WAIT);
    }
}
