//! What the result of a check says about a plugin's claims, as it is kept with a pin.

use investbot_plugin_api::manifest::{Capabilities, Deadline, Dedupe, Query};
use serde::{Deserialize, Serialize};

use super::result::CheckResult;
use super::runner::Outcome;

/// What a whole check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conformance {
    /// Whether the claims about duplicates, deadlines and queries are true.
    pub claims: Claims,
    /// How many tests passed.
    pub passed: usize,
    /// How many failed, crashed or did not end.
    pub failed: usize,
    /// How many had nothing to test.
    pub skipped: usize,
    /// The seed of the check.
    pub seed: u64,
    /// Which tests there were.
    pub kit: String,
    /// The version of the investbot that ran them.
    pub host: String,
}

/// Whether a venue's claims are true, as far as a check can find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claims {
    /// Every claim showed itself, and nothing speaks against one.
    Passed,
    /// A test that a claim rests on failed.
    Failed,
    /// A claim had no occasion to show itself.
    Untested,
}

impl std::fmt::Display for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Untested => "untested",
        })
    }
}

impl std::fmt::Display for Conformance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            claims,
            passed,
            failed,
            skipped,
            ..
        } = self;
        write!(
            f,
            "{passed} tests passed, {failed} failed, {skipped} skipped; claims {claims}"
        )
    }
}

/// Beside the group `claims`: tests whose failure means that what the host takes for proven is not.
const RESTS: &[&str] = &[
    // One order of two: by two threads, by an id that was cut.
    "threads.same-order",
    "limits.id-too-long",
    // An order that is there and is not found.
    "lifecycle.killed",
    "lifecycle.orders-stay",
    "limits.many-orders",
    // An answer about an order that never was, or a refusal that is none.
    "orders.query-unknown",
    "errors.refusal-is-definite",
    "errors.reads-are-reads",
];

/// Tests that must have passed, not only not failed, for the claims to be shown.
fn needed(claimed: &Capabilities) -> Vec<&'static str> {
    let mut needed = Vec::new();
    if matches!(claimed.dedupe, Dedupe::Permanent | Dedupe::Window { .. }) {
        needed.extend(["claims.duplicate-filled", "claims.duplicate-session"]);
    }
    if matches!(claimed.deadline, Deadline::Enforced { .. }) {
        needed.push("claims.deadline-past");
    }
    match claimed.query {
        Query::ByClientId {
            includes_closed, ..
        } => {
            needed.push("claims.query-after-accept");
            if includes_closed {
                needed.push("claims.query-closed");
            }
        }
        Query::OpenOnly => needed.push("claims.open-orders-complete"),
        _ => {}
    }
    needed
}

impl Conformance {
    /// What a whole check of a plugin that claims this came to.
    #[must_use]
    pub fn of(result: &CheckResult, claimed: &Capabilities) -> Self {
        let count = |is: fn(&Outcome) -> bool| {
            let outcomes = result.tests.iter().map(|test| &test.outcome);
            outcomes.filter(|outcome| is(outcome)).count()
        };
        Self {
            claims: claims(result, claimed),
            passed: count(|outcome| *outcome == Outcome::Passed),
            failed: count(Outcome::is_bad),
            skipped: count(|outcome| matches!(outcome, Outcome::Skipped(_))),
            seed: result.asked.seed,
            kit: result.kit.clone(),
            host: result.host.clone(),
        }
    }
}

