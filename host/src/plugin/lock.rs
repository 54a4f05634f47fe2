//! `plugins.lock`: which plugins may be loaded, by the digests of their files.
//!
//! ```toml
//! version = 1
//!
//! [[plugin]]
//! id = "paper"
//! version = "0.1.0"
//! target = "x86_64-unknown-linux-gnu"
//! sha256 = "9f86d081…"
//!
//! [plugin.conformance]       # if a check of this very file was pinned with it
//! claims = "passed"          # or "failed", or "untested"
//! passed = 89
//! failed = 0
//! skipped = 11
//! seed = 0
//! kit = "fdae5d5fdef3fcca"   # names the list of tests, which grows
//! host = "0.1.0"
//! ```
//!
//! An entry is for an id on one kind of machine, so that a team on several kinds can share the file. It holds for the
//! name that was asked for as well as for what the file calls itself: another plugin in the place of a pinned one is
//! refused whatever id it has.

use std::io;
use std::path::{Path, PathBuf};

use investbot_plugin_api::TARGET;
use serde::{Deserialize, Serialize};

use super::Plugin;
use super::conformance::verdict::Conformance;
use super::error::LoadError;
use super::image::is_sha256;
use super::replace::replace;
use super::text::one_line;

const VERSION: u32 = 1;

const HEAD: &str = "# The plugins that may be loaded. `investbot plugin pin` writes this file; keep it with your \
                    configuration.\n";

/// A plugin that may be loaded. A later field comes with a default, so that older files are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The plugin's id.
    pub id: String,
    /// Its version when it was pinned.
    pub version: String,
    /// What it is built for.
    pub target: String,
    /// The digest that its file must have, in lower case hexadecimal.
    pub sha256: String,
    /// What a check of that file came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformance: Option<Conformance>,
}

impl Pin {
    /// The pin of a plugin as its file is now.
    #[must_use]
    pub fn of(plugin: &Plugin) -> Self {
        let info = &plugin.manifest().plugin;
        Self {
            id: info.id.clone(),
            version: info.version.clone(),
            target: TARGET.to_owned(),
            sha256: plugin.sha256().to_owned(),
            conformance: None,
        }
    }
}

/// The pinned plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    path: PathBuf,
    pins: Vec<Pin>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    plugin: Vec<Pin>,
}

/// Why the file of pins cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is no TOML, or not of this shape.
    #[error(
        "the pinned plugins cannot be read: {}:{line}:{column}: {text}\n  hint: restore the file, or delete it and pin \
         the plugins again (investbot plugin pin NAME)", .path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        text: String,
    },
    /// The system said no.
    #[error("the pinned plugins cannot be {verb}: {}: {error}\n  hint: check the file's rights", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

