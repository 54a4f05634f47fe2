//! Playing an author: a plugin's crate outside the workspace, with the plugin API as its only dependency.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::artifacts::{target_dir, workspace};
use crate::copies::{Scratch, scratch};

/// A crate in a directory of its own.
pub struct Crate {
    /// Where it lies, and its library.
    dir: Scratch,
    root: PathBuf,
    name: String,
}

impl Crate {
    /// A copy of the plugin crate at `source`, a directory of the workspace, under another name.
    #[must_use]
    pub fn copy_of(source: &str, name: &str) -> Self {
        let dir = scratch();
        let source = workspace().join(source);
        copy_tree(&source.join("src"), &dir.join("src"));
        copy_file(&source.join("plugin.toml"), &dir.join("plugin.toml"));
        // The same versions as everything else, so that nothing needs to be downloaded.
        copy_file(&workspace().join("Cargo.lock"), &dir.join("Cargo.lock"));
        let api = workspace().join("plugin-api");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [lib]\ncrate-type = [\"cdylib\"]\n\
             [dependencies]\ninvestbot-plugin-api = {{ path = {api:?} }}\n\
             [workspace]\n"
        );
        std::fs::write(dir.join("Cargo.toml"), manifest).expect("there is room for a file");
        Self {
            root: dir.to_path_buf(),
            dir,
            name: name.to_owned(),
        }
    }

    /// The crate `name` that somebody has made in `dir`.
    #[must_use]
    pub fn made_in(dir: Scratch, name: &str) -> Self {
        Self {
            root: dir.join(name),
            dir,
            name: name.to_owned(),
        }
    }

    /// Its directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Changes one of its files: `from` becomes `to`.
    #[must_use]
    pub fn edited(self, file: &str, from: &str, to: &str) -> Self {
        let path = self.root.join(file);
        let text = std::fs::read_to_string(&path).expect("the crate has the file");
        assert_eq!(text.matches(from).count(), 1, "{file} has it once: {from}");
        std::fs::write(&path, text.replace(from, to)).expect("there is room for a file");
        self
    }

    /// Runs a cargo command on it.
    pub fn cargo(&self, args: &[&str]) -> Output {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(&self.root).args(args);
        for (name, value) in cargo_environment() {
            command.env(name, value);
        }
        command
            .env_remove("CARGO_BUILD_TARGET")
            .output()
            .expect("cargo runs")
    }

    /// Builds it and gives a copy of the library, in the crate's directory.
    #[must_use]
    pub fn build(&self) -> PathBuf {
        let output = self.cargo(&["build"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let file = format!(
            "{}{}{}",
            std::env::consts::DLL_PREFIX,
            self.name.replace('-', "_"),
            std::env::consts::DLL_SUFFIX
        );
        let built = author_target().join("debug").join(&file);
        let bytes = std::fs::read(&built).expect("it was just built");
        self.dir.file(&file, bytes)
    }
}

/// Its next copy lies elsewhere, so cargo would not find what it built of this one again.
impl Drop for Crate {
    fn drop(&mut self) {
        if self.root.exists() {
            self.cargo(&["clean", "--package", &self.name]);
        }
    }
}

/// What keeps cargo from the network, and what it builds among the tests' files.
#[must_use]
pub fn cargo_environment() -> Vec<(&'static str, PathBuf)> {
    vec![
        ("CARGO_NET_OFFLINE", "true".into()),
        ("CARGO_TERM_COLOR", "never".into()),
        ("CARGO_TARGET_DIR", author_target()),
    ]
}

/// Kept between runs, so that the dependencies are compiled once.
fn author_target() -> PathBuf {
    target_dir().join("author")
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("there is room for a directory");
    for entry in std::fs::read_dir(from).expect("the crate has sources") {
        let entry = entry.expect("readable");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            copy_file(&entry.path(), &to);
        }
    }
}

fn copy_file(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
}
