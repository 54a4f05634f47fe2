//! The conformance kit: whether a plugin does what the contract asks and what its manifest claims.
//!
//! Each [`Test`] has a name that stays, and is a function of an opened plugin and a seed. It is run in a process of its
//! own ([`runner`]), so that a crash or a hang is a result like any other. Nothing here knows a plugin's source or its
//! venue; a simulated venue is shown bars, every other one is traded on for real.
//!
//! A venue may have bad moments while it is looked at (`realish` has them by design). What the contract allows to fail is
//! therefore tried again, as the host would; what a claim promises must hold whatever happens.

mod claims;
mod errors;
mod fills;
mod garbage;
mod instruments;
mod lifecycle;
mod limits;
mod loading;
mod manifest;
mod orders;
pub mod result;
pub mod runner;
mod subject;
mod threads;
pub mod verdict;

pub use subject::{Setup, Subject};

/// One test.
#[derive(Clone, Copy)]
pub struct Test {
    /// Its name, `group.name`; it keeps its meaning.
    pub id: &'static str,
    /// What must be so, in a few words.
    pub title: &'static str,
    /// Why, and what is done to find out.
    pub description: &'static str,
    run: fn(&Subject<'_>) -> Verdict,
}

impl Test {
    const fn new(
        id: &'static str,
        title: &'static str,
        description: &'static str,
        run: fn(&Subject<'_>) -> Verdict,
    ) -> Self {
        Self {
            id,
            title,
            description,
            run,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.id.split('.').next().unwrap_or_default()
    }

    /// Runs it, in this process.
    pub fn run(&self, setup: &Setup) -> Verdict {
        (self.run)(&Subject::new(setup, self.id))
    }
}

/// What came of a test that ended by itself.
pub type Verdict = Result<(), Objection>;

/// Why a test did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// What must be so is not.
    Failed(String),
    /// The plugin does not claim it, or the venue gave no occasion.
    Skipped(String),
}

fn failed<T>(text: impl Into<String>) -> Result<T, Objection> {
    Err(Objection::Failed(text.into()))
}

fn skipped<T>(text: impl Into<String>) -> Result<T, Objection> {
    Err(Objection::Skipped(text.into()))
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { failed(text()) }
}

/// All tests, group by group.
#[must_use]
pub fn tests() -> Vec<Test> {
    let groups = [
        manifest::TESTS,
        loading::TESTS,
        lifecycle::TESTS,
        instruments::TESTS,
        orders::TESTS,
        fills::TESTS,
        claims::TESTS,
        errors::TESTS,
        threads::TESTS,
        garbage::TESTS,
        limits::TESTS,
    ];
    groups.concat()
}

#[cfg(test)]
mod tests_of_the_list {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_texts_are_there() {
        let tests = tests();
        assert!(tests.len() >= 60, "{}", tests.len());
        let ids: BTreeSet<_> = tests.iter().map(|test| test.id).collect();
        assert_eq!(ids.len(), tests.len());
        for test in tests {
            let plain = |c: char| c.is_ascii_lowercase() || c == '-' || c == '.';
            assert!(
                test.id.chars().all(plain) && test.id.matches('.').count() == 1,
                "{}",
                test.id
            );
            assert!(
                test.title.len() <= 80 && !test.title.ends_with('.'),
                "{}",
                test.id
            );
            assert!(test.description.ends_with('.'), "{}", test.id);
        }
    }
}
