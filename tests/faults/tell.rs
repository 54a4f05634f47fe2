//! What a test tells whoever runs it, also when it passes.

use std::fmt::Display;
use std::io::Write as _;

/// A line on standard error, past the capture of what tests print.
pub(crate) fn tell(text: impl Display) {
    // Nobody to tell: nothing to be done.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says that a test was not made because something is missing. In CI nothing may be missing.
#[track_caller]
pub(crate) fn skipped(why: impl Display) {
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    tell(format_args!("SKIPPED {test}: {why}"));
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "SKIPPED {test}: {why}");
}
