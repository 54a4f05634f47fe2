//! The pure core: what to do, given what happened.
//!
//! `(state, input) -> (state, commands)`. No I/O, no clock, no threads, no randomness, nothing of the
//! host but the plugin API's types: whatever influences a decision arrives as an [`Input`], in order,
//! so that a run can be replayed.
//!
//! [`Core`] is the whole of it; the other modules are its organs. Three stand beside it, pure as well and
//! used by the worker: [`protocol`] decides what follows an attempt, [`retry`] how long to wait for it, and
//! [`governor`] what the venue is spared.

pub mod arithmetic;
pub mod core;
pub mod event;
pub mod governor;
pub mod identity;
pub mod intent;
pub mod orders;
pub mod performance;
pub mod portfolio;
pub mod protocol;
pub mod report;
pub mod retry;
pub mod risk;
pub mod strategy;
pub(crate) mod text;

pub use self::core::{Core, CoreConfig, CoreState, OrderSupport, RestoreError};
pub use event::{Command, Decision, Input, OrderState, Outcome, Submission};
pub use identity::{Seen, SourcePlace};
pub use intent::{Intent, OrderSpec};
pub use performance::Summary;
pub use report::{
    DigestState, ExecutionReport, ReportDigest, ReportKind, canonical_json, write_canonical_json,
};
pub use risk::{DenialCode, RiskLimits};
