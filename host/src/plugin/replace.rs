//! Small files that are written as a whole or not at all.

use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// Puts `text` in the place of whatever the file has; who reads meanwhile reads the one or the other.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut new = beside(path)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}

/// Whether a file could be written there; said before work is done whose result would have no place.
pub(super) fn could_replace(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "is a directory",
        ));
    }
    beside(path).map(drop)
}

fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    if !dir.is_dir() {
        let text = format!("there is no directory {}", dir.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    tempfile::Builder::new()
        .permissions(readable())
        .tempfile_in(dir)
}

/// A file for a team, not a secret.
fn readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o644)
}
