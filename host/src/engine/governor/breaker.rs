//! The circuit breaker.

use std::time::Duration;

use investbot_plugin_api::UnixNanos;

/// What an answer says about the venue's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The venue answered.
    Well,
    /// It could not be reached, or what came back was not its answer.
    Ill,
    /// Nothing.
    None,
}

/// Closed while the venue is well; open, it lets a probe through now and then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Breaker {
    failures_to_open: u32,
    first_cool_down: Duration,
    longest_cool_down: Duration,
    /// Failures in a row while closed.
    failures: u32,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    /// When the next probe may be sent.
    until: UnixNanos,
    cool_down: Duration,
    /// Whether a probe's answer is waited for. Should it never come, another probe follows all the same.
    probing: bool,
}

impl Breaker {
    pub(super) fn new(failures: u32, cool_down: Duration, longest: Duration) -> Self {
        Self {
            failures_to_open: failures,
            first_cool_down: cool_down.min(longest),
            longest_cool_down: longest,
            failures: 0,
            open: None,
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn not_before(&self) -> UnixNanos {
        self.open.map_or(UnixNanos(i64::MIN), |open| open.until)
    }

    /// What is sent while it is open is a probe.
    pub(super) fn note_sent(&mut self, now: UnixNanos) {
        if let Some(open) = &mut self.open {
            open.probing = true;
            open.until = now.after(open.cool_down);
        }
    }

    pub(super) fn heard(&mut self, sign: Sign, now: UnixNanos) {
        match (sign, &mut self.open) {
            (Sign::Well, _) => {
                self.failures = 0;
                self.open = None;
            }
            (Sign::Ill, None) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= self.failures_to_open {
                    self.failures = 0;
                    self.open = Some(Open {
                        until: now.after(self.first_cool_down),
                        cool_down: self.first_cool_down,
                        probing: false,
                    });
                }
            }
            (Sign::Ill, Some(open)) if open.probing => {
                let doubled = open.cool_down.saturating_mul(2);
                open.cool_down = doubled.min(self.longest_cool_down);
                open.until = now.after(open.cool_down);
                open.probing = false;
            }
            (Sign::None, Some(open)) if open.probing => {
                open.until = now;
                open.probing = false;
            }
            // Old news: it was sent before the breaker opened.
            (Sign::Ill | Sign::None, _) => {}
        }
    }
}
