//! `investbot plugin check`: that good plugins pass, and that each kind of lie, crash and hang is found.

use crate::program::{Ended, Run, program};
use investbot_tests::{Scratch, patch, scratch};
use serde_json::{Value, json};

fn check(plugin: &str, dir: &Scratch) -> Run {
    program("plugin")
        .args(["check", plugin, "--json"])
        .keys()
        .in_dir(dir)
}

/// The results that are not `passed`, and the summary.
fn results(ended: &Ended) -> (Vec<(String, String)>, Value) {
    let mut lines = ended.lines();
    assert_eq!(lines.remove(0)["format"], "investbot.plugin");
    let summary = lines.pop().unwrap();
    assert_eq!(summary["kind"], "checked");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = lines
        .iter()
        .map(|line| (text(&line["id"]), text(&line["result"])));
    let others = results.filter(|(_, result)| result != "passed").collect();
    (others, summary)
}

/// The tests that failed, of those that are run.
#[track_caller]
fn bad(run: Run) -> Vec<String> {
    let ended = run.end().with_code(8);
    let (others, summary) = results(&ended);
    let bad = others.into_iter().filter(|(_, result)| result != "skipped");
    let bad: Vec<String> = bad.map(|(id, result)| format!("{id}: {result}")).collect();
    assert_eq!(summary["bad"], bad.len());
    bad
}

#[test]
fn the_bundled_venues_pass_everything() {
    for plugin in ["paper", "stub", "realish"] {
        let dir = scratch();
        let ended = check(plugin, &dir).args(["--seed", "3"]).end().with_code(0);
        let (others, summary) = results(&ended);
        assert!(
            others.iter().all(|(_, result)| result == "skipped"),
            "{plugin}: {others:?}"
        );
        assert!(summary["passed"].as_u64() >= Some(60), "{summary}");
        assert_eq!(summary["sha256"].as_str().unwrap().len(), 64);
    }
}

/// What a process of its own keeps from a plugin, a simulated venue does not miss.
#[test]
#[cfg(target_os = "linux")]
fn they_pass_everything_in_processes_of_their_own() {
    for plugin in ["paper", "stub", "realish"] {
        let dir = scratch();
        let ended = check(plugin, &dir).arg("--isolate").end().with_code(0);
        let (apart, _) = results(&ended);
        let (here, _) = results(&check(plugin, &dir).end().with_code(0));
        assert_eq!(apart, here, "{plugin}");
    }
}

/// What each false claim is found out by. The venues are `realish`, which dedupes open orders only, and `stub`.
#[test]
fn every_false_claim_is_found_out() {
    let dir = scratch();
    let lie = |library: &str, from: &str, to: &str| {
        dir.spoilt(library, "lie.so", |bytes| {
            patch(
                bytes,
                from.as_bytes(),
                format!("{to:<width$}", width = from.len()).as_bytes(),
            );
        });
    };
    lie(
        "investbot_realish",
        r#"dedupe = { kind = "open_only" }"#,
        r#"dedupe = { kind = "permanent" }"#,
    );
    assert_eq!(
        bad(check("./lie.so", &dir).args(["--only", "claims.duplicate-filled"])),
        ["claims.duplicate-filled: failed"]
    );
    lie(
        "investbot_realish",
        "visibility_lag_ms = 2000",
        "visibility_lag_ms = 0",
    );
    assert_eq!(
        bad(check("./lie.so", &dir).args(["--only", "claims.query-after-accept"])),
        ["claims.query-after-accept: failed"]
    );
    lie(
        "investbot_stub",
        r#"order_types = ["market", "limit"]"#,
        r#"order_types = ["market", "stop"]"#,
    );
    let found = bad(check("./lie.so", &dir).args(["--only", "orders"]));
    assert!(
        found.contains(&"orders.types: failed".to_owned()),
        "{found:?}"
    );
    lie(
        "investbot_realish",
        "enforced\", max_ms = 60000, skew_ms = 250",
        "enforced\", max_ms = 600, skew_ms = 650",
    );
    assert_eq!(
        bad(check("./lie.so", &dir).args(["--only", "manifest"])),
        ["manifest.times: failed"]
    );
}

