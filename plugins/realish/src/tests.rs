//! Every kind of trouble by itself, and all of them together.

#![allow(clippy::unwrap_used)]

mod network;
mod together;
mod venue;
mod world;
