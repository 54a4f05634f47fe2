//! `investbot resolve`.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;
use clap::builder::{
    NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser as _,
};
use serde::Serialize;

use super::settings::Places;
use super::terminal::{fail, say};
use crate::exec::resolve::{HeldOrder, held, resolve};
use crate::exec::{Decision, RunError};
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::observe::table::grid;

/// The text above the arguments in the long help.
pub const ABOUT: &str = "\
Records what became of a held order, after somebody has looked it up at the venue. Without KEY, shows the \
orders that are held.

An order is held when nothing proves whether it lives at the venue, or when the venue has contradicted \
itself about it, and nothing more is done about it until a person says. The decision goes into the run's \
journal with its reason, and takes effect when the run is gone on with (investbot run --resume RUN_DIR). It \
cannot be taken back.";

/// The text below the arguments in the long help.
pub const EXAMPLES: &str = "\
Examples:
  investbot resolve runs/1                                  what there is to decide
  investbot resolve runs/1 ib7-4f1c29 --as accepted --reason 'open at the venue, seen in its web page'
  investbot resolve runs/1 ib7-4f1c29 --as absent --reason 'ticket 4711: the venue never got it'";

/// What is decided about which order.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ResolveArgs {
    /// The run directory, in which no run is at work
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// The held order: its idempotency key, its client order id or its caller's id
    #[arg(value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    #[arg(requires_all = ["decision", "reason"])]
    pub key: Option<String>,
    /// What became of it
    #[arg(long = "as", value_name = "DECISION", value_parser = decisions(), requires = "key")]
    pub decision: Option<Decision>,
    /// Who found that out, and how: kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = one_line, requires = "key")]
    pub reason: Option<String>,
    /// Where its files are.
    #[command(flatten)]
    pub places: Places,
    /// Writes JSON to standard output, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Records a decision, or shows what there is to decide.
pub(super) fn run(args: &ResolveArgs) -> ExitCode {
    let done = match (&args.key, args.decision, &args.reason) {
        (Some(key), Some(decision), Some(reason)) => record(args, key, decision, reason),
        _ => list(args),
    };
    match done {
        Err(error) => fail(&error, error.exit_code()),
        Ok(Err(error)) => fail(error, ExitCode::Unexpected),
        Ok(Ok(())) => ExitCode::Ok,
    }
}

type Done = Result<Result<(), OutputError>, RunError>;

fn record(args: &ResolveArgs, key: &str, decision: Decision, reason: &str) -> Done {
    let configure = |resumed: &_| args.places.configure(resumed);
    let order = resolve(&args.run_dir, configure, key, decision, reason)?;
    let decided = Line {
        kind: "resolved",
        key: &order.key,
        client_order_id: &order.client_order_id,
        decision: name_of(decision),
        reason,
    };
    Ok(print(&mut Output::stdout(), args, &decided))
}

fn list(args: &ResolveArgs) -> Done {
    let orders = held(&args.run_dir, |resumed| args.places.configure(resumed))?;
    let printed = print_held(&mut Output::stdout(), args, &orders);
    if !orders.is_empty() && !args.json {
        say(format_args!(
            "look them up at the venue; then: investbot resolve {} KEY --as accepted|rejected|absent --reason TEXT",
            args.run_dir.display()
        ));
    }
    Ok(printed)
}

const FORMAT: &str = "investbot.resolve";

fn print(out: &mut Output, args: &ResolveArgs, decided: &Line<'_>) -> Result<(), OutputError> {
    if args.json {
        out.header_of(FORMAT)?;
        out.line(&serde_json::to_string(decided).expect("strings are JSON"))?;
    } else {
        out.line(&format!(
            "order {} is {}: recorded; `investbot run --resume {}` goes on with it",
            decided.client_order_id,
            decided.decision,
            args.run_dir.display()
        ))?;
    }
    out.flush()
}

fn print_held(
    out: &mut Output,
    args: &ResolveArgs,
    orders: &[HeldOrder],
) -> Result<(), OutputError> {
    if args.json {
        out.header_of(FORMAT)?;
        for order in orders {
            let line = HeldLine {
                kind: "held",
                order,
            };
            out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
        }
    } else if orders.is_empty() {
        out.line("no order is held")?;
    } else {
        let headings = ["key", "client order id", "order", "filled", "because"];
        out.line(&grid(headings, orders.iter().map(row)))?;
    }
    out.flush()
}

fn row(order: &HeldOrder) -> [String; 5] {
    let HeldOrder {
        side,
        order_type,
        quantity,
        instrument,
        ..
    } = order;
    let because = if order.contradicted {
        "the venue contradicted itself"
    } else {
        "nothing proves what became of it"
    };
    [
        order.key.clone(),
        order.client_order_id.clone(),
        format!("{side} {quantity} {instrument}, {order_type}"),
        order.filled.to_string(),
        because.to_owned(),
    ]
}

/// A decision that was recorded, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    key: &'a str,
    client_order_id: &'a str,
    decision: &'static str,
    reason: &'a str,
}

/// An order that is held, as a line of JSON.
#[derive(Serialize)]
struct HeldLine<'a> {
    kind: &'static str,
    #[serde(flatten)]
    order: &'a HeldOrder,
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
