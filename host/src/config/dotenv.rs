//! The `.env` file: its variables, each with its line. Nothing is put into the process environment.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::origin::Origin;
use super::problem::Problem;

/// A variable of the file.
pub(super) struct Line {
    /// Its name.
    pub(super) name: String,
    /// Its value.
    pub(super) value: String,
    /// Where it begins, from 1.
    pub(super) line: usize,
}

/// The variables of `text`, and what is wrong with it.
///
/// Messages never quote a line: it may hold a secret.
pub(super) fn parse(text: &str, file: &Arc<Path>) -> (Vec<Line>, Vec<Problem>) {
    // The parser stumbles over a space at the very end of a file: let the last line always end.
    let text = format!("{}\n", text.strip_prefix('\u{feff}').unwrap_or(text));
    let lines: Vec<&str> = text.lines().collect();
    let read = Rc::new(Cell::new(0));
    let entries = dotenvy::from_read_iter(LineByLine {
        rest: text.as_bytes(),
        read: Rc::clone(&read),
    });
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut first_lines: BTreeMap<String, usize> = BTreeMap::new();
    let mut before = 0;
    for entry in entries {
        let line = first_entry(&lines, before);
        before = read.get();
        match entry {
            Ok((name, value)) => match first_lines.get(&name) {
                Some(&first) => problems.push(Problem::SetTwice {
                    at: Origin::DotEnv {
                        file: Arc::clone(file),
                        line,
                        name,
                    },
                    first,
                }),
                None => {
                    first_lines.insert(name.clone(), line);
                    found.push(Line { name, value, line });
                }
            },
            Err(_) => problems.push(Problem::DotEnvSyntax {
                file: Arc::clone(file),
                line,
            }),
        }
    }
    (found, problems)
}

/// The number of the first line after `before` that is neither empty nor a comment.
fn first_entry(lines: &[&str], before: usize) -> usize {
    let skipped = lines
        .iter()
        .skip(before)
        .take_while(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        .count();
    (before + skipped + 1).min(lines.len().max(1))
}

/// Hands out one line a read, so that the parser, which tells no line numbers, never reads ahead.
struct LineByLine<'a> {
    rest: &'a [u8],
    read: Rc<Cell<usize>>,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line_end = memchr::memchr(b'\n', self.rest);
        let wanted = line_end.map_or(self.rest.len(), |at| at + 1);
        let count = wanted.min(buffer.len());
        let (now, rest) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.rest = rest;
        if now.ends_with(b"\n") {
            self.read.set(self.read.get() + 1);
        }
        Ok(count)
    }
}
