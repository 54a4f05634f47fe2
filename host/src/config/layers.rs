//! The layers: what was written where, before anybody asks whether it makes sense.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::origin::Origin;
use super::parse::{Given, Written};
use super::problem::{Problem, excerpt};
use super::setting::Kind;
use super::started::Started;
use super::table::setting;
use super::variables::Variables;
use super::{dotenv, file};

/// A flag as it was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagValue {
    /// The key of its setting.
    pub key: &'static str,
    /// Its value; several if it was repeated.
    pub texts: Vec<String>,
}

/// Everything that was written, by key, the strongest first.
#[derive(Debug, Default)]
pub struct Layers {
    pub(super) given: BTreeMap<String, Vec<Given>>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) env: Variables,
    pub(super) dotenv: Variables,
    pub(super) directory: PathBuf,
    /// What the run that goes on was started with, below everything that was written now.
    pub(super) started: Option<StartedLayer>,
}

/// What a run was started with, by key.
#[derive(Debug)]
pub(super) struct StartedLayer {
    pub(super) run_dir: Arc<Path>,
    pub(super) given: BTreeMap<String, Given>,
}

impl Layers {
    /// Gathers the flags, the environment (from [`std::env::vars_os`]), the `.env` file and the TOML
    /// file. Relative names of files start at `directory`. Below them is what the run was `started` with,
    /// if one goes on.
    pub fn gather(
        flags: impl IntoIterator<Item = FlagValue>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        directory: &Path,
        started: Option<&Started>,
    ) -> Self {
        let mut layers = Self {
            env: Variables::from_env(env),
            directory: directory.to_owned(),
            ..Self::default()
        };
        if let Some(started) = started {
            let (given, problems) = started.layer(directory);
            let run_dir = started.run_dir.as_path().into();
            layers.started = Some(StartedLayer { run_dir, given });
            layers.problems.extend(problems);
        }
        for flag in flags {
            layers.add_flag(flag);
        }
        let (found, problems, unknown) = layers.env.settings();
        layers.extend(found);
        layers.problems.extend(problems);
        // A shell keeps variables of long ago: strange ones there are only worth a warning.
        layers.warnings.extend(unknown);
        layers.add_dotenv();
        layers.add_file();
        layers
    }

    fn add_flag(&mut self, flag: FlagValue) {
        let Some(setting) = setting(flag.key) else {
            debug_assert!(false, "flags are made from the table");
            return;
        };
        let origin = Origin::Flag(format!("--{}", setting.flag.unwrap_or(setting.key)));
        match setting.kind {
            Kind::Table => {
                for text in &flag.texts {
                    self.add_pair(setting.key, text, origin.clone());
                }
            }
            Kind::Paths => self.push(flag.key, Written::Texts(flag.texts), origin),
            _ => {
                if let Some(text) = flag.texts.into_iter().next_back() {
                    self.push(flag.key, Written::Text(text), origin);
                }
            }
        }
    }

    /// Adds one `KEY=VALUE`; a later one with the same key replaces an earlier one.
    fn add_pair(&mut self, table: &str, text: &str, at: Origin) {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                let key = format!("{table}.{key}");
                self.given.remove(&key);
                self.push(&key, Written::Text(value.to_owned()), at);
            }
            _ => self.problems.push(Problem::NotKeyValue {
                at,
                text: excerpt(text),
            }),
        }
    }

    fn add_dotenv(&mut self) {
        let Some((name, text)) = self.open("env_file", ".env") else {
            return;
        };
        let (lines, problems) = dotenv::parse(&text, &name);
        self.problems.extend(problems);
        for dotenv::Line {
            name: variable,
            value,
            line,
        } in lines
        {
            let origin = Origin::DotEnv {
                file: name.clone(),
                line,
                name: variable.clone(),
            };
            self.dotenv.insert(variable, value, origin);
        }
        let (found, problems, unknown) = self.dotenv.settings();
        self.extend(found);
        self.problems.extend(problems);
        self.problems.extend(unknown);
    }

    fn add_file(&mut self) {
        let Some((name, text)) = self.open("config", "investbot.toml") else {
            return;
        };
        let (found, problems) = file::parse(&text, &name);
        self.problems.extend(problems);
        self.extend(found);
    }

    /// The name and the text of the file that a setting names, or else of the default one. Only a file
    /// that was named now must be there: what was in one at the start is known.
    fn open(&mut self, key: &str, default: &str) -> Option<(Arc<Path>, String)> {
        let named = self
            .given
            .get(key)
            .and_then(|given| given.first()?.written.scalar());
        let must_exist = named.is_some();
        let at_start = || self.started.as_ref()?.given.get(key)?.written.scalar();
        let named = named.or_else(at_start);
        let name: Arc<Path> = Path::new(named.as_deref().unwrap_or(default)).into();
        match read(&self.directory.join(&name)) {
            Ok(text) => Some((name, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => None,
            Err(error) => {
                self.problems.push(Problem::Unreadable {
                    file: name,
                    reason: format!("cannot be read: {error}"),
                });
                None
            }
        }
    }

    fn extend(&mut self, found: Vec<(String, Given)>) {
        for (key, given) in found {
            self.given.entry(key).or_default().push(given);
        }
    }

    fn push(&mut self, key: &str, written: Written, origin: Origin) {
        let given = Given { written, origin };
        self.given.entry(key.to_owned()).or_default().push(given);
    }
}

/// The text of a file. Bounded, because the name may be that of a device.
pub(super) fn read(path: &Path) -> io::Result<String> {
    const LARGEST: u64 = 1 << 20;
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1;
        io::Error::other(format!("line {line} is not UTF-8 text"))
    })
}
