//! What the files of a run mean to the next process, whatever their bytes are.
//!
//! A journal says what came to be known, in order, and whether its last process ended in good order. Which
//! process wrote a line, and after which other line, is in it too (`epoch`, `seq`, `prev`, `crc`), and decides
//! nothing: runs that got to the same point with one process, or with three, go on alike. So these are left out
//! here, and situations that differ in them alone are one. That this leaves nothing out is itself tested: both
//! ways of telling situations apart count the same schedules.

use std::hash::{Hash, Hasher};

use investbot::fs::{EditView, FileView};

use super::DiskState;

/// How closely it is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closeness {
    /// Whether it matters how long files are, and how many lines they have: to a run that begins new files, or
    /// saves checkpoints.
    pub lengths: bool,
}

impl DiskState {
    /// Takes in what the files mean.
    pub fn hash_meaning<H: Hasher>(&self, closeness: Closeness, state: &mut H) {
        self.image.hash_names(state);
        for file in self.image.files() {
            hash_file(&file, closeness, state);
        }
        self.tracks.hash_meaning(state);
    }
}

fn hash_file<H: Hasher>(file: &FileView<'_>, closeness: Closeness, state: &mut H) {
    if file
        .names
        .iter()
        .all(|name| is_put_aside(name.as_encoded_bytes()))
    {
        // Nobody reads it again.
        return "put aside".hash(state);
    }
    if file.edits.iter().any(|edit| matches!(edit, EditView::Cut)) {
        (file.seen, file.disk).hash(state);
    }
    hash_content(file.disk, closeness, state);
    let mut length = file.disk.len();
    for edit in &file.edits {
        match *edit {
            EditView::Write { at, bytes, pending } => {
                (at == length, pending, bytes.len()).hash(state);
                hash_content(bytes, closeness, state);
                length = at + bytes.len();
            }
            EditView::Cut => "cut".hash(state),
        }
    }
    if file.edits.is_empty() && file.seen != file.disk {
        file.seen.hash(state);
    }
}

/// The bytes of a write that was cut off.
fn is_put_aside(name: &[u8]) -> bool {
    memchr::memmem::find(name, b".broken").is_some()
}

/// Lines of a journal by what they say, anything else by its bytes.
fn hash_content<H: Hasher>(content: &[u8], closeness: Closeness, state: &mut H) {
    if !content.starts_with(HEAD) {
        return content.hash(state);
    }
    if closeness.lengths {
        let lines = memchr::memchr_iter(b'\n', content).count();
        (content.len(), lines).hash(state);
    }
    let end = memchr::memrchr(b'\n', content).map_or(0, |end| end + 1);
    let (whole, torn) = content.split_at(end);
    let mut is_closed = false;
    for line in whole.split_inclusive(|byte| *byte == b'\n') {
        is_closed = hash_line(line, state);
    }
    (is_closed, !torn.is_empty()).hash(state);
}

const HEAD: &[u8] = b"{\"seq\":\"";
const AT: &[u8] = b"\"at\":\"";
const EPOCH: &[u8] = b"\",\"type\":\"epoch\"";
const CLOSED: &[u8] = b"\",\"type\":\"closed\"";
const TRAILER: usize = ",\"crc\":\"00000000\"}\n".len();

/// Takes in the time, kind and record of a line, unless they are of a process and not of the run; whether it
/// says that a process ended.
fn hash_line<H: Hasher>(line: &[u8], state: &mut H) -> bool {
    let rest = memchr::memmem::find(line, AT).map(|at| &line[at + AT.len()..]);
    let Some(rest) = rest.filter(|rest| line.starts_with(HEAD) && rest.len() > TRAILER) else {
        // No line of a journal.
        line.hash(state);
        return false;
    };
    let kind = memchr::memchr(b'"', rest).map_or(rest, |end| &rest[end..]);
    if kind.starts_with(CLOSED) {
        return true;
    }
    if !kind.starts_with(EPOCH) {
        rest[..rest.len() - TRAILER].hash(state);
    }
    false
}
