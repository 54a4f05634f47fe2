//! One life: a process that runs until it ends or is killed.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// By itself, with this exit code; none if a signal ended it that nobody here sent.
    Ended(Option<i32>),
    /// It was killed.
    Killed,
    /// It did not end, and was killed at last.
    Hung,
}

/// No life takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// What ends a life before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Old,
    /// Itself, at a moment that it was told.
    ByItself,
    /// We do, after this long.
    AfterAll(Duration),
}

/// Lives a life. What it says goes to `said`. It is made while nobody holds `making`.
pub(super) fn live(
    command: &mut Command,
    said: &Path,
    fate: Fate,
    making: &RwLock<()>,
) -> io::Result<Death> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(said)?);
    let alone = making.write().unwrap_or_else(PoisonError::into_inner);
    let mut child = command.spawn()?;
    drop(alone);
    let patience = match fate {
        Fate::AfterAll(time) => time,
        Fate::Old | Fate::ByItself => PATIENCE,
    };
    let ended = ends_within(&mut child, patience);
    if !matches!(ended, Ok(true)) {
        // It may have ended just now; then there is nobody to kill.
        let _ = child.kill();
    }
    let status = child.wait()?;
    Ok(match (ended?, fate) {
        (false, Fate::Old | Fate::ByItself) => Death::Hung,
        (false, Fate::AfterAll(_)) | (true, Fate::ByItself) if is_killed(status) => Death::Killed,
        _ => Death::Ended(status.code()),
    })
}

/// Whether a process ends within `patience`. Its standard output is open until then.
fn ends_within(child: &mut Child, patience: Duration) -> io::Result<bool> {
    let Some(mut stdout) = child.stdout.take() else {
        return Ok(false);
    };
    let (ended, has_ended) = sync_channel::<()>(0);
    std::thread::Builder::new().spawn(move || {
        // What it prints is in its run directory too.
        let _ = io::copy(&mut stdout, &mut io::sink());
        drop(ended);
    })?;
    Ok(has_ended.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected))
}

#[cfg(unix)]
fn is_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(9)
}

/// Whoever is killed here looks like whoever failed.
#[cfg(not(unix))]
fn is_killed(status: ExitStatus) -> bool {
    !status.success()
}
