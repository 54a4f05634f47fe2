//! Variables: those of the process environment and those of the `.env` file.
//!
//! All values are held as secrets, because some are; only those that a setting names are looked at.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::nearest::nearest;
use super::origin::Origin;
use super::parse::{Given, Written};
use super::problem::Problem;
use super::setting::Kind;
use super::table::{DRILL_KILL, EXAMPLE_SECRETS, OTHER_VARIABLES, PREFIX, SETTINGS};

/// A variable: its value, or `None` if its bytes are not text; and where it is.
pub(super) struct Variable {
    pub(super) value: Option<SecretString>,
    pub(super) origin: Origin,
}

/// A set of variables by name.
#[derive(Default)]
pub(super) struct Variables {
    by_name: BTreeMap<String, Variable>,
}

impl Variables {
    /// Those of the process environment.
    pub(super) fn from_env(env: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let by_name = env
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .map(|(name, value)| {
                let variable = Variable {
                    value: value.into_string().ok().map(SecretString::from),
                    origin: Origin::Env(name.clone()),
                };
                (name, variable)
            })
            .collect();
        Self { by_name }
    }

    pub(super) fn insert(&mut self, name: String, value: String, origin: Origin) {
        let variable = Variable {
            value: Some(SecretString::from(value)),
            origin,
        };
        self.by_name.insert(name, variable);
    }

    /// A variable that is set. An empty one counts as not set, as compose files and CI systems leave
    /// variables that they have no value for.
    pub(super) fn get(&self, name: &str) -> Option<&Variable> {
        self.by_name.get(name).filter(|v| !v.is_empty())
    }

    /// The names that are set.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name
            .iter()
            .filter(|(_, variable)| !variable.is_empty())
            .map(|(name, _)| name.as_str())
    }

    /// What the variables say about settings, by key, and what is wrong with them. Unknown variables
    /// are the second list: whether they are mistakes depends on where they are.
    pub(super) fn settings(&self) -> (Vec<(String, Given)>, Vec<Problem>, Vec<Problem>) {
        let (mut found, mut problems, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for (name, variable) in self.by_name.iter().filter(|(_, v)| !v.is_empty()) {
            let at = &variable.origin;
            match key_of(name) {
                Some(key) => match &variable.value {
                    Some(value) => found.push((
                        key,
                        Given {
                            written: Written::Text(value.expose_secret().to_owned()),
                            origin: at.clone(),
                        },
                    )),
                    None => problems.push(Problem::NotUtf8 { at: at.clone() }),
                },
                None if is_foreign(name) => {}
                None => unknown.push(Problem::UnknownVariable {
                    at: at.clone(),
                    name: name.clone(),
                    nearest: nearest(name, SETTINGS.iter().filter_map(|s| s.env)),
                }),
            }
        }
        (found, problems, unknown)
    }
}

impl Variable {
    fn is_empty(&self) -> bool {
        self.value
            .as_ref()
            .is_some_and(|value| value.expose_secret().is_empty())
    }
}

/// Tells how many, and nothing else: names are nobody's business either.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variables({})", self.by_name.len())
    }
}

/// The key of the setting that a variable sets.
fn key_of(name: &str) -> Option<String> {
    SETTINGS.iter().find_map(|setting| {
        let env = setting.env?;
        if setting.kind == Kind::Table {
            let rest = name.strip_prefix(env).filter(|rest| !rest.is_empty())?;
            Some(format!("{}.{}", setting.key, rest.to_ascii_lowercase()))
        } else {
            (env == name).then(|| setting.key.to_owned())
        }
    })
}

/// Whether a variable is none of our settings, and rightly so.
fn is_foreign(name: &str) -> bool {
    !name.starts_with(PREFIX)
        || name == DRILL_KILL
        || OTHER_VARIABLES.iter().any(|(other, ..)| *other == name)
        || EXAMPLE_SECRETS.iter().any(|(secret, _)| *secret == name)
        || looks_like_secret(name)
}

/// Whether a name is one that plugins give their secrets. The variables of a plugin that this run does
/// not use are no mistake, and its manifest is not at hand.
fn looks_like_secret(name: &str) -> bool {
    const ENDINGS: &[&str] = &["_KEY", "_SECRET", "_TOKEN", "_PASSWORD", "_PASSPHRASE"];
    let name = name.strip_suffix("_FILE").unwrap_or(name);
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}
