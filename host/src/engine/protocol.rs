//! What to do next with an order after something became known: the order protocol as a pure function.
//!
//! The promise is that no order is sent twice, lost or lied about (docs/ARCHITECTURE.md). It rests on
//! one distinction: what is *proven* and what is not. There are three proofs that nothing lives at the
//! venue:
//!
//! - no byte of the attempt left this process, or the venue says it did not take it up
//!   ([`Effect::NotSent`]), and no earlier attempt is in doubt;
//! - the venue refused definitively ([`Effect::Rejected`], or one of its declared definitive codes), and
//!   no earlier attempt is in doubt: a resent order can be refused *because* the first one filled;
//! - nothing that was sent can arrive any more, and a complete query that was begun a visibility lag Λ
//!   later does not know the order. Nothing arrives after the deadline T and the venue's clock skew δ where
//!   it enforces deadlines, and nothing of an earlier session where a new one ends it.
//!
//! Without a proof an order is asked about, sent again where the venue dedupes (class A), or held for a
//! person. Found is always believed; not found alone proves nothing. When attempts are used up with a
//! proof the order is abandoned, without one it is held.

mod vocabulary;

use std::time::Duration;

use investbot_plugin_api::manifest::{Capabilities, Deadline, Dedupe, Query, VenueClass};
use investbot_plugin_api::{AdapterError, Effect, ErrorKind, OrderReport, OrderStatus, UnixNanos};

use super::event::Outcome;
pub use vocabulary::{Asking, Event, Pending, RetryPolicy, Step};

/// The protocol for one venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// What follows from the venue's capabilities.
    pub class: VenueClass,
    /// What it can be asked.
    pub asking: Asking,
    /// Λ: how long an order that was accepted may stay invisible.
    pub visibility_lag: Duration,
    /// δ: how far the venue's clock may be off; `None` if it enforces no deadline.
    pub skew: Option<Duration>,
    /// Whether a new session ends the one before it, with every request that is still under way.
    pub session_fence: bool,
    /// How long a client order id is remembered by a venue that dedupes; `None` for ever.
    pub dedupe_window: Option<Duration>,
    /// Codes that prove a refusal.
    pub definitive_codes: Vec<String>,
    /// How often, how long.
    pub retry: RetryPolicy,
}

impl Protocol {
    /// The protocol for a venue whose claims are believed.
    #[must_use]
    pub fn new(capabilities: &Capabilities, retry: RetryPolicy) -> Self {
        Self {
            class: capabilities.class(),
            asking: match capabilities.query {
                Query::ByClientId {
                    includes_closed: true,
                    ..
                } => Asking::Full,
                Query::ByClientId { .. } | Query::OpenOnly => Asking::OpenOnly,
                _ => Asking::Nothing,
            },
            visibility_lag: capabilities.visibility_lag(),
            skew: match capabilities.deadline {
                Deadline::Enforced { skew_ms, .. } => Some(Duration::from_millis(skew_ms)),
                _ => None,
            },
            session_fence: capabilities.session_fence,
            dedupe_window: match capabilities.dedupe {
                Dedupe::Window { window_ms } => Some(Duration::from_millis(window_ms)),
                _ => None,
            },
            definitive_codes: capabilities.definitive_codes.clone(),
            retry,
        }
    }

    /// The protocol for a venue whose claims are not believed: one send, then a person decides.
    #[must_use]
    pub const fn untrusted(retry: RetryPolicy) -> Self {
        Self {
            class: VenueClass::E,
            asking: Asking::Nothing,
            visibility_lag: Duration::ZERO,
            skew: None,
            session_fence: false,
            dedupe_window: None,
            definitive_codes: Vec::new(),
            retry,
        }
    }

    /// What to do next with `order`, `now` that `event` became known.
    #[must_use]
    pub fn next(&self, order: &Pending<'_>, event: &Event<'_>, now: UnixNanos) -> Step {
        match event {
            Event::Placed(report) => self.after_placed(order, report, now),
            Event::PlaceFailed(error) => self.after_failure(order, error, now),
            // Found is found: the order was known by its own client order id.
            Event::Found(report) => found(report),
            Event::NotFound { began_at } => self.after_not_found(order, *began_at, now),
            Event::QueryFailed(error) => self.after_failed_query(order, error, now),
            Event::Interrupted => self.ask(now, order, None).unwrap_or_else(|| {
                self.resend(order, None, now).unwrap_or_else(|| {
                    held(
                        "the process ended before the venue answered, and the venue can't be asked",
                    )
                })
            }),
        }
    }

