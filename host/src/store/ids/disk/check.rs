//! What `lsm-tree` 3 takes on trust when it opens a tree.
//!
//! - The list of its files. It keeps a checksum of it and does not look at it; a flipped bit there takes a
//!   whole file of ids out of sight.
//! - The table of contents at the end of each file. It is verified, but only after memory was asked for as
//!   it says; a flipped bit there ends the process.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

/// Names the list of files: its number, its checksum, the kind of checksum.
const CURRENT: &str = "current";

/// The directory of the files.
const TABLES: &str = "tables";

/// How a file ends: a magic word, version and kind of checksum, then the checksum, the position and the
/// length of its contents.
const TRAILER: usize = 4 + 1 + 1 + 16 + 8 + 8;
const CHECKSUM_AT: usize = 6;
const POSITION_AT: usize = CHECKSUM_AT + 16;

/// No table of contents is longer.
const MAX_CONTENTS: u64 = 1 << 16;

/// Whether what is trusted at opening is as it was written.
pub(super) fn check(dir: &Path) -> Result<(), String> {
    let current = read(&dir.join(CURRENT))?;
    let number = u64::from_le_bytes(at(&current, 0)?);
    let checksum = u128::from_le_bytes(at(&current, 8)?);
    if xxh3_128(&read(&dir.join(format!("v{number}")))?) != checksum {
        return Err("the checksum of its list of files does not fit".to_owned());
    }
    let tables = dir.join(TABLES);
    let entries = std::fs::read_dir(&tables).map_err(|error| about(&tables, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| about(&tables, &error))?.path();
        check_contents(&path).map_err(|error| about(&path, &error))?;
    }
    Ok(())
}

/// Whether a file's table of contents fits its checksum.
fn check_contents(path: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let end = length
        .checked_sub(TRAILER as u64)
        .ok_or("it has no trailer")?;
    let mut trailer = [0; TRAILER];
    file.seek(SeekFrom::Start(end)).map_err(failed)?;
    file.read_exact(&mut trailer).map_err(failed)?;
    let checksum = u128::from_le_bytes(at(&trailer, CHECKSUM_AT)?);
    let position = u64::from_le_bytes(at(&trailer, POSITION_AT)?);
    let size = end
        .checked_sub(position)
        .filter(|size| *size <= MAX_CONTENTS)
        .ok_or("its contents are nowhere")?;
    let mut contents = Vec::new();
    file.seek(SeekFrom::Start(position)).map_err(failed)?;
    file.take(size).read_to_end(&mut contents).map_err(failed)?;
    if xxh3_128(&contents) == checksum {
        return Ok(());
    }
    Err("the checksum of its contents does not fit".to_owned())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| about(path, &error))
}

/// The `N` bytes at an offset.
fn at<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], String> {
    let found = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    found.copied().ok_or_else(|| "it is cut short".to_owned())
}

fn about(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}
