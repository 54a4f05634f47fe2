#![allow(clippy::unwrap_used)]

use super::*;
use investbot_plugin_api::{OrderType, Side, UnixNanos};
use std::collections::HashSet;

fn origin() -> Origin {
    Origin {
        run_id: "run-1".into(),
        stream: "sma-cross".into(),
        partition: 0,
    }
}

fn spec() -> OrderSpec {
    OrderSpec::market("BTC/USD", Side::Buy, "0.5".parse().unwrap())
}

fn rule(charset: &str, max_length: u32) -> ClientOrderIdRule {
    serde_json::from_value(serde_json::json!({"charset": charset, "max_length": max_length}))
        .unwrap()
}

/// The same by hand, for the exact values below: every part after its length as eight bytes.
fn by_hand(parts: &[&[u8]]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(*part);
    }
    hex::encode(&Sha256::digest(&bytes)[..16])
}

#[test]
fn exact_keys() {
    let key = Key::new(&origin(), Place::Position(50), 1).to_hex();
    assert_eq!(key, KEY);
    assert_eq!(
        key,
        by_hand(&[
            b"investbot/order-key/position/1",
            b"run-1",
            b"sma-cross",
            &[0; 4],
            &50_u64.to_be_bytes(),
            &1_u32.to_be_bytes(),
        ])
    );
    assert_eq!(
        Key::new(&origin(), Place::CallerId("a-1"), 0).to_hex(),
        CALLER_KEY
    );
}

#[test]
fn every_part_of_the_place_counts() {
    let mut keys = HashSet::new();
    for run_id in ["run-1", "run-2"] {
        for stream in ["a", "b"] {
            for partition in [0, 1] {
                let origin = Origin {
                    run_id: run_id.into(),
                    stream: stream.into(),
                    partition,
                };
                for place in [
                    Place::Position(0),
                    Place::Position(1),
                    Place::CallerId("0"),
                    Place::CallerId("\0\0\0\0\0\0\0\0"),
                ] {
                    for index in [0, 1] {
                        keys.insert(Key::new(&origin, place, index));
                    }
                }
            }
        }
    }
    assert_eq!(keys.len(), 2 * 2 * 2 * 4 * 2);
}

#[test]
fn exact_digest() {
    assert_eq!(SpecDigest::new(&spec()).to_hex(), DIGEST);
}

#[test]
fn digest_sees_values_not_spellings() {
    let mut same = spec();
    same.quantity = "0.5000".parse().unwrap();
    assert_eq!(SpecDigest::new(&same), SpecDigest::new(&spec()));
}

#[test]
fn every_parameter_counts_in_the_digest() {
    let changes: Vec<fn(&mut OrderSpec)> = vec![
        |_| (),
        |s| s.instrument = "ETH/USD".into(),
        |s| s.side = Side::Sell,
        |s| s.order_type = OrderType::Limit,
        |s| s.quantity = 1.into(),
        |s| s.limit_price = Some(1.into()),
        |s| s.limit_price = Some(0.into()),
        |s| s.stop_price = Some(1.into()),
        |s| s.time_in_force = investbot_plugin_api::TimeInForce::Ioc,
        |s| s.expire_time = Some(UnixNanos(1)),
        |s| s.post_only = true,
        |s| s.reduce_only = true,
    ];
    let digests: HashSet<_> = changes
        .iter()
        .map(|change| {
            let mut spec = spec();
            change(&mut spec);
            SpecDigest::new(&spec)
        })
        .collect();
    assert_eq!(digests.len(), changes.len());
}

#[test]
fn exact_client_order_ids() {
    let key = Key::new(&origin(), Place::Position(50), 1);
    let ids: Vec<String> = [
        ("digits", 16),
        ("digits", 64),
        ("hex", 16),
        ("hex", 32),
        ("alphanumeric", 16),
        ("alphanumeric", 20),
        ("alphanumeric", 36),
        ("alphanumeric_dash", 18),
    ]
    .into_iter()
    .map(|(charset, length)| ClientOrderIds::new("run-1", &rule(charset, length)).id(key))
    .collect();
    assert_eq!(ids, CLIENT_IDS);
}

#[test]
fn ids_keep_the_rule_and_carry_enough_of_the_key() {
    // Bits that a character carries, in tenths and rounded down.
    for (charset, tenths) in [
        ("digits", 33),
        ("hex", 40),
        ("alphanumeric", 59),
        ("alphanumeric_dash", 60),
    ] {
        for max_length in 1..=64 {
            let ids = ClientOrderIds::new("a run", &rule(charset, max_length));
            let id = ids.id(Key(u128::MAX / 3));
            assert!(id.len() <= max_length as usize, "{charset} {max_length}");
            assert!(id.bytes().all(|c| ids.alphabet.contains(&c)));
            let possible = (max_length as usize * tenths).min(960);
            let carried = (id.len() - ids.prefix.len()) * tenths;
            assert!(carried + 10 > possible, "{charset} {max_length}: {carried}");
        }
    }
}

#[test]
fn runs_differ_by_prefix() {
    let rule = rule("alphanumeric", 32);
    let key = Key(1);
    let (one, two) = (
        ClientOrderIds::new("run-1", &rule).id(key),
        ClientOrderIds::new("run-2", &rule).id(key),
    );
    assert_ne!(one[..4], two[..4]);
    assert_eq!(one[4..], two[4..]);
}

const KEY: &str = "ebb3185a6cedaee30d5b853c1c91ae82";
const CALLER_KEY: &str = "83817cd1d402c210b292238dd4429d84";
const DIGEST: &str = "0bf765f595b75ce486708528b7496aa8";
const CLIENT_IDS: [&str; 8] = [
    "8319542147814457",
    "0147831954214781445778165008902980494892313",
    "28ea19c1c358b5d0",
    "262c28ea19c1c358b5d03eeadec6a581",
    "8BvhLpdPyPiloXAY",
    "uI58BvhLpdPyPiloXAYn",
    "uI5B8BvhLpdPyPiloXAYnH2La7",
    "uI2WqAsMjxrRMUKSer",
];

#[test]
fn a_digest_is_written_and_read_as_hex() {
    let seen = Seen {
        digest: SpecDigest::new(&spec()),
        client_order_id: None,
    };
    let text = serde_json::to_string(&seen).unwrap();
    let hex = seen.digest.to_hex();
    assert_eq!(
        text,
        format!(r#"{{"digest":"{hex}","client_order_id":null}}"#)
    );
    assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
    for bad in ["", "0", &hex.to_uppercase(), &format!("+{}", &hex[1..])] {
        let error = SpecDigest::try_from(bad.to_owned()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{bad}` is no digest, which is 32 hex digits in lower case")
        );
    }
}
