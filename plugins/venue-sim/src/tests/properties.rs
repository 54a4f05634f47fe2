//! Whatever is ordered and whatever the market does.

use std::collections::BTreeMap;

use investbot_plugin_api::{
    Decimal, Fill, NewOrder, OrderRef, OrderStatus, OrderType, Side, TimeInForce, UnixNanos,
    VenueEvent,
};
use proptest::prelude::*;

use super::fixture::{MINUTE, Market, SYMBOL, dec, settings};
use crate::{LEDGER_FILE, Settings};

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

impl Step {
    /// Takes the step in a market whose price, in ticks, is `price`.
    fn go(&self, m: &mut Market, price: &mut i64) {
        match self {
            // Refusals are part of the game; what they must not do shows in the books.
            Self::Place(order) => drop(m.venue.place(order, m.now())),
            Self::Cancel(id) => {
                let order = OrderRef::new(SYMBOL, format!("id{id}"));
                let cancel = investbot_plugin_api::CancelOrder::new(order);
                drop(m.venue.cancel(&cancel, m.now()));
            }
            Self::Bar([gap, up, down, close], volume) => {
                let open = (*price + gap).max(1_000);
                let (high, low) = (open + up.abs(), open - down.abs());
                *price = (open + close).clamp(low, high);
                let volume = Decimal::from(*volume);
                m.show(ticks(open), ticks(high), ticks(low), ticks(*price), volume);
            }
        }
    }
}

/// Takes the steps.
fn run(m: &mut Market, steps: &[Step]) {
    let mut price = 10_000;
    for step in steps {
        step.go(m, &mut price);
    }
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
        run(&mut m, &steps);
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
        let volume: Decimal = m.bars.iter().map(|bar| bar.volume * share).sum();
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
        again in any::<prop::sample::Index>(),
    ) {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let ledger = |n: usize| std::fs::read(dirs[n].path().join(LEDGER_FILE)).unwrap();
        let open = |n: usize| Market::restarted(settings.clone(), dirs[n].path(), 0, []);
        let (mut steady, mut killed) = (open(0), open(1));
        run(&mut steady, &before);
        run(&mut killed, &before);
        drop(killed);
        // At least the last bar: the last price is the market's, not the ledger's.
        let from = if steady.bars.is_empty() { 0 } else { again.index(steady.bars.len()) };
        let bars = steady.bars[from..].to_vec();
        let mut killed = Market::restarted(settings.clone(), dirs[1].path(), steady.minute, bars);
        prop_assert_eq!(&killed.events, &[]);
        prop_assert_eq!(ledger(1), ledger(0));
        prop_assert_eq!(state(&killed), state(&steady));
        run(&mut killed, &after);
        run(&mut steady, &after);
        prop_assert_eq!(state(&killed), state(&steady));
        prop_assert_eq!(ledger(1), ledger(0));
    }

    #[test]
    fn killed_while_it_writes_it_does_the_rest_once(
        settings in markets(),
        steps in steps(),
        cut in any::<prop::sample::Index>(),
        again in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LEDGER_FILE);
        let mut steady = Market::restarted(settings.clone(), dir.path(), 0, []);
        // How long the ledger is, how many bars were shown and when, after each step.
        let mark = |m: &Market| (std::fs::metadata(&path).unwrap().len(), m.bars.len(), m.minute);
        let mut marks = vec![mark(&steady)];
        let mut price = 10_000;
        for step in &steps {
            step.go(&mut steady, &mut price);
            marks.push(mark(&steady));
        }
        let whole = std::fs::read(&path).unwrap();
        let opened = usize::try_from(marks[0].0).unwrap();
        let left = opened + cut.index(whole.len() - opened + 1);
        std::fs::write(&path, &whole[..left]).unwrap();

        let is_there = |mark: &&(u64, usize, i64)| mark.0 <= left as u64;
        let done = marks.iter().take_while(is_there).count() - 1;
        let (_, bars, minute) = marks[done];
        let from = if bars == 0 { 0 } else { again.index(bars) };
        let bars = steady.bars[from..bars].to_vec();
        let mut price = price_after(&steps[..done]);
        let mut killed = Market::restarted(settings.clone(), dir.path(), minute, bars);
        prop_assert_eq!(&killed.events, &[]);
        for step in &steps[done..] {
            step.go(&mut killed, &mut price);
        }
        prop_assert_eq!(std::fs::read(&path).unwrap(), whole);
        prop_assert_eq!(state(&killed), state(&steady));
    }
}

/// Where the market is after these steps.
fn price_after(steps: &[Step]) -> i64 {
    let mut price = 10_000;
    let mut nobody = Market::new(settings());
    for step in steps {
        step.go(&mut nobody, &mut price);
    }
    price
}
