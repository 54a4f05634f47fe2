//! Where a value was written.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value was written: what a message must name so that a person finds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A flag, with its dashes.
    Flag(String),
    /// A variable of the process environment.
    Env(String),
    /// A variable in the `.env` file.
    DotEnv {
        /// The file, as it was named.
        file: Arc<Path>,
        /// From 1.
        line: usize,
        /// The variable.
        name: String,
    },
    /// A place in the TOML file.
    File {
        /// The file, as it was named.
        file: Arc<Path>,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// The record of the run that goes on.
    Started {
        /// The file, as it was named.
        file: Arc<Path>,
        /// Where the value was written when the run was started.
        origin: String,
    },
    /// Nobody wrote it.
    Default,
}

impl Origin {
    /// The origin together with the key, where the origin alone does not tell it.
    pub(crate) fn naming(&self, key: &str) -> String {
        match self {
            Self::File { .. } | Self::Started { .. } | Self::Default => format!("{self}: `{key}`"),
            Self::Flag(_) | Self::Env(_) | Self::DotEnv { .. } => self.to_string(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Env(name) => f.write_str(name),
            Self::DotEnv { file, line, name } => {
                write!(f, "{}:{line}: {name}", file.display())
            }
            Self::File { file, line, column } => {
                write!(f, "{}:{line}:{column}", file.display())
            }
            Self::Started { file, .. } => write!(f, "{}", file.display()),
            Self::Default => f.write_str("default"),
        }
    }
}
