//! A run that goes on: what it was started with, and whether what is asked for now is the same.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::RunError;
use super::prepare::Prepared;
use crate::config::{IntentSource, Started};
use crate::feed::{Bundled, DataError, DataIdentity, IntentError, IntentReader};
use crate::observe::asked::{Asked, AskedData, AskedPlugin, AskedSetting};
use crate::observe::run_dir::RunDir;
use crate::plugin::LoadError;

/// The directory of a run that goes on. This process owns it.
#[derive(Debug)]
pub struct Resumed {
    run_dir: RunDir,
    asked: Asked,
}

impl Resumed {
    /// Takes the directory, and reads what the run was started with.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let run_dir = RunDir::reopen(path)?;
        let asked = run_dir.asked()?;
        Ok(Self { run_dir, asked })
    }

    /// What the run was started with, for the configuration of a process that works in `directory`.
    #[must_use]
    pub fn started(&self, directory: &Path) -> Started {
        let asked = &self.asked;
        let mut known = BTreeMap::from([
            ("run.id", asked.run_id.clone()),
            ("bars.instrument", asked.instrument.clone()),
            ("plugin.sha256", asked.plugin.sha256.clone()),
        ]);
        let started_in = asked.directory.as_deref().map(Path::new);
        if started_in != Some(directory) {
            known.extend(self.files());
        }
        let settings = asked.config.iter().map(|(key, setting)| {
            let AskedSetting { origin, value } = setting.clone();
            (key.clone(), (origin, value))
        });
        Started {
            run_dir: self.run_dir.path().to_owned(),
            file: self.run_dir.path().join("run.json").into(),
            directory: started_in.map(Path::to_owned),
            settings: settings.collect(),
            known,
        }
    }

    /// The files that were named by a relative path, from the root on.
    fn files(&self) -> BTreeMap<&'static str, String> {
        let AskedData { bars, intents } = &self.asked.data;
        let path = |data: &Option<DataIdentity>| data.as_ref()?.path.clone();
        let kind = self.asked.config.get("exchange.kind");
        let kind = kind
            .and_then(|kind| kind.value.as_str())
            .unwrap_or_default();
        let is_path = kind.contains(std::path::is_separator);
        [
            ("bars.source", path(bars)),
            ("intents", path(intents)),
            (
                "exchange.kind",
                is_path.then(|| self.asked.plugin.path.clone()),
            ),
        ]
        .into_iter()
        .filter_map(|(key, path)| Some((key, path?)))
        .collect()
    }

    /// Checks that the data are those that the run was started with.
    pub(super) fn check(&self, now: &AskedData) -> Result<(), RunError> {
        let was = &self.asked.data;
        let bars = changed("bars", was.bars.as_ref(), now.bars.as_ref(), false);
        let intents = changed("intents", was.intents.as_ref(), now.intents.as_ref(), true);
        let differences: Vec<String> = bars.into_iter().chain(intents).collect();
        if differences.is_empty() {
            return Ok(());
        }
        Err(RunError::OtherData {
            run_dir: self.run_dir.path().to_owned(),
            differences,
        })
    }

    /// Says of a plugin that is refused for its digest where the digest is from.
    pub(super) fn explain(&self, error: RunError) -> RunError {
        match error {
            RunError::Plugin(plugin)
                if matches!(&*plugin, LoadError::HashMismatch { expected, .. }
                    if *expected == self.asked.plugin.sha256) =>
            {
                RunError::OtherPlugin {
                    run_dir: self.run_dir.path().to_owned(),
                    plugin,
                }
            }
            error => error,
        }
    }
}

/// What is different, if it is. A stream of intents goes on where it is: what it gave before is in the
/// journal.
fn changed(
    what: &str,
    was: Option<&DataIdentity>,
    now: Option<&DataIdentity>,
    may_go_on: bool,
) -> Option<String> {
    let (was, now) = was.zip(now)?;
    let name = |data: &DataIdentity| match &data.content {
        Some(content) => format!("{} ({content})", data.source),
        None => format!("{}, a stream", data.source),
    };
    match (&was.content, &now.content) {
        (None, None) if may_go_on => None,
        (None, _) if !may_go_on => Some(format!(
            "{what}: they came from {}, a pipe, which nobody can read twice; keep them in a file",
            was.source
        )),
        (was_is, now_is) if was_is == now_is => None,
        _ => Some(format!(
            "{what}: were {}, and now are {}",
            name(was),
            name(now)
        )),
    }
}

impl Prepared {
    /// Takes the run directory, if there is to be one: of a new run, into which it is written what was
    /// asked, or of the run that goes on. The run's id comes with it.
    pub(super) fn take_run_dir(&mut self) -> Result<(Option<RunDir>, String), RunError> {
        let run_id = self.run_id();
        if let Some(resumed) = self.resumed.take() {
            resumed.check(&self.data()?)?;
            return Ok((Some(resumed.run_dir), run_id));
        }
        let Some(path) = &self.config.run.dir else {
            return Ok((None, run_id));
        };
        let run_dir = RunDir::create(path)?;
        run_dir.write_asked(&self.asked(&run_id)?)?;
        Ok((Some(run_dir), run_id))
    }

    /// What was asked, without secrets.
    fn asked(&self, run_id: &str) -> Result<Asked, RunError> {
        let info = &self.plugin.manifest().plugin;
        let directory = std::env::current_dir().ok();
        Ok(Asked {
            investbot: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: run_id.to_owned(),
            stream: self.stream.clone(),
            instrument: self.instrument.clone(),
            directory: directory.and_then(|path| path.to_str().map(str::to_owned)),
            plugin: AskedPlugin {
                id: info.id.clone(),
                version: info.version.clone(),
                api: self.plugin.api().to_string(),
                sha256: self.plugin.sha256().to_owned(),
                path: absolute(self.plugin.path()).display().to_string(),
            },
            data: self.data()?,
            config: serde_json::from_value(self.config.describe())
                .expect("every setting is described by its origin and its value"),
        })
    }

    /// What the run reads, as it is now.
    fn data(&self) -> Result<AskedData, RunError> {
        let source = &self.config.bars.source;
        let bars = match (&self.bars, Bundled::find(source)) {
            (None, _) => None,
            (Some(_), Some(bundled)) => Some(DataIdentity::of_bundled(bundled)),
            (Some(_), None) => Some(DataIdentity::of_file(Path::new(source)).map_err(|cause| {
                let path = source.into();
                DataError::Open { path, cause }
            })?),
        };
        let intents = match &self.config.intents {
            None => None,
            Some(IntentSource::Stdin) => Some(DataIdentity::stdin()),
            Some(IntentSource::File(path)) => Some(DataIdentity::of_file(path).map_err(
                |cause| RunError::Intents {
                    path: path.display().to_string(),
                    cause,
                },
            )?),
        };
        Ok(AskedData { bars, intents })
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Intents that nobody has read yet.
pub struct OpenIntents {
    pub(super) reader: IntentReader<Box<dyn Read + Send>>,
    /// Whether it begins with what was read before: a file does, a pipe does not.
    pub(super) begins_again: bool,
}

impl OpenIntents {
    /// Goes on after the line at the position `last`, or from the beginning if no line was read.
    pub fn after(
        self,
        last: Option<u64>,
    ) -> Result<IntentReader<Box<dyn Read + Send>>, IntentError> {
        let Some(last) = last else {
            return Ok(self.reader);
        };
        let next = last.saturating_add(1);
        if self.begins_again {
            self.reader.skip_lines(next)
        } else {
            Ok(self.reader.numbered_from(next))
        }
    }
}
