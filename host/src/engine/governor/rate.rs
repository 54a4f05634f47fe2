//! The rate limit: requests within any second.

use std::collections::VecDeque;
use std::time::Duration;

use investbot_plugin_api::UnixNanos;

const SECOND: Duration = Duration::from_secs(1);

/// Remembers when the last requests were sent, as many as a second may have. A bucket would need less
/// memory, but lets through nearly twice as many in the second after a quiet time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    limit: usize,
    sent: VecDeque<UnixNanos>,
}

impl Rate {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit: usize::try_from(limit.max(1)).unwrap_or(usize::MAX),
            sent: VecDeque::new(),
        }
    }

    /// When there is room for one more.
    pub(super) fn not_before(&self) -> UnixNanos {
        match self.sent.front() {
            Some(oldest) if self.sent.len() >= self.limit => oldest.after(SECOND),
            _ => UnixNanos(i64::MIN),
        }
    }

    pub(super) fn note_sent(&mut self, now: UnixNanos) {
        if self.sent.len() >= self.limit {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }
}
