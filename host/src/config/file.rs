//! The TOML file: its values, each with its line and column, by dotted key.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::nearest::nearest_key;
use super::origin::Origin;
use super::parse::{Given, Written};
use super::problem::{Problem, excerpt};
use super::setting::{Kind, Setting};
use super::table::{SETTINGS, setting};

/// The values of `text` by dotted key, and what is wrong with it, in the order of the file.
pub(super) fn parse(text: &str, file: &Arc<Path>) -> (Vec<(String, Given)>, Vec<Problem>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        text,
        file,
        found: Vec::new(),
        problems: Vec::new(),
    };
    let mut broken = Vec::new();
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        let line = position(text, start).0;
        // A slip makes the parser complain about the rest of its line too.
        if !broken.contains(&line) {
            broken.push(line);
            reader.problems.push(Problem::Syntax {
                at: reader.origin(&(start..start)),
                reason: excerpt(&error.message().replace('\n', "; ")),
            });
        }
    }
    reader.table("", root.get_ref());
    // What the parser made of a broken line says nothing about what its author meant.
    reader.problems.retain(|problem| {
        matches!(problem, Problem::Syntax { .. })
            || problem.line().is_none_or(|line| !broken.contains(&line))
    });
    reader.found.retain(|(_, given)| match given.origin {
        Origin::File { line, .. } => !broken.contains(&line),
        _ => true,
    });
    (reader.found, reader.problems)
}

struct Reader<'a> {
    text: &'a str,
    file: &'a Arc<Path>,
    found: Vec<(String, Given)>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Reads the keys of a table that belongs to us.
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = match prefix {
                "" => name.get_ref().to_string(),
                _ => format!("{prefix}.{}", name.get_ref()),
            };
            let (key_at, value_at) = (self.origin(&name.span()), self.origin(&value.span()));
            match (setting(&key), value.get_ref()) {
                (Some(setting), value) if setting.kind == Kind::Table => match value {
                    DeValue::Table(table) => self.free_table(&key, table),
                    other => self.wrong_type(key_at, key, other),
                },
                (Some(setting), value) => self.setting(setting, key_at, value_at, value),
                (None, DeValue::Table(table)) if is_table(&key) => self.table(&key, table),
                (None, other) if is_table(&key) => self.wrong_type(key_at, key, other),
                (None, other) => self.unknown(key_at, key, other),
            }
        }
    }

    /// Reads a table whose keys somebody else checks.
    fn free_table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let given = Given {
                written: written(value.get_ref()),
                origin: self.origin(&value.span()),
            };
            self.found
                .push((format!("{prefix}.{}", name.get_ref()), given));
        }
    }

    fn setting(
        &mut self,
        setting: &'static Setting,
        key_at: Origin,
        value_at: Origin,
        value: &DeValue<'_>,
    ) {
        if setting.in_file {
            let given = Given {
                written: written(value),
                origin: value_at,
            };
            self.found.push((setting.key.to_owned(), given));
        } else {
            self.problems.push(Problem::NotInFile {
                at: key_at,
                key: setting.key,
                flag: setting.flag.unwrap_or(setting.key),
            });
        }
    }

    fn wrong_type(&mut self, at: Origin, key: String, found: &DeValue<'_>) {
        self.problems.push(Problem::WrongType {
            at,
            key,
            found: found.type_str(),
            expected: "table",
        });
    }

    fn unknown(&mut self, at: Origin, key: String, value: &DeValue<'_>) {
        let keys = SETTINGS.iter().filter(|s| s.in_file).map(|s| s.key);
        let nearest = if matches!(value, DeValue::Table(_)) {
            let tables = keys.clone().flat_map(parents);
            nearest_key(&key, tables).or_else(|| nearest_key(&key, keys))
        } else {
            nearest_key(&key, keys)
        };
        self.problems.push(Problem::UnknownKey {
            at,
            key: excerpt(&key),
            nearest,
        });
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        let (line, column) = position(self.text, span.start);
        Origin::File {
            file: Arc::clone(self.file),
            line,
            column,
        }
    }
}

/// Whether settings live below this key.
fn is_table(key: &str) -> bool {
    SETTINGS
        .iter()
        .filter(|s| s.in_file)
        .any(|s| parents(s.key).any(|parent| parent == key))
}

/// `a` and `a.b` of `a.b.c`.
fn parents(key: &'static str) -> impl Iterator<Item = &'static str> + Clone {
    key.match_indices('.').map(move |(at, _)| &key[..at])
}

fn written(value: &DeValue<'_>) -> Written {
    match value {
        DeValue::String(text) => Written::String(text.to_string()),
        DeValue::Integer(integer) => Written::Integer(match integer.radix() {
            10 => integer.as_str().to_owned(),
            radix => u128::from_str_radix(integer.as_str(), radix)
                .map_or_else(|_| integer.to_string(), |n| n.to_string()),
        }),
        DeValue::Float(float) => Written::Float(float.as_str().to_owned()),
        DeValue::Boolean(flag) => Written::Boolean(*flag),
        DeValue::Datetime(datetime) => Written::Datetime(datetime.to_string()),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map_or(Written::Other("array"), Written::Strings),
        DeValue::Table(_) => Written::Other("table"),
    }
}

/// Line and column, both from 1, of a byte offset; columns count characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}
