//! Room: exec.
