//! What a journal must not do, tried on a disk that loses and fails what it can.

mod crash;
mod damage;
mod format;
mod full;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use investbot_plugin_api::{
    Decimal, Fill, Liquidity, NewOrder, OrderReport, OrderStatus, OrderType, Side, UnixNanos,
};

use super::*;
use crate::fs::SimFs;
use crate::store::{Claim, Resolution, Settled, Settlement};

const NOW: UnixNanos = UnixNanos(1_700_000_000_123_456_789);

fn dir() -> &'static Path {
    Path::new("/run")
}

fn claim(number: u32) -> Claim {
    let id = format!("{number:032x}");
    let mut order = NewOrder::new(&id, "BTC/USD", Side::Buy, Decimal::new(15, 1));
    order.order_type = OrderType::Limit;
    order.limit_price = Some(Decimal::new(4_312_345, 2));
    order.deadline = Some(NOW);
    Claim {
        key: id,
        digest: "d".into(),
        attempt: 1,
        order,
    }
}

fn attempt(number: u32) -> Record<'static> {
    Record::Attempt(Cow::Owned(claim(number)))
}

fn outcome(number: u32) -> Record<'static> {
    Record::Outcome(Outcome {
        settlement: Cow::Owned(Settlement {
            key: format!("{number:032x}"),
            attempt: 1,
            settled: Settled::Accepted,
        }),
        code: None,
        text: None,
        report: None,
    })
}

fn report() -> OrderReport {
    let mut report = OrderReport::new(
        "c",
        "v\"\\\n",
        "BTC/USD",
        Side::Sell,
        OrderStatus::Unrecognized,
        Decimal::new(-5, 3),
        NOW,
    );
    report.reason = Some("naïve \u{0} reason".into());
    let mut fill = Fill::of(
        &report,
        "f",
        Decimal::MAX,
        Decimal::new(1, 28),
        UnixNanos(-1),
    );
    fill.fee = Decimal::new(-25, 4);
    fill.fee_currency = "USD".into();
    fill.liquidity = Liquidity::Maker;
    report.fills = vec![fill];
    report.filled_quantity = Decimal::new(1, 28);
    report
}

/// A record of every kind.
fn every_kind() -> Vec<Record<'static>> {
    let report = report();
    vec![
        Record::Epoch(Epoch {
            number: 1,
            run_id: "r".into(),
            plugin_sha256: "ab".into(),
            started_at: NOW,
        }),
        attempt(1),
        Record::Fill(Cow::Owned(report.fills[0].clone())),
        Record::Outcome(Outcome {
            settlement: Cow::Owned(Settlement {
                key: "k".into(),
                attempt: 2,
                settled: Settled::Rejected,
            }),
            code: Some("-2010".into()),
            text: Some("no \"money\"".into()),
            report: Some(Cow::Owned(report)),
        }),
        Record::Held(Held {
            key: "k".into(),
            attempt: 1,
            reason: Some("nobody\tknows".into()),
        }),
        Record::Resolved(Resolved {
            key: "k".into(),
            resolution: Resolution::Absent,
            reason: "the venue's \\ support said so".into(),
        }),
        Record::Offset(u64::MAX),
    ]
}

/// What is read out of a journal that outlives its line.
fn owned(record: Record<'_>) -> Record<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    match record {
        Record::Epoch(epoch) => Record::Epoch(epoch),
        Record::Attempt(claim) => Record::Attempt(Cow::Owned(claim.into_owned())),
        Record::Outcome(outcome) => Record::Outcome(Outcome {
            settlement: Cow::Owned(outcome.settlement.into_owned()),
            code: outcome.code.map(own),
            text: outcome.text.map(own),
            report: outcome.report.map(|report| Cow::Owned(report.into_owned())),
        }),
        Record::Fill(fill) => Record::Fill(Cow::Owned(fill.into_owned())),
        Record::Held(held) => Record::Held(Held {
            key: own(held.key),
            attempt: held.attempt,
            reason: held.reason.map(own),
        }),
        Record::Resolved(resolved) => Record::Resolved(Resolved {
            key: own(resolved.key),
            resolution: resolved.resolution,
            reason: own(resolved.reason),
        }),
        Record::Offset(position) => Record::Offset(position),
    }
}

type Opened = (Journal, Opening, Vec<Record<'static>>);

fn open_with(fs: &SimFs, options: Options) -> Result<Opened, JournalError> {
    let mut records = Vec::new();
    let fs: Arc<dyn crate::fs::Fs> = Arc::new(fs.clone());
    let (journal, opening) = Journal::open(fs, dir(), options, &mut |_, _, record| {
        records.push(owned(record));
        Ok(())
    })?;
    Ok((journal, opening, records))
}

/// Opens a journal whose files hold about two records each.
fn open(fs: &SimFs) -> Result<Opened, JournalError> {
    open_with(fs, small())
}

fn small() -> Options {
    Options {
        segment_bytes: 700,
        expected: None,
    }
}

type Contained = (Contents, Vec<Record<'static>>);

fn look(fs: &SimFs, expected: Option<Position>) -> Result<Contained, JournalError> {
    let mut records = Vec::new();
    let contents = read(fs, dir(), expected, &mut |_, _, record| {
        records.push(owned(record));
        Ok(())
    })?;
    Ok((contents, records))
}
