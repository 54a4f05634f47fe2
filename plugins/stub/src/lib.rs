//! A venue that fills every order at once, at its limit price or at the last price it has seen.
//!
//! This is the adapter to read first, and the template for a real one: keep this file and replace
//! `books.rs`, the pretended exchange, by a connection to a real one. What matters most is to say
//! truthfully what became of an order when something went wrong: the host relies on every word.

#![forbid(unsafe_code)]

mod books;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::serde::Deserialize;
use investbot_plugin_api::*;

use books::{Books, instrument};

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
    instruments: Vec<Instrument>,
    books: Mutex<Books>,
}

impl Adapter for Stub {
    fn open(host: Host, params: OpenParams) -> Answer<Self> {
        let config: Config = params.config()?;
        let instruments: Vec<_> = params.instruments.iter().map(|s| instrument(s)).collect();
        let mut books = Books::default();
        for i in &instruments {
            books.balances.insert(i.quote.clone(), config.starting_cash);
        }
        if let Some(dir) = &params.data_dir {
            // An error in `open` is shown to the user: say what is wrong, where, and what to do.
            let failed = |text| AdapterError::not_sent(ErrorKind::Config, text);
            books.open_ledger(dir).map_err(failed)?;
        }
        let text = format!("the stub knows {} orders", books.sequence.len());
        host.log(Level::Debug, text);
        Ok(Self {
            config,
            instruments,
            books: Mutex::new(books),
        })
    }

    fn place(&self, call: &Call<'_>, order: &NewOrder) -> Answer<OrderReport> {
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
        if let Some(known) = books.orders.get(&order.client_order_id) {
            // What `dedupe = permanent` in plugin.toml promises: one id, one order, for ever.
            let taken = || refused(ErrorKind::DuplicateClientOrderId, "the id is taken");
            return is_same(known, order)
                .then(|| known.clone())
                .ok_or_else(taken);
        }
        let mut instruments = self.instruments.iter();
        let instrument = instruments
            .find(|i| i.symbol == order.instrument)
            .ok_or_else(|| refused(ErrorKind::UnknownInstrument, &order.instrument))?;
        let last = books.last_prices.get(&order.instrument);
        let price = order.limit_price.or(last.copied());
        let price = price.unwrap_or(self.config.price);

        let report = filled(order, price, &instrument.quote, call.now());
        books.enter(report.clone())?;
        Ok(report)
    }

    fn cancel(&self, call: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport> {
        // Here every order is final at once; cancelling a final order is no error.
        let unknown = || refused(ErrorKind::UnknownOrder, &cancel.order.client_order_id);
        self.order(call, &cancel.order)?.ok_or_else(unknown)
    }

    fn order(&self, _call: &Call<'_>, order: &OrderRef) -> Answer<Option<OrderReport>> {
        // `None` means that the venue does not know it. If the venue could not be asked, answer an error.
        Ok(self.books().orders.get(&order.client_order_id).cloned())
    }

    fn open_orders(&self, _call: &Call<'_>) -> Answer<OpenOrders> {
        Ok(OpenOrders::complete(Vec::new()))
    }

    fn fills_since(&self, _call: &Call<'_>, cursor: Option<&str>) -> Answer<FillsPage> {
        // The cursor is the adapter's own text. Here it says how many fills came before the page.
        const PAGE: usize = 1000;
        let books = self.books();
        let total = books.sequence.len();
        let from: usize = match cursor.map(str::parse) {
            None => 0,
            Some(Ok(from)) if from <= total => from,
            _ => return Err(refused(ErrorKind::Protocol, "this is no cursor of ours")),
        };
        let to = total.min(from + PAGE);
        let orders = books.sequence[from..to].iter().map(|id| &books.orders[id]);
        let fills = orders.flat_map(|order| order.fills.clone()).collect();
        Ok(FillsPage::new(fills, to.to_string(), to < total))
    }

    fn instruments(&self, _call: &Call<'_>) -> Answer<Vec<Instrument>> {
        Ok(self.instruments.clone())
    }

    fn balances(&self, _call: &Call<'_>) -> Answer<Vec<Balance>> {
        let books = self.books();
        let balances = books.balances.iter();
        Ok(balances.map(|(c, n)| Balance::new(c, *n, *n)).collect())
    }

    fn positions(&self, _call: &Call<'_>) -> Answer<Vec<Position>> {
        let books = self.books();
        let positions = books.positions.iter();
        Ok(positions.map(|(s, n)| Position::new(s, *n)).collect())
    }

    fn health(&self, _call: &Call<'_>) -> Answer<Health> {
        Ok(Health::ok())
    }

    fn shutdown(&self, _call: &Call<'_>) -> Answer<()> {
        Ok(())
    }

    // Only simulated venues are shown the market; a real adapter leaves this method out.
    fn on_bars(&self, _call: &Call<'_>, batch: &BarBatch) -> Answer<()> {
        if let Some(bar) = batch.bars.last() {
            let symbol = batch.instrument.clone();
            self.books().last_prices.insert(symbol, bar.close);
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

/// The report of an order that was filled whole.
fn filled(order: &NewOrder, price: Decimal, fee_currency: &str, now: UnixNanos) -> OrderReport {
    let (id, quantity) = (&order.client_order_id, order.quantity);
    let mut report = OrderReport::new(
        id,
        format!("stub-{id}"),
        &order.instrument,
        order.side,
        OrderStatus::Filled,
        quantity,
        now,
    );
    let mut fill = Fill::of(&report, id, price, quantity, now);
    fill.fee_currency = fee_currency.to_owned();
    fill.liquidity = Liquidity::Taker;
    report.filled_quantity = quantity;
    report.fills.push(fill);
    report
}

/// Whether `order` asks for what `known` was.
fn is_same(known: &OrderReport, order: &NewOrder) -> bool {
    let same_price = |limit| known.fills.iter().all(|fill| fill.price == limit);
    known.instrument == order.instrument
        && known.side == order.side
        && known.quantity == order.quantity
        && order.limit_price.is_none_or(same_price)
}

/// A definite "no": the order is not in the book and never was.
fn refused(kind: ErrorKind, text: &str) -> AdapterError {
    AdapterError::rejected(kind, text)
}
