//! Integration tests.

#![allow(clippy::unwrap_used)]

mod arrows;
mod bad_input;
mod determinism;
mod intents;
mod ledger;
mod outside;
mod plugin_author;
mod plugin_calls;
mod plugin_load;
mod plugin_open;
mod readme;
mod run_dir;
mod signals;
