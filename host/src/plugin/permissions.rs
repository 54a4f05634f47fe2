//! Who could replace a plugin's code. A plugin runs with all the rights of the host, secrets included,
//! so nobody but its owner may be able to write its file or the directory it lies in.

use std::fs::Metadata;
use std::path::Path;

use super::error::LoadError;

/// Checks the file and its own directory; for a link, the directory of the link too.
#[cfg(unix)]
pub(super) fn check(plugin: &Path, file: &Metadata) -> Result<(), LoadError> {
    use std::os::unix::fs::MetadataExt as _;

    let refuse = |path: &Path, what, metadata: &Metadata| {
        if !writable_by_others(metadata.mode(), metadata.uid(), metadata.gid()) {
            return Ok(());
        }
        Err(LoadError::InsecurePermissions {
            plugin: plugin.to_owned(),
            path: path.to_owned(),
            what,
            mode: metadata.mode() & 0o7777,
        })
    };
    let unreadable = |error| LoadError::Unreadable {
        path: plugin.to_owned(),
        error,
    };
    refuse(plugin, "file", file)?;
    let real = plugin.canonicalize().map_err(unreadable)?;
    for path in [plugin, &real] {
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        refuse(dir, "directory", &dir.metadata().map_err(unreadable)?)?;
    }
    Ok(())
}

/// Elsewhere permissions are not a matter of bits; the private copy is made all the same.
#[cfg(not(unix))]
pub(super) fn check(_plugin: &Path, _file: &Metadata) -> Result<(), LoadError> {
    Ok(())
}

/// Where every user has a group of their own with the same number, as most Linux systems set it up,
/// what the compiler writes is group-writable, and the group is the owner alone. Any other group counts
/// as others. The sticky bit does not help: in a shared directory anybody may put a file first.
#[cfg(unix)]
const fn writable_by_others(mode: u32, uid: u32, gid: u32) -> bool {
    mode & 0o002 != 0 || (mode & 0o020 != 0 && uid != gid)
}

#[cfg(all(test, unix))]
mod tests {
    use super::writable_by_others;

    #[test]
    fn only_the_owner_and_their_own_group_may_write() {
        assert!(!writable_by_others(0o755, 1000, 100));
        assert!(!writable_by_others(0o775, 1000, 1000));
        assert!(writable_by_others(0o775, 1000, 100));
        assert!(writable_by_others(0o757, 1000, 1000));
        assert!(writable_by_others(0o1777, 0, 0));
    }
}
