//! From what is kept of a run to a desk that goes on with it.
//!
//! First the journal is read back through the core ([`recall`]), without the venue. Then, with the venue
//! open, whatever an earlier process left open is taken over ([`take_over`]): attempts in doubt are found
//! out about by the order protocol, orders that were wanted and never sent are sent, cancels that nobody
//! answered are asked for again.

use std::path::PathBuf;
use std::sync::Arc;

use investbot_plugin_api::{OrderRef, UnixNanos};

use super::books::Progress;
use super::checkpoint::Snapshot;
use super::desk::Desk;
use super::inputs;
use super::replay::{Bars, Replay, ReplayError, Replayed, Told};
use super::session::SessionError;
use crate::engine::{Core, CoreConfig, Outcome};
use crate::fs::Fs;
use crate::store::file::Found;
use crate::store::journal::Options;
use crate::store::record::Account;
use crate::store::{FileIdempotencyStore, StoreError};

/// Where a run is kept.
#[derive(Clone)]
pub struct Kept {
    /// The file system.
    pub fs: Arc<dyn Fs>,
    /// The run directory.
    pub dir: PathBuf,
    /// How the journal is opened.
    pub options: Options,
}

/// Why what is kept of a run cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    /// The journal cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it holds cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}
