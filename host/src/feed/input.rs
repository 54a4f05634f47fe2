//! The bytes of a file, unpacked while they are read, with a digest of the file as it is on disk.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive};

use super::error::{DataError, Place};

const GZIP: &[u8] = &[0x1F, 0x8B];
const ZIP: &[u8] = b"PK\x03\x04";
const ZIP_EMPTY: &[u8] = b"PK\x05\x06";

/// How far a file is read; may be asked from another thread.
#[derive(Clone, Debug)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Bytes of the file, as it is on disk, that were read so far.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes of the file; `None` for a pipe.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }
}

/// The file's own bytes; whatever passes is hashed and counted.
struct Tally {
    raw: Box<dyn Read + Send>,
    hash: Sha256,
    read: Arc<AtomicU64>,
}

impl Tally {
    fn new(raw: impl Read + Send + 'static) -> Self {
        Self {
            raw: Box::new(raw),
            hash: Sha256::new(),
            read: Arc::default(),
        }
    }
}

impl Read for Tally {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.raw.read(out)?;
        self.hash.update(&out[..count]);
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

enum Packing {
    None(Tally),
    Gzip(Box<MultiGzDecoder<Tally>>),
    ZipStored(Checked<io::Take<Tally>>),
    ZipDeflated(Box<Checked<DeflateDecoder<io::Take<Tally>>>>),
}

/// The bytes of an entry of a zip archive, checked against its size and checksum at the end.
struct Checked<R> {
    entry: R,
    crc: Crc,
    expected: (u64, u32),
    length: u64,
}

impl<R> Checked<R> {
    fn new(entry: R, expected: (u64, u32)) -> Self {
        Self {
            entry,
            crc: Crc::new(),
            expected,
            length: 0,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.entry.read(out)?;
        self.crc.update(&out[..count]);
        self.length += count as u64;
        if count == 0 && !out.is_empty() && (self.length, self.crc.sum()) != self.expected {
            let text = "the entry's size or checksum is not what the archive says";
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        Ok(count)
    }
}

/// A source of bytes with a name.
pub(super) struct Input {
    name: Arc<str>,
    packing: Packing,
    total: Option<u64>,
}

impl Input {
    /// Opens a file, plain or packed with gzip or zip, by its first bytes.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |cause| DataError::Open {
            path: path.to_owned(),
            cause,
        };
        let mut file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.is_dir() {
            return Err(DataError::Directory {
                path: path.to_owned(),
            });
        }
        let total = about.is_file().then_some(about.len());
        let name: Arc<str> = path.display().to_string().into();
        let mut magic = Vec::with_capacity(4);
        file.by_ref()
            .take(4)
            .read_to_end(&mut magic)
            .map_err(failed)?;
        let packing = if magic == ZIP || magic == ZIP_EMPTY {
            open_zip(file, &name)?
        } else if magic.starts_with(GZIP) {
            let raw = Tally::new(Cursor::new(magic).chain(file));
            Packing::Gzip(Box::new(MultiGzDecoder::new(raw)))
        } else {
            Packing::None(Tally::new(Cursor::new(magic).chain(file)))
        };
        Ok(Self {
            name,
            packing,
            total,
        })
    }

    /// Bytes in memory, not packed.
    pub(super) fn memory(name: &str, bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        let total = Some(bytes.as_ref().len() as u64);
        Self {
            name: name.into(),
            packing: Packing::None(Tally::new(Cursor::new(bytes))),
            total,
        }
    }

