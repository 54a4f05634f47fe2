//! The configuration as its users meet it: through flags, variables and files.

mod mistakes;
mod precedence;
mod robust;
mod secrets;
mod started;

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use investbot_plugin_api::manifest::Manifest;
use tempfile::TempDir;

use super::{FlagValue, Layers, RuntimeConfig, SETTINGS};

/// A directory with a configuration in it, and what is said on the command line and in the environment.
struct Case {
    dir: TempDir,
    flags: Vec<FlagValue>,
    env: Vec<(OsString, OsString)>,
}

impl Case {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            flags: Vec::new(),
            env: Vec::new(),
        }
    }

    fn toml(self, text: &str) -> Self {
        self.file("investbot.toml", text)
    }

    fn dotenv(self, text: &str) -> Self {
        self.file(".env", text)
    }

    fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.path().join(name), bytes).expect("a writable directory");
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, flag: &str, text: &str) -> Self {
        let setting = SETTINGS.iter().find(|s| s.flag == Some(flag));
        self.flags.push(FlagValue {
            key: setting.expect("a flag of the table").key,
            texts: vec![text.to_owned()],
        });
        self
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn resolve(&self) -> RuntimeConfig {
        let layers = Layers::gather(self.flags.clone(), self.env.clone(), self.path(), None);
        RuntimeConfig::resolve(layers)
    }
}

/// The mistakes as they are shown; empty if there are none.
fn mistakes(config: &RuntimeConfig) -> String {
    config
        .check()
        .err()
        .map(|e| e.to_string())
        .unwrap_or_default()
}

/// The manifest of a simulated venue, with `extra` after it.
fn simulated(extra: &str) -> Manifest {
    manifest("simulated = true", extra)
}

/// A manifest with `info` in its first table and `extra` at its end.
fn manifest(info: &str, extra: &str) -> Manifest {
    let text = format!(
        r#"
        [plugin]
        id = "venue"
        version = "1.0.0"
        requires_api = "1.0"
        description = "A venue for tests"
        {info}

        [capabilities]
        order_types = ["market"]
        times_in_force = ["gtc"]
        max_in_flight = 16
        client_order_id = {{ charset = "hex", max_length = 32 }}
        dedupe = {{ kind = "none" }}
        deadline = {{ kind = "none" }}
        query = {{ kind = "none" }}
        {extra}
        "#
    );
    toml::from_str(&text).expect("a valid manifest")
}
