//! Running investbot as its users do: arguments, variables and a working directory go in; standard output,
//! standard error and an exit code come out.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::artifacts::investbot;

/// A command line of investbot that is being written.
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
}

/// `investbot run` with these arguments.
#[must_use]
pub fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    program("run").args(args)
}

/// Another command of investbot.
#[must_use]
pub fn program(name: &str) -> Run {
    let mut command = investbot();
    command.arg(name);
    Run {
        command,
        stdin: Vec::new(),
    }
}

impl Run {
    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Adds a flag and its value.
    #[must_use]
    pub fn flag(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.arg(name).arg(value)
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds what `realish` needs before it opens.
    #[must_use]
    pub fn keys(self) -> Self {
        self.env("INVESTBOT_API_KEY", "key")
            .env("INVESTBOT_API_SECRET", "secret")
    }

    /// Runs it in this directory.
    #[must_use]
    pub fn in_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What it reads from standard input.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// The command, for what a test does in its own way.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Runs it to its end.
    #[must_use]
    pub fn end(self) -> Ended {
        let text = self.stdin.clone();
        let mut live = self.start();
        // Whoever ends early does not read everything.
        let _ = live.input().write_all(&text);
        live.end()
    }

    /// Starts it, for a conversation.
    #[must_use]
    pub fn start(mut self) -> Live {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built and can be run");
        let stdout = child.stdout.take().expect("it is piped");
        let mut stderr = child.stderr.take().expect("it is piped");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let line = line.expect("what it prints is text");
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8(text).expect("what it says is text")
        });
        Live {
            stdin: child.stdin.take(),
            child,
            lines,
            heard: Vec::new(),
            errors: Some(errors),
        }
    }
}

/// A run under way. It is killed if the test is done with it before its end.
pub struct Live {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    heard: Vec<String>,
    errors: Option<JoinHandle<String>>,
}

impl Live {
    /// Nothing takes as long, unless it hangs.
    const PATIENCE: Duration = Duration::from_secs(120);

    fn input(&mut self) -> &mut ChildStdin {
        self.stdin.as_mut().expect("standard input is open")
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.input()
            .write_all(line.as_bytes())
            .expect("it reads what it is told");
    }

    /// The next line of its standard output, which is JSON.
    pub fn hear(&mut self) -> Value {
        let line = self.next_line().unwrap_or_else(|| {
            panic!("it ended without another line after {:#?}", self.heard);
        });
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Reads on until a line is what the test waits for.
    pub fn hear_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.hear();
            if wanted(&line) {
                return line;
            }
        }
    }

    fn next_line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(Self::PATIENCE) {
            Ok(line) => {
                self.heard.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("it hangs after {:#?}", self.heard);
            }
        }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `INT`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name])
            .arg(self.child.id().to_string())
            .status()
            .expect("there is a shell");
        assert!(status.success(), "the signal {name} could not be sent");
    }

    /// Waits for the end without closing its standard input.
    #[must_use]
    pub fn end_by_itself(mut self) -> Ended {
        while self.next_line().is_some() {}
        let status = self.child.wait().expect("it is our child");
        let errors = self.errors.take().expect("it ends once");
        Ended {
            code: status.code(),
            stdout: self.heard.drain(..).map(|line| line + "\n").collect(),
            stderr: errors.join().expect("reading does not panic"),
        }
    }

    /// Closes its standard input and waits for the end.
    #[must_use]
    pub fn end(mut self) -> Ended {
        self.stdin = None;
        self.end_by_itself()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Nothing to be done if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run that came to its end.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said to the person at the terminal.
    pub stderr: String,
}

impl Ended {
    /// Checks the exit code, and that nothing panicked.
    #[must_use]
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert!(
            self.code == Some(code) && !self.stderr.contains("panicked"),
            "exit code {:?}, expected {code}\n{}\n{}",
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }

    /// What it said, with the directory's path taken out.
    #[must_use]
    pub fn said(&self, dir: &Path) -> String {
        let dir = dir
            .to_str()
            .expect("the tests' directories have plain names");
        self.stderr
            .replace(dir, "[DIR]")
            .replace(std::env::consts::DLL_SUFFIX, ".so")
    }

    /// The lines of its JSON output.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The execution reports between the first line and the last.
    #[must_use]
    pub fn reports(&self) -> Vec<Value> {
        let mut lines = self.lines();
        assert_eq!(lines.remove(0)["kind"], "format", "the first line");
        assert_eq!(lines.pop().expect("a last line")["kind"], "summary");
        lines
    }

    /// The summary, its last line.
    #[must_use]
    pub fn summary(&self) -> Value {
        let last = self.lines().pop().expect("it printed something");
        assert_eq!(last["kind"], "summary", "the last line");
        last
    }

    /// The digest of its execution reports.
    #[must_use]
    pub fn digest(&self) -> String {
        let summary = self.summary();
        let digest = summary["report_digest"].as_str();
        digest.expect("a summary has a digest").to_owned()
    }
}
