//! All that plugin API 1.0 offers to authors, named once with its type. A later API with which this does not compile
//! breaks somebody's source. Nothing here is ever run.

#![forbid(unsafe_code)]
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::time::Duration;

use investbot_plugin_api::adapter::Answer;
use investbot_plugin_api::dispatch::Dispatcher;
use investbot_plugin_api::host::{HostServices, LogRecord};
use investbot_plugin_api::manifest::{
    Capabilities, ClientOrderIdRule, ConfigKey, ConfigType, ConfigValue, Deadline, Dedupe,
    IdCharset, Manifest, PluginInfo, Query, SecretSpec, VenueClass,
};
use investbot_plugin_api::op::{CallHeader, Empty, Frame, Operation, host_op};
use investbot_plugin_api::serde::de::DeserializeOwned;
use investbot_plugin_api::{
    API_VERSION, Adapter, AdapterError, AmendOrder, Balance, Bar, BarBatch, BarsQuery, Call,
    CancelOrder, Decimal, Effect, ErrorKind, ExposeSecret, Fill, FillsPage, Health, HealthStatus,
    Host, Instrument, Ledger, Level, Liquidity, NewOrder, OpenOrders, OpenParams, OrderRef,
    OrderReport, OrderStatus, OrderType, Position, SecretString, Side, TARGET, Ticker, TimeInForce,
    UnixNanos, VenueEvent, abi, codec, export_adapter, serde_json,
};

export_adapter!(Whole, manifest = "plugin.toml");

/// Implements everything.
struct Whole(Host);

