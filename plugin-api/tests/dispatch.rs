//! The author's side of the boundary: no panic gets out, no garbage gets in, no command is half
//! understood.

#![allow(missing_docs, unreachable_pub)]

mod support;

use investbot_plugin_api::op::Operation;
use investbot_plugin_api::{AmendOrder, CancelOrder, Decimal, NewOrder, OrderRef, Side, UnixNanos};
use investbot_plugin_api::{Effect, ErrorKind, codec};
use minicbor::Encoder;
use proptest::prelude::*;
use support::{error, open, request};

#[test]
fn every_operation_answers() {
    let (adapter, _) = open("");
    let adapter = adapter.expect("it opens");
    for op in Operation::ALL {
        if let Err(bytes) = adapter.call(op.as_str(), &request(*op)) {
            panic!("{op:?}: {}", error(&bytes));
        }
    }
}

#[test]
fn an_unknown_operation_is_unsupported() {
    let (adapter, _) = open("");
    let answer = adapter.expect("it opens").call("teleport", &[]);
    let error = error(&answer.expect_err("nobody knows it"));
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert_eq!(error.effect, Effect::NotSent);
}

#[test]
fn a_panic_poisons_the_instance() {
    for op in Operation::ALL {
        for fault in [op.as_str().to_owned(), format!("bomb in {}", op.as_str())] {
            let (adapter, _) = open(&fault);
            let adapter = adapter.expect("it opens");
            let failed = error(&adapter.call(op.as_str(), &request(*op)).expect_err(&fault));
            assert_eq!(failed.kind, ErrorKind::Panicked, "{fault}");
            let effect = match op.is_write() {
                true => Effect::Unknown,
                false => Effect::NotSent,
            };
            assert_eq!(failed.effect, effect, "{fault}");
            assert!(
                failed.message.contains("tests/support/mod.rs:"),
                "names the place: {}",
                failed.message
            );
            for later in Operation::ALL {
                let refused = adapter.call(later.as_str(), &request(*later));
                let refused = error(&refused.expect_err("it is poisoned"));
                assert_eq!(refused.kind, ErrorKind::Poisoned, "{later:?} after {fault}");
                assert_eq!(refused.effect, Effect::NotSent);
            }
        }
    }
}

#[test]
fn a_panic_in_open_is_an_error() {
    for fault in ["open", "bomb in open"] {
        let (adapter, _) = open(fault);
        let error = adapter.err().expect(fault);
        assert_eq!(error.kind, ErrorKind::Panicked);
        assert!(
            error.message.starts_with("panicked in `open` at "),
            "{error}"
        );
    }
}

#[test]
fn a_panic_in_drop_is_logged() {
    for fault in ["drop", "bomb in drop"] {
        let (adapter, log) = open(fault);
        drop(adapter);
        let log = log.lock().expect("nobody panics with it");
        assert_eq!(log.len(), 1, "{fault}");
        assert!(log[0].starts_with("panicked in `drop` at "), "{}", log[0]);
    }
}

/// The bytes of a request whose body is made by hand.
fn raw(body: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut e = Encoder::new(&mut bytes);
    e.array(2)
        .and_then(|e| e.map(1)?.u32(0)?.u32(1))
        .expect("into memory");
    body(&mut e);
    bytes
}

/// `value` with one more field than it has.
fn grown<T: minicbor::Encode<()>>(value: &T, key: u32) -> Vec<u8> {
    let mut bytes = codec::to_vec(value);
    assert!(
        (0xA0..0xB7).contains(&bytes[0]),
        "a map of less than 23 fields"
    );
    bytes[0] += 1;
    let mut e = Encoder::new(&mut bytes);
    e.u32(key).and_then(|e| e.bool(true)).expect("into memory");
    bytes
}

fn order() -> NewOrder {
    let mut order = NewOrder::new("c1", "BTC/USD", Side::Buy, Decimal::ONE);
    order.limit_price = Some(Decimal::ONE);
    order.stop_price = Some(Decimal::ONE);
    order.expire_time = Some(UnixNanos(1));
    order.deadline = Some(UnixNanos(2));
    order
}

