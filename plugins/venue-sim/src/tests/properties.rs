//! Whatever is ordered and whatever the market does.

use std::collections::BTreeMap;

use investbot_plugin_api::{
    Decimal, Fill, NewOrder, OrderRef, OrderStatus, OrderType, Side, TimeInForce, UnixNanos,
    VenueEvent,
};
use proptest::prelude::*;

use super::fixture::{MINUTE, Market, SYMBOL, dec, settings};
use crate::{ClientIds, Settings};

#[derive(Clone, Debug)]
enum Step {
    Place(NewOrder),
    Cancel(usize),
    /// Moves of open, high, low and close in ticks, and the volume.
    Bar([i64; 4], u32),
}

fn ticks(n: i64) -> Decimal {
    Decimal::new(n, 2)
}

fn orders() -> impl Strategy<Value = NewOrder> {
    let kind = prop_oneof![
        Just(OrderType::Market),
        Just(OrderType::Limit),
        Just(OrderType::Stop),
        Just(OrderType::StopLimit),
    ];
    let time_in_force = proptest::sample::select(TimeInForce::ALL);
    let prices = (9_000i64..11_000, 9_000i64..11_000);
    let flags = (any::<bool>(), any::<bool>(), 0u8..8, 0u8..8);
    (0usize..30, kind, time_in_force, 1i64..60_000, prices, flags).prop_map(
        |(id, kind, time_in_force, lots, (limit, stop), (buy, close, post_only, reduce_only))| {
            let side = if buy { Side::Buy } else { Side::Sell };
            let mut order = NewOrder::new(format!("id{id}"), SYMBOL, side, Decimal::new(lots, 3));
            order.order_type = kind;
            order.limit_price = kind.has_limit_price().then(|| ticks(limit));
            order.stop_price = kind.has_stop_price().then(|| ticks(stop));
            order.time_in_force = time_in_force;
            if time_in_force == TimeInForce::Gtd {
                let minutes = if close { 3 } else { 20 };
                order.expire_time = Some(UnixNanos(minutes * MINUTE + 7));
            }
            order.post_only = post_only == 0;
            order.reduce_only = reduce_only == 0;
            order
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let moves = proptest::array::uniform4(-300i64..300);
    let step = prop_oneof![
        4 => orders().prop_map(Step::Place),
        1 => (0usize..30).prop_map(Step::Cancel),
        4 => (moves, 0u32..200).prop_map(|(moves, volume)| Step::Bar(moves, volume)),
    ];
    proptest::collection::vec(step, 1..60)
}

fn markets() -> impl Strategy<Value = Settings> {
    (
        any::<bool>(),
        0i64..30,
        -5i64..30,
        0i64..30,
        0i64..=10,
        0i64..50,
    )
        .prop_map(|(allow_short, slippage, maker, taker, share, base)| {
            let mut settings = settings();
            settings.allow_short = allow_short;
            settings.slippage_bps = slippage.into();
            settings.maker_fee_bps = maker.into();
            settings.taker_fee_bps = taker.into();
            settings.volume_share = Decimal::new(share, 1);
            settings.starting_base = base.into();
            settings
        })
}

/// Runs the steps; what the market did in each minute comes back as (high, low, volume).
fn run(m: &mut Market, steps: &[Step]) -> Vec<(Decimal, Decimal, Decimal)> {
    let mut price = 10_000i64;
    let mut bars = Vec::new();
    for step in steps {
        match step {
            // Refusals are part of the game; what they must not do shows in the books.
            Step::Place(order) => drop(m.venue.place(order, m.now())),
            Step::Cancel(id) => {
                let order = OrderRef::new(SYMBOL, format!("id{id}"));
                let cancel = investbot_plugin_api::CancelOrder::new(order);
                drop(m.venue.cancel(&cancel, m.now()));
            }
            Step::Bar([gap, up, down, close], volume) => {
                let open = (price + gap).max(1_000);
                let (high, low) = (open + up.abs(), open - down.abs());
                price = (open + close).clamp(low, high);
                let volume = Decimal::from(*volume);
                m.show(ticks(open), ticks(high), ticks(low), ticks(price), volume);
                bars.push((ticks(high), ticks(low), volume));
            }
        }
    }
    bars
}

fn all_fills(m: &Market) -> Vec<Fill> {
    m.venue.fills_since(None).unwrap().fills
}

fn state(m: &Market) -> String {
    let orders: Vec<_> = (0..30)
        .map(|id| m.venue.order(&OrderRef::new(SYMBOL, format!("id{id}"))))
        .collect();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{orders:?}",
        m.venue.balances(),
        m.venue.positions(),
        m.venue.open_orders(),
        m.venue.fills_since(None).unwrap(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_books_are_the_sum_of_the_fills(settings in markets(), steps in steps()) {
        let (cash, base) = (settings.starting_cash, settings.starting_base);
        let spot = !settings.allow_short;
        let mut m = Market::new(settings);
        run(&mut m, &steps);
        let (mut quote, mut position) = (cash, Decimal::ZERO);
        for fill in all_fills(&m) {
            let signed = fill.side.sign() * fill.quantity;
            quote -= signed * fill.price + fill.fee;
            position += signed;
            prop_assert!(quote >= Decimal::ZERO, "the account never owes money");
        }
        prop_assert_eq!(dec(&m.balance("USD").0), quote);
        prop_assert_eq!(dec(&m.balance("BTC").0), base + position);
        prop_assert!(!spot || base + position >= Decimal::ZERO);
        prop_assert!(dec(&m.balance("USD").1) >= Decimal::ZERO, "never locks what it does not have");
        prop_assert!(!spot || dec(&m.balance("BTC").1) >= Decimal::ZERO);
        let told = m.venue.positions().first().map_or(Decimal::ZERO, |p| p.quantity);
        prop_assert_eq!(told, position);
    }

    #[test]
    fn with_nothing_open_nothing_is_locked(settings in markets(), steps in steps()) {
        let mut m = Market::new(settings);
        run(&mut m, &steps);
        for order in m.venue.open_orders() {
            m.cancel(&order.client_order_id);
        }
        for balance in m.venue.balances() {
            prop_assert_eq!(balance.total, balance.available);
        }
    }

    #[test]
    fn fills_respect_quantity_limit_and_volume(settings in markets(), steps in steps()) {
        let share = settings.volume_share;
        let mut m = Market::new(settings);
        let bars = run(&mut m, &steps);
        let orders: BTreeMap<_, _> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Place(order) => Some(order),
                _ => None,
            })
            // The first with an id that was accepted is the one.
            .filter_map(|order| {
                let report = m.venue.order(&OrderRef::new(SYMBOL, &order.client_order_id))?;
                let same = report.quantity == order.quantity && report.side == order.side;
                same.then(|| (order.client_order_id.clone(), order.clone()))
            })
            .collect();
        let mut filled: BTreeMap<String, Decimal> = BTreeMap::new();
        let mut ids = std::collections::BTreeSet::new();
        for fill in all_fills(&m) {
            prop_assert!(ids.insert(fill.fill_id.clone()), "fill ids are unique");
            prop_assert!(fill.quantity > Decimal::ZERO);
            prop_assert!((fill.quantity % dec("0.001")).is_zero());
            *filled.entry(fill.client_order_id.clone()).or_default() += fill.quantity;
            let order = &orders[&fill.client_order_id];
            if let Some(limit) = order.limit_price {
                let worse = fill.side.sign() * (fill.price - limit);
                prop_assert!(worse <= Decimal::ZERO, "{fill:?} against {order:?}");
            }
        }
        for (id, quantity) in &filled {
            let report = m.order(id);
            prop_assert_eq!(report.filled_quantity, *quantity);
            prop_assert!(*quantity <= report.quantity);
            prop_assert_eq!(report.status == OrderStatus::Filled, *quantity == report.quantity);
        }
        let volume: Decimal = bars.iter().map(|(_, _, volume)| volume * share).sum();
        let total: Decimal = filled.values().sum();
        prop_assert!(share.is_zero() || total <= volume);
    }

    #[test]
    fn events_tell_every_fill_once_and_the_last_state(settings in markets(), steps in steps()) {
        let mut m = Market::new(settings);
        run(&mut m, &steps);
        let told: Vec<_> = m.events.iter().filter_map(|event| match event {
            VenueEvent::Fill(fill) => Some(fill.clone()),
            _ => None,
        }).collect();
        prop_assert_eq!(told, all_fills(&m));
        let mut last = BTreeMap::new();
        for event in &m.events {
            if let VenueEvent::Order(report) = event {
                last.insert(report.client_order_id.clone(), report.clone());
            }
        }
        for (id, report) in last {
            let now = m.order(&id);
            let cancelled = now.status == OrderStatus::Cancelled;
            prop_assert!(cancelled || now == report, "{now:?} after {report:?}");
        }
    }

    #[test]
    fn a_restart_changes_nothing(
        settings in markets(),
        before in steps(),
        after in steps(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let open = |path| Market::in_dir(settings.clone(), ClientIds::UniqueForever, path);
        let mut restarted = open(Some(dir.path()));
        let mut steady = open(None);
        run(&mut restarted, &before);
        run(&mut steady, &before);
        let minute = restarted.minute;
        drop(restarted);
        let mut restarted = open(Some(dir.path()));
        restarted.minute = minute;
        prop_assert_eq!(state(&restarted), state(&steady));
        // A bar first: the last price is the market's, not the ledger's.
        let first = [Step::Bar([0; 4], 0)];
        run(&mut restarted, &first);
        run(&mut steady, &first);
        run(&mut restarted, &after);
        run(&mut steady, &after);
        prop_assert_eq!(state(&restarted), state(&steady));
    }
}
