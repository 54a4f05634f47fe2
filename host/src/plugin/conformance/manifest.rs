//! What the manifest says, beyond what the host refuses outright.

use investbot_plugin_api::OrderType;
use investbot_plugin_api::manifest::{Deadline, Dedupe};

use super::{Subject, Test, Verdict, ensure};
use crate::plugin::ApiVersion;

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "manifest.description",
        "the plugin says in one line what it is",
        "Reads the description, which lists show.",
        |subject| {
            let text = &subject.manifest().plugin.description;
            ensure((10..=120).contains(&text.len()), || {
                format!(
                    "the description has {} bytes; 10 to 120 fit a list",
                    text.len()
                )
            })
        },
    ),
    Test::new(
        "manifest.requires-api",
        "it does not need a newer API than it was built with",
        "Compares requires_api with the version in the file: a plugin cannot use what it did not know.",
        |subject| {
            let built = subject.setup.plugin.api();
            let required = subject.manifest().plugin.requires_api.parse::<ApiVersion>();
            ensure(required.is_ok_and(|required| required <= built), || {
                format!(
                    "requires_api is {}, and it was built with {built}",
                    subject.manifest().plugin.requires_api
                )
            })
        },
    ),
    Test::new(
        "manifest.config-help",
        "every configuration key is explained",
        "A key without a help text is one that users guess at.",
        |subject| {
            let mut keys = subject.manifest().config.iter();
            match keys.find(|(_, key)| key.help.len() < 10) {
                Some((name, _)) => {
                    super::failed(format!("config.{name} has no help worth the name"))
                }
                None => Ok(()),
            }
        },
    ),
    Test::new(
        "manifest.secrets-help",
        "every secret says where to get it",
        "A user who is asked for a secret has to know where it is made.",
        |subject| {
            let mut secrets = subject.manifest().secrets.iter();
            match secrets.find(|secret| secret.help.len() < 10) {
                Some(secret) => super::failed(format!("{} has no help worth the name", secret.env)),
                None => Ok(()),
            }
        },
    ),
    Test::new(
        "manifest.money",
        "it is not simulated and real at once",
        "Simulated venues take time and market from the host; no real one can.",
        |subject| {
            let info = &subject.manifest().plugin;
            ensure(!(info.simulated && info.real_money), || {
                "both simulated and real_money are true".to_owned()
            })
        },
    ),
    Test::new(
        "manifest.order-types",
        "market or limit orders can be sent",
        "A venue that takes neither cannot be traded on.",
        |subject| {
            let basic = subject.takes(OrderType::Market) || subject.takes(OrderType::Limit);
            ensure(basic, || {
                "order_types has neither market nor limit".to_owned()
            })
        },
    ),
    Test::new(
        "manifest.order-fields",
        "the order fields are ones that exist",
        "An unknown name claims nothing, and is most likely a slip.",
        |subject| {
            let fields = &subject.capabilities().order_fields;
            let known = |field: &&String| !["post_only", "reduce_only"].contains(&field.as_str());
            match fields.iter().find(known) {
                Some(field) => {
                    super::failed(format!("order_fields has `{field}`, which no order has"))
                }
                None => Ok(()),
            }
        },
    ),
    Test::new(
        "manifest.times",
        "the claimed times make sense together",
        "A clock that is off by more than the deadline, or a window shorter than a request takes, claims nothing.",
        times,
    ),
];

fn times(subject: &Subject<'_>) -> Verdict {
    let capabilities = subject.capabilities();
    if let Deadline::Enforced { max_ms, skew_ms } = capabilities.deadline {
        ensure(skew_ms < max_ms, || {
            format!(
                "the clock may be off by {skew_ms} ms, and the farthest deadline is {max_ms} ms away"
            )
        })?;
    }
    if let Dedupe::Window { window_ms } = capabilities.dedupe {
        const SHORTEST: u64 = 2_000;
        ensure(window_ms >= SHORTEST, || {
            format!(
                "a window of {window_ms} ms is over before an answer can be missed; {SHORTEST} at least"
            )
        })?;
    }
    Ok(())
}
