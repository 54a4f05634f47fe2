//! `plugin.toml`: what a plugin says about itself before any of its code runs.
//!
//! ```toml
//! [plugin]
//! id = "myvenue"              # the name users type: lower case letters, digits, dashes
//! version = "0.3.0"
//! requires_api = "1.0"        # the oldest host API it can do with
//! description = "Adapter for My Venue"
//! real_money = true           # asks the user for --live
//!
//! [capabilities]
//! order_types = ["market", "limit"]
//! times_in_force = ["gtc", "ioc"]
//! order_fields = ["post_only"]
//! max_in_flight = 16
//! client_order_id = { charset = "alphanumeric", max_length = 32 }
//! dedupe = { kind = "none" }
//! deadline = { kind = "enforced", max_ms = 60000, skew_ms = 1000 }
//! query = { kind = "by_client_id", includes_closed = true, visibility_lag_ms = 2000 }
//!
//! [[secrets]]
//! env = "MYVENUE_API_KEY"
//! help = "Make one at https://myvenue.example/keys, without the right to withdraw"
//!
//! [config.recv_window_ms]
//! type = "integer"
//! default = 5000
//! min = 1
//! max = 60000
//! help = "How long the venue may take to accept an order, in milliseconds"
//! ```
//!
//! What a venue can do decides what the host does after a timeout ([`VenueClass`]); a claim that is not
//! true loses money.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::order::{OrderType, TimeInForce};
use crate::wire::wire_enum;

/// The whole manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Who it is.
    pub plugin: PluginInfo,
    /// What the venue can do.
    pub capabilities: Capabilities,
    /// The configuration it understands, by key.
    #[serde(default)]
    pub config: BTreeMap<String, ConfigKey>,
    /// The secrets it needs.
    #[serde(default)]
    pub secrets: Vec<SecretSpec>,
}

/// Who a plugin is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PluginInfo {
    /// The name users type.
    pub id: String,
    /// The plugin's own version.
    pub version: String,
    /// The oldest host API it works with, `MAJOR.MINOR`.
    pub requires_api: String,
    /// One line.
    pub description: String,
    /// Whether orders spend real money.
    #[serde(default)]
    pub real_money: bool,
    /// Whether this is a simulated venue: it is shown bars (`on_bars`), takes its time from the host
    /// alone and keeps its ledger in the directory it is given.
    #[serde(default)]
    pub simulated: bool,
}

/// What a venue can do, as the adapter's author claims it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Order types that `place` takes.
    pub order_types: Vec<OrderType>,
    /// Times in force that `place` takes.
    pub times_in_force: Vec<TimeInForce>,
    /// Optional order fields that `place` honours: `post_only`, `reduce_only`.
    #[serde(default)]
    pub order_fields: Vec<String>,
    /// How many calls the adapter takes at once; at least 1.
    pub max_in_flight: u32,
    /// What a client order id may look like.
    pub client_order_id: ClientOrderIdRule,
    /// Whether the venue refuses a client order id that it has seen.
    pub dedupe: Dedupe,
    /// Whether the venue refuses an order that arrives after a moment named in it.
    pub deadline: Deadline,
    /// What the venue can be asked about an order.
    pub query: Query,
    /// Venue codes that prove that an order was refused.
    #[serde(default)]
    pub definitive_codes: Vec<String>,
    /// Whether a new session ends the one before it, and with it every request still under way.
    #[serde(default)]
    pub session_fence: bool,
}

impl Capabilities {
    /// The class of the venue.
    #[must_use]
    pub fn class(&self) -> VenueClass {
        let full_query = matches!(
            self.query,
            Query::ByClientId {
                includes_closed: true,
                ..
            }
        );
        match (&self.dedupe, &self.deadline, &self.query) {
            (Dedupe::Permanent | Dedupe::Window { .. }, _, _) => VenueClass::A,
            (_, Deadline::Enforced { .. }, _) if full_query => VenueClass::B,
            _ if full_query => VenueClass::C,
            (_, _, Query::ByClientId { .. } | Query::OpenOnly) => VenueClass::D,
            (_, _, Query::None) => VenueClass::E,
        }
    }

