//! The venues that are simulated: one for each class of docs/ARCHITECTURE.md, and what each really does.

use std::sync::OnceLock;
use std::time::Duration;

use investbot_plugin_api::manifest::{Capabilities, Deadline, Dedupe, Manifest, Query, VenueClass};

use super::oracle::Named;

/// A venue of some class. What its manifest claims is true of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Remembers client order ids for ever.
    A,
    /// Remembers them for a while. A request to it is under way for at most half of that.
    AWindow,
    /// Enforces deadlines, and answers about closed orders.
    B,
    /// Answers about closed orders.
    C,
    /// Answers about open orders.
    D,
    /// Answers nothing.
    E,
}

/// δ: how far the clock of a venue that enforces deadlines is behind.
pub const SKEW: Duration = Duration::from_millis(250);
/// Λ: how long an accepted order may stay invisible where queries lag.
pub const LAG: Duration = Duration::from_secs(2);
/// How long [`Model::AWindow`] remembers a client order id.
pub const WINDOW: Duration = Duration::from_secs(60);
/// The farthest deadline that is accepted.
pub const MAX_DEADLINE: Duration = Duration::from_secs(60);
/// A code that proves a refusal though the error says nothing of its effect.
pub const DEFINITIVE_CODE: &str = "FUNDS";

impl Named for Model {
    fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::AWindow => "A with a window",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        }
    }
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::A, Self::AWindow, Self::B, Self::C, Self::D, Self::E];

    /// The same as a word to choose it by.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::AWindow => "a-window",
            Self::B => "b",
            Self::C => "c",
            Self::D => "d",
            Self::E => "e",
        }
    }

    /// The class that the manifest comes to.
    #[must_use]
    pub const fn class(self) -> VenueClass {
        match self {
            Self::A | Self::AWindow => VenueClass::A,
            Self::B => VenueClass::B,
            Self::C => VenueClass::C,
            Self::D => VenueClass::D,
            Self::E => VenueClass::E,
        }
    }

    /// What the venue says about itself. Made once.
    pub fn manifest(self) -> &'static Manifest {
        static MADE: [OnceLock<Manifest>; Model::ALL.len()] =
            [const { OnceLock::new() }; Model::ALL.len()];
        MADE[self as usize].get_or_init(|| {
            let manifest: Manifest = toml::from_str(&self.toml()).expect("it is well formed");
            assert_eq!(manifest.capabilities.class(), self.class());
            manifest
        })
    }

    fn toml(self) -> String {
        let none = || "{ kind = 'none' }".to_owned();
        let millis = |duration: Duration| duration.as_millis();
        let full = || {
            let lag = millis(LAG);
            format!(
                "{{ kind = 'by_client_id', includes_closed = true, visibility_lag_ms = {lag} }}"
            )
        };
        let dedupe = match self {
            Self::A => "{ kind = 'permanent' }".to_owned(),
            Self::AWindow => format!("{{ kind = 'window', window_ms = {} }}", millis(WINDOW)),
            Self::B => "{ kind = 'open_only' }".to_owned(),
            Self::C | Self::D | Self::E => none(),
        };
        let deadline = match self {
            Self::B => format!(
                "{{ kind = 'enforced', max_ms = {}, skew_ms = {} }}",
                millis(MAX_DEADLINE),
                millis(SKEW)
            ),
            _ => none(),
        };
        let query = match self {
            Self::A | Self::AWindow | Self::B | Self::C => full(),
            Self::D => "{ kind = 'open_only' }".to_owned(),
            Self::E => none(),
        };
        format!(
            "plugin = {{ id = 'simulated', version = '1.0.0', requires_api = '1.0', description = 'x' }}
            [capabilities]
            order_types = ['market', 'limit']
            times_in_force = ['gtc', 'ioc']
            max_in_flight = 4
            client_order_id = {{ charset = 'hex', max_length = 32 }}
            definitive_codes = ['{DEFINITIVE_CODE}']
            dedupe = {dedupe}
            deadline = {deadline}
            query = {query}"
        )
    }

    /// What the venue does.
    #[must_use]
    pub fn rules(self) -> Rules {
        Rules::of(&self.manifest().capabilities)
    }
}

/// What a venue does where venues differ. It is what its capabilities claim, at its worst: the clock that
/// enforces deadlines is late by the whole of δ.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Which client order ids it refuses.
    pub dedupe: Dedupe,
    /// The farthest deadline that it accepts, and how late its clock is; `None` if it heeds none.
    pub deadline: Option<(Duration, Duration)>,
    /// What it can be asked.
    pub query: Query,
    /// How long an accepted order may stay invisible.
    pub lag: Duration,
}

impl Rules {
    /// What a venue of these capabilities does.
    #[must_use]
    pub fn of(capabilities: &Capabilities) -> Self {
        Self {
            dedupe: capabilities.dedupe.clone(),
            deadline: match capabilities.deadline {
                Deadline::Enforced { max_ms, skew_ms } => Some((
                    Duration::from_millis(max_ms),
                    Duration::from_millis(skew_ms),
                )),
                _ => None,
            },
            query: capabilities.query.clone(),
            lag: capabilities.visibility_lag(),
        }
    }

    /// Whether a query finds an order that is open, or one that is not.
    #[must_use]
    pub const fn finds(&self, open: bool) -> bool {
        match self.query {
            Query::ByClientId {
                includes_closed, ..
            } => open || includes_closed,
            Query::OpenOnly => open,
            _ => false,
        }
    }
}