    fn after_placed(&self, order: &Pending<'_>, report: &OrderReport, now: UnixNanos) -> Step {
        if report.status == OrderStatus::Rejected && order.in_doubt {
            return self.ask_or_hold(order, None, now, "refused when it was sent again");
        }
        found(report)
    }

    fn after_failure(&self, order: &Pending<'_>, error: &AdapterError, now: UnixNanos) -> Step {
        let wait = error.retry_after();
        if error.kind == ErrorKind::DuplicateClientOrderId {
            // Somebody placed an order of this name: most likely we did.
            return self.ask_or_hold(order, wait, now, "the client order id is taken");
        }
        if self.is_refusal(error) {
            if !order.in_doubt {
                return Step::Done(rejected(error));
            }
            return self.ask_or_hold(order, wait, now, "refused when it was sent again");
        }
        if error.effect == Effect::NotSent && !order.in_doubt {
            return self.after_not_sent(order, error, now);
        }
        self.find_out(order, error, now)
    }

    /// Proven: nothing is at the venue.
    fn after_not_sent(&self, order: &Pending<'_>, error: &AdapterError, now: UnixNanos) -> Step {
        if is_futile(error.kind) {
            return Step::Done(Outcome::Abandoned {
                text: format!("nothing is at the venue, and trying again is of no use: {error}"),
            });
        }
        self.next_attempt(order, error.retry_after(), now, &error.to_string())
    }

    /// The order may live.
    fn find_out(&self, order: &Pending<'_>, error: &AdapterError, now: UnixNanos) -> Step {
        let wait = error.retry_after();
        self.resend(order, wait, now)
            .unwrap_or_else(|| self.ask_or_hold(order, wait, now, &error.to_string()))
    }

    fn after_not_found(&self, order: &Pending<'_>, began_at: UnixNanos, now: UnixNanos) -> Step {
        match self.proof_from(order) {
            Some(proof_from) if began_at >= proof_from => {
                self.next_attempt(order, None, now, "the venue does not know the order")
            }
            Some(proof_from) => Step::Query {
                at: proof_from.max(now),
            },
            None => self.resend(order, None, now).unwrap_or_else(|| {
                held("the venue does not know the order, which proves nothing: it may still be under way")
            }),
        }
    }

    fn after_failed_query(
        &self,
        order: &Pending<'_>,
        error: &AdapterError,
        now: UnixNanos,
    ) -> Step {
        let failed = order.failed_queries.saturating_add(1);
        if self.asking == Asking::Nothing
            || failed >= self.retry.max_queries
            || is_futile(error.kind)
        {
            return held(&format!(
                "the venue could not be asked after {failed} queries: {error}"
            ));
        }
        let wait = error.retry_after().unwrap_or_else(|| {
            let key = format!("{}/query", order.key);
            self.retry.backoff.delay(&key, failed)
        });
        Step::Query {
            at: now.after(wait),
        }
    }

    /// Another attempt after a proof of absence, or the end.
    fn next_attempt(
        &self,
        order: &Pending<'_>,
        wait: Option<Duration>,
        now: UnixNanos,
        why: &str,
    ) -> Step {
        if order.attempt >= self.retry.max_attempts {
            return Step::Done(Outcome::Abandoned {
                text: format!(
                    "gave up after {} attempts; nothing is at the venue: {why}",
                    order.attempt
                ),
            });
        }
        Step::NextAttempt {
            attempt: order.attempt + 1,
            at: self.after_wait(order, wait, now),
        }
    }

    /// The same order once more, if the venue will know it for a duplicate.
    ///
    /// A window must still be open when the order arrives, which nobody can time; so half of it is left for
    /// the way.
    fn resend(&self, order: &Pending<'_>, wait: Option<Duration>, now: UnixNanos) -> Option<Step> {
        if self.class != VenueClass::A || order.attempt >= self.retry.max_attempts {
            return None;
        }
        let at = self.after_wait(order, wait, now);
        let in_time = self
            .resend_before(order.first_sent)
            .is_none_or(|before| at < before);
        in_time.then_some(Step::Resend {
            attempt: order.attempt + 1,
            at,
        })
    }

