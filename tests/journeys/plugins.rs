//! Plugins that cannot be used, and plugins that misbehave, through the command line.

use std::path::Path;

use crate::program::{program, run};
use investbot_plugin_api::{API_VERSION, TARGET};
use investbot_tests::{Scratch, patch, plugin, scratch};

/// The refusal of a plugin: exit code 4 and a few lines, whatever it is.
fn refusal(dir: &Scratch, exchange: &str) -> String {
    // Intents, because not every fixture claims to be a simulated venue.
    let args = ["--intents", "-", "--exchange", exchange];
    let ended = run(args).in_dir(dir).end().with_code(4);
    let said = ended.said(dir).replace(TARGET, "[TARGET]");
    assert!(said.lines().count() <= 8, "{said}");
    said
}

fn spoilt(dir: &Scratch, name: &str, from: &str, to: &str) -> String {
    dir.spoilt("fixture_echo", name, |bytes| {
        patch(bytes, from.as_bytes(), to.as_bytes())
    });
    format!("./{name}")
}

#[test]
fn a_name_that_is_nowhere() {
    let dir = scratch();
    let ended = run([
        "--exchange",
        "papr",
        "--plugin-dir",
        "a",
        "--plugin-dir",
        "b",
    ])
    .env("INVESTBOT_PLUGIN_PATH", "c")
    .env("XDG_DATA_HOME", "/data")
    .env("HOME", "/home")
    .in_dir(&dir)
    .end()
    .with_code(4);
    let executable = plugin("investbot_paper");
    let executable = executable.parent().unwrap().to_str().unwrap();
    let said = ended.said(&dir).replace(executable, "[BIN]");
    assert!(said.lines().count() <= 8, "{said}");
    insta::assert_snapshot!(said, @r"
    error: cannot load plugin `papr` [PLUGIN_NOT_FOUND]: no such plugin
      looked for: libinvestbot_papr.so or libpapr.so
      in: a (--plugin-dir)
          b (--plugin-dir)
          c (INVESTBOT_PLUGIN_PATH)
          [BIN] (directory of the executable)
          /data/investbot/plugins (user's data directory)
      hint: did you mean `paper`?
    ");
    insta::assert_snapshot!(refusal(&dir, "./missing.so"), @r"
    error: cannot load plugin ./missing.so [PLUGIN_NOT_FOUND]: no such file
      hint: check the path; a bare name such as `paper` is looked for in the plugin directories
    ");
    insta::assert_snapshot!(refusal(&dir, "../paper"), @r"
    error: cannot load plugin ../paper [PLUGIN_NOT_FOUND]: no such file
      hint: check the path; a bare name such as `paper` is looked for in the plugin directories
    ");
}

#[test]
fn files_that_are_no_plugins() {
    let dir = scratch();
    dir.file("notes.so", "# Notes\n");
    insta::assert_snapshot!(refusal(&dir, "./notes.so"), @r#"
    error: cannot load plugin ./notes.so [NOT_A_PLUGIN]: it is not an investbot plugin
      found: a text file
      expected: a shared library made with export_adapter!
      hint: set crate-type = ["cdylib"] in its Cargo.toml and name the file that cargo build makes of it
    "#);
    dir.spoilt("fixture_echo", "cut.so", |bytes| {
        bytes.truncate(bytes.len() / 2)
    });
    assert!(refusal(&dir, "./cut.so").contains("[NOT_A_PLUGIN]"));
    dir.copy("fixture_noentry", "library.so");
    insta::assert_snapshot!(refusal(&dir, "./library.so"), @r"
    error: cannot load plugin ./library.so [NOT_A_PLUGIN]: it is not an investbot plugin
      found: a library or program without an investbot manifest
      expected: a shared library made with export_adapter!
      hint: check that it is the right file; a plugin calls export_adapter! in its lib.rs
    ");
}

#[test]
#[cfg(all(target_os = "linux", target_endian = "little"))]
fn another_architecture() {
    let dir = scratch();
    dir.spoilt("fixture_noentry", "foreign.so", |bytes| bytes[18] = 22);
    insta::assert_snapshot!(refusal(&dir, "./foreign.so"), @r"
    error: cannot load plugin ./foreign.so [WRONG_TARGET]: it is built for another machine
      found: Elf for S390x
      expected: [TARGET]
      hint: cargo build --release --target [TARGET]
    ");
}

#[test]
fn another_version_of_the_boundary() {
    let dir = scratch();
    let api = spoilt(&dir, "api.so", &format!("api={API_VERSION};"), "api=2.0.0;");
    insta::assert_snapshot!(refusal(&dir, &api), @r"
    error: cannot load plugin ./api.so [API_RANGE]: its API version does not fit
      found: built with plugin API 2.0.0
      expected: plugin API 1.x, 1.0 or newer
      hint: update investbot, or use an older release of the plugin
    ");
    let epoch = spoilt(&dir, "epoch.so", "epoch=1;api", "epoch=2;api");
    insta::assert_snapshot!(refusal(&dir, &epoch), @r"
    error: cannot load plugin ./epoch.so [ABI_EPOCH]: its binary interface is of another generation
      found: ABI epoch 2
      expected: ABI epoch 1
      hint: update investbot, or use an older release of the plugin
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn no_entry_and_another_layout() {
    let dir = scratch();
    let entry = spoilt(
        &dir,
        "entry.so",
        "_1as_0lib_1header_0root_b",
        "_1as_0lib_1header_0root_x",
    );
    insta::assert_snapshot!(refusal(&dir, &entry), @r"
    error: cannot load plugin ./entry.so [HEADER]: its entry cannot be used
      found: no entry symbol
      expected: the entry that export_adapter! of investbot-plugin-api 1.0.0 makes
      hint: rebuild it with that version; use export_adapter! once, in the cdylib itself
    ");
    dir.copy("fixture_layout", "layout.so");
    insta::assert_snapshot!(refusal(&dir, "./layout.so"), @r"
    error: cannot load plugin ./layout.so [LAYOUT]: its binary interface differs
      found: PluginRoot.abi_epoch: u64 instead of u32
      expected: the layout of ABI epoch 1
      hint: rebuild it with an unmodified investbot-plugin-api 1.0.0
    ");
}

#[test]
fn a_pin_that_does_not_fit() {
    let dir = scratch();
    let ended = run(["--exchange", "stub"])
        .in_dir(&dir)
        .env("INVESTBOT_PLUGIN_SHA256", "0".repeat(64))
        .end()
        .with_code(4);
    assert!(ended.stderr.contains("[HASH_MISMATCH]"), "{}", ended.stderr);
}

const ORDER: &str =
    r#"{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"1"}"#;

/// A run of one order through the fixture that misbehaves.
fn misbehaving(fault: &str, at: &str) -> crate::program::Ended {
    let set = [format!("fault={fault}"), format!("at={at}")];
    run(["--intents", "-", "--quiet", "--exchange"])
        .arg(plugin("fixture_echo"))
        .args(set.iter().flat_map(|set| ["--set", set]))
        .env("INVESTBOT_EXCHANGE_OPEN_TIMEOUT_MS", "100")
        .stdin(format!("{ORDER}\n"))
        .end()
}

#[test]
fn an_adapter_that_does_not_open() {
    for (fault, code) in [
        ("error", "OPEN_FAILED"),
        ("panic", "OPEN_PANICKED"),
        ("hang", "OPEN_TIMED_OUT"),
    ] {
        let ended = misbehaving(fault, "open");
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("[{code}]")),
            "{}",
            ended.stderr
        );
    }
}

/// The host outlives a panic anywhere in an adapter, and an order under way stays in doubt until a resume can ask for it.
#[test]
fn an_adapter_that_panics() {
    for (at, code) in [
        ("instruments", 4),
        ("balances", 4),
        ("place", 5),
        ("on_bars", 5),
        ("shutdown", 0),
        ("drop", 0),
    ] {
        let ended = misbehaving("panic", at);
        assert_eq!(ended.code, Some(code), "{at}: {}", ended.stderr);
        let lines = ended.lines();
        let last = lines.iter().rfind(|line| line["id"] == "a");
        let is_in_doubt = last.is_some_and(|line| line["state"] == "in_doubt");
        assert_eq!(is_in_doubt, at == "place", "{at}: {}", ended.stdout);
    }
}

/// An answer that was lost is asked for again at a venue that knows an order when it sees it twice.
#[test]
fn an_adapter_that_fails() {
    for at in ["place", "cancel", "order", "open_orders", "shutdown"] {
        let ended = misbehaving("error", at);
        assert_eq!(ended.code, Some(0), "{at}: {}", ended.stderr);
        assert_eq!(ended.summary()["result"]["orders"]["filled"], 1, "{at}");
    }
}

/// An adapter that speaks of another order than it was asked about has not answered.
#[test]
fn an_adapter_that_answers_something_else() {
    let ended = misbehaving("wrong_order", "").with_code(5);
    assert_eq!(ended.summary()["result"]["orders"]["held"], 1);
}

/// The directory of a plugin, by flag and by variable, comes before that of the program.
#[test]
fn a_directory_of_ones_own() {
    let dir = scratch();
    let file = format!("libinvestbot_paper{}", std::env::consts::DLL_SUFFIX);
    dir.copy("fixture_echo", &file);
    let id = |run: crate::program::Run| {
        run.arg("--json")
            .flag("--to", "2017-10-02")
            .end()
            .with_code(0)
            .summary()["plugin"]["id"]
            .clone()
    };
    let none: [&Path; 0] = [];
    assert_eq!(id(run(none)), "paper");
    assert_eq!(id(run(none).flag("--plugin-dir", &*dir)), "echo");
    assert_eq!(id(run(none).env("INVESTBOT_PLUGIN_PATH", &*dir)), "echo");
}

/// The commands that look at a run, or make runs of their own, take a directory of plugins too. They named a setting
/// that there is not, and nobody noticed.
#[test]
#[cfg(unix)]
fn a_directory_of_plugins_for_every_command() {
    let dir = scratch();
    std::fs::create_dir(dir.join("plugins")).unwrap();
    let file = format!("plugins/libmine{}", std::env::consts::DLL_SUFFIX);
    dir.copy("investbot_stub", &file);
    let mine = |command: &str| {
        program(command)
            .flag("--plugin-dir", "plugins")
            .in_dir(&dir)
    };
    let ran = mine("run")
        .args([
            "--exchange",
            "mine",
            "--run-dir",
            "run",
            "--to",
            "2017-10-02",
        ])
        .args(["--quiet"]);
    let _ = ran.end().with_code(0);
    let verified = mine("verify").arg("run").end().with_code(0);
    assert!(verified.stdout.contains("MATCH"), "{}", verified.stdout);
    let resolved = mine("resolve").arg("run").end().with_code(0);
    assert_eq!(resolved.stdout, "no order is held\n");
    let drill = mine("drill").args(["--exchange", "mine", "--kills", "1", "--dir", "drill"]);
    let _ = drill.end().with_code(0);
}
