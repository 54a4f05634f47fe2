//! Why a plugin was refused: one variant, one code and one text a reason.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use investbot_plugin_api::AdapterError;

use super::hint::{NotFoundHint, Searched, epoch_hint, open_hint, shared_directory_hint};
use super::lock::Pin;
use super::manifest::ManifestProblem;
use super::resolve::Origin;

/// A plugin that was not loaded. The text says what was found, what was expected and what to do, in at
/// most 8 lines; [`code`](Self::code) names the reason for scripts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// What the user typed is neither a name nor a path.
    #[error(
        "cannot load plugin `{name}` [{}]: this is no plugin name\n  \
         expected: lower case letters, digits, `-` and `_`, starting with a letter, at most 64\n  \
         hint: to name a file, write its path with a `/`: ./{name}",
        self.code()
    )]
    Name {
        /// What was typed, made printable.
        name: String,
    },

    /// No directory of the search path has a plugin of this name.
    #[error(
        "cannot load plugin `{name}` [{}]: no such plugin\n  \
         looked for: {}\n  in: {}\n  hint: {}",
        self.code(), files.join(" or "), Searched(searched), NotFoundHint { near, there }
    )]
    NotFound {
        /// The name that was asked for.
        name: String,
        /// The file names it could have had.
        files: Vec<String>,
        /// Where they were looked for.
        searched: Vec<(PathBuf, Origin)>,
        /// Names of plugins there that are much like it.
        near: Vec<String>,
        /// Names of all plugins there.
        there: Vec<String>,
    },

    /// The path names nothing.
    #[error(
        "cannot load plugin {} [{}]: no such file\n  \
         hint: check the path; a bare name such as `paper` is looked for in the plugin directories",
        path.display(), self.code()
    )]
    NoSuchFile {
        /// The path that was given.
        path: PathBuf,
    },

    /// The file cannot be read.
    #[error(
        "cannot load plugin {} [{}]: the file cannot be read\n  found: {error}\n  \
         expected: a file that this user may read\n  hint: ls -l {}",
        path.display(), self.code(), path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// The file is larger than any plugin.
    #[error(
        "cannot load plugin {} [{}]: the file is too large\n  found: {size} bytes\n  \
         expected: at most {limit} bytes\n  hint: build it with --release, or strip it",
        path.display(), self.code()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size, as far as it was read.
        size: u64,
        /// The most that is read.
        limit: u64,
    },

    /// Somebody else could change the file, or put another in its place.
    #[error(
        "cannot load plugin {} [{}]: others could replace its code\n  \
         found: the {what} {} has mode {mode:04o}\n  \
         expected: writable by its owner alone\n  hint: chmod go-w {}{}",
        plugin.display(), self.code(), path.display(), path.display(), shared_directory_hint(*mode)
    )]
    InsecurePermissions {
        /// The plugin.
        plugin: PathBuf,
        /// The file or directory that is writable by others.
        path: PathBuf,
        /// `file` or `directory`.
        what: &'static str,
        /// Its permission bits.
        mode: u32,
    },

    /// The pin is no digest.
    #[error(
        "cannot check the plugin's digest [{}]: the pin is no sha256\n  found: `{pin}`\n  \
         expected: 64 hexadecimal digits\n  hint: sha256sum FILE prints it",
        self.code()
    )]
    Pin {
        /// The pin, made printable.
        pin: String,
    },

    /// The file is not the one that was pinned.
    #[error(
        "cannot load plugin {} [{}]: the file is not the one that was pinned\n  \
         found: sha256 {found}\n  expected: sha256 {expected}\n  \
         hint: if you replaced the plugin on purpose, pin the digest that was found",
        path.display(), self.code()
    )]
    HashMismatch {
        /// The file.
        path: PathBuf,
        /// The digest of the bytes that were read.
        found: String,
        /// The pinned digest.
        expected: String,
    },

    /// The file is not the one that `plugins.lock` has.
    #[error(
        "cannot load plugin {} [{}]: it is not the one that is pinned in {}\n  \
         found: {} {}, sha256 {}\n  expected: {} {}, sha256 {}\n  \
         hint: if you replaced the plugin on purpose: investbot plugin pin {}",
        path.display(), self.code(), lock.display(), found.id, found.version, found.sha256,
        expected.id, expected.version, expected.sha256, path.display()
    )]
    NotThePinned {
        /// The file.
        path: PathBuf,
        /// The file of pins.
        lock: PathBuf,
        /// What is there.
        found: Box<Pin>,
        /// What is pinned.
        expected: Box<Pin>,
    },

    /// A plugin that trades with real money has to be pinned.
    #[error(
        "cannot load plugin {} [{}]: it trades with real money and is not pinned\n  \
         found: no `{id}` for this kind of machine in {}\n  \
         expected: the digest of a file that you have decided to trust\n  \
         hint: investbot plugin pin {}",
        path.display(), self.code(), lock.display(), path.display()
    )]
    NotPinned {
        /// The file.
        path: PathBuf,
        /// The plugin's id.
        id: String,
        /// The file of pins.
        lock: PathBuf,
    },

    /// The file is something else.
    #[error(
        "cannot load plugin {} [{}]: it is not an investbot plugin\n  found: {found}\n  \
         expected: a shared library made with export_adapter!\n  hint: {hint}",
        path.display(), self.code()
    )]
    NotAPlugin {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
        /// What to do about it.
        hint: &'static str,
    },

    /// The plugin is built for another machine.
    #[error(
        "cannot load plugin {} [{}]: it is built for another machine\n  found: {found}\n  \
         expected: {expected}\n  hint: cargo build --release --target {expected}",
        path.display(), self.code()
    )]
    WrongTarget {
        /// The file.
        path: PathBuf,
        /// What it is built for.
        found: String,
        /// What this host is built for.
        expected: &'static str,
    },

    /// The plugin's binary layer is of another generation.
    #[error(
        "cannot load plugin {} [{}]: its binary interface is of another generation\n  \
         found: ABI epoch {found}\n  expected: ABI epoch {expected}\n  hint: {}",
        path.display(), self.code(), epoch_hint(*found, *expected)
    )]
    AbiEpoch {
        /// The file.
        path: PathBuf,
        /// Its epoch.
        found: u32,
        /// This host's epoch.
        expected: u32,
    },

    /// The plugin's API version is out of the range that this host supports.
    #[error(
        "cannot load plugin {} [{}]: its API version does not fit\n  found: {found}\n  \
         expected: {expected}\n  hint: {hint}",
        path.display(), self.code()
    )]
    ApiRange {
        /// The file.
        path: PathBuf,
        /// Its version or requirement.
        found: String,
        /// What this host supports.
        expected: String,
        /// What to do about it.
        hint: &'static str,
    },

    /// The manifest in the file makes no sense.
    #[error(
        "cannot load plugin {} [{}]: its manifest makes no sense\n  found: {problem}\n  \
         hint: {}",
        path.display(), self.code(), problem.hint()
    )]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ManifestProblem,
    },

    /// The private copy that is mapped could not be made.
    #[error(
        "cannot load plugin {} [{}]: no private copy of it could be made\n  found: {error}\n  \
         expected: {size} bytes of memory, or of room in the directory for temporary files\n  \
         hint: make room, raise the limit of a file's size (ulimit -f) if there is one, or set TMPDIR to a \
         directory with room",
        path.display(), self.code()
    )]
    Copy {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: usize,
        /// What the system said.
        error: io::Error,
    },

    /// The system's loader refused the file.
    #[error(
        "cannot load plugin {} [{}]: the system's loader refused it\n  found: {message}\n  \
         expected: a library whose every dependency and symbol is on this machine\n  \
         hint: ldd {} shows what it needs",
        path.display(), self.code(), path.display()
    )]
    Dlopen {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        message: String,
    },

    /// The library has no usable entry.
    #[error(
        "cannot load plugin {} [{}]: its entry cannot be used\n  found: {message}\n  \
         expected: the entry that export_adapter! of investbot-plugin-api {} makes\n  \
         hint: rebuild it with that version; use export_adapter! once, in the cdylib itself",
        path.display(), self.code(), investbot_plugin_api::API_VERSION
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },

    /// The types of the binary layer differ.
    #[error(
        "cannot load plugin {} [{}]: its binary interface differs\n  found: {difference}\n  \
         expected: the layout of ABI epoch {}\n  \
         hint: rebuild it with an unmodified investbot-plugin-api {}",
        path.display(), self.code(), investbot_plugin_api::abi::ABI_EPOCH,
        investbot_plugin_api::API_VERSION
    )]
    Layout {
        /// The file.
        path: PathBuf,
        /// The first difference, as one line that names the field.
        difference: String,
    },

    /// The adapter answered `open` with an error.
    #[error(
        "plugin `{id}` would not open [{}]: {error}\n  {}",
        self.code(), open_hint(error)
    )]
    OpenFailed {
        /// The plugin's id.
        id: String,
        /// The adapter's error.
        error: AdapterError,
    },

    /// The adapter panicked in `open`.
    #[error(
        "plugin `{id}` would not open [{}]: it {message}\n  \
         hint: this is a defect of the plugin; send this line to its author",
        self.code()
    )]
    OpenPanicked {
        /// The plugin's id.
        id: String,
        /// Where, and what it said.
        message: String,
    },

    /// The adapter did not answer `open` in time.
    #[error(
        "plugin `{id}` would not open [{}]: no answer within {timeout:?}\n  \
         hint: check that its venue can be reached, or allow it more time",
        self.code()
    )]
    OpenTimedOut {
        /// The plugin's id.
        id: String,
        /// How long was waited.
        timeout: Duration,
    },

    /// The plugin's process ended while the adapter was opening.
    #[error(
        "plugin `{id}` would not open [{}]: its process ended ({how})\n  \
         hint: this is a defect of the plugin, or it was kept from something that it needs (docs/ADAPTERS.md, \
         Isolation); --isolate=none runs it in this process, with all your rights",
        self.code()
    )]
    OpenDied {
        /// The plugin's id.
        id: String,
        /// How the process ended.
        how: String,
    },

    /// No process could be made for the plugin.
    #[error(
        "plugin `{id}` was not opened [{}]: {message}\n  \
         hint: --isolate=none runs it in this process, with all your rights",
        self.code()
    )]
    Isolation {
        /// The plugin's id.
        id: String,
        /// What the system said.
        message: String,
    },

    /// The plugin's process could not load it.
    #[error("{text}")]
    RefusedApart {
        /// The code of the reason.
        code: &'static str,
        /// The text of the reason.
        text: String,
    },

    /// The run was stopped while the adapter was opening.
    #[error("plugin `{id}` was not opened [{}]: the run was stopped meanwhile", self.code())]
    OpenCancelled {
        /// The plugin's id.
        id: String,
    },
}

