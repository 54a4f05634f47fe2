//! What the journal says for good, read from its bytes without the code that is tested.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use investbot::engine::OrderState;
use investbot_plugin_api::UnixNanos;
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::simulator::disk::SimDisk;
use crate::simulator::durable::{Durable, DurableView};
use crate::simulator::invariants::Claim;

/// How much of a damaged line is shown.
const SHOWN: usize = 120;

/// Reads on in the journal, as far as it is durable.
pub(super) struct JournalView {
    disk: SimDisk,
    dir: PathBuf,
    read: Mutex<Read>,
}

/// What was read in an earlier life, to be gone on from while the files still say so.
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    read: Arc<Read>,
    /// Stands for what was read of each file.
    digests: Vec<u128>,
}

#[derive(Clone, Debug, Default)]
struct Read {
    /// How much of each file was read.
    lengths: Vec<usize>,
    orders: BTreeMap<String, Durable>,
    /// What was said of orders, and not yet passed on.
    claims: Vec<(String, Claim)>,
    /// The first line that is no line.
    damaged: Option<String>,
}

impl JournalView {
    pub(super) fn new(disk: SimDisk, dir: &Path, remembered: Remembered) -> Self {
        let view = Self {
            disk,
            dir: dir.to_owned(),
            read: Mutex::default(),
        };
        if view.digests(&remembered.read.lengths).as_ref() == Some(&remembered.digests) {
            let read = Arc::unwrap_or_clone(remembered.read);
            *view.read.lock().unwrap_or_else(PoisonError::into_inner) = read;
        }
        view
    }

    /// What was read, for the next life.
    pub(super) fn leave(&self) -> Remembered {
        let read = std::mem::take(&mut *self.read());
        // Files that are gone are read anew.
        let digests = self.digests(&read.lengths).unwrap_or_default();
        Remembered {
            read: Arc::new(read),
            digests,
        }
    }

    /// Stands for so much of each file; `None` if there is not that much.
    fn digests(&self, lengths: &[usize]) -> Option<Vec<u128>> {
        let files = self.disk.files();
        let digest = |(segment, length): (usize, &usize)| {
            let path = self.path(segment);
            let digest = files.look(&path, |bytes| bytes.get(..*length).map(xxh3_128));
            digest.flatten()
        };
        lengths.iter().enumerate().map(digest).collect()
    }

    /// What became durable since the last time of orders that are not at the venue.
    pub(super) fn claims(&self) -> Vec<(String, Claim)> {
        std::mem::take(&mut self.read().claims)
    }

    /// What is durable and no whole line, as far as was read.
    pub(super) fn damaged(&self) -> Option<String> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.damaged.clone()
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
            if self.line(line).is_none() {
                let text = String::from_utf8_lossy(line).chars().take(SHOWN).collect();
                self.damaged.get_or_insert(text);
                return;
            }
        }
    }

    /// Takes a line; `None` if it is none.
    fn line(&mut self, line: &[u8]) -> Option<()> {
        let (kind, data) = kind_and_data(line)?;
        match kind {
            b"attempt" => self.attempt(parse(data)?),
            b"outcome" | b"held" => self.outcome(&parse(data)?),
            _ => {}
        }
        Some(())
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

/// What kind of record a line has, and the record. What is before it and after it has no record in it.
fn kind_and_data(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const KIND: &[u8] = b"\"type\":\"";
    const DATA: &[u8] = b"\",\"data\":";
    const TRAILER: usize = ",\"crc\":\"00000000\"}".len();
    let kind = memchr::memmem::find(line, KIND)? + KIND.len();
    let rest = &line[kind..line.len().checked_sub(TRAILER)?];
    let end = memchr::memchr(b'"', rest)?;
    let data = rest[end..].strip_prefix(DATA)?;
    Some((&rest[..end], data))
}

fn parse<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Option<T> {
    serde_json::from_slice(data).ok()
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number")
}
