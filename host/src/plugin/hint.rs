//! The parts of a refusal's text that depend on what was found.

use std::fmt;
use std::path::PathBuf;

use investbot_plugin_api::{AdapterError, ErrorKind};

use super::resolve::Origin;

/// The directories of a search, a line each; the last line counts those for which there is no room.
pub(super) struct Searched<'a>(pub(super) &'a [(PathBuf, Origin)]);

impl fmt::Display for Searched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ROOM: usize = 5;
        if self.0.is_empty() {
            return f.write_str("no directory at all");
        }
        let shown = if self.0.len() > ROOM {
            ROOM - 1
        } else {
            self.0.len()
        };
        for (i, (dir, origin)) in self.0[..shown].iter().enumerate() {
            let indent = if i == 0 { "" } else { "\n      " };
            write!(f, "{indent}{} ({origin})", dir.display())?;
        }
        if shown < self.0.len() {
            write!(f, "\n      and {} more", self.0.len() - shown)?;
        }
        Ok(())
    }
}

/// What to do about a name that was not found.
pub(super) struct NotFoundHint<'a> {
    pub(super) near: &'a [String],
    pub(super) there: &'a [String],
}

impl fmt::Display for NotFoundHint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ROOM: usize = 8;
        if let [first, rest @ ..] = self.near {
            write!(f, "did you mean `{first}`")?;
            for name in rest {
                write!(f, " or `{name}`")?;
            }
            return f.write_str("?");
        }
        if self.there.is_empty() {
            return f.write_str(
                "put the plugin's file into one of these directories, or name its path",
            );
        }
        let shown = &self.there[..self.there.len().min(ROOM)];
        write!(f, "these are there: {}", shown.join(", "))?;
        if self.there.len() > ROOM {
            write!(f, " and {} more", self.there.len() - ROOM)?;
        }
        Ok(())
    }
}

pub(super) const fn shared_directory_hint(mode: u32) -> &'static str {
    const STICKY: u32 = 0o1000;
    if mode & STICKY == 0 {
        ""
    } else {
        ", or rather move the plugin out of this shared directory"
    }
}

pub(super) const fn epoch_hint(found: u32, expected: u32) -> &'static str {
    if found > expected {
        "update investbot, or use an older release of the plugin"
    } else {
        "update the plugin, or rebuild it with this host's investbot-plugin-api"
    }
}

pub(super) fn open_hint(error: &AdapterError) -> &'static str {
    match error.kind {
        ErrorKind::Config => "hint: change the plugin's configuration as it says",
        ErrorKind::Auth => "hint: check the plugin's secrets and what their key may do",
        ErrorKind::Network | ErrorKind::Timeout | ErrorKind::RateLimited => {
            "hint: check that its venue can be reached, then try again"
        }
        ErrorKind::Maintenance => "hint: the venue is closed; try again later",
        _ => "hint: the text above is the plugin's own; its documentation explains it",
    }
}
