//! Orders that wait for a person, and a person's decision about one: recorded, and acted on when the run is
//! resumed.
//!
//! Which orders wait is known by the core alone: those that nothing can be proven of, and those about which
//! the venue has contradicted itself. So it is brought back to where it was, as for a resume.

use std::path::Path;
use std::sync::Arc;

use investbot_plugin_api::{Decimal, OrderType, Side};
use serde::Serialize;

use super::boot::{Kept, Recalled, recall};
use super::checkpoint::{Interval, Snapshot};
use super::error::RunError;
use super::prepare::Prepared;
use super::replay::Replayed;
use super::resumed::Resumed;
use crate::clock::{Clock as _, SystemClock};
use crate::config::RuntimeConfig;
use crate::engine::orders::Order;
use crate::engine::{Core, Decision, OrderState};
use crate::fs::RealFs;
use crate::observe::run_dir::RunDir;
use crate::store::file::{Options, Start};
use crate::store::record::{Record, Resolved};
use crate::store::{Claim, IdempotencyStore as _, checkpoint};

/// An order that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldOrder {
    /// Its idempotency key.
    pub key: String,
    /// What the venue knows it by.
    pub client_order_id: String,
    /// The caller's own id.
    pub id: Option<String>,
    /// The venue's id, if it was ever heard.
    pub venue_order_id: Option<String>,
    /// The instrument.
    pub instrument: String,
    /// Buy or sell.
    pub side: Side,
    /// Market, limit, …
    pub order_type: OrderType,
    /// In base units.
    pub quantity: Decimal,
    /// How much of it is known to be filled.
    pub filled: Decimal,
    /// Its state; one that is not held is doubted nevertheless.
    pub state: OrderState,
    /// Whether the venue has contradicted itself or us; otherwise nobody knows whether the order lives.
    pub contradicted: bool,
}

impl HeldOrder {
    fn of(order: &Order) -> Self {
        Self {
            key: order.key.to_hex(),
            client_order_id: order.client_order_id.clone(),
            id: order.id.clone(),
            venue_order_id: order.venue_order_id.clone(),
            instrument: order.spec.instrument.clone(),
            side: order.spec.side,
            order_type: order.spec.order_type,
            quantity: order.spec.quantity.normalize(),
            filled: order.filled.normalize(),
            state: order.state,
            contradicted: order.conflict,
        }
    }
}

/// The orders of a run that wait for a person, oldest first.
pub fn held(
    dir: &Path,
    configure: impl FnOnce(&Resumed) -> RuntimeConfig,
) -> Result<Vec<HeldOrder>, RunError> {
    Ok(bring_back(dir, configure)?.held)
}

/// Records what became of an order that waits. `name` is its key, its client order id or its caller's id.
pub fn resolve(
    dir: &Path,
    configure: impl FnOnce(&Resumed) -> RuntimeConfig,
    name: &str,
    decision: Decision,
    reason: &str,
) -> Result<HeldOrder, RunError> {
    let Brought {
        run_dir: _owned,
        recalled,
        mut held,
    } = bring_back(dir, configure)?;
    let is_named = |order: &HeldOrder| {
        order.key == name || order.client_order_id == name || order.id.as_deref() == Some(name)
    };
    let Recalled {
        found, replayed, ..
    } = recalled;
    let (Some(at), Some(last)) = (held.iter().position(is_named), found.last_epoch()) else {
        return Err(RunError::NotHeld {
            name: name.to_owned(),
            held,
        });
    };
    let order = held.swap_remove(at);
    let start = Start {
        run_id: last.run_id.clone(),
        plugin_sha256: last.plugin_sha256.clone(),
        started_at: SystemClock.now(),
    };
    let Replayed { last_at, clean, .. } = replayed;
    let mut store = found.begin(start, last_at)?;
    let resolved = Resolved {
        key: order.key.as_str().into(),
        client_order_id: order.client_order_id.as_str().into(),
        decision,
        reason: reason.into(),
    };
    store.stage(Record::Resolved(resolved), last_at)?;
    if clean {
        // What was in good order stays so.
        store.stage(Record::Closed, last_at)?;
    }
    store.commit()?;
    Ok(order)
}

/// A run that was read back, and on which nobody works.
struct Brought {
    /// It is ours as long as this is here.
    run_dir: RunDir,
    recalled: Recalled,
    held: Vec<HeldOrder>,
}

fn bring_back(
    dir: &Path,
    configure: impl FnOnce(&Resumed) -> RuntimeConfig,
) -> Result<Brought, RunError> {
    let resumed = Resumed::open(dir)?;
    let config = configure(&resumed);
    let mut prepared = Prepared::to_look_at(config, resumed)?;
    let (run_dir, run_id) = prepared.take_run_dir()?;
    let run_dir = run_dir.expect("a run that goes on has a directory");
    let kept = Kept {
        fs: Arc::new(RealFs),
        dir: run_dir.path().to_owned(),
        options: Options::default(),
        interval: Interval::default(),
        saves_aside: false,
    };
    let snapshot: Option<Snapshot> = checkpoint::load(kept.fs.as_ref(), &kept.dir)?;
    let passed = snapshot.as_ref().map(|snapshot| snapshot.progress.bars);
    let (mut source, _) = prepared.bars_from(passed.unwrap_or_default())?;
    let config_of = |account| prepared.core_config(&run_id, account);
    let recalled = recall(&kept, snapshot, &config_of, &mut source, &mut |_| {})?;
    // What is in doubt is found out by the run itself, as soon as it is resumed.
    let in_doubt = recalled.found.in_doubt();
    let waits = |order: &&Order| {
        let is_asked = |claim: &Claim| claim.order.client_order_id == order.client_order_id;
        (order.conflict || order.state == OrderState::Held) && !in_doubt.iter().any(is_asked)
    };
    let unsettled = recalled
        .replayed
        .core
        .iter()
        .flat_map(Core::unsettled_orders);
    let held = unsettled.filter(waits).map(HeldOrder::of).collect();
    Ok(Brought {
        run_dir,
        recalled,
        held,
    })
}
