//! Who an order is: its key, the digest of its parameters, and its client order id.
//!
//! All three are pure functions of the run's identity and the intent's place, so that a replay after a
//! crash gives the same ids and the venue can be asked about them.
//!
//! - Key: the first 128 bits of SHA-256 over (tag, run, stream, partition, place, index), each after its
//!   length, so that no two different tuples are the same bytes. The place is the position in the
//!   source, or the caller's own id under a tag of its own.
//! - Digest: the same over the order's parameters, decimals without trailing zeros.
//! - Client order id: a prefix of four characters that the run's orders share, then the key in the
//!   venue's characters. The prefix gives way where the length would leave fewer than 96 bits of key.
//!
//! With `b` bits of key, `n` orders collide with a probability of about `n² / 2^(b+1)`: below 1e-16 for a
//! million orders at 96 bits. The worst rule a manifest may state, 16 digits, leaves 53 bits: 6e-5 for a
//! million orders. The core refuses an order whose id is taken by another it still remembers.

use investbot_plugin_api::manifest::{ClientOrderIdRule, IdCharset};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::intent::OrderSpec;
use super::text;

const POSITION_TAG: &str = "investbot/order-key/position/1";
const CALLER_TAG: &str = "investbot/order-key/caller-id/1";
const DIGEST_TAG: &str = "investbot/order-digest/1";
const PREFIX_TAG: &str = "investbot/run-prefix/1";

/// The characters of the prefix that all orders of a run share.
const PREFIX_LENGTH: usize = 4;

/// Bits of the key that the prefix must leave room for.
const ENOUGH_BITS: u32 = 96;

/// What an order without a caller's id is known by: its place in the source. Places come in order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct SourcePlace {
    /// The n-th bar or line of the source, from 0.
    #[serde(with = "text")]
    pub position: u64,
    /// The n-th intent at that position, from 0.
    #[serde(with = "text")]
    pub index: u32,
}

/// What an id of a caller's became when it was first taken up. The core does not remember callers' ids,
/// of which there is no end: it is told with each intent what is known of its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The digest of the order's parameters.
    pub digest: SpecDigest,
    /// The order's client order id; `None` if the intent was denied.
    pub client_order_id: Option<String>,
}

/// Where in the source an intent came from, or the id its caller gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// The n-th bar or line of the source.
    Position(u64),
    /// The caller's own id.
    CallerId(&'a str),
}

/// The run, stream and partition that intents come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The run's id.
    pub run_id: String,
    /// The strategy's or stream's name.
    pub stream: String,
    /// The partition of the stream; 0 where there is only one.
    pub partition: u32,
}

/// An idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u128);

impl Key {
    /// The key of an intent: it is known by its caller's id, else by its place.
    #[must_use]
    pub fn of(origin: &Origin, id: Option<&str>, place: SourcePlace) -> Self {
        match id {
            Some(id) => Self::new(origin, Place::CallerId(id), 0),
            None => Self::new(origin, Place::Position(place.position), place.index),
        }
    }

    /// The key of the `index`-th intent at `place`.
    #[must_use]
    pub fn new(origin: &Origin, place: Place<'_>, index: u32) -> Self {
        let position;
        let (tag, place): (_, &[u8]) = match place {
            Place::Position(number) => {
                position = number.to_be_bytes();
                (POSITION_TAG, &position)
            }
            Place::CallerId(id) => (CALLER_TAG, id.as_bytes()),
        };
        let mut hash = Parts::new(tag);
        hash.add(origin.run_id.as_bytes());
        hash.add(origin.stream.as_bytes());
        hash.add(&origin.partition.to_be_bytes());
        hash.add(place);
        hash.add(&index.to_be_bytes());
        Self(hash.finish())
    }

    /// As 32 hex digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("{:032x}", self.0)
    }
}

/// The digest of an order's parameters: orders that mean the same have the same. Its text is 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SpecDigest(u128);

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no digest, which is 32 hex digits in lower case")]
pub struct NoDigest(String);

