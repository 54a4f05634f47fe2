//! What came of a check, as a file: which library, which tests, how they were run, what each came to.
//!
//! ```json
//! {
//!   "format": "investbot.plugin.check", "version": 1, "sha256": "…",
//!   "body": {
//!     "plugin": { "id": "stub", "version": "0.1.0", "target": "…", "sha256": "9f86d081…", "api": "1.0" },
//!     "host": "0.1.0", "kit": "5d41402abc4b2a76",
//!     "asked": { "plugin": "./libmine.so", "seed": 0, "instrument": "BTC/USD", "config": { … }, "limit_s": 60 },
//!     "tests": [ { "id": "manifest.times", "result": "passed" }, … ]
//!   }
//! }
//! ```
//!
//! The outer sha256 seals the body. Never a secret: they are no part of the configuration, and a text in which a plugin
//! gives one away has its name instead.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use investbot_plugin_api::TARGET;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::super::Plugin;
use super::super::replace::{could_replace, replace};
use super::runner::{Ended, Outcome};
use super::{Setup, tests};
use crate::sealed::{Layout, Seal, SealError};

const SEAL: Seal = Seal {
    format: "investbot.plugin.check",
    version: 1,
    layout: Layout::Indented,
};

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckResult {
    /// What was checked.
    pub plugin: Checked,
    /// The version of the investbot that checked it.
    pub host: String,
    /// Which tests that knew: [`kit_id`].
    pub kit: String,
    /// How it was checked.
    pub asked: Asked,
    /// What came of each test that was run, in the kit's order.
    pub tests: Vec<TestResult>,
}

/// The library that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What it is built for.
    pub target: String,
    /// The digest of its file, in hexadecimal.
    pub sha256: String,
    /// The version of the plugin API that it was built with.
    pub api: String,
}

/// How a library was checked: all that it takes to do the same again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The plugin's name or path, as it was typed.
    pub plugin: String,
    /// The seed.
    pub seed: u64,
    /// What was traded.
    pub instrument: String,
    /// The whole configuration, defaults too.
    pub config: BTreeMap<String, Json>,
    /// How long a test could take, in seconds.
    pub limit_s: u64,
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The test.
    pub id: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Why a result cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The system said no.
    #[error("the result of a check cannot be {verb}: {}: {error}\n  hint: name a file with {flag} that can be {verb}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// What named it.
        flag: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// It is no such file, or one of another version, or it was changed.
    #[error(
        "the result of a check cannot be used: {}: {error}\n  hint: investbot plugin check NAME --result {}",
        .path.display(), .path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: SealError,
    },
    /// It says nothing about this library.
    #[error(
        "the result of a check is of another file: {}\n  found: {} {}, sha256 {}\n  expected: {} {}, sha256 {}\n  \
         hint: investbot plugin check {} --result {}",
        .path.display(), .found.id, .found.version, .found.sha256, .expected.id, .expected.version, .expected.sha256,
        .plugin.display(), .path.display()
    )]
    OtherFile {
        /// The file of the result.
        path: PathBuf,
        /// The file of the plugin.
        plugin: PathBuf,
        /// What was checked.
        found: Box<Checked>,
        /// What the result should be of.
        expected: Box<Checked>,
    },
    /// Not all tests were run.
    #[error(
        "the result of a check is not whole: {}\n  found: {found} tests of kit {kit}, by investbot {host}\n  \
         expected: all {expected} tests of this investbot, kit {}\n  hint: investbot plugin check {} --result {}, without \
         --only", .path.display(), kit_id(), .plugin.display(), .path.display()
    )]
    NotWhole {
        /// The file of the result.
        path: PathBuf,
        /// The file of the plugin.
        plugin: PathBuf,
        /// How many tests it has.
        found: usize,
        /// The kit that they are from.
        kit: String,
        /// The investbot that has that kit.
        host: String,
        /// How many there are.
        expected: usize,
    },
}

/// Names a list of tests, which grows: a digest over their ids.
#[must_use]
pub fn kit_id() -> String {
    let mut hash = Sha256::new();
    for test in tests() {
        hash.update(test.id);
        hash.update("\n");
    }
    hex::encode(&hash.finalize()[..8])
}

impl Checked {
    fn of(plugin: &Plugin) -> Self {
        let info = &plugin.manifest().plugin;
        Self {
            id: info.id.clone(),
            version: info.version.clone(),
            target: TARGET.to_owned(),
            sha256: plugin.sha256().to_owned(),
            api: plugin.api().to_string(),
        }
    }
}

impl CheckResult {
    /// The result of a check that has ended.
    #[must_use]
    pub fn of(setup: &Setup, asked: &str, limit_s: u64, ended: &[Ended]) -> Self {
        let result = |ended: &Ended| TestResult {
            id: ended.test.id.to_owned(),
            outcome: ended.outcome.clone(),
        };
        Self {
            plugin: Checked::of(&setup.plugin),
            host: env!("CARGO_PKG_VERSION").to_owned(),
            kit: kit_id(),
            asked: Asked {
                plugin: asked.to_owned(),
                seed: setup.seed,
                instrument: setup.symbol.clone(),
                config: serde_json::from_str(&setup.config)
                    .expect("a validated configuration is a JSON object"),
                limit_s,
            },
            tests: ended.iter().map(result).collect(),
        }
    }

    /// Reads a file that `flag` named.
    pub fn read(path: &Path, flag: &'static str) -> Result<Self, ResultError> {
        let file = std::fs::read(path).map_err(|error| ResultError::Io {
            path: path.to_owned(),
            verb: "read",
            flag,
            error,
        })?;
        SEAL.open(&file).map_err(|error| ResultError::Content {
            path: path.to_owned(),
            error,
        })
    }

    /// Writes the file, as a whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), ResultError> {
        replace(path, &SEAL.seal(self)).map_err(|error| unwritable(path, error))
    }

    /// Whether a result could be written there.
    pub fn could_write(path: &Path) -> Result<(), ResultError> {
        could_replace(path).map_err(|error| unwritable(path, error))
    }

    /// The tests that failed, crashed or did not end.
    pub fn bad(&self) -> impl Iterator<Item = &TestResult> {
        self.tests.iter().filter(|test| test.outcome.is_bad())
    }

    /// Whether it is of this very file.
    #[must_use]
    pub fn is_of(&self, plugin: &Plugin) -> bool {
        self.plugin.sha256 == plugin.sha256()
    }

    /// Refuses a result of another file than the plugin's, or of some tests only.
    pub fn check_whole(&self, path: &Path, plugin: &Plugin) -> Result<(), ResultError> {
        if !self.is_of(plugin) {
            return Err(ResultError::OtherFile {
                path: path.to_owned(),
                plugin: plugin.path().to_owned(),
                found: Box::new(self.plugin.clone()),
                expected: Box::new(Checked::of(plugin)),
            });
        }
        let known = tests();
        let ids = self.tests.iter().map(|test| test.id.as_str());
        if ids.eq(known.iter().map(|test| test.id)) {
            return Ok(());
        }
        Err(ResultError::NotWhole {
            path: path.to_owned(),
            plugin: plugin.path().to_owned(),
            found: self.tests.len(),
            kit: self.kit.clone(),
            host: self.host.clone(),
            expected: known.len(),
        })
    }
}

fn unwritable(path: &Path, error: io::Error) -> ResultError {
    ResultError::Io {
        path: path.to_owned(),
        verb: "written",
        flag: "--result",
        error,
    }
}
