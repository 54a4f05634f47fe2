//! Copies of plugins, and ways to spoil them.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::artifacts;

/// A directory of a test's own, which only its owner can write.
pub struct Scratch(TempDir);

/// Makes one.
#[must_use]
pub fn scratch() -> Scratch {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    // On some systems the directory for temporary files is a link, and errors name the real one.
    let room = std::env::temp_dir()
        .canonicalize()
        .and_then(|dir| builder.tempdir_in(dir));
    Scratch(room.expect("there is room for a directory"))
}

impl Deref for Scratch {
    type Target = Path;
    fn deref(&self) -> &Path {
        self.0.path()
    }
}

impl Scratch {
    /// Writes a file.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, content).expect("there is room for a file");
        self.close(&path);
        path
    }

    /// A copy of the plugin `library` under another file name.
    pub fn copy(&self, library: &str, name: &str) -> PathBuf {
        self.spoilt(library, name, |_| ())
    }

    /// A copy of the plugin `library` with its bytes changed.
    pub fn spoilt(&self, library: &str, name: &str, spoil: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let mut bytes = std::fs::read(artifacts::plugin(library)).expect("it was just built");
        spoil(&mut bytes);
        self.file(name, bytes)
    }

    /// Takes the right to write from others, whatever the umask.
    #[cfg(unix)]
    fn close(&self, path: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(path, mode).expect("it is ours");
    }

    #[cfg(not(unix))]
    fn close(&self, _path: &Path) {}
}

/// Replaces every `from` by `to`, which is as long; panics if there is none.
pub fn patch(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len(), "the file keeps its length");
    let mut at = 0;
    let mut found = false;
    while at + from.len() <= bytes.len() {
        if bytes[at] == from[0] && &bytes[at..at + from.len()] == from {
            bytes[at..at + from.len()].copy_from_slice(to);
            found = true;
            at += from.len();
        } else {
            at += 1;
        }
    }
    assert!(found, "{} is not there", String::from_utf8_lossy(from));
}