impl Adapter for Whole {
    fn open(host: Host, params: OpenParams) -> Answer<Self> {
        let _: BTreeMap<String, ConfigValue> = params.config()?;
        let secret: &SecretString = params.secret("KEY")?;
        let _: &str = secret.expose_secret();
        let _: (Option<std::path::PathBuf>, u64, Vec<String>) =
            (params.data_dir, params.seed, params.instruments);
        Ok(Self(host))
    }
    fn instruments(&self, _: &Call<'_>) -> Answer<Vec<Instrument>> {
        Ok(vec![instrument()])
    }
    fn balances(&self, _: &Call<'_>) -> Answer<Vec<Balance>> {
        Ok(vec![Balance::new("USD", Decimal::ONE, Decimal::ONE)])
    }
    fn positions(&self, _: &Call<'_>) -> Answer<Vec<Position>> {
        let mut position = Position::new("BTC/USD", Decimal::ONE);
        position.average_price = Some(Decimal::ONE);
        Ok(vec![position])
    }
    fn place(&self, call: &Call<'_>, order: &NewOrder) -> Answer<OrderReport> {
        self.0.event(&VenueEvent::Order(report(order, call.now())));
        Ok(report(order, call.now()))
    }
    fn cancel(&self, _: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport> {
        Err(errors(&cancel.order))
    }
    fn order(&self, _: &Call<'_>, _: &OrderRef) -> Answer<Option<OrderReport>> {
        Ok(None)
    }
    fn open_orders(&self, _: &Call<'_>) -> Answer<OpenOrders> {
        let mut open = OpenOrders::complete(Vec::new());
        open.complete = open.orders.is_empty();
        Ok(open)
    }
    fn fills_since(&self, _: &Call<'_>, cursor: Option<&str>) -> Answer<FillsPage> {
        let page = FillsPage::new(Vec::new(), cursor.unwrap_or_default(), false);
        let _: (&Vec<Fill>, &String, bool) = (&page.fills, &page.cursor, page.more);
        Ok(page)
    }
    fn health(&self, _: &Call<'_>) -> Answer<Health> {
        let health = Health::new(HealthStatus::Degraded, "slow");
        let _: (HealthStatus, &String) = (health.status, &health.message);
        Ok(Health::ok())
    }
    fn shutdown(&self, call: &Call<'_>) -> Answer<()> {
        let _: (&Host, Option<UnixNanos>) = (call.host(), call.deadline());
        let _: (bool, bool) = (call.is_cancelled(), call.sleep(Duration::ZERO));
        Ok(())
    }
    fn place_batch(&self, _: &Call<'_>, orders: &[NewOrder]) -> Answer<Vec<Answer<OrderReport>>> {
        Ok(orders
            .iter()
            .map(|order| Ok(report(order, UnixNanos(0))))
            .collect())
    }
    fn amend(&self, _: &Call<'_>, amend: &AmendOrder) -> Answer<OrderReport> {
        let _: (Option<Decimal>, Option<Decimal>) = (amend.quantity, amend.limit_price);
        Err(errors(&amend.order))
    }
    fn cancel_all(&self, _: &Call<'_>, _: Option<&str>) -> Answer<Vec<OrderReport>> {
        Ok(Vec::new())
    }
    fn on_bars(&self, _: &Call<'_>, bars: &BarBatch) -> Answer<()> {
        let _: (&String, &Vec<Bar>) = (&bars.instrument, &bars.bars);
        Ok(())
    }
    fn bars(&self, _: &Call<'_>, query: &BarsQuery) -> Answer<Vec<Bar>> {
        Ok(vec![bar(query.from)])
    }
    fn ticker(&self, call: &Call<'_>, instrument: &str) -> Answer<Ticker> {
        let mut ticker = Ticker::new(instrument, call.now());
        (ticker.bid, ticker.ask, ticker.last) = (None, None, Some(Decimal::ONE));
        Ok(ticker)
    }
    fn server_time(&self, call: &Call<'_>) -> Answer<UnixNanos> {
        Ok(call.now())
    }
}

/// Implements what 1.0 asked for: a method that came later must have a body.
struct Least;

impl Adapter for Least {
    fn open(_: Host, _: OpenParams) -> Answer<Self> {
        Ok(Self)
    }
    fn instruments(&self, _: &Call<'_>) -> Answer<Vec<Instrument>> {
        Ok(Vec::new())
    }
    fn balances(&self, _: &Call<'_>) -> Answer<Vec<Balance>> {
        Ok(Vec::new())
    }
    fn positions(&self, _: &Call<'_>) -> Answer<Vec<Position>> {
        Ok(Vec::new())
    }
    fn place(&self, _: &Call<'_>, _: &NewOrder) -> Answer<OrderReport> {
        Err(AdapterError::unsupported("place"))
    }
    fn cancel(&self, _: &Call<'_>, _: &CancelOrder) -> Answer<OrderReport> {
        Err(AdapterError::unsupported("cancel"))
    }
    fn order(&self, _: &Call<'_>, _: &OrderRef) -> Answer<Option<OrderReport>> {
        Ok(None)
    }
    fn open_orders(&self, _: &Call<'_>) -> Answer<OpenOrders> {
        Ok(OpenOrders::default())
    }
    fn fills_since(&self, _: &Call<'_>, _: Option<&str>) -> Answer<FillsPage> {
        Ok(FillsPage::default())
    }
    fn health(&self, _: &Call<'_>) -> Answer<Health> {
        Ok(Health::ok())
    }
    fn shutdown(&self, _: &Call<'_>) -> Answer<()> {
        Ok(())
    }
}

fn instrument() -> Instrument {
    let mut instrument =
        Instrument::new("BTC/USD", Decimal::ONE, Decimal::ONE).with_min_notional(Decimal::TEN);
    instrument.min_quantity = instrument.round_quantity(instrument.lot_size);
    instrument.max_quantity = Some(instrument.tick_size + instrument.min_notional);
    let _: (&String, &String, &String) = (&instrument.symbol, &instrument.base, &instrument.quote);
    instrument
}

/// Structures that were not closed to authors: a field more breaks these.
fn bar(open_time: UnixNanos) -> Bar {
    Bar {
        open_time,
        close_time: open_time.after(Duration::from_secs(60)),
        open: Decimal::ONE,
        high: Decimal::ONE,
        low: Decimal::ONE,
        close: Decimal::ONE,
        volume: Decimal::ZERO,
    }
}

fn literals() -> (BarBatch, BarsQuery, CallHeader, Frame<Empty>, LogRecord) {
    let header = CallHeader {
        call_id: 1,
        deadline: Some(UnixNanos::from_millis(5)),
    };
    (
        BarBatch {
            instrument: "BTC/USD".to_owned(),
            bars: vec![bar(UnixNanos(0))],
        },
        BarsQuery {
            instrument: "BTC/USD".to_owned(),
            interval_ns: 1,
            from: UnixNanos(0),
            to: UnixNanos(1),
        },
        header,
        Frame {
            header,
            body: Empty {},
        },
        LogRecord {
            level: Level::Info,
            message: String::new(),
        },
    )
}

fn report(order: &NewOrder, time: UnixNanos) -> OrderReport {
    let mut report = OrderReport::new(
        &order.client_order_id,
        "1",
        order.instrument.as_str(),
        order.side,
        OrderStatus::Filled,
        order.quantity,
        time,
    );
    report.filled_quantity = report.quantity;
    report.reason = Some(String::new());
    let mut fill = Fill::of(&report, "1", Decimal::ONE, order.quantity, report.time);
    fill.fee = Decimal::ZERO;
    fill.fee_currency = "USD".to_owned();
    fill.liquidity = Liquidity::Taker;
    let _: (&String, &String, &String) = (&fill.fill_id, &fill.client_order_id, &fill.instrument);
    let _: (&String, Side, Decimal) = (&fill.venue_order_id, fill.side, fill.price + fill.quantity);
    let _: (UnixNanos, &String, OrderStatus) = (fill.time, &report.venue_order_id, report.status);
    report.fills.push(fill);
    report
}

fn new_order() -> NewOrder {
    let mut order = NewOrder::new("id", "BTC/USD", Side::Sell, Decimal::ONE);
    order.order_type = OrderType::StopLimit;
    (order.limit_price, order.stop_price) = (Some(Decimal::ONE), None);
    order.time_in_force = TimeInForce::Gtd;
    (order.expire_time, order.deadline) = (Some(UnixNanos(1)), None);
    (order.post_only, order.reduce_only) = (true, false);
    let _: (bool, bool) = (
        order.order_type.has_limit_price(),
        order.order_type.has_stop_price(),
    );
    let _: Decimal = order.side.sign();
    order
}

fn errors(order: &OrderRef) -> AdapterError {
    let _: (&String, &String, &Option<String>) = (
        &order.instrument,
        &order.client_order_id,
        &order.venue_order_id,
    );
    let _ = CancelOrder::new(OrderRef::new("BTC/USD", "id"));
    let _ = AmendOrder::new(OrderRef::new("BTC/USD", "id"));
    let error = AdapterError::new(ErrorKind::Network, Effect::Unknown, "text")
        .with_venue_code("E1")
        .with_retry_after(Duration::from_secs(1));
    let _: (ErrorKind, Effect, &String) = (error.kind, error.effect, &error.message);
    let _: (&Option<String>, Option<u64>) = (&error.venue_code, error.retry_after_ns);
    let _: Option<Duration> = error.retry_after();
    let _: &dyn std::error::Error = &error;
    let _ = AdapterError::not_sent(ErrorKind::Config, "text");
    let _ = AdapterError::rejected(ErrorKind::InvalidOrder, "text");
    AdapterError::unknown(ErrorKind::Timeout, "text")
}

/// Every value of every enumeration has its word, which is in files and logs.
const WORDS: () = {
    macro_rules! all {
        ($($name:ident { $($variant:ident $word:literal)* })*) => {
            $($(assert!(is($name::$variant.as_str(), $word));)*)*
        };
    }
    all! {
        Side { Buy "buy" Sell "sell" }
        OrderType { Market "market" Limit "limit" Stop "stop" StopLimit "stop_limit" }
        TimeInForce { Gtc "gtc" Ioc "ioc" Fok "fok" Gtd "gtd" Day "day" }
        OrderStatus {
            Open "open" PartiallyFilled "partially_filled" Filled "filled" Cancelled "cancelled"
            Expired "expired" Rejected "rejected" Unrecognized "Unrecognized"
        }
        Liquidity { Maker "maker" Taker "taker" Unrecognized "Unrecognized" }
        HealthStatus { Ok "ok" Degraded "degraded" Down "down" Unrecognized "Unrecognized" }
        Effect { NotSent "not_sent" Rejected "rejected" Unknown "unknown" }
        ErrorKind {
            Network "network" Timeout "timeout" RateLimited "rate_limited" Maintenance "maintenance"
            Auth "auth" InsufficientFunds "insufficient_funds" InvalidOrder "invalid_order"
            DuplicateClientOrderId "duplicate_client_order_id" UnknownOrder "unknown_order"
            UnknownInstrument "unknown_instrument" Unsupported "unsupported" Config "config"
            Cancelled "cancelled" Panicked "panicked" Poisoned "poisoned" Protocol "protocol"
            Internal "internal" DeadlinePassed "deadline_passed" Unrecognized "Unrecognized"
        }
        Level { Error "error" Warn "warn" Info "info" Debug "debug" Trace "trace" }
        VenueClass { A "A" B "B" C "C" D "D" E "E" }
        IdCharset {
            Digits "digits" Hex "hex" Alphanumeric "alphanumeric"
            AlphanumericDash "alphanumeric_dash"
        }
        ConfigType { Boolean "boolean" Integer "integer" Decimal "decimal" String "string" }
        Operation {
            Instruments "instruments" Balances "balances" Positions "positions" Place "place"
            PlaceBatch "place_batch" Cancel "cancel" CancelAll "cancel_all" Amend "amend"
            Order "order" OpenOrders "open_orders" FillsSince "fills_since" Health "health"
            Shutdown "shutdown" OnBars "on_bars" Bars "bars" Ticker "ticker"
            ServerTime "server_time"
        }
    }
};

const fn is(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

fn manifest(manifest: &Manifest) -> (VenueClass, Duration) {
    let Manifest {
        plugin,
        capabilities,
        config,
        secrets,
        ..
    } = manifest;
    let PluginInfo {
        id,
        version,
        requires_api,
        description,
        real_money,
        simulated,
        ..
    } = plugin;
    let _: [&String; 4] = [id, version, requires_api, description];
    let _: [&bool; 2] = [real_money, simulated];
    let Capabilities {
        order_types,
        times_in_force,
        order_fields,
        max_in_flight,
        client_order_id,
        dedupe,
        deadline,
        query,
        definitive_codes,
        session_fence,
        ..
    } = capabilities;
    let _: (&Vec<OrderType>, &Vec<TimeInForce>, &Vec<String>, &u32) =
        (order_types, times_in_force, order_fields, max_in_flight);
    let _: (&ClientOrderIdRule, &Vec<String>, &bool) =
        (client_order_id, definitive_codes, session_fence);
    let _: (&IdCharset, &u32) = (&client_order_id.charset, &client_order_id.max_length);
    let _ = match dedupe {
        Dedupe::Window { window_ms } => *window_ms,
        Dedupe::Permanent | Dedupe::OpenOnly | Dedupe::None => 0_u64,
        _ => 1,
    };
    let _ = match deadline {
        Deadline::Enforced { max_ms, skew_ms } => *max_ms + *skew_ms,
        Deadline::None => 0_u64,
        _ => 1,
    };
    let _ = match query {
        Query::ByClientId {
            includes_closed,
            visibility_lag_ms,
        } if *includes_closed => *visibility_lag_ms,
        Query::OpenOnly | Query::None => 0_u64,
        _ => 1,
    };
    let _: &BTreeMap<String, ConfigKey> = config;
    for ConfigKey {
        kind,
        help,
        default,
        min,
        max,
        one_of,
        ..
    } in config.values()
    {
        let _: (&ConfigType, &String, &Vec<String>) = (kind, help, one_of);
        let _: [&Option<ConfigValue>; 3] = [default, min, max];
    }
    for SecretSpec {
        env,
        help,
        optional,
        ..
    } in secrets
    {
        let _: (&String, &String, &bool) = (env, help, optional);
    }
    let _ = [
        ConfigValue::Boolean(true),
        ConfigValue::Integer(1_i64),
        ConfigValue::Text(String::new()),
    ];
    (capabilities.class(), capabilities.visibility_lag())
}

/// What an author's own tests play the host with, and what hosts use.
struct Services;

impl HostServices for Services {
    fn call(&self, op: &str, _: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        match op {
            host_op::LOG | host_op::EVENT | host_op::NOW => Ok(Vec::new()),
            host_op::SLEEP | host_op::IS_CANCELLED => Ok(codec::to_vec(&true)),
            _ => Err(Vec::new()),
        }
    }
}

fn host(host: &Host, event: &VenueEvent) -> UnixNanos {
    host.log(Level::Warn, "text");
    match event {
        VenueEvent::Order(_) | VenueEvent::Fill(_) => host.event(event),
        _ => {}
    }
    host.now()
}

fn open() -> Result<Dispatcher<Least>, Vec<u8>> {
    let params = OpenParams::new("{}").with_secret("KEY", SecretString::from("secret"));
    let params: Vec<u8> = params.to_bytes();
    let _: Result<OpenParams, String> = OpenParams::from_bytes(&params);
    let dispatcher = Dispatcher::open(Host::from_services(Services), &params)?;
    let _: Result<Vec<u8>, Vec<u8>> = dispatcher.call("health", &[]);
    Ok(dispatcher)
}

fn rest() {
    let _: [&str; 2] = [API_VERSION, TARGET];
    let _: (u32, &[u8; 24]) = (abi::ABI_EPOCH, abi::MANIFEST_MARKER);
    let _: abi::RawHostBox = abi::host_box(Services);
    let _: Option<Operation> = Operation::from_name("place");
    let _: (bool, Option<u64>) = (
        Operation::Place.is_write(),
        Operation::Place.strict_fields(),
    );
    let _: &[Operation] = Operation::ALL;
    let _: (&[Side], Result<Side, String>) = (Side::ALL, "buy".parse());
    let _: (bool, String) = (OrderStatus::Open.is_final(), Side::Buy.to_string());
    let _: (i64, Duration) = (UnixNanos(1).as_millis(), UnixNanos(2).since(UnixNanos(1)));
    let mut bytes = Vec::new();
    codec::encode_into(&new_order(), &mut bytes);
    let _: Result<NewOrder, String> = codec::from_slice(&bytes);
    let _: Result<String, serde_json::Error> = serde_json::to_string(&new_order());
}

/// What authors are spared.
fn helpers(params: &OpenParams, report: &OrderReport) -> Answer<()> {
    let mut ledger: Ledger<OrderReport> = Ledger::open(params, "orders.jsonl")?;
    ledger.push(report.clone())?;
    let kept: &[OrderReport] = &ledger;
    let _: (usize, Host) = (kept.len(), Host::for_tests());
    let order = new_order();
    order.check(&[OrderType::Market], &[TimeInForce::Ioc])?;
    let _: OrderReport = OrderReport::of(&order, "v", OrderStatus::Open, UnixNanos(0));
    for (name, secret) in params.secrets() {
        let _: (&str, &SecretString) = (name, secret);
    }
    Ok(())
}

/// What crosses can be kept in files and compared.
fn traits<T>()
where
    T: Clone + std::fmt::Debug + PartialEq + serde_json_able::Able,
{
}

mod serde_json_able {
    use super::DeserializeOwned;
    use investbot_plugin_api::serde::Serialize;

    pub(super) trait Able: Serialize + DeserializeOwned {}
    impl<T: Serialize + DeserializeOwned> Able for T {}
}

fn kept() {
    traits::<NewOrder>();
    traits::<OrderRef>();
    traits::<CancelOrder>();
    traits::<AmendOrder>();
    traits::<OrderReport>();
    traits::<Fill>();
    traits::<FillsPage>();
    traits::<OpenOrders>();
    traits::<Balance>();
    traits::<Position>();
    traits::<Health>();
    traits::<VenueEvent>();
    traits::<AdapterError>();
    traits::<Instrument>();
    traits::<Bar>();
    traits::<BarBatch>();
    traits::<BarsQuery>();
    traits::<Ticker>();
    traits::<Manifest>();
}
