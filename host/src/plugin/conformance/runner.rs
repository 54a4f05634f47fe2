//! Runs tests, each in a process of its own with a limit of time: a crash or a hang of the plugin is a result.

use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::super::ending::how;
use super::{Objection, Test, Verdict};

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", content = "text", rename_all = "snake_case")]
pub enum Outcome {
    /// All is as it must be.
    Passed,
    /// The plugin does not claim it, or gave no occasion.
    Skipped(String),
    /// Something is not as it must be.
    Failed(String),
    /// The process ended before the test did.
    Crashed(String),
    /// There was no end to it.
    TimedOut(String),
}

impl Outcome {
    /// Whether the plugin does not conform.
    #[must_use]
    pub const fn is_bad(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Crashed(_) | Self::TimedOut(_))
    }

    /// In one word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
            Self::Crashed(_) => "crashed",
            Self::TimedOut(_) => "timed out",
        }
    }

    /// Why, if that needs saying.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Passed => "",
            Self::Skipped(text)
            | Self::Failed(text)
            | Self::Crashed(text)
            | Self::TimedOut(text) => text,
        }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Ok(()) => Self::Passed,
            Err(Objection::Skipped(text)) => Self::Skipped(text),
            Err(Objection::Failed(text)) => Self::Failed(text),
        }
    }
}

/// A test that has ended.
#[derive(Clone)]
pub struct Ended {
    /// The test.
    pub test: Test,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub elapsed: Duration,
}

/// What the line with the result begins with, on the child's standard output: the plugin may print there too.
pub const MARK: &str = "\u{1}investbot-result ";

/// Runs tests, `jobs` at a time, and tells each as it ends; `command` makes the process of a test. They are given back
/// in their own order.
pub fn run(
    tests: &[Test],
    jobs: usize,
    limit: Duration,
    command: &(dyn Fn(&Test) -> Command + Sync),
    told: &(dyn Fn(&Ended) + Sync),
) -> Vec<Ended> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let ended = std::sync::Mutex::new(Vec::new());
    let work = || {
        while let Some(test) = tests.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            let begun = Instant::now();
            let outcome = in_a_process(command(test), limit);
            let done = Ended {
                test: *test,
                outcome,
                elapsed: begun.elapsed(),
            };
            told(&done);
            let mut ended = ended
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            ended.push(done);
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..jobs.clamp(1, tests.len().max(1)) {
            threads.spawn(work);
        }
    });
    let mut ended = ended
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = |ended: &Ended| tests.iter().position(|test| test.id == ended.test.id);
    ended.sort_by_key(place);
    ended
}

fn in_a_process(mut command: Command, limit: Duration) -> Outcome {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::Crashed(format!("no process could be started: {error}")),
    };
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let status = wait(&mut child, limit);
    let text = |pipe: Option<std::thread::JoinHandle<String>>| {
        pipe.and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    let Some(status) = status else {
        return Outcome::TimedOut(format!("no end after {} s", limit.as_secs()));
    };
    let line = stdout
        .lines()
        .find_map(|line| Some(line.split_once(MARK)?.1));
    match line.and_then(|line| serde_json::from_str(line).ok()) {
        Some(outcome) if status.success() => outcome,
        _ => Outcome::Crashed(format!("{}{}", how(status), last_words(&stderr))),
    }
}

/// Reads a pipe to its end, or to where nobody would read on.
fn collect(pipe: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    const MOST: u64 = 1 << 20;
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut pipe = pipe;
        let _ = (&mut pipe).take(MOST).read_to_end(&mut bytes);
        // A plugin that floods its output must not wait for a reader.
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the end of a process, and ends it when the time is over.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    const LOOK: Duration = Duration::from_millis(5);
    let begun = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if begun.elapsed() >= limit {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(LOOK);
    }
}

/// The last line that a process wrote.
fn last_words(stderr: &str) -> String {
    let last = stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.map(|line| format!(": {}", super::super::text::printable(line, 300)))
        .unwrap_or_default()
}
