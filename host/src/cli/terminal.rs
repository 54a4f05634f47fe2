//! What every subcommand says to the person at the terminal.

use std::fmt::Display;
use std::io::Write as _;

use crate::config::Color;
use crate::exit::ExitCode;

/// A line on standard error. If that takes none, there is nobody to tell.
pub(super) fn say(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Says why a command could not do what it was asked.
pub(super) fn fail(error: impl Display, code: ExitCode) -> ExitCode {
    say(format_args!("error: {error}"));
    code
}

/// Sets whether standard output and standard error get colours.
pub(super) fn choose_color(color: Color) {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}
