//! Integration tests.

#![allow(clippy::unwrap_used)]

mod arrows;
#[cfg(target_os = "linux")]
mod isolation;
mod no_bugs;
mod plugin_author;
mod plugin_calls;
mod plugin_load;
mod plugin_open;
mod plugin_swap;
