//! What an adapter must not forget.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::{Answer, OpenParams};
use crate::error::{AdapterError, ErrorKind};

/// A list that survives the process: values in memory, and a line of JSON each in a file.
///
/// A simulated venue keeps its orders here, which have to be known to the next session; an adapter of a
/// real one whatever its venue does not keep. It reads like a slice, oldest first. A `Ledger<OrderReport>` in
/// the file `ledger.jsonl` is what `investbot drill` holds a run against.
///
/// A process that is killed loses nothing that [`push`](Self::push) has returned from. After a power
/// failure the last values may be missing: nothing is synced.
#[derive(Debug)]
pub struct Ledger<T> {
    values: Vec<T>,
    file: Option<LinesFile>,
}

#[derive(Debug)]
struct LinesFile {
    path: PathBuf,
    file: File,
    /// Where the last whole line ends.
    length: u64,
}

impl<T: Serialize + DeserializeOwned> Ledger<T> {
    /// Reads the file `name` in the directory that the host gave, and makes it where there is none.
    /// Without a directory the list is in memory alone.
    ///
    /// A last line without its end was being written when the process was killed. It is cut off: nobody
    /// was told of it. Any other line that is no `T` is an error of kind [`ErrorKind::Config`] that names
    /// the file and the line.
    pub fn open(params: &OpenParams, name: &str) -> Answer<Self> {
        let Some(dir) = &params.data_dir else {
            return Ok(Self {
                values: Vec::new(),
                file: None,
            });
        };
        let path = dir.join(name);
        Self::read(dir, &path).map_err(|error| {
            let text = format!("cannot use {}: {error}", path.display());
            AdapterError::not_sent(ErrorKind::Config, text)
        })
    }

    fn read(dir: &Path, path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let mut options = File::options();
        let mut file = options.create(true).read(true).append(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(whole.map_or(0, |end| end + 1));
        let mut values = Vec::new();
        for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let value = serde_json::from_slice(line);
            values.push(value.map_err(|error| {
                let text = format!("line {}: {error}", number + 1);
                io::Error::new(io::ErrorKind::InvalidData, text)
            })?);
        }
        let length = bytes.len() as u64;
        file.set_len(length)?;
        let path = path.to_owned();
        let file = Some(LinesFile { path, file, length });
        Ok(Self { values, file })
    }

    /// Adds a value. It is in the file before this returns; if it could not be written it is not in the
    /// list either, and the error is [`not_sent`](AdapterError::not_sent).
    pub fn push(&mut self, value: T) -> Answer<()> {
        if let Some(lines) = &mut self.file {
            lines.append(&value).map_err(|error| {
                let text = format!("cannot write {}: {error}", lines.path.display());
                AdapterError::not_sent(ErrorKind::Internal, text)
            })?;
        }
        self.values.push(value);
        Ok(())
    }
}

impl LinesFile {
    fn append(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        // What an earlier failure left half written must not become the beginning of this line.
        self.file.set_len(self.length)?;
        if let Err(error) = self.file.write_all(&line) {
            // If this fails too, the next one to append tries again.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }
}

impl<T> Deref for Ledger<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Effect;

    #[test]
    fn what_could_not_be_written_is_not_in_the_list() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let lines = LinesFile {
            path: path.to_path_buf(),
            file: File::open(&path).unwrap(), // For reading.
            length: 0,
        };
        let mut ledger = Ledger {
            values: Vec::new(),
            file: Some(lines),
        };
        let error = ledger.push(7).unwrap_err();
        assert_eq!(
            (error.kind, error.effect),
            (ErrorKind::Internal, Effect::NotSent)
        );
        assert!(ledger.is_empty());
    }
}
