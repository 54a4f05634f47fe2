//! What a drill has come to: a table for people, one JSON object for programs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use investbot_plugin_api::manifest::VenueClass;
use serde::Serialize;

use super::audit::{Breach, Finding};
use super::trial::Trial;
use super::work::Work;
use crate::observe::table::{grouped, table};

/// What a drill has come to.
#[derive(Debug)]
pub struct Tally {
    venue: String,
    version: String,
    class: VenueClass,
    seed: u64,
    /// How many kills at random instants were asked for.
    pub wanted: u64,
    /// How many runs there were.
    pub runs: u64,
    /// How many lives were killed.
    pub kills: u64,
    /// How many lives went on with a run.
    pub resumes: u64,
    refused: u64,
    orders: u64,
    held: u64,
    compared: u64,
    breaches: BTreeMap<Breach, u64>,
    /// Runs that broke a promise.
    pub failures: Vec<Failure>,
    elapsed: Duration,
}

/// A run that broke a promise.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// Its run directory.
    pub dir: PathBuf,
    /// What it did.
    pub work: Work,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Tally {
    pub(super) fn new(
        venue: &str,
        version: &str,
        class: VenueClass,
        seed: u64,
        wanted: u64,
    ) -> Self {
        Self {
            venue: venue.to_owned(),
            version: version.to_owned(),
            class,
            seed,
            wanted,
            runs: 0,
            kills: 0,
            resumes: 0,
            refused: 0,
            orders: 0,
            held: 0,
            compared: 0,
            breaches: BTreeMap::new(),
            failures: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    pub(super) fn add(&mut self, work: Work, trial: Trial, elapsed: Duration) {
        self.elapsed = elapsed;
        self.runs += 1;
        self.kills += trial.kills;
        self.resumes += trial.resumes;
        self.refused += trial.refused;
        self.orders += trial.audited.orders;
        self.held += trial.audited.held;
        self.compared += u64::from(trial.compared);
        let findings = trial.audited.findings;
        for finding in &findings {
            *self.breaches.entry(finding.breach).or_default() += 1;
        }
        if let Some(dir) = trial.kept {
            self.failures.push(Failure {
                dir,
                work,
                findings,
            });
        }
    }

    /// How often a promise was broken.
    #[must_use]
    pub fn count(&self, breach: Breach) -> u64 {
        self.breaches.get(&breach).copied().unwrap_or_default()
    }

    /// How many lives were killed in a minute.
    #[must_use]
    pub fn kills_a_minute(&self) -> u64 {
        let rate = u128::from(self.kills) * 60_000_000_000 / self.elapsed.as_nanos().max(1);
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    /// The table, and what is wrong with the first runs that broke a promise.
    #[must_use]
    pub fn to_table(&self) -> String {
        let title = format!("drill, seed {}", self.seed);
        let venue = format!(
            "{} {}, class {}",
            self.venue,
            self.version,
            self.class.as_str()
        );
        let number = |number: u64| grouped(&number.to_string());
        let same = self.compared - self.count(Breach::OtherReports);
        let reports = match self.compared {
            0 => "not compared".to_owned(),
            all => format!("{} of {}", number(same), number(all)),
        };
        let rows = [
            ("kills", number(self.kills)),
            ("resumes", number(self.resumes)),
            ("starts that the venue did not answer", number(self.refused)),
            ("runs", number(self.runs)),
            ("orders", number(self.orders)),
        ];
        let breaches = BREACHES.map(|(breach, name, _)| (name, number(self.count(breach))));
        let rest = [
            ("unresolved (held)", number(self.held)),
            ("reports as without a kill", reports),
            ("time", format!("{:.1} s", self.elapsed.as_secs_f64())),
            (
                "kills a minute",
                grouped(&self.kills_a_minute().to_string()),
            ),
        ];
        let rows = rows.into_iter().chain(breaches).chain(rest);
        table([title, venue], rows) + &self.failures_text()
    }

    fn failures_text(&self) -> String {
        const SHOWN: usize = 5;
        let mut text = String::new();
        for failure in self.failures.iter().take(SHOWN) {
            text.push_str(&format!("\nsee {}:", failure.dir.display()));
            let lines = failure.findings.iter().take(SHOWN);
            text.extend(lines.map(|finding| format!("\n  {}", finding.text)));
            if failure.findings.len() > SHOWN {
                text.push_str(&format!("\n  and {} more", failure.findings.len() - SHOWN));
            }
        }
        if self.failures.len() > SHOWN {
            let more = self.failures.len() - SHOWN;
            text.push_str(&format!("\nand {more} more runs"));
        }
        text
    }

    /// As one line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        let view = View {
            kind: "drill",
            plugin: Plugin {
                id: &self.venue,
                version: &self.version,
            },
            class: self.class.as_str(),
            seed: self.seed,
            kills: self.kills,
            resumes: self.resumes,
            refused_starts: self.refused,
            runs: self.runs,
            orders: self.orders,
            breaches: BREACHES
                .map(|(breach, _, key)| (key, self.count(breach)))
                .into(),
            held: self.held,
            reports_compared: self.compared,
            reports_equal: self.compared - self.count(Breach::OtherReports),
            kills_a_minute: self.kills_a_minute(),
            elapsed_s: self.elapsed.as_secs_f64(),
            failures: &self.failures,
        };
        serde_json::to_string(&view).expect("a tally is strings and numbers, which JSON can say")
    }
}

#[derive(Serialize)]
struct View<'a> {
    kind: &'static str,
    plugin: Plugin<'a>,
    class: &'static str,
    seed: u64,
    kills: u64,
    resumes: u64,
    refused_starts: u64,
    runs: u64,
    orders: u64,
    #[serde(flatten)]
    breaches: BTreeMap<&'static str, u64>,
    held: u64,
    reports_compared: u64,
    reports_equal: u64,
    kills_a_minute: u64,
    elapsed_s: f64,
    failures: &'a [Failure],
}

#[derive(Serialize)]
struct Plugin<'a> {
    id: &'a str,
    version: &'a str,
}

/// What must be 0, in words and as a key.
const BREACHES: [(Breach, &str, &str); 7] = [
    (Breach::Duplicate, "duplicates", "duplicates"),
    (Breach::Lost, "lost", "lost"),
    (
        Breach::FalseRejection,
        "false rejections",
        "false_rejections",
    ),
    (Breach::WrongState, "wrong states", "wrong_states"),
    (Breach::WrongTotal, "wrong totals", "wrong_totals"),
    (Breach::Unverified, "unverified", "unverified"),
    (Breach::Broken, "broken off", "broken_off"),
];
