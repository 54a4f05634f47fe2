//! The file system that a run is kept on.

use std::sync::Arc;

use crate::config::DRILL_KILL;
use crate::fs::{Fs, KillFs, RealFs};

/// The system's files; in a process that is to die for a drill, until it does.
pub(super) fn file_system() -> Arc<dyn Fs> {
    let asked = std::env::var(DRILL_KILL).ok();
    match asked.map(|asked| asked.parse()) {
        None => Arc::new(RealFs),
        Some(Ok(at)) => Arc::new(KillFs::new(RealFs, at)),
        Some(Err(error)) => {
            tracing::warn!(%error, "{DRILL_KILL} is not looked at");
            Arc::new(RealFs)
        }
    }
}
