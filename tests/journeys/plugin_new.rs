//! `investbot plugin new`: the crate that it writes is a venue as it is, and nothing else is touched.

use std::path::Path;

use crate::program::{Run, program, run};
use insta::assert_snapshot;
use investbot_tests::artifacts::workspace;
use investbot_tests::author::Crate;
use investbot_tests::{Scratch, scratch};

/// The most lines of Rust that somebody who writes a first adapter is asked to read.
const LINES: usize = 120;

fn new(name: &str, dir: &Scratch) -> Run {
    program("plugin").args(["new", name]).in_dir(dir)
}

/// A new crate in a directory of its own.
fn made(name: &str) -> Crate {
    let dir = scratch();
    let _ = new(name, &dir).end().with_code(0);
    Crate::made_in(dir, name)
}

fn entries(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn it_tells_what_it_made_and_what_to_do_next() {
    let dir = scratch();
    let told = new("my-venue", &dir).end().with_code(0).stdout;
    let told = told
        .replace(workspace().to_str().unwrap(), "[SOURCES]")
        .replace(std::env::consts::DLL_SUFFIX, ".so");
    assert_snapshot!(told, @r"
    made my-venue, with the plugin API in [SOURCES]/plugin-api
      Cargo.toml                the crate, with one dependency
      Cargo.lock                the versions that the plugin API is tested with
      plugin.toml               what the plugin claims: change it with the code
      src/lib.rs                the adapter: begin here
      README.md                 for its users
      .github/workflows/ci.yml  builds and checks every commit
      .gitignore                what is not to be committed

    next:
      cd my-venue
      cargo build
      investbot plugin check ./target/debug/libmy_venue.so
      investbot run --exchange ./target/debug/libmy_venue.so
    ");
    assert_eq!(entries(&dir), ["my-venue"]);
    let manifest = std::fs::read_to_string(dir.join("my-venue/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    let names: Vec<_> = dependencies.keys().collect();
    assert_eq!(names, ["investbot-plugin-api"]);
}

#[test]
fn it_builds_passes_the_check_and_trades_as_it_is() {
    let author = made("new-and-unchanged");
    let library = author.build();
    for seed in ["0", "1", "7"] {
        let check = program("plugin")
            .args(["check", "--json", "--seed", seed])
            .arg(&library);
        let mut lines = check.end().with_code(0).lines();
        let summary = lines.pop().unwrap();
        assert_eq!(summary["bad"], 0, "{lines:#?}");
        assert!(summary["passed"].as_u64() >= Some(75), "{summary}");
    }
    let trade = || {
        let run = run(["--json", "--run-id", "mine"]);
        run.flag("--exchange", &library).end().with_code(0)
    };
    let first = trade();
    let filled = first.summary()["result"]["orders"]["filled"].as_u64();
    assert!(filled > Some(100), "{:?}", first.summary());
    assert_eq!(first.digest(), trade().digest());
}

/// What it keeps in a run's directory is enough to go on with, and what it told can be recomputed.
#[test]
fn a_run_on_it_can_be_verified() {
    let author = made("new-and-verified");
    let library = author.build();
    let dir = scratch();
    let kept = run(["--run-dir", "kept"]).in_dir(&dir);
    let _ = kept.flag("--exchange", &library).end().with_code(0);
    let orders = std::fs::read_to_string(dir.join("kept/venue/ledger.jsonl")).unwrap();
    assert!(orders.lines().count() > 100);
    let verified = program("verify").arg("kept").in_dir(&dir).end();
    assert!(verified.with_code(0).stdout.contains("MATCH"));
}

/// The drill reads what `Ledger` writes: it believes a venue that keeps its word, and finds out one that does not.
#[cfg(unix)]
#[test]
fn it_can_be_drilled() {
    let drill = |author: &Crate, args: &[&str], code: i32| -> serde_json::Value {
        let dir = scratch();
        let drill = program("drill")
            .args(["--json", "--dir", "drill"])
            .args(args);
        let drill = drill.flag("--exchange", author.build()).in_dir(&dir);
        drill.end().with_code(code).lines().remove(1)
    };
    let author = made("new-and-drilled");
    let good = drill(&author, &["--kills", "15"], 0);
    assert!(good["orders"].as_u64() > Some(0), "{good}");
    assert_eq!(good["reports_compared"], good["reports_equal"]);
    let forgetful = author
        .edited(
            "src/lib.rs",
            "if let Some(known) = orders.iter().find(|it| it.client_order_id == *id) {",
            "if let Some(known) = orders.iter().find(|it| it.client_order_id.is_empty()) {",
        )
        .edited(
            "plugin.toml",
            r#"query = { kind = "by_client_id", includes_closed = true, visibility_lag_ms = 0 }"#,
            r#"query = { kind = "none" }"#,
        );
    let bad = drill(&forgetful, &["--steps", "--fail-fast"], 8);
    assert!(bad["duplicates"].as_u64() > Some(0), "{bad}");
}

/// CI of the crate, but for what fetches and builds the host, which is here already.
#[cfg(unix)]
#[test]
fn its_own_ci_is_green() {
    let author = made("new-with-ci");
    let root = author.root();
    std::os::unix::fs::symlink(workspace(), root.join("../investbot")).unwrap();
    let ci = std::fs::read_to_string(root.join(".github/workflows/ci.yml")).unwrap();
    assert!(ci.contains("plugin check ./target/release/libnew_with_ci.so --junit report.xml"));
    let steps = ci
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- run: cargo "));
    let mut done = Vec::new();
    for step in steps.filter(|step| !step.contains("--release")) {
        let args: Vec<_> = step.split(' ').collect();
        let output = author.cargo(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "cargo {step}\n{said}");
        assert!(args[0] != "test" || said.contains("1 passed"), "{said}");
        done.push(args[0].to_owned());
    }
    assert_eq!(done, ["add", "fmt", "clippy", "test"]);
}

#[test]
fn it_is_short_safe_and_explains_every_method() {
    let author = made("new-and-read");
    let (mut lines, mut text) = (0, String::new());
    for name in entries(&author.root().join("src")) {
        let file = std::fs::read_to_string(author.root().join("src").join(name)).unwrap();
        lines += file.lines().count();
        text += &file;
    }
    assert!(lines <= LINES, "{lines} lines of Rust");
    assert!(text.contains("#![forbid(unsafe_code)]"));
    for method in [
        "open",
        "instruments",
        "balances",
        "positions",
        "place",
        "cancel",
        "order",
        "open_orders",
        "fills_since",
        "health",
        "shutdown",
        "on_bars",
    ] {
        let (before, _) = text.split_once(&format!("    fn {method}(")).expect(method);
        let above = before.lines().next_back().unwrap();
        assert!(above.starts_with("    /// "), "{method}: {above}");
    }
}

#[test]
fn names_that_cannot_be() {
    let dir = scratch();
    let said = |name: &str| new(name, &dir).end().with_code(2).stderr;
    assert_snapshot!(said("My Venue"), @r"
    error: `My Venue` cannot be the name of a plugin
      expected: lower case letters, digits and dashes, starting with a letter, at most 64
      hint: investbot plugin new my-venue
    ");
    assert_snapshot!(said("adapters/kraken_spot"), @r"
    error: `adapters/kraken_spot` cannot be the name of a plugin
      expected: lower case letters, digits and dashes, starting with a letter, at most 64
      hint: investbot plugin new kraken-spot
    ");
    assert_snapshot!(said("fn"), @r"
    error: `fn` cannot be the name of a plugin: Rust keeps the word for itself
      hint: investbot plugin new fn-venue
    ");
    assert!(said("\u{1b}[31m").contains(r"`\u{1b}[31m` cannot be"));
    assert!(entries(&dir).is_empty());
}

#[test]
fn nothing_is_overwritten() {
    let dir = scratch();
    std::fs::create_dir(dir.join("empty")).unwrap();
    dir.file("file", "mine");
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", dir.join("link")).unwrap();
    let before = entries(&dir);
    for name in &before {
        let said = new(name, &dir).end().with_code(3).stderr;
        assert_eq!(
            said,
            format!(
                "error: ./{name} is there already, and nothing is overwritten\n  hint: choose another name, move it \
                 away, or work in another directory\n"
            )
        );
    }
    assert_eq!(entries(&dir), before);
    assert!(entries(&dir.join("empty")).is_empty());
    assert_eq!(std::fs::read_to_string(dir.join("file")).unwrap(), "mine");
}

/// No file may have more than a block: the disk fails half way.
#[cfg(target_os = "linux")]
#[test]
fn what_fails_half_way_leaves_nothing_behind() {
    let dir = scratch();
    let investbot = investbot_tests::investbot();
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 1; exec \"$0\" plugin new half"])
        .arg(investbot.get_program())
        .current_dir(&*dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("error: ./half cannot be made: File too large"),
        "{said}"
    );
    assert!(
        said.contains("hint: work in a directory in which you may write"),
        "{said}"
    );
    assert!(entries(&dir).is_empty());
}

/// Nobody makes a directory there, not even root.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_in_which_nothing_can_be_made() {
    let ended = program("plugin").args(["new", "my-venue"]);
    let ended = ended.in_dir(Path::new("/proc")).end().with_code(1);
    assert!(
        ended
            .stderr
            .starts_with("error: ./my-venue cannot be made: "),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_plugin_api_of_another_place() {
    let dir = scratch();
    let with_api = |api: &Path| new("my-venue", &dir).flag("--api", api);
    let ended = with_api(&workspace().join("host")).end().with_code(3);
    assert_snapshot!(ended.stderr.replace(workspace().to_str().unwrap(), "[SOURCES]"), @r"
    error: the plugin API is not in [SOURCES]/host
      found: the crate `investbot`
      expected: the crate `investbot-plugin-api`
      hint: it is the directory plugin-api of investbot's sources
    ");
    assert!(
        with_api(&dir)
            .end()
            .with_code(3)
            .stderr
            .contains("Cargo.toml: ")
    );

    std::fs::create_dir(dir.join("a \"place\"")).unwrap();
    dir.file(
        "a \"place\"/Cargo.toml",
        "[package]\nname = \"investbot-plugin-api\"\n",
    );
    let _ = with_api(Path::new("a \"place\"")).end().with_code(0);
    let manifest = std::fs::read_to_string(dir.join("my-venue/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let path = manifest["dependencies"]["investbot-plugin-api"]["path"].as_str();
    assert_eq!(path, dir.join("a \"place\"").to_str());
    assert!(!dir.join("my-venue/Cargo.lock").exists());
}

/// A program that was installed knows no sources.
#[test]
fn the_plugin_api_of_the_registry() {
    let dir = scratch();
    let installed = dir.join("investbot");
    std::fs::copy(investbot_tests::investbot().get_program(), &installed).unwrap();
    let output = std::process::Command::new(&installed)
        .args(["plugin", "new", "my-venue"])
        .current_dir(&*dir)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        told.starts_with("made my-venue, with the plugin API 1.0 of the registry\n"),
        "{told}"
    );
    let manifest = std::fs::read_to_string(dir.join("my-venue/Cargo.toml")).unwrap();
    assert!(
        manifest.contains("\ninvestbot-plugin-api = \"1.0\"\n"),
        "{manifest}"
    );
    let ci = std::fs::read_to_string(dir.join("my-venue/.github/workflows/ci.yml")).unwrap();
    assert!(!ci.contains("cargo add"), "{ci}");
}
