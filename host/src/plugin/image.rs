//! A plugin's bytes, read once. What is checked, hashed and later mapped are these very bytes, so a file
//! that is replaced in between changes nothing.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::LoadError;
use super::permissions;
use super::text::printable;

/// The most that is read: a debug build of a large adapter stays well below.
const SIZE_LIMIT: u64 = 256 << 20;

/// A plugin's file as it was when it was read.
pub(super) struct Image {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// The digest of `bytes`, in hexadecimal.
    pub(super) sha256: String,
}

impl Image {
    /// Reads the file, unless others could have tampered with it.
    pub(super) fn read(path: PathBuf) -> Result<Self, LoadError> {
        match read(&path) {
            Ok(bytes) => {
                let bytes = bytes?;
                let sha256 = hex::encode(Sha256::digest(&bytes));
                Ok(Self {
                    path,
                    bytes,
                    sha256,
                })
            }
            Err(error) => Err(LoadError::Unreadable { path, error }),
        }
    }

    /// Compares the digest with the one that the user pinned.
    pub(super) fn check_pin(&self, pin: &str) -> Result<(), LoadError> {
        let trimmed = pin.trim();
        let digits = trimmed.strip_prefix("sha256:").unwrap_or(trimmed);
        if !is_sha256(digits) {
            return Err(LoadError::Pin {
                pin: printable(pin, 100),
            });
        }
        if self.sha256.eq_ignore_ascii_case(digits) {
            return Ok(());
        }
        Err(LoadError::HashMismatch {
            path: self.path.clone(),
            found: self.sha256.clone(),
            expected: digits.to_ascii_lowercase(),
        })
    }
}

/// Whether a text is a digest in hexadecimal.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn read(path: &Path) -> io::Result<Result<Vec<u8>, LoadError>> {
    // Opening a pipe would wait for a writer, so what it is comes first.
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is a device, a pipe or a socket"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if let Err(refusal) = permissions::check(path, &metadata) {
        return Ok(Err(refusal));
    }
    let mut bytes = Vec::new();
    if metadata.len() <= SIZE_LIMIT {
        bytes.reserve_exact(usize::try_from(metadata.len()).unwrap_or(0));
        file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    }
    let size = metadata.len().max(bytes.len() as u64);
    if size > SIZE_LIMIT {
        return Ok(Err(LoadError::TooLarge {
            path: path.to_owned(),
            size,
            limit: SIZE_LIMIT,
        }));
    }
    Ok(Ok(bytes))
}
