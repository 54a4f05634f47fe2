//! `investbot plugin wrap`: a program in any language becomes a plugin with an id, claims and secrets of its own.

use crate::program::{Ended, Run, program, run};
use investbot_tests::{Scratch, artifacts, scratch};
use serde_json::json;

const MANIFEST: &str = r#"[plugin]
id = "my-venue"
version = "0.3.0"
requires_api = "1.0"
description = "A venue that is a program of its own"
simulated = true
real_money = false

[capabilities]
order_types = ["market"]
times_in_force = ["gtc"]
max_in_flight = 4
client_order_id = { charset = "alphanumeric", max_length = 32 }
dedupe = { kind = "none" }
deadline = { kind = "none" }
query = { kind = "by_client_id", includes_closed = true, visibility_lag_ms = 0 }

[[secrets]]
env = "MY_VENUE_KEY"
help = "Any text, nobody looks at it"

[config.depth]
type = "integer"
default = 3
help = "A key that is the program's own"

[config.restarts]
type = "integer"
default = 1
help = "How often the program is started again"
"#;

fn wrap(dir: &Scratch, args: &[&str]) -> Run {
    program("plugin").arg("wrap").args(args).in_dir(dir)
}

/// A directory with the manifest, and the plugin that was made of it.
fn wrapped() -> (Scratch, Ended) {
    wrapped_as(MANIFEST)
}

fn wrapped_as(manifest: &str) -> (Scratch, Ended) {
    let dir = scratch();
    dir.file("plugin.toml", manifest);
    let venue = artifacts::program("venue_program");
    let ended = wrap(
        &dir,
        &[
            "plugin.toml",
            "--json",
            "--program",
            venue.to_str().unwrap(),
        ],
    );
    let ended = ended.end().with_code(0);
    (dir, ended)
}

fn trade(dir: &Scratch, fault: &str) -> Run {
    let line = r#"{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.1"}"#;
    run([
        "--exchange",
        "my-venue",
        "--plugin-dir",
        ".",
        "--intents",
        "-",
        "--json",
        "--log",
        "info",
    ])
    .flag("--set", format!("args='{}' {fault}", dir.display()))
    .env("MY_VENUE_KEY", "hush-hush")
    .stdin(format!("{line}\n"))
    .in_dir(dir)
}

