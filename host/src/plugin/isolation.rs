//! How a plugin is isolated, where the system can.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// What a plugin in a process of its own is given.
#[derive(Clone, Debug)]
pub struct Isolation {
    /// The investbot program: the process runs it too.
    pub program: PathBuf,
    /// Files and directories that the plugin may read besides the system's and its own.
    pub readable: Vec<PathBuf>,
    /// How much memory it may have, in bytes.
    pub memory: u64,
    /// Held open by the process for as long as it lives: the lock of a run directory, which must not be free while
    /// something could still send an order.
    pub held: Option<Arc<File>>,
}

/// The program that runs now, whatever has become of its file.
#[must_use]
pub fn this_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}
