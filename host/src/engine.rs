//! The pure core: what to do, given what happened.
//!
//! `(state, input) -> (state, commands)`. No I/O, no clock, no threads, no randomness, nothing of the
//! host but the plugin API's types: whatever influences a decision arrives as an [`Input`], in order,
//! so that a run can be replayed.

pub mod event;
pub mod intent;

pub use event::{Command, ExecutionReport, Input, OrderState, Outcome, ReportKind, Submission};
pub use intent::{Intent, OrderSpec};
