//! What data are, so that a run that goes on can tell whether it has what it was started with.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::bundled::Bundled;
use crate::engine::text;

/// Where data came from, and what they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataIdentity {
    /// The source's name: the path as it was given, `bundled:` and a name, or `stdin`.
    pub source: String,
    /// The file, from the root on; none for what is no file, and where the path is no text.
    pub path: Option<String>,
    /// What is in it; none for a pipe, which nobody can read twice.
    pub content: Option<Content>,
}

/// What is in a file, as it is on disk: packed, if it is packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// How many bytes.
    #[serde(with = "text")]
    pub bytes: u64,
    /// Their SHA-256, in hex.
    pub sha256: String,
}

impl DataIdentity {
    /// The file at `path`, which is read to its end for that, in constant memory. A pipe or a device is
    /// left alone: whoever reads it takes something out of it.
    ///
    /// # Errors
    ///
    /// The system's, if the file cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let content = if std::fs::metadata(path)?.is_file() {
            Some(Content::read(File::open(path)?)?)
        } else {
            None
        };
        Ok(Self {
            source: path.display().to_string(),
            path: std::path::absolute(path)?.to_str().map(str::to_owned),
            content,
        })
    }

    /// Bars that are part of the program.
    #[must_use]
    pub fn of_bundled(bundled: &Bundled) -> Self {
        Self {
            source: format!("bundled:{}", bundled.name),
            path: None,
            content: Some(Content::of(bundled.csv)),
        }
    }

    /// Standard input.
    #[must_use]
    pub fn stdin() -> Self {
        Self {
            source: "stdin".to_owned(),
            path: None,
            content: None,
        }
    }
}

impl Content {
    /// Of bytes in memory.
    fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(bytes)),
        }
    }

    fn read(mut file: impl Read) -> io::Result<Self> {
        const CHUNK: usize = 256 * 1024;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    hash.update(&chunk[..count]);
                    bytes += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            bytes,
            sha256: hex::encode(hash.finalize()),
        })
    }
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, SHA-256 {}", self.bytes, self.sha256)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::feed::{BUNDLED, BarOptions, BarReader};

    #[test]
    fn a_file_is_what_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bars.csv");
        let text = "x".repeat(1_000_000);
        std::fs::write(&path, &text).unwrap();
        let file = DataIdentity::of_file(&path).unwrap();
        assert_eq!(file.content, Some(Content::of(text.as_bytes())));
        assert_eq!(file.path.as_deref(), path.to_str());
        std::fs::write(&path, text.replacen('x', "y", 1)).unwrap();
        assert_ne!(DataIdentity::of_file(&path).unwrap(), file);
        assert!(DataIdentity::of_file(&dir.path().join("none")).is_err());
    }

    /// The two ways to a digest agree: before a run, and by the way while it reads.
    #[test]
    fn bundled_bars_are_what_a_reader_reads() {
        for bundled in BUNDLED {
            let mut reader = BarReader::bundled(bundled.name, &BarOptions::default()).unwrap();
            let mut bars = Vec::new();
            while reader.next_batch(&mut bars, 4_096).unwrap() > 0 {}
            let content = DataIdentity::of_bundled(bundled).content.unwrap();
            assert_eq!(Some(content.sha256.as_str()), reader.digest());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        // Opening it would wait for somebody who writes.
        assert_eq!(DataIdentity::of_file(&path).unwrap().content, None);
    }

    #[test]
    fn it_is_kept_as_text() {
        let identity = DataIdentity::of_bundled(&BUNDLED[2]);
        let json = serde_json::to_string(&identity).unwrap();
        assert!(json.contains(r#""bytes":""#), "{json}");
        assert_eq!(
            serde_json::from_str::<DataIdentity>(&json).unwrap(),
            identity
        );
        let wrong = json.replace(r#""bytes":""#, r#""bytes":"x"#);
        assert!(serde_json::from_str::<DataIdentity>(&wrong).is_err());
    }
}
