//! `investbot plugin info`.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use investbot_plugin_api::TARGET;
use investbot_plugin_api::manifest::{
    Capabilities, ConfigKey, ConfigValue, Deadline, Dedupe, Manifest, Query, VenueClass,
};
use serde::Serialize;

use super::list::{money, pinned};
use super::{Common, FORMAT};
use crate::cli::terminal::fail;
use crate::config::{Origin, RuntimeConfig};
use crate::exec::{isolation, search_path};
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::observe::table::grid;
use crate::plugin::belief::Belief;
use crate::plugin::catalog::list;
use crate::plugin::conformance::result::kit_id;
use crate::plugin::conformance::verdict::Conformance;
use crate::plugin::lock::Lock;
use crate::plugin::{About, LoadError, Plugin};

/// What is told of a plugin.
struct Told {
    file: PathBuf,
    about: About,
    /// The files that its name would find, if they came first, or finds instead of it.
    same_name: Vec<PathBuf>,
    /// Whether it is the file that is pinned.
    pinned: &'static str,
    /// Whether it gets a process of its own, as things are configured.
    isolated: bool,
    /// Which of its claims orders may rely on.
    belief: Belief,
    /// What a check of this file came to, if that is pinned.
    found: Option<Conformance>,
    /// By the name of the secret, in the manifest's order.
    secrets: Vec<(String, Option<Origin>)>,
}

/// Tells all about a plugin.
pub(super) fn run(name: &str, common: &Common) -> ExitCode {
    let config = common.configure();
    let lock = match Lock::read(&config.plugin.lock) {
        Ok(lock) => lock,
        Err(error) => return fail(error, ExitCode::ConfigOrData),
    };
    let told = match look_up(name, &config, &lock) {
        Ok(told) => told,
        Err(error) => return fail(error, ExitCode::PluginRefused),
    };
    let mut out = Output::stdout();
    let printed = if common.json {
        print_json(&mut out, &told)
    } else {
        print(&mut out, &told)
    };
    match printed {
        Ok(()) => ExitCode::Ok,
        Err(error) => fail(error, ExitCode::Unexpected),
    }
}

fn look_up(name: &str, config: &RuntimeConfig, lock: &Lock) -> Result<Told, LoadError> {
    let search = search_path(config);
    let plugin = Plugin::inspect(name, &search, None)?;
    let file = plugin.path().to_owned();
    let about = plugin.into_about();
    let listed = list(&search);
    let is_called = |called: &str| called == name || called == about.manifest.plugin.id;
    let same_name = listed
        .into_iter()
        .filter(|listed| is_called(&listed.name) && !is_same(&listed.path, &file))
        .map(|listed| listed.path)
        .collect();
    let secrets = config.secret_origins(&about.manifest);
    let secrets = secrets
        .into_iter()
        .map(|(spec, origin)| (spec.env.clone(), origin))
        .collect();
    Ok(Told {
        pinned: pinned(&about, lock),
        isolated: isolation(config, &about.manifest).is_some(),
        belief: Belief::of(&about.manifest, &about.sha256, lock),
        found: lock
            .conformance(&about.manifest.plugin.id, &about.sha256)
            .cloned(),
        file,
        about,
        same_name,
        secrets,
    })
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// What a person has to know of a class.
const fn after_unknown(class: VenueClass) -> &'static str {
    match class {
        VenueClass::A => "the same order is sent again; the venue knows it for a duplicate",
        VenueClass::B => {
            "the order's deadline is waited for, then the venue is asked: found is taken over, absent is sent again"
        }
        VenueClass::C => {
            "the venue is asked: found is taken over; not found is held for you, as it may be on its way still"
        }
        VenueClass::D => {
            "the open orders are looked through: found is taken over; not found proves nothing and is held for you"
        }
        _ => "nothing can be found out: the order is held for you",
    }
}

