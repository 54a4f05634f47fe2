//! Running the real binary as a user does, and reading what it prints.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};

use serde_json::Value;

use crate::artifacts::investbot;
use crate::copies::{Scratch, scratch};

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Itself, if it ended with this code and nothing panicked.
    #[must_use]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// The lines of JSON output.
    #[must_use]
    pub fn json(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The summary, the last line of JSON output.
    #[must_use]
    pub fn summary(&self) -> Value {
        let last = self.json().pop().expect("there is JSON output");
        assert_eq!(last["kind"], "summary", "{last}");
        last
    }

    /// The execution reports of JSON output.
    #[must_use]
    pub fn reports(&self) -> Vec<Value> {
        let is_report = |line: &Value| line.get("sequence").is_some();
        self.json().into_iter().filter(is_report).collect()
    }

    /// The digest over the execution reports.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest = self.summary()["report_digest"].as_str().map(str::to_owned);
        digest.expect("a summary has a digest")
    }
}

/// `investbot run` in an empty directory of its own.
pub struct Session {
    /// The directory.
    pub dir: Scratch,
    command: Command,
}

/// Prepares `investbot run ARGS`.
#[must_use]
pub fn run(args: &[&str]) -> Session {
    let dir = scratch();
    let mut command = investbot();
    command.current_dir(&*dir).arg("run").args(args);
    Session { dir, command }
}

/// Prepares `investbot run --exchange realish ARGS` with its secrets.
#[must_use]
pub fn realish(args: &[&str]) -> Session {
    run(&["--exchange", "realish"])
        .args(args)
        .env("INVESTBOT_API_KEY", "any")
        .env("INVESTBOT_API_SECRET", "any")
}

impl Session {
    /// Adds flags.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Writes a file into its directory before it starts.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.dir.file(name, content);
        self
    }

    /// Where a file of its directory is.
    #[must_use]
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.join(name)
    }

    /// Runs it to its end.
    #[must_use]
    pub fn output(&mut self) -> Ran {
        let output = self.command.stdin(Stdio::null()).output();
        Ran::of(&output.expect("the binary starts"))
    }

    /// Runs it with standard output going to a file.
    #[must_use]
    pub fn output_to(&mut self, path: &Path) -> Ran {
        let file = std::fs::OpenOptions::new().write(true).open(path);
        self.command.stdout(file.expect("it can be written"));
        let child = self
            .command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let output = child.expect("the binary starts").wait_with_output();
        Ran::of(&output.expect("it ends"))
    }

    /// Runs it with intents on standard input.
    #[must_use]
    pub fn with_input(&mut self, input: &[u8]) -> Ran {
        let mut child = self.pipes().spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_vec();
        // It may end before it has read everything.
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("writing does not panic");
        Ran::of(&output)
    }

    /// Starts it to be talked with.
    #[must_use]
    pub fn talk(mut self) -> Talk {
        let mut child = self.pipes().spawn().expect("the binary starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Talk {
            child,
            stdin,
            stdout,
            said: String::new(),
            _dir: self.dir,
        }
    }

    fn pipes(&mut self) -> &mut Command {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
    }
}

/// A run that is being talked with.
pub struct Talk {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<std::process::ChildStdout>,
    said: String,
    _dir: Scratch,
}

impl Talk {
    /// Says a line.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the conversation goes on");
        writeln!(stdin, "{line}").expect("it listens");
    }

    /// Hears the next line.
    pub fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it speaks");
        self.said.push_str(&line);
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Hears lines until one is in this state.
    pub fn hear_state(&mut self, state: &str) -> Value {
        loop {
            let line = self.hear();
            assert_ne!(
                line["kind"], "summary",
                "it ended before `{state}`: {}",
                self.said
            );
            if line["state"] == state {
                return line;
            }
        }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Says no more, and hears it out.
    #[must_use]
    pub fn finish(mut self) -> Ran {
        drop(self.stdin.take());
        self.wait()
    }

    /// Hears it out, without closing its input.
    #[must_use]
    pub fn wait(mut self) -> Ran {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut rest).expect("it speaks text");
        self.said.push_str(&rest);
        let mut stderr = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            std::io::Read::read_to_string(&mut pipe, &mut stderr).expect("it speaks text");
        }
        let status = self.child.wait().expect("it ends");
        Ran {
            code: status.code(),
            stdout: self.said,
            stderr,
        }
    }
}

impl Talk {
    /// Closes the ear that it speaks to, and waits for it to end.
    #[must_use]
    pub fn walk_away(self) -> Ran {
        let Self {
            mut child,
            stdin,
            stdout,
            said,
            _dir,
        } = self;
        drop((stdin, stdout));
        let mut stderr = String::new();
        if let Some(mut pipe) = child.stderr.take() {
            std::io::Read::read_to_string(&mut pipe, &mut stderr).expect("it speaks text");
        }
        let status = child.wait().expect("it ends");
        Ran {
            code: status.code(),
            stdout: said,
            stderr,
        }
    }
}
