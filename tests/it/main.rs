//! Integration tests.

#![allow(clippy::unwrap_used)]

mod determinism;
mod ledger;
mod plugin_author;
mod plugin_calls;
mod plugin_load;
mod plugin_open;
mod run_dir;
mod signals;
