//! The ledger file: JSON lines, appended one change at a time, read back when the venue is opened.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::record::Record;

/// The ledger's name in the venue's directory.
pub const LEDGER_FILE: &str = "ledger.jsonl";

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file cannot be opened or read.
    #[error("cannot open the venue's ledger {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is no record. Only the last change may be incomplete.
    #[error(
        "{}:{line}: not a record of the venue's ledger: {text}; restore the file or begin with an empty directory",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        text: String,
    },
    /// A record could not be written; nothing was changed.
    #[error("cannot write the venue's ledger {}: {source}; the change was not made", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Where records go; nowhere if the venue keeps nothing.
#[derive(Debug)]
pub(crate) enum Ledger {
    Nowhere,
    File(LedgerFile),
}

/// An open ledger file.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    path: PathBuf,
    file: File,
    /// Everything before this is whole records.
    length: u64,
    /// The end of the file is not at `length` and could not be brought there.
    torn: bool,
    lines: Vec<u8>,
}

impl Ledger {
    /// Opens the ledger in `dir` and hands every record in it to `each`. What a crash left of an
    /// unfinished last change is cut off.
    pub(crate) fn open(
        dir: Option<&Path>,
        mut each: impl FnMut(&Record) -> Result<(), String>,
    ) -> Result<Self, LedgerError> {
        let Some(dir) = dir else {
            return Ok(Self::Nowhere);
        };
        let path = dir.join(LEDGER_FILE);
        let failed = |source| LedgerError::Open {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let length = replay(&file, &path, &mut each)?;
        file.set_len(length).map_err(failed)?;
        file.seek(SeekFrom::Start(length)).map_err(failed)?;
        Ok(Self::File(LedgerFile::new(path, file, length)))
    }

    /// Writes the records of one change, in one write. After an error none of them is in the ledger.
    pub(crate) fn append(&mut self, change: &mut [Record]) -> Result<(), LedgerError> {
        match self {
            Self::Nowhere => Ok(()),
            Self::File(file) => file.append(change).map_err(|source| LedgerError::Write {
                path: file.path.clone(),
                source,
            }),
        }
    }
}

impl LedgerFile {
    const fn new(path: PathBuf, file: File, length: u64) -> Self {
        Self {
            path,
            file,
            length,
            torn: false,
            lines: Vec::new(),
        }
    }

    /// On a file that exists, whatever it is.
    #[cfg(test)]
    pub(crate) fn on(path: &str) -> std::io::Result<Self> {
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Self::new(path.into(), file, 0))
    }

    fn append(&mut self, change: &mut [Record]) -> std::io::Result<()> {
        if self.torn {
            self.cut()?;
        }
        self.lines.clear();
        let last = change.len().saturating_sub(1);
        for (index, record) in change.iter_mut().enumerate() {
            record.more = index < last;
            serde_json::to_writer(&mut self.lines, record)?;
            self.lines.push(b'\n');
        }
        match self.file.write_all(&self.lines) {
            Ok(()) => {
                self.length += self.lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                // The last line has no newline yet, so a reader would not take any of it either way.
                self.torn = true;
                let _ = self.cut();
                Err(error)
            }
        }
    }

    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.torn = false;
        Ok(())
    }
}

/// Reads the whole changes; answers how long they are together.
fn replay(
    file: &File,
    path: &Path,
    each: &mut impl FnMut(&Record) -> Result<(), String>,
) -> Result<u64, LedgerError> {
    let mut reader = BufReader::new(file);
    let (mut bytes, mut read, mut whole) = (Vec::new(), 0, 0);
    let mut change: Vec<Record> = Vec::new();
    for line in 1.. {
        bytes.clear();
        let failed = |source| LedgerError::Open {
            path: path.to_owned(),
            source,
        };
        let corrupt = |line, text| LedgerError::Corrupt {
            path: path.to_owned(),
            line,
            text,
        };
        read += reader.read_until(b'\n', &mut bytes).map_err(failed)? as u64;
        if bytes.last() != Some(&b'\n') {
            break;
        }
        let record: Record =
            serde_json::from_slice(&bytes).map_err(|error| corrupt(line, error.to_string()))?;
        let more = record.more;
        change.push(record);
        if more {
            continue;
        }
        let first = line + 1 - change.len() as u64;
        for (record, line) in change.drain(..).zip(first..) {
            each(&record).map_err(|text| corrupt(line, text))?;
        }
        whole = read;
    }
    Ok(whole)
}
