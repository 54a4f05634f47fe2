//! Support for the integration tests: the real binary and the real plugins, built once, copies of them
//! that a test may spoil, and the simulator of the order protocol.

pub mod artifacts;
pub mod author;
pub mod copies;
pub mod corpus;
pub mod misbehaviour;
pub mod program;
pub mod records;
pub mod schema;
pub mod simulator;

pub use artifacts::{investbot, plugin};
pub use copies::{Scratch, patch, scratch};
