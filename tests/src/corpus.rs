//! Crates of other versions and with other settings: copies of sources of the repository, edited by a test, at places
//! that stay the same, so that cargo builds again only what has changed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::artifacts::workspace;
use crate::author::author_target;

/// The plugin API as it was at 1.0.
pub const API_1_0: &str = "tests/corpus/plugin-api-1.0";

/// The files of a crate, by their paths in it.
#[derive(Clone)]
pub struct Source(BTreeMap<PathBuf, Vec<u8>>);

impl Source {
    /// The files of a directory of the repository.
    #[must_use]
    pub fn of(dir: &str) -> Self {
        let mut files = BTreeMap::new();
        let root = workspace().join(dir);
        collect(&root, &root, &mut files);
        Self(files)
    }

    /// A digest over names and contents.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (path, content) in &self.0 {
            let path = path.to_str().expect("sources have plain names");
            hash.update(path);
            hash.update([0]);
            hash.update(
                u64::try_from(content.len())
                    .expect("a file fits in memory")
                    .to_be_bytes(),
            );
            hash.update(content);
        }
        hex::encode(hash.finalize())
    }

    /// The same with another file, or another content of one.
    #[must_use]
    pub fn with(mut self, file: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(file.into(), content.into());
        self
    }

    /// Changes a file: `from`, which is there once, becomes `to`.
    #[must_use]
    pub fn edited(self, file: &str, from: &str, to: &str) -> Self {
        let content = self.0.get(Path::new(file)).expect("the crate has the file");
        let text = std::str::from_utf8(content).expect("sources are text");
        assert_eq!(text.matches(from).count(), 1, "{file} has it once: {from}");
        let text = text.replace(from, to);
        self.with(file, text)
    }

    /// Makes it a plugin's crate that depends on the API at `api` and on nothing else but `more`, lines of TOML.
    #[must_use]
    pub fn plugin(self, name: &str, api: &Path, more: &str) -> Self {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [lib]\ncrate-type = [\"cdylib\"]\n\
             [dependencies]\ninvestbot-plugin-api = {{ path = {api:?} }}\n{more}\n[workspace]\n"
        );
        self.with("Cargo.toml", manifest)
    }

    /// Makes it the crate of a program that depends on the API at `api` and on what crosses the boundary.
    #[must_use]
    pub fn host(self, name: &str, api: &Path) -> Self {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n\
             abi_stable = {{ version = \"=0.11.3\", default-features = false }}\nminicbor = \"2\"\n\
             investbot-plugin-api = {{ path = {api:?} }}\n[workspace]\n"
        );
        self.with("Cargo.toml", manifest)
    }

    /// Puts the files where they belong, and gives the directory. What has not changed is not touched.
    #[must_use]
    pub fn place(&self, name: &str) -> PathBuf {
        let dir = author_target().join("corpus").join(name);
        for (path, content) in &self.0 {
            let path = dir.join(path);
            if std::fs::read(&path).is_ok_and(|there| there == *content) {
                continue;
            }
            let parent = path.parent().expect("it is in the directory");
            std::fs::create_dir_all(parent).expect("there is room for a directory");
            replace(&path, content);
        }
        // The same versions as everything else, so that nothing needs to be downloaded.
        let lock = std::fs::read(workspace().join("Cargo.lock")).expect("it is there");
        replace(&dir.join("Cargo.lock"), &lock);
        dir
    }
}

/// Another test may read it at this moment.
fn replace(path: &Path, content: &[u8]) {
    let dir = path.parent().expect("it is in a directory");
    let mut new = tempfile::NamedTempFile::new_in(dir).expect("there is room for a file");
    new.write_all(content).expect("there is room for a file");
    new.persist(path).expect("it is on the same disk");
}

/// What people and programs leave in a directory of sources is none of them.
fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).expect("it has files") {
        let path = entry.expect("readable").path();
        let name = path.strip_prefix(root).expect("it is below");
        if path.is_dir() {
            if name != Path::new("target") {
                collect(root, &path, files);
            }
        } else if name != Path::new("Cargo.lock") {
            let content = std::fs::read(&path).expect("readable");
            files.insert(name.to_owned(), content);
        }
    }
}

/// The frozen API, where it can be built: cargo writes a lock beside it.
#[must_use]
pub fn api_1_0() -> PathBuf {
    Source::of(API_1_0).place("plugin-api-1.0")
}

/// Builds a crate and gives the program or the library that it makes; the error is what the compiler said.
pub fn build(dir: &Path, args: &[&str]) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(dir)
        .args([
            "build",
            "--offline",
            "--message-format=json-render-diagnostics",
        ])
        .arg("--target-dir")
        .arg(author_target())
        .args(args)
        .env_remove("CARGO_BUILD_TARGET")
        .stdin(Stdio::null())
        .output()
        .expect("cargo runs");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let made = String::from_utf8_lossy(&output.stdout);
    let messages = made
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    messages
        .filter_map(|message: Value| artifact(&message))
        .next_back()
        .ok_or_else(|| "it makes nothing".to_owned())
}

/// The file that is made of the crate itself, which is built last.
fn artifact(message: &Value) -> Option<PathBuf> {
    let is_library = message["target"]["kind"][0] == "cdylib";
    let file = if is_library {
        message["filenames"][0].as_str()
    } else {
        message["executable"].as_str()
    };
    file.map(PathBuf::from)
}