impl SpecDigest {
    /// The digest of `spec`.
    #[must_use]
    pub fn new(spec: &OrderSpec) -> Self {
        let decimal = |value: investbot_plugin_api::Decimal| value.normalize().to_string();
        let mut hash = Parts::new(DIGEST_TAG);
        hash.add(spec.instrument.as_bytes());
        hash.add(spec.side.as_str().as_bytes());
        hash.add(spec.order_type.as_str().as_bytes());
        hash.add(decimal(spec.quantity).as_bytes());
        // An absent price is no bytes at all, which no decimal is.
        for price in [spec.limit_price, spec.stop_price] {
            hash.add(price.map(decimal).unwrap_or_default().as_bytes());
        }
        hash.add(spec.time_in_force.as_str().as_bytes());
        hash.add(
            spec.expire_time
                .map(|time| time.0.to_string())
                .unwrap_or_default()
                .as_bytes(),
        );
        hash.add(&[u8::from(spec.post_only), u8::from(spec.reduce_only)]);
        Self(hash.finish())
    }

    /// As 32 hex digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("{:032x}", self.0)
    }
}

impl From<SpecDigest> for String {
    fn from(digest: SpecDigest) -> Self {
        digest.to_hex()
    }
}

impl TryFrom<String> for SpecDigest {
    type Error = NoDigest;

    fn try_from(text: String) -> Result<Self, NoDigest> {
        let digest = u128::from_str_radix(&text, 16).map(Self);
        match digest {
            Ok(digest) if digest.to_hex() == text => Ok(digest),
            _ => Err(NoDigest(text)),
        }
    }
}

/// Makes client order ids by a venue's rule.
#[derive(Clone, Debug)]
pub struct ClientOrderIds {
    alphabet: &'static [u8],
    prefix: String,
    body_length: usize,
}

impl ClientOrderIds {
    /// The ids of the run's orders under `rule`.
    #[must_use]
    pub fn new(run_id: &str, rule: &ClientOrderIdRule) -> Self {
        let alphabet = alphabet(rule.charset);
        let max_length = usize::try_from(rule.max_length).unwrap_or(usize::MAX);
        let enough = digits_for(alphabet, ENOUGH_BITS);
        let prefix_length = max_length.saturating_sub(enough).min(PREFIX_LENGTH);
        let body_length = digits_for(alphabet, u128::BITS).min(max_length - prefix_length);

        let mut hash = Parts::new(PREFIX_TAG);
        hash.add(run_id.as_bytes());
        // A dash makes a poor first character; the prefix does without.
        let letters = &alphabet[..alphabet.len().min(62)];
        Self {
            alphabet,
            prefix: encode(hash.finish(), letters, prefix_length),
            body_length,
        }
    }

    /// Whether an id may be one of the run's.
    #[must_use]
    pub fn is_ours(&self, id: &str) -> bool {
        let body = id.strip_prefix(&self.prefix);
        !self.prefix.is_empty() && body.is_some_and(|body| body.len() == self.body_length)
    }

    /// The client order id of `key`.
    #[must_use]
    pub fn id(&self, key: Key) -> String {
        let mut id = self.prefix.clone();
        id.push_str(&encode(key.0, self.alphabet, self.body_length));
        id
    }
}

fn alphabet(charset: IdCharset) -> &'static [u8] {
    const ALL: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    match charset {
        IdCharset::Hex => &ALL[..16],
        IdCharset::Alphanumeric => &ALL[..62],
        IdCharset::AlphanumericDash => ALL,
        // Digits are in every charset, so they do for one that is not known here.
        _ => &ALL[..10],
    }
}

/// How many digits of this alphabet hold `bits` bits.
fn digits_for(alphabet: &[u8], bits: u32) -> usize {
    let mut rest = u128::MAX >> (u128::BITS - bits);
    let mut digits = 0;
    while rest > 0 {
        rest /= alphabet.len() as u128;
        digits += 1;
    }
    digits
}

/// The lowest `length` digits of `value`, the lowest first.
fn encode(mut value: u128, alphabet: &[u8], length: usize) -> String {
    let base = alphabet.len() as u128;
    (0..length)
        .map(|_| {
            let digit = usize::try_from(value % base).expect("below the alphabet's length");
            value /= base;
            char::from(alphabet[digit])
        })
        .collect()
}

/// A hash over parts, each after its length.
struct Parts(Sha256);

impl Parts {
    fn new(tag: &str) -> Self {
        let mut parts = Self(Sha256::new());
        parts.add(tag.as_bytes());
        parts
    }

    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn finish(self) -> u128 {
        let hash = self.0.finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&hash[..16]);
        u128::from_be_bytes(first)
    }
}

#[cfg(test)]
mod tests;
