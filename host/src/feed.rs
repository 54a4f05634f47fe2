//! Room: feed.
