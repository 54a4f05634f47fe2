//! What the outside sees of a run: logs, progress, execution reports, the summary, the run directory.
//!
//! Data goes to standard output, everything else to standard error. Nothing here influences an order.

pub mod asked;
pub mod logging;
pub mod output;
pub mod progress;
pub mod record;
pub mod result;
pub mod run_dir;
pub mod summary;
pub mod table;
