//! The first thing that is not as it must be.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::exec::error::RunError;
use crate::exec::replay::ReplayError;
use crate::exit::ExitCode;
use crate::observe::record::check::{CheckError, Difference};
use crate::observe::run_dir::{AskedError, RunDirError};
use crate::sealed::SealError;
use crate::store::StoreError;
use crate::store::checkpoint::CheckpointError;
use crate::store::journal::JournalError;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// The file, with the line if it has lines.
    #[serde(rename = "where")]
    pub place: String,
    /// What is wrong.
    pub text: String,
    /// What is there, if that can be shown.
    pub recorded: Option<String>,
    /// What should be there.
    pub recomputed: Option<String>,
}

/// Why a run does not pass.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not as it must be.
    #[error("{}: {}", .0.place, .0.text)]
    Mismatch(Box<Mismatch>),
    /// A file cannot be read.
    #[error("cannot read {}: {source}\n  hint: check the disk and the rights", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It could not be checked.
    #[error(transparent)]
    Run(RunError),
}

impl VerifyError {
    /// The exit code of the class of the error.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Mismatch(_) => ExitCode::Mismatch,
            Self::Unreadable { .. } => ExitCode::Unexpected,
            Self::Run(error) => error.exit_code(),
        }
    }
}

impl Mismatch {
    pub(super) fn of(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            text: text.into(),
            recorded: None,
            recomputed: None,
        }
    }
}

impl From<Mismatch> for VerifyError {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch(Box::new(mismatch))
    }
}

/// Where an error says that the run is not as it was left, that is what was to be found out.
impl From<RunError> for VerifyError {
    fn from(error: RunError) -> Self {
        let mismatch = match &error {
            RunError::RunDir(RunDirError::Asked {
                error: AskedError::Sealed(error),
                ..
            }) if !matches!(error, SealError::Version { .. }) => {
                Mismatch::of("run.json", error.to_string())
            }
            RunError::OtherData { differences, .. } => {
                let text = "they are not what the run was started with: ".to_owned();
                Mismatch::of("data", text + &differences.join("; "))
            }
            RunError::Checkpoint(CheckpointError::Damaged { file, error }) => {
                Mismatch::of(name(file), error.to_string())
            }
            RunError::Checkpoint(CheckpointError::Content { file, text }) => {
                Mismatch::of(name(file), text)
            }
            RunError::Store(StoreError::Journal(error)) => match error {
                JournalError::Corrupt { file, line, .. } => {
                    let place = format!("{}:{line}", name(file));
                    Mismatch::of(place, error.to_string())
                }
                JournalError::MissingSegment { .. } | JournalError::CutShort { .. } => {
                    Mismatch::of("journal", error.to_string())
                }
                _ => return Self::Run(RunError::Store(error.clone().into())),
            },
            RunError::Replay(replay) => match replay.as_ref() {
                ReplayError::Diverged(divergence) => Mismatch {
                    place: format!("journal, record {}", divergence.seq),
                    text: "the run comes to something else".to_owned(),
                    recorded: Some(divergence.recorded.clone()),
                    recomputed: Some(divergence.found.clone()),
                },
                _ => return Self::Run(error),
            },
            _ => return Self::Run(error),
        };
        mismatch.into()
    }
}

impl From<CheckError> for VerifyError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Unreadable { path, source } => Self::Unreadable { path, source },
            CheckError::Different(Difference {
                file,
                line,
                recorded,
                recomputed,
            }) => {
                let text = match (&recorded, &recomputed) {
                    (None, _) => "it ends here, and should not",
                    (_, None) => "it should end here, and does not",
                    _ => "it is another line than the run comes to",
                };
                Mismatch {
                    place: format!("{file}:{line}"),
                    text: text.to_owned(),
                    recorded,
                    recomputed,
                }
                .into()
            }
        }
    }
}

/// Compares two values as JSON; tells the first field that differs.
pub(super) fn compare<T: Serialize, U: Serialize>(
    place: &str,
    path: &str,
    recorded: &T,
    recomputed: &U,
) -> Result<(), VerifyError> {
    let (recorded, recomputed) = (to_json(recorded), to_json(recomputed));
    match first_difference(path, &recorded, &recomputed) {
        None => Ok(()),
        Some((path, recorded, recomputed)) => Err(Mismatch {
            place: place.to_owned(),
            text: format!("`{path}` is not what the run comes to"),
            recorded: Some(recorded),
            recomputed: Some(recomputed),
        }
        .into()),
    }
}

/// As it is read from a file: numbers go through their text.
fn to_json(value: &impl Serialize) -> Value {
    let text = serde_json::to_string(value).expect("what is kept in a file can be said in JSON");
    serde_json::from_str(&text).expect("it was just written")
}

fn first_difference(path: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (a, b) {
        _ if a == b => None,
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.map(|key| (below(key), a.get(key), b.get(key)))
                .find_map(|(path, a, b)| {
                    first_difference(&path, a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null))
                })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs
                .map(|(index, (a, b))| (below(&index.to_string()), a, b))
                .find_map(|(path, a, b)| first_difference(&path, a, b))
        }
        _ => Some((path.to_owned(), a.to_string(), b.to_string())),
    }
}

fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_field_that_differs_is_named() {
        let whole = json!({ "a": 1, "b": { "c": ["x", { "d": "1.5" }] } });
        assert_eq!(first_difference("", &whole, &whole), None);
        let with = |pointer: &str, value: Value| {
            let mut other = whole.clone();
            *other.pointer_mut(pointer).expect("it is there") = value;
            let (path, a, b) = first_difference("", &whole, &other).expect("it differs");
            format!("{path}: {a}, {b}")
        };
        assert_eq!(with("/b/c/1/d", json!("1.6")), r#"b.c.1.d: "1.5", "1.6""#);
        assert_eq!(with("/a", json!(null)), "a: 1, null");
        assert_eq!(with("/b/c", json!([])), r#"b.c: ["x",{"d":"1.5"}], []"#);
        let less = json!({ "a": 1 });
        let missing = first_difference("", &less, &whole).expect("it differs");
        assert_eq!(missing.0, "b");
        assert_eq!(
            first_difference("", &whole, &less).map(|found| found.0),
            Some("b".into())
        );
    }
}
