//! What must hold of every schedule, checked against what can be seen from outside: the venue's ledger,
//! what is durable, what was shown, and what the client says at the end.
//!
//! A [`Checker`] watches one schedule from its first step to its end, across all crashes. It is told what
//! happens and answers with the first rule that is broken. The letters are those of [`Violation`].

mod ends;
mod sends;
mod violation;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use investbot::engine::OrderState;
use investbot_plugin_api::{Decimal, UnixNanos};

pub use violation::{Broken, Violation};

use super::venue::Ledger;
use super::venue::ledger::Booked;
use ends::{check_end, is_negative};
use sends::check_send;

/// What a client says about an order that is not at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// It is not there and never will be: refused, given up, or denied before it was sent.
    Never(OrderState),
    /// No attempt up to this one is there; a later one may be.
    AbsentThrough(u32),
}

/// Where an intent is when all is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The client order id, or the intent's own name if it never got one.
    pub order: String,
    /// The client's last word; `None` if it has none.
    pub state: Option<OrderState>,
}

/// Watches one schedule.
#[derive(Clone, Debug)]
pub struct Checker {
    /// Whether the same order may be sent twice under one attempt: to a venue of class A.
    may_resend: bool,
    /// Whether the venue can be asked what became of an order that is over.
    can_ask: bool,
    step: u64,
    orders: Vec<Watched>,
    seen_sends: usize,
    seen_orders: usize,
    /// Whether something was claimed since the ledger was looked at.
    claimed: bool,
    /// The callers' ids that were shown as orders.
    ids: Vec<String>,
    /// The reports that were told, in order.
    told: Vec<Arc<str>>,
    /// Stands for all of them.
    told_hash: u64,
}

/// What was heard of one order.
#[derive(Clone, Debug, Hash)]
struct Watched {
    order: String,
    never: Option<OrderState>,
    absent_through: u32,
    shown_final: Option<OrderState>,
    shown_held: bool,
}

type Checked = Result<(), Broken>;

impl Checker {
    /// A checker of a schedule that has not begun.
    #[must_use]
    pub const fn new(may_resend: bool) -> Self {
        Self {
            may_resend,
            can_ask: true,
            step: 0,
            orders: Vec::new(),
            seen_sends: 0,
            seen_orders: 0,
            claimed: false,
            ids: Vec::new(),
            told: Vec::new(),
            told_hash: 0,
        }
    }

    /// The same of a venue that does not answer about orders that are over.
    #[must_use]
    pub const fn unasked(mut self) -> Self {
        self.can_ask = false;
        self
    }

    /// The client says that an order is not at the venue: durably, or to somebody outside.
    pub fn claim(&mut self, order: &str, claim: Claim) {
        let watched = self.watched(order);
        match claim {
            Claim::Never(state) => watched.never = watched.never.or(Some(state)),
            Claim::AbsentThrough(attempt) => {
                watched.absent_through = watched.absent_through.max(attempt);
            }
        }
        self.claimed = true;
    }

    /// The client shows the state of an order to somebody outside.
    ///
    /// # Errors
    ///
    /// (i) if it showed another one as final before.
    pub fn shown(&mut self, order: &str, state: OrderState) -> Checked {
        let watched = self.watched(order);
        match watched.shown_final {
            Some(was) if was != state => {
                let order = order.to_owned();
                return self.broken(Violation::FinalChanged {
                    order,
                    was,
                    is: state,
                });
            }
            _ => {}
        }
        watched.shown_held |= state == OrderState::Held;
        watched.shown_final = watched.shown_final.or(state.is_final().then_some(state));
        if is_negative(state) {
            self.claim(order, Claim::Never(state));
        }
        Ok(())
    }

