//! What a run was started with: `run.json`. Written once, when the run begins, and read when it is gone on
//! with or checked. Never a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::feed::DataIdentity;
use crate::sealed::{Layout, Seal, SealError};

const SEAL: Seal = Seal {
    format: "investbot.run",
    version: 2,
    layout: Layout::Indented,
};

/// What a run was started with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The version of the program.
    pub investbot: String,
    /// The run's name, part of every idempotency key.
    pub run_id: String,
    /// The strategy's or stream's name.
    pub stream: String,
    /// The instrument of its bars.
    pub instrument: String,
    /// The working directory, where relative paths begin; none if it is no text.
    pub directory: Option<String>,
    /// The adapter.
    pub plugin: AskedPlugin,
    /// What it reads.
    pub data: AskedData,
    /// Every setting by its key.
    pub config: BTreeMap<String, AskedSetting>,
}

/// The adapter of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedPlugin {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The version of the plugin API that it was built with.
    pub api: String,
    /// The digest of its library.
    pub sha256: String,
    /// Where its library was found.
    pub path: String,
}

/// What a run reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedData {
    /// The bars, if it has any.
    pub bars: Option<DataIdentity>,
    /// The intents, if it has any.
    pub intents: Option<DataIdentity>,
}

/// A setting's value and where it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedSetting {
    /// A flag, a variable, a place in a file, or `default`.
    pub origin: String,
    /// The value; null if there is none.
    pub value: Json,
}

impl Asked {
    /// The text of `run.json`.
    #[must_use]
    pub fn to_text(&self) -> String {
        SEAL.seal(self)
    }

    /// What is in the text of a `run.json`.
    ///
    /// # Errors
    ///
    /// A [`SealError`] if [`to_text`](Self::to_text) did not write just that.
    pub fn of_text(text: &[u8]) -> Result<Self, SealError> {
        SEAL.open(text)
    }
}
