//! Several calls at once. The host makes as many as the manifest allows.

use std::collections::BTreeSet;
use std::sync::{Barrier, Mutex, PoisonError};

use investbot_plugin_api::{AdapterError, ErrorKind, NewOrder, OrderReport, Side};

use super::subject::Session;
use super::{Objection, Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::{PluginVenue, Venue as _};

/// As many as the host ever makes at a venue by default.
const AT_ONCE: usize = 64;

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "threads.reads",
        "64 reads at once are all answered",
        "Every read of the contract, from as many threads.",
        |subject| {
            let session = subject.open()?;
            let answers = at_once(&session.venue, &[(); AT_ONCE], |venue, ()| {
                let answers = [
                    venue.health().err(),
                    venue.balances().err(),
                    venue.positions().err(),
                    venue.open_orders().err(),
                    venue.fills_since(None).err(),
                    venue.instruments().err(),
                ];
                answers
                    .into_iter()
                    .flatten()
                    .find(|error| error.kind == ErrorKind::Panicked)
            });
            match answers.into_iter().flatten().next() {
                Some(error) => failed(error.message),
                None => Ok(()),
            }
        },
    ),
    Test::new(
        "threads.places",
        "64 orders at once are 64 orders",
        "Places them from as many threads; each answer has to be about its own order, and each order there once.",
        places,
    ),
    Test::new(
        "threads.same-order",
        "the same order from many threads at once is one order",
        "What a resend races with is the first send.",
        same_order,
    ),
    Test::new(
        "threads.mixed",
        "reads, orders and cancels at once do not disturb one another",
        "Half of the threads trade, the others ask.",
        mixed,
    ),
    Test::new(
        "threads.venue-ids",
        "orders that came together have ids of their own",
        "Counts the venue ids of 64 orders.",
        |subject| {
            let session = subject.open()?;
            let reports = placed(&session)?;
            let ids: BTreeSet<_> = reports
                .iter()
                .map(|report| &report.venue_order_id)
                .collect();
            ensure(ids.len() == reports.len(), || {
                format!("{} ids for {} orders", ids.len(), reports.len())
            })
        },
    ),
];

/// Calls from a thread each, all at the same moment.
fn at_once<I: Sync, O: Send>(
    venue: &PluginVenue,
    inputs: &[I],
    call: impl Fn(&PluginVenue, &I) -> O + Sync,
) -> Vec<O> {
    let barrier = Barrier::new(inputs.len());
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for input in inputs {
            threads.spawn(|| {
                barrier.wait();
                let answer = call(venue, input);
                answers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(answer);
            });
        }
    });
    answers.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn orders(session: &Session<'_>) -> Vec<NewOrder> {
    (0..AT_ONCE).map(|_| session.taker(Side::Buy)).collect()
}

/// The reports of those of 64 orders that were taken up at the first try.
fn placed(session: &Session<'_>) -> Result<Vec<OrderReport>, Objection> {
    let orders = orders(session);
    let answers = at_once(&session.venue, &orders, |venue, order| venue.place(order));
    let mut reports = Vec::new();
    for answer in answers {
        match answer {
            Ok(report) => reports.push(report),
            Err(error) if error.kind == ErrorKind::Panicked => return failed(error.message),
            Err(_) => {}
        }
    }
    if reports.is_empty() {
        return skipped("no order of 64 was taken up at the first try");
    }
    Ok(reports)
}

fn places(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let reports = placed(&session)?;
    for _ in 0..5 {
        session.tick();
    }
    for report in reports {
        let fills = session.fills_of(&report.client_order_id)?;
        let filled = fills.iter().map(|fill| fill.quantity).sum();
        ensure(report.quantity >= filled, || {
            format!("{filled} of {} were filled of one order", report.quantity)
        })?;
    }
    Ok(())
}

fn same_order(subject: &Subject<'_>) -> Verdict {
    if subject.capabilities().class() != investbot_plugin_api::manifest::VenueClass::A {
        return skipped("it does not claim to remember orders");
    }
    let session = subject.open()?;
    let order = session.taker(Side::Buy);
    let answers: Vec<Result<OrderReport, AdapterError>> =
        at_once(&session.venue, &[(); AT_ONCE], |venue, ()| {
            venue.place(&order)
        });
    if let Some(error) = answers
        .into_iter()
        .filter_map(Result::err)
        .find(|e| e.kind == ErrorKind::Panicked)
    {
        return failed(error.message);
    }
    for _ in 0..5 {
        session.tick();
    }
    let fills = session.fills_of(&order.client_order_id)?;
    let filled = fills.iter().map(|fill| fill.quantity).sum();
    ensure(order.quantity >= filled, || {
        format!("{filled} were filled of an order for {}", order.quantity)
    })
}

fn mixed(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let orders = orders(&session);
    let panics = at_once(&session.venue, &orders, |venue, order| {
        let named = name_of(order);
        let answers = [
            venue.place(order).err(),
            venue.order(&named).err(),
            venue
                .cancel(&investbot_plugin_api::CancelOrder::new(named.clone()))
                .err(),
            venue.fills_since(None).err(),
            venue.balances().err(),
        ];
        answers
            .into_iter()
            .flatten()
            .find(|error| error.kind == ErrorKind::Panicked)
    });
    match panics.into_iter().flatten().next() {
        Some(error) => failed(error.message),
        None => session.read("health", |venue| venue.health()).map(drop),
    }
}

fn name_of(order: &NewOrder) -> investbot_plugin_api::OrderRef {
    investbot_plugin_api::OrderRef::new(&order.instrument, &order.client_order_id)
}
