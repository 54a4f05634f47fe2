//! A file system that ends its process at a chosen call, as a kill from outside would: for `investbot
//! drill`, which so meets every instant between two steps of the journal.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Fs, FsFile};

/// A moment in the life of a process, told by its calls that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillPoint {
    /// Where in the call.
    pub when: When,
    /// Which call, from 1.
    pub call: u64,
}

/// A moment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing of it is done.
    Before,
    /// A write has taken half of its bytes; other calls have done nothing.
    Half,
    /// All of it is done, and nobody knows.
    After,
}

impl When {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::Half, Self::After];

    const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Half => "half",
            Self::After => "after",
        }
    }
}

impl std::fmt::Display for KillPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.when.word(), self.call)
    }
}

/// A text that names no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not before:N, half:N or after:N")]
pub struct NoKillPoint(String);

impl FromStr for KillPoint {
    type Err = NoKillPoint;

    fn from_str(text: &str) -> Result<Self, NoKillPoint> {
        let parse = || {
            let (word, call) = text.split_once(':')?;
            let when = When::ALL.into_iter().find(|when| when.word() == word)?;
            let call = call.parse().ok()?;
            Some(Self { when, call })
        };
        parse().ok_or_else(|| NoKillPoint(text.to_owned()))
    }
}

/// Counts the calls that change something.
#[derive(Clone)]
struct Countdown {
    calls: Arc<AtomicU64>,
    at: KillPoint,
    die: fn() -> !,
}

impl Countdown {
    /// Counts a call; the moment at which to die, if it is in this call.
    fn next(&self) -> Option<When> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        (call == self.at.call).then_some(self.at.when)
    }

    /// Makes a call that cannot be made by half.
    fn make<T>(&self, call: impl FnOnce() -> T) -> T {
        match self.next() {
            None => call(),
            Some(When::Before | When::Half) => (self.die)(),
            Some(When::After) => {
                call();
                (self.die)()
            }
        }
    }
}

/// A file system on which the process dies.
pub struct KillFs<F> {
    inner: F,
    countdown: Countdown,
}

impl<F: Fs> KillFs<F> {
    /// `inner`, until the moment comes.
    #[must_use]
    pub fn new(inner: F, at: KillPoint) -> Self {
        Self::with(inner, at, kill_this_process)
    }

    fn with(inner: F, at: KillPoint, die: fn() -> !) -> Self {
        let calls = Arc::default();
        let countdown = Countdown { calls, at, die };
        Self { inner, countdown }
    }

    fn watched(&self, file: Box<dyn FsFile>) -> Box<dyn FsFile> {
        let countdown = self.countdown.clone();
        Box::new(KillFile { file, countdown })
    }
}

impl<F: Fs> Fs for KillFs<F> {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let file = self.countdown.make(|| self.inner.create_new(path))?;
        Ok(self.watched(file))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        Ok(self.watched(self.inner.open_append(path)?))
    }

    fn read(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        self.inner.read(path, offset)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.countdown.make(|| self.inner.sync_dir(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.countdown.make(|| self.inner.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.countdown.make(|| self.inner.remove(path))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.inner.list(path)
    }
}

struct KillFile {
    file: Box<dyn FsFile>,
    countdown: Countdown,
}

impl FsFile for KillFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.countdown.next() {
            None => self.file.write(bytes),
            Some(when) => {
                let taken = match when {
                    When::Before => 0,
                    When::Half => bytes.len() / 2,
                    When::After => bytes.len(),
                };
                // Whether it could be written makes no difference to who dies now.
                let _ = self.file.write(&bytes[..taken]);
                (self.countdown.die)()
            }
        }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let Self { file, countdown } = self;
        countdown.make(|| file.sync_data())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let Self { file, countdown } = self;
        countdown.make(|| file.truncate(length))
    }

    fn length(&mut self) -> io::Result<u64> {
        self.file.length()
    }
}

/// Nothing of this process runs after it: no destructor, no buffer's flush.
fn kill_this_process() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        // It can only fail for a process that is not there.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::fs::RealFs;

    /// Writes a file and gives it another name, on a file system on which it dies; whether it did.
    fn write_and_rename(dir: &Path, at: KillPoint) -> bool {
        let fs = KillFs::with(RealFs, at, || std::panic::panic_any("dead"));
        let steps = || -> io::Result<()> {
            let mut file = fs.create_new(&dir.join("new"))?;
            assert_eq!(file.write(b"0123456789")?, 10);
            file.sync_data()?;
            assert_eq!(file.length()?, 10);
            fs.rename(&dir.join("new"), &dir.join("file"))?;
            fs.sync_dir(dir)
        };
        match catch_unwind(AssertUnwindSafe(steps)) {
            Ok(done) => {
                done.unwrap();
                false
            }
            Err(_) => true,
        }
    }

    fn left(dir: &Path) -> String {
        let names = RealFs.list(dir).unwrap();
        let of = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            format!("{name}={}", std::fs::read_to_string(path).unwrap())
        };
        names.iter().map(of).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_moment_leaves_what_was_done_by_then() {
        let expected = [
            ("before:1", ""),
            ("half:1", ""),
            ("after:1", "new="),
            ("before:2", "new="),
            ("half:2", "new=01234"),
            ("after:2", "new=0123456789"),
            ("after:3", "new=0123456789"),
            ("before:4", "new=0123456789"),
            ("after:4", "file=0123456789"),
            ("after:5", "file=0123456789"),
        ];
        for (at, expected) in expected {
            let dir = tempfile::tempdir().unwrap();
            assert!(write_and_rename(dir.path(), at.parse().unwrap()), "{at}");
            assert_eq!(left(dir.path()), expected, "{at}");
        }
        let dir = tempfile::tempdir().unwrap();
        let never = "before:6".parse().unwrap();
        assert!(!write_and_rename(dir.path(), never));
    }

    #[test]
    fn a_moment_is_a_word_and_a_number() {
        for when in When::ALL {
            let at = KillPoint { when, call: 17 };
            assert_eq!(at.to_string().parse(), Ok(at));
        }
        for text in ["", "before", "before:", "before:-1", "now:1", ":1"] {
            assert!(text.parse::<KillPoint>().is_err(), "{text}");
        }
    }
}
