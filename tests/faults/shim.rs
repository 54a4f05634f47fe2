//! Stands between the program and its file calls: counts them, fails them, and kills the program at them.
//! The work is done by `shim.c`, which is built once and loaded before the program's own libraries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::program::Run;
use crate::tell::skipped;
use investbot_tests::artifacts::target_dir;

/// Whose file is called upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// What the host keeps in the run directory.
    Host,
    /// The ledger of the simulated venue.
    Venue,
    /// The index of callers' ids, which can be deleted at any time. Its calls are others in every run.
    Index,
    /// Standard output: what the run has told, at its place among the calls.
    Told,
}

impl Owner {
    const ALL: [(Self, &str); 4] = [
        (Self::Host, "host"),
        (Self::Venue, "venue"),
        (Self::Index, "index"),
        (Self::Told, "told"),
    ];

    fn of(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(owner, _)| *owner)
    }

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(owner, _)| *owner == self);
        found.expect("all of them are listed").1
    }
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// kill -9 before it.
    Kill,
    /// kill -9 in the middle of a write.
    Torn,
    /// A write takes half of its bytes.
    Short,
    /// The disk fails, this once.
    Io,
    /// The disk fails, and every call from here on.
    Gone,
    /// No space, this once.
    Full,
    /// A signal comes first.
    Interrupted,
    /// The process is stopped before it, until somebody lets it go on.
    Stop,
    /// From here on no file may grow beyond `SHIM_FILE_SIZE`.
    Limit,
    /// A write is said to be done and is not. No host can bear that: it is there to be found out.
    Lie,
}

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Torn => "torn",
            Self::Short => "short",
            Self::Io => "EIO",
            Self::Gone => "gone",
            Self::Full => "ENOSPC",
            Self::Interrupted => "EINTR",
            Self::Stop => "stop",
            Self::Limit => "limit",
            Self::Lie => "lie",
        }
    }

    /// Whether the process does not outlive it.
    pub(crate) const fn kills(self) -> bool {
        matches!(self, Self::Kill | Self::Torn)
    }

    /// Whether it can happen to a call.
    pub(crate) fn hits(self, call: &Call) -> bool {
        let is_write = call.what == "write";
        match self {
            Self::Kill | Self::Io | Self::Gone | Self::Interrupted | Self::Stop | Self::Limit => {
                true
            }
            Self::Torn | Self::Short | Self::Lie => is_write,
            // Calls that need space, and syncs: some file systems look for it no earlier.
            Self::Full => {
                let makes = matches!(call.what.as_str(), "mkdir" | "rename" | "sync");
                is_write || makes || call.what == "open" && !call.detail.is_empty()
            }
        }
    }
}

/// Which call is hit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) owner: Owner,
    pub(crate) number: u64,
    /// Only calls on this file are counted.
    pub(crate) path: Option<&'static str>,
    pub(crate) fault: Fault,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// How many calls of this owner came before it.
    pub(crate) number: u64,
    pub(crate) owner: Owner,
    /// Such as `write`.
    pub(crate) what: String,
    /// Below the run directory; `.` for that itself, `..` for the one above.
    pub(crate) path: String,
    /// 0 if it was done.
    pub(crate) errno: i32,
    /// How a file is opened, how many bytes are written or which, how long a file is cut to, the new name.
    pub(crate) detail: String,
}

impl Call {
    /// Where a write begins, and its bytes, if they were recorded.
    pub(crate) fn data(&self) -> (usize, Vec<u8>) {
        let data = self.detail.split_once(':').and_then(|(at, digits)| {
            let bytes = hex::decode(digits).ok()?;
            Some((at.parse().ok()?, bytes))
        });
        data.unwrap_or_else(|| panic!("the bytes of {self:?} were not recorded"))
    }

    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [number, owner, what, path, errno, detail] = fields.try_into().ok()?;
        Some(Self {
            number: number.parse().ok()?,
            owner: Owner::of(owner)?,
            what: what.to_owned(),
            path: path.to_owned(),
            errno: errno.parse().ok()?,
            detail: detail.to_owned(),
        })
    }
}

/// The shim, built.
#[derive(Clone, Copy)]
pub(crate) struct Shim(&'static Path);

impl Shim {
    /// The shim; `None`, and the test is told as skipped, where there is no C compiler.
    #[track_caller]
    pub(crate) fn build() -> Option<Self> {
        static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        match BUILT.get_or_init(build) {
            Ok(path) => Some(Self(path)),
            Err(why) => {
                skipped(why);
                None
            }
        }
    }

    /// A run whose calls on `run_dir` are written to `log`, and one of them is hit.
    pub(crate) fn over(self, run: Run, run_dir: &Path, log: &Path, hit: Option<Hit>) -> Run {
        let run = run
            .env("LD_PRELOAD", self.0)
            .env("SHIM_ROOT", run_dir)
            .env("SHIM_LOG", log);
        let Some(hit) = hit else {
            return run;
        };
        let run = match hit.path {
            Some(path) => run.env("SHIM_PATH", path),
            None => run,
        };
        run.env("SHIM_AT", hit.number.to_string())
            .env("SHIM_OWNER", hit.owner.name())
            .env("SHIM_FAULT", hit.fault.name())
    }
}

/// The calls in a log.
pub(crate) fn calls(log: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(log).unwrap();
    let parse = |line| Call::parse(line).unwrap_or_else(|| panic!("no call: {line}"));
    text.lines().map(parse).collect()
}

fn build() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/shim.c");
    // A name of its own: another process may be building it too, or be using it.
    let library = target_dir().join(format!("faults-shim-{}.so", std::process::id()));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(&compiler)
        .args([
            "-std=gnu11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            "-o",
        ])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .output()
        .map_err(|error| format!("no C compiler: {}: {error}", compiler.display()))?;
    if output.status.success() {
        Ok(library)
    } else {
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    }
}
