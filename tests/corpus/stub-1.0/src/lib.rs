//! A venue that fills every order at once, at its limit price or at the last price it has seen.
//!
//! This is the adapter to read first, and the template for a real one: keep this file and replace
//! `books.rs`, the pretended exchange, by a connection to a real one. What matters most is to say
//! truthfully what became of an order when something went wrong: the host relies on every word.

#![forbid(unsafe_code)]

mod books;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::serde::Deserialize;
use investbot_plugin_api::*;

use books::{Books, Listing, Order};

// Makes the library a plugin. `plugin.toml` lies beside `Cargo.toml` and is embedded.
export_adapter!(Stub, manifest = "plugin.toml");

/// The keys of `[config]` in `plugin.toml`. The host has checked them and filled in the defaults.
#[derive(Deserialize)]
#[serde(crate = "investbot_plugin_api::serde")]
struct Config {
    latency_ms: u64,
    price: Decimal,
    starting_cash: Decimal,
}

/// The adapter. The host calls it from several threads at once, so what changes is behind a lock.
struct Stub {
    config: Config,
    books: Mutex<Books>,
}

impl Adapter for Stub {
    fn open(host: Host, params: OpenParams) -> Answer<Self> {
        let config: Config = params.config()?;
        let mut books = Books::new(&params.instruments);
        if let Some(dir) = &params.data_dir {
            // An error in `open` is shown to the user: say what is wrong, where, and what to do.
            let failed = |text| AdapterError::not_sent(ErrorKind::Config, text);
            books.open_ledger(dir).map_err(failed)?;
        }
        let text = format!("the stub knows {} orders", books.orders.len());
        host.log(Level::Debug, text);
        Ok(Self {
            config,
            books: Mutex::new(books),
        })
    }

    fn place(&self, call: &Call<'_>, order: &NewOrder) -> Answer<OrderReport> {
        check_claimed(order)?;
        // The way to the venue. Time belongs to the host: ask the call, never the system. Nothing has
        // been sent yet, so an interruption here is `not_sent`: the host may safely send again.
        let latency = Duration::from_millis(self.config.latency_ms);
        if !latency.is_zero() && !call.sleep(latency) {
            let text = "cancelled before the order was sent";
            return Err(AdapterError::not_sent(ErrorKind::Cancelled, text));
        }
        // From here on a real adapter has to be careful. `rejected` is for a venue that said no; for
        // everything else, such as a timeout or an answer that makes no sense, there is `unknown`.
        // And never send twice: only the host repeats a request.
        let mut books = self.books();
        if let Some(known) = books.order(&order.client_order_id) {
            // What `dedupe = permanent` in plugin.toml promises: one id, one order, for ever.
            let taken = || refused(ErrorKind::DuplicateClientOrderId, "the id is taken");
            return known.is(order).then(|| known.report()).ok_or_else(taken);
        }
        let last_price = books.listing(&order.instrument)?.last_price;
        let price = order.limit_price.or(last_price);
        let filled = books.enter(Order {
            client_order_id: order.client_order_id.clone(),
            instrument: order.instrument.clone(),
            side: order.side,
            quantity: order.quantity,
            price: price.unwrap_or(self.config.price),
            time: call.now(),
        })?;
        Ok(filled.report())
    }

    fn cancel(&self, call: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport> {
        // Here every order is final at once; cancelling a final order is no error.
        let unknown = || refused(ErrorKind::UnknownOrder, &cancel.order.client_order_id);
        self.order(call, &cancel.order)?.ok_or_else(unknown)
    }

    fn order(&self, _call: &Call<'_>, order: &OrderRef) -> Answer<Option<OrderReport>> {
        // `None` means that the venue does not know it. If the venue could not be asked, answer an error.
        let books = self.books();
        Ok(books.order(&order.client_order_id).map(Order::report))
    }

    fn open_orders(&self, _call: &Call<'_>) -> Answer<OpenOrders> {
        Ok(OpenOrders::complete(Vec::new()))
    }

    fn fills_since(&self, _call: &Call<'_>, cursor: Option<&str>) -> Answer<FillsPage> {
        // The cursor is the adapter's own text. Here it says how many fills came before the page.
        const PAGE: usize = 1000;
        let books = self.books();
        let total = books.orders.len();
        let from: usize = match cursor.map(str::parse) {
            None => 0,
            Some(Ok(from)) if from <= total => from,
            _ => return Err(refused(ErrorKind::Protocol, "this is no cursor of ours")),
        };
        let to = total.min(from + PAGE);
        let orders = books.orders[from..to].iter();
        let fills = orders.flat_map(|order| order.report().fills).collect();
        Ok(FillsPage::new(fills, to.to_string(), to < total))
    }

    fn instruments(&self, _call: &Call<'_>) -> Answer<Vec<Instrument>> {
        let books = self.books();
        let listings = books.listings.iter();
        Ok(listings.map(|l| l.instrument.clone()).collect())
    }

    fn balances(&self, _call: &Call<'_>) -> Answer<Vec<Balance>> {
        let mut totals: BTreeMap<String, Decimal> = BTreeMap::new();
        for l in &self.books().listings {
            let quote = totals.entry(l.instrument.quote.clone());
            let quote = quote.or_insert(self.config.starting_cash);
            *quote = quote.saturating_sub(l.paid);
            let base = totals.entry(l.instrument.base.clone()).or_default();
            *base = base.saturating_add(l.bought);
        }
        let totals = totals.into_iter();
        Ok(totals.map(|(c, n)| Balance::new(c, n, n)).collect())
    }

    fn positions(&self, _call: &Call<'_>) -> Answer<Vec<Position>> {
        let books = self.books();
        let listings = books.listings.iter();
        let position = |l: &Listing| Position::new(&l.instrument.symbol, l.bought);
        Ok(listings.map(position).collect())
    }

    fn health(&self, _call: &Call<'_>) -> Answer<Health> {
        Ok(Health::ok())
    }

    fn shutdown(&self, _call: &Call<'_>) -> Answer<()> {
        Ok(())
    }

    // Only simulated venues are shown the market; a real adapter leaves this method out.
    fn on_bars(&self, _call: &Call<'_>, batch: &BarBatch) -> Answer<()> {
        let mut books = self.books();
        if let (Some(bar), Ok(listing)) = (batch.bars.last(), books.listing(&batch.instrument)) {
            listing.last_price = Some(bar.close);
        }
        Ok(())
    }
}

impl Stub {
    fn books(&self) -> MutexGuard<'_, Books> {
        let lock = self.books.lock();
        lock.expect("the host does not enter an adapter again that has panicked")
    }
}

/// The host sends only what `plugin.toml` claims. An order that is something else must not become one of these.
fn check_claimed(order: &NewOrder) -> Answer<()> {
    use {OrderType as T, TimeInForce as F};
    let priced = match order.order_type {
        T::Market => true,
        T::Limit => order.limit_price.is_some(),
        _ => false,
    };
    if priced && matches!(order.time_in_force, F::Gtc | F::Ioc | F::Fok) {
        return Ok(());
    }
    let text = "market and limit orders are taken, the latter with a price, and gtc, ioc or fok";
    Err(refused(ErrorKind::InvalidOrder, text))
}

/// A definite "no": the order is not in the book and never was.
fn refused(kind: ErrorKind, text: &str) -> AdapterError {
    AdapterError::rejected(kind, text)
}
