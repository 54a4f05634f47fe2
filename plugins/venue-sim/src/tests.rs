//! What the venue does, one rule a test; `properties` says what it never does.

#![allow(clippy::unwrap_used)]

mod fixture;
mod ledger;
mod orders;
mod properties;
mod requests;
