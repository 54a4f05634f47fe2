//! Loading and opening: with what the manifest asks for, and with what it does not.

use investbot_plugin_api::{Effect, ErrorKind, OpenParams};

use super::{Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::{LoadError, Venue as _};

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "loading.open",
        "it opens with its defaults",
        "Maps the library and opens an adapter with the configuration as checked against the manifest.",
        |subject| match subject.open_as(&subject.params("venue")) {
            Ok(_) => Ok(()),
            Err(error) => failed(error.to_string()),
        },
    ),
    Test::new(
        "loading.two-at-once",
        "two adapters in one process do not disturb each other",
        "Opens two with directories of their own, and uses the first after the second was dropped.",
        two_at_once,
    ),
    Test::new(
        "loading.config-missing",
        "a configuration without its keys is refused with a text",
        "Opens it with {}. A plugin that needs a key says which; one that needs none opens.",
        |subject| bad_config(subject, "{}"),
    ),
    Test::new(
        "loading.config-garbage",
        "a configuration that is no JSON is refused with a text",
        "The host never sends one; a plugin that crashes on it crashes on other things too.",
        |subject| bad_config(subject, "{\"\u{0}"),
    ),
    Test::new(
        "loading.config-types",
        "values of another type are refused with a text",
        "Opens it with a list in the place of every value.",
        |subject| {
            let keys = subject.manifest().config.keys();
            let pairs: Vec<String> = keys.map(|key| format!("\"{key}\":[[]]")).collect();
            bad_config(subject, &format!("{{{}}}", pairs.join(",")))
        },
    ),
    Test::new(
        "loading.secret-missing",
        "a missing secret is named",
        "Opens it without secrets: the refusal has to name one, as the user has to set it.",
        secret_missing,
    ),
    Test::new(
        "loading.unwritable-directory",
        "a directory that cannot be used is refused with a text",
        "Gives it a file where its directory should be.",
        unwritable,
    ),
];

fn two_at_once(subject: &Subject<'_>) -> Verdict {
    let first = subject.open_keeping("first", investbot_plugin_api::UnixNanos(0))?;
    let second = subject.open_keeping("second", investbot_plugin_api::UnixNanos(0))?;
    let order = second.taker(investbot_plugin_api::Side::Buy);
    second.taken_up(&order)?;
    drop(second);
    if subject.manifest().plugin.simulated {
        let known = first.state(&order.client_order_id)?;
        ensure(known.is_none(), || {
            "one venue knows an order of the other".to_owned()
        })?;
    }
    first.read("health", |venue| venue.health()).map(drop)
}

/// An open that may be refused, and has to be refused well.
fn bad_config(subject: &Subject<'_>, config: &str) -> Verdict {
    refused_well(subject, &subject.params_with(config.to_owned(), "venue"))
}

fn refused_well(subject: &Subject<'_>, params: &OpenParams) -> Verdict {
    match subject.open_as(params) {
        Ok(_) => Ok(()),
        Err(LoadError::OpenFailed { error, .. }) => {
            ensure(error.effect == Effect::NotSent, || {
                format!("its effect is {}: nothing can have been sent", error.effect)
            })?;
            let expected = [ErrorKind::Config, ErrorKind::Auth];
            ensure(expected.contains(&error.kind), || {
                format!(
                    "its kind is {}, expected config or auth: {}",
                    error.kind, error.message
                )
            })?;
            ensure(!error.message.trim().is_empty(), || {
                "it has no text".to_owned()
            })
        }
        Err(error) => failed(error.to_string()),
    }
}

fn secret_missing(subject: &Subject<'_>) -> Verdict {
    let required = subject
        .manifest()
        .secrets
        .iter()
        .filter(|secret| !secret.optional);
    let names: Vec<&str> = required.map(|secret| secret.env.as_str()).collect();
    if names.is_empty() {
        return skipped("it needs no secrets");
    }
    let mut params = OpenParams::new(subject.setup.config.clone());
    params.instruments = vec![subject.setup.symbol.clone()];
    match subject.open_as(&params) {
        Ok(_) => failed("it opened without"),
        Err(LoadError::OpenFailed { error, .. }) => {
            let named = names.iter().any(|name| error.message.contains(name));
            ensure(named, || {
                format!("the refusal names no secret: {}", error.message)
            })
        }
        Err(error) => failed(error.to_string()),
    }
}

fn unwritable(subject: &Subject<'_>) -> Verdict {
    let file = subject.setup.dir.join("file");
    if let Err(error) = std::fs::write(&file, "no directory") {
        return skipped(format!("a file cannot be made: {error}"));
    }
    refused_well(subject, &subject.params("file"))
}