    /// The client tells something of a caller's id: of its order, or that there is none.
    ///
    /// # Errors
    ///
    /// (o) if it spoke of an order before.
    pub fn known(&mut self, id: &str, is_order: bool) -> Checked {
        let was_order = self.ids.iter().any(|known| known == id);
        match (was_order, is_order) {
            (true, false) => {
                let id = id.to_owned();
                return self.broken(Violation::Forgotten { id });
            }
            (false, true) => self.ids.push(id.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// The client tells a report to somebody outside: its `sequence`-th, from 1; whether it is new. Told
    /// again, after a crash, it must be the same.
    ///
    /// # Errors
    ///
    /// (i) if another one was told as this, or one before it never was.
    pub fn told(&mut self, sequence: u64, report: &str) -> Result<bool, Broken> {
        let index = usize::try_from(sequence).unwrap_or(0).wrapping_sub(1);
        match self.told.get(index) {
            Some(first) if **first == *report => Ok(false),
            Some(first) => {
                let what = "a report that was told";
                let violation = Violation::differs(what, first, report);
                self.broken(violation).map(|()| false)
            }
            None if index == self.told.len() => {
                self.told.push(report.into());
                let mut hasher = DefaultHasher::new();
                (self.told_hash, report).hash(&mut hasher);
                self.told_hash = hasher.finish();
                Ok(true)
            }
            None => {
                let (told, said) = (self.told.len(), sequence);
                self.broken(Violation::LeftOut { told, said })
                    .map(|()| false)
            }
        }
    }

    /// The state that an order was shown in as final, if it was.
    #[must_use]
    pub fn shown_final(&self, order: &str) -> Option<OrderState> {
        let watched = self.orders.iter().find(|watched| watched.order == order);
        watched?.shown_final
    }

    /// How many reports were told.
    #[must_use]
    pub const fn reports(&self) -> usize {
        self.told.len()
    }

    /// The life of the client came to an end, which it should only if it was killed, something failed in
    /// it, or it was done.
    ///
    /// # Errors
    ///
    /// (m).
    pub fn broke_off(&self, error: &str) -> Checked {
        let error = error.to_owned();
        self.broken(Violation::BrokeOff { error })
    }

    /// The journal has a line for good that is none.
    ///
    /// # Errors
    ///
    /// (n).
    pub fn damaged(&self, line: String) -> Checked {
        self.broken(Violation::Damaged { line })
    }

    /// A step was taken: looks at what is new in the ledger. Cheap where nothing is.
    ///
    /// # Errors
    ///
    /// (a), (c), (d), (e) and (l).
    pub fn look(&mut self, step: u64, ledger: &Ledger) -> Checked {
        self.step = step;
        while self.seen_sends < ledger.sends.len() {
            self.seen_sends += 1;
            let (earlier, sent) = ledger.sends.split_at(self.seen_sends - 1);
            if let Err(violation) = check_send(self.may_resend, earlier, &sent[0]) {
                return self.broken(violation);
            }
        }
        let checked_before = if self.claimed { 0 } else { self.seen_orders };
        for booked in &ledger.orders[checked_before..] {
            if let Err(violation) = self.check_claims(ledger, booked) {
                return self.broken(violation);
            }
        }
        self.claimed = false;
        while self.seen_orders < ledger.orders.len() {
            self.seen_orders += 1;
            let (earlier, booked) = ledger.orders.split_at(self.seen_orders - 1);
            if let Err(violation) = check_alone(earlier, &booked[0]) {
                return self.broken(violation);
            }
        }
        Ok(())
    }

    /// All is over: nothing goes wrong any more, nothing is under way, and the client has nothing to do.
    ///
    /// # Errors
    ///
    /// (b) and (k).
    pub fn end(&mut self, intents: &[Ended], ledger: &Ledger) -> Checked {
        for ended in intents {
            let shown_held = self.watched(&ended.order).shown_held;
            if let Err(violation) = check_end(ended, shown_held, self.can_ask, ledger) {
                return self.broken(violation);
            }
        }
        Ok(())
    }

    /// Nothing is under way: what the client's books moved by, against the venue's executions of its orders.
    ///
    /// # Errors
    ///
    /// (f) if the position in the instrument, in base units, or the cash that was spent differs.
    pub fn books(
        &self,
        instrument: &str,
        bought: Decimal,
        spent: Decimal,
        ledger: &Ledger,
    ) -> Checked {
        for (what, said, is) in [
            ("position", bought, ledger.bought(instrument)),
            ("cash spent", spent, ledger.spent()),
        ] {
            if said != is {
                return self.broken(Violation::Books { what, said, is });
            }
        }
        Ok(())
    }

    /// Two states that must be the same: before and after a replay, before and after a second recovery.
    ///
    /// # Errors
    ///
    /// (g) and (h).
    pub fn same<T: PartialEq + std::fmt::Debug>(
        &self,
        what: &'static str,
        first: &T,
        second: &T,
    ) -> Checked {
        if first == second {
            return Ok(());
        }
        self.broken(Violation::differs(
            what,
            &format!("{first:?}"),
            &format!("{second:?}"),
        ))
    }

    /// The client, which should come to rest within `bound` after the last fault.
    ///
    /// # Errors
    ///
    /// (j) if it did not.
    pub fn rests(
        &self,
        at_rest: bool,
        healed_at: UnixNanos,
        now: UnixNanos,
        bound: std::time::Duration,
    ) -> Checked {
        let took = now.since(healed_at);
        if at_rest && took <= bound {
            return Ok(());
        }
        self.broken(Violation::Restless { took, bound })
    }

    fn check_claims(&self, ledger: &Ledger, booked: &Booked) -> Result<(), Violation> {
        let name = &booked.order.client_order_id;
        let Some(watched) = self.orders.iter().find(|watched| watched.order == *name) else {
            return Ok(());
        };
        let attempt = ledger.sends[booked.sent].durable.map(|d| d.attempt);
        let claim = match (watched.never, attempt) {
            (Some(state), _) => Claim::Never(state),
            (None, Some(attempt)) if attempt <= watched.absent_through => {
                Claim::AbsentThrough(watched.absent_through)
            }
            _ => return Ok(()),
        };
        Err(Violation::FalselyDenied {
            order: name.clone(),
            claim,
            accepted_at: booked.accepted_at,
        })
    }

    fn watched(&mut self, order: &str) -> &mut Watched {
        let known = self.orders.iter().position(|w| w.order == order);
        let at = known.unwrap_or_else(|| {
            self.orders.push(Watched {
                order: order.to_owned(),
                never: None,
                absent_through: 0,
                shown_final: None,
                shown_held: false,
            });
            self.orders.len() - 1
        });
        &mut self.orders[at]
    }

    const fn broken(&self, violation: Violation) -> Checked {
        Err(Broken {
            step: self.step,
            violation,
        })
    }
}

/// What the rules that are yet to be checked depend on; not the step.
impl Hash for Checker {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            may_resend,
            can_ask: _,
            step: _,
            orders,
            seen_sends,
            seen_orders,
            claimed,
            ids,
            told: _,
            told_hash,
        } = self;
        (
            may_resend,
            orders,
            seen_sends,
            seen_orders,
            claimed,
            ids,
            told_hash,
        )
            .hash(state);
    }
}

/// An accepted order must be the only one that ever lived of its client order id.
fn check_alone(earlier: &[Booked], booked: &Booked) -> Result<(), Violation> {
    let name = &booked.order.client_order_id;
    let first = earlier.iter().find(|e| e.order.client_order_id == *name);
    first.map_or(Ok(()), |first| {
        Err(Violation::TwoOrders {
            order: name.clone(),
            first: first.accepted_at,
            second: booked.accepted_at,
        })
    })
}

#[cfg(test)]
mod tests;
