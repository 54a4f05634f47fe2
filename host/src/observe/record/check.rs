//! Compares the files of a record with the reports as they are made again.
//!
//! The reports are brought to the disk when a process ends in good order and with every checkpoint; what
//! comes after that may be missing, or its last line cut off, when the process was killed. It may also be
//! more than the journal tells of: where nobody is shown the reports they need not wait for it.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Files, Record, RecordMark, csv_line};
use crate::engine::{ExecutionReport, ReportDigest, ReportKind, write_canonical_json};

/// A line that is not as it is made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The file.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u64,
    /// What is there; `None` if the file ends before.
    pub recorded: Option<String>,
    /// What should be; `None` if the file should end before.
    pub recomputed: Option<String>,
}

/// Why a comparison ends before its end.
#[derive(Debug)]
pub enum CheckError {
    /// Something is not as it should be.
    Different(Difference),
    /// A file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl From<Difference> for CheckError {
    fn from(difference: Difference) -> Self {
        Self::Different(difference)
    }
}

/// What a comparison of one file came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckedFile {
    /// The file.
    pub name: &'static str,
    /// Lines that are as they should be.
    pub lines: u64,
    /// Lines that are not there yet: a resume writes them.
    pub missing: u64,
    /// Lines that the journal does not tell of: a resume writes them anew.
    pub beyond: u64,
}

/// A comparison under way.
pub struct RecordCheck {
    digest: ReportDigest,
    reports: FileCheck,
    fills: FileCheck,
    fills_csv: FileCheck,
    line: String,
}

impl RecordCheck {
    /// Opens the files in a run directory. One that is not there is empty.
    pub fn open(dir: &Path) -> Result<Self, CheckError> {
        let mut check = Self {
            digest: ReportDigest::default(),
            reports: FileCheck::open(dir, Files::REPORTS)?,
            fills: FileCheck::open(dir, Files::FILLS)?,
            fills_csv: FileCheck::open(dir, Files::FILLS_CSV)?,
            line: String::new(),
        };
        check.fills_csv.expect(Record::FILL_COLUMNS)?;
        Ok(check)
    }

    /// The next report.
    pub fn report(&mut self, report: &ExecutionReport) -> Result<(), CheckError> {
        write_canonical_json(report, &mut self.line);
        self.digest.add_line(&self.line);
        self.reports.expect(&self.line)?;
        if report.kind == ReportKind::Fill {
            self.fills.expect(&self.line)?;
            self.fills_csv.expect(&csv_line(report))?;
        }
        Ok(())
    }

    /// The reports so far were brought to the disk.
    pub fn must_have_all(&self) -> Result<(), CheckError> {
        let files = [&self.reports, &self.fills, &self.fills_csv];
        files.into_iter().try_for_each(FileCheck::must_have_all)
    }

    /// How far the record is, as a checkpoint marks it.
    #[must_use]
    pub fn mark(&self) -> RecordMark {
        RecordMark {
            digest: self.digest.state(),
            reports: self.reports.length,
            fills: self.fills.length,
            fills_csv: self.fills_csv.length,
        }
    }

    /// The digest over the reports so far.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest.to_hex()
    }

    /// There are no more reports. The files `may_go_on` if the process was killed.
    pub fn finish(self, may_go_on: bool) -> Result<[CheckedFile; 3], CheckError> {
        let Self {
            reports,
            fills,
            fills_csv,
            ..
        } = self;
        Ok([
            reports.finish(may_go_on)?,
            fills.finish(may_go_on)?,
            fills_csv.finish(may_go_on)?,
        ])
    }
}

struct FileCheck {
    name: &'static str,
    path: PathBuf,
    /// Until it ends.
    file: Option<BufReader<File>>,
    /// Lines that were as they should be.
    lines: u64,
    /// How long the file should be.
    length: u64,
    missing: u64,
    first_missing: String,
    found: Vec<u8>,
}

impl FileCheck {
    fn open(dir: &Path, name: &'static str) -> Result<Self, CheckError> {
        let path = dir.join(name);
        let file = match File::open(&path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(CheckError::Unreadable { path, source }),
        };
        Ok(Self {
            name,
            path,
            file,
            lines: 0,
            length: 0,
            missing: 0,
            first_missing: String::new(),
            found: Vec::new(),
        })
    }

    /// The next line of the file has to be this one.
    fn expect(&mut self, line: &str) -> Result<(), CheckError> {
        self.length += line.len() as u64 + 1;
        if self.next()? && self.found.strip_suffix(b"\n") == Some(line.as_bytes()) {
            self.lines += 1;
            return Ok(());
        }
        // The end of a line may be cut off, but not changed.
        let is_cut = !self.found.ends_with(b"\n") && line.as_bytes().starts_with(&self.found);
        if !is_cut {
            return Err(self.different(Some(line)).into());
        }
        self.file = None;
        if self.missing == 0 {
            line.clone_into(&mut self.first_missing);
        }
        self.missing += 1;
        Ok(())
    }

    fn must_have_all(&self) -> Result<(), CheckError> {
        if self.missing == 0 {
            return Ok(());
        }
        Err(Difference {
            file: self.name,
            line: self.lines + 1,
            recorded: None,
            recomputed: Some(self.first_missing.clone()),
        }
        .into())
    }

    fn finish(mut self, may_go_on: bool) -> Result<CheckedFile, CheckError> {
        let mut beyond = 0;
        while self.next()? {
            if !may_go_on {
                return Err(self.different(None).into());
            }
            beyond += 1;
        }
        Ok(CheckedFile {
            name: self.name,
            lines: self.lines,
            missing: self.missing,
            beyond,
        })
    }

    /// Finds the next line, with its end if it has one; whether there is one.
    fn next(&mut self) -> Result<bool, CheckError> {
        self.found.clear();
        let Some(file) = &mut self.file else {
            return Ok(false);
        };
        match file.read_until(b'\n', &mut self.found) {
            Ok(read) => Ok(read > 0),
            Err(source) => {
                let path = self.path.clone();
                Err(CheckError::Unreadable { path, source })
            }
        }
    }

    fn different(&self, recomputed: Option<&str>) -> Difference {
        let found = String::from_utf8_lossy(&self.found);
        Difference {
            file: self.name,
            line: self.lines + 1,
            recorded: Some(found.trim_end_matches('\n').to_owned()),
            recomputed: recomputed.map(str::to_owned),
        }
    }
}
