//! Plugins that misbehave, as users run them: the table of docs/MISBEHAVIOUR.md is true, and nothing outlives its host.

use std::path::Path;
use std::time::{Duration, Instant};

use investbot_tests::artifacts::workspace;
use investbot_tests::misbehaviour::{table, to_markdown};
use investbot_tests::program::{Run, program, run};
use investbot_tests::{patch, plugin, scratch};

#[test]
fn the_table_of_the_documentation_is_what_happens() {
    let page = std::fs::read_to_string(workspace().join("docs/MISBEHAVIOUR.md")).unwrap();
    let found = to_markdown(&table());
    for section in found.split_inclusive("\n\n") {
        assert!(
            page.contains(section),
            "docs/MISBEHAVIOUR.md lacks:\n{section}\nof\n{found}"
        );
    }
}

/// The same venue, the same orders, the same fills: only where the plugin runs is another.
#[test]
fn isolation_changes_no_digest() {
    for venue in ["paper", "stub", "realish"] {
        let digest = |isolation: &str| {
            run([
                "--json",
                "--run-id",
                "same",
                "--seed",
                "3",
                "--to",
                "2018-03-01",
            ])
            .flag("--exchange", venue)
            .arg(format!("--isolate={isolation}"))
            .keys()
            .end()
            .with_code(0)
            .digest()
        };
        assert_eq!(digest("process"), digest("none"), "{venue}");
    }
}

fn processes_of(run_dir: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    let held = std::fs::canonicalize(run_dir).unwrap().join(".lock");
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let fds = std::fs::read_dir(entry.path().join("fd"));
        let holds = fds
            .into_iter()
            .flatten()
            .flatten()
            .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target == held));
        if holds {
            found.push(pid);
        }
    }
    found
}

/// The host is killed while its plugin hangs in the middle of an order. The plugin's process ends with it, and only then
/// is the run directory free: nothing of the old run can send what the new one finds to be absent.
#[test]
fn a_plugins_process_ends_with_its_host_and_holds_the_run_until_then() {
    let dir = scratch();
    let run_dir = dir.join("run");
    let live = run([
        "--json",
        "--strategy",
        "buy-and-hold",
        "--to",
        "2018-01-02",
        "--isolate",
    ])
    .flag("--exchange", plugin("fixture_rogue"))
    .flag("--run-dir", &run_dir)
    .args(["--set", "fault=hang"])
    .env("INVESTBOT_EXCHANGE_CALL_TIMEOUT_MS", "600000")
    .start();
    let hangs = run_dir.join("venue/faults");
    wait_until("it hangs", || hangs.exists());
    let holders = processes_of(&run_dir);
    assert_eq!(holders.len(), 2, "the host and its plugin: {holders:?}");
    live.signal("KILL");
    let resumed = run(["--json"])
        .flag("--resume", &run_dir)
        .end()
        .with_code(0);
    assert_eq!(resumed.summary()["result"]["orders"]["filled"], 1);
    assert!(processes_of(&run_dir).is_empty());
    drop(live);
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
}

/// Kills the host at random instants, with its plugin in a process of its own.
#[test]
fn a_drill_with_an_isolated_plugin_loses_nothing() {
    let drill = program("drill").args(["--kills", "20", "--json", "--", "--isolate"]);
    let told = drill.end().with_code(0);
    for nothing in ["duplicates", "lost", "false_rejections"] {
        assert!(
            told.stdout.contains(&format!("\"{nothing}\":0")),
            "{}",
            told.stdout
        );
    }
}

/// The log says where a plugin runs.
fn is_isolated(run: Run) -> bool {
    let told = run.args(["--log", "info", "--to", "2018-01-02"]).end();
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    told.stderr
        .contains("the plugin runs in a process of its own")
}

#[test]
fn real_money_is_isolated_unless_somebody_says_otherwise() {
    let dir = scratch();
    let rich = dir.spoilt("investbot_paper", "libinvestbot_paper.so", |bytes| {
        patch(bytes, b"real_money = false", b"real_money = true ");
    });
    let pinned = program("plugin").arg("pin").arg(&rich).in_dir(&dir);
    let _ = pinned.end().with_code(0);
    let live = |flags: &[&str]| {
        is_isolated(
            run(flags)
                .arg("--live")
                .env("INVESTBOT_LIVE", "true")
                .flag("--exchange", &rich)
                .in_dir(&dir),
        )
    };
    assert!(live(&[]));
    assert!(!live(&["--isolate=none"]));
    let none: [&str; 0] = [];
    assert!(!is_isolated(run(none)), "a simulated venue is not");
    assert!(is_isolated(run(["--isolate"])));
}

/// A resumed run goes on as it was begun.
#[test]
fn a_resumed_run_is_isolated_as_it_was() {
    let dir = scratch();
    let run_dir = dir.join("run");
    assert!(is_isolated(run(["--isolate"]).flag("--run-dir", &run_dir)));
    let none: [&str; 0] = [];
    let resumed = run(none)
        .args(["--log", "info"])
        .flag("--resume", &run_dir)
        .end()
        .with_code(0);
    assert!(
        resumed.stderr.contains("in a process of its own"),
        "{}",
        resumed.stderr
    );
}