fn print(out: &mut Output, told: &Told) -> Result<(), OutputError> {
    let Manifest { plugin, config, .. } = &told.about.manifest;
    out.line(&format!(
        "{} {}: {}",
        plugin.id, plugin.version, plugin.description
    ))?;
    for (name, value) in facts(told) {
        out.line(&format!("  {name:<17} {value}"))?;
    }
    if config.is_empty() {
        out.line("\nIt has no configuration.")?;
    } else {
        out.line("\nConfiguration (--set KEY=VALUE, or [exchange.config] in investbot.toml):")?;
        let headings = ["key", "type", "default", "range", "what it is"];
        out.line(&grid(headings, config.iter().map(setting)))?;
    }
    if told.secrets.is_empty() {
        out.line("\nIt needs no secrets.")?;
    } else {
        out.line("\nSecrets (NAME or NAME_FILE, in the environment or in .env):")?;
        out.line(&grid(["name", "set", "what it is"], secrets(told)))?;
    }
    out.flush()
}

fn facts(told: &Told) -> Vec<(&'static str, String)> {
    let About {
        manifest,
        api,
        sha256,
    } = &told.about;
    let capabilities = &manifest.capabilities;
    let class = told.belief.class(capabilities);
    let mut facts = vec![
        ("file", told.file.display().to_string()),
        ("sha256", sha256.clone()),
        ("pinned", told.pinned.to_owned()),
        ("target", TARGET.to_owned()),
        (
            "plugin API",
            format!(
                "built with {api}, needs {} or newer",
                manifest.plugin.requires_api
            ),
        ),
        ("money", money(manifest.plugin.real_money).to_owned()),
        ("runs in", runs_in(told.isolated).to_owned()),
        ("venue class", venue_class(told)),
        ("after a timeout", after_unknown(class).to_owned()),
    ];
    facts.extend(claims(capabilities));
    for other in &told.same_name {
        facts.push(("same name", other.display().to_string()));
    }
    facts
}

const fn runs_in(isolated: bool) -> &'static str {
    if isolated {
        "a process of its own, which may do little"
    } else {
        "your own process, with all your rights; --isolate gives it one of its own"
    }
}

/// What orders are treated as, and why.
fn venue_class(told: &Told) -> String {
    let claimed = &told.about.manifest.capabilities;
    let class = told.belief.class(claimed);
    let why = match (&told.belief, &told.found) {
        (Belief::NothingClaimed, _) => String::new(),
        (Belief::Simulated, None) => ", if its claims are true".to_owned(),
        (_, Some(found)) => format!("; {found}{}", by(found)),
        (_, None) => "; no check of this file is pinned".to_owned(),
    };
    if told.belief.is_given() {
        format!("{class}{why}")
    } else {
        format!(
            "{class}, as its claims (class {}) are not proven{why}",
            claimed.class()
        )
    }
}

/// Which tests those were, if there are others now.
fn by(found: &Conformance) -> String {
    if found.kit == kit_id() {
        String::new()
    } else {
        format!(" (by investbot {}, whose tests were others)", found.host)
    }
}

/// What the venue can do, in words.
fn claims(capabilities: &Capabilities) -> Vec<(&'static str, String)> {
    let id = &capabilities.client_order_id;
    vec![
        ("order types", words(&capabilities.order_types)),
        ("times in force", words(&capabilities.times_in_force)),
        ("order fields", words(&capabilities.order_fields)),
        ("calls at once", capabilities.max_in_flight.to_string()),
        (
            "client order id",
            format!("{}, at most {} characters", id.charset, id.max_length),
        ),
        ("knows duplicates", dedupe(&capabilities.dedupe)),
        ("deadline", deadline(&capabilities.deadline)),
        ("can be asked", query(&capabilities.query)),
        ("definitive codes", words(&capabilities.definitive_codes)),
        (
            "session fence",
            if capabilities.session_fence {
                "a new session ends the one before, and all that is under way"
            } else {
                "none"
            }
            .to_owned(),
        ),
    ]
}

