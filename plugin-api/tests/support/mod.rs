//! An adapter that misbehaves as it is told, and a host that remembers what it was told.

use std::sync::{Arc, Mutex};

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::codec;
use investbot_plugin_api::dispatch::Dispatcher;
use investbot_plugin_api::host::{HostServices, LogRecord};
use investbot_plugin_api::op::{CallHeader, Frame, host_op};
use investbot_plugin_api::*;

/// Answers simply; panics in the operation that `fault` names.
pub struct Faulty {
    fault: String,
}

/// A payload that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload panics too");
    }
}

impl Faulty {
    fn maybe(&self, place: &str) {
        if self.fault == place {
            panic!("told to panic in {place}");
        }
        if self.fault == format!("bomb in {place}") {
            std::panic::panic_any(Bomb);
        }
    }

    fn report(&self, order: &OrderRef) -> OrderReport {
        OrderReport::new(
            order.client_order_id.as_str(),
            "1",
            order.instrument.as_str(),
            Side::Buy,
            OrderStatus::Open,
            Decimal::ONE,
            UnixNanos(0),
        )
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.maybe("drop");
    }
}

impl Adapter for Faulty {
    fn open(_: Host, params: OpenParams) -> Answer<Self> {
        let fault: String = params.config()?;
        let faulty = Self { fault };
        faulty.maybe("open");
        Ok(faulty)
    }

    fn instruments(&self, _: &Call<'_>) -> Answer<Vec<Instrument>> {
        self.maybe("instruments");
        Ok(Vec::new())
    }

    fn balances(&self, _: &Call<'_>) -> Answer<Vec<Balance>> {
        self.maybe("balances");
        Ok(Vec::new())
    }

    fn positions(&self, _: &Call<'_>) -> Answer<Vec<Position>> {
        self.maybe("positions");
        Ok(Vec::new())
    }

    fn place(&self, _: &Call<'_>, order: &NewOrder) -> Answer<OrderReport> {
        self.maybe("place");
        let order = OrderRef::new(order.instrument.as_str(), order.client_order_id.as_str());
        Ok(self.report(&order))
    }

    fn cancel(&self, _: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport> {
        self.maybe("cancel");
        Ok(self.report(&cancel.order))
    }

    fn order(&self, _: &Call<'_>, order: &OrderRef) -> Answer<Option<OrderReport>> {
        self.maybe("order");
        Ok(Some(self.report(order)))
    }

    fn open_orders(&self, _: &Call<'_>) -> Answer<OpenOrders> {
        self.maybe("open_orders");
        Ok(OpenOrders::complete(Vec::new()))
    }

    fn fills_since(&self, _: &Call<'_>, _: Option<&str>) -> Answer<FillsPage> {
        self.maybe("fills_since");
        Ok(FillsPage::default())
    }

    fn health(&self, _: &Call<'_>) -> Answer<Health> {
        self.maybe("health");
        Ok(Health::ok())
    }

    fn shutdown(&self, _: &Call<'_>) -> Answer<()> {
        self.maybe("shutdown");
        Ok(())
    }

    fn place_batch(
        &self,
        call: &Call<'_>,
        orders: &[NewOrder],
    ) -> Answer<Vec<Answer<OrderReport>>> {
        self.maybe("place_batch");
        Ok(orders.iter().map(|order| self.place(call, order)).collect())
    }

    fn amend(&self, _: &Call<'_>, amend: &AmendOrder) -> Answer<OrderReport> {
        self.maybe("amend");
        Ok(self.report(&amend.order))
    }

    fn cancel_all(&self, _: &Call<'_>, _: Option<&str>) -> Answer<Vec<OrderReport>> {
        self.maybe("cancel_all");
        Ok(Vec::new())
    }

    fn on_bars(&self, _: &Call<'_>, _: &BarBatch) -> Answer<()> {
        self.maybe("on_bars");
        Ok(())
    }

    fn bars(&self, _: &Call<'_>, _: &BarsQuery) -> Answer<Vec<Bar>> {
        self.maybe("bars");
        Ok(Vec::new())
    }

    fn ticker(&self, _: &Call<'_>, instrument: &str) -> Answer<Ticker> {
        self.maybe("ticker");
        Ok(Ticker::new(instrument, UnixNanos(0)))
    }

    fn server_time(&self, _: &Call<'_>) -> Answer<UnixNanos> {
        self.maybe("server_time");
        Ok(UnixNanos(1))
    }
}

/// What the adapter logged.
pub type Log = Arc<Mutex<Vec<String>>>;

struct Listener(Log);

impl HostServices for Listener {
    fn call(&self, op: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        if op == host_op::LOG {
            let record: LogRecord = codec::from_slice(body).expect("the host handle encodes it");
            self.0
                .lock()
                .expect("nobody panics here")
                .push(record.message);
        }
        Ok(Vec::new())
    }
}

pub fn open(fault: &str) -> (Result<Dispatcher<Faulty>, AdapterError>, Log) {
    let log = Log::default();
    let host = Host::from_services(Listener(log.clone()));
    let params = OpenParams::new(format!("{fault:?}")).to_bytes();
    let opened = Dispatcher::open(host, &params).map_err(|bytes| error(&bytes));
    (opened, log)
}

pub fn error(bytes: &[u8]) -> AdapterError {
    codec::from_slice(bytes).expect("an error is an AdapterError")
}

pub fn frame<T: minicbor::Encode<()>>(body: T) -> Vec<u8> {
    let header = CallHeader {
        call_id: 1,
        deadline: None,
    };
    codec::to_vec(&Frame { header, body })
}

/// A request that makes sense, for every operation.
pub fn request(op: op::Operation) -> Vec<u8> {
    use op::{Empty, Operation as O};
    let order = || NewOrder::new("c1", "BTC/USD", Side::Buy, Decimal::ONE);
    let named = || OrderRef::new("BTC/USD", "c1");
    match op {
        O::Place => frame(order()),
        O::PlaceBatch => frame(vec![order(), order()]),
        O::Cancel => frame(CancelOrder::new(named())),
        O::Amend => frame(AmendOrder::new(named())),
        O::Order => frame(named()),
        O::CancelAll | O::FillsSince => frame(None::<String>),
        O::Ticker => frame("BTC/USD"),
        O::OnBars => frame(BarBatch {
            instrument: "BTC/USD".to_owned(),
            bars: Vec::new(),
        }),
        O::Bars => frame(BarsQuery {
            instrument: "BTC/USD".to_owned(),
            interval_ns: 1,
            from: UnixNanos(0),
            to: UnixNanos(1),
        }),
        _ => frame(Empty {}),
    }
}
