//! What the run had come to each time that a process ended in good order, and the summary that is there.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::mismatch::{Mismatch, VerifyError, compare};
use crate::engine::Summary;

/// The name of the summary in a run directory.
const NAME: &str = "summary.json";

/// What the run had come to, by the digest of its reports.
#[derive(Default)]
pub(super) struct Ends(Vec<(String, Value)>);

impl Ends {
    /// A process ended in good order.
    pub(super) fn note(&mut self, digest: String, summary: &Summary) {
        let summary = serde_json::to_value(summary).expect("a summary is strings and numbers");
        self.0.push((digest, summary));
    }

    /// Checks the summary in a run directory; whether there is one.
    ///
    /// It is written after the journal is closed. So it is that of the last end, or of an earlier one if the
    /// last process was killed just then or a later one has not ended yet.
    pub(super) fn check(&self, dir: &Path) -> Result<bool, VerifyError> {
        let path = dir.join(NAME);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(VerifyError::Unreadable { path, source }),
        };
        let found: Value = serde_json::from_slice(&text)
            .map_err(|error| Mismatch::of(NAME, format!("it is no JSON: {error}")))?;
        let digest = found["report_digest"].as_str().unwrap_or_default();
        let mut ends = self.0.iter().rev();
        let Some((_, result)) = ends.find(|(of, _)| of == digest) else {
            let last = self.0.last().map(|(digest, _)| digest.clone());
            return Err(Mismatch {
                place: NAME.to_owned(),
                text: "`report_digest` is not what the run comes to".to_owned(),
                recorded: Some(digest.to_owned()),
                recomputed: Some(last.unwrap_or_else(|| "nothing: no process ended".to_owned())),
            }
            .into());
        };
        compare(NAME, "result", &found["result"], result)?;
        Ok(true)
    }
}
