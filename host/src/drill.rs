//! The drill: runs are killed at every step of their journal and at random instants, resumed, killed again,
//! and what they tell in the end is compared with what the venue has in its ledger.
//!
//! It runs the program itself as a user does, reads the files that it leaves as anybody can, and knows
//! nothing else of it: what it proves is proved from outside.

mod audit;
mod campaign;
mod chance;
mod child;
mod error;
mod ledger;
mod schedule;
mod tally;
mod told;
mod trial;
mod work;

pub use audit::{Breach, Finding};
pub use campaign::{Plan, hold};
pub use error::DrillError;
pub use tally::{Failure, Tally};
pub use work::Work;
