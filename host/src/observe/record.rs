//! What a run leaves: its execution reports, on standard output and in the run directory, and the
//! digest over all of them.

pub mod check;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::output::{Output, OutputError};
use super::run_dir::{RunDir, RunDirError, RunFile, SyncHandle};
use crate::engine::report::{DigestState, DigestStateError};
use crate::engine::{ExecutionReport, ReportDigest, ReportKind, text, write_canonical_json};

/// Why a run's record could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Standard output takes no more.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The run directory takes no more.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// What a checkpoint says of the digest is none.
    #[error(transparent)]
    Digest(#[from] DigestStateError),
}

/// How far a record has come: what a checkpoint keeps of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordMark {
    /// How many reports there were, and the digest over them.
    digest: DigestState,
    /// The length of `reports.jsonl`, in bytes.
    #[serde(with = "text")]
    reports: u64,
    /// The length of `fills.jsonl`, in bytes.
    #[serde(with = "text")]
    fills: u64,
    /// The length of `fills.csv`, in bytes.
    #[serde(with = "text")]
    fills_csv: u64,
}

/// A mark that does not hold yet: what is before it has to be brought to the disk first, by whichever
/// thread has the time.
#[derive(Debug)]
pub struct Marking {
    mark: RecordMark,
    unsynced: Vec<SyncHandle>,
}

impl Marking {
    /// Brings everything before the mark to the disk.
    pub fn sync(self) -> Result<RecordMark, RecordError> {
        for file in &self.unsynced {
            file.sync()?;
        }
        Ok(self.mark)
    }
}

/// The record of a run.
pub struct Record {
    digest: ReportDigest,
    /// Where execution reports are printed as they come, if they are.
    stream: Option<Output>,
    files: Option<Files>,
    listener: Option<Listener>,
    /// The latest line; kept for its memory.
    line: String,
}

/// Hears of every report as it is told.
pub type Listener = Box<dyn FnMut(&ExecutionReport)>;

/// The files of the record.
struct Files {
    reports: RunFile,
    fills: RunFile,
    fills_csv: RunFile,
}

impl Record {
    const FILL_COLUMNS: &'static str = "time,instrument,side,price,quantity,fee,fee_currency,\
        fill_id,client_order_id,venue_order_id";

    /// A record that prints to `stream` and keeps files in `run_dir`, where there is one.
    pub fn new(stream: Option<Output>, run_dir: Option<&RunDir>) -> Result<Self, RecordError> {
        let files = run_dir.map(Files::begin).transpose()?;
        Self::on(ReportDigest::default(), stream, files)
    }

    /// The record of a run that goes on: from the mark of a checkpoint, or from the beginning. It is given the
    /// reports from there on again, which leaves the files as they are, and then [`cut`](Self::cut).
    /// `stream` is a new one: it gets the reports from here on.
    ///
    /// # Errors
    ///
    /// [`RunDirError::Short`] if a file has less than the mark says.
    pub fn resume(
        run_dir: &RunDir,
        stream: Option<Output>,
        mark: Option<RecordMark>,
    ) -> Result<Self, RecordError> {
        let Some(mark) = mark else {
            return Self::new(stream, Some(run_dir));
        };
        let digest = ReportDigest::restore(&mark.digest)?;
        Self::on(digest, stream, Some(Files::resume(run_dir, &mark)?))
    }

    fn on(
        digest: ReportDigest,
        mut stream: Option<Output>,
        files: Option<Files>,
    ) -> Result<Self, RecordError> {
        if let Some(stream) = &mut stream {
            stream.header()?;
            // Whoever talks with the run may wait for this line before it says anything.
            stream.flush()?;
        }
        Ok(Self {
            digest,
            stream,
            files,
            listener: None,
            line: String::new(),
        })
    }

    /// Tells `listener` of every report from now on.
    #[must_use]
    pub fn heard_by(mut self, listener: Listener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Whether somebody is shown the reports as they come.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        self.stream.is_some() || self.listener.is_some()
    }

    /// How far the record has come, on the disk and at whoever reads it.
    pub fn mark(&mut self) -> Result<RecordMark, RecordError> {
        self.marking()?.sync()
    }

