//! What was found, in as few words as there are.

use investbot::planted::Bug;
use investbot_tests::simulator::model::Model;

/// A bug was caught.
pub(super) struct Caught {
    /// At which class of venue.
    pub(super) class: &'static str,
    /// By which rule.
    pub(super) rule: char,
    /// After how many schedules, that one included.
    pub(super) schedules: u64,
}

/// A bug in words.
pub(super) fn what(bug: Bug) -> &'static str {
    bug.words().trim_end_matches('.')
}

/// By which rules, at which classes, and after how many schedules a bug was caught.
pub(super) fn summary(caught: &[Caught]) -> String {
    let mut rules: Vec<char> = caught.iter().map(|caught| caught.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    let parts = rules.into_iter().map(|rule| {
        let own: Vec<&Caught> = caught.iter().filter(|caught| caught.rule == rule).collect();
        let classes: Vec<&str> = own.iter().map(|caught| caught.class).collect();
        let classes = if classes.len() == Model::ALL.len() {
            "all".to_owned()
        } else {
            classes.join(", ")
        };
        let schedules = own.iter().map(|caught| caught.schedules);
        let least = schedules.clone().min().unwrap_or_default();
        match schedules.max().unwrap_or_default() {
            most if most == least => format!("({rule}) {classes}: {least}"),
            most => format!("({rule}) {classes}: {least} to {most}"),
        }
    });
    parts.collect::<Vec<_>>().join("; ")
}
