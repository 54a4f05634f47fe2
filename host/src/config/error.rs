//! Everything that is wrong with a configuration, together.

use std::fmt;

use super::problem::Problem;

/// Everything that is wrong with a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The mistakes, in the order in which they are shown.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// The error of these problems, in the order in which they are shown; none without problems.
    pub(super) fn of(mut problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by_key(Problem::place);
        Err(Self { problems })
    }

    /// Whether nothing is wrong but that a run that goes on was started with something else.
    #[must_use]
    pub fn is_of_another_run(&self) -> bool {
        self.problems.iter().all(Problem::is_difference)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "the configuration has {count} problem{plural}")?;
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "\n  {}. {problem}", index + 1)?;
        }
        if self.problems.iter().any(Problem::is_difference) {
            f.write_str(
                "\n  hint: a run goes on with what it was started with: leave out what differs, or start a \
                 new run with --run-dir",
            )?;
        }
        Ok(())
    }
}
