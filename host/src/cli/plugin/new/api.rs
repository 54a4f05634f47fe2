//! Where a new crate gets the plugin API from.

use std::fmt;
use std::path::{Path, PathBuf};

/// The plugin API that a crate depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// A directory of this machine, absolute.
    Path {
        dir: String,
        /// The versions it was tested with, where they are told: a crate that is built with the same need not
        /// download anything.
        lock: Option<String>,
    },
    /// The registry's.
    Registry,
}

/// What the crate is called.
const NAME: &str = "investbot-plugin-api";

/// How far above the executable a checkout may be: `target/TRIPLE/PROFILE/deps/investbot`.
const UP: usize = 6;

impl Api {
    /// The one in a directory that the user named.
    pub(super) fn at(dir: &Path) -> Result<Self, ApiError> {
        let error = |found: String| ApiError {
            dir: dir.to_owned(),
            found,
        };
        let manifest = dir.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest)
            .map_err(|e| error(format!("{}: {e}", manifest.display())))?;
        let manifest: toml::Table = text
            .parse()
            .map_err(|_| error(format!("{} is no manifest of cargo", manifest.display())))?;
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name"));
        match name.and_then(toml::Value::as_str) {
            Some(NAME) => {}
            Some(other) => return Err(error(format!("the crate `{}`", other.escape_default()))),
            None => return Err(error("a Cargo.toml without a package".to_owned())),
        }
        let whole = dir.canonicalize().map_err(|e| error(e.to_string()))?;
        match whole.to_str() {
            Some(text) => Ok(Self::Path {
                dir: text.to_owned(),
                lock: lock_beside(&whole),
            }),
            None => Err(error("a path that is not Unicode text".to_owned())),
        }
    }

    /// That of the checkout in which this program was built, or else the registry's.
    pub(super) fn around_this_program() -> Self {
        let program = std::env::current_exe().unwrap_or_default();
        // Only where cargo puts it: not in whatever lies beside an installed program.
        let built = program
            .ancestors()
            .take(UP)
            .find(|dir| dir.file_name().is_some_and(|name| name == "target"));
        built
            .and_then(Path::parent)
            .and_then(|checkout| Self::at(&checkout.join("plugin-api")).ok())
            .unwrap_or(Self::Registry)
    }

    /// As a dependency in a `Cargo.toml`.
    pub(super) fn dependency(&self) -> String {
        match self {
            Self::Registry => format!("{NAME} = \"{}\"", version()),
            Self::Path { dir, .. } => {
                let dir = toml::Value::from(dir.as_str());
                format!(
                    "# On this machine. Elsewhere: {NAME} = \"{}\"\n{NAME} = {{ path = {dir} }}",
                    version()
                )
            }
        }
    }
}

/// The oldest version that has everything the template uses.
fn version() -> String {
    let version = investbot_plugin_api::API_VERSION;
    let mut parts = version.splitn(3, '.');
    let major_minor: Vec<&str> = parts.by_ref().take(2).collect();
    major_minor.join(".")
}

/// The lock file of the workspace in which the API lies, if it knows the API.
fn lock_beside(dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(dir.parent()?.join("Cargo.lock")).ok()?;
    text.contains(&format!("name = \"{NAME}\"")).then_some(text)
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { dir, .. } => write!(f, "in {dir}"),
            Self::Registry => write!(f, "{} of the registry", version()),
        }
    }
}

/// Why a directory is not that of the plugin API.
#[derive(Debug)]
pub(super) struct ApiError {
    dir: PathBuf,
    found: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the plugin API is not in {}\n  found: {}\n  expected: the crate `{NAME}`\n  hint: it is the directory \
             plugin-api of investbot's sources",
            self.dir.display(),
            self.found
        )
    }
}
