//! The ledger: written before anything is acknowledged, read back as it was.

use std::fs;
use std::path::Path;

use investbot_plugin_api::{Bar, BarBatch, OrderStatus, Side, UnixNanos};

use super::fixture::{MINUTE, Market, SYMBOL, dec, limit, market, settings, stop};
use crate::record::{Entry, Record};
use crate::{ClientIds, LEDGER_FILE, SimVenue};

const FLAT: [&str; 4] = ["100", "100", "100", "100"];

fn ledger(dir: &Path) -> String {
    fs::read_to_string(dir.join(LEDGER_FILE)).unwrap()
}

fn reopen(dir: &Path) -> Market {
    Market::in_dir(settings(), ClientIds::UniqueForever, Some(dir))
}

#[test]
fn a_line_is_what_a_foreign_system_would_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut m = reopen(dir.path());
    m.bar(FLAT);
    m.place(&market("a", Side::Buy, "1"));
    m.bar(FLAT);
    let text = fs::read_to_string(dir.path().join(LEDGER_FILE)).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<_> = lines.iter().map(|l| l["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["deposit", "deposit", "order", "fill"]);
    assert_eq!(lines[0]["currency"], "USD");
    assert_eq!(lines[0]["amount"], "10000");
    let fill = &lines[3];
    assert_eq!(fill["price"], "100");
    assert_eq!(fill["quantity"], "1");
    assert_eq!(fill["time"], 60_000_000_000_i64);
    assert_eq!(fill["client_order_id"], "a");
    assert_eq!(fill["order_id"], lines[2]["order_id"]);
    assert_eq!(
        fill["fill_id"],
        format!("{}.1", lines[2]["order_id"].as_str().unwrap())
    );
}

#[test]
fn a_venue_survives_its_clients() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = reopen(dir.path());
    before.bar(FLAT);
    before.place(&market("a", Side::Buy, "1"));
    before.place(&limit("b", Side::Buy, "1", "95"));
    before.place(&limit("c", Side::Buy, "1", "90"));
    before.bar(FLAT);
    before.cancel("c");

    let mut after = reopen(dir.path());
    assert_eq!(after.venue.balances(), before.venue.balances());
    assert_eq!(after.venue.positions(), before.venue.positions());
    assert_eq!(after.venue.open_orders(), before.venue.open_orders());
    assert_eq!(
        after.venue.fills_since(None).unwrap(),
        before.venue.fills_since(None).unwrap()
    );
    for id in ["a", "b", "c"] {
        assert_eq!(after.order(id), before.order(id));
    }
    after.minute = 2;
    assert_eq!(
        after.place(&market("a", Side::Buy, "1")).status,
        OrderStatus::Filled
    );
    after.bar(["95", "95", "95", "95"]);
    assert_eq!(after.order("b").status, OrderStatus::Filled);
}

#[test]
fn a_bar_that_is_shown_again_after_a_restart_fills_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.volume_share = dec("0.01");
    let open = |settings| Market::in_dir(settings, ClientIds::UniqueForever, Some(dir.path()));
    let mut before = open(settings.clone());
    before.bar(FLAT);
    before.place(&market("a", Side::Buy, "3"));
    before.bar(FLAT);
    assert_eq!(before.order("a").filled_quantity, dec("1"));
    drop(before);
    let mut after = open(settings);
    after.minute = 1;
    after.bar(FLAT);
    assert_eq!(after.order("a").filled_quantity, dec("1"));
    after.bar(FLAT);
    assert_eq!(after.order("a").filled_quantity, dec("2"));
}

