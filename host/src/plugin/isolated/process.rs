//! One process of a plugin, as its host sees it: started, called, killed.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use investbot_plugin_api::Level;
use investbot_plugin_api::host::LogRecord;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, Signal, kill_process_group};

use super::super::ending::how;
use super::super::guard::GRACE;
use super::super::locked::lock;
use super::super::services::Session;
use super::super::text::printable;
use super::wire::{Frame, Hello, Kind, Line, send_fds};

/// What a process is started with.
pub(super) struct Start<'a> {
    /// The program, which speaks the language of [`serve`](super::serve) when it is run with
    /// [`ARGUMENT`](super::ARGUMENT).
    pub(super) program: &'a std::path::Path,
    pub(super) hello: &'a Hello,
    /// The plugin.
    pub(super) image: &'a OwnedFd,
    /// What is held for as long as the process lives.
    pub(super) held: Option<BorrowedFd<'a>>,
    /// The parameters of `open`, encoded.
    pub(super) params: &'a [u8],
}

/// Why an exchange did not come to an answer.
#[derive(Debug)]
pub(super) enum Broken {
    /// There is no such request.
    Unfit(String),
    /// The request did not get there whole.
    Unasked(String),
    /// No answer in time.
    Late,
    /// The line was closed, or has something else on it.
    Gone(String),
}

impl Broken {
    /// Whether the process seems to have ended by itself.
    pub(super) const fn is_end(&self) -> bool {
        match self {
            Self::Gone(why) => why.is_empty(),
            Self::Unasked(_) => true,
            Self::Unfit(_) | Self::Late => false,
        }
    }
}

/// A process that is there, or was until just now.
pub(super) struct Process {
    child: Mutex<Child>,
    control: OwnedFd,
    /// Lines on which nobody calls.
    idle: Mutex<Vec<Line>>,
    session: Arc<Session>,
    /// The last line that was printed, once nothing more can be.
    last_words: Mutex<mpsc::Receiver<String>>,
}

/// How long what is nearly there is waited for.
const MOMENT: Duration = Duration::from_millis(200);

/// Variables that a plugin finds if its host has them: languages, time zone, certificates.
const ENVIRONMENT: &[&str] = &[
    "LANG",
    "LC_ALL",
    "RUST_BACKTRACE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
];

/// And, where it may use the network, the way out.
const PROXIES: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
];

impl Process {
    /// Starts a process and opens the adapter in it. The answer of `open`, whatever it is, comes within
    /// `timeout`, or not at all.
    pub(super) fn start(
        start: &Start<'_>,
        session: &Arc<Session>,
        timeout: Duration,
    ) -> (Option<Self>, Result<Frame, Broken>) {
        match Self::spawn(start, session) {
            Ok((process, mut line)) => {
                let opened = line.exchange(Kind::Open, "", start.params, Some(timeout), session);
                line.wipe();
                if opened.is_ok() {
                    lock(&process.idle).push(line);
                }
                (Some(process), opened)
            }
            Err(error) => {
                let text = format!("no process could be started for it: {error}");
                (None, Err(Broken::Unasked(text)))
            }
        }
    }

    fn spawn(start: &Start<'_>, session: &Arc<Session>) -> io::Result<(Self, Line)> {
        let (control, its_control) = pair(SocketType::SEQPACKET)?;
        let (line, its_line) = pair(SocketType::STREAM)?;
        let (besides, its_besides) = pair(SocketType::STREAM)?;
        let (printed, prints) = io::pipe()?;
        let confinement = &start.hello.confinement;
        let mut command = Command::new(start.program);
        command
            .arg(super::ARGUMENT)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(passed_on(ENVIRONMENT))
            .stdin(Stdio::from(its_control))
            .stdout(prints.try_clone()?)
            .stderr(prints)
            // A group of its own can be killed with all that it started, and no key pressed at the terminal reaches it.
            .process_group(0);
        if confinement.network {
            command.envs(passed_on(PROXIES));
        }
        if let Some(dir) = &confinement.data_dir {
            command.env("TMPDIR", dir);
        }
        let child = command.spawn()?;
        // It holds the other ends.
        drop(command);
        let process = Self {
            child: Mutex::new(child),
            control,
            idle: Mutex::default(),
            session: session.clone(),
            last_words: Mutex::new(read_out(printed, session)?),
        };
        let hello = serde_json::to_vec(start.hello)?;
        let mut fds = vec![start.image.as_fd(), its_line.as_fd(), its_besides.as_fd()];
        fds.extend(start.held);
        send_fds(&process.control, &hello, &fds)?;
        serve_besides(Line::new(besides), session)?;
        Ok((process, Line::new(line)))
    }

    /// Makes one call, or drops the adapter. A process that did not answer is not fit for another.
    pub(super) fn call(
        &self,
        kind: Kind,
        op: &str,
        body: &[u8],
        limit: Option<Duration>,
    ) -> Result<Frame, Broken> {
        let idle = lock(&self.idle).pop();
        let mut line = match idle {
            Some(line) => line,
            None => self
                .another_line()
                .map_err(|error| Broken::Unasked(format!("no line to its process: {error}")))?,
        };
        let answer = line.exchange(kind, op, body, limit, &self.session)?;
        lock(&self.idle).push(line);
        Ok(answer)
    }

