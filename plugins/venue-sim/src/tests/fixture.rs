//! A market in which the numbers are easy to follow.

use std::path::Path;

use investbot_plugin_api::{
    Bar, BarBatch, CancelOrder, Decimal, NewOrder, OrderRef, OrderReport, OrderType, Side,
    UnixNanos, VenueEvent,
};

use crate::{ClientIds, Settings, SimVenue};

pub(super) const SYMBOL: &str = "BTC/USD";
/// Length of a bar.
pub(super) const MINUTE: i64 = 60_000_000_000;

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// No costs, no limits, 10,000 USD.
pub(super) fn settings() -> Settings {
    Settings {
        slippage_bps: Decimal::ZERO,
        maker_fee_bps: Decimal::ZERO,
        taker_fee_bps: Decimal::ZERO,
        volume_share: Decimal::ZERO,
        tick_size: dec("0.01"),
        lot_size: dec("0.001"),
        min_quantity: Decimal::ZERO,
        min_notional: dec("1"),
        starting_cash: dec("10000"),
        starting_base: Decimal::ZERO,
        allow_short: false,
    }
}

/// A venue, the bars it was shown, the events it told and the time of the next bar.
pub(super) struct Market {
    pub(super) venue: SimVenue,
    pub(super) bars: Vec<Bar>,
    pub(super) events: Vec<VenueEvent>,
    pub(super) minute: i64,
}

impl Market {
    pub(super) fn new(settings: Settings) -> Self {
        Self::in_dir(settings, ClientIds::UniqueForever, None)
    }

    pub(super) fn in_dir(settings: Settings, ids: ClientIds, dir: Option<&Path>) -> Self {
        Self {
            venue: SimVenue::open(settings, ids, &[SYMBOL.to_owned()], dir, UnixNanos(0)).unwrap(),
            bars: Vec::new(),
            events: Vec::new(),
            minute: 0,
        }
    }

    pub(super) fn now(&self) -> UnixNanos {
        UnixNanos(self.minute * MINUTE)
    }

    /// The next bar, from its open, high, low and close; its volume is 100.
    pub(super) fn bar(&mut self, ohlc: [&str; 4]) {
        let [open, high, low, close] = ohlc.map(dec);
        self.show(open, high, low, close, dec("100"));
    }

    pub(super) fn show(
        &mut self,
        open: Decimal,
        high: Decimal,
        low: Decimal,
        close: Decimal,
        volume: Decimal,
    ) {
        let open_time = self.now();
        self.minute += 1;
        let bar = Bar {
            open_time,
            close_time: self.now(),
            open,
            high,
            low,
            close,
            volume,
        };
        self.batch(vec![bar]);
    }

    pub(super) fn batch(&mut self, bars: Vec<Bar>) {
        self.bars.extend(&bars);
        let batch = BarBatch {
            instrument: SYMBOL.to_owned(),
            bars,
        };
        self.venue.on_bars(&batch, &mut self.events).unwrap();
    }

    /// Comes back on what is left in `dir`, and is shown bars that it was shown before.
    pub(super) fn restarted(
        settings: Settings,
        dir: &Path,
        minute: i64,
        again: impl IntoIterator<Item = Bar>,
    ) -> Self {
        let mut market = Self::in_dir(settings, ClientIds::UniqueForever, Some(dir));
        market.minute = minute;
        for bar in again {
            market.batch(vec![bar]);
        }
        market
    }

    pub(super) fn place(&mut self, order: &NewOrder) -> OrderReport {
        self.venue.place(order, self.now()).unwrap()
    }

    pub(super) fn order(&self, id: &str) -> OrderReport {
        self.venue.order(&OrderRef::new(SYMBOL, id)).unwrap()
    }

    pub(super) fn cancel(&mut self, id: &str) -> OrderReport {
        let cancel = CancelOrder::new(OrderRef::new(SYMBOL, id));
        self.venue.cancel(&cancel, self.now()).unwrap()
    }

    /// The code of the refusal of an order.
    pub(super) fn refused(&mut self, order: &NewOrder) -> &'static str {
        self.venue.place(order, self.now()).unwrap_err().code()
    }

    /// Price, quantity and fee of every fill so far.
    pub(super) fn fills(&self) -> Vec<(String, String, String)> {
        let page = self.venue.fills_since(None).unwrap();
        assert!(!page.more);
        page.fills
            .iter()
            .map(|f| {
                (
                    f.price.normalize().to_string(),
                    f.quantity.normalize().to_string(),
                    f.fee.to_string(),
                )
            })
            .collect()
    }

    /// The price of the only fill.
    pub(super) fn price(&self) -> String {
        let fills = self.fills();
        assert_eq!(fills.len(), 1, "{fills:?}");
        fills[0].0.clone()
    }

    pub(super) fn balance(&self, currency: &str) -> (String, String) {
        let balances = self.venue.balances();
        let balance = balances.iter().find(|b| b.currency == currency).unwrap();
        (balance.total.to_string(), balance.available.to_string())
    }
}

pub(super) fn market(id: &str, side: Side, quantity: &str) -> NewOrder {
    NewOrder::new(id, SYMBOL, side, dec(quantity))
}

pub(super) fn limit(id: &str, side: Side, quantity: &str, price: &str) -> NewOrder {
    let mut order = market(id, side, quantity);
    order.order_type = OrderType::Limit;
    order.limit_price = Some(dec(price));
    order
}

pub(super) fn stop(id: &str, side: Side, quantity: &str, price: &str) -> NewOrder {
    let mut order = market(id, side, quantity);
    order.order_type = OrderType::Stop;
    order.stop_price = Some(dec(price));
    order
}

pub(super) fn stop_limit(id: &str, side: Side, quantity: &str, at: &str, price: &str) -> NewOrder {
    let mut order = stop(id, side, quantity, at);
    order.order_type = OrderType::StopLimit;
    order.limit_price = Some(dec(price));
    order
}
