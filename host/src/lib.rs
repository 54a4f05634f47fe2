//! The investbot host: order execution for algorithmic trading, with exchange adapters as plugins.
//!
//! Arrows point one way: `cli -> drill -> exec -> {engine, store, plugin, feed, observe} -> plugin-api`;
//! `config`, `clock`, `fs`, `sealed` and `exit` are leaves that the upper rooms share. `engine` knows none of the
//! others, but for [`planted`], which is nothing unless bugs are hunted for.

pub mod cli;
pub mod clock;
pub mod config;
pub mod drill;
pub mod engine;
pub mod exec;
pub mod exit;
pub mod feed;
pub mod fs;
pub mod observe;
pub mod planted;
pub mod plugin;
pub mod sealed;
pub mod store;
