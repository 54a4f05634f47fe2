//! An order whose fate nobody can prove: held, shown, decided by a person, and gone on with.

use std::path::Path;

use crate::program::{Ended, Run, program, run};
use investbot_tests::{Scratch, patch, scratch};
use serde_json::{Value, json};

/// A copy of `realish` that can be asked nothing and remembers nothing: one send, and then a person decides.
fn deaf_venue(dir: &Scratch) {
    dir.spoilt("investbot_realish", "deaf.so", |bytes| {
        blank(bytes, r#"dedupe = { kind = "open_only" }"#, r#"dedupe = { kind = "none" }"#);
        blank(
            bytes,
            r#"query = { kind = "by_client_id", includes_closed = true, visibility_lag_ms = 2000 }"#,
            r#"query = { kind = "none" }"#,
        );
    });
}

/// Puts `to` in the place of `from`, filled up with spaces.
fn blank(bytes: &mut [u8], from: &str, to: &str) {
    let to = format!("{to:<width$}", width = from.len());
    patch(bytes, from.as_bytes(), to.as_bytes());
}

fn order(id: &str) -> String {
    let order = json!({
        "id": id, "instrument": "BTC/USD", "side": "buy", "type": "limit", "quantity": "0.1",
        "limit_price": "1000",
    });
    format!("{order}\n")
}

/// A run whose first order was lost on the way, as only the test knows.
fn with_held_order(dir: &Scratch) -> Ended {
    deaf_venue(dir);
    dir.file("orders.jsonl", order("lost") + &order("next"));
    run([
        "--exchange",
        "./deaf.so",
        "--intents",
        "orders.jsonl",
        "--quiet",
    ])
    .args([
        "--set",
        "request_lost=0.95",
        "--to",
        "2017-10-02",
        "--run-dir",
        "run",
    ])
    .keys()
    .in_dir(dir)
    .end()
    .with_code(5)
}

fn resolve(dir: &Path, args: &[&str]) -> Run {
    program("resolve").arg("run").args(args).in_dir(dir)
}

fn states(ended: &Ended) -> Value {
    ended.summary()["result"]["orders"].clone()
}

#[test]
fn the_whole_way() {
    for (word, state) in [
        ("absent", "abandoned"),
        ("rejected", "rejected"),
        ("accepted", "accepted"),
    ] {
        let dir = scratch();
        let ended = with_held_order(&dir);
        assert_eq!(states(&ended), json!({ "held": 1, "denied": 1 }));

        let listed = resolve(&dir, &["--json"]).end().with_code(0).lines();
        assert_eq!(listed[0]["format"], "investbot.resolve");
        let [_, held] = &listed[..] else {
            panic!("{listed:?}")
        };
        assert_eq!(
            (&held["id"], &held["state"]),
            (&json!("lost"), &json!("held"))
        );
        let key = held["key"].as_str().unwrap();

        let decide = ["--as", word, "--reason", "their support says so"];
        let decided = resolve(&dir, &[&[key], &decide[..]].concat())
            .end()
            .with_code(0);
        assert_eq!(decided.stderr, "");
        assert!(
            decided.stdout.contains(&format!("is {word}: recorded")),
            "{}",
            decided.stdout
        );
        let listed = resolve(&dir, &[]).end().with_code(0);
        assert_eq!(listed.stdout, "no order is held\n");
        let again = resolve(&dir, &[&[key], &decide[..]].concat())
            .end()
            .with_code(2);
        assert!(
            again.stderr.contains("nothing to decide; none is"),
            "{}",
            again.stderr
        );

        // Checked before it is gone on with, and after.
        let verified = program("verify").arg("run").in_dir(&dir).end().with_code(0);
        assert!(
            verified.stdout.contains("1 to be written"),
            "{}",
            verified.stdout
        );
        let resumed = run(["--resume", "run", "--quiet"])
            .keys()
            .in_dir(&dir)
            .end();
        let resumed = resumed.with_code(0);
        assert_eq!(states(&resumed), json!({ state: 1, "denied": 1 }));
        let report = &resumed.reports()[0];
        assert_eq!(
            (&report["state"], &report["code"]),
            (&json!(state), &json!("RESOLVED"))
        );
        assert_eq!(report["text"], "their support says so");
        let verified = program("verify").arg("run").in_dir(&dir).end().with_code(0);
        assert!(verified.stdout.ends_with("MATCH\n"), "{}", verified.stdout);
    }
}

/// No secret is needed, and a caller's id or a client order id will do.
#[test]
fn an_order_has_three_names() {
    let dir = scratch();
    let ended = with_held_order(&dir);
    let client_order_id = ended.reports()[0]["client_order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for name in ["lost", &client_order_id] {
        let copy = dir.join(name);
        copy_tree(&dir.join("run"), &copy);
        let args = [name, name, "--as", "absent", "--reason", "x", "--json"];
        let decided = program("resolve").args(args).in_dir(&dir).end();
        let line = decided.with_code(0).lines().remove(1);
        assert_eq!(line["client_order_id"], client_order_id.as_str());
        assert_eq!(line["decision"], "absent");
    }
}

#[test]
fn what_cannot_be_decided() {
    let dir = scratch();
    let ended = with_held_order(&dir);
    let shown = resolve(&dir, &[]).end().with_code(0);
    assert!(
        shown.stdout.contains("buy 0.1 BTC/USD, limit"),
        "{}",
        shown.stdout
    );
    insta::assert_snapshot!(shown.stderr, @"look them up at the venue; then: investbot resolve run KEY --as accepted|rejected|absent --reason TEXT");

    let wrong = resolve(&dir, &["next", "--as", "absent", "--reason", "x"]).end();
    let client_order_id = ended.reports()[0]["client_order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let said = wrong
        .with_code(2)
        .stderr
        .replace(&client_order_id, "[CLIENT ORDER ID]");
    insta::assert_snapshot!(said, @r"
    error: no order of this run is held under the name next, so there is nothing to decide; held are
      1. 94bcf4c0fd9271083bc8a94f05af86b1 ([CLIENT ORDER ID], buy 0.1 BTC/USD)
      hint: check the name; a decision that was recorded stands
    ");
    for (args, says) in [
        (&["lost"][..], "required"),
        (&["lost", "--as", "absent"], "--reason"),
        (&["--as", "absent", "--reason", "x"], "required"),
        (
            &["lost", "--as", "gone", "--reason", "x"],
            "[possible values: accepted, rejected, absent]",
        ),
    ] {
        let said = resolve(&dir, args).end().with_code(2).stderr;
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

#[test]
fn a_run_at_work_is_left_alone() {
    let dir = scratch();
    let mut live = run(["--intents", "-", "--exchange", "stub", "--run-dir", "run"])
        .in_dir(&dir)
        .start();
    assert_eq!(live.hear()["kind"], "format");
    for args in [&[][..], &["a", "--as", "absent", "--reason", "x"]] {
        let locked = resolve(&dir, args).end().with_code(7);
        assert!(
            locked.stderr.contains("is locked by another process"),
            "{}",
            locked.stderr
        );
    }
    let _ = live.end().with_code(0);
    let none = program("resolve")
        .arg("none")
        .in_dir(&dir)
        .end()
        .with_code(7);
    assert!(
        none.stderr.contains("there is no such directory"),
        "{}",
        none.stderr
    );
}

/// The venue filled more than was ordered. Nothing is in doubt, and yet the instrument rests until somebody
/// has seen to it.
#[test]
fn an_order_about_which_the_venue_contradicted_itself() {
    let dir = scratch();
    dir.copy("fixture_echo", "echo.so");
    let market = |id: &str| {
        let order = json!({
            "id": id, "instrument": "BTC/USD", "side": "buy", "type": "market", "quantity": "1",
        });
        format!("{order}\n")
    };
    dir.file("orders.jsonl", market("twice"));
    let ended = run([
        "--exchange",
        "./echo.so",
        "--intents",
        "orders.jsonl",
        "--quiet",
    ])
    .args([
        "--set",
        "fault=overfill",
        "--to",
        "2017-10-02",
        "--run-dir",
        "run",
    ])
    .in_dir(&dir)
    .end();
    let reports = ended.reports();
    assert!(
        reports.iter().any(|report| report["code"] == "OVERFILL"),
        "{reports:?}"
    );

    let listed = resolve(&dir, &["--json"]).end().with_code(0).lines();
    let [_, held] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(
        (&held["id"], &held["contradicted"]),
        (&json!("twice"), &json!(true))
    );
    let decide = ["twice", "--as", "accepted", "--reason", "2 were bought"];
    let _ = resolve(&dir, &decide).end().with_code(0);
    let listed = resolve(&dir, &[]).end().with_code(0);
    assert_eq!(listed.stdout, "no order is held\n");
    let resumed = run(["--resume", "run", "--quiet"]).in_dir(&dir).end();
    let reports = resumed.reports();
    assert_eq!(reports[0]["code"], "RESOLVED", "{reports:?}");
    let verified = program("verify").arg("run").in_dir(&dir).end().with_code(0);
    assert!(verified.stdout.ends_with("MATCH\n"), "{}", verified.stdout);
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
