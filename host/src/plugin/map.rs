//! Mapping exactly the bytes that were read and checked. A library that was mapped is never unmapped:
//! threads, destructors and statics of a plugin may outlive everything that we know of it.

use std::io;
use std::path::{Path, PathBuf};

use abi_stable::library::{LibHeader, LibraryError, lib_header_from_path};
use investbot_plugin_api::abi::{ABI_EPOCH, PluginRootRef};

use super::error::LoadError;
use super::image::Image;
use super::layout;
use super::text::one_line;

/// Maps the image and gives its root module.
///
/// abi_stable's `RootModule::load_from_file` keeps one module for each type, so that a second plugin
/// would silently be the first one again; the header is asked directly instead.
pub(super) fn map(image: &Image) -> Result<PluginRootRef, LoadError> {
    let copy = PrivateCopy::of(&image.bytes).map_err(|error| no_copy(image, error))?;
    map_copy(copy, &image.path)
}

/// A sealed copy of the image for another process to map.
#[cfg(target_os = "linux")]
pub(super) fn share(image: &Image) -> Result<std::os::fd::OwnedFd, LoadError> {
    match PrivateCopy::in_memory(&image.bytes) {
        Ok((_, fd)) => Ok(fd),
        Err(error) => Err(no_copy(image, error)),
    }
}

/// Maps what another process has shared; `path` is where it came from, for messages.
#[cfg(target_os = "linux")]
pub(super) fn map_shared(
    copy: std::os::fd::OwnedFd,
    path: &Path,
) -> Result<PluginRootRef, LoadError> {
    let at = PrivateCopy::path_of(&copy);
    map_copy(PrivateCopy::Memory(at, copy), path)
}

fn no_copy(image: &Image, error: io::Error) -> LoadError {
    LoadError::Copy {
        path: image.path.clone(),
        size: image.bytes.len(),
        error,
    }
}

fn map_copy(copy: PrivateCopy, path: &Path) -> Result<PluginRootRef, LoadError> {
    dlopen(copy.path()).map_err(|e| {
        // The loader's own words are the source of the error.
        let source = std::error::Error::source(&e).map(ToString::to_string);
        let message = source.unwrap_or_else(|| e.to_string());
        LoadError::Dlopen {
            path: path.to_owned(),
            message: said(&message, copy.path(), path),
        }
    })?;
    let root = lib_header_from_path(copy.path())
        .map_err(|e| header_error(e, &copy, path))
        .and_then(|header| root(header, &copy, path));
    // Refused or not, the library is mapped now, and for ever.
    copy.keep();
    root
}

fn root(
    header: &'static LibHeader,
    copy: &PrivateCopy,
    path: &Path,
) -> Result<PluginRootRef, LoadError> {
    if let Some(difference) = layout::difference(header) {
        return Err(LoadError::Layout {
            path: path.to_owned(),
            difference,
        });
    }
    let root = header
        .init_root_module::<PluginRootRef>()
        .map_err(|e| header_error(e, copy, path))?;
    if root.abi_epoch() != ABI_EPOCH {
        return Err(LoadError::AbiEpoch {
            path: path.to_owned(),
            found: root.abi_epoch(),
            expected: ABI_EPOCH,
        });
    }
    Ok(root)
}

/// Maps the library with every symbol bound at once. Bound lazily, as abi_stable does it, a missing
/// symbol would end the process at its first use, in the middle of a run. What is mapped here is the
/// same mapping that abi_stable finds afterwards.
#[allow(unsafe_code)]
fn dlopen(path: &Path) -> Result<(), libloading::Error> {
    #[cfg(unix)]
    let library = {
        use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
        // SAFETY: mapping runs the library's initialisers. The caller has checked that the file is a
        // whole library of this target with a manifest of this API, from a place where only its owner
        // can put code; to run that owner's code is what the user asked for.
        unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }?
    };
    #[cfg(not(unix))]
    // SAFETY: as above.
    let library = unsafe { libloading::Library::new(path) }?;
    std::mem::forget(library);
    Ok(())
}

