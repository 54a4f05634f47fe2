//! {{name}}: a venue that fills market orders at once, at the close of the last bar.
//!
//! The host calls an adapter from several threads, each waits until `call.deadline()`, and it alone sends
//! anything again. What it does next follows from an error's effect, so that must be true: `not_sent`, the
//! venue did not take it up; `rejected`, it refused for good; `unknown`, all else, such as a timeout or 5xx.
#![forbid(unsafe_code)]

use investbot_plugin_api::{adapter::Answer, *};
use std::{collections::BTreeMap, sync::Mutex};

export_adapter!(Venue, manifest = "plugin.toml");

/// What a real venue knows by itself: its adapter has a connection here. Before the first bar all cost 100.
struct Venue {
    prices: Mutex<BTreeMap<String, Decimal>>,
    orders: Mutex<Ledger<OrderReport>>,
}

impl Adapter for Venue {
    /// Log in with `params.secret(…)`. An error is `Config` or `Auth`, and says which key to change.
    fn open(_host: Host, params: OpenParams) -> Answer<Self> {
        let orders = Mutex::new(Ledger::open(&params, "ledger.jsonl")?);
        let symbols = params.instruments.into_iter();
        let prices = Mutex::new(symbols.map(|s| (s, Decimal::ONE_HUNDRED)).collect());
        Ok(Self { prices, orders })
    }
    /// What can be traded, with the steps and limits of orders: the same whenever it is asked.
    fn instruments(&self, _call: &Call<'_>) -> Answer<Vec<Instrument>> {
        let prices = self.prices.lock().unwrap();
        Ok(prices.keys().map(|symbol| listed(symbol)).collect())
    }
    /// What the account holds. The host compares it with the fills, to the last digit.
    fn balances(&self, _call: &Call<'_>) -> Answer<Vec<Balance>> {
        let mut totals = BTreeMap::from([("USD".to_owned(), Decimal::from(10_000))]);
        for fill in self.orders.lock().unwrap().iter().flat_map(|it| &it.fills) {
            let Instrument { base, quote, .. } = listed(&fill.instrument);
            let bought = fill.side.sign() * fill.quantity;
            let base = totals.entry(base).or_default();
            *base = base.saturating_add(bought);
            let quote = totals.entry(quote).or_default();
            *quote = quote.saturating_sub(bought.saturating_mul(fill.price));
        }
        let totals = totals.into_iter();
        Ok(totals.map(|(name, n)| Balance::new(name, n, n)).collect())
    }
    /// Of a margin account; empty where there are balances only.
    fn positions(&self, _call: &Call<'_>) -> Answer<Vec<Position>> {
        Ok(Vec::new())
    }
    /// Sends one order, once. Up to the first byte an error is `not_sent`; from then on only the venue's no
    /// is `rejected`, the rest `unknown`. `dedupe = permanent` promises that an id is one order for ever.
    fn place(&self, call: &Call<'_>, order: &NewOrder) -> Answer<OrderReport> {
        order.check(&[OrderType::Market], &[TimeInForce::Gtc, TimeInForce::Ioc])?;
        let unlisted = AdapterError::rejected(ErrorKind::UnknownInstrument, "not listed");
        let prices = self.prices.lock().unwrap();
        let price = *prices.get(&order.instrument).ok_or(unlisted)?;
        let (id, mut orders) = (&order.client_order_id, self.orders.lock().unwrap());
        if let Some(known) = orders.iter().find(|it| it.client_order_id == *id) {
            return Ok(known.clone());
        }
        let mut report = OrderReport::of(order, id, OrderStatus::Filled, call.now());
        report.fills = vec![Fill::of(&report, id, price, order.quantity, report.time)];
        report.filled_quantity = order.quantity;
        orders.push(report.clone())?;
        Ok(report)
    }
    /// Answers the order's state afterwards: that it is over already is no error, that it never was is one.
    fn cancel(&self, call: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport> {
        let unknown = AdapterError::rejected(ErrorKind::UnknownOrder, "no such order");
        self.order(call, &cancel.order)?.ok_or(unknown)
    }
    /// `None` is the venue's word that it does not know the order. If it cannot be asked, that is an error.
    fn order(&self, _call: &Call<'_>, order: &OrderRef) -> Answer<Option<OrderReport>> {
        let (id, orders) = (&order.client_order_id, self.orders.lock().unwrap());
        Ok(orders.iter().find(|it| it.client_order_id == *id).cloned())
    }
    /// All of them, or `complete: false` where the venue gives no more in one answer.
    fn open_orders(&self, _call: &Call<'_>) -> Answer<OpenOrders> {
        Ok(OpenOrders::complete(Vec::new()))
    }
    /// Fills after a cursor, oldest first. The cursor is your own text, and good for later sessions too.
    fn fills_since(&self, _call: &Call<'_>, cursor: Option<&str>) -> Answer<FillsPage> {
        let (orders, from) = (self.orders.lock().unwrap(), cursor.unwrap_or("0").parse());
        let garbage = AdapterError::not_sent(ErrorKind::Protocol, "no cursor of this venue");
        let new = orders.get(from.unwrap_or(usize::MAX)..).ok_or(garbage)?;
        let fills = new.iter().flat_map(|it| it.fills.clone()).collect();
        Ok(FillsPage::new(fills, orders.len().to_string(), false))
    }
    /// Whether orders can be sent now.
    fn health(&self, _call: &Call<'_>) -> Answer<Health> {
        Ok(Health::ok())
    }
    /// Ends the session, and no order.
    fn shutdown(&self, _call: &Call<'_>) -> Answer<()> {
        Ok(())
    }
    /// The market of a simulated venue. Real ones have their own, and leave this method out.
    fn on_bars(&self, _call: &Call<'_>, batch: &BarBatch) -> Answer<()> {
        if let Some(bar) = batch.bars.last() {
            let mut prices = self.prices.lock().unwrap();
            prices.insert(batch.instrument.clone(), bar.close);
        }
        Ok(())
    }
}

fn listed(symbol: &str) -> Instrument {
    Instrument::new(symbol, Decimal::new(1, 8), Decimal::new(1, 8))
}

#[test]
fn an_order_that_is_sent_again_is_filled_once() {
    let (host, mut params) = (Host::for_tests(), OpenParams::new("{}"));
    params.instruments = vec!["BTC/USD".to_owned()];
    let venue = Venue::open(host.clone(), params).unwrap();
    let call = Call::new(&host, Default::default());
    let order = NewOrder::new("a", "BTC/USD", Side::Buy, Decimal::ONE);
    assert_eq!(venue.place(&call, &order), venue.place(&call, &order));
    assert_eq!(venue.fills_since(&call, None).unwrap().fills.len(), 1);
}
