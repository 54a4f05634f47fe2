//! `investbot resolve`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{
    NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser as _,
};
use serde::Serialize;

use super::terminal::fail;
use crate::exec::{Decision, RunError};
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};

/// The text above the arguments in the long help.
pub const ABOUT: &str = "\
Records what became of a held order, after somebody has looked it up at the venue.

An order is held when nothing proves whether it lives at the venue, and nothing more is done about it until \
a person says. The decision goes into the run's journal with its reason, and takes effect when the run is \
gone on with (investbot run --resume RUN_DIR). It cannot be taken back.";

/// The text below the arguments in the long help.
pub const EXAMPLES: &str = "\
Examples:
  investbot resolve runs/1 ib7-4f1c29 --as accepted --reason 'open at the venue, seen in its web page'
  investbot resolve runs/1 ib7-4f1c29 --as absent --reason 'ticket 4711: the venue never got it'";

/// What is decided about which order.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ResolveArgs {
    /// The run directory, in which no run is at work
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// The held order: its idempotency key or its client order id
    #[arg(value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub key: String,
    /// What became of it
    #[arg(long = "as", value_name = "DECISION", value_parser = decisions())]
    pub decision: Decision,
    /// Who found that out, and how: kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    pub reason: String,
    /// Writes JSON to standard output, one object a line
    #[arg(long)]
    pub json: bool,
}

/// A decision that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The order's idempotency key.
    pub key: String,
    /// What the venue knows it by.
    pub client_order_id: String,
}

/// Has a decision recorded by `record`, and tells which order it was about.
pub fn run(
    args: &ResolveArgs,
    record: impl FnOnce(&ResolveArgs) -> Result<Resolution, RunError>,
) -> ExitCode {
    let resolution = match record(args) {
        Ok(resolution) => resolution,
        Err(error) => return fail(&error, error.exit_code()),
    };
    match print(&mut Output::stdout(), args, &resolution) {
        Ok(()) => ExitCode::Ok,
        Err(error) => fail(error, ExitCode::Unexpected),
    }
}

fn print(out: &mut Output, args: &ResolveArgs, about: &Resolution) -> Result<(), OutputError> {
    if args.json {
        out.header_of("investbot.resolve")?;
        let line = Line {
            kind: "resolved",
            key: &about.key,
            client_order_id: &about.client_order_id,
            decision: name_of(args.decision),
            reason: &args.reason,
        };
        out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
    } else {
        out.line(&format!(
            "order {} is {}: recorded; `investbot run --resume {}` goes on with it",
            about.client_order_id,
            name_of(args.decision),
            args.run_dir.display()
        ))?;
    }
    out.flush()
}

/// A decision as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    key: &'a str,
    client_order_id: &'a str,
    decision: &'static str,
    reason: &'a str,
}

const DECISIONS: [(Decision, &str); 3] = [
    (
        Decision::Accepted,
        "it is or was at the venue: its fills and its end are asked for as usual",
    ),
    (Decision::Rejected, "the venue has refused it"),
    (
        Decision::Absent,
        "it never came to be: it is not sent again",
    ),
];

const fn name_of(decision: Decision) -> &'static str {
    match decision {
        Decision::Accepted => "accepted",
        Decision::Rejected => "rejected",
        Decision::Absent => "absent",
    }
}

fn decisions() -> impl clap::builder::TypedValueParser<Value = Decision> {
    let words = DECISIONS.map(|(decision, help)| PossibleValue::new(name_of(decision)).help(help));
    PossibleValuesParser::new(words).map(|word| {
        let mut known = DECISIONS.iter().map(|(decision, _)| *decision);
        known
            .find(|decision| name_of(*decision) == word)
            .expect("the parser takes only words that are here")
    })
}

/// Text that can be read in a line of the journal and of a message.
fn one_line(text: &str) -> Result<String, String> {
    const LONGEST: usize = 500;
    if text.trim().is_empty() {
        return Err("say how it was found out".to_owned());
    }
    if text.chars().any(char::is_control) || text.chars().count() > LONGEST {
        return Err(format!(
            "it must be one line of at most {LONGEST} characters"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches as _};

    use super::*;

    fn command() -> Command {
        let command = Command::new("resolve").no_binary_name(true).term_width(100);
        ResolveArgs::augment_args(command)
            .long_about(ABOUT)
            .after_long_help(EXAMPLES)
    }

    fn parse(args: &[&str]) -> Result<ResolveArgs, String> {
        let matches = command()
            .try_get_matches_from(args)
            .map_err(|error| error.to_string())?;
        ResolveArgs::from_arg_matches(&matches).map_err(|error| error.to_string())
    }

    #[test]
    fn a_decision_needs_an_order_a_word_and_a_reason() {
        let whole = ["runs/1", "ib7", "--as", "absent", "--reason", "ticket 4711"];
        let want = ResolveArgs {
            run_dir: "runs/1".into(),
            key: "ib7".to_owned(),
            decision: Decision::Absent,
            reason: "ticket 4711".to_owned(),
            json: false,
        };
        assert_eq!(parse(&whole), Ok(want.clone()));
        for (decision, _) in DECISIONS {
            let mut args = whole;
            args[3] = name_of(decision);
            assert_eq!(parse(&args).expect("a word").decision, decision);
        }
        for missing in [&whole[..2], &whole[..4], &whole[1..], &[]] {
            let said = parse(missing).expect_err("something is missing");
            assert!(said.contains("required"), "{said}");
        }
        for (reason, says) in [
            ("", "say how"),
            ("  ", "say how"),
            ("two\nlines", "one line"),
            (&"x".repeat(501), "at most 500"),
        ] {
            let mut args = whole;
            args[5] = reason;
            let said = parse(&args).expect_err("no reason");
            assert!(said.contains(says), "{said}");
        }
        let said = parse(&["r", "k", "--as", "accept", "--reason", "x"]).expect_err("no word");
        assert!(
            said.contains("accepted, rejected, absent") && said.contains("similar"),
            "{said}"
        );
    }

    #[test]
    fn help_says_what_each_word_does() {
        let help = command().render_long_help().to_string();
        for part in ["rejected: ", "absent: ", "--as <DECISION>", "Examples:"] {
            assert!(help.contains(part), "{help}");
        }
    }

    #[test]
    fn what_was_recorded_is_told() {
        let args = ["runs/1", "k1", "--as", "rejected", "--reason", "said so"];
        let mut args = parse(&args).expect("valid");
        let about = Resolution {
            key: "k1".to_owned(),
            client_order_id: "c1".to_owned(),
        };
        let told = |args: &ResolveArgs| {
            let file = tempfile::NamedTempFile::new().expect("a temporary directory");
            let out = file.reopen().expect("it is there");
            print(&mut Output::to(Box::new(out)), args, &about).expect("writable");
            std::fs::read_to_string(file.path()).expect("text")
        };
        insta::assert_snapshot!(told(&args), @"order c1 is rejected: recorded; `investbot run --resume runs/1` goes on with it");
        args.json = true;
        insta::assert_snapshot!(told(&args), @r#"
        {"kind":"format","format":"investbot.resolve","version":1}
        {"kind":"resolved","key":"k1","client_order_id":"c1","decision":"rejected","reason":"said so"}
        "#);
    }
}