#[test]
fn an_order_that_is_sent_again_after_a_restart_gets_the_first_answer() {
    let dir = tempfile::tempdir().unwrap();
    let orders = [
        market("a", Side::Buy, "1"),
        limit("b", Side::Buy, "1", "95"),
        stop("c", Side::Buy, "1", "105"),
    ];
    let mut before = reopen(dir.path());
    before.bar(FLAT);
    let first = orders.clone().map(|order| before.place(&order));
    let written = ledger(dir.path());
    let mut after = Market::restarted(settings(), dir.path(), 1, before.bars);
    for (mut order, first) in orders.into_iter().zip(first) {
        // The deadline is the request's, and the second request comes later.
        order.deadline = Some(UnixNanos(i64::MAX));
        after.minute += 1;
        assert_eq!(after.place(&order), first);
    }
    assert_eq!(ledger(dir.path()), written);
}

#[test]
fn what_a_bar_does_is_one_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut m = reopen(dir.path());
    for id in ["a", "b", "c"] {
        m.place(&market(id, Side::Buy, "1"));
    }
    m.bar(FLAT);
    let more: Vec<_> = ledger(dir.path())
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["type"] == "fill")
        .map(|line| line.get("more").cloned())
        .collect();
    assert_eq!(more, [Some(true.into()), Some(true.into()), None]);
}

#[test]
fn bars_of_two_instruments_that_close_together_both_count() {
    let dir = tempfile::tempdir().unwrap();
    let symbols = [SYMBOL.to_owned(), "ETH/USD".to_owned()];
    let open = || {
        let ids = ClientIds::UniqueForever;
        SimVenue::open(settings(), ids, &symbols, Some(dir.path()), UnixNanos(0)).unwrap()
    };
    let mut venue = open();
    for (id, symbol) in ["a", "b"].iter().zip(&symbols) {
        let mut order = market(id, Side::Buy, "1");
        order.instrument.clone_from(symbol);
        venue.place(&order, UnixNanos(0)).unwrap();
    }
    let show = |venue: &mut SimVenue, symbol: &String| {
        let mut batch = BarBatch {
            instrument: symbol.clone(),
            bars: Vec::new(),
        };
        let mut market = Market::new(settings());
        market.bar(FLAT);
        batch.bars = market.bars;
        let mut events = Vec::new();
        venue.on_bars(&batch, &mut events).unwrap();
        events.len()
    };
    assert_eq!(show(&mut venue, &symbols[0]), 2, "a fill and its order");
    let mut venue = open();
    assert_eq!(show(&mut venue, &symbols[0]), 0, "it was shown before");
    assert_eq!(show(&mut venue, &symbols[1]), 2, "it was not");
}

#[test]
fn a_triggered_stop_stays_triggered() {
    let dir = tempfile::tempdir().unwrap();
    let mut m = reopen(dir.path());
    m.bar(FLAT);
    m.place(&stop("a", Side::Buy, "1", "105"));
    // No volume: nothing is filled, unless there is no limit.
    let mut settings = settings();
    settings.volume_share = dec("0.1");
    let open = || Market::in_dir(settings.clone(), ClientIds::UniqueForever, Some(dir.path()));
    let mut m = open();
    m.minute = 1;
    let (low, high) = (dec("100"), dec("105"));
    m.show(low, high, low, low, dec("0"));
    assert_eq!(m.order("a").status, OrderStatus::Open);
    let mut m = open();
    m.minute = 2;
    m.bar(FLAT);
    assert_eq!(m.price(), "100");
}

#[test]
fn a_torn_last_line_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(LEDGER_FILE);
    let mut m = reopen(dir.path());
    m.bar(FLAT);
    m.place(&limit("a", Side::Buy, "1", "95"));
    let whole = fs::read(&path).unwrap();
    m.place(&limit("b", Side::Buy, "1", "95"));
    let more = fs::read(&path).unwrap();
    for cut in whole.len()..more.len() {
        fs::write(&path, &more[..cut]).unwrap();
        let mut m = reopen(dir.path());
        assert_eq!(m.venue.open_orders().len(), 1, "cut at {cut}");
        assert_eq!(fs::read(&path).unwrap(), whole);
        m.minute = 1;
        m.place(&limit("b", Side::Buy, "1", "95"));
        assert_eq!(reopen(dir.path()).venue.open_orders().len(), 2);
    }
}

