//! STUB
use std::path::Path;
use crate::fs::Fs;
/// Stub.
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct CheckpointError;
/// Stub.
pub fn load<T>(_: &dyn Fs, _: &Path) -> Result<Option<T>, CheckpointError> { Ok(None) }
/// Stub.
pub fn save<T>(_: &dyn Fs, _: &Path, _: &T) -> Result<(), CheckpointError> { Ok(()) }
