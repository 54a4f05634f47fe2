//! A real venue's claims are believed once they have passed a check of that very file: until then an order in doubt is
//! held, whatever the manifest says.

use std::path::Path;

use crate::program::{Ended, Run, program, run};
use investbot_tests::author::Crate;
use investbot_tests::{Scratch, patch, scratch};

/// A venue that is not simulated, of class A, and has a way to lose every answer.
fn venue() -> Crate {
    let lossy = "[config.lossy]\ntype = \"boolean\"\ndefault = false\nhelp = \"Whether answers to orders are lost\"\n\n";
    let lost = "        if self.config.lossy {\n            \
                return Err(AdapterError::unknown(ErrorKind::Timeout, \"the answer was lost\"));\n        }\n";
    let taken = "        Ok(filled.report())\n";
    let key = "[config.latency_ms]";
    Crate::copy_of("plugins/stub", "my-real-venue")
        .edited("plugin.toml", "simulated = true", "simulated = false")
        .edited("plugin.toml", key, &format!("{lossy}{key}"))
        .edited(
            "src/lib.rs",
            "    latency_ms: u64,",
            "    latency_ms: u64,\n    lossy: bool,",
        )
        .edited("src/lib.rs", taken, &format!("{lost}{taken}"))
}

fn plugin(args: &[&str], dir: &Scratch) -> Run {
    program("plugin").args(args).in_dir(dir)
}

/// One order whose every answer is lost.
fn one_order(dir: &Scratch) -> Ended {
    let order =
        r#"{"id":"a1","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.5"}"#;
    run(["--exchange", "./libmine.so", "--intents", "-"])
        .args(["--set", "lossy=true", "--set", "latency_ms=0"])
        .in_dir(dir)
        .stdin(format!("{order}\n"))
        .end()
        .with_code(0)
}

/// The states that the order went through.
fn states(ended: &Ended) -> Vec<String> {
    let reports = ended.reports().into_iter();
    let states = reports.map(|report| report["state"].as_str().unwrap().to_owned());
    states.collect()
}

#[test]
fn a_real_venue_is_of_class_e_until_its_claims_have_passed() {
    let dir = scratch();
    dir.file("libmine.so", std::fs::read(venue().build()).unwrap());

    // Found by its fill in the end, and not by anything that was only claimed.
    let unproven = one_order(&dir);
    assert_eq!(states(&unproven), ["new", "held", "filled"]);
    let warning = "the claims of `stub` (class A) are not proven, so that it runs as class E: an order in doubt is held \
                   for you (no check of this file is pinned); prove them: investbot plugin check ./libmine.so --result \
                   result.json && investbot plugin pin ./libmine.so --result result.json\n";
    assert!(unproven.stderr.contains(warning), "{}", unproven.stderr);
    let info = plugin(&["info", "./libmine.so"], &dir).end().with_code(0);
    assert!(
        info.stdout.contains(
            "  venue class       E, as its claims (class A) are not proven; no check of this file is pinned\n"
        ),
        "{}",
        info.stdout
    );

    // A pin alone proves nothing.
    let pinned = plugin(&["pin", "./libmine.so"], &dir).end().with_code(0);
    assert!(
        pinned.stdout.ends_with(
            "\n  its claims are not proven: orders at it are treated as at a venue of class E\n  hint: investbot plugin check \
             ./libmine.so --result FILE, then investbot plugin pin ./libmine.so --result FILE\n"
        ),
        "{}",
        pinned.stdout
    );
    assert_eq!(states(&one_order(&dir)), ["new", "held", "filled"]);

    prove(&dir);
    let proven = one_order(&dir);
    assert_eq!(states(&proven), ["new", "in_doubt", "filled"]);
    assert!(!proven.stderr.contains("not proven"), "{}", proven.stderr);
    let info = plugin(&["info", "./libmine.so", "--json"], &dir)
        .end()
        .with_code(0);
    let info = &info.lines()[1];
    assert_eq!(
        (&info["class"], &info["runs_as"]),
        (&"A".into(), &"A".into())
    );
    assert_eq!(info["conformance"]["claims"], "passed");

    // The same plugin with one byte more is another file.
    let mut bytes = std::fs::read(dir.join("libmine.so")).unwrap();
    bytes.push(b'\n');
    dir.file("libmine.so", bytes);
    let _ = plugin(&["unpin", "stub"], &dir).end().with_code(0);
    assert_eq!(states(&one_order(&dir)), ["new", "held", "filled"]);
    let refused = plugin(&["pin", "./libmine.so", "--result", "r.json"], &dir)
        .end()
        .with_code(3);
    assert!(
        refused.stderr.starts_with(
            "error: the result of a check is of another file: r.json\n  found: stub 0.1.0, sha256 "
        ),
        "{}",
        refused.stderr
    );
}

