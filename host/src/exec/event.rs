//! What happens to orders besides the source: as the journal keeps it, and as the core takes it in. The
//! two are made of the same value, here and when a journal is read.

use investbot_plugin_api::{Fill, OrderRef, OrderReport, UnixNanos};

use crate::engine::{Decision, Input, Intent, Outcome, Seen};
use crate::plugin::Answer;
use crate::store::Claim;
use crate::store::journal::Record;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Something became known about an attempt.
    Outcome {
        /// The order's key.
        key: String,
        /// Its client order id.
        client_order_id: String,
        /// The attempt.
        attempt: u32,
        /// What is known.
        outcome: Outcome,
    },
    /// The venue told the state of an order.
    Order(OrderReport),
    /// The venue told of an execution.
    Fill(Fill),
    /// A cancel could not be done.
    CancelFailed {
        /// The order.
        client_order_id: String,
        /// The venue's code or the kind of failure.
        code: String,
        /// What happened.
        text: String,
    },
    /// Somebody stops the run.
    Halt {
        /// Why.
        reason: String,
    },
}