impl Lock {
    /// Reads the file; there need not be one.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    path: path.to_owned(),
                    pins: Vec::new(),
                });
            }
            Err(error) => {
                return Err(LockError::Io {
                    path: path.to_owned(),
                    verb: "read",
                    error,
                });
            }
        };
        let file: File = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            content(path, &text, at, one_line(error.message()))
        })?;
        if file.version != VERSION {
            let said = format!(
                "version {} of the file, and this investbot knows {VERSION}",
                file.version
            );
            return Err(content(path, &text, 0, said));
        }
        for (index, pin) in file.plugin.iter().enumerate() {
            let same = |other: &Pin| other.id == pin.id && other.target == pin.target;
            let said = if !is_sha256(&pin.sha256) {
                format!(
                    "the sha256 of `{}` is not 64 hexadecimal digits",
                    one_line(&pin.id)
                )
            } else if file.plugin[..index].iter().any(same) {
                format!("`{}` is pinned twice", one_line(&pin.id))
            } else {
                continue;
            };
            let at = text.rfind(&pin.sha256).unwrap_or_default();
            return Err(content(path, &text, at, said));
        }
        Ok(Self {
            path: path.to_owned(),
            pins: file.plugin,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The pin of a plugin for this kind of machine.
    #[must_use]
    pub fn pin(&self, id: &str) -> Option<&Pin> {
        let mut pins = self.pins.iter();
        pins.find(|pin| pin.id == id && pin.target == TARGET)
    }

    /// What a check of the file with this digest came to, if that was pinned.
    #[must_use]
    pub fn conformance(&self, id: &str, sha256: &str) -> Option<&Conformance> {
        let pin = self.pin(id)?;
        let found = pin.conformance.as_ref()?;
        pin.sha256.eq_ignore_ascii_case(sha256).then_some(found)
    }

    /// Refuses a plugin that is not the one that is pinned under its id, or under the name that was asked for.
    pub fn check(&self, asked: &str, plugin: &Plugin) -> Result<(), LoadError> {
        let info = &plugin.manifest().plugin;
        let asked = asked.replace('_', "-");
        for pin in [&info.id, &asked].into_iter().filter_map(|id| self.pin(id)) {
            if !pin.sha256.eq_ignore_ascii_case(plugin.sha256()) {
                return Err(LoadError::NotThePinned {
                    path: plugin.path().to_owned(),
                    lock: self.path.clone(),
                    found: Box::new(Pin::of(plugin)),
                    expected: Box::new(pin.clone()),
                });
            }
        }
        Ok(())
    }

    /// Refuses a plugin that is not pinned.
    pub fn require(&self, plugin: &Plugin) -> Result<(), LoadError> {
        match self.pin(&plugin.manifest().plugin.id) {
            Some(_) => Ok(()),
            None => Err(LoadError::NotPinned {
                path: plugin.path().to_owned(),
                id: plugin.manifest().plugin.id.clone(),
                lock: self.path.clone(),
            }),
        }
    }

    /// Pins a plugin, in the place of what was pinned under its id.
    pub fn put(&mut self, pin: Pin) {
        self.remove(&pin.id);
        self.pins.push(pin);
        self.pins
            .sort_by(|a, b| (&a.id, &a.target).cmp(&(&b.id, &b.target)));
    }

    /// Takes a pin back; whether there was one.
    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.pins.len();
        self.pins.retain(|pin| pin.id != id || pin.target != TARGET);
        self.pins.len() < before
    }

    /// Writes the file, as a whole or not at all.
    pub fn write(&self) -> Result<(), LockError> {
        let file = File {
            version: VERSION,
            plugin: self.pins.clone(),
        };
        let text = toml::to_string(&file).expect("strings and numbers are TOML");
        replace(&self.path, &format!("{HEAD}{text}")).map_err(|error| LockError::Io {
            path: self.path.clone(),
            verb: "written",
            error,
        })
    }
}

