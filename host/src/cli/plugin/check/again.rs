//! `--reproduce`: the failed tests of an earlier check, once more and in the same way.

use std::path::Path;

use serde_json::Value as Json;

use super::CheckArgs;
use crate::cli::terminal::{fail, say};
use crate::exit::ExitCode;
use crate::plugin::Plugin;
use crate::plugin::conformance::result::CheckResult;
use crate::plugin::conformance::tests;

/// What was asked for then, with all that is said now about where the plugin is; or the end, which was told.
pub(super) fn arguments(
    now: &CheckArgs,
    file: &Path,
) -> Result<(CheckArgs, CheckResult), ExitCode> {
    let earlier = CheckResult::read(file, "--reproduce")
        .map_err(|error| fail(error, ExitCode::ConfigOrData))?;
    let bad: Vec<String> = earlier.bad().map(|test| test.id.clone()).collect();
    if bad.is_empty() {
        say(format_args!("nothing failed in {}", file.display()));
        return Err(ExitCode::Ok);
    }
    let known = tests();
    if let Some(gone) = bad
        .iter()
        .find(|id| !known.iter().any(|test| test.id == **id))
    {
        let text = format!(
            "there is no test `{gone}` any more\n  hint: {} is by investbot {}; check the plugin again with --result",
            file.display(),
            earlier.host
        );
        return Err(fail(text, ExitCode::ConfigOrData));
    }
    let asked = &earlier.asked;
    let mut args = now.clone();
    args.plugin.get_or_insert_with(|| asked.plugin.clone());
    args.limit.get_or_insert(asked.limit_s);
    args.only = bad;
    args.seed = asked.seed;
    args.instrument.clone_from(&asked.instrument);
    args.set = asked
        .config
        .iter()
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    Ok((args, earlier))
}

/// As `--set` takes it.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Says so if the library is another one than was checked then.
pub(super) fn compare(earlier: &CheckResult, plugin: &Plugin) {
    if earlier.is_of(plugin) {
        return;
    }
    let then = &earlier.plugin;
    let now = &plugin.manifest().plugin;
    say(format_args!(
        "warning: {} is another file than the one that was checked\n  then: {} {}, sha256 {}\n  now: {} {}, sha256 {}",
        plugin.path().display(),
        then.id,
        then.version,
        then.sha256,
        now.id,
        now.version,
        plugin.sha256()
    ));
}