    /// Whether it is of use to ask about an order before it is sent, because an earlier process may have sent it:
    /// the venue can be asked, and would not know the order for a duplicate for ever.
    #[must_use]
    pub fn asks_before_sending(&self) -> bool {
        let knows_duplicates = self.class == VenueClass::A && self.dedupe_window.is_none();
        self.asking != Asking::Nothing && !knows_duplicates
    }

    /// Before when an order that was first sent at `first_sent` may be sent again; `None` for ever.
    #[must_use]
    pub fn resend_before(&self, first_sent: UnixNanos) -> Option<UnixNanos> {
        self.dedupe_window
            .map(|window| first_sent.after(window / 2))
    }

    /// A query at the first moment at which its answer is worth most.
    fn ask(&self, now: UnixNanos, order: &Pending<'_>, wait: Option<Duration>) -> Option<Step> {
        if self.asking == Asking::Nothing {
            return None;
        }
        let visible = now.after(self.visibility_lag);
        let at = self.proof_from(order).unwrap_or(visible);
        Some(Step::Query {
            at: at.max(now.after(wait.unwrap_or_default())),
        })
    }

    fn ask_or_hold(
        &self,
        order: &Pending<'_>,
        wait: Option<Duration>,
        now: UnixNanos,
        why: &str,
    ) -> Step {
        self.ask(now, order, wait)
            .unwrap_or_else(|| held(&format!("{why}; it may live, and the venue can't be asked")))
    }

    /// The first moment at which a query that does not find the order proves its absence.
    fn proof_from(&self, order: &Pending<'_>) -> Option<UnixNanos> {
        if self.asking != Asking::Full {
            return None;
        }
        let moments = [self.after_deadline(order), self.after_session(order)];
        moments.into_iter().flatten().min()
    }

    /// Just after T + δ + Λ: a query begun at that very moment may miss an order accepted at T + δ.
    fn after_deadline(&self, order: &Pending<'_>) -> Option<UnixNanos> {
        let last_accepted = order.deadline?.after(self.skew?);
        let last_visible = last_accepted.after(self.visibility_lag);
        // At the end of time no moment comes after it.
        last_visible.0.checked_add(1).map(UnixNanos)
    }

    /// Λ after this session began: whatever an earlier one sent was accepted before.
    fn after_session(&self, order: &Pending<'_>) -> Option<UnixNanos> {
        let began = order.inherited_at.filter(|_| self.session_fence)?;
        Some(began.after(self.visibility_lag))
    }

    fn after_wait(&self, order: &Pending<'_>, wait: Option<Duration>, now: UnixNanos) -> UnixNanos {
        now.after(wait.unwrap_or_else(|| self.retry.backoff.delay(order.key, order.attempt)))
    }

    fn is_refusal(&self, error: &AdapterError) -> bool {
        let declared = |code: &String| self.definitive_codes.contains(code);
        error.effect == Effect::Rejected
            || (error.effect == Effect::Unknown && error.venue_code.as_ref().is_some_and(declared))
    }
}

/// The venue showed the order.
fn found(report: &OrderReport) -> Step {
    Step::Done(if report.status == OrderStatus::Rejected {
        Outcome::Rejected {
            code: OrderStatus::Rejected.as_str().to_owned(),
            text: report.reason.clone().unwrap_or_default(),
        }
    } else {
        Outcome::Accepted(report.clone())
    })
}

fn rejected(error: &AdapterError) -> Outcome {
    Outcome::Rejected {
        code: error
            .venue_code
            .clone()
            .unwrap_or_else(|| error.kind.to_string()),
        text: error.message.clone(),
    }
}

fn held(text: &str) -> Step {
    Step::Done(Outcome::Held {
        text: text.to_owned(),
    })
}

/// Whether the same request will fail the same way until somebody changes something.
const fn is_futile(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Auth
            | ErrorKind::InsufficientFunds
            | ErrorKind::InvalidOrder
            | ErrorKind::UnknownInstrument
            | ErrorKind::Unsupported
            | ErrorKind::Config
            | ErrorKind::Poisoned
    )
}

#[cfg(test)]
mod tests;
