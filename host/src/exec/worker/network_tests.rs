//! The worker against a venue that does everything a bad network can do, for every class of venue.
//!
//! The venue keeps its own book. Whatever happens, at most one order of a key may live there, and what
//! the worker says must be true of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use investbot_plugin_api::manifest::VenueClass;
use investbot_plugin_api::{
    AdapterError, Decimal, ErrorKind, NewOrder, OpenOrders, OrderRef, OrderReport, OrderStatus,
    UnixNanos,
};
use proptest::prelude::*;

use super::driver::Driver;
use crate::clock::{Clock as _, RunClock};
use crate::engine::Outcome;
use crate::exec::testing::{Behaviour, TestVenue, manifest};
use crate::plugin::Answer;

const SKEW: Duration = Duration::from_millis(250);
const QUERY_LAG: Duration = Duration::from_millis(2_000);
const TIME_TO_LIVE: Duration = Duration::from_millis(5_000);

/// What happens to one request to place an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Booked, and told so.
    Accepted,
    /// Filled at once, and told so: closed orders are not open.
    Filled,
    /// Refused, and told so.
    Refused,
    /// No byte left.
    NotSent,
    /// Lost on the way there.
    LostThere,
    /// Booked, but the answer is lost.
    LostBack,
    /// Booked this many milliseconds later, and the answer is lost.
    Late(u32),
    /// Filled at once, but the answer is lost.
    FilledLostBack,
    /// Booked, but the answer is about another order.
    WrongAnswer,
    /// Booked, and the answer says that the venue broke down.
    ServerError,
}

/// What happens to one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QueryFate {
    Answered,
    Failed,
    Incomplete,
}

struct Booked {
    at: UnixNanos,
    open: bool,
    order: NewOrder,
}

/// A venue of some class behind a network that follows a script, and is kind after its end.
struct ScriptedVenue {
    class: VenueClass,
    clock: Arc<RunClock>,
    fates: Mutex<VecDeque<Fate>>,
    queries: Mutex<VecDeque<QueryFate>>,
    book: Mutex<Vec<Booked>>,
    sends: Mutex<u32>,
}

impl ScriptedVenue {
    fn new(
        class: VenueClass,
        clock: Arc<RunClock>,
        fates: Vec<Fate>,
        queries: Vec<QueryFate>,
    ) -> Self {
        Self {
            class,
            clock,
            fates: Mutex::new(fates.into()),
            queries: Mutex::new(queries.into()),
            book: Mutex::default(),
            sends: Mutex::default(),
        }
    }

    /// How many orders of the client order id the venue ever took.
    fn booked(&self, client_order_id: &str) -> usize {
        let book = self.book.lock().expect("one thread");
        book.iter()
            .filter(|b| b.order.client_order_id == client_order_id)
            .count()
    }

    fn take(&self, order: &NewOrder, delay: Duration, open: bool) -> Option<OrderReport> {
        let at = self.clock.now().after(delay);
        // The deadline is enforced by the venue's clock, which is off by as much as it may be.
        if let Some(deadline) = order.deadline
            && at > deadline.after(SKEW)
        {
            return None;
        }
        let mut book = self.book.lock().expect("one thread");
        let known = book
            .iter()
            .any(|b| b.order.client_order_id == order.client_order_id);
        if !(self.class == VenueClass::A && known) {
            book.push(Booked {
                at,
                open,
                order: order.clone(),
            });
        }
        Some(report(
            order,
            if open {
                OrderStatus::Open
            } else {
                OrderStatus::Filled
            },
        ))
    }

    /// Only a query by client order id is declared to lag.
    fn lag(&self) -> Duration {
        if self.class == VenueClass::D {
            Duration::ZERO
        } else {
            QUERY_LAG
        }
    }

    fn look_up(&self, client_order_id: &str) -> Option<OrderReport> {
        let (seen, lag) = (self.clock.now(), self.lag());
        let book = self.book.lock().expect("one thread");
        book.iter()
            .filter(|b| b.order.client_order_id == client_order_id && b.at.after(lag) <= seen)
            .map(|b| {
                report(
                    &b.order,
                    if b.open {
                        OrderStatus::Open
                    } else {
                        OrderStatus::Filled
                    },
                )
            })
            .next_back()
    }

