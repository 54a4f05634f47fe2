//! What a journal must not do, tried on a disk that loses and fails what it can.

mod crash;
mod damage;
mod format;
mod full;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use investbot_plugin_api::{
    Decimal, Fill, Instrument, Liquidity, NewOrder, OrderReport, OrderStatus, OrderType, Side,
    UnixNanos,
};

use super::*;
use crate::engine::identity::SpecDigest;
use crate::engine::{self, Decision, Intent, OrderSpec, Seen, SourcePlace};
use crate::fs::SimFs;
use crate::store::{Account, CancelFailed, Claim, Epoch, Outcome, Record, Resolved, TakenIn};

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
        place: Some(SourcePlace {
            position: number.into(),
            index: 0,
        }),
        attempt: 1,
        order,
    }
}

fn attempt(number: u32) -> Record<'static> {
    Record::Attempt(Cow::Owned(claim(number)))
}

fn known(number: u32, outcome: engine::Outcome) -> Record<'static> {
    Record::Outcome(Outcome::of(&claim(number), &outcome).into_owned())
}

fn outcome(number: u32) -> Record<'static> {
    known(number, engine::Outcome::Absent)
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

fn spec() -> OrderSpec {
    let mut spec = OrderSpec::market("BTC/USD", Side::Sell, Decimal::new(100, 2));
    spec.order_type = OrderType::StopLimit;
    spec.limit_price = Some(Decimal::new(-1, 0));
    spec.stop_price = Some(Decimal::new(7, 28));
    spec.expire_time = Some(UnixNanos(i64::MIN));
    spec.post_only = true;
    spec
}

/// A record of every kind, and of every kind of outcome.
fn every_kind() -> Vec<Record<'static>> {
    let report = report();
    let text = || "no \"money\"".to_owned();
    let seen = Seen {
        digest: SpecDigest::new(&spec()),
        client_order_id: Some("c".into()),
    };
    let denied = Seen {
        client_order_id: None,
        ..seen.clone()
    };
    let order = Intent::Order {
        id: Some("a \u{7f} b".into()),
        spec: spec(),
    };
    let mut rules = Instrument::new("BTC/USD", Decimal::new(1, 2), Decimal::new(1, 8));
    rules.max_quantity = Some(Decimal::MAX);
    let taken_in = |intent, seen: Option<&Seen>, taken: Option<&Seen>| {
        Record::Intent(TakenIn {
            position: u64::MAX,
            intent: Cow::Owned(intent),
            seen: seen.cloned().map(Cow::Owned),
            taken: taken.cloned().map(Cow::Owned),
        })
    };
    let mut callers = claim(2);
    callers.place = None;
    vec![
        Record::Epoch(Epoch {
            number: 1,
            run_id: "r".into(),
            plugin_sha256: "ab".into(),
            started_at: NOW,
        }),
        Record::Account(Account {
            cash: Decimal::new(100_000, 2),
            position: Decimal::new(-5, 1),
        }),
        Record::Instruments(Cow::Owned(vec![rules.clone(), rules])),
        Record::Instruments(Cow::Owned(Vec::new())),
        taken_in(order.clone(), None, Some(&seen)),
        taken_in(order, Some(&denied), None),
        taken_in(Intent::Cancel { id: text() }, Some(&seen), None),
        attempt(1),
        Record::Attempt(Cow::Owned(callers)),
        Record::Fill(Cow::Owned(report.fills[0].clone())),
        known(1, engine::Outcome::Accepted(report.clone())),
        known(
            1,
            engine::Outcome::Rejected {
                code: "-2010".into(),
                text: text(),
            },
        ),
        known(1, engine::Outcome::Absent),
        known(1, engine::Outcome::Abandoned { text: text() }),
        known(1, engine::Outcome::Unknown { text: text() }),
        known(1, engine::Outcome::Held { text: text() }),
        Record::Resolved(Resolved {
            key: "k".into(),
            client_order_id: "c".into(),
            decision: Decision::Absent,
            reason: "the venue's \\ support said so".into(),
        }),
        Record::Order(Cow::Owned(report)),
        Record::CancelFailed(CancelFailed {
            client_order_id: "c".into(),
            code: "-2011".into(),
            text: text().into(),
        }),
        Record::Halt("the operator's wish".into()),
        Record::Cursor("eyJ0IjoxfQ==\n".into()),
        Record::Offset(u64::MAX),
        Record::Closed,
    ]
}

/// Stages records and commits them.
fn append(journal: &mut Journal, records: &[Record<'_>]) -> Result<Position, JournalError> {
    for record in records {
        journal.stage(NOW, record)?;
    }
    match journal.commit()? {
        Committed::All => Ok(journal.mark().position),
        Committed::WithoutAttempts(failure) => Err(JournalError::Full(failure)),
    }
}

type Opened = (Journal, Opening, Vec<Record<'static>>);

fn open_from(fs: &SimFs, sizes: Sizes, from: Option<Mark>) -> Result<Opened, JournalError> {
    let mut records = Vec::new();
    let fs: Arc<dyn crate::fs::Fs> = Arc::new(fs.clone());
    let reading = Reading {
        from,
        expected: None,
    };
    let (journal, opening) = Journal::open(fs, dir(), sizes, reading, &mut |_, _, record| {
        records.push(record.into_owned());
        Ok(())
    })?;
    Ok((journal, opening, records))
}

fn open_with(fs: &SimFs, sizes: Sizes) -> Result<Opened, JournalError> {
    open_from(fs, sizes, None)
}

/// Opens a journal whose files hold about two records each.
fn open(fs: &SimFs) -> Result<Opened, JournalError> {
    open_with(fs, small())
}

fn small() -> Sizes {
    Sizes {
        segment: 900,
        ..Sizes::default()
    }
}

type Contained = (Contents, Vec<Record<'static>>);

fn look(fs: &SimFs, expected: Option<Position>) -> Result<Contained, JournalError> {
    look_from(fs, None, expected)
}

fn look_from(
    fs: &SimFs,
    from: Option<Mark>,
    expected: Option<Position>,
) -> Result<Contained, JournalError> {
    let mut records = Vec::new();
    let reading = Reading { from, expected };
    let contents = read(fs, dir(), reading, &mut |_, _, record| {
        records.push(record.into_owned());
        Ok(())
    })?;
    Ok((contents, records))
}
