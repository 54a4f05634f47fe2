//! `investbot plugin`: what there is, what it says about itself, and which files may be loaded.

use crate::program::{Ended, Run, program, run};
use investbot_plugin_api::TARGET;
use investbot_tests::{Scratch, patch, scratch};
use serde_json::json;

fn plugin(args: &[&str], dir: &Scratch) -> Run {
    program("plugin").args(args).in_dir(dir)
}

/// What it printed, with what differs between machines and builds made the same.
fn plain(ended: &Ended, dir: &Scratch) -> String {
    let bin = investbot_tests::investbot();
    let bin = std::path::Path::new(bin.get_program())
        .parent()
        .unwrap()
        .to_owned();
    let text = ended.stdout.clone() + &ended.stderr;
    let text = text
        .replace(dir.to_str().unwrap(), "[DIR]")
        .replace(bin.to_str().unwrap(), "[BIN]")
        .replace(TARGET, "[TARGET]");
    let is_digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words
        .map(|part| {
            let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if is_digest(word) {
                part.replace(word, "[SHA256]")
            } else {
                part.to_owned()
            }
        })
        .collect()
}

#[test]
fn what_is_there() {
    let dir = scratch();
    std::fs::create_dir(dir.join("a")).unwrap();
    std::fs::create_dir(dir.join("b")).unwrap();
    dir.copy("investbot_stub", "a/libmine.so");
    dir.copy("investbot_paper", "b/libmine.so");
    dir.copy("investbot_paper", "b/libinvestbot_mine.so");
    dir.spoilt("investbot_stub", "b/libold.so", |bytes| {
        patch(bytes, b";api=1.0", b";api=2.0")
    });
    dir.file("b/libz.so", "another library");
    let list = plugin(
        &["list", "--json", "--plugin-dir", "a", "--plugin-dir", "b"],
        &dir,
    );
    let lines = list.end().with_code(0).lines();
    assert_eq!(lines[0]["format"], "investbot.plugin");
    let ours: Vec<_> = lines
        .iter()
        .filter(|line| line["found_by"] == "--plugin-dir")
        .map(|line| {
            json!([
                line["file"],
                line["id"],
                line["class"],
                line["shadowed_by"],
                line["refused"]
            ])
        })
        .collect();
    assert_eq!(
        json!(ours),
        json!([
            ["a/libmine.so", "stub", "A", null, null],
            ["b/libinvestbot_mine.so", "paper", "A", "a/libmine.so", null],
            ["b/libmine.so", "paper", "A", "a/libmine.so", null],
            ["b/libold.so", null, null, null, "API_RANGE"],
        ])
    );
    let table = plugin(&["list", "--plugin-dir", "a", "--plugin-dir", "b"], &dir)
        .end()
        .with_code(0);
    assert!(
        table.stdout.contains("b/libmine.so (hidden)"),
        "{}",
        table.stdout
    );
    assert!(
        table.stdout.contains("b/libold.so (refused: API_RANGE)"),
        "{}",
        table.stdout
    );
    assert!(
        table
            .stderr
            .contains("b/libmine.so is hidden: the name `mine` finds a/libmine.so first"),
        "{}",
        table.stderr
    );
    assert!(
        table.stderr.contains("its API version does not fit"),
        "{}",
        table.stderr
    );
}

