//! What is tested and what came of it, in words and in JSON.

use serde::Serialize;

use crate::cli::plugin::FORMAT;
use crate::observe::output::{Output, OutputError};
use crate::observe::table::grid;
use crate::plugin::conformance::result::kit_id;
use crate::plugin::conformance::runner::{Ended, Outcome};
use crate::plugin::conformance::{Setup, Test};

/// What is tested, and why.
pub(super) fn list(out: &mut Output, tests: &[Test], json: bool) -> Result<(), OutputError> {
    if json {
        out.header_of(FORMAT)?;
    }
    for test in tests {
        if json {
            let line = ListLine {
                kind: "test",
                id: test.id,
                title: test.title,
                description: test.description,
            };
            out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
        } else {
            out.line(&format!(
                "{:<28} {}\n{:<28} {}",
                test.id, test.title, "", test.description
            ))?;
        }
    }
    out.flush()
}

/// A test, as a line of JSON.
#[derive(Serialize)]
struct ListLine {
    kind: &'static str,
    id: &'static str,
    title: &'static str,
    description: &'static str,
}

/// Whatever did not pass, and the count.
pub(super) fn print(out: &mut Output, setup: &Setup, ended: &[Ended]) -> Result<(), OutputError> {
    let rows = ended
        .iter()
        .filter(|ended| ended.outcome != Outcome::Passed)
        .map(|ended| {
            [
                ended.test.id.to_owned(),
                ended.outcome.word().to_owned(),
                wrapped(ended.outcome.text()),
            ]
        });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        out.line(&grid(["test", "result", "why"], rows))?;
    }
    let info = &setup.plugin.manifest().plugin;
    out.line(&format!(
        "{} {}, sha256 {}: {}",
        info.id,
        info.version,
        setup.plugin.sha256(),
        tally(ended)
    ))?;
    out.flush()
}

/// In lines that a terminal has room for.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 70;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn tally(ended: &[Ended]) -> String {
    let count = |word: &str| {
        ended
            .iter()
            .filter(|ended| ended.outcome.word() == word)
            .count()
    };
    let mut words = vec![format!(
        "{} of {} tests passed",
        count("passed"),
        ended.len()
    )];
    for word in ["failed", "crashed", "timed out", "skipped"] {
        match count(word) {
            0 => {}
            some => words.push(format!("{some} {word}")),
        }
    }
    words.join(", ")
}

/// Every result, and the count.
pub(super) fn print_json(
    out: &mut Output,
    setup: &Setup,
    ended: &[Ended],
) -> Result<(), OutputError> {
    out.header_of(FORMAT)?;
    for ended in ended {
        let line = Line {
            kind: "result",
            id: ended.test.id,
            outcome: &ended.outcome,
            elapsed_ms: u64::try_from(ended.elapsed.as_millis()).unwrap_or(u64::MAX),
        };
        out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
    }
    let count = |word: &str| {
        ended
            .iter()
            .filter(|ended| ended.outcome.word() == word)
            .count()
    };
    let info = &setup.plugin.manifest().plugin;
    let line = Summary {
        kind: "checked",
        plugin: &info.id,
        version: &info.version,
        sha256: setup.plugin.sha256(),
        seed: setup.seed,
        kit: kit_id(),
        tests: ended.len(),
        passed: count("passed"),
        skipped: count("skipped"),
        bad: ended.iter().filter(|ended| ended.outcome.is_bad()).count(),
    };
    out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
    out.flush()
}

/// A result, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    id: &'static str,
    #[serde(flatten)]
    outcome: &'a Outcome,
    elapsed_ms: u64,
}

/// All of them, as the last line of JSON.
#[derive(Serialize)]
struct Summary<'a> {
    kind: &'static str,
    plugin: &'a str,
    version: &'a str,
    sha256: &'a str,
    seed: u64,
    kit: String,
    tests: usize,
    passed: usize,
    skipped: usize,
    bad: usize,
}
