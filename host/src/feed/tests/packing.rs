//! Packed files, and what can be wrong with them.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, ZipArchive};

use super::super::{BUNDLED, BarReader, DataError};
use super::{drain, options};

fn open(bytes: &[u8]) -> Result<BarReader, DataError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    BarReader::open(file.path(), &options())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(method: CompressionMethod, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let how = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in files {
        writer.start_file(*name, how).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn assert_same_as_plain(packed: &[u8]) {
    let plain = BUNDLED[2].csv;
    let want = drain(&mut open(plain).unwrap()).unwrap();
    let mut reader = open(packed).unwrap();
    assert!(drain(&mut reader).unwrap() == want);
    // The digest is the packed file's.
    assert_eq!(
        reader.digest(),
        Some(hex::encode(Sha256::digest(packed)).as_str())
    );
    let progress = reader.progress();
    assert_eq!(Some(progress.read()), progress.total());
}

#[test]
fn packed_files_are_read_as_plain_ones() {
    let csv = BUNDLED[2].csv;
    assert_same_as_plain(csv);
    assert_same_as_plain(&gzip(csv));
    let (a, b) = csv.split_at(csv.len() / 2);
    assert_same_as_plain(&[gzip(a), gzip(b)].concat());
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        assert_same_as_plain(&zip(method, &[("aapl.csv", csv)]));
        assert_same_as_plain(&zip(
            method,
            &[("__MACOSX/._aapl.csv", b"x"), ("aapl.csv", csv)],
        ));
    }
}

#[test]
fn json_may_be_packed_too() {
    let json = b"[[1577836800000,1,2,1,2,5],[1577836860000,1,2,1,2,5]]";
    let packed = zip(CompressionMethod::Deflated, &[("bars.json", json)]);
    assert_eq!(drain(&mut open(&packed).unwrap()).unwrap().len(), 2);
    assert_eq!(drain(&mut open(&gzip(json)).unwrap()).unwrap().len(), 2);
}

/// The error wherever it comes.
fn error(bytes: &[u8]) -> String {
    let result = open(bytes).and_then(|mut reader| drain(&mut reader));
    result.expect_err("a damaged file was read").to_string()
}

#[test]
fn a_cut_file_is_refused() {
    let csv = BUNDLED[0].csv;
    let packed = gzip(csv);
    for length in [3, packed.len() / 2, packed.len() - 4] {
        let text = error(&packed[..length]);
        assert!(
            text.contains("damaged or cut off") && text.contains("fetch the file again"),
            "{text}"
        );
    }
    let packed = zip(CompressionMethod::Deflated, &[("a.csv", csv)]);
    let text = error(&packed[..packed.len() / 2]);
    assert!(text.contains("this zip archive cannot be used"), "{text}");
}

#[test]
fn a_damaged_file_is_refused() {
    let csv = BUNDLED[2].csv;
    let mut packed = gzip(csv);
    let sum = packed.len() - 8;
    packed[sum] ^= 1;
    assert!(error(&packed).contains("damaged or cut off"));

    let mut packed = zip(CompressionMethod::Stored, &[("a.csv", csv)]);
    let start = ZipArchive::new(Cursor::new(&packed)).unwrap();
    let start = {
        let mut archive = start;
        archive.by_index_raw(0).unwrap().data_start().unwrap()
    };
    // Another volume, in the last row: nothing but the checksum can tell.
    let last = usize::try_from(start).unwrap() + csv.len() - 2;
    packed[last] = if packed[last] == b'1' { b'2' } else { b'1' };
    let text = error(&packed);
    assert!(text.contains("size or checksum"), "{text}");
}

#[test]
fn an_archive_has_one_file() {
    let stored = CompressionMethod::Stored;
    let text = error(&zip(stored, &[("a.csv", b"x"), ("b.csv", b"y")]));
    assert!(
        text.contains("there are 2 files in it") && text.contains("name one"),
        "{text}"
    );
    let text = error(&zip(stored, &[]));
    assert!(text.contains("there is no file in it"), "{text}");
    assert!(error(&gzip(b"")).contains("is empty"));
    assert!(error(&zip(stored, &[("a.csv", b"")])).contains("is empty"));
}

#[test]
fn any_damage_is_an_error_and_no_panic() {
    let csv = &BUNDLED[2].csv[..4_000];
    let csv = &csv[..=csv.iter().rposition(|b| *b == b'\n').unwrap()];
    let want = drain(&mut open(csv).unwrap()).unwrap();
    for packed in [
        gzip(csv),
        zip(CompressionMethod::Deflated, &[("a.csv", csv)]),
    ] {
        for at in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0x10;
            if let Ok(mut reader) = open(&damaged)
                && let Ok(bars) = drain(&mut reader)
            {
                // Times, names and comments in the packing may change; bars may not.
                assert!(bars == want, "byte {at} changed the bars");
            }
        }
    }
}
