//! Standard output: data, and nothing but data.

use std::io::{self, BufWriter, Write};

/// Why standard output takes no more.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever read it has gone.
    #[error("standard output was closed by its reader")]
    Closed,
    /// The system said no.
    #[error(
        "cannot write to standard output: {0}\n  hint: check the disk or the program it goes to"
    )]
    Io(io::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// Lines to standard output, or to whatever stands in for it.
pub struct Output {
    out: BufWriter<Box<dyn Write + Send>>,
}

impl Output {
    /// The version of the JSON lines that this host prints; the first line names it.
    pub const FORMAT_VERSION: u32 = 1;

    /// The process's own standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::to(Box::new(io::stdout()))
    }

    /// Somewhere else.
    #[must_use]
    pub fn to(out: Box<dyn Write + Send>) -> Self {
        Self {
            out: BufWriter::new(out),
        }
    }

    /// The first line of JSON output: which format follows.
    pub fn header(&mut self) -> Result<(), OutputError> {
        self.header_of("investbot.run")
    }

    /// The same for another command's format.
    pub fn header_of(&mut self, format: &str) -> Result<(), OutputError> {
        let version = Self::FORMAT_VERSION;
        self.line(&format!(
            r#"{{"kind":"format","format":"{format}","version":{version}}}"#
        ))
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) -> Result<(), OutputError> {
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// Hands everything to the reader.
    pub fn flush(&mut self) -> Result<(), OutputError> {
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_told_from_a_full_disk() {
        for (kind, closed) in [
            (io::ErrorKind::BrokenPipe, true),
            (io::ErrorKind::StorageFull, false),
        ] {
            let mut output = Output::to(Box::new(Failing(kind)));
            output.line("x").expect("buffered");
            let error = output.flush().expect_err("fails");
            assert_eq!(matches!(error, OutputError::Closed), closed, "{error}");
        }
    }
}
