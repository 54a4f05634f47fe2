//! The configuration of a run, typed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::error::ConfigError;
use super::layers::{Layers, StartedLayer};
use super::origin::Origin;
use super::parse::{Given, Value, from_text, parse};
use super::problem::{Problem, excerpt, sentence};
use super::setting::Kind;
use super::table::SETTINGS;
use super::typed::{
    Bars, Exchange, IntentSource, Live, Log, LogFormat, Output, PluginSearch, Reconcile, Retry,
    Risk, Run, Strategy,
};
use super::values::Values;
use super::variables::Variables;

/// The configuration of a run.
///
/// It always exists: a value that is wrong leaves a [`Problem`] and gives way to its default, so that
/// the plugin that was chosen can be found and its manifest asked, and all mistakes shown together.
/// Use it for work only after [`validate_for`](Self::validate_for).
#[derive(Debug)]
pub struct RuntimeConfig {
    /// The venue.
    pub exchange: Exchange,
    /// Where its plugin is looked for.
    pub plugin: PluginSearch,
    /// The bars.
    pub bars: Bars,
    /// The intents that take the place of a strategy.
    pub intents: Option<IntentSource>,
    /// The strategy.
    pub strategy: Strategy,
    /// The limits.
    pub risk: Risk,
    /// How many orders may be under way at once; `None` for as many as the plugin takes.
    pub max_in_flight: Option<u32>,
    /// The retries.
    pub retry: Retry,
    /// How long callers' ids are remembered in memory.
    pub store_ttl: Duration,
    /// How the books are compared with the venue.
    pub reconcile: Reconcile,
    /// The run itself.
    pub run: Run,
    /// Whether real money may be spent.
    pub live: Live,
    /// What is written to the terminal.
    pub output: Output,
    /// What is logged.
    pub log: Log,
    pub(super) effective: BTreeMap<&'static str, Effective>,
    pub(super) free: BTreeMap<String, Given>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) env: Variables,
    pub(super) dotenv: Variables,
    pub(super) directory: PathBuf,
}

/// The value of a setting that counts, and where it is from.
#[derive(Clone, Debug)]
pub(super) struct Effective {
    pub(super) value: Option<Value>,
    pub(super) origin: Origin,
}

impl RuntimeConfig {
    /// Takes the strongest value of each setting. Mistakes wait for
    /// [`validate_for`](Self::validate_for) or [`check`](Self::check).
    #[must_use]
    pub fn resolve(layers: Layers) -> Self {
        let Layers {
            given,
            mut problems,
            mut warnings,
            env,
            dotenv,
            directory,
            started,
        } = layers;
        let started_with = |key: &str| started.as_ref()?.given.get(key);
        let mut effective = BTreeMap::new();
        for setting in SETTINGS.iter().filter(|s| s.kind != Kind::Table) {
            let now = given.get(setting.key).and_then(|given| given.first());
            let written = now.or_else(|| started_with(setting.key));
            let value = written.map(|given| parse(setting.kind, setting.key, given));
            let (value, origin) = match (value, written) {
                (Some(Ok(value)), Some(given)) => (Some(value), given.origin.clone()),
                (value, _) => {
                    problems.extend(value.and_then(Result::err));
                    let default = setting
                        .default
                        .and_then(|text| from_text(setting.kind, text));
                    (default, Origin::Default)
                }
            };
            effective.insert(setting.key, Effective { value, origin });
        }
        let words = given.get("live").map_or(&[][..], Vec::as_slice);
        let live = live(words, started_with("live"), &mut problems);
        effective.insert("live", Effective::of_live(live, &effective));
        if let Some(started) = &started {
            let differences = started.differences(&given, live);
            problems.extend(differences.refused);
            warnings.extend(differences.allowed);
        }
        let free = free_keys(given, started);
        let values = Values(&effective);
        let config = Self {
            exchange: values.exchange(),
            plugin: values.plugin(),
            bars: values.bars(),
            intents: values.opt_text("intents").map(|text| match text {
                "-" => IntentSource::Stdin,
                path => IntentSource::File(path.into()),
            }),
            strategy: Strategy {
                name: values.text("strategy.name"),
                params: params(&free, &mut problems),
            },
            risk: values.risk(),
            max_in_flight: values.opt_u32("worker.max_in_flight"),
            retry: Retry {
                base: values.millis("retry.base_ms"),
                cap: values.millis("retry.cap_ms"),
                max_attempts: values.opt_u32("retry.max_attempts").unwrap_or(1),
            },
            store_ttl: Duration::from_secs(values.whole("store.ttl_s")),
            reconcile: Reconcile {
                interval: Some(Duration::from_secs(values.whole("reconcile.interval_s")))
                    .filter(|interval| !interval.is_zero()),
                strict: values.text("reconcile.on_difference") == "stop",
            },
            run: values.run(),
            live,
            output: values.output(),
            log: Log {
                filter: values.text("log.level"),
                format: match values.opt_text("log.format") {
                    Some("json") => LogFormat::Json,
                    _ => LogFormat::Text,
                },
            },
            effective,
            free,
            problems,
            warnings,
            env,
            dotenv,
            directory,
        };
        config.with_cross_checks()
    }

