//! What the journal says for good, read from its bytes without the code that is tested.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use investbot::engine::OrderState;
use investbot_plugin_api::UnixNanos;
use serde::Deserialize;

use crate::simulator::disk::SimDisk;
use crate::simulator::durable::{Durable, DurableView};
use crate::simulator::invariants::Claim;

/// Reads on in the journal, as far as it is durable.
pub(super) struct JournalView {
    disk: SimDisk,
    dir: PathBuf,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    /// How much of each file was read.
    lengths: Vec<usize>,
    orders: BTreeMap<String, Durable>,
    /// What was said of orders, and not yet passed on.
    claims: Vec<(String, Claim)>,
}

impl JournalView {
    pub(super) fn new(disk: SimDisk, dir: &Path) -> Self {
        Self {
            disk,
            dir: dir.to_owned(),
            read: Mutex::default(),
        }
    }

    /// What became durable since the last time of orders that are not at the venue.
    pub(super) fn claims(&self) -> Vec<(String, Claim)> {
        std::mem::take(&mut self.read().claims)
    }

    /// Reads on to the last durable line.
    fn read(&self) -> std::sync::MutexGuard<'_, Read> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for segment in 0.. {
            let path = self.path(segment);
            let durable = self.disk.durable(&path);
            if segment == read.lengths.len() {
                if durable == 0 {
                    break;
                }
                read.lengths.push(0);
            }
            // While a file is being replaced by its copy neither is sure to survive, but one of them is.
            if durable > read.lengths[segment] {
                let files = self.disk.files();
                files.look(&path, |bytes| read.take(segment, &bytes[..durable]));
            }
        }
        read
    }

    fn path(&self, segment: usize) -> PathBuf {
        self.dir.join(match segment {
            0 => "idempotency_keys.jsonl".to_owned(),
            _ => format!("idempotency_keys.{:06}.jsonl", segment + 1),
        })
    }
}

impl DurableView for JournalView {
    fn of(&self, client_order_id: &str) -> Durable {
        let read = self.read();
        read.orders
            .get(client_order_id)
            .copied()
            .unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct Attempt {
    attempt: String,
    order: Order,
}

#[derive(Deserialize)]
struct Order {
    client_order_id: String,
    deadline: Option<String>,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    client_order_id: String,
    attempt: Option<String>,
    #[serde(borrow)]
    settled: Option<&'a serde_json::value::RawValue>,
}

impl Read {
    fn take(&mut self, segment: usize, bytes: &[u8]) {
        let begin = self.lengths[segment];
        let Some(end) = memchr::memrchr(b'\n', &bytes[begin..]) else {
            return;
        };
        let end = begin + end + 1;
        self.lengths[segment] = end;
        for line in bytes[begin..end - 1].split(|byte| *byte == b'\n') {
            let line: Line<'_> = serde_json::from_slice(line).expect("a durable line is whole");
            match line.r#type {
                "attempt" => self.attempt(parse(line.data.get())),
                "outcome" | "held" => self.outcome(&parse(line.data.get())),
                _ => {}
            }
        }
    }

    fn attempt(&mut self, attempt: Attempt) {
        let order = self
            .orders
            .entry(attempt.order.client_order_id)
            .or_default();
        order.attempt = number(&attempt.attempt);
        let deadline = attempt.order.deadline.as_deref();
        order.deadline = deadline.map(|text| UnixNanos(text.parse().expect("a moment")));
    }

    fn outcome(&mut self, outcome: &Outcome<'_>) {
        let order = outcome.client_order_id.clone();
        let durable = self.orders.entry(order.clone()).or_default();
        let settled = outcome.settled.map_or("", |settled| settled.get());
        let attempt = outcome.attempt.as_deref().map_or(0, number);
        let claim = if settled.starts_with("\"absent") {
            durable.absent_through = attempt;
            Claim::AbsentThrough(attempt)
        } else {
            durable.settled = true;
            if settled.starts_with("{\"rejected") {
                Claim::Never(OrderState::Rejected)
            } else if settled.starts_with("{\"abandoned") {
                Claim::Never(OrderState::Abandoned)
            } else {
                return;
            }
        };
        self.claims.push((order, claim));
    }
}

fn parse<'a, T: Deserialize<'a>>(data: &'a str) -> T {
    serde_json::from_str(data).expect("a durable record is whole")
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number")
}