fn claims(result: &CheckResult, claimed: &Capabilities) -> Claims {
    let carries = |id: &str| id.starts_with("claims.") || RESTS.contains(&id);
    if result.bad().any(|test| carries(&test.id)) {
        return Claims::Failed;
    }
    let passed = |id: &str| {
        let mut tests = result.tests.iter();
        tests.any(|test| test.id == id && test.outcome == Outcome::Passed)
    };
    if needed(claimed).into_iter().all(passed) {
        Claims::Passed
    } else {
        Claims::Untested
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use investbot_plugin_api::manifest::Manifest;

    use super::super::result::{Asked, Checked, TestResult};
    use super::*;

    fn claimed(dedupe: &str, deadline: &str, query: &str) -> Capabilities {
        let text = format!(
            "plugin = {{ id = 'x', version = '1.0.0', requires_api = '1.0', description = 'x' }}\n\
             [capabilities]\norder_types = ['market']\ntimes_in_force = ['gtc']\nmax_in_flight = 1\n\
             client_order_id = {{ charset = 'hex', max_length = 32 }}\n\
             dedupe = {dedupe}\ndeadline = {deadline}\nquery = {query}\n"
        );
        let manifest: Manifest = toml::from_str(&text).expect("it is a manifest");
        manifest.capabilities
    }

    /// A whole check in which all passed but these.
    fn result(others: &[(&str, Outcome)]) -> CheckResult {
        let outcome = |id: &str| {
            let other = others.iter().find(|(other, _)| *other == id);
            other.map_or(Outcome::Passed, |(_, outcome)| outcome.clone())
        };
        let tests = super::super::tests().into_iter();
        CheckResult {
            plugin: Checked {
                id: "x".to_owned(),
                version: "1.0.0".to_owned(),
                target: "t".to_owned(),
                sha256: "0".repeat(64),
                api: "1.0".to_owned(),
            },
            host: "0.1.0".to_owned(),
            kit: "k".to_owned(),
            asked: Asked {
                plugin: "x".to_owned(),
                seed: 7,
                instrument: "BTC/USD".to_owned(),
                config: BTreeMap::new(),
                limit_s: 60,
            },
            tests: tests
                .map(|test| TestResult {
                    id: test.id.to_owned(),
                    outcome: outcome(test.id),
                })
                .collect(),
        }
    }

    const NONE: &str = "{ kind = 'none' }";
    const FULL: &str = "{ kind = 'by_client_id', includes_closed = true, visibility_lag_ms = 0 }";
    const ENFORCED: &str = "{ kind = 'enforced', max_ms = 1000, skew_ms = 1 }";

    #[test]
    fn the_tests_that_claims_rest_on_exist() {
        let known = super::super::tests();
        let everything = claimed("{ kind = 'permanent' }", ENFORCED, FULL);
        let open_only = claimed(NONE, NONE, "{ kind = 'open_only' }");
        let named = RESTS.iter().copied();
        for id in named.chain(needed(&everything)).chain(needed(&open_only)) {
            assert!(known.iter().any(|test| test.id == id), "{id}");
        }
    }

    #[test]
    fn a_claim_needs_its_test_and_nothing_against_it() {
        let skipped = || Outcome::Skipped("no occasion".to_owned());
        let crashed = || Outcome::Crashed("signal 11".to_owned());
        let class_a = claimed("{ kind = 'permanent' }", NONE, FULL);
        let class_b = claimed(NONE, ENFORCED, FULL);
        let class_e = claimed(NONE, NONE, NONE);
        let verdict = |claimed: &Capabilities, id: &str, outcome: Outcome| {
            Conformance::of(&result(&[(id, outcome)]), claimed).claims
        };
        assert_eq!(
            Conformance::of(&result(&[("orders.market", skipped())]), &class_a),
            Conformance {
                claims: Claims::Passed,
                passed: super::super::tests().len() - 1,
                failed: 0,
                skipped: 1,
                seed: 7,
                kit: "k".to_owned(),
                host: "0.1.0".to_owned(),
            }
        );
        // Not seen is not shown; who does not claim it need not show it.
        let filled = "claims.duplicate-filled";
        assert_eq!(verdict(&class_a, filled, skipped()), Claims::Untested);
        assert_eq!(verdict(&class_b, filled, skipped()), Claims::Passed);
        let late = "claims.deadline-past";
        assert_eq!(verdict(&class_b, late, skipped()), Claims::Untested);
        assert_eq!(verdict(&class_a, late, skipped()), Claims::Passed);
        assert_eq!(
            verdict(&class_e, "claims.query-closed", skipped()),
            Claims::Passed
        );
        // What fails is believed by nobody, and a failure elsewhere only if a claim rests on it.
        assert_eq!(verdict(&class_b, filled, crashed()), Claims::Failed);
        assert_eq!(
            verdict(&class_a, "threads.same-order", crashed()),
            Claims::Failed
        );
        assert_eq!(
            verdict(&class_a, "manifest.config-help", crashed()),
            Claims::Passed
        );
    }
}
