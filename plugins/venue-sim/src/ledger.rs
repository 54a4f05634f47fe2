//! The ledger file: JSON lines, appended one record at a time, read back when the venue is opened.

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
    /// A line is no record. Only the last line may be incomplete.
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
    line: Vec<u8>,
}

impl Ledger {
    /// Opens the ledger in `dir` and hands every record in it to `each`, with its line number. What a
    /// crash left of an unfinished last line is cut off.
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

    /// Writes one record. After an error the record is not in the ledger.
    pub(crate) fn append(&mut self, record: &Record) -> Result<(), LedgerError> {
        match self {
            Self::Nowhere => Ok(()),
            Self::File(file) => file.append(record).map_err(|source| LedgerError::Write {
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
            line: Vec::new(),
        }
    }

    /// On a file that exists, whatever it is.
    #[cfg(test)]
    pub(crate) fn on(path: &str) -> std::io::Result<Self> {
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Self::new(path.into(), file, 0))
    }

    fn append(&mut self, record: &Record) -> std::io::Result<()> {
        if self.torn {
            self.cut()?;
        }
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)?;
        self.line.push(b'\n');
        match self.file.write_all(&self.line) {
            Ok(()) => {
                self.length += self.line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // The line has no newline yet, so a reader would not take it for a record either way.
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

/// Reads the whole records; answers how long they are together.
fn replay(
    file: &File,
    path: &Path,
    each: &mut impl FnMut(&Record) -> Result<(), String>,
) -> Result<u64, LedgerError> {
    let mut reader = BufReader::new(file);
    let (mut bytes, mut length, mut line) = (Vec::new(), 0, 0);
    loop {
        bytes.clear();
        let read = reader
            .read_until(b'\n', &mut bytes)
            .map_err(|source| LedgerError::Open {
                path: path.to_owned(),
                source,
            })?;
        if bytes.last() != Some(&b'\n') {
            return Ok(length);
        }
        line += 1;
        serde_json::from_slice(&bytes)
            .map_err(|e| e.to_string())
            .and_then(|record| each(&record))
            .map_err(|text| LedgerError::Corrupt {
                path: path.to_owned(),
                line,
                text,
            })?;
        length += read as u64;
    }
}