/// Checks it and notes the result. Most of a real venue's check is waiting, for one test beside the other.
fn prove(dir: &Scratch) {
    let _ = plugin(&["check", "./libmine.so", "--result", "r.json"], dir)
        .args(["--set", "latency_ms=0", "--jobs", "40", "--limit", "300"])
        .end()
        .with_code(0);
    let pinned = plugin(&["pin", "./libmine.so", "--result", "r.json"], dir)
        .end()
        .with_code(0);
    assert!(
        pinned
            .stdout
            .contains(": was pinned already (plugins.lock)\n  ")
            && pinned.stdout.contains(" tests passed, 0 failed, ")
            && pinned.stdout.ends_with(" skipped; claims passed\n"),
        "{}",
        pinned.stdout
    );
}

/// A venue that says it has real money, and that it remembers ids for ever, while it forgets those of orders that are over.
#[test]
fn a_claim_that_is_found_false_is_kept_as_such() {
    let dir = scratch();
    dir.spoilt("investbot_realish", "libmine.so", |bytes| {
        patch(bytes, b"real_money = false", b"real_money = true ");
        patch(
            bytes,
            br#"dedupe = { kind = "open_only" }"#,
            br#"dedupe = { kind="permanent" }  "#,
        );
    });
    let live = |args: &[&str]| {
        let run = plugin(args, &dir).keys();
        run.env("INVESTBOT_LIVE", "true")
    };
    let checked = live(&["check", "./libmine.so", "--live", "--result", "r.json"]);
    let checked = checked.args(["--limit", "300"]).end().with_code(8);
    assert!(
        checked.stderr.contains("claims.duplicate-filled: failed: "),
        "{}",
        checked.stderr
    );
    let pinned = live(&["pin", "./libmine.so", "--result", "r.json"])
        .end()
        .with_code(0);
    assert!(
        pinned.stdout.ends_with(
            " skipped; claims failed\n  its claims are not proven: orders at it are treated as at a venue of class E\n"
        ),
        "{}",
        pinned.stdout
    );
    let listed = live(&["list", "--plugin-dir", "."]).end().with_code(0);
    assert!(
        listed.stdout.contains("┆ E, not A ┆ real"),
        "{}",
        listed.stdout
    );

    let lines = live(&["list", "--plugin-dir", ".", "--json"]).end().lines();
    let mine = lines.iter().find(|line| line["name"] == "mine").unwrap();
    assert_eq!(
        (&mine["class"], &mine["runs_as"]),
        (&"A".into(), &"E".into())
    );

    let ran = run(["--exchange", "./libmine.so", "--to", "2017-10-01", "--live"])
        .keys()
        .env("INVESTBOT_LIVE", "true")
        .in_dir(&dir)
        .end();
    assert!(
        ran.stderr.contains(
            "runs as class E: an order in doubt is held for you (the check of this file: "
        ) && ran.stderr.contains("; claims failed)"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_result_of_some_tests_is_not_pinned() {
    let dir = scratch();
    let check = ["check", "stub", "--only", "claims", "--result", "r.json"];
    let _ = plugin(&check, &dir).end().with_code(0);
    let refused = plugin(&["pin", "stub", "--result", "r.json"], &dir)
        .end()
        .with_code(3);
    let said = refused.said(&dir);
    assert!(
        said.starts_with("error: the result of a check is not whole: r.json\n  found: "),
        "{said}"
    );
    assert!(said.contains(" tests of this investbot, kit "), "{said}");
    assert!(
        said.ends_with(" --result r.json, without --only\n"),
        "{said}"
    );
    assert!(!Path::new(&dir.join("plugins.lock")).exists());
}
