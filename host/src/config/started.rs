//! The configuration of a run that goes on: what it was started with, as its run directory has it.
//!
//! It is the layer below all others, so that `--resume DIR` needs nothing else said. What is said now has to
//! be the same where the run's result depends on it; only how it is shown may be another.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::describe::{given_json, value_json};
use super::layers::StartedLayer;
use super::nearest::nearest_key;
use super::origin::Origin;
use super::parse::{Given, Written, parse};
use super::problem::{Problem, excerpt};
use super::setting::Kind;
use super::table::{SETTINGS, setting};
use super::typed::Live;

/// What a run was started with.
#[derive(Clone, Debug)]
pub struct Started {
    /// The run directory, as it was named.
    pub run_dir: PathBuf,
    /// The file in it that says so.
    pub file: Arc<Path>,
    /// Where relative paths began; none if it is not known.
    pub directory: Option<PathBuf>,
    /// Values and their origins by key, as [`RuntimeConfig::describe`](super::RuntimeConfig::describe)
    /// told them.
    pub settings: BTreeMap<String, (String, Json)>,
    /// What settings that were left open came to.
    pub known: BTreeMap<&'static str, String>,
}

/// Keys that say where a run is, and so are never taken over.
const PLACES: &[&str] = &["run.dir", "resume"];

impl Started {
    /// Its values by key, for a process that works in `directory`; and what nobody here knows.
    pub(super) fn layer(&self, directory: &Path) -> (BTreeMap<String, Given>, Vec<Problem>) {
        let (mut layer, mut problems) = (BTreeMap::new(), Vec::new());
        for (key, (origin, value)) in &self.settings {
            if PLACES.contains(&key.as_str()) {
                continue;
            }
            let Some(kind) = kind_of(key) else {
                problems.push(self.unknown(key));
                continue;
            };
            let default = Origin::Default.to_string();
            let origin = if *origin == default {
                Origin::Default
            } else {
                self.origin(origin)
            };
            if let Some(written) = written(value) {
                let written = self.anchored(kind, written, directory);
                layer.insert(key.clone(), Given { written, origin });
            }
        }
        for (key, value) in &self.known {
            let written = Written::Text(value.clone());
            let origin = self.origin("");
            layer.insert((*key).to_owned(), Given { written, origin });
        }
        (layer, problems)
    }

    fn origin(&self, before: &str) -> Origin {
        Origin::Started {
            file: Arc::clone(&self.file),
            origin: before.to_owned(),
        }
    }

    fn unknown(&self, key: &str) -> Problem {
        Problem::UnknownKey {
            at: self.origin(""),
            key: excerpt(key),
            nearest: nearest_key(key, SETTINGS.iter().map(|setting| setting.key)),
        }
    }

    /// A relative path still begins where the run was started.
    fn anchored(&self, kind: Kind, written: Written, directory: &Path) -> Written {
        let Some(started) = self.directory.as_deref().filter(|from| *from != directory) else {
            return written;
        };
        let anchor = |path: &String| match path.as_str() {
            "-" => path.clone(),
            path => started.join(path).display().to_string(),
        };
        match (kind, written) {
            (Kind::Path, Written::Text(path)) => Written::Text(anchor(&path)),
            (Kind::Paths, Written::Strings(paths)) => {
                Written::Strings(paths.iter().map(anchor).collect())
            }
            (_, written) => written,
        }
    }
}

/// The kind of a key; of one below a table, text.
fn kind_of(key: &str) -> Option<Kind> {
    if let Some(setting) = setting(key) {
        return Some(setting.kind);
    }
    let mut tables = SETTINGS.iter().filter(|s| s.kind == Kind::Table);
    tables
        .any(|table| {
            key.strip_prefix(table.key)
                .is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
        })
        .then_some(Kind::Text)
}

/// What was written, from how it was told.
fn written(value: &Json) -> Option<Written> {
    Some(match value {
        Json::Null => return None,
        Json::String(text) => Written::Text(text.clone()),
        Json::Bool(on) => Written::Boolean(*on),
        Json::Number(number) => Written::Integer(number.to_string()),
        Json::Array(items) => {
            let text = |item: &Json| item.as_str().map(str::to_owned);
            let texts = items.iter().map(text).collect::<Option<_>>();
            texts.map_or(Written::Other("array"), Written::Strings)
        }
        Json::Object(_) => Written::Other("table"),
    })
}

/// A setting that is not what a run was started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// The run.
    pub run_dir: Arc<Path>,
    /// What it was started with, and where that was written; `None` if with nothing.
    pub was: Option<(String, String)>,
    /// What is said now.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, now, .. } = self;
        write!(f, "the run in {} was started ", self.run_dir.display())?;
        match &self.was {
            None => write!(f, "without {key}")?,
            Some((value, origin)) if origin.is_empty() => write!(f, "with {key} = {value}")?,
            Some((value, origin)) => write!(f, "with {key} = {value} ({origin})")?,
        }
        write!(f, ", and now it is {now}")
    }
}

/// What is said now and is not what a run was started with.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// The run cannot go on with these.
    pub(super) refused: Vec<Problem>,
    /// It can: nobody says them by accident.
    pub(super) allowed: Vec<Problem>,
}

impl StartedLayer {
    /// How what is `given` now, and whether real money may be spent now, differ in what shapes the result.
    pub(super) fn differences(
        &self,
        given: &BTreeMap<String, Vec<Given>>,
        live: Live,
    ) -> Differences {
        let mut differences = Differences::default();
        for (key, given) in given {
            let Some(said) = given.first() else { continue };
            let now = match key.as_str() {
                "live" => Some(json!(live.flag && live.word)),
                key => value_of(key, said),
            };
            let before = self.given.get(key);
            let was = before.and_then(|before| value_of(key, before));
            let Some(now) = now else { continue };
            let is_same = |was: &Json| *was == now || is_a_name(key, was, &now);
            if was.as_ref().is_some_and(is_same) {
                continue;
            }
            let list = match key.as_str() {
                "plugin.sha256" => &mut differences.allowed,
                _ => &mut differences.refused,
            };
            let difference = Difference {
                key: excerpt(key),
                run_dir: Arc::clone(&self.run_dir),
                was: was.zip(before).map(|(was, before)| match &before.origin {
                    Origin::Started { origin, .. } => (shown(&was), origin.clone()),
                    origin => (shown(&was), origin.to_string()),
                }),
                now: shown(&now),
            };
            list.push(Problem::Differs {
                at: said.origin.clone(),
                difference: Box::new(difference),
            });
        }
        differences
    }
}

/// A value as it is recorded; none where no result depends on it, or where it is a mistake, which is told
/// as such.
fn value_of(key: &str, given: &Given) -> Option<Json> {
    match setting(key) {
        None => Some(given_json(given)),
        Some(setting) if !setting.shapes_result => None,
        Some(setting) => {
            let value = parse(setting.kind, key, given).ok()?;
            Some(value_json(&value))
        }
    }
}

/// Whether two values may name the same thing: what is behind the names is compared by its content, when it
/// is opened.
fn is_a_name(key: &str, was: &Json, now: &Json) -> bool {
    let is_path = |name: &Json| name.as_str().is_some_and(|name| name.contains(['/', '\\']));
    match key {
        "bars.source" | "intents" => true,
        "exchange.kind" => is_path(was) || is_path(now),
        _ => false,
    }
}

/// A value in a message.
fn shown(value: &Json) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    excerpt(&text)
}