    fn another_line(&self) -> io::Result<Line> {
        let (line, its_line) = pair(SocketType::STREAM)?;
        send_fds(&self.control, b"line", &[its_line.as_fd()])?;
        Ok(Line::new(line))
    }

    /// Ends the process and all it started, and says how it ended. One that closes its lines is ending by itself, and
    /// is given a moment to say how.
    pub(super) fn kill(&self, is_ending: bool) -> String {
        let mut child = lock(&self.child);
        let begun = Instant::now();
        while is_ending && begun.elapsed() < MOMENT && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.kill();
        let ended = match child.wait() {
            Ok(status) => how(status),
            Err(error) => error.to_string(),
        };
        // What it printed is there now, unless something it started still holds the pipe.
        let last = lock(&self.last_words).recv_timeout(MOMENT);
        match last {
            Ok(line) if !line.is_empty() => format!("{ended}: {line}"),
            _ => ended,
        }
    }
}

fn pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        kind,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

fn passed_on(names: &[&'static str]) -> Vec<(&'static str, std::ffi::OsString)> {
    let value = |name: &&'static str| Some((*name, std::env::var_os(name)?));
    names.iter().filter_map(value).collect()
}

impl Line {
    /// One request and its answer, and in between whatever the adapter asks its host. After `limit` the adapter is
    /// told that the call is cancelled; a little later the line is given up.
    fn exchange(
        &mut self,
        kind: Kind,
        op: &str,
        body: &[u8],
        limit: Option<Duration>,
        session: &Session,
    ) -> Result<Frame, Broken> {
        let unasked = |error: io::Error| Broken::Unasked(error.to_string());
        let begun = Instant::now();
        self.set_timeout(limit).map_err(unasked)?;
        self.send(kind, op, body)
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput => Broken::Unfit(error.to_string()),
                // Nobody had read it whole when its reader ended.
                io::ErrorKind::BrokenPipe => Broken::Unasked("its process had ended".to_owned()),
                _ => Broken::Gone(error.to_string()),
            })?;
        let is_late = || limit.is_some_and(|limit| begun.elapsed() >= limit);
        loop {
            let frame = match self.next() {
                Ok(frame) => frame,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                        let left =
                            limit.map(|limit| (limit + GRACE).saturating_sub(begun.elapsed()));
                        match left {
                            Some(left) if !left.is_zero() => self.wait_another(left)?,
                            _ => return Err(Broken::Late),
                        }
                        continue;
                    }
                    io::ErrorKind::UnexpectedEof => return Err(Broken::Gone(String::new())),
                    _ => return Err(Broken::Gone(error.to_string())),
                },
            };
            if frame.kind != Kind::Call {
                return Ok(frame);
            }
            // One that asks without end is late all the same.
            let last = limit.map(|limit| limit + GRACE);
            if last.is_some_and(|last| begun.elapsed() >= last) {
                return Err(Broken::Late);
            }
            self.answer(&frame, session, &|_| is_late())?;
        }
    }

    fn wait_another(&mut self, left: Duration) -> Result<(), Broken> {
        let gone = |error: io::Error| Broken::Gone(error.to_string());
        self.set_timeout(Some(left)).map_err(gone)
    }

    fn answer(
        &mut self,
        asked: &Frame,
        session: &Session,
        is_over: &dyn Fn(u64) -> bool,
    ) -> Result<(), Broken> {
        let (kind, body) = match session.answer(&asked.op, &asked.body, is_over) {
            Ok(body) => (Kind::Done, body),
            Err(body) => (Kind::Failed, body),
        };
        self.send(kind, "", &body)
            .map_err(|error| Broken::Gone(error.to_string()))
    }
}

/// Answers what the adapter asks outside of any call, until its process ends.
fn serve_besides(mut line: Line, session: &Arc<Session>) -> io::Result<()> {
    let session = session.clone();
    std::thread::Builder::new()
        .name(format!("asks-{}", session.id()))
        .spawn(move || {
            while let Ok(frame) = line.next() {
                let is_served =
                    frame.kind == Kind::Call && line.answer(&frame, &session, &|_| false).is_ok();
                if !is_served {
                    return;
                }
            }
        })?;
    Ok(())
}

/// Puts what a process prints into the log, line by line. At its end comes the last line.
fn read_out(
    mut printed: io::PipeReader,
    session: &Arc<Session>,
) -> io::Result<mpsc::Receiver<String>> {
    const LONGEST: usize = 4096;
    let session = session.clone();
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name(format!("prints-{}", session.id()))
        .spawn(move || {
            let mut last = String::new();
            let mut line = Vec::new();
            let mut bytes = [0; 4096];
            let mut tell = |line: &mut Vec<u8>| {
                let text = String::from_utf8_lossy(line).trim().to_owned();
                line.clear();
                if !text.is_empty() {
                    last = printable(&text, 300);
                    let level = Level::Info;
                    session.log(&LogRecord {
                        level,
                        message: text,
                    });
                }
            };
            while let Ok(n @ 1..) = printed.read(&mut bytes) {
                for byte in &bytes[..n] {
                    if *byte == b'\n' || line.len() >= LONGEST {
                        tell(&mut line);
                    }
                    if *byte != b'\n' {
                        line.push(*byte);
                    }
                }
            }
            tell(&mut line);
            let _ = sender.send(last);
        })?;
    Ok(receiver)
}