#[test]
fn a_program_becomes_a_plugin_of_its_own() {
    let (dir, ended) = wrapped();
    let made = &ended.lines()[1];
    assert_eq!(
        json!([
            made["kind"],
            made["file"],
            made["id"],
            made["version"],
            made["class"]
        ]),
        json!(["wrapped", "./libmy_venue.so", "my-venue", "0.3.0", "C"])
    );
    let info = program("plugin")
        .args(["info", "my-venue", "--plugin-dir", ".", "--json"])
        .in_dir(&dir);
    let info = &info.end().with_code(0).lines()[1];
    assert_eq!(info["sha256"], made["sha256"]);
    let config = &info["manifest"]["config"];
    let defaults =
        ["args", "depth", "restarts", "start_timeout_ms"].map(|key| &config[key]["default"]);
    assert_eq!(
        json!(defaults),
        json!(["", 3, 1, 9000]),
        "what was left out was added"
    );
    let program = artifacts::program("venue_program").canonicalize().unwrap();
    assert_eq!(config["program"]["default"], program.to_str().unwrap());

    let ended = trade(&dir, "leak open 1").end().with_code(0);
    assert_eq!(ended.summary()["plugin"]["id"], "my-venue");
    assert!(
        ended
            .stderr
            .contains(r#"it was told {"MY_VENUE_KEY":"[MY_VENUE_KEY]"}"#),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
    let missing = trade(&dir, "").env("MY_VENUE_KEY", "").end().with_code(3);
    assert!(
        missing.stderr.contains("MY_VENUE_KEY"),
        "{}",
        missing.stderr
    );
}

/// What the manifest claims decides what the host does: this venue does not know duplicates, so it is asked.
#[test]
fn its_claims_are_its_own() {
    let (dir, _) = wrapped();
    let ended = trade(&dir, "exit_after place 1").end().with_code(0);
    let states: Vec<_> = ended
        .lines()
        .iter()
        .map(|line| line["state"].clone())
        .collect();
    assert!(
        states.contains(&json!("in_doubt")) && states.contains(&json!("filled")),
        "{}",
        ended.stdout
    );
    let (dir, _) = wrapped();
    let ended = trade(&dir, "exit place 1").end().with_code(5);
    assert!(
        ended.stdout.contains("\"held\""),
        "not found proves nothing: {}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("\"rejected\""), "{}", ended.stdout);
}

/// Pins the plugin with a check of its claims that they passed: what is not proven of a real venue is not relied on.
fn believe(dir: &Scratch) {
    let pin = program("plugin")
        .args(["pin", "./libmy_venue.so"])
        .in_dir(dir);
    let _ = pin.end().with_code(0);
    let pinned = std::fs::read_to_string(dir.join("plugins.lock")).unwrap();
    let passed = "[plugin.conformance]\nclaims = 'passed'\npassed = 1\nfailed = 0\nskipped = 0\nseed = 0\nkit = 'k'\nhost = '0.1.0'\n";
    dir.file("plugins.lock", format!("{pinned}\n{passed}"));
}

/// In real time there are several orders under way. The program ends with all of them, and each comes to its end.
#[test]
fn orders_that_were_under_way_together() {
    let known = MANIFEST.replace(
        "dedupe = { kind = \"none\" }",
        "dedupe = { kind = \"permanent\" }",
    );
    let (dir, _) = wrapped_as(&known.replace("simulated = true", "simulated = false"));
    believe(&dir);
    let order = |n: usize| {
        let id = format!("a{n}");
        json!({ "id": id, "instrument": "BTC/USD", "side": "buy", "type": "market", "quantity": "0.1" }).to_string()
    };
    let lines: Vec<String> = (0..12).map(order).collect();
    let ended = run([
        "--exchange",
        "my-venue",
        "--plugin-dir",
        ".",
        "--intents",
        "-",
        "--json",
    ])
    .flag(
        "--set",
        format!("args='{}' exit_after place 3", dir.display()),
    )
    .env("MY_VENUE_KEY", "k")
    .stdin(lines.join("\n") + "\n")
    .in_dir(&dir)
    .end()
    .with_code(0);
    // While one is in doubt the host takes up no other.
    let orders = &ended.summary()["result"]["orders"];
    let filled = orders["filled"].as_u64().unwrap();
    let denied = orders["denied"].as_u64().unwrap_or_default();
    assert_eq!(
        (orders.as_object().unwrap().len() <= 2, filled + denied),
        (true, 12),
        "{orders}"
    );
    let at_the_venue = std::fs::read_to_string(dir.join("orders.jsonl")).unwrap();
    assert_eq!(at_the_venue.lines().count() as u64, filled);
    assert!(ended.stdout.contains("\"in_doubt\""), "{}", ended.stdout);
}

#[test]
fn its_pin_is_its_own() {
    let (dir, _) = wrapped();
    let pin = || {
        program("plugin")
            .args(["pin", "./libmy_venue.so"])
            .in_dir(&dir)
            .end()
            .with_code(0)
    };
    assert!(pin().stdout.starts_with("my-venue 0.3.0 "));
    let _ = trade(&dir, "").end().with_code(0);
    dir.file(
        "plugin.toml",
        MANIFEST.replace("max_in_flight = 4", "max_in_flight = 5"),
    );
    let venue = artifacts::program("venue_program");
    let again = ["plugin.toml", "--program", venue.to_str().unwrap()];
    let _ = wrap(&dir, &again).end().with_code(0);
    let refused = trade(&dir, "").end().with_code(4);
    assert!(
        refused.stderr.contains("[HASH_MISMATCH]"),
        "{}",
        refused.stderr
    );

    let real = MANIFEST.replace(
        "simulated = true\nreal_money = false",
        "simulated = false\nreal_money = true",
    );
    dir.file("plugin.toml", real.replace("my-venue", "my-real"));
    let _ = wrap(&dir, &again).end().with_code(0);
    let flags = [
        "--exchange",
        "my-real",
        "--plugin-dir",
        ".",
        "--live",
        "--intents",
        "-",
    ];
    let real = run(flags)
        .in_dir(&dir)
        .env("INVESTBOT_LIVE", "true")
        .env("MY_VENUE_KEY", "k")
        .end()
        .with_code(4);
    assert!(real.stderr.contains("[NOT_PINNED]"), "{}", real.stderr);
}

#[test]
fn what_cannot_become_a_plugin_is_said_with_its_place() {
    let dir = scratch();
    dir.file("venue.py", "");
    let said = |manifest: &str, args: &[&str], code: i32| {
        dir.file("plugin.toml", manifest);
        let args = [&["plugin.toml"][..], args].concat();
        wrap(&dir, &args).end().with_code(code).said(&dir)
    };
    let venue = ["--program", "./venue.py"];
    let edit = |from: &str, to: &str| {
        assert!(MANIFEST.contains(from), "{from}");
        MANIFEST.replace(from, to)
    };
    let named = "[config.program]\ntype = \"string\"\ndefault = \"p\"\nhelp = \"The program\"\n";
    let inline = format!(
        "config = {{ depth = {{ type = \"integer\", help = \"d\" }} }}\n{}",
        MANIFEST.split("[config").next().unwrap()
    );
    let texts = [
        said(&edit("version = \"0.3.0\"", "version = 0.3.0"), &venue, 3),
        said(&edit("max_in_flight = 4", ""), &venue, 3),
        said(&edit("max_in_flight = 4", "max_in_flight = 0"), &venue, 3),
        said(&edit("id = \"my-venue\"", "id = \"exec\""), &venue, 3),
        said(MANIFEST, &[], 3),
        said(MANIFEST, &["--program", "./venue.rb"], 3),
        said(&format!("{MANIFEST}{named}"), &venue, 3),
        said(
            &edit(
                "type = \"integer\"\ndefault = 1",
                "type = \"boolean\"\ndefault = true",
            ),
            &venue,
            3,
        ),
        said(&inline, &venue, 3),
        said(
            &format!("{MANIFEST}{}", "# a very long comment\n".repeat(1_000)),
            &venue,
            3,
        ),
        said(
            MANIFEST,
            &["--program", "./venue.py", "--out", "venue.py"],
            3,
        ),
        wrap(&dir, &["nowhere.toml"]).end().with_code(3).said(&dir),
    ];
    let texts = texts.concat();
    let (before, after) = texts.split_once("too long: ").unwrap();
    let (_, after) = after.split_once(" bytes").unwrap();
    let texts = format!("{before}too long: [N] bytes{after}");
    insta::assert_snapshot!(texts, @r"
    error: plugin.toml:3:14: invalid float, expected nothing
      hint: correct the manifest; cargo doc -p investbot-plugin-api --open describes it
    error: plugin.toml:9:1: missing field `max_in_flight`
      hint: correct the manifest; cargo doc -p investbot-plugin-api --open describes it
    error: plugin.toml: capabilities.max_in_flight = `0`, expected at least 1
      hint: correct the manifest; cargo doc -p investbot-plugin-api --open describes it
    error: plugin.toml: plugin.id is `exec`, which is the id of the plugin that runs the program
      hint: give it a name of its own
    error: plugin.toml: nothing says which program it is
      hint: name it with --program PATH, or as the default of [config.program]
    error: the program ./venue.rb cannot be used: No such file or directory (os error 2)
      hint: check --program; a bare name is looked for in PATH
    error: plugin.toml: the program is named twice: by config.program and by --program
      hint: leave one of them out
    error: plugin.toml: config.restarts is of type boolean, and has to be integer
      hint: its meaning is not the program's own: How often in a row the program is started again after it failed; then it stays down
    error: plugin.toml: the keys of the library cannot be added to its config
      hint: write each key as a table with a header of its own: [config.NAME]
    error: plugin.toml: the manifest is too long: [N] bytes with what is added, and there is room for 16384
      hint: shorten its comments and help texts
    error: venue.py is there, and is not an earlier `my-venue`: it is left as it is
      hint: name another file with --out, or move this one away
    error: the manifest cannot be read: nowhere.toml: No such file or directory (os error 2)
      hint: check the path
    ");
    let stub = artifacts::plugin("investbot_stub");
    let other = said(
        MANIFEST,
        &["--program", "./venue.py", "--exec", stub.to_str().unwrap()],
        4,
    );
    assert!(
        other.contains("it does not say that its manifest may be replaced"),
        "{other}"
    );
    let files = std::fs::read_dir(&*dir).unwrap().count();
    assert_eq!(files, 2, "nothing is left over, and nothing was made");
    assert_eq!(std::fs::read(dir.join("venue.py")).unwrap(), b"");
}
