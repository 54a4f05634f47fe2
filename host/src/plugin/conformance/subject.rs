//! The plugin that is looked at, and what tests do with it all the time.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use investbot_plugin_api::manifest::{Capabilities, Deadline, IdCharset, Manifest, Query};
use investbot_plugin_api::{
    AdapterError, Bar, BarBatch, CancelOrder, Decimal, Effect, ErrorKind, Fill, Instrument,
    NewOrder, OpenParams, OrderRef, OrderReport, OrderType, SecretString, Side, TimeInForce,
    UnixNanos,
};
use sha2::{Digest as _, Sha256};

use super::super::{Answer, Isolation, LoadError, Plugin, PluginVenue, Venue as _};
use super::{Objection, failed, skipped};
use crate::clock::{Clock as _, RunClock};

/// A plugin and what it is opened with.
pub struct Setup {
    /// The plugin; none of its code has run.
    pub plugin: Plugin,
    /// Its configuration, as the host would give it.
    pub config: String,
    /// Its secrets, by environment name.
    pub secrets: Vec<(String, SecretString)>,
    /// What is traded.
    pub symbol: String,
    /// Everything random is drawn from it.
    pub seed: u64,
    /// An empty directory.
    pub dir: PathBuf,
    /// How the plugin is isolated, if it is.
    pub isolation: Option<Isolation>,
}

/// The plugin, as one test sees it.
pub struct Subject<'a> {
    pub(super) setup: &'a Setup,
    test: &'static str,
    ids: Cell<u64>,
}

/// How long the plugin's `open` may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// When the simulated market begins.
const START: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

/// How often what may fail is tried.
const TRIES: u32 = 40;

impl<'a> Subject<'a> {
    pub(super) const fn new(setup: &'a Setup, test: &'static str) -> Self {
        Self {
            setup,
            test,
            ids: Cell::new(0),
        }
    }

    pub(super) fn manifest(&self) -> &Manifest {
        self.setup.plugin.manifest()
    }

    pub(super) fn capabilities(&self) -> &Capabilities {
        &self.manifest().capabilities
    }

    /// Parameters as the host would give them; `keeps` says where what is kept is kept.
    pub(super) fn params(&self, keeps: &str) -> OpenParams {
        self.params_with(self.setup.config.clone(), keeps)
    }

    /// The same with another configuration.
    pub(super) fn params_with(&self, config: String, keeps: &str) -> OpenParams {
        let mut params = OpenParams::new(config);
        params.seed = self.setup.seed;
        params.instruments = vec![self.setup.symbol.clone()];
        params.data_dir = Some(self.setup.dir.join(keeps));
        for (name, value) in &self.setup.secrets {
            params = params.with_secret(name, value.clone());
        }
        params
    }

    /// Opens the plugin.
    pub(super) fn open_as(
        &self,
        params: &OpenParams,
    ) -> Result<(PluginVenue, Arc<RunClock>), LoadError> {
        let clock = Arc::new(if self.manifest().plugin.simulated {
            RunClock::simulated()
        } else {
            RunClock::realtime()
        });
        clock.advance_to(START);
        if let Some(dir) = &params.data_dir {
            // A directory that cannot be made shows when the plugin opens.
            let _ = std::fs::create_dir_all(dir);
        }
        let Setup {
            plugin, isolation, ..
        } = self.setup;
        let (its_clock, cancel) = (clock.clone(), Arc::default());
        let venue = match isolation.clone() {
            Some(apart) => plugin.open_isolated(params, its_clock, cancel, PATIENCE, apart)?,
            None => plugin.open(params, its_clock, cancel, PATIENCE)?,
        };
        Ok((venue, clock))
    }

