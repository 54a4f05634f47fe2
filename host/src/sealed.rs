//! JSON files that say what they are, and show any damage: `{format, version, sha256, body}`.
//!
//! The digest is that of the body's text, and everything around it is exactly as it was written, so that
//! there is no byte in the file that could be another one.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// A kind of sealed file.
#[derive(Clone, Copy, Debug)]
pub struct Seal {
    /// The name of the format.
    pub format: &'static str,
    /// The version that is written, and the only one that is read.
    pub version: u32,
    /// How it is laid out.
    pub layout: Layout,
}

/// How a file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// For people too.
    Indented,
    /// On one line.
    Compact,
}

/// Why a sealed file cannot be used. The texts begin in the middle of a sentence: the reader of the file
/// puts its name before them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is no JSON, or not of this shape.
    #[error("{line}:{column}: {text}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser said.
        text: String,
    },
    /// It is a file of something else.
    #[error("it is of the format `{found}`, and `{expected}` was expected")]
    Format {
        /// What it says of itself.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// Another version wrote it.
    #[error("it is of version {found}, and this investbot reads version {expected}")]
    Version {
        /// The file's.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// It is not what was written.
    #[error("it was changed since it was written: {what}")]
    Changed {
        /// What shows it.
        what: String,
    },
}

/// What is around the body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    format: String,
    version: u32,
    sha256: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Seal {
    /// The text of a file with this body, ended by a newline.
    ///
    /// # Panics
    ///
    /// If the body cannot be said in JSON, such as a map whose keys are no strings.
    #[must_use]
    pub fn seal(&self, body: &impl Serialize) -> String {
        let body = match self.layout {
            Layout::Compact => serde_json::to_string(body),
            Layout::Indented => {
                serde_json::to_string_pretty(body).map(|body| body.replace('\n', "\n  "))
            }
        };
        let body = body.expect("the body is one that JSON can say");
        let digest = hex::encode(Sha256::digest(&body));
        self.envelope(&digest, &body)
    }

    /// The body of such a file.
    ///
    /// # Errors
    ///
    /// A [`SealError`] for every file that [`seal`](Self::seal) did not write just so.
    pub fn open<T: DeserializeOwned>(&self, file: &[u8]) -> Result<T, SealError> {
        serde_json::from_str(self.body(file)?).map_err(syntax_in_body)
    }

    /// The text of the body, of whatever it is.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), but for what the body says.
    pub fn body<'f>(&self, file: &'f [u8]) -> Result<&'f str, SealError> {
        let envelope: Envelope<'_> = serde_json::from_slice(file).map_err(syntax)?;
        if envelope.format != self.format {
            return Err(SealError::Format {
                found: envelope.format.chars().take(80).collect(),
                expected: self.format,
            });
        }
        if envelope.version != self.version {
            return Err(SealError::Version {
                found: envelope.version,
                expected: self.version,
            });
        }
        let body = envelope.body.get();
        let digest = hex::encode(Sha256::digest(body));
        if digest != envelope.sha256 {
            let what = format!("its SHA-256 is {digest}, and it says {}", envelope.sha256);
            return Err(SealError::Changed { what });
        }
        if self.envelope(&digest, body).as_bytes() != file {
            let what = "its text is not laid out as it was written".to_owned();
            return Err(SealError::Changed { what });
        }
        Ok(body)
    }

    fn envelope(&self, digest: &str, body: &str) -> String {
        let Self {
            format, version, ..
        } = self;
        match self.layout {
            Layout::Compact => format!(
                "{{\"format\":\"{format}\",\"version\":{version},\"sha256\":\"{digest}\",\"body\":{body}}}\n"
            ),
            Layout::Indented => format!(
                "{{\n  \"format\": \"{format}\",\n  \"version\": {version},\n  \"sha256\": \"{digest}\",\n  \
                 \"body\": {body}\n}}\n"
            ),
        }
    }
}

fn syntax(error: serde_json::Error) -> SealError {
    let text = error.to_string();
    // The parser names the place again, at the end.
    let text = text
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned();
    let (line, column) = (error.line().max(1), error.column().max(1));
    SealError::Syntax { line, column, text }
}

/// The same, with the place in the file of a place in the body.
fn syntax_in_body(error: serde_json::Error) -> SealError {
    const BEFORE: &str = "  \"body\": ";
    match syntax(error) {
        SealError::Syntax { line, column, text } => SealError::Syntax {
            line: line + 4,
            column: if line == 1 {
                column + BEFORE.len()
            } else {
                column
            },
            text,
        },
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const SEAL: Seal = Seal {
        format: "investbot.test",
        version: 3,
        layout: Layout::Indented,
    };
    const COMPACT: Seal = Seal {
        layout: Layout::Compact,
        ..SEAL
    };

    type Body = BTreeMap<String, Vec<String>>;

    fn body() -> Body {
        let words = ["two\nlines", "\"quoted\"", "ümlaut"].map(str::to_owned);
        BTreeMap::from([("words".to_owned(), words.to_vec())])
    }

    #[test]
    fn what_is_sealed_is_what_is_opened() {
        for seal in [SEAL, COMPACT] {
            let text = seal.seal(&body());
            assert_eq!(seal.open::<Body>(text.as_bytes()), Ok(body()));
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["format"], "investbot.test");
            assert_eq!(json["version"], 3);
            assert_eq!(json["body"]["words"][0], "two\nlines");
        }
        assert_eq!(COMPACT.seal(&body()).lines().count(), 1);
    }

    #[test]
    fn no_byte_may_be_another_one() {
        for seal in [SEAL, COMPACT] {
            no_byte_of(seal);
        }
    }

    fn no_byte_of(seal: Seal) {
        let good = seal.seal(&body()).into_bytes();
        for at in 0..good.len() {
            for other in 0..=u8::MAX {
                let mut file = good.clone();
                file[at] = other;
                let opened = seal.open::<Body>(&file);
                assert_eq!(opened.is_ok(), file == good, "byte {at} is {other:#04x}");
            }
            assert!(seal.open::<Body>(&good[..at]).is_err(), "cut at {at}");
            let mut file = good.clone();
            file.insert(at, b' ');
            assert!(seal.open::<Body>(&file).is_err(), "a space at {at}");
        }
        let twice = [&good[..], &good[..]].concat();
        assert!(seal.open::<Body>(&twice).is_err());
    }

    #[test]
    fn other_files_are_told_apart() {
        let other = |format, version| {
            Seal {
                format,
                version,
                ..SEAL
            }
            .seal(&body())
        };
        let said = |text: String| SEAL.open::<Body>(text.as_bytes()).unwrap_err().to_string();
        insta::assert_snapshot!(said(other("investbot.other", 3)), @"it is of the format `investbot.other`, and `investbot.test` was expected");
        insta::assert_snapshot!(said(other("investbot.test", 4)), @"it is of version 4, and this investbot reads version 3");
        insta::assert_snapshot!(said("{}".to_owned()), @"1:2: missing field `format`");
        insta::assert_snapshot!(said(SEAL.seal(&1)), @"5:11: invalid type: integer `1`, expected a map");
    }
}
