//! Which of a plugin's claims the order protocol may rely on.
//!
//! What a venue claims about duplicates, deadlines and queries decides what happens to an order in doubt, and a claim
//! that is not true sends an order twice. Where money can be lost, claims are therefore believed only when they have
//! passed a check of this very file, and the result is in `plugins.lock`. Until then the venue is of class E.

use investbot_plugin_api::manifest::{
    Capabilities, Deadline, Dedupe, Manifest, PluginInfo, Query, VenueClass,
};

use super::conformance::verdict::{Claims, Conformance};
use super::lock::Lock;

/// Whether a plugin's claims are believed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belief {
    /// A simulated venue has no money to lose.
    Simulated,
    /// They passed a check.
    Proven(Conformance),
    /// They were checked, and did not pass.
    Refuted(Conformance),
    /// No result of a check is pinned for this file.
    Unchecked,
    /// There is nothing to believe: it claims to be of class E.
    NothingClaimed,
}

impl Belief {
    /// What is believed of a plugin whose file has this digest.
    #[must_use]
    pub fn of(manifest: &Manifest, sha256: &str, lock: &Lock) -> Self {
        if is_play(&manifest.plugin) {
            return Self::Simulated;
        }
        if manifest.capabilities == cautious(&manifest.capabilities) {
            return Self::NothingClaimed;
        }
        match lock.conformance(&manifest.plugin.id, sha256) {
            None => Self::Unchecked,
            Some(found) if found.claims == Claims::Passed => Self::Proven(found.clone()),
            Some(found) => Self::Refuted(found.clone()),
        }
    }

    /// Whether the claims are what the host relies on.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        !matches!(self, Self::Refuted(_) | Self::Unchecked)
    }

    /// What the venue can do, as far as that is believed.
    #[must_use]
    pub fn capabilities(&self, claimed: &Capabilities) -> Capabilities {
        if self.is_given() {
            claimed.clone()
        } else {
            cautious(claimed)
        }
    }

    /// What the venue's orders are treated as.
    #[must_use]
    pub fn class(&self, claimed: &Capabilities) -> VenueClass {
        self.capabilities(claimed).class()
    }
}

/// A plugin that says of itself that it is simulated and has real money is taken at the worse word.
const fn is_play(plugin: &PluginInfo) -> bool {
    plugin.simulated && !plugin.real_money
}

/// The same without all that an order in doubt could be settled by. What kinds of orders the venue takes stays: an order
/// that it does not take is refused, and is in no doubt.
fn cautious(claimed: &Capabilities) -> Capabilities {
    let mut cautious = claimed.clone();
    cautious.dedupe = Dedupe::None;
    cautious.deadline = Deadline::None;
    cautious.query = Query::None;
    cautious.definitive_codes.clear();
    cautious.session_fence = false;
    cautious
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(simulated: bool, real_money: bool, claims: &str) -> Manifest {
        let text = format!(
            "[plugin]\nid = 'x'\nversion = '1.0.0'\nrequires_api = '1.0'\ndescription = 'x'\n\
             simulated = {simulated}\nreal_money = {real_money}\n\
             [capabilities]\norder_types = ['market']\ntimes_in_force = ['gtc']\nmax_in_flight = 1\n\
             client_order_id = {{ charset = 'hex', max_length = 32 }}\n{claims}"
        );
        toml::from_str(&text).expect("it is a manifest")
    }

    const A: &str = "dedupe = { kind = 'permanent' }\ndeadline = { kind = 'enforced', max_ms = 9, skew_ms = 1 }\n\
                     query = { kind = 'by_client_id', includes_closed = true, visibility_lag_ms = 5 }\n\
                     definitive_codes = ['E1']\nsession_fence = true\n";
    const E: &str =
        "dedupe = { kind = 'none' }\ndeadline = { kind = 'none' }\nquery = { kind = 'none' }\n";

    fn lock(dir: &tempfile::TempDir, claims: Option<&str>) -> Lock {
        let conformance = claims.map_or(String::new(), |claims| {
            format!(
                "[plugin.conformance]\nclaims = '{claims}'\npassed = 1\nfailed = 0\nskipped = 0\nseed = 0\n\
                 kit = 'k'\nhost = '0.1.0'\n"
            )
        });
        let text = format!(
            "version = 1\n[[plugin]]\nid = 'x'\nversion = '1.0.0'\ntarget = '{}'\nsha256 = '{}'\n{conformance}",
            investbot_plugin_api::TARGET,
            "a".repeat(64)
        );
        let path = dir.path().join("plugins.lock");
        std::fs::write(&path, text).expect("room");
        Lock::read(&path).expect("it is a good file")
    }

    /// What a plugin of this digest runs as.
    fn class(manifest: &Manifest, digit: &str, claims: Option<&str>) -> VenueClass {
        let dir = tempfile::tempdir().expect("room");
        let belief = Belief::of(manifest, &digit.repeat(64), &lock(&dir, claims));
        belief.class(&manifest.capabilities)
    }

    #[test]
    fn a_real_venue_runs_as_what_it_claims_only_with_a_proof_of_this_very_file() {
        let real = manifest(false, false, A);
        assert_eq!(class(&real, "a", Some("passed")), VenueClass::A);
        assert_eq!(class(&real, "a", Some("failed")), VenueClass::E);
        assert_eq!(class(&real, "a", Some("untested")), VenueClass::E);
        assert_eq!(class(&real, "a", None), VenueClass::E);
        assert_eq!(class(&real, "b", Some("passed")), VenueClass::E);
    }

    #[test]
    fn a_simulated_venue_needs_no_proof_unless_it_says_that_it_has_real_money() {
        assert_eq!(class(&manifest(true, false, A), "b", None), VenueClass::A);
        assert_eq!(class(&manifest(true, true, A), "b", None), VenueClass::E);
        assert_eq!(
            class(&manifest(false, true, A), "a", Some("passed")),
            VenueClass::A
        );
    }

    #[test]
    fn whatever_settles_an_order_in_doubt_is_taken_away_and_nothing_else() {
        let real = manifest(false, false, A);
        let believed = Belief::Unchecked.capabilities(&real.capabilities);
        let nothing = manifest(false, false, E);
        assert_eq!(believed, nothing.capabilities);
        let dir = tempfile::tempdir().expect("room");
        let belief = Belief::of(&nothing, &"b".repeat(64), &lock(&dir, None));
        assert_eq!(belief, Belief::NothingClaimed);
    }
}