    /// The same, but for the waiting for the disk.
    pub fn marking(&mut self) -> Result<Marking, RecordError> {
        self.flush()?;
        let mut mark = RecordMark {
            digest: self.digest.state(),
            reports: 0,
            fills: 0,
            fills_csv: 0,
        };
        let mut unsynced = Vec::new();
        if let Some(files) = &mut self.files {
            mark.reports = files.reports.length();
            mark.fills = files.fills.length();
            mark.fills_csv = files.fills_csv.length();
            for file in files.all() {
                unsynced.push(file.sync_handle()?);
            }
        }
        Ok(Marking { mark, unsynced })
    }

    /// All reports of earlier processes were given again: what the files have beyond them, nobody relied on.
    pub fn cut(&mut self) -> Result<(), RecordError> {
        Ok(self.files.as_mut().map_or(Ok(()), Files::finish)?)
    }

    /// Adds a report.
    pub fn report(&mut self, report: &ExecutionReport) -> Result<(), RecordError> {
        write_canonical_json(report, &mut self.line);
        self.digest.add_line(&self.line);
        if let Some(stream) = &mut self.stream {
            stream.line(&self.line)?;
        }
        if let Some(files) = &mut self.files {
            files.add(report, &self.line)?;
        }
        if let Some(listener) = &mut self.listener {
            listener(report);
        }
        Ok(())
    }

    /// Hands what was printed to whoever reads it.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        Ok(self.stream.as_mut().map_or(Ok(()), Output::flush)?)
    }

    /// Closes the files and gives the digest and standard output back.
    pub fn finish(mut self) -> Result<(String, Option<Output>), RecordError> {
        self.flush()?;
        if let Some(files) = &mut self.files {
            files.finish()?;
        }
        Ok((self.digest.to_hex(), self.stream))
    }
}

impl Files {
    const REPORTS: &'static str = "reports.jsonl";
    const FILLS: &'static str = "fills.jsonl";
    const FILLS_CSV: &'static str = "fills.csv";

    fn begin(run_dir: &RunDir) -> Result<Self, RunDirError> {
        let mut files = Self {
            reports: run_dir.resume_file(Self::REPORTS, 0)?,
            fills: run_dir.resume_file(Self::FILLS, 0)?,
            fills_csv: run_dir.resume_file(Self::FILLS_CSV, 0)?,
        };
        run_dir.sync_names()?;
        files.fills_csv.line(Record::FILL_COLUMNS)?;
        Ok(files)
    }

    fn resume(run_dir: &RunDir, mark: &RecordMark) -> Result<Self, RunDirError> {
        Ok(Self {
            reports: run_dir.resume_file(Self::REPORTS, mark.reports)?,
            fills: run_dir.resume_file(Self::FILLS, mark.fills)?,
            fills_csv: run_dir.resume_file(Self::FILLS_CSV, mark.fills_csv)?,
        })
    }

    fn all(&mut self) -> [&mut RunFile; 3] {
        [&mut self.reports, &mut self.fills, &mut self.fills_csv]
    }

    fn add(&mut self, report: &ExecutionReport, line: &str) -> Result<(), RunDirError> {
        self.reports.line(line)?;
        if report.kind == ReportKind::Fill {
            self.fills.line(line)?;
            self.fills_csv.line(&csv_line(report))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), RunDirError> {
        self.all().into_iter().try_for_each(RunFile::finish)
    }
}

/// A fill as a line of CSV, in the order of [`Record::FILL_COLUMNS`].
fn csv_line(report: &ExecutionReport) -> String {
    let Some(fill) = &report.fill else {
        return String::new();
    };
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let fields = [
        crate::clock::rfc3339(report.time),
        report.instrument.clone(),
        report.side.map(|side| side.to_string()).unwrap_or_default(),
        fill.price.to_string(),
        fill.quantity.to_string(),
        fill.fee.to_string(),
        fill.fee_currency.clone(),
        fill.fill_id.clone(),
        report.client_order_id.clone(),
        report.venue_order_id.clone().unwrap_or_default(),
    ];
    writer
        .write_record(&fields)
        .expect("writing to memory cannot fail");
    let bytes = writer.into_inner().expect("flushing to memory cannot fail");
    String::from_utf8(bytes)
        .expect("CSV of strings is a string")
        .trim_end_matches('\n')
        .to_owned()
}
