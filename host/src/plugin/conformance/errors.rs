//! What is said when something does not go.

use investbot_plugin_api::{AmendOrder, Decimal, Effect, ErrorKind, ExposeSecret as _, Side};

use super::{Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::{Answer, Venue as _};

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "errors.refusal-is-definite",
        "a refusal that is certain is called one",
        "An order for what is not listed cannot live. If its effect is unknown, the host holds it and waits for a person.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.taker(Side::Buy);
            order.instrument = "NO-SUCH/THING".to_owned();
            match session.place(&order)? {
                Ok(report) => failed(format!("it was taken: {}", report.status)),
                Err(error) => ensure(error.effect != Effect::Unknown, || {
                    format!("its effect is {}", error.effect)
                }),
            }
        },
    ),
    Test::new(
        "errors.funds",
        "an order that the account cannot pay is refused as such",
        "Orders a billion times the usual quantity.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.taker(Side::Buy);
            order.quantity *= Decimal::from(1_000_000_000);
            match session.place(&order)? {
                Ok(_) => skipped("it takes orders that the account cannot pay"),
                Err(error) => {
                    let expected = [ErrorKind::InsufficientFunds, ErrorKind::InvalidOrder];
                    ensure(
                        expected.contains(&error.kind) && error.effect != Effect::Unknown,
                        || {
                            format!(
                                "kind {}, effect {}: {}",
                                error.kind, error.effect, error.message
                            )
                        },
                    )
                }
            }
        },
    ),
    Test::new(
        "errors.text",
        "a refusal has a text of one line",
        "It is shown to the user, and goes into the log.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.taker(Side::Buy);
            order.instrument = "NO-SUCH/THING".to_owned();
            match session.place(&order)? {
                Ok(report) => failed(format!("it was taken: {}", report.status)),
                Err(error) => ensure(
                    !error.message.trim().is_empty() && error.message.len() <= 500,
                    || format!("the text has {} bytes", error.message.len()),
                ),
            }
        },
    ),
    Test::new(
        "errors.no-secrets",
        "no answer has a secret in it",
        "Looks for the secrets that it was given in every text that it answers with.",
        no_secrets,
    ),
    Test::new(
        "errors.optional-amend",
        "what is not implemented says so: amend",
        "An operation that is not there answers unsupported, and has sent nothing.",
        |subject| {
            let session = subject.open()?;
            let order = AmendOrder::new(session.named(&subject.id()));
            optional("amend", &session.venue.amend(&order))
        },
    ),
    Test::new(
        "errors.reads-are-reads",
        "a failed read has no effect",
        "Asks for fills after a cursor that is none: whatever it answers, nothing was done at the venue.",
        |subject| {
            let session = subject.open()?;
            match session.venue.fills_since(Some("no such cursor")) {
                Ok(_) => skipped("it takes any cursor"),
                Err(error) => ensure(error.effect != Effect::Unknown, || {
                    format!("the effect of a read is {}", error.effect)
                }),
            }
        },
    ),
];

fn optional<T>(op: &str, answer: &Answer<T>) -> Verdict {
    match answer {
        Err(error) if error.kind == ErrorKind::Panicked => {
            failed(format!("`{op}` {}", error.message))
        }
        Err(error) if error.kind == ErrorKind::Unsupported => {
            ensure(error.effect == Effect::NotSent, || {
                format!(
                    "`{op}` is not supported, and its effect is {}",
                    error.effect
                )
            })
        }
        _ => Ok(()),
    }
}

fn no_secrets(subject: &Subject<'_>) -> Verdict {
    let secrets: Vec<&str> = subject
        .setup
        .secrets
        .iter()
        .map(|(_, value)| value.expose_secret())
        // A short one could be part of any text.
        .filter(|value| value.len() >= 6)
        .collect();
    if secrets.is_empty() {
        return skipped("it was given no secret of 6 characters or more");
    }
    let session = subject.open()?;
    let mut order = session.taker(Side::Buy);
    order.quantity = Decimal::ZERO;
    let mut texts = vec![
        format!("{:?}", session.venue.place(&order)),
        format!("{:?}", session.venue.order(&session.named(&subject.id()))),
        format!("{:?}", session.venue.open_orders()),
        format!("{:?}", session.venue.fills_since(Some("no such cursor"))),
        format!("{:?}", session.venue.health()),
    ];
    if let Err(error) = subject.open_as(&subject.params_with("{}".to_owned(), "other")) {
        texts.push(error.to_string());
    }
    let told = texts
        .iter()
        .any(|text| secrets.iter().any(|secret| text.contains(secret)));
    ensure(!told, || "a secret is in an answer".to_owned())
}
