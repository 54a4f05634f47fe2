//! Where work comes from: bar files and streams of intents.
//!
//! Everything here reads a piece at a time, so that memory does not grow with the input, and refuses
//! what it does not understand: a price that was misread is an order at the wrong price. Numbers go from
//! text to [`Decimal`](investbot_plugin_api::Decimal) exactly or not at all.
//!
//! A bar's way: `input` (plain, gzip, zip; digest) -> `buffer` (lines) -> `csv` or `json` (one row to one
//! bar) -> `sequence` (order, gaps, duplicates) -> [`BarReader`] -> [`BarStream`] (a thread of its own).

mod buffer;
mod bundled;
mod csv;
mod decimal;
mod error;
mod fields;
mod format;
mod header;
mod identity;
mod input;
mod intents;
mod json;
mod reader;
mod row;
mod rows;
mod sequence;
mod stream;
mod time;

pub use bundled::{BUNDLED, Bundled};
pub use decimal::NumberFault;
pub use error::{DataError, Place};
pub use format::BarFormat;
pub use identity::{Content, DataIdentity};
pub use input::Progress;
pub use intents::{IntentError, IntentFault, IntentLine, IntentReader};
pub use reader::{BarOptions, BarReader};
pub use sequence::{BarStats, GapPolicy};
pub use stream::BarStream;
pub use time::{TimeFault, TimeKind, TimeUnit};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
