//! `investbot verify`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::settings::Places;
use super::terminal::fail;
use crate::exec::verify::{Mismatch, Verified, VerifyError, verify};
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::observe::record::check::CheckedFile;
use crate::observe::table::{grouped, table};

/// The text above the arguments in the long help.
pub(super) const ABOUT: &str = "\
Checks a run: reads its whole journal, runs the core over it once more with the data read again, and \
compares all that the run left with what comes of it. Prints MATCH, or the first difference and exit code \
8.

It does not ask the venue, runs none of the plugin's code, needs no secrets and changes nothing, so that a \
copy of a run directory will do. A run that was killed and not resumed can be checked too: the end of its \
reports may be missing, or be ahead of the journal, until --resume puts it right.";

/// The text below the arguments in the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  investbot verify runs/1
  investbot verify /backup/runs/1 --bars /backup/my.csv     the data are somewhere else now
  investbot verify runs/1 --json                            one line for scripts";

/// What is checked, and where its data are.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(super) struct VerifyArgs {
    /// The run directory, in which no run is at work
    #[arg(value_name = "RUN_DIR")]
    run_dir: PathBuf,
    #[command(flatten)]
    places: Places,
    /// Writes JSON to standard output, one object a line
    #[arg(long)]
    json: bool,
}

/// Checks it and says what came of it.
pub(super) fn run(args: VerifyArgs) -> ExitCode {
    let verified = verify(&args.run_dir, |resumed| args.places.configure(resumed));
    let mut out = Output::stdout();
    let (printed, code) = match verified {
        Ok(verified) => (print_match(&mut out, &verified, args.json), ExitCode::Ok),
        Err(VerifyError::Mismatch(mismatch)) => (
            print_mismatch(&mut out, &mismatch, args.json),
            ExitCode::Mismatch,
        ),
        Err(error) => return fail(&error, error.exit_code()),
    };
    match printed {
        Ok(()) => code,
        Err(error) => fail(error, ExitCode::Unexpected),
    }
}

const FORMAT: &str = "investbot.verify";

fn print_match(out: &mut Output, run: &Verified, json: bool) -> Result<(), OutputError> {
    if json {
        out.header_of(FORMAT)?;
        out.line(&to_line(run))?;
    } else {
        let headings = [
            run.run_dir.display().to_string(),
            format!("run {}", run.run_id),
        ];
        out.line(&table(headings, rows(run)))?;
        out.line("MATCH")?;
    }
    out.flush()
}

fn rows(run: &Verified) -> Vec<(&'static str, String)> {
    let number = |number: u64| grouped(&number.to_string());
    let end = match (&run.torn, run.ended) {
        (Some(torn), _) => format!("killed while it wrote line {}", torn.line),
        (None, true) => "in good order".to_owned(),
        (None, false) => "killed".to_owned(),
    };
    let mut rows = vec![
        ("processes", number(run.processes)),
        ("the last one ended", end),
        ("records of the journal", number(run.records)),
        ("attempts", number(run.attempts)),
        ("bars", number(run.bars)),
    ];
    for file in &run.files {
        let mut text = format!("{} lines", number(file.lines));
        if file.missing > 0 {
            text.push_str(&format!(", {} to be written", number(file.missing)));
        }
        if file.beyond > 0 {
            text.push_str(&format!(", {} to be written anew", number(file.beyond)));
        }
        rows.push((file.name, text));
    }
    let none = || "none".to_owned();
    let checkpoint = run.checkpoint;
    let at = checkpoint.map_or_else(none, |seq| format!("at record {}", number(seq)));
    rows.push(("checkpoint.json", at));
    let summary = if run.summary { "as it must be" } else { "none" };
    rows.push(("summary.json", summary.to_owned()));
    rows.push((
        "report digest",
        run.report_digest.chars().take(16).collect(),
    ));
    rows
}

/// A run that passed, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    #[serde(rename = "match")]
    is_match: bool,
    run_dir: String,
    run_id: &'a str,
    processes: u64,
    ended: bool,
    torn: bool,
    records: u64,
    attempts: u64,
    bars: u64,
    files: &'a [CheckedFile],
    checkpoint: Option<u64>,
    summary: bool,
    report_digest: &'a str,
}

/// A run that did not.
#[derive(Serialize)]
struct MismatchLine<'a> {
    kind: &'static str,
    #[serde(rename = "match")]
    is_match: bool,
    #[serde(flatten)]
    found: &'a Mismatch,
}

fn to_line(run: &Verified) -> String {
    let line = Line {
        kind: "verify",
        is_match: true,
        run_dir: run.run_dir.display().to_string(),
        run_id: &run.run_id,
        processes: run.processes,
        ended: run.ended,
        torn: run.torn.is_some(),
        records: run.records,
        attempts: run.attempts,
        bars: run.bars,
        files: &run.files,
        checkpoint: run.checkpoint,
        summary: run.summary,
        report_digest: &run.report_digest,
    };
    serde_json::to_string(&line).expect("strings and numbers are JSON")
}

fn print_mismatch(out: &mut Output, found: &Mismatch, json: bool) -> Result<(), OutputError> {
    if json {
        out.header_of(FORMAT)?;
        let line = MismatchLine {
            kind: "verify",
            is_match: false,
            found,
        };
        out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
    } else {
        out.line(&format!("MISMATCH {}: {}", found.place, found.text))?;
        let shown = [
            ("recorded:  ", &found.recorded),
            ("recomputed:", &found.recomputed),
        ];
        for (name, value) in shown {
            if let Some(value) = value {
                out.line(&format!("  {name} {value}"))?;
            }
        }
    }
    out.flush()
}