#[test]
fn damage_elsewhere_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(LEDGER_FILE);
    reopen(dir.path());
    let good = fs::read_to_string(&path).unwrap();
    let fill = serde_json::json!({
        "time": 1, "market_time": null, "type": "trigger", "order_id": "x", "client_order_id": "x",
    });
    for (text, says) in [
        (format!("not json\n{good}"), ":1:"),
        (format!("{good}{{}}\n"), ":3:"),
        (
            format!("{good}{fill}\n"),
            "order `x` is not known or not open",
        ),
    ] {
        fs::write(&path, &text).unwrap();
        let symbols = [SYMBOL.to_owned()];
        let ids = ClientIds::UniqueForever;
        let error = SimVenue::open(settings(), ids, &symbols, Some(dir.path()), UnixNanos(0))
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
        assert!(error.contains(LEDGER_FILE), "{error}");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            text,
            "refused files are left alone"
        );
    }
}

#[test]
fn an_instrument_that_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut m = reopen(dir.path());
    m.place(&limit("a", Side::Buy, "1", "95"));
    let symbols = ["ETH/USD".to_owned()];
    let ids = ClientIds::UniqueForever;
    let error = SimVenue::open(settings(), ids, &symbols, Some(dir.path()), UnixNanos(0));
    assert!(error.unwrap_err().to_string().contains("`BTC/USD`"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_refused_and_not_booked() {
    use crate::ledger::{Ledger, LedgerFile};
    let record = |currency: &str| Record {
        time: UnixNanos(1),
        market_time: None,
        more: false,
        entry: Entry::Deposit {
            currency: currency.to_owned(),
            amount: dec("1"),
        },
    };
    let mut ledger = Ledger::File(LedgerFile::on("/dev/full").unwrap());
    let error = ledger.append(&mut [record("A")]).unwrap_err().to_string();
    assert!(
        error.contains("/dev/full") && error.contains("not made"),
        "{error}"
    );

    let mut m = Market::new(settings());
    m.bar(FLAT);
    m.venue.write_to(ledger);
    assert_eq!(m.refused(&market("a", Side::Buy, "1")), "LEDGER");
    assert!(m.venue.open_orders().is_empty());
}

/// Half of what a bar does is never in the books, and none of it is told before it is written.
#[cfg(target_os = "linux")]
#[test]
fn a_bar_that_cannot_be_written_did_nothing() {
    use crate::ledger::{Ledger, LedgerFile};
    let mut m = Market::new(settings());
    m.bar(FLAT);
    m.place(&market("a", Side::Buy, "1"));
    m.place(&limit("b", Side::Buy, "1", "95"));
    m.place(&stop("c", Side::Buy, "1", "105"));
    let state = |m: &Market| {
        let orders = ["a", "b", "c"].map(|id| m.order(id));
        let fills = m.venue.fills_since(None).unwrap();
        (orders, fills, m.venue.balances(), m.venue.positions())
    };
    let before = state(&m);
    let full = Ledger::File(LedgerFile::on("/dev/full").unwrap());
    m.venue.write_to(full);
    let batch = BarBatch {
        instrument: SYMBOL.to_owned(),
        bars: vec![Bar {
            open_time: m.now(),
            close_time: UnixNanos(m.now().0 + MINUTE),
            open: dec("100"),
            high: dec("106"),
            low: dec("94"),
            close: dec("100"),
            volume: dec("100"),
        }],
    };
    let error = m.venue.on_bars(&batch, &mut m.events).unwrap_err();
    assert_eq!(error.code(), "LEDGER");
    assert_eq!(m.events, []);
    assert_eq!(state(&m), before);
    m.venue.write_to(Ledger::Nowhere);
    m.batch(batch.bars);
    assert_eq!(m.events.len(), 6, "the same bar does all of it now");
}
