//! venue sim