    pub(super) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            read: Arc::clone(&self.tally().read),
            total: self.total,
        }
    }

    /// A place in this source.
    pub(super) fn place(&self, line: u64, column: u64) -> Place {
        Place {
            source: Arc::clone(&self.name),
            line,
            column,
        }
    }

    /// What an error of [`Read`] means: the system's, or the packing's.
    pub(super) fn error(&self, line: u64, cause: io::Error) -> DataError {
        let place = self.place(line, 1);
        let packed = !matches!(self.packing, Packing::None(_));
        match cause.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput
                if packed =>
            {
                let detail = cause.to_string();
                DataError::Damaged { place, detail }
            }
            _ => DataError::Read { place, cause },
        }
    }

    /// Reads what is left of the file; its SHA-256 in hex. Call it once, after the last byte.
    pub(super) fn finish(&mut self) -> io::Result<String> {
        let tally = self.tally_mut();
        io::copy(tally, &mut io::sink())?;
        Ok(hex::encode(tally.hash.finalize_reset()))
    }

    fn tally(&self) -> &Tally {
        match &self.packing {
            Packing::None(tally) => tally,
            Packing::Gzip(decoder) => decoder.get_ref(),
            Packing::ZipStored(entry) => entry.entry.get_ref(),
            Packing::ZipDeflated(entry) => entry.entry.get_ref().get_ref(),
        }
    }

    fn tally_mut(&mut self) -> &mut Tally {
        match &mut self.packing {
            Packing::None(tally) => tally,
            Packing::Gzip(decoder) => decoder.get_mut(),
            Packing::ZipStored(entry) => entry.entry.get_mut(),
            Packing::ZipDeflated(entry) => entry.entry.get_mut().get_mut(),
        }
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match &mut self.packing {
            Packing::None(tally) => tally.read(out),
            Packing::Gzip(decoder) => decoder.read(out),
            Packing::ZipStored(entry) => entry.read(out),
            Packing::ZipDeflated(entry) => entry.read(out),
        }
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish()
    }
}

/// Where the one file in an archive is, and how it is packed.
struct Entry {
    start: u64,
    length: u64,
    deflated: bool,
    expected: (u64, u32),
}

/// The archive's directory is at its end, so that is read first; then the file from its beginning, so
/// that the digest covers all of it.
fn open_zip(mut file: File, name: &Arc<str>) -> Result<Packing, DataError> {
    let failed = |detail: String| DataError::Archive {
        file: Arc::clone(name),
        detail,
    };
    file.seek(SeekFrom::Start(0))
        .map_err(|_| failed("it comes from a pipe; unpack it first".to_owned()))?;
    let entry = find_entry(&file).map_err(failed)?;
    let broken = |cause: io::Error| failed(format!("{cause}; fetch it again"));
    file.seek(SeekFrom::Start(0)).map_err(broken)?;
    let mut raw = Tally::new(file);
    io::copy(&mut raw.by_ref().take(entry.start), &mut io::sink()).map_err(broken)?;
    let packed = raw.take(entry.length);
    Ok(if entry.deflated {
        let decoder = DeflateDecoder::new(packed);
        Packing::ZipDeflated(Box::new(Checked::new(decoder, entry.expected)))
    } else {
        Packing::ZipStored(Checked::new(packed, entry.expected))
    })
}

fn find_entry(file: &File) -> Result<Entry, String> {
    let broken = |error: zip::result::ZipError| format!("{error}; fetch it again");
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    let mut found = None;
    let mut files = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        // What macOS adds beside each file is not data.
        if entry.is_dir() || entry.name().map_err(broken)?.starts_with("__MACOSX/") {
            continue;
        }
        files += 1;
        if entry.encrypted() {
            return Err("it is encrypted; unpack it first".to_owned());
        }
        let deflated = match entry.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            other => {
                return Err(format!(
                    "it is packed with {other}, and only deflate is read; unpack it first"
                ));
            }
        };
        let start = entry.data_start().ok_or("its entry has no data")?;
        found = Some(Entry {
            start,
            length: entry.compressed_size(),
            deflated,
            expected: (entry.size(), entry.crc32()),
        });
    }
    match (files, found) {
        (1, Some(entry)) => Ok(entry),
        (0, _) => Err("there is no file in it".to_owned()),
        _ => Err(format!(
            "there are {files} files in it, and one of bars was expected; unpack it and name one"
        )),
    }
}