fn header_error(error: LibraryError, copy: &PrivateCopy, path: &Path) -> LoadError {
    let message = match &error {
        LibraryError::GetSymbolError { .. } => "no entry symbol".to_owned(),
        LibraryError::InvalidAbiHeader(header) => format!(
            "an entry of abi_stable {}.{}",
            header.abi_major, header.abi_minor
        ),
        LibraryError::IncompatibleVersionNumber { actual_version, .. } => {
            format!("an entry of investbot-plugin-api {actual_version}")
        }
        LibraryError::RootModule { .. } => "an entry that fails".to_owned(),
        other => said(&other.to_string(), copy.path(), path),
    };
    LoadError::Header {
        path: path.to_owned(),
        message,
    }
}

/// What a library said, about the file as the user knows it.
fn said(text: &str, copy: &Path, path: &Path) -> String {
    let (copy, path) = (copy.to_string_lossy(), path.to_string_lossy());
    one_line(&text.replace(&*copy, &path))
}

/// A copy of the image that nobody else can change, at a path that the system's loader takes.
enum PrivateCopy {
    /// In memory, sealed. The number in its path must not be used for another file while the loader
    /// knows this one by it, so the descriptor stays open with the library.
    #[cfg(target_os = "linux")]
    Memory(PathBuf, std::os::fd::OwnedFd),
    /// In a directory of our own.
    Directory(PathBuf, tempfile::TempDir),
}

impl PrivateCopy {
    fn of(bytes: &[u8]) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        match Self::in_memory(bytes) {
            Ok((path, fd)) => return Ok(Self::Memory(path, fd)),
            // Some sandboxes forbid it or hide /proc; a file serves as well, though it is not sealed.
            Err(error) => tracing::debug!(%error, "no sealed memory, mapping a private file"),
        }
        Self::in_directory(bytes)
    }

    #[cfg(target_os = "linux")]
    fn in_memory(bytes: &[u8]) -> io::Result<(PathBuf, std::os::fd::OwnedFd)> {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
        use std::io::Write as _;

        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Where the system makes such files not executable by default, it must be asked for; kernels
        // before 6.3 don't know the word.
        let fd = memfd_create("investbot-plugin", flags | MemfdFlags::EXEC)
            .or_else(|_| memfd_create("investbot-plugin", flags))?;
        let mut file = std::fs::File::from(fd);
        file.write_all(bytes)?;
        fcntl_add_seals(
            &file,
            SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        )?;
        let fd = file.into();
        let path = Self::path_of(&fd);
        path.metadata()?;
        Ok((path, fd))
    }

    #[cfg(target_os = "linux")]
    fn path_of(fd: &std::os::fd::OwnedFd) -> PathBuf {
        use std::os::fd::AsRawFd as _;
        PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
    }

    fn in_directory(bytes: &[u8]) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o700));
        }
        let dir = builder.prefix("investbot-plugin-").tempdir()?;
        let path = dir
            .path()
            .join(format!("plugin{}", std::env::consts::DLL_SUFFIX));
        std::fs::write(&path, bytes)?;
        Ok(Self::Directory(path, dir))
    }

    fn path(&self) -> &Path {
        match self {
            #[cfg(target_os = "linux")]
            Self::Memory(path, _) => path,
            Self::Directory(path, _) => path,
        }
    }

    fn keep(self) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Memory(_, fd) => std::mem::forget(fd),
            // Unix keeps a mapped file alive without its name; elsewhere it cannot be removed yet.
            Self::Directory(_, dir) => drop(dir),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_copy_in_memory_cannot_be_changed() {
        let (path, _fd) = PrivateCopy::in_memory(b"bytes").expect("this system has memfd");
        assert_eq!(std::fs::read(&path).expect("readable"), b"bytes");
        let written = std::fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|mut file| io::Write::write_all(&mut file, b"x"));
        assert!(written.is_err());
        assert_eq!(std::fs::read(&path).expect("readable"), b"bytes");
    }

    #[test]
    #[cfg(unix)]
    fn a_copy_in_a_directory_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let copy = PrivateCopy::in_directory(b"bytes").expect("there is room");
        let dir = copy.path().parent().expect("it is in a directory");
        let mode = dir.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
