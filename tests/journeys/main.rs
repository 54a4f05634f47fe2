//! What users do with the real binary and the real plugins, from the first command to the last mistake.

#![allow(clippy::unwrap_used)]

mod bars;
mod books;
mod config;
mod determinism;
mod drill;
#[cfg(unix)]
mod exec;
#[cfg(unix)]
mod guide;
mod intents;
mod lost_end;
#[cfg(target_os = "linux")]
mod misbehaviour;
mod outside_crate;
mod plugin_check;
mod plugin_claims;
mod plugin_command;
mod plugin_new;
mod plugin_result;
mod plugins;
#[cfg(unix)]
mod readme;
mod resolve;
mod resume;
mod risk;
mod run_dir;
mod secrets;
mod signals;
mod verify;
mod versions;
#[cfg(unix)]
mod wrap;

use investbot_tests::program;
