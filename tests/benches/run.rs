//! Runs the real binary, and watches how long it takes and how much memory.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a run came to.
#[allow(dead_code, reason = "not every benchmark needs all")]
pub(crate) struct Run {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// The most memory it had, in bytes; `None` where the system does not tell.
    pub(crate) peak: Option<u64>,
    /// The last line that it printed.
    pub(crate) summary: Value,
}

/// Runs `investbot run ARGS --json` to its end; it has to end well.
pub(crate) fn run(args: &[&str]) -> Run {
    let mut command = investbot_tests::investbot();
    command.arg("run").args(args).args(["--json", "--quiet"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let start = Instant::now();
    let (output, peak, wall) = watched(&mut command, start);
    let text = String::from_utf8(output).expect("JSON is text");
    let summary = text.lines().last().expect("it prints a summary");
    Run {
        wall,
        peak,
        summary: serde_json::from_str(summary).expect("a line is an object"),
    }
}

/// Its output, its peak memory, how long it took.
fn watched(command: &mut Command, start: Instant) -> (Vec<u8>, Option<u64>, Duration) {
    let mut child = command.spawn().expect("the binary was just built");
    let mut stdout = child.stdout.take().expect("it is a pipe");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    });
    let id = child.id();
    let mut peak = None;
    // A process that has ended tells no more, so it is asked while it runs.
    let watcher = std::thread::spawn(move || {
        while let Some(bytes) = high_water(id) {
            peak = Some(bytes);
            std::thread::sleep(Duration::from_millis(5));
        }
        peak
    });
    let status = child.wait().expect("it is our child");
    let wall = start.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    let output = reader.join().expect("the reader does not panic");
    let peak = watcher.join().expect("the watcher does not panic");
    (output, peak, wall)
}

/// The most memory that a running process has had so far (Linux).
fn high_water(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
