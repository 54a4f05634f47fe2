//! Prints what benchmarks come to in one form: `cargo bench | grep '^figure:'` lists them all.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "no benchmark needs all")]
pub(crate) enum Target {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
    /// There to be compared with.
    None,
}

/// Prints `figure: <name> = <value> <unit> (target …)`.
pub(crate) fn figure(name: &str, value: f64, unit: impl Display, target: Target) {
    let verdict = |met: bool| if met { "met" } else { "MISSED" };
    let target = match target {
        Target::AtLeast(least) => {
            format!(
                " (target: at least {least} {unit}, {})",
                verdict(value >= least)
            )
        }
        Target::AtMost(most) => {
            format!(
                " (target: at most {most} {unit}, {})",
                verdict(value <= most)
            )
        }
        Target::None => String::new(),
    };
    let digits = if value.abs() < 100.0 { 3 } else { 0 };
    writeln!(
        std::io::stdout(),
        "figure: {name} = {value:.digits$} {unit}{target}"
    )
    .expect("standard output takes a line");
}

/// The fastest, the middle and the slowest of some times, in seconds.
#[allow(dead_code, reason = "not every benchmark repeats")]
pub(crate) fn spread(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    [0, times.len() / 2, times.len() - 1].map(|at| times[at].as_secs_f64())
}
