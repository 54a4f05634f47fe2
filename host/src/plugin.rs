//! Loading and calling exchange adapters.

pub mod venue;

pub use venue::{Answer, Venue};
