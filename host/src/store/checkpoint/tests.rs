//! A checkpoint is the old one or the new one, and nothing else is taken for one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fs::{Fault, FaultKind, SimFs};

fn dir() -> &'static Path {
    Path::new("/run")
}

fn file() -> PathBuf {
    dir().join(NAME)
}

type Body = BTreeMap<String, String>;

fn body(number: u32) -> Body {
    let pairs = [("number", number.to_string()), ("text", "ä \" {}\n".into())];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

fn saved(number: u32) -> SimFs {
    let fs = SimFs::new();
    save(&fs, dir(), &body(number)).expect("room");
    fs
}

fn content() -> Vec<u8> {
    saved(1).peek(&file()).expect("there")
}

fn load_bytes(bytes: &[u8]) -> Result<Option<Body>, CheckpointError> {
    let fs = SimFs::new();
    fs.plant(&file(), bytes);
    load(&fs, dir())
}

#[test]
fn what_was_saved_is_read_and_the_last_one_counts() {
    let fs = SimFs::new();
    assert_eq!(load::<Body>(&fs, dir()), Ok(None));
    for number in 0..3 {
        save(&fs, dir(), &body(number)).expect("room");
        assert_eq!(load(&fs, dir()), Ok(Some(body(number))));
    }
    assert_eq!(fs.list(dir()).expect("no fault"), [file()]);
}

#[test]
fn the_exact_file() {
    let text = String::from_utf8(content()).expect("text");
    assert_eq!(
        text,
        "{\"format\":\"investbot.checkpoint\",\"version\":1,\"sha256\":\
         \"cbff414924b530ba1bde5d8b125da07359681269863c37a42f8f9387e3f1e438\",\
         \"body\":{\"number\":\"1\",\"text\":\"ä \\\" {}\\n\"}}\n"
    );
    serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
}

#[test]
fn no_flipped_bit_is_accepted() {
    let whole = content();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let answer = load_bytes(&damaged);
        assert!(
            matches!(answer, Err(CheckpointError::Damaged { .. })),
            "bit {bit}: {answer:?}"
        );
    }
}

#[test]
fn nothing_cut_short_or_lengthened_is_accepted() {
    let whole = content();
    for length in 0..whole.len() {
        let answer = load_bytes(&whole[..length]);
        assert!(
            matches!(answer, Err(CheckpointError::Damaged { .. })),
            "{length} bytes: {answer:?}"
        );
    }
    for more in [&b" "[..], b"\n", b"\0", &whole] {
        load_bytes(&[&whole, more].concat()).expect_err("too much");
        load_bytes(&[more, &whole].concat()).expect_err("too much");
    }
}

#[test]
fn what_is_whole_but_not_understood_is_told_apart() {
    let fs = SimFs::new();
    save(&fs, dir(), &["another", "content"]).expect("room");
    let error = load::<Body>(&fs, dir()).expect_err("no map");
    assert!(matches!(error, CheckpointError::Content { .. }), "{error}");
    let newer = String::from_utf8(content()).expect("text");
    let error = load_bytes(newer.replace("\"version\":1", "\"version\":2").as_bytes());
    let text = error.expect_err("newer").to_string();
    assert!(
        text.contains("it is of version 2, and this investbot reads version 1"),
        "{text}"
    );
}

#[test]
fn every_refusal_says_what_to_do() {
    for bytes in [
        &b"x"[..],
        b"{\"format\":\"investbot.checkpoint\",\"version\":7",
    ] {
        let text = load_bytes(bytes).expect_err("no checkpoint").to_string();
        assert!(text.contains("/run/checkpoint.json: "), "{text}");
        assert!(
            text.contains("\n  hint: delete the file; the resume then replays"),
            "{text}"
        );
    }
}

#[test]
fn a_left_over_of_an_interrupted_save_is_removed_and_not_read() {
    let left_over = dir().join("checkpoint.json.tmp");
    let fs = saved(1);
    fs.plant(&left_over, b"half of a chec");
    assert_eq!(load(&fs, dir()), Ok(Some(body(1))));
    assert_eq!(fs.peek(&left_over), None);
    fs.plant(&left_over, b"half of a chec");
    save(&fs, dir(), &body(2)).expect("room");
    assert_eq!(load(&fs, dir()), Ok(Some(body(2))));
}

#[test]
fn a_full_disk_costs_the_new_one_only_and_leaves_nothing_behind() {
    let fs = saved(1);
    let used = content().len() as u64;
    for room in 0..used {
        fs.set_capacity(Some(used + room));
        save(&fs, dir(), &body(2)).expect_err("no room");
        assert_eq!(load(&fs, dir()), Ok(Some(body(1))));
        assert_eq!(fs.list(dir()).expect("no fault"), [file()]);
    }
}

#[test]
fn a_power_failure_or_a_fault_at_any_call_leaves_the_old_one_or_the_new_one() {
    let kinds = [
        FaultKind::Death,
        FaultKind::Io,
        FaultKind::Full,
        FaultKind::Short,
        FaultKind::Interrupted,
    ];
    for kind in kinds {
        for sticky in [false, true] {
            for at in 0..9 {
                for seed in 0..20 {
                    let what = format!("{kind:?} at {at}, sticky {sticky}, seed {seed}");
                    let fs = saved(1);
                    fs.restart();
                    fs.inject(Fault { at, kind, sticky });
                    let answer = save(&fs, dir(), &body(2));
                    fs.crash(seed);
                    let found = load(&fs, dir()).unwrap_or_else(|error| panic!("{what}: {error}"));
                    match answer {
                        Ok(()) => assert_eq!(found, Some(body(2)), "{what}"),
                        Err(_) => {
                            assert!([Some(body(1)), Some(body(2))].contains(&found), "{what}");
                        }
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(junk in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..200) {
        let whole = content();
        let at = at.min(whole.len());
        let damaged = [&whole[..at], &junk, &whole[at..]].concat();
        prop_assert!(load_bytes(&junk).is_err());
        prop_assert_eq!(load_bytes(&damaged).is_ok(), junk.is_empty());
    }
}
