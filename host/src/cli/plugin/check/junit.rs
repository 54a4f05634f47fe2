//! Results as JUnit XML, which CI systems show.

use std::fmt::Write as _;

use crate::plugin::conformance::Setup;
use crate::plugin::conformance::result::kit_id;
use crate::plugin::conformance::runner::{Ended, Outcome};

/// The whole file.
pub(super) fn report(setup: &Setup, ended: &[Ended]) -> String {
    let count = |is: fn(&Outcome) -> bool| ended.iter().filter(|ended| is(&ended.outcome)).count();
    let failures = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let errors = count(|outcome| matches!(outcome, Outcome::Crashed(_) | Outcome::TimedOut(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let info = &setup.plugin.manifest().plugin;
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuite name=\"{} {} sha256 {}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" \
         skipped=\"{skipped}\">",
        escaped(&info.id),
        escaped(&info.version),
        setup.plugin.sha256(),
        ended.len()
    );
    properties(&mut xml, setup);
    for ended in ended {
        case(&mut xml, ended);
    }
    xml.push_str("</testsuite>\n");
    xml
}

/// What a reader needs to know which file was checked, and how.
fn properties(xml: &mut String, setup: &Setup) {
    let seed = setup.seed.to_string();
    let properties = [
        ("sha256", setup.plugin.sha256()),
        ("seed", &seed),
        ("instrument", &setup.symbol),
        ("investbot", env!("CARGO_PKG_VERSION")),
        ("kit", &kit_id()),
    ];
    xml.push_str("  <properties>\n");
    for (name, value) in properties {
        let value = escaped(value);
        let _ = writeln!(xml, "    <property name=\"{name}\" value=\"{value}\"/>");
    }
    xml.push_str("  </properties>\n");
}

fn case(xml: &mut String, ended: &Ended) {
    let test = &ended.test;
    let _ = write!(
        xml,
        "  <testcase classname=\"{}\" name=\"{}\" time=\"{}.{:03}\"",
        test.group(),
        test.id,
        ended.elapsed.as_secs(),
        ended.elapsed.subsec_millis()
    );
    let element = match &ended.outcome {
        Outcome::Passed => return xml.push_str("/>\n"),
        Outcome::Skipped(_) => "skipped",
        Outcome::Failed(_) => "failure",
        Outcome::Crashed(_) | Outcome::TimedOut(_) => "error",
    };
    let text = escaped(ended.outcome.text());
    let title = escaped(test.title);
    let _ = writeln!(
        xml,
        ">\n    <{element} message=\"{text}\">{title}</{element}>\n  </testcase>"
    );
}

/// Text that may stand in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no control characters, not even escaped ones.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