    /// Opens the plugin and, if it is simulated, its market.
    pub(super) fn open(&self) -> Result<Session<'_>, Objection> {
        self.open_keeping("venue", START)
    }

    /// The same; what is kept is kept under `keeps`, and it is `at` least that late.
    pub(super) fn open_keeping(
        &self,
        keeps: &str,
        at: UnixNanos,
    ) -> Result<Session<'_>, Objection> {
        let (venue, clock) = self
            .open_as(&self.params(keeps))
            .or_else(|error| failed(error.to_string()))?;
        clock.advance_to(at);
        let mut session = Session {
            subject: self,
            venue,
            clock,
            instrument: Instrument::new(&self.setup.symbol, Decimal::ONE, Decimal::ONE),
        };
        session.tick();
        let instruments = session.read("instruments", |venue| venue.instruments())?;
        match instruments
            .into_iter()
            .find(|known| known.symbol == self.setup.symbol)
        {
            Some(known) => session.instrument = known,
            None => {
                return failed(format!(
                    "{} is not among its instruments",
                    self.setup.symbol
                ));
            }
        }
        Ok(session)
    }

    /// A client order id as the manifest allows it, new every time and the same for the same seed.
    pub(super) fn id(&self) -> String {
        let length = self.capabilities().client_order_id.max_length.min(32) as usize;
        self.id_of_length(length)
    }

    pub(super) fn id_of_length(&self, length: usize) -> String {
        let number = self.ids.get();
        self.ids.set(number + 1);
        let alphabet: &[u8] = match self.capabilities().client_order_id.charset {
            IdCharset::Digits => b"0123456789",
            IdCharset::Hex => b"0123456789abcdef",
            IdCharset::Alphanumeric => {
                b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
            }
            _ => b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_",
        };
        let mut id = String::with_capacity(length);
        let mut block = 0_u64;
        while id.len() < length {
            let mut hash = Sha256::new();
            hash.update(self.setup.seed.to_be_bytes());
            hash.update(self.test);
            hash.update(number.to_be_bytes());
            hash.update(block.to_be_bytes());
            let letters = hash.finalize();
            let letters = letters
                .iter()
                .map(|byte| alphabet[usize::from(*byte) % alphabet.len()]);
            id.extend(letters.take(length - id.len()).map(char::from));
            block += 1;
        }
        id
    }

    /// Whether orders of a type can be sent.
    pub(super) fn takes(&self, kind: OrderType) -> bool {
        self.capabilities().order_types.contains(&kind)
    }
}

/// An open plugin.
pub(super) struct Session<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) venue: PluginVenue,
    clock: Arc<RunClock>,
    pub(super) instrument: Instrument,
}

