//! Support for the integration tests: the real binary and the real plugins, built once, and copies of
//! them that a test may spoil.

pub mod artifacts;
pub mod author;
pub mod copies;

pub use artifacts::{investbot, plugin};
pub use copies::{Scratch, patch, scratch};
