//! Whether a configuration fits the plugin it names and the work it is for.

use investbot_plugin_api::SecretString;
use investbot_plugin_api::manifest::{Manifest, SecretSpec};
use serde_json::Value as Json;

use super::error::ConfigError;
use super::origin::Origin;
use super::problem::Problem;
use super::runtime::RuntimeConfig;
use super::schema;
use super::secret::Places;
use super::typed::Pace;

/// Where a run's orders come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A built-in strategy on bars of the past.
    Backtest,
    /// A stream of intents.
    Intents,
}

/// What a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Trade,
    Look,
}

/// What a plugin is opened with, and what depends on it.
#[derive(Clone, Debug)]
pub struct ValidatedPluginConfig {
    /// The plugin's configuration, a JSON object: every key of its schema, decimals as strings.
    pub json: String,
    /// The secrets that its manifest names, by environment name; optional ones only if they are set.
    pub secrets: Vec<(String, SecretString)>,
    /// How many orders may be under way at once.
    pub max_in_flight: u32,
    /// How fast time passes; a venue that is not simulated has time of its own.
    pub pace: Pace,
}

impl RuntimeConfig {
    /// What a run with this configuration is.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self.intents {
            Some(_) => Mode::Intents,
            None => Mode::Backtest,
        }
    }

    /// Checks the whole configuration against the plugin's manifest, before any of its code runs, and
    /// tells every mistake at once: those of the layers and those that only the manifest shows.
    pub fn validate_for(
        &self,
        manifest: &Manifest,
        mode: Mode,
    ) -> Result<ValidatedPluginConfig, ConfigError> {
        self.validate(manifest, mode, Purpose::Trade)
    }

    /// The same for a run that is only looked at. The plugin is not opened, so that no secret is needed, and
    /// no word about real money.
    pub fn validate_to_look(
        &self,
        manifest: &Manifest,
        mode: Mode,
    ) -> Result<ValidatedPluginConfig, ConfigError> {
        self.validate(manifest, mode, Purpose::Look)
    }

    fn validate(
        &self,
        manifest: &Manifest,
        mode: Mode,
        purpose: Purpose,
    ) -> Result<ValidatedPluginConfig, ConfigError> {
        let plugin = manifest.plugin.id.as_str();
        let mut problems: Vec<Problem> = self
            .problems
            .iter()
            .filter(|problem| !is_secret_of(manifest, problem))
            .cloned()
            .collect();
        let (config, config_problems) = schema::check(plugin, &manifest.config, &self.free);
        problems.extend(config_problems);
        let max_in_flight = self.max_in_flight(manifest, &mut problems);
        let pace = self.pace(manifest, &mut problems);
        if purpose == Purpose::Trade {
            problems.extend(self.real_money(manifest));
        }
        if mode == Mode::Backtest && !manifest.plugin.simulated {
            problems.push(Problem::NotSimulated {
                plugin: plugin.to_owned(),
            });
        }
        let secrets = match purpose {
            Purpose::Trade => self.secrets(manifest, &mut problems),
            Purpose::Look => Vec::new(),
        };
        ConfigError::of(problems)?;
        Ok(ValidatedPluginConfig {
            json: Json::Object(config).to_string(),
            secrets,
            max_in_flight,
            pace,
        })
    }

    fn max_in_flight(&self, manifest: &Manifest, problems: &mut Vec<Problem>) -> u32 {
        const MOST: u32 = 1024;
        let max = manifest.capabilities.max_in_flight;
        match self.max_in_flight {
            Some(wanted) if wanted > max => {
                problems.push(Problem::TooManyInFlight {
                    at: self.origin("worker.max_in_flight").clone(),
                    plugin: manifest.plugin.id.clone(),
                    wanted,
                    max,
                });
                wanted
            }
            Some(wanted) => wanted,
            None => max.clamp(1, MOST),
        }
    }

    fn pace(&self, manifest: &Manifest, problems: &mut Vec<Problem>) -> Pace {
        let origin = self.origin("run.pace");
        if manifest.plugin.simulated {
            return self.run.pace;
        }
        if self.run.pace == Pace::Virtual && *origin != Origin::Default {
            problems.push(Problem::Conflict {
                at: origin.clone(),
                key: "run.pace".to_owned(),
                reason: format!(
                    "virtual time is for simulated venues, and the plugin `{}` is none; \
                     use `realtime`",
                    manifest.plugin.id
                ),
            });
        }
        Pace::Realtime
    }

    fn real_money(&self, manifest: &Manifest) -> Option<Problem> {
        let missing = match (self.live.flag, self.live.word) {
            _ if !manifest.plugin.real_money => return None,
            (true, true) => return None,
            (true, false) => {
                "if that is meant, add `live = true` to the configuration file (or INVESTBOT_LIVE=true)"
            }
            (false, true) => "if that is meant, add the flag --live",
            (false, false) => {
                "if that is meant, add the flag --live, and `live = true` to the configuration file \
                 (or INVESTBOT_LIVE=true)"
            }
        };
        Some(Problem::RealMoney {
            plugin: manifest.plugin.id.clone(),
            missing,
        })
    }

    /// Where each secret that a manifest names comes from; `None` for one that nobody gives. No value is looked at.
    #[must_use]
    pub fn secret_origins<'m>(
        &self,
        manifest: &'m Manifest,
    ) -> Vec<(&'m SecretSpec, Option<Origin>)> {
        let places = self.secret_places(manifest);
        let secrets = manifest.secrets.iter();
        secrets
            .map(|spec| (spec, places.origin_of(spec).cloned()))
            .collect()
    }

    fn secret_places<'a>(&'a self, manifest: &'a Manifest) -> Places<'a> {
        Places {
            env: &self.env,
            dotenv: &self.dotenv,
            directory: &self.directory,
            secrets: &manifest.secrets,
        }
    }

    fn secrets(
        &self,
        manifest: &Manifest,
        problems: &mut Vec<Problem>,
    ) -> Vec<(String, SecretString)> {
        let places = self.secret_places(manifest);
        let mut secrets = Vec::new();
        for spec in &manifest.secrets {
            match places.look_up(&manifest.plugin.id, spec) {
                Ok(Some(secret)) => secrets.push((spec.env.clone(), secret)),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        secrets
    }
}

/// Whether a variable that looked unknown is one that the manifest names.
fn is_secret_of(manifest: &Manifest, problem: &Problem) -> bool {
    let Problem::UnknownVariable { name, .. } = problem else {
        return false;
    };
    let plain = name.strip_suffix("_FILE").unwrap_or(name);
    manifest
        .secrets
        .iter()
        .any(|spec| spec.env == plain || spec.env == *name)
}
