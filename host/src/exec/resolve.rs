//! A person's decision about a held order, recorded: the run acts on it when it is resumed.

use std::path::Path;
use std::sync::Arc;

use super::checkpoint::Snapshot;
use super::error::RunError;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::Decision;
use crate::fs::RealFs;
use crate::observe::run_dir::RunDir;
use crate::store::file::{Options, Start};
use crate::store::record::{Claim, Record, Resolved};
use crate::store::{FileIdempotencyStore, IdempotencyStore as _, StoreError, checkpoint};

/// Records what became of a held order. `name` is its key or its client order id.
pub fn resolve(
    dir: &Path,
    name: &str,
    decision: Decision,
    reason: &str,
) -> Result<Claim, RunError> {
    let run_dir = RunDir::reopen(dir)?;
    let fs = Arc::new(RealFs);
    let snapshot: Option<Snapshot> = checkpoint::load(fs.as_ref(), run_dir.path())?;
    let mut last_at = snapshot.as_ref().map(|snapshot| snapshot.now);
    let mut clean = snapshot.as_ref().is_none_or(|snapshot| snapshot.clean);
    let options = Options {
        from: snapshot.map(|snapshot| (snapshot.journal, snapshot.ledger)),
        ..Options::default()
    };
    let found = FileIdempotencyStore::open(fs, run_dir.path(), options, &mut |_, at, record| {
        last_at = last_at.max(Some(at));
        clean = matches!(record, Record::Closed);
        Ok(())
    })?;
    let Some(last) = found.last_epoch().cloned() else {
        return Err(not_held(name).into());
    };
    let start = Start {
        run_id: last.run_id,
        plugin_sha256: last.plugin_sha256,
        started_at: SystemClock.now(),
    };
    let held = found.held().into_iter();
    let Some(claim) = held
        .into_iter()
        .find(|claim| claim.key == name || claim.order.client_order_id == name)
    else {
        return Err(not_held(name).into());
    };
    let now = last_at.unwrap_or_default();
    let mut store = found.begin(start, now)?;
    store.stage(
        Record::Resolved(Resolved::of(&claim, decision, reason)),
        now,
    )?;
    if clean {
        // What was in good order stays so.
        store.stage(Record::Closed, now)?;
    }
    store.commit()?;
    Ok(claim)
}

fn not_held(name: &str) -> StoreError {
    StoreError::NotHeld {
        key: name.to_owned(),
    }
}
