//! `investbot plugin list`.

use investbot_plugin_api::manifest::VenueClass;
use serde::Serialize;

use super::{Common, FORMAT};
use crate::cli::terminal::{fail, say};
use crate::exec::search_path;
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::observe::table::grid;
use crate::plugin::belief::Belief;
use crate::plugin::catalog::{Listed, list};
use crate::plugin::lock::Lock;
use crate::plugin::{About, LoadError, SearchPath};

/// Lists the plugins.
pub(super) fn run(common: &Common) -> ExitCode {
    let config = common.configure();
    let lock = match Lock::read(&config.plugin.lock) {
        Ok(lock) => lock,
        Err(error) => return fail(error, ExitCode::ConfigOrData),
    };
    let search = search_path(&config);
    let plugins = list(&search);
    let mut out = Output::stdout();
    let printed = if common.json {
        print_json(&mut out, &plugins, &lock)
    } else {
        print(&mut out, &plugins, &lock)
    };
    if let Err(error) = printed {
        return fail(error, ExitCode::Unexpected);
    }
    if !common.json {
        explain(&plugins, &search);
    }
    ExitCode::Ok
}

fn print(out: &mut Output, plugins: &[Listed], lock: &Lock) -> Result<(), OutputError> {
    if plugins.is_empty() {
        out.line("no plugins")?;
    } else {
        let headings = ["name", "version", "class", "money", "pinned", "file"];
        out.line(&grid(
            headings,
            plugins.iter().map(|listed| row(listed, lock)),
        ))?;
    }
    out.flush()
}

fn row(listed: &Listed, lock: &Lock) -> [String; 6] {
    let mut file = listed.path.display().to_string();
    if let Err(error) = &listed.about {
        file.push_str(&format!(" (refused: {})", error.code()));
    } else if listed.shadowed_by.is_some() {
        file.push_str(" (hidden)");
    }
    let name = listed.name.clone();
    match &listed.about {
        Ok(about @ About { manifest, .. }) => [
            name,
            manifest.plugin.version.clone(),
            class(about, lock),
            money(manifest.plugin.real_money).to_owned(),
            pinned(about, lock).to_owned(),
            file,
        ],
        Err(_) => {
            let none = || "-".to_owned();
            [name, none(), none(), none(), none(), file]
        }
    }
}

/// What orders are treated as.
fn believed(
    About {
        manifest, sha256, ..
    }: &About,
    lock: &Lock,
) -> VenueClass {
    Belief::of(manifest, sha256, lock).class(&manifest.capabilities)
}

/// The same, and what it claims to be if that is not believed.
fn class(about: &About, lock: &Lock) -> String {
    let (believed, claimed) = (believed(about, lock), about.manifest.capabilities.class());
    if believed == claimed {
        claimed.to_string()
    } else {
        format!("{believed}, not {claimed}")
    }
}

/// Whether orders cost something.
pub(super) const fn money(is_real: bool) -> &'static str {
    if is_real { "real" } else { "simulated" }
}

/// Whether the file is the one that is pinned.
pub(super) fn pinned(about: &About, lock: &Lock) -> &'static str {
    match lock.pin(&about.manifest.plugin.id) {
        None => "no",
        Some(pin) if pin.sha256.eq_ignore_ascii_case(&about.sha256) => "yes",
        Some(_) => "another file",
    }
}

/// What the table has no room for.
fn explain(plugins: &[Listed], search: &SearchPath) {
    for listed in plugins {
        if let Some(first) = &listed.shadowed_by {
            say(format_args!(
                "{} is hidden: the name `{}` finds {} first",
                listed.path.display(),
                listed.name,
                first.display()
            ));
        }
        if let Err(error) = &listed.about {
            say(error);
        }
    }
    if plugins.is_empty() {
        for (dir, origin) in search.dirs() {
            say(format_args!("searched {} ({origin})", dir.display()));
        }
        say("hint: name a directory with --plugin-dir");
    }
}

fn print_json(out: &mut Output, plugins: &[Listed], lock: &Lock) -> Result<(), OutputError> {
    out.header_of(FORMAT)?;
    for listed in plugins {
        let about = listed.about.as_ref();
        let line = Line {
            kind: "plugin",
            name: &listed.name,
            file: listed.path.display().to_string(),
            found_by: listed.origin.to_string(),
            shadowed_by: listed.shadowed_by.as_ref().map(|p| p.display().to_string()),
            id: about.ok().map(|about| about.manifest.plugin.id.as_str()),
            version: about
                .ok()
                .map(|about| about.manifest.plugin.version.as_str()),
            class: about
                .ok()
                .map(|about| about.manifest.capabilities.class().as_str()),
            runs_as: about.ok().map(|about| believed(about, lock).as_str()),
            real_money: about.ok().map(|about| about.manifest.plugin.real_money),
            sha256: about.ok().map(|about| about.sha256.as_str()),
            pinned: about.ok().map(|about| pinned(about, lock)),
            refused: about.err().map(LoadError::code),
        };
        out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
    }
    out.flush()
}

/// A plugin, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    name: &'a str,
    file: String,
    found_by: String,
    shadowed_by: Option<String>,
    id: Option<&'a str>,
    version: Option<&'a str>,
    /// What it claims to be.
    class: Option<&'static str>,
    /// What orders are treated as.
    runs_as: Option<&'static str>,
    real_money: Option<bool>,
    sha256: Option<&'a str>,
    pinned: Option<&'static str>,
    refused: Option<&'static str>,
}