/// A field that was added to a command and not to the count would be refused by every adapter.
#[test]
fn the_counts_of_fields_are_those_of_the_types() {
    let fields = |bytes: Vec<u8>| minicbor::Decoder::new(&bytes).map().expect("a map");
    let mut named = OrderRef::new("BTC/USD", "c1");
    named.venue_order_id = Some("v1".to_owned());
    let mut amend = AmendOrder::new(named.clone());
    amend.quantity = Some(Decimal::ONE);
    amend.limit_price = Some(Decimal::ONE);
    let cancel = CancelOrder::new(named);
    assert_eq!(
        fields(codec::to_vec(&order())),
        Operation::Place.strict_fields()
    );
    assert_eq!(
        fields(codec::to_vec(&amend)),
        Operation::Amend.strict_fields()
    );
    assert_eq!(
        fields(codec::to_vec(&cancel)),
        Operation::Cancel.strict_fields()
    );
    let (adapter, _) = open("");
    let adapter = adapter.expect("it opens");
    for (op, body) in [
        ("place", support::frame(order())),
        ("amend", support::frame(&amend)),
        ("cancel", support::frame(&cancel)),
    ] {
        assert!(adapter.call(op, &body).is_ok(), "{op}");
    }
}

#[test]
fn a_command_with_an_unknown_field_is_refused() {
    let (adapter, _) = open("");
    let adapter = adapter.expect("it opens");
    let named = OrderRef::new("BTC/USD", "c1");
    let with = |bytes: &[u8]| raw(|e| e.writer_mut().extend_from_slice(bytes));
    let in_order = |count: u64| {
        let grown = grown(&named, 3);
        raw(|e| {
            e.map(count).and_then(|e| e.u32(0)).expect("into memory");
            e.writer_mut().extend_from_slice(&grown);
        })
    };
    let batch = raw(|e| {
        e.array(2).expect("into memory");
        e.writer_mut().extend_from_slice(&codec::to_vec(&order()));
        e.writer_mut().extend_from_slice(&grown(&order(), 12));
    });
    for (op, body, key) in [
        ("place", with(&grown(&order(), 12)), 12),
        ("place", with(&grown(&order(), u32::MAX)), u32::MAX),
        ("place_batch", batch, 12),
        (
            "cancel",
            with(&grown(&CancelOrder::new(named.clone()), 1)),
            1,
        ),
        ("amend", with(&grown(&AmendOrder::new(named.clone()), 3)), 3),
        ("cancel", in_order(1), 3),
        ("amend", in_order(1), 3),
    ] {
        let refused = error(&adapter.call(op, &body).expect_err(op));
        assert_eq!(refused.kind, ErrorKind::Protocol);
        assert_eq!(refused.effect, Effect::NotSent);
        let expected = format!("`{op}`: field {key} is unknown to this adapter (built with API");
        assert!(
            refused.message.starts_with(&expected),
            "{}",
            refused.message
        );
    }
}

#[test]
fn a_command_with_an_unknown_value_is_refused() {
    let (adapter, _) = open("");
    let mut body = support::frame(order());
    // Field 3, the order type, is 0 for market.
    let at = body.windows(4).position(|w| w == [0x02, 0x00, 0x03, 0x00]);
    body[at.expect("side, then order type") + 3] = 9;
    let refused = adapter.expect("it opens").call("place", &body);
    let refused = error(&refused.expect_err("nobody knows the type"));
    assert_eq!(
        (refused.kind, refused.effect),
        (ErrorKind::Protocol, Effect::NotSent)
    );
    assert!(refused.message.contains("unknown OrderType number 9"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn garbage_never_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (adapter, _) = open("");
        let adapter = adapter.expect("it opens");
        for op in Operation::ALL {
            if let Err(bytes) = adapter.call(op.as_str(), &body) {
                let error = error(&bytes);
                prop_assert_eq!(error.kind, ErrorKind::Protocol);
                prop_assert_eq!(error.effect, Effect::NotSent);
            }
        }
    }

    /// Bytes that are nearly right get further than random ones.
    #[test]
    fn damaged_requests_never_panic(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (adapter, _) = open("");
        let adapter = adapter.expect("it opens");
        for op in Operation::ALL {
            let mut body = request(*op);
            let at = at.index(body.len());
            body[at] = byte;
            for body in [&body[..], &body[..cut.index(body.len())]] {
                if let Err(bytes) = adapter.call(op.as_str(), body) {
                    prop_assert_eq!(error(&bytes).kind, ErrorKind::Protocol);
                }
            }
        }
    }
}
