//! Bytes that are no request. The host of this version sends none; a later one may send what this plugin does not know.

use investbot_plugin_api::op::{CallHeader, Frame, Operation};
use investbot_plugin_api::{AdapterError, Effect, ErrorKind, Side, codec};
use sha2::{Digest as _, Sha256};

use super::{Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::{PluginVenue, Venue as _};

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "garbage.unknown-operation",
        "an operation that it does not know is unsupported",
        "Names that later versions may have, and names that nobody will.",
        |subject| {
            let session = subject.open()?;
            for op in ["place_twice", "", "\u{0}", "PLACE", &"x".repeat(10_000)] {
                let error = answer(&session.venue, op, &[])?;
                ensure(
                    error.is_some_and(|error| error.kind == ErrorKind::Unsupported),
                    || "it did not answer unsupported".to_owned(),
                )?;
            }
            Ok(())
        },
    ),
    Test::new(
        "garbage.empty",
        "an empty request is an error of the protocol",
        "Every operation, with no bytes at all.",
        |subject| each(subject, |_| vec![Vec::new()]),
    ),
    Test::new(
        "garbage.random",
        "random bytes are an error of the protocol",
        "Every operation, with a hundred requests drawn from the seed.",
        |subject| {
            let seed = subject.setup.seed;
            each(subject, move |op| {
                (0..100).map(|n| random(seed, op, n)).collect()
            })
        },
    ),
    Test::new(
        "garbage.cut",
        "a request that is cut short is an error of the protocol",
        "A good order, cut at every byte. None of them may be taken for the order.",
        |subject| {
            let session = subject.open()?;
            let frame = order_frame(&session);
            for length in 0..frame.len() {
                let error = answer(&session.venue, "place", &frame[..length])?;
                ensure(error.is_some(), || {
                    format!("{length} of {} bytes were taken", frame.len())
                })?;
            }
            Ok(())
        },
    ),
    Test::new(
        "garbage.flipped",
        "a request with a flipped bit does not crash it",
        "A good order with each of its bits flipped, sent once each.",
        |subject| {
            let session = subject.open()?;
            let frame = order_frame(&session);
            for bit in 0..frame.len() * 8 {
                let mut damaged = frame.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                answer(&session.venue, "order", &damaged)?;
            }
            session.read("health", |venue| venue.health()).map(drop)
        },
    ),
    Test::new(
        "garbage.unknown-field",
        "an order with a field that it does not know is refused",
        "A reduce-only of the future that is ignored in silence loses money.",
        unknown_field,
    ),
    Test::new(
        "garbage.nested",
        "a request that is nested very deeply does not crash it",
        "Ten thousand arrays within each other.",
        |subject| {
            each(subject, |_| {
                vec![vec![0x81; 10_000], vec![0xA1; 10_000], vec![0xDB; 9]]
            })
        },
    ),
];

/// The error that an operation answers with, if it is one; a panic is a failure.
fn answer(
    venue: &PluginVenue,
    op: &str,
    body: &[u8],
) -> Result<Option<AdapterError>, super::Objection> {
    let Err(bytes) = venue.raw(op, body) else {
        return Ok(None);
    };
    match codec::from_slice::<AdapterError>(&bytes) {
        Ok(error) if matches!(error.kind, ErrorKind::Panicked | ErrorKind::Poisoned) => {
            failed(format!("`{op}` {}", error.message))
        }
        Ok(error) => Ok(Some(error)),
        Err(error) => failed(format!("`{op}` answered with what is no error: {error}")),
    }
}

/// Sends bodies that are no requests to every operation but the one that ends the session.
fn each(subject: &Subject<'_>, bodies: impl Fn(Operation) -> Vec<Vec<u8>>) -> Verdict {
    let session = subject.open()?;
    let operations = Operation::ALL
        .iter()
        .filter(|op| **op != Operation::Shutdown);
    for op in operations {
        for body in bodies(*op) {
            let error = answer(&session.venue, op.as_str(), &body)?;
            let Some(error) = error else { continue };
            ensure(error.effect != Effect::Unknown, || {
                format!(
                    "`{}` was not understood, and its effect is unknown",
                    op.as_str()
                )
            })?;
        }
    }
    session.read("health", |venue| venue.health()).map(drop)
}

fn random(seed: u64, op: Operation, number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in 0..number % 8 + 1 {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(op.as_str());
        hash.update(number.to_be_bytes());
        hash.update(block.to_be_bytes());
        bytes.extend_from_slice(&hash.finalize());
    }
    bytes
}

fn order_frame(session: &super::subject::Session<'_>) -> Vec<u8> {
    codec::to_vec(&Frame {
        header: CallHeader {
            call_id: 1,
            deadline: None,
        },
        body: session.taker(Side::Buy),
    })
}

fn unknown_field(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let order = session.taker(Side::Buy);
    let good = codec::to_vec(&order);
    let Some(fields) = good.first().filter(|head| (0xA0..0xB7).contains(*head)) else {
        return skipped("the encoding of an order is another one in this host");
    };
    // A map with one more field: number 99, true.
    let mut body = vec![fields + 1];
    body.extend_from_slice(&good[1..]);
    body.extend_from_slice(&[0x18, 99, 0xF5]);
    let header = codec::to_vec(&CallHeader {
        call_id: 1,
        deadline: None,
    });
    let frame = [&[0x82][..], &header, &body].concat();
    match answer(&session.venue, "place", &frame)? {
        None => failed("it took the order"),
        Some(error) => ensure(error.effect != Effect::Unknown, || {
            format!("it was not taken up, and its effect is {}", error.effect)
        }),
    }
}
