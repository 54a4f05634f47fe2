//! Everything an investbot exchange adapter needs, and nothing else.
//!
//! An adapter is a `cdylib` that depends on this crate alone. It implements [`Adapter`], describes
//! itself in a `plugin.toml` ([`manifest`]) and exports itself with one macro:
//!
//! ```text
//! #![forbid(unsafe_code)]
//! use investbot_plugin_api::*;
//!
//! struct MyVenue { /* connections, caches */ }
//!
//! impl Adapter for MyVenue {
//!     fn open(host: Host, params: OpenParams) -> Result<Self, AdapterError> { … }
//!     fn place(&self, call: &Call<'_>, order: &NewOrder) -> Result<OrderReport, AdapterError> { … }
//!     …
//! }
//!
//! export_adapter!(MyVenue, manifest = "plugin.toml");
//! ```
//!
//! `investbot plugin new NAME` writes a whole one, to be changed; `docs/ADAPTERS.md` of this repository is the
//! author's guide.
//!
//! # Units
//!
//! Prices, quantities, fees and balances are [`Decimal`], never floating point. Prices are in units of
//! the instrument's quote currency per one unit of its base; quantities are in base units. Moments are
//! [`UnixNanos`], nanoseconds since 1970-01-01 UTC.
//!
//! # Threads
//!
//! The host calls an adapter from several threads at once, at most `max_in_flight` of them (from the
//! manifest). Calls are synchronous; an adapter that needs an async runtime owns one. The host alone
//! retries: an adapter reports what happened to the one request it was asked to make.
//!
//! # The two layers
//!
//! [`abi`] is the binary layer and never changes within major version 1: two objects with one method
//! each, and both carry bytes. Everything else in this crate is the semantic layer, encoded in those
//! bytes as CBOR ([`codec`]), and grows in minor versions. In reports (adapter to host) unknown fields
//! and values are tolerated; in commands (host to adapter) they are refused, because an order field
//! that is silently ignored loses money.

pub mod abi;
pub mod adapter;
pub mod codec;
pub mod dispatch;
pub mod error;
pub mod host;
pub mod ledger;
pub mod manifest;
pub mod market;
pub mod op;
pub mod order;
pub mod report;
pub mod time;
mod wire;

pub use adapter::{Adapter, OpenParams};
pub use error::{AdapterError, Effect, ErrorKind};
pub use host::{Call, Host, Level};
pub use ledger::Ledger;
pub use market::{Bar, BarBatch, BarsQuery, Instrument, Ticker};
pub use order::{AmendOrder, CancelOrder, NewOrder, OrderRef, OrderType, Side, TimeInForce};
pub use report::{
    Balance, Fill, FillsPage, Health, HealthStatus, Liquidity, OpenOrders, OrderReport,
    OrderStatus, Position, VenueEvent,
};
pub use rust_decimal::Decimal;
pub use secrecy::{ExposeSecret, SecretString};
pub use time::UnixNanos;
pub use {serde, serde_json};

/// The version of this crate, which an adapter carries in its binary as the API it was built with.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The target triple this crate was compiled for.
pub const TARGET: &str = env!("INVESTBOT_TARGET");
