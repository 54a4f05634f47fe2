//! The table of plugins that misbehave: every fault at every moment, with the plugin in the host's process and in one of its
//! own, run with the real binary, and what became of the order by the venue's own ledger.

use std::fmt::Write as _;
use std::path::Path;

use rust_decimal::Decimal;

use crate::artifacts::plugin;
use crate::copies::scratch;
use crate::program::{Ended, program, run};
use crate::records::compare;

/// What goes wrong, and how the table says it.
type Fault = (&'static str, &'static str);

const FAULTS: &[Fault] = &[
    ("panic", "panics"),
    ("abort", "aborts"),
    ("segfault", "segmentation fault"),
    ("exit", "calls `exit(0)`"),
    ("hang", "hangs"),
    ("leak", "leaks 256 MB"),
    ("flood", "writes 5,000 log lines"),
    ("garbage", "answers garbage"),
];

/// Its words, the operation, and whether the venue has done its part.
type Moment = (&'static str, &'static str, bool);

const MOMENTS: &[Moment] = &[
    ("opening", "open", false),
    ("placing an order, before the venue has it", "place", false),
    ("placing an order, once the venue has it", "place", true),
    ("shown a bar", "on_bars", false),
    ("asked for fills", "fills_since", false),
    ("shutting down", "shutdown", false),
    ("dropped", "drop", false),
];

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    /// What goes wrong.
    pub fault: &'static str,
    /// When.
    pub moment: &'static str,
    /// What comes of it in the host's process.
    pub here: String,
    /// What comes of it in a process of its own.
    pub apart: String,
}

/// Runs every case once, a few at a time.
#[must_use]
pub fn table() -> Vec<Row> {
    let cases: Vec<_> = MOMENTS
        .iter()
        .flat_map(|moment| FAULTS.iter().map(move |fault| (moment, fault)))
        .collect();
    let row = |((moment, at, after), (fault, words)): &(&Moment, &Fault)| Row {
        fault: words,
        moment,
        here: outcome(fault, at, *after, "none"),
        apart: outcome(fault, at, *after, "process"),
    };
    let share = cases.len().div_ceil(4);
    std::thread::scope(|scope| {
        let shares: Vec<_> = cases
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(row).collect::<Vec<_>>()))
            .collect();
        let rows = shares.into_iter().map(|share| share.join());
        rows.flat_map(|rows| rows.expect("what it asserts holds"))
            .collect()
    })
}

/// The table as Markdown, a section for each moment.
#[must_use]
pub fn to_markdown(rows: &[Row]) -> String {
    let mut text = String::new();
    for section in rows.chunk_by(|a, b| a.moment == b.moment) {
        let _ = write!(
            text,
            "## While {}\n\n| the plugin | in the host's process | in a process of its own |\n|---|---|---|\n",
            section[0].moment
        );
        for row in section {
            let _ = writeln!(text, "| {} | {} | {} |", row.fault, row.here, row.apart);
        }
        text.push('\n');
    }
    text
}

/// One run with one fault, resumed if it did not come to its end; what the host did, and where the order is.
fn outcome(fault: &str, at: &str, after: bool, isolation: &str) -> String {
    let dir = scratch();
    let run_dir = dir.join("run");
    let first = run(["--json", "--strategy", "buy-and-hold", "--to", "2018-01-02"])
        .flag("--exchange", plugin("fixture_rogue"))
        .arg(format!("--isolate={isolation}"))
        .flag("--run-dir", &run_dir)
        .flag("--set", format!("fault={fault}"))
        .flag("--set", format!("at={at}"))
        .flag("--set", format!("after={after}"))
        .env("INVESTBOT_EXCHANGE_OPEN_TIMEOUT_MS", "3000")
        .env("INVESTBOT_EXCHANGE_CALL_TIMEOUT_MS", "3000")
        .env("INVESTBOT_EXCHANGE_ISOLATION_MEMORY_MB", "160")
        .end();
    let mut text = what_it_did(&first);
    if first.code != Some(0) {
        let resumed = program("run")
            .args(["--json"])
            .flag("--resume", &run_dir)
            .end();
        let _ = write!(text, "; resumed: {}", what_it_did(&resumed));
        let _ = write!(text, "; {}", order(&resumed, &run_dir));
    } else {
        let _ = write!(text, "; {}", order(&first, &run_dir));
    }
    text
}

/// What the host did, in words.
fn what_it_did(ended: &Ended) -> String {
    let how = match ended.code {
        None => "**dies**".to_owned(),
        Some(0) if ended.stderr.contains("is begun anew") => "begins it anew, goes on".to_owned(),
        Some(0) => "goes on".to_owned(),
        Some(code) if ended.stderr.contains("would not open") => {
            format!("does not start (exit {code})")
        }
        Some(code) => format!("stops in good order (exit {code})"),
    };
    if ended.stderr.contains("did not return")
        || ended.stderr.contains("was not done with its drop")
    {
        return format!("gives the call up, {how}");
    }
    how
}

/// What became of the order, after the host's record and the venue's ledger were compared in every detail.
fn order(ended: &Ended, run_dir: &Path) -> String {
    let code = ended.code.expect("a run that ended by itself");
    let (host, ledger) = compare(run_dir, Decimal::from(10_000), code);
    let at_venue: usize = ledger.orders.values().map(Vec::len).sum();
    match (host.orders.len(), host.count("filled"), at_venue) {
        (0, 0, 0) => "no order".to_owned(),
        (1, 1, 1) => "the order is filled, once".to_owned(),
        (_, _, at_venue) => {
            let states: Vec<_> = host.orders.values().map(String::as_str).collect();
            format!(
                "the order is {}, {at_venue} at the venue",
                states.join(", ")
            )
        }
    }
}
