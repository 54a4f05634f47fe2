//! How orders are sent to one venue: the protocol of its class, and how long an attempt may be under way.

use std::time::Duration;

use investbot_plugin_api::UnixNanos;
use investbot_plugin_api::manifest::Capabilities;

use crate::engine::protocol::{Asking, Protocol, RetryPolicy};
use crate::engine::retry::Backoff;

/// How orders are sent to one venue.
#[derive(Clone, Debug)]
pub struct SendPolicy {
    pub(super) protocol: Protocol,
    /// How long after an attempt the venue may still accept it; `None` if it enforces no deadline.
    pub(super) time_to_live: Option<Duration>,
}

impl SendPolicy {
    /// How many queries about one thing may fail before they are given up; an order is held then.
    pub(super) const MAX_QUERIES: u32 = 10;

    /// The policy for a venue of these capabilities.
    #[must_use]
    pub fn new(
        capabilities: &Capabilities,
        backoff: Backoff,
        max_attempts: u32,
        time_to_live: Option<Duration>,
    ) -> Self {
        let retry = RetryPolicy {
            max_attempts,
            max_queries: Self::MAX_QUERIES,
            backoff,
        };
        Self {
            protocol: Protocol::new(capabilities, retry),
            time_to_live,
        }
    }

    /// What the venue can be asked about an order.
    #[must_use]
    pub const fn asking(&self) -> Asking {
        self.protocol.asking
    }

    /// How long to wait before a question is asked again.
    #[must_use]
    pub const fn backoff(&self) -> &Backoff {
        &self.protocol.retry.backoff
    }

    /// T of an attempt that is claimed now.
    pub(super) fn deadline(&self, now: UnixNanos) -> Option<UnixNanos> {
        self.time_to_live
            .map(|time_to_live| now.after(time_to_live))
    }
}

#[cfg(test)]
mod tests {
    use investbot_plugin_api::manifest::VenueClass;

    use super::super::testing::manifest;
    use super::*;
    use crate::plugin::belief::Belief;

    /// Whatever a venue claims, nothing of it is left to rely on.
    #[test]
    fn claims_that_are_not_believed_make_the_untrusted_protocol() {
        let backoff = Backoff {
            seed: 0,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(1),
        };
        for class in VenueClass::ALL {
            let claimed = manifest(*class).capabilities;
            let policy =
                |believed: &Capabilities| SendPolicy::new(believed, backoff, 4, None).protocol;
            let untrusted = Protocol::untrusted(policy(&claimed).retry);
            assert_eq!(policy(&Belief::Unchecked.capabilities(&claimed)), untrusted);
            let is_trusted = policy(&claimed) != untrusted;
            assert_eq!(is_trusted, *class != VenueClass::E, "{class}");
        }
    }
}