    fn next_query(&self) -> Answer<QueryFate> {
        let fate = self.queries.lock().expect("one thread").pop_front();
        match fate.unwrap_or(QueryFate::Answered) {
            QueryFate::Failed => Err(AdapterError::not_sent(ErrorKind::Network, "no answer")),
            fate => Ok(fate),
        }
    }
}

fn report(order: &NewOrder, status: OrderStatus) -> OrderReport {
    let (id, time) = (&order.client_order_id, UnixNanos(1));
    OrderReport::new(
        id,
        format!("v-{id}"),
        &order.instrument,
        order.side,
        status,
        order.quantity,
        time,
    )
}

fn lost() -> AdapterError {
    AdapterError::unknown(ErrorKind::Timeout, "no answer in time")
}

impl Behaviour for ScriptedVenue {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        *self.sends.lock().expect("one thread") += 1;
        let refused = || AdapterError::rejected(ErrorKind::DeadlinePassed, "too late");
        let fate = self.fates.lock().expect("one thread").pop_front();
        let none = Duration::ZERO;
        match fate.unwrap_or(Fate::Accepted) {
            Fate::Accepted => self.take(order, none, true).ok_or_else(refused),
            Fate::Filled => self.take(order, none, false).ok_or_else(refused),
            Fate::Refused
                if self.class == VenueClass::A && self.booked(&order.client_order_id) > 0 =>
            {
                // It knows the order: a refusal would be about something else.
                Ok(report(order, OrderStatus::Open))
            }
            Fate::Refused => Err(AdapterError::rejected(ErrorKind::InvalidOrder, "no")),
            Fate::NotSent => Err(AdapterError::not_sent(ErrorKind::Network, "refused")),
            Fate::LostThere => Err(lost()),
            Fate::LostBack => self
                .take(order, none, true)
                .map_or(Err(lost()), |_| Err(lost())),
            Fate::FilledLostBack => self
                .take(order, none, false)
                .map_or(Err(lost()), |_| Err(lost())),
            Fate::Late(ms) => {
                let _ = self.take(order, Duration::from_millis(u64::from(ms)), true);
                Err(lost())
            }
            Fate::ServerError => {
                let _ = self.take(order, none, true);
                Err(AdapterError::unknown(ErrorKind::Internal, "500"))
            }
            Fate::WrongAnswer => {
                let _ = self.take(order, none, true);
                let mut other = report(order, OrderStatus::Filled);
                other.quantity += Decimal::ONE;
                Ok(other)
            }
        }
    }

    fn order(&self, order: &OrderRef) -> Answer<Option<OrderReport>> {
        match self.next_query()? {
            QueryFate::Incomplete => {
                Err(AdapterError::not_sent(ErrorKind::Protocol, "half a page"))
            }
            _ => Ok(self.look_up(&order.client_order_id)),
        }
    }

    fn open_orders(&self) -> Answer<OpenOrders> {
        let fate = self.next_query()?;
        let (seen, lag) = (self.clock.now(), self.lag());
        let book = self.book.lock().expect("one thread");
        let orders = book
            .iter()
            .filter(|b| b.open && b.at.after(lag) <= seen)
            .map(|b| report(&b.order, OrderStatus::Open))
            .collect();
        let mut answer = OpenOrders::complete(orders);
        if fate == QueryFate::Incomplete {
            answer.orders.clear();
            answer.complete = false;
        }
        Ok(answer)
    }
}

/// One order to a venue of the class through the network that the script describes.
fn deliver(
    class: VenueClass,
    fates: Vec<Fate>,
    queries: Vec<QueryFate>,
) -> (Arc<TestVenue<ScriptedVenue>>, Outcome) {
    let clock = Arc::new(RunClock::simulated());
    let venue = Arc::new(TestVenue(ScriptedVenue::new(
        class,
        clock.clone(),
        fates,
        queries,
    )));
    let time_to_live = (class == VenueClass::B).then_some(TIME_TO_LIVE);
    let mut driver = Driver::new(venue.clone(), clock, &manifest(class), time_to_live);
    driver.submit("c");
    let outcome = driver.run().pop().expect("an order comes to its end").1;
    (venue, outcome)
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Accepted),
        Just(Fate::Filled),
        Just(Fate::Refused),
        Just(Fate::NotSent),
        Just(Fate::LostThere),
        Just(Fate::LostBack),
        Just(Fate::FilledLostBack),
        Just(Fate::WrongAnswer),
        Just(Fate::ServerError),
        // Around the deadline plus skew, to the millisecond.
        prop_oneof![0u32..8_000, 5_249u32..=5_251].prop_map(Fate::Late),
    ]
}