fn content(path: &Path, file: &str, at: usize, text: String) -> LockError {
    let before = file.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    LockError::Content {
        path: path.to_owned(),
        line: 1 + before.matches('\n').count(),
        column: 1 + before[line_start..].chars().count(),
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::verdict::Claims;
    use super::*;

    fn pin(id: &str, target: &str, digit: &str) -> Pin {
        Pin {
            id: id.to_owned(),
            version: "0.1.0".to_owned(),
            target: target.to_owned(),
            sha256: digit.repeat(64),
            conformance: None,
        }
    }

    fn at(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().join("plugins.lock")
    }

    #[test]
    fn what_is_written_is_read_in_the_order_of_ids_and_other_machines_keep_their_pins() {
        let dir = tempfile::tempdir().expect("room");
        let mut lock = Lock::read(&at(&dir)).expect("none is no mistake");
        assert_eq!(lock.pin("b"), None);
        for pin in [
            pin("b", TARGET, "1"),
            pin("a", TARGET, "2"),
            pin("b", "elsewhere", "3"),
        ] {
            lock.pins.push(pin);
        }
        lock.put(pin("b", TARGET, "4"));
        lock.write().expect("room");
        let read = Lock::read(&at(&dir)).expect("it was just written");
        assert_eq!(read, lock);
        assert_eq!(read.pin("b"), Some(&pin("b", TARGET, "4")));
        assert_eq!(read.pins.len(), 3);
        assert!(lock.remove("b") && !lock.remove("b"));
        assert_eq!(
            lock.pins,
            [pin("a", TARGET, "2"), pin("b", "elsewhere", "3")]
        );
        let files = std::fs::read_dir(dir.path()).expect("there").count();
        assert_eq!(files, 1, "nothing is left over");
    }

    #[test]
    fn every_mistake_has_its_place() {
        let dir = tempfile::tempdir().expect("room");
        let said = |text: &str| {
            std::fs::write(at(&dir), text).expect("room");
            let error = Lock::read(&at(&dir)).expect_err(text).to_string();
            let shown = dir.path().display().to_string();
            let first = error.lines().next().unwrap_or_default().to_owned();
            first.replace(&format!("{shown}/"), "")
        };
        let entry = |sha256: &str| {
            format!(
                "[[plugin]]\nid = \"a\"\nversion = \"1.0.0\"\ntarget = \"t\"\nsha256 = \"{sha256}\"\n"
            )
        };
        let good = entry(&"ab".repeat(32));
        let texts = [
            said("version = 1\nx"),
            said("version = 2"),
            said(""),
            said(&format!("version = 1\n{}", entry("abc"))),
            said(&format!("version = 1\n{good}{good}")),
            said(&format!("version = 1\n{good}more = 1\n")),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r"
        the pinned plugins cannot be read: plugins.lock:2:2: key with no value, expected `=`
        the pinned plugins cannot be read: plugins.lock:1:1: version 2 of the file, and this investbot knows 1
        the pinned plugins cannot be read: plugins.lock:1:1: missing field `version`
        the pinned plugins cannot be read: plugins.lock:6:11: the sha256 of `a` is not 64 hexadecimal digits
        the pinned plugins cannot be read: plugins.lock:11:11: `a` is pinned twice
        the pinned plugins cannot be read: plugins.lock:7:1: unknown field `more`, expected one of `id`, `version`, `target`, `sha256`, `conformance`
        ");
    }

    #[test]
    fn a_result_is_kept_with_the_pin_and_is_of_no_other_file() {
        let dir = tempfile::tempdir().expect("room");
        let mut checked = pin("a", TARGET, "a");
        checked.conformance = Some(Conformance {
            claims: Claims::Passed,
            passed: 89,
            failed: 0,
            skipped: 11,
            seed: u64::try_from(i64::MAX).expect("it is above 0"),
            kit: "fdae5d5fdef3fcca".to_owned(),
            host: "0.1.0".to_owned(),
        });
        let mut lock = Lock::read(&at(&dir)).expect("none is no mistake");
        lock.put(pin("b", TARGET, "b"));
        lock.put(checked.clone());
        lock.write().expect("room");
        let read = Lock::read(&at(&dir)).expect("it was just written");
        assert_eq!(read, lock);
        assert_eq!(
            read.conformance("a", &"A".repeat(64)),
            checked.conformance.as_ref()
        );
        assert_eq!(read.conformance("a", &"b".repeat(64)), None);
        assert_eq!(read.conformance("b", &"b".repeat(64)), None);
    }

    /// As the first release wrote it.
    #[test]
    fn a_file_without_results_is_read() {
        let dir = tempfile::tempdir().expect("room");
        let sha256 = "ab".repeat(32);
        let text = format!(
            "version = 1\n[[plugin]]\nid = \"a\"\nversion = \"1.0.0\"\ntarget = \"{TARGET}\"\nsha256 = \"{sha256}\"\n"
        );
        std::fs::write(at(&dir), text).expect("room");
        let lock = Lock::read(&at(&dir)).expect("it is a good file");
        assert_eq!(lock.pin("a").map(|pin| &pin.conformance), Some(&None));
        assert_eq!(lock.conformance("a", &sha256), None);
    }
}
