//! The drill: short ones that must find nothing, and one that must find something.

#![cfg(unix)]

use crate::program::{Ended, program};
use investbot_tests::author::Crate;
use investbot_tests::{patch, scratch};
use serde_json::{Value, json};

const MUST_BE_0: [&str; 7] = [
    "duplicates",
    "lost",
    "false_rejections",
    "wrong_states",
    "wrong_totals",
    "unverified",
    "broken_off",
];

fn tally(ended: &Ended) -> Value {
    let mut lines = ended.lines();
    assert_eq!(lines.remove(0)["format"], "investbot.drill");
    lines.remove(0)
}

#[test]
fn nothing_is_sent_twice_lost_or_lied_about() {
    for exchange in ["paper", "stub", "realish"] {
        let dir = scratch();
        let drill = program("drill").args(["--kills", "30", "--json", "--exchange", exchange]);
        let ended = drill
            .args(["--dir", "drill"])
            .in_dir(&dir)
            .end()
            .with_code(0);
        assert_eq!(ended.stderr, "");
        let tally = tally(&ended);
        assert!(tally["kills"].as_u64() >= Some(30), "{tally}");
        for key in MUST_BE_0 {
            assert_eq!(tally[key], 0, "{exchange}: {key} in {tally}");
        }
        assert_eq!(tally["reports_compared"], tally["reports_equal"]);
        let compared = tally["reports_compared"].as_u64() > Some(0);
        assert_eq!(compared, exchange != "realish", "{tally}");
        assert_eq!(tally["failures"], json!([]));
    }
}

/// A venue that says that it remembers every order, and takes up a second one: an order that may have been
/// sent before its process was killed is sent again, and is there twice.
#[test]
fn a_venue_that_claims_too_much_is_found_out() {
    let dir = scratch();
    let forgetful = Crate::copy_of("plugins/stub", "forgetful")
        .edited(
            "src/lib.rs",
            "if let Some(known) = books.order(&order.client_order_id) {",
            "if let Some(known) = books.order(\"no such order\") {",
        )
        .edited(
            "plugin.toml",
            r#"query = { kind = "by_client_id", includes_closed = true, visibility_lag_ms = 0 }"#,
            r#"query = { kind = "none" }"#,
        );
    let library = forgetful.build();
    let ended = program("drill")
        .args([
            "--steps",
            "--fail-fast",
            "--dir",
            "drill",
            "--json",
            "--exchange",
        ])
        .arg(library)
        .in_dir(&dir)
        .end()
        .with_code(8);
    let tally = tally(&ended);
    assert!(tally["duplicates"].as_u64() > Some(0), "{tally}");
    assert!(tally["reports_equal"].as_u64() < tally["reports_compared"].as_u64());
    let failure = &tally["failures"][0];
    let kept = std::path::Path::new(failure["dir"].as_str().unwrap());
    assert!(kept.join("venue/ledger.jsonl").exists());
    assert!(failure["findings"][0]["text"].is_string(), "{failure}");
}

#[test]
fn what_a_person_sees() {
    let dir = scratch();
    let ended = program("drill")
        .args([
            "--kills",
            "3",
            "--exchange",
            "stub",
            "--dir",
            "drill",
            "--seed",
            "9",
        ])
        .in_dir(&dir)
        .end()
        .with_code(0);
    let rows: Vec<_> = ended
        .stdout
        .lines()
        .map(|line| {
            let cells = line.split(['│', '┆']).map(str::trim);
            cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
        })
        .collect();
    for row in [
        ["drill, seed 9", "stub 0.1.0, class A"],
        ["duplicates", "0"],
        ["lost", "0"],
        ["false rejections", "0"],
        ["unresolved (held)", "0"],
    ] {
        assert!(
            rows.iter().any(|found| found[..] == row),
            "{row:?} in {}",
            ended.stdout
        );
    }
}

#[test]
fn where_no_drill_is_held() {
    let dir = scratch();
    let none = program("drill")
        .args(["--exchange", "papr"])
        .in_dir(&dir)
        .end()
        .with_code(4);
    assert!(
        none.stderr.contains("did you mean `paper`"),
        "{}",
        none.stderr
    );
    dir.spoilt("investbot_stub", "real.so", |bytes| {
        patch(bytes, b"simulated = true", b"simulated= false");
    });
    let real = program("drill")
        .args(["--exchange", "./real.so"])
        .in_dir(&dir)
        .end()
        .with_code(4);
    insta::assert_snapshot!(real.stderr, @r"
    error: the venue `stub` is not simulated: a drill would trade there
      hint: choose a simulated venue with --exchange, such as the default
    ");
}