    /// How long after an order was accepted a query may still not see it.
    #[must_use]
    pub fn visibility_lag(&self) -> Duration {
        match self.query {
            Query::ByClientId {
                visibility_lag_ms, ..
            } => Duration::from_millis(visibility_lag_ms),
            Query::OpenOnly | Query::None => Duration::ZERO,
        }
    }
}

wire_enum! {
    /// What can be known after a request whose effect is unknown.
    pub enum VenueClass {
        /// Refuses a client order id it has seen: the same order may be sent again.
        A = 0 "A",
        /// Enforces a deadline and answers queries about closed orders: after the deadline, a query
        /// settles it.
        B = 1 "B",
        /// Answers queries about closed orders, but knows no deadline: found is found, not found
        /// proves nothing.
        C = 2 "C",
        /// Answers queries about open orders only.
        D = 3 "D",
        /// Answers nothing: one send, then a person decides.
        E = 4 "E",
    }
}

wire_enum! {
    /// The characters of a client order id.
    pub enum IdCharset {
        /// 0-9.
        Digits = 0 "digits",
        /// 0-9 and a-f.
        Hex = 1 "hex",
        /// 0-9, a-z, A-Z.
        Alphanumeric = 2 "alphanumeric",
        /// Alphanumeric, `-` and `_`.
        AlphanumericDash = 3 "alphanumeric_dash",
    }
}

/// What a client order id may look like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientOrderIdRule {
    /// Its characters.
    pub charset: IdCharset,
    /// Its greatest length; at least 16.
    pub max_length: u32,
}

/// Whether the venue refuses a client order id that it has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dedupe {
    /// For ever.
    Permanent,
    /// For this long after the order.
    Window {
        /// In milliseconds.
        window_ms: u64,
    },
    /// Only among open orders: a market order that was filled can be sent twice.
    OpenOnly,
    /// Not at all.
    None,
}

/// Whether the venue refuses an order that arrives after a moment named in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Deadline {
    /// It does.
    Enforced {
        /// The farthest deadline it accepts, in milliseconds from now.
        max_ms: u64,
        /// How far its clock may be off, in milliseconds.
        skew_ms: u64,
    },
    /// It does not.
    None,
}

/// What the venue can be asked about an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Query {
    /// An order by its client order id.
    ByClientId {
        /// Whether filled and cancelled orders are found too.
        includes_closed: bool,
        /// How long an accepted order may stay invisible, in milliseconds.
        visibility_lag_ms: u64,
    },
    /// The open orders.
    OpenOnly,
    /// Nothing.
    None,
}

/// A secret that the plugin needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SecretSpec {
    /// The name of the environment variable.
    pub env: String,
    /// Where to get one.
    pub help: String,
    /// Whether `open` can do without.
    #[serde(default)]
    pub optional: bool,
}

wire_enum! {
    /// The type of a configuration value.
    pub enum ConfigType {
        /// `true` or `false`.
        Boolean = 0 "boolean",
        /// A whole number, 64 bits.
        Integer = 1 "integer",
        /// An exact decimal; reaches the plugin as a string.
        Decimal = 2 "decimal",
        /// Text.
        String = 3 "string",
    }
}

/// A value in the manifest: of the key's type, though TOML may write a decimal as text or number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ConfigValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text, or a decimal.
    Text(String),
}

/// One key of a plugin's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConfigKey {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ConfigType,
    /// What it means, its unit and its range; one line.
    pub help: String,
    /// Its value if the user gives none. Without a default the key is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<ConfigValue>,
    /// The smallest value, for integers and decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<ConfigValue>,
    /// The largest value, for integers and decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<ConfigValue>,
    /// The allowed values, for strings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
}
