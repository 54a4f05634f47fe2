//! What the workspace builds. Plugins are no dependencies of any test, so cargo does not build them on
//! its own: the first test that asks builds the workspace, in the profile that it runs in itself.

use std::collections::BTreeMap;
use std::env::consts::DLL_SUFFIX;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The programs and shared libraries of the workspace, by their names.
type Artifacts = BTreeMap<String, PathBuf>;

/// A command that runs the investbot binary, without the settings of whoever runs the tests.
#[must_use]
pub fn investbot() -> Command {
    let mut command = Command::new(artifact("investbot"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("INVESTBOT_") {
            command.env_remove(name);
        }
    }
    command
}

/// The shared library of a plugin, by its library's name: `investbot_stub`, `fixture_echo`.
#[must_use]
pub fn plugin(name: &str) -> PathBuf {
    artifact(&format!("{name}{DLL_SUFFIX}"))
}

/// Another program of the workspace, by its name.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    artifact(name)
}

fn artifact(name: &str) -> PathBuf {
    static BUILT: OnceLock<Artifacts> = OnceLock::new();
    let built = BUILT.get_or_init(|| recall().unwrap_or_else(build));
    built.get(name).cloned().unwrap_or_else(|| {
        let names: Vec<_> = built.keys().collect();
        panic!("the workspace builds no `{name}`; it builds {names:?}")
    })
}

fn build() -> Artifacts {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace())
        .args(["build", "--workspace", "--profile", &profile()])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the workspace does not build");
    let artifacts: Artifacts = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .flat_map(|message| of_message(&message))
        .collect();
    remember(&artifacts);
    artifacts
}

/// The artifacts that a message of cargo tells of.
fn of_message(message: &Value) -> Vec<(String, PathBuf)> {
    if message["reason"] != "compiler-artifact" || message["target"]["kind"][0] == "proc-macro" {
        return Vec::new();
    }
    let Some(name) = message["target"]["name"].as_str() else {
        return Vec::new();
    };
    let program = message["executable"]
        .as_str()
        .map(|path| (name.to_owned(), PathBuf::from(path)));
    let libraries = message["filenames"].as_array().into_iter().flatten();
    let library = libraries
        .filter_map(Value::as_str)
        .find(|path| path.ends_with(DLL_SUFFIX))
        .map(|path| (format!("{name}{DLL_SUFFIX}"), PathBuf::from(path)));
    program.into_iter().chain(library).collect()
}

/// The directory of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in the workspace")
}

/// The profile of the running test or program: the directory of its executable is named after it.
fn profile() -> String {
    match profile_dir().file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev".to_owned(),
        Some(name) => name.to_owned(),
    }
}

/// The directory that cargo builds into.
#[must_use]
pub fn target_dir() -> PathBuf {
    let dir = profile_dir();
    dir.parent().expect("PROFILE lies in it").to_owned()
}

fn profile_dir() -> PathBuf {
    let this = std::env::current_exe().expect("a test knows its executable");
    let dir = this.parent().expect("cargo puts programs in PROFILE");
    // Tests and benchmarks are one deeper.
    let dir = if dir.ends_with("deps") {
        dir.parent().expect("deps lies in PROFILE")
    } else {
        dir
    };
    dir.to_owned()
}

/// cargo-nextest runs each test in a process of its own. The first one of a run builds; it leaves a note
/// for the others, which would otherwise all wait for cargo to find that nothing is to be done.
#[derive(serde::Serialize, serde::Deserialize)]
struct Note {
    run: String,
    artifacts: Artifacts,
}

fn this_run() -> Option<String> {
    std::env::var("NEXTEST_RUN_ID").ok()
}

fn note() -> PathBuf {
    profile_dir().join(".artifacts-of-the-run.json")
}

fn recall() -> Option<Artifacts> {
    let run = this_run()?;
    let note: Note = serde_json::from_slice(&std::fs::read(note()).ok()?).ok()?;
    (note.run == run).then_some(note.artifacts)
}

fn remember(artifacts: &Artifacts) {
    let Some(run) = this_run() else { return };
    let artifacts = artifacts.clone();
    let json = serde_json::to_vec(&Note { run, artifacts }).expect("names and paths are text");
    let mut file = tempfile::NamedTempFile::new_in(profile_dir()).expect("cargo writes there too");
    file.write_all(&json).expect("there is room for a note");
    file.persist(note()).expect("it is on the same disk");
}