impl Session<'_> {
    /// What the simulated market trades at, and what tests take a price to be where there is none.
    pub(super) const PRICE: Decimal = Decimal::from_parts(100, 0, 0, false, 0);

    pub(super) fn now(&self) -> UnixNanos {
        self.clock.now()
    }

    pub(super) fn sleep(&self, time: Duration) {
        self.clock.sleep(time, &|| false);
    }

    /// Shows a simulated venue one more bar, a minute later.
    pub(super) fn tick(&self) {
        if !self.subject.manifest().plugin.simulated {
            return;
        }
        const MINUTE: Duration = Duration::from_secs(60);
        let open_time = self.clock.now();
        let close_time = open_time.after(MINUTE);
        self.clock.advance_to(close_time);
        let price = Self::PRICE;
        let bar = Bar {
            open_time,
            close_time,
            open: price,
            high: price + Decimal::ONE,
            low: price - Decimal::ONE,
            close: price,
            volume: Decimal::from(1_000_000_000),
        };
        let batch = BarBatch {
            instrument: self.subject.setup.symbol.clone(),
            bars: vec![bar],
        };
        // Whether bars are taken is a test of its own.
        let _ = self.venue.on_bars(&batch);
        self.venue.drain_events(&mut Vec::new());
    }

    /// A read, tried again for a while: reads may fail and do no harm.
    pub(super) fn read<T>(
        &self,
        what: &str,
        read: impl Fn(&PluginVenue) -> Answer<T>,
    ) -> Result<T, Objection> {
        let mut last = None;
        for _ in 0..TRIES {
            match read(&self.venue) {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    self.rest(&error);
                    last = Some(error);
                }
            }
        }
        let error = last.map(|error| error.to_string()).unwrap_or_default();
        failed(format!(
            "`{what}` was not answered in {TRIES} tries: {error}"
        ))
    }

    /// Waits as long as an error asks, or a little.
    fn rest(&self, error: &AdapterError) {
        self.sleep(error.retry_after().unwrap_or(Duration::from_secs(1)));
    }

    /// A quantity that is above every limit, and not by much.
    pub(super) fn quantity(&self) -> Decimal {
        let rules = &self.instrument;
        // Enough at half the price too, where resting orders are.
        let worth = rules.min_notional * Decimal::from(4) / Self::PRICE;
        let wanted = rules
            .min_quantity
            .max(worth)
            .max(rules.lot_size)
            .max(Decimal::new(1, 1));
        let whole = rules.round_quantity(wanted);
        if whole < wanted {
            whole + rules.lot_size
        } else {
            whole
        }
    }

    fn rounded(&self, price: Decimal) -> Decimal {
        (price - price % self.instrument.tick_size).max(self.instrument.tick_size)
    }

    /// An order that is filled as soon as it can be.
    pub(super) fn taker(&self, side: Side) -> NewOrder {
        let id = self.subject.id();
        let mut order = NewOrder::new(id, &self.instrument.symbol, side, self.quantity());
        if !self.subject.takes(OrderType::Market) {
            order.order_type = OrderType::Limit;
            let through = match side {
                Side::Buy => Self::PRICE + Self::PRICE,
                _ => Self::PRICE / Decimal::TWO,
            };
            order.limit_price = Some(self.rounded(through));
        }
        self.timed(order)
    }

    /// An order to buy far below the market.
    pub(super) fn maker(&self) -> Result<NewOrder, Objection> {
        if !self.subject.takes(OrderType::Limit) {
            return skipped("it does not take limit orders");
        }
        let id = self.subject.id();
        let mut order = NewOrder::new(id, &self.instrument.symbol, Side::Buy, self.quantity());
        order.order_type = OrderType::Limit;
        order.limit_price = Some(self.rounded(Self::PRICE / Decimal::TWO));
        Ok(self.timed(order))
    }

    /// With the first time in force that is claimed, and a deadline where one is enforced.
    pub(super) fn timed(&self, mut order: NewOrder) -> NewOrder {
        let claimed = &self.subject.capabilities().times_in_force;
        if !claimed.contains(&order.time_in_force) {
            order.time_in_force = claimed.first().copied().unwrap_or(TimeInForce::Gtc);
        }
        if order.time_in_force == TimeInForce::Gtd {
            order.expire_time = Some(self.now().after(Duration::from_secs(86_400)));
        }
        self.fresh(order)
    }

    /// With a deadline that lies ahead, where one is enforced.
    fn fresh(&self, mut order: NewOrder) -> NewOrder {
        if let Deadline::Enforced { max_ms, .. } = self.subject.capabilities().deadline {
            let longest = Duration::from_millis(max_ms).min(Duration::from_secs(10));
            order.deadline = Some(self.now().after(longest));
        }
        order
    }

    /// Sends an order and finds out what became of it, as the host would: what was not sent is sent again, what is
    /// unknown is asked about. A refusal is an answer.
    pub(super) fn place(&self, order: &NewOrder) -> Result<Answer<OrderReport>, Objection> {
        let mut order = self.fresh(order.clone());
        for _ in 0..TRIES {
            let error = match self.venue.place(&order) {
                Ok(report) => return Ok(Ok(report)),
                Err(error) => error,
            };
            match error.effect {
                Effect::Rejected => return Ok(Err(error)),
                Effect::NotSent if is_futile(error.kind) => return Ok(Err(error)),
                Effect::NotSent => {}
                _ => {
                    if let Some(report) = self.find(&order)? {
                        return Ok(Ok(report));
                    }
                }
            }
            self.rest(&error);
            order = self.fresh(order);
        }
        failed(format!("an order was not placed in {TRIES} tries"))
    }

    /// The order after every request about it has arrived, if it is there.
    fn find(&self, order: &NewOrder) -> Result<Option<OrderReport>, Objection> {
        self.sleep(Duration::from_secs(30));
        self.state(&order.client_order_id)
    }

    /// Places an order that has to be taken up.
    pub(super) fn taken_up(&self, order: &NewOrder) -> Result<OrderReport, Objection> {
        match self.place(order)? {
            Ok(report) => Ok(report),
            Err(error) => failed(format!("{} was refused: {error}", shown(order))),
        }
    }

    /// An order in the book.
    pub(super) fn resting(&self) -> Result<NewOrder, Objection> {
        let order = self.maker()?;
        let report = self.taken_up(&order)?;
        if report.status.is_final() {
            return skipped(format!(
                "{} does not rest: it is {}",
                shown(&order),
                report.status
            ));
        }
        Ok(order)
    }

    /// An order that is filled whole.
    pub(super) fn filled(&self) -> Result<(NewOrder, Vec<Fill>), Objection> {
        let order = self.taker(Side::Buy);
        self.taken_up(&order)?;
        for _ in 0..TRIES {
            self.tick();
            self.sleep(Duration::from_secs(2));
            let fills = self.fills_of(&order.client_order_id)?;
            let filled: Decimal = fills.iter().map(|fill| fill.quantity).sum();
            if filled >= order.quantity {
                return Ok((order, fills));
            }
        }
        skipped(format!("{} was not filled", shown(&order)))
    }

    /// All fills of an order, from the whole history.
    pub(super) fn fills_of(&self, client_order_id: &str) -> Result<Vec<Fill>, Objection> {
        let (mut fills, _) = self.fills_after(None)?;
        fills.retain(|fill| fill.client_order_id == client_order_id);
        Ok(fills)
    }

    /// The fills after a cursor, and the cursor after them.
    pub(super) fn fills_after(
        &self,
        cursor: Option<String>,
    ) -> Result<(Vec<Fill>, String), Objection> {
        let (mut fills, mut cursor) = (Vec::new(), cursor);
        loop {
            let page = self.read("fills_since", |venue| venue.fills_since(cursor.as_deref()))?;
            fills.extend(page.fills);
            if !page.more {
                return Ok((fills, page.cursor));
            }
            if cursor.as_ref() == Some(&page.cursor) {
                return failed("`fills_since` says that there is more, and its cursor stays");
            }
            cursor = Some(page.cursor);
        }
    }

    /// What the venue says about an order, asked as it can be asked, after the lag that it claims.
    pub(super) fn state(&self, client_order_id: &str) -> Result<Option<OrderReport>, Objection> {
        let capabilities = self.subject.capabilities();
        self.sleep(capabilities.visibility_lag() + Duration::from_nanos(1));
        match capabilities.query {
            Query::ByClientId { .. } => {
                let order = self.named(client_order_id);
                self.read("order", |venue| venue.order(&order))
            }
            _ => self.in_book(client_order_id),
        }
    }

    /// The order among the open ones.
    pub(super) fn in_book(&self, client_order_id: &str) -> Result<Option<OrderReport>, Objection> {
        let book = self.read("open_orders", |venue| venue.open_orders())?;
        let mut orders = book.orders.into_iter();
        Ok(orders.find(|order| order.client_order_id == client_order_id))
    }

    /// Cancels an order, as often as it takes to hear what became of it.
    pub(super) fn cancel(&self, client_order_id: &str) -> Result<Answer<OrderReport>, Objection> {
        let cancel = CancelOrder::new(self.named(client_order_id));
        for _ in 0..TRIES {
            match self.venue.cancel(&cancel) {
                Ok(report) => return Ok(Ok(report)),
                Err(error) if error.effect == Effect::Rejected || is_futile(error.kind) => {
                    return Ok(Err(error));
                }
                Err(error) => self.rest(&error),
            }
        }
        failed(format!("`cancel` was not answered in {TRIES} tries"))
    }

    pub(super) fn named(&self, client_order_id: &str) -> OrderRef {
        OrderRef::new(&self.instrument.symbol, client_order_id)
    }
}

/// Whether trying again is of no use.
const fn is_futile(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Auth
            | ErrorKind::InsufficientFunds
            | ErrorKind::InvalidOrder
            | ErrorKind::UnknownInstrument
            | ErrorKind::UnknownOrder
            | ErrorKind::DuplicateClientOrderId
            | ErrorKind::Unsupported
            | ErrorKind::Config
            | ErrorKind::Panicked
            | ErrorKind::Poisoned
            | ErrorKind::Protocol
            | ErrorKind::DeadlinePassed
    )
}

/// An order, in a message.
pub(super) fn shown(order: &NewOrder) -> String {
    let price = order
        .limit_price
        .map(|price| format!(" at {price}"))
        .unwrap_or_default();
    format!(
        "{} {} {} {}{price}, {}",
        order.order_type, order.side, order.quantity, order.instrument, order.time_in_force
    )
}