fn query_fate() -> impl Strategy<Value = QueryFate> {
    prop_oneof![
        4 => Just(QueryFate::Answered),
        1 => Just(QueryFate::Failed),
        1 => Just(QueryFate::Incomplete)
    ]
}

fn class() -> impl Strategy<Value = VenueClass> {
    prop::sample::select(VenueClass::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_twice_and_never_a_lie(
        class in class(),
        fates in prop::collection::vec(fate(), 0..6),
        queries in prop::collection::vec(query_fate(), 0..14),
    ) {
        let (venue, outcome) = deliver(class, fates, queries);
        let booked = venue.0.booked("c");
        prop_assert!(booked <= 1, "{booked} orders live for one key");
        match outcome {
            Outcome::Accepted(_) => prop_assert_eq!(booked, 1),
            Outcome::Rejected { .. } | Outcome::Abandoned { .. } => prop_assert_eq!(booked, 0),
            // Nobody knows, and nobody says otherwise.
            Outcome::Held { .. } | Outcome::Unknown { .. } => {}
            Outcome::Absent => prop_assert!(false, "absent is a step and no end"),
        }
    }
}

#[test]
fn a_lost_acknowledgement_is_found_by_every_venue_that_can_be_asked() {
    for (class, fate, found) in [
        (VenueClass::A, Fate::LostBack, true),
        (VenueClass::A, Fate::FilledLostBack, true),
        (VenueClass::B, Fate::LostBack, true),
        (VenueClass::B, Fate::FilledLostBack, true),
        (VenueClass::C, Fate::FilledLostBack, true),
        (VenueClass::D, Fate::LostBack, true),
        (VenueClass::D, Fate::FilledLostBack, false),
        (VenueClass::E, Fate::LostBack, false),
    ] {
        let (_, outcome) = deliver(class, vec![fate], Vec::new());
        match outcome {
            Outcome::Accepted(_) => assert!(found, "{class} {fate:?}"),
            Outcome::Held { .. } => assert!(!found, "{class} {fate:?}"),
            other => panic!("{class} {fate:?}: {other:?}"),
        }
    }
}

#[test]
fn a_lost_order_is_sent_again_only_where_its_absence_can_be_proven() {
    for (class, again) in [
        (VenueClass::A, true),
        (VenueClass::B, true),
        (VenueClass::C, false),
        (VenueClass::D, false),
        (VenueClass::E, false),
    ] {
        let (venue, outcome) = deliver(class, vec![Fate::LostThere], Vec::new());
        let sends = *venue.0.sends.lock().expect("one thread");
        match outcome {
            Outcome::Accepted(_) => assert!(again && sends == 2, "{class} {sends}"),
            Outcome::Held { .. } => assert!(!again && sends == 1, "{class} {sends}"),
            other => panic!("{class}: {other:?}"),
        }
    }
}

#[test]
fn what_was_never_sent_is_tried_again_and_then_given_up_without_doubt() {
    for class in VenueClass::ALL {
        let (venue, outcome) = deliver(*class, vec![Fate::NotSent; 10], Vec::new());
        assert!(
            matches!(outcome, Outcome::Abandoned { .. }),
            "{class}: {outcome:?}"
        );
        assert_eq!(*venue.0.sends.lock().expect("one thread"), 4, "{class}");
    }
}

#[test]
fn an_answer_about_another_order_proves_nothing() {
    let (venue, outcome) = deliver(VenueClass::E, vec![Fate::WrongAnswer], Vec::new());
    assert!(matches!(outcome, Outcome::Held { .. }), "{outcome:?}");
    assert_eq!(venue.0.booked("c"), 1);
}
