//! `investbot plugin pin` and `unpin`.

use std::path::Path;

use serde::Serialize;

use super::{Common, FORMAT};
use crate::cli::terminal::fail;
use crate::exec::search_path;
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::plugin::Plugin;
use crate::plugin::belief::Belief;
use crate::plugin::conformance::result::{CheckResult, ResultError};
use crate::plugin::conformance::verdict::Conformance;
use crate::plugin::lock::{Lock, Pin};

/// Pins a plugin as its file is now, with what a check of it came to.
pub(super) fn pin(name: &str, result: Option<&Path>, common: &Common) -> ExitCode {
    let config = common.configure();
    let plugin = match Plugin::inspect(name, &search_path(&config), None) {
        Ok(plugin) => plugin,
        Err(error) => return fail(error, ExitCode::PluginRefused),
    };
    let mut lock = match Lock::read(&config.plugin.lock) {
        Ok(lock) => lock,
        Err(error) => return fail(error, ExitCode::ConfigOrData),
    };
    let mut pin = Pin::of(&plugin);
    let before = lock.pin(&pin.id).cloned();
    pin.conformance = match result.map(|file| conformance(&plugin, file)) {
        None => lock.conformance(&pin.id, &pin.sha256).cloned(),
        Some(Ok(found)) => Some(found),
        Some(Err(error)) => return fail(error, ExitCode::ConfigOrData),
    };
    lock.put(pin.clone());
    if let Err(error) = lock.write() {
        return fail(error, ExitCode::Unexpected);
    }
    let text = match before {
        Some(before) if before.sha256 == pin.sha256 => "was pinned already".to_owned(),
        Some(before) => format!(
            "pinned in the place of {} {}",
            before.version, before.sha256
        ),
        None => "pinned".to_owned(),
    };
    let Pin {
        id,
        version,
        sha256,
        ..
    } = &pin;
    let mut text = format!(
        "{id} {version} {sha256}: {text} ({})",
        lock.path().display()
    );
    if let Some(found) = &pin.conformance {
        text.push_str(&format!("\n  {found}"));
    }
    let belief = Belief::of(plugin.manifest(), &pin.sha256, &lock);
    if !belief.is_given() {
        text.push_str(
            "\n  its claims are not proven: orders at it are treated as at a venue of class E",
        );
    }
    if belief == Belief::Unchecked {
        text.push_str(&format!(
            "\n  hint: investbot plugin check {name} --result FILE, then investbot plugin pin {name} --result FILE"
        ));
    }
    tell(common, "pinned", &pin, &text)
}

/// What a check of this plugin came to, from the file that it wrote.
fn conformance(plugin: &Plugin, file: &Path) -> Result<Conformance, ResultError> {
    let result = CheckResult::read(file, "--result")?;
    result.check_whole(file, plugin)?;
    Ok(Conformance::of(&result, &plugin.manifest().capabilities))
}

/// Takes a pin back.
pub(super) fn unpin(id: &str, common: &Common) -> ExitCode {
    let config = common.configure();
    let mut lock = match Lock::read(&config.plugin.lock) {
        Ok(lock) => lock,
        Err(error) => return fail(error, ExitCode::ConfigOrData),
    };
    let Some(pin) = lock.pin(id).cloned() else {
        let text = format!(
            "no plugin `{id}` is pinned in {}\n  hint: investbot plugin list shows which are",
            lock.path().display()
        );
        return fail(text, ExitCode::Usage);
    };
    lock.remove(id);
    if let Err(error) = lock.write() {
        return fail(error, ExitCode::Unexpected);
    }
    let text = format!("{id} is not pinned any more ({})", lock.path().display());
    tell(common, "unpinned", &pin, &text)
}

fn tell(common: &Common, kind: &'static str, pin: &Pin, text: &str) -> ExitCode {
    let mut out = Output::stdout();
    let print = |out: &mut Output| -> Result<(), OutputError> {
        if common.json {
            out.header_of(FORMAT)?;
            let line = Line { kind, pin };
            out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
        } else {
            out.line(text)?;
        }
        out.flush()
    };
    match print(&mut out) {
        Ok(()) => ExitCode::Ok,
        Err(error) => fail(error, ExitCode::Unexpected),
    }
}

/// What was done, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    #[serde(flatten)]
    pin: &'a Pin,
}