#[test]
fn what_one_says_about_itself() {
    let dir = scratch();
    let info = plugin(&["info", "stub"], &dir).end().with_code(0);
    insta::assert_snapshot!(plain(&info, &dir), @r"
    stub 0.1.0: Fills every order at once: the example that adapter authors read first
      file              [BIN]/libinvestbot_stub.so
      sha256            [SHA256]
      pinned            no
      target            [TARGET]
      plugin API        built with 1.0, needs 1.0 or newer
      money             simulated
      runs in           your own process, with all your rights; --isolate gives it one of its own
      venue class       A, if its claims are true
      after a timeout   the same order is sent again; the venue knows it for a duplicate
      order types       market, limit
      times in force    gtc, ioc, fok
      order fields      none
      calls at once     64
      client order id   alphanumeric_dash, at most 64 characters
      knows duplicates  for ever
      deadline          none
      can be asked      open and closed orders by client order id, 0 ms late at most
      definitive codes  none
      session fence     a new session ends the one before, and all that is under way

    Configuration (--set KEY=VALUE, or [exchange.config] in investbot.toml):
    ┌───────────────┬─────────┬─────────┬─────────────────────────────┬──────────────────────────────────────────────────────────────────────────────┐
    │ key           ┆ type    ┆ default ┆ range                       ┆ what it is                                                                   │
    ╞═══════════════╪═════════╪═════════╪═════════════════════════════╪══════════════════════════════════════════════════════════════════════════════╡
    │ latency_ms    ┆ integer ┆ 50      ┆ 0 to 60000                  ┆ How long an order takes to the venue, in milliseconds                        │
    │ price         ┆ decimal ┆ 100     ┆ 0.00000001 to 1000000000000 ┆ Price of market orders until the first bar; later it is the last bar's close │
    │ starting_cash ┆ decimal ┆ 10000   ┆ 0 to 1000000000000          ┆ What the account begins with, in US dollars; it may go below zero            │
    └───────────────┴─────────┴─────────┴─────────────────────────────┴──────────────────────────────────────────────────────────────────────────────┘

    It needs no secrets.
    ");
    // Where a secret is set is told, and never what it is.
    let info = plugin(&["info", "realish"], &dir)
        .env("INVESTBOT_API_KEY", "hush-hush")
        .end()
        .with_code(0);
    let said = plain(&info, &dir);
    assert!(said.contains("B, if its claims are true"), "{said}");
    assert!(said.contains("yes: INVESTBOT_API_KEY"), "{said}");
    assert!(!said.contains("hush"), "{said}");
    let line = plugin(&["info", "realish", "--json"], &dir)
        .env("INVESTBOT_API_SECRET", "hush-hush")
        .end()
        .with_code(0);
    assert!(!line.stdout.contains("hush"), "{}", line.stdout);
    let line = &line.lines()[1];
    assert_eq!(line["class"], "B");
    assert_eq!(line["secrets_set"], json!(["INVESTBOT_API_SECRET"]));
    assert_eq!(
        line["manifest"]["capabilities"]["deadline"]["max_ms"],
        60_000
    );
    let none = plugin(&["info", "papr"], &dir).end().with_code(4);
    assert!(
        none.stderr.contains("did you mean `paper`?"),
        "{}",
        none.stderr
    );
}

fn run_mine(dir: &Scratch) -> Run {
    run([
        "--exchange",
        "mine",
        "--plugin-dir",
        ".",
        "--to",
        "2017-10-02",
        "--quiet",
    ])
    .in_dir(dir)
}

#[test]
fn a_pinned_plugin_and_one_in_its_place() {
    let dir = scratch();
    dir.copy("investbot_stub", "libmine.so");
    let pinned = plugin(&["pin", "mine", "--plugin-dir", "."], &dir)
        .end()
        .with_code(0);
    assert!(
        pinned.stdout.starts_with("stub 0.1.0 "),
        "{}",
        pinned.stdout
    );
    let _ = run_mine(&dir).end().with_code(0);
    let again = plugin(&["pin", "./libmine.so"], &dir).end().with_code(0);
    assert!(
        again.stdout.contains("was pinned already"),
        "{}",
        again.stdout
    );

    // The same plugin with one byte changed.
    dir.spoilt("investbot_stub", "libmine.so", |bytes| {
        patch(bytes, b"Fills every order", b"Fills EVERY order")
    });
    let refused = run_mine(&dir).end().with_code(4);
    insta::assert_snapshot!(plain(&refused, &dir), @r"
    error: cannot load plugin ./libmine.so [HASH_MISMATCH]: it is not the one that is pinned in plugins.lock
      found: stub 0.1.0, sha256 [SHA256]
      expected: stub 0.1.0, sha256 [SHA256]
      hint: if you replaced the plugin on purpose: investbot plugin pin ./libmine.so
    ");
    let listed = plugin(&["list", "--plugin-dir", ".", "--json"], &dir)
        .end()
        .with_code(0)
        .lines();
    assert_eq!(listed[1]["pinned"], "another file");
    let replaced = plugin(&["pin", "./libmine.so"], &dir).end().with_code(0);
    assert!(
        replaced.stdout.contains("in the place of 0.1.0"),
        "{}",
        replaced.stdout
    );
    let _ = run_mine(&dir).end().with_code(0);

    let unpinned = plugin(&["unpin", "stub"], &dir).end().with_code(0);
    assert_eq!(
        unpinned.stdout,
        "stub is not pinned any more (plugins.lock)\n"
    );
    let again = plugin(&["unpin", "stub"], &dir).end().with_code(2);
    assert!(
        again.stderr.contains("no plugin `stub` is pinned"),
        "{}",
        again.stderr
    );
}

/// A file that takes the place of a pinned plugin cannot escape by calling itself something else.
#[test]
fn another_plugin_under_a_pinned_name() {
    let dir = scratch();
    let _ = plugin(&["pin", "stub"], &dir).end().with_code(0);
    dir.copy("investbot_paper", "libinvestbot_stub.so");
    let refused = run(["--exchange", "stub", "--plugin-dir", "."])
        .in_dir(&dir)
        .end()
        .with_code(4);
    assert!(
        refused.stderr.contains("[HASH_MISMATCH]"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("found: paper 0.1.0"),
        "{}",
        refused.stderr
    );
}

#[test]
fn real_money_needs_a_pin() {
    let dir = scratch();
    dir.spoilt("investbot_stub", "libmine.so", |bytes| {
        patch(bytes, b"real_money = false", b"real_money = true ");
    });
    let live = || run_mine(&dir).arg("--live").env("INVESTBOT_LIVE", "true");
    let refused = live().end().with_code(4);
    insta::assert_snapshot!(plain(&refused, &dir), @r"
    error: cannot load plugin ./libmine.so [NOT_PINNED]: it trades with real money and is not pinned
      found: no `stub` for this kind of machine in plugins.lock
      expected: the digest of a file that you have decided to trust
      hint: investbot plugin pin ./libmine.so
    ");
    let _ = plugin(&["pin", "./libmine.so"], &dir).end().with_code(0);
    let _ = live().end().with_code(0);
}

#[test]
fn a_damaged_file_of_pins_stops_everything() {
    let dir = scratch();
    dir.file("plugins.lock", "version = 1\n[[plugin]]\nid = 1\n");
    let refused = run(["--exchange", "stub"]).in_dir(&dir).end().with_code(3);
    assert!(
        refused.stderr.contains("plugins.lock:3:6: "),
        "{}",
        refused.stderr
    );
    let _ = plugin(&["pin", "stub"], &dir).end().with_code(3);
}