    /// The mistakes that show without a manifest: for commands that need none, and for the moment when
    /// no plugin could be found.
    pub fn check(&self) -> Result<(), ConfigError> {
        ConfigError::of(self.problems.clone())
    }

    /// What is strange, but no mistake.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Where the value of a key is from; for keys below `exchange.config` and `strategy.params` too.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.effective
            .get(key)
            .map(|effective| &effective.origin)
            .or_else(|| self.free.get(key).map(|given| &given.origin))
            .unwrap_or(&Origin::Default)
    }

    /// Adds a mistake that the owner of a value found, such as a strategy about `strategy.params.fast`.
    /// `reason` is a sentence without a capital and full stop.
    pub fn reject(&mut self, key: &str, reason: &str) {
        self.problems.push(Problem::Conflict {
            at: self.origin(key).clone(),
            key: key.to_owned(),
            reason: sentence(reason),
        });
    }

    fn with_cross_checks(mut self) -> Self {
        if self.retry.base > self.retry.cap {
            let key = match self.origin("retry.base_ms") {
                Origin::Default => "retry.cap_ms",
                _ => "retry.base_ms",
            };
            self.reject(key, "retry.base_ms must not be greater than retry.cap_ms");
        }
        if let (Some(from), Some(to)) = (self.bars.from, self.bars.to)
            && from >= to
        {
            self.reject("bars.from", "bars.from must be earlier than bars.to");
        }
        self
    }
}

impl Effective {
    /// Real money needs two words; what is shown is whether both were given.
    fn of_live(live: Live, effective: &BTreeMap<&'static str, Self>) -> Self {
        Self {
            value: Some(Value::Switch(live.flag && live.word)),
            origin: effective
                .get("live")
                .map_or(Origin::Default, |e| e.origin.clone()),
        }
    }
}

/// The one setting in which a flag does not take the place of the other layers.
fn live(given: &[Given], started: Option<&Given>, problems: &mut Vec<Problem>) -> Live {
    let is_flag = |given: &&Given| matches!(given.origin, Origin::Flag(_));
    let mut read = |given: Option<&Given>, strongest: bool| match given
        .map(|given| parse(Kind::Switch, "live", given))
    {
        Some(Ok(value)) => value == Value::Switch(true),
        Some(Err(problem)) if !strongest => {
            problems.push(problem);
            false
        }
        // The strongest value was read already, and its mistake told.
        Some(Err(_)) | None => false,
    };
    let flag = given.iter().find(is_flag);
    let word = given.iter().find(|given| !is_flag(given));
    // Whoever said both when the run was started has said them.
    Live {
        flag: read(flag.or(started), true),
        word: read(word.or(started), flag.is_none()),
    }
}

/// The keys of the free tables, each with its strongest value.
fn free_keys(
    given: BTreeMap<String, Vec<Given>>,
    started: Option<StartedLayer>,
) -> BTreeMap<String, Given> {
    let now = given
        .into_iter()
        .filter_map(|(key, given)| Some((key, given.into_iter().next()?)));
    let mut free: BTreeMap<_, _> = started.map(|started| started.given).unwrap_or_default();
    free.extend(now);
    free.retain(|key, _| super::table::setting(key).is_none());
    free
}

/// The parameters of the strategy, as text.
fn params(free: &BTreeMap<String, Given>, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    for (key, given) in free {
        let Some(name) = key.strip_prefix("strategy.params.") else {
            continue;
        };
        match given.written.scalar() {
            Some(text) => {
                params.insert(name.to_owned(), text);
            }
            None => problems.push(Problem::WrongType {
                at: given.origin.clone(),
                key: excerpt(key),
                found: given.written.type_name(),
                expected: "string, integer, float or boolean",
            }),
        }
    }
    params
}
