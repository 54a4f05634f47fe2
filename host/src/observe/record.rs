//! What a run leaves: its execution reports, on standard output and in the run directory, and the
//! digest over all of them.

use super::output::{Output, OutputError};
use super::run_dir::{RunDir, RunDirError, RunFile};
use crate::engine::{ExecutionReport, ReportDigest, ReportKind, write_canonical_json};

/// Why a run's record could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Standard output takes no more.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The run directory takes no more.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
}

/// The record of a run.
pub struct Record {
    digest: ReportDigest,
    /// Where execution reports are printed as they come, if they are.
    stream: Option<Output>,
    files: Option<Files>,
    /// The latest line; kept for its memory.
    line: String,
}

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
    pub fn new(mut stream: Option<Output>, run_dir: Option<&RunDir>) -> Result<Self, RecordError> {
        if let Some(stream) = &mut stream {
            stream.header()?;
            // Whoever talks with the run may wait for this line before it says anything.
            stream.flush()?;
        }
        let files = run_dir.map(Files::create).transpose()?;
        Ok(Self {
            digest: ReportDigest::default(),
            stream,
            files,
            line: String::new(),
        })
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
    fn create(run_dir: &RunDir) -> Result<Self, RunDirError> {
        let mut files = Self {
            reports: run_dir.begin_file("reports.jsonl")?,
            fills: run_dir.begin_file("fills.jsonl")?,
            fills_csv: run_dir.begin_file("fills.csv")?,
        };
        files.fills_csv.line(Record::FILL_COLUMNS)?;
        Ok(files)
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
        self.reports.finish()?;
        self.fills.finish()?;
        self.fills_csv.finish()
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