fn words<T: Display>(words: &[T]) -> String {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(", ")
    }
}

fn dedupe(dedupe: &Dedupe) -> String {
    match dedupe {
        Dedupe::Permanent => "for ever".to_owned(),
        Dedupe::Window { window_ms } => format!("for {window_ms} ms after the order"),
        Dedupe::OpenOnly => "among open orders only".to_owned(),
        _ => "no".to_owned(),
    }
}

fn deadline(deadline: &Deadline) -> String {
    match deadline {
        Deadline::Enforced { max_ms, skew_ms } => {
            format!("enforced, up to {max_ms} ms from now, its clock off by at most {skew_ms} ms")
        }
        _ => "none".to_owned(),
    }
}

fn query(query: &Query) -> String {
    match query {
        Query::ByClientId {
            includes_closed,
            visibility_lag_ms,
        } => {
            let which = if *includes_closed {
                "open and closed"
            } else {
                "open"
            };
            format!("{which} orders by client order id, {visibility_lag_ms} ms late at most")
        }
        Query::OpenOnly => "for its open orders".to_owned(),
        _ => "no".to_owned(),
    }
}

fn setting((name, key): (&String, &ConfigKey)) -> [String; 5] {
    let default = key.default.as_ref().map_or("required".to_owned(), value);
    let range = match (&key.min, &key.max) {
        _ if !key.one_of.is_empty() => key.one_of.join(", "),
        (Some(min), Some(max)) => format!("{} to {}", value(min), value(max)),
        (Some(min), None) => format!("{} or more", value(min)),
        (None, Some(max)) => format!("at most {}", value(max)),
        (None, None) => String::new(),
    };
    [
        name.clone(),
        key.kind.to_string(),
        default,
        range,
        key.help.clone(),
    ]
}

fn value(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Boolean(on) => on.to_string(),
        ConfigValue::Integer(number) => number.to_string(),
        ConfigValue::Text(text) => text.clone(),
        _ => "?".to_owned(),
    }
}

fn secrets(told: &Told) -> Vec<[String; 3]> {
    let specs = told.about.manifest.secrets.iter();
    specs
        .zip(&told.secrets)
        .map(|(spec, (_, origin))| {
            let set = match origin {
                Some(origin) => format!("yes: {origin}"),
                None if spec.optional => "no, and need not be".to_owned(),
                None => "no".to_owned(),
            };
            [spec.env.clone(), set, spec.help.clone()]
        })
        .collect()
}

fn print_json(out: &mut Output, told: &Told) -> Result<(), OutputError> {
    let About {
        manifest,
        api,
        sha256,
    } = &told.about;
    let class = manifest.capabilities.class();
    let runs_as = told.belief.class(&manifest.capabilities);
    let line = Line {
        kind: "plugin",
        file: told.file.display().to_string(),
        sha256,
        target: TARGET,
        pinned: told.pinned,
        api: api.to_string(),
        class: class.as_str(),
        runs_as: runs_as.as_str(),
        isolated: told.isolated,
        conformance: told.found.as_ref(),
        after_timeout: after_unknown(runs_as),
        same_name: told
            .same_name
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        secrets_set: told
            .secrets
            .iter()
            .filter(|(_, origin)| origin.is_some())
            .map(|(name, _)| name.as_str())
            .collect(),
        manifest,
    };
    out.header_of(FORMAT)?;
    out.line(&serde_json::to_string(&line).expect("a manifest is strings and numbers"))?;
    out.flush()
}

/// All about a plugin, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    file: String,
    sha256: &'a str,
    target: &'static str,
    pinned: &'static str,
    api: String,
    /// What it claims to be.
    class: &'static str,
    /// What orders are treated as.
    runs_as: &'static str,
    isolated: bool,
    conformance: Option<&'a Conformance>,
    after_timeout: &'static str,
    same_name: Vec<String>,
    secrets_set: Vec<&'a str>,
    manifest: &'a Manifest,
}
