//! The simulator.
pub mod oracle;
pub mod process;