impl LoadError {
    /// The stable name of the reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "PLUGIN_NAME",
            Self::NotFound { .. } | Self::NoSuchFile { .. } => "PLUGIN_NOT_FOUND",
            Self::Unreadable { .. } => "PLUGIN_UNREADABLE",
            Self::TooLarge { .. } => "PLUGIN_TOO_LARGE",
            Self::InsecurePermissions { .. } => "INSECURE_PERMISSIONS",
            Self::Pin { .. } => "PIN_INVALID",
            Self::HashMismatch { .. } | Self::NotThePinned { .. } => "HASH_MISMATCH",
            Self::NotPinned { .. } => "NOT_PINNED",
            Self::NotAPlugin { .. } => "NOT_A_PLUGIN",
            Self::WrongTarget { .. } => "WRONG_TARGET",
            Self::AbiEpoch { .. } => "ABI_EPOCH",
            Self::ApiRange { .. } => "API_RANGE",
            Self::Manifest { .. } => "MANIFEST",
            Self::Copy { .. } => "PRIVATE_COPY",
            Self::Dlopen { .. } => "DLOPEN",
            Self::Header { .. } => "HEADER",
            Self::Layout { .. } => "LAYOUT",
            Self::OpenFailed { .. } => "OPEN_FAILED",
            Self::OpenPanicked { .. } => "OPEN_PANICKED",
            Self::OpenTimedOut { .. } => "OPEN_TIMED_OUT",
            Self::OpenCancelled { .. } => "OPEN_CANCELLED",
            Self::OpenDied { .. } => "OPEN_DIED",
            Self::Isolation { .. } => "ISOLATION",
            Self::RefusedApart { code, .. } => code,
        }
    }

    /// A code that came from the process of a plugin: only a plugin's mapping can fail there.
    #[cfg(target_os = "linux")]
    pub(super) fn known_code(code: &str) -> &'static str {
        let known = ["PRIVATE_COPY", "DLOPEN", "HEADER", "LAYOUT", "ABI_EPOCH"];
        let found = known.into_iter().find(|known| *known == code);
        found.unwrap_or("ISOLATION")
    }
}