/// A test runs in a process of its own: what brings that down, or holds it up, is a result.
#[test]
fn panics_crashes_and_hangs_are_results() {
    let dir = scratch();
    dir.copy("fixture_echo", "echo.so");
    let misbehaving = |fault: &str, at: &str| {
        let (fault, at) = (format!("fault={fault}"), format!("at={at}"));
        // A hang is waited for in vain; everything else has all the time it needs.
        let limit = if fault.contains("hang") { "5" } else { "300" };
        let args = ["--set", &fault, "--set", &at, "--limit", limit].map(str::to_owned);
        check("./echo.so", &dir).args(args)
    };
    let one = |run: Run| bad(run.args(["--only", "orders.market"]));
    assert_eq!(
        one(misbehaving("panic", "place")),
        ["orders.market: failed"]
    );
    assert_eq!(
        one(misbehaving("hang", "place")),
        ["orders.market: timed_out"]
    );
    assert_eq!(one(misbehaving("error", "open")), ["orders.market: failed"]);
    assert_eq!(
        one(misbehaving("wrong_order", "")),
        ["orders.market: failed"]
    );
    let drop = bad(misbehaving("hang", "drop").args(["--only", "lifecycle.drop"]));
    assert_eq!(drop, ["lifecycle.drop: timed_out"]);
}

#[test]
fn one_test_alone_and_again() {
    let dir = scratch();
    dir.copy("fixture_echo", "echo.so");
    let ended = program("plugin")
        .args([
            "check",
            "./echo.so",
            "--only",
            "orders.market",
            "--seed",
            "9",
        ])
        .args(["--set", "fault=wrong_order"])
        .in_dir(&dir)
        .end()
        .with_code(8);
    let hint = "hint: investbot plugin check ./echo.so --only orders.market --seed 9 --set fault=wrong_order";
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("0 of 1 tests passed, 1 failed"),
        "{}",
        ended.stdout
    );
}

#[test]
fn what_is_tested_is_told() {
    let dir = scratch();
    let run = |args: &[&str]| program("plugin").arg("check").args(args).in_dir(&dir);
    let listed = run(&["--list"]).end().with_code(0).stdout;
    assert!(listed.contains("claims.duplicate-filled"), "{listed}");
    let lines = run(&["--list", "--json", "--only", "claims"])
        .end()
        .with_code(0)
        .lines();
    assert!(
        lines[1..]
            .iter()
            .all(|line| line["id"].as_str().unwrap().starts_with("claims."))
    );
    let unknown = run(&["stub", "--only", "claim"]).end().with_code(2);
    assert!(
        unknown.stderr.contains("no test and no group `claim`"),
        "{}",
        unknown.stderr
    );
    let usage = run(&[]).end().with_code(2);
    assert!(usage.stderr.contains("<NAME|PATH>"), "{}", usage.stderr);
    let config = run(&["stub", "--set", "latency_ms=-1"]).end().with_code(3);
    assert!(
        config.stderr.contains("`-1` is not a whole number"),
        "{}",
        config.stderr
    );
}

#[test]
fn a_report_for_ci() {
    let dir = scratch();
    let ended = check("stub", &dir)
        .args(["--only", "manifest", "--junit", "report.xml"])
        .end();
    let _ = ended.with_code(0);
    let xml = std::fs::read_to_string(dir.join("report.xml")).unwrap();
    assert!(xml.starts_with("<?xml"), "{xml}");
    assert!(
        xml.contains(r#"<testcase classname="manifest" name="manifest.times""#),
        "{xml}"
    );
    assert!(xml.contains(r#"failures="0" errors="0""#), "{xml}");
    assert_eq!(
        json!(xml.matches("<testcase").count()),
        json!(xml.matches("classname").count())
    );
}
