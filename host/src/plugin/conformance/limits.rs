//! Much, long, large, and what all of it costs in memory.

use investbot_plugin_api::{Decimal, Effect, ErrorKind, OrderStatus, Side};

use super::{Subject, Test, Verdict, ensure, failed, skipped};
use crate::plugin::{Answer, Venue as _};

pub(super) const TESTS: &[Test] = &[
    Test::new(
        "limits.digits",
        "28 digits are taken exactly, or refused",
        "Prices and quantities with as many digits as a decimal has.",
        digits,
    ),
    Test::new(
        "limits.overflow",
        "numbers whose product is too large are refused",
        "The largest price times the largest quantity fits into nothing.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.maker()?;
            order.quantity = Decimal::MAX;
            order.limit_price = Some(Decimal::MAX);
            no_panic(&session.place(&order)?)?;
            session.read("health", |venue| venue.health()).map(drop)
        },
    ),
    Test::new(
        "limits.id-too-long",
        "a client order id that is too long does not become a shorter one",
        "It must be refused, or told back whole.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.taker(Side::Buy);
            order.client_order_id = "7".repeat(4096);
            match session.place(&order)? {
                Ok(report) => ensure(report.client_order_id == order.client_order_id, || {
                    "it was cut".to_owned()
                }),
                Err(error) => no_panic::<()>(&Err(error)),
            }
        },
    ),
    Test::new(
        "limits.odd-text",
        "ids and symbols of odd characters do not crash it",
        "Empty, with quotes and newlines, from other scripts, very long.",
        odd_text,
    ),
    Test::new(
        "limits.many-orders",
        "ten thousand orders are all there",
        "Places them one after another, and reads the whole history of fills.",
        many_orders,
    ),
    Test::new(
        "limits.memory-reads",
        "100,000 reads leave no memory behind",
        "Measures the process before and after, once it is warm.",
        |subject| {
            let session = subject.open()?;
            let round = || -> Verdict {
                for _ in 0..50_000 {
                    let _ = session.venue.health();
                    let _ = session.venue.balances();
                }
                Ok(())
            };
            growth(4 << 20, round)
        },
    ),
    Test::new(
        "limits.memory-refusals",
        "100,000 refusals leave no memory behind",
        "Sends an order for nothing, again and again.",
        |subject| {
            let session = subject.open()?;
            let mut order = session.taker(Side::Buy);
            order.quantity = Decimal::ZERO;
            growth(4 << 20, || {
                for _ in 0..100_000 {
                    let _ = session.venue.place(&order);
                }
                Ok(())
            })
        },
    ),
];

fn no_panic<T>(answer: &Answer<T>) -> Verdict {
    match answer {
        Err(error) if error.kind == ErrorKind::Panicked => failed(error.message.clone()),
        _ => Ok(()),
    }
}

fn digits(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    let long = Decimal::from_i128_with_scale(1_234_567_890_123_456_789_012_345_678, 25);
    let mut order = session.maker()?;
    order.quantity = long;
    order.limit_price = Some(long);
    match session.place(&order)? {
        Ok(report) if report.status == OrderStatus::Rejected => Ok(()),
        Ok(report) => ensure(report.quantity == long, || {
            format!("{long} were ordered, and {} taken", report.quantity)
        }),
        Err(error) => {
            no_panic::<()>(&Err(error.clone()))?;
            ensure(error.effect != Effect::Unknown, || {
                format!("it was not taken up, and its effect is {}", error.effect)
            })
        }
    }
}

fn odd_text(subject: &Subject<'_>) -> Verdict {
    let session = subject.open()?;
    for odd in [
        "",
        "\"",
        "\n",
        "a b",
        "💹",
        "\u{202e}",
        "../../etc",
        &"é".repeat(5_000),
    ] {
        let mut order = session.taker(Side::Buy);
        order.client_order_id = odd.to_owned();
        no_panic(&session.venue.place(&order))?;
        let mut order = session.taker(Side::Buy);
        order.instrument = odd.to_owned();
        no_panic(&session.venue.place(&order))?;
        no_panic(&session.venue.order(&session.named(odd)))?;
    }
    session.read("health", |venue| venue.health()).map(drop)
}

fn many_orders(subject: &Subject<'_>) -> Verdict {
    const MANY: usize = 10_000;
    let session = subject.open()?;
    let mut order = session.taker(Side::Buy);
    let mut taken = 0_usize;
    for number in 0..MANY {
        let side = if number % 2 == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        order = session.taker(side);
        match session.venue.place(&order) {
            Ok(_) => taken += 1,
            Err(error) => {
                no_panic::<()>(&Err(error.clone()))?;
                if let Some(wait) = error.retry_after() {
                    session.sleep(wait);
                }
            }
        }
        if number % 100 == 0 {
            session.tick();
        }
    }
    session.tick();
    if taken == 0 {
        return skipped("no order was taken up at the first try");
    }
    let (fills, _) = session.fills_after(None)?;
    let ids: std::collections::BTreeSet<_> = fills.iter().map(|fill| &fill.fill_id).collect();
    ensure(ids.len() == fills.len(), || {
        format!("{} ids for {} fills", ids.len(), fills.len())
    })?;
    session.state(&order.client_order_id).map(drop)
}

/// Runs a round to get warm and another one to measure: it may leave so many bytes behind.
fn growth(allowed: u64, round: impl Fn() -> Verdict) -> Verdict {
    round()?;
    let Some(before) = resident() else {
        return skipped("this system does not tell how much memory a process has");
    };
    round()?;
    let after = resident().unwrap_or(before);
    let grown = after.saturating_sub(before);
    ensure(grown <= allowed, || {
        format!(
            "{} kB more than before; {} kB are allowed",
            grown / 1024,
            allowed / 1024
        )
    })
}

/// The memory of this process, in bytes.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
