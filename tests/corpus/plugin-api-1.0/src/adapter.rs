//! The trait that an adapter implements.

use std::collections::BTreeMap;
use std::path::PathBuf;

use minicbor::{Decode, Encode};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::error::{AdapterError, ErrorKind};
use crate::host::{Call, Host};
use crate::market::{Bar, BarBatch, BarsQuery, Instrument, Ticker};
use crate::order::{AmendOrder, CancelOrder, NewOrder, OrderRef};
use crate::report::{Balance, FillsPage, Health, OpenOrders, OrderReport, Position};
use crate::time::UnixNanos;

/// What an answer of an adapter is.
pub type Answer<T> = Result<T, AdapterError>;

/// What the host gives an adapter when it opens it.
#[derive(Debug)]
#[non_exhaustive]
pub struct OpenParams {
    /// A directory for whatever the adapter wants to keep; a simulated venue's ledger goes here.
    /// `None` if nothing is to be kept.
    pub data_dir: Option<PathBuf>,
    /// The run's seed: everything random in a simulated venue is drawn from it.
    pub seed: u64,
    /// The symbols that the run trades.
    pub instruments: Vec<String>,
    config: String,
    secrets: BTreeMap<String, SecretString>,
}

impl OpenParams {
    /// Parameters with the given configuration, a JSON object; for the host, and for adapters' tests.
    pub fn new(config: impl Into<String>) -> Self {
        Self {
            data_dir: None,
            seed: 0,
            instruments: Vec::new(),
            config: config.into(),
            secrets: BTreeMap::new(),
        }
    }

    /// Adds a secret under its environment name.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.secrets.insert(name.into(), value);
        self
    }

    /// The adapter's configuration. The host has checked it against the manifest's `config` schema and
    /// filled in the defaults: every key is there. Decimals are strings.
    pub fn config<T: DeserializeOwned>(&self) -> Answer<T> {
        serde_json::from_str(&self.config)
            .map_err(|e| AdapterError::not_sent(ErrorKind::Config, format!("configuration: {e}")))
    }

    /// A secret that the manifest asked for, by its environment name.
    pub fn secret(&self, name: &str) -> Answer<&SecretString> {
        self.secrets.get(name).ok_or_else(|| {
            AdapterError::not_sent(
                ErrorKind::Config,
                format!("secret {name} was not given; is it in the manifest's [[secrets]]?"),
            )
        })
    }

    /// All secrets that were given, by their environment names; for an adapter that does not know its own manifest.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.secrets
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// As bytes for the boundary. The secrets are in them: send them nowhere else.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        use secrecy::ExposeSecret as _;
        crate::codec::to_vec(&WireParams {
            data_dir: self
                .data_dir
                .as_ref()
                .map(|p| p.to_string_lossy().into_owned()),
            seed: self.seed,
            instruments: self.instruments.clone(),
            config: self.config.clone(),
            secrets: self
                .secrets
                .iter()
                .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
                .collect(),
        })
    }

    /// From the bytes of [`to_bytes`](Self::to_bytes).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let wire: WireParams = crate::codec::from_slice(bytes)?;
        Ok(Self {
            data_dir: wire.data_dir.map(PathBuf::from),
            seed: wire.seed,
            instruments: wire.instruments,
            config: wire.config,
            secrets: wire
                .secrets
                .into_iter()
                .map(|(n, v)| (n, v.into()))
                .collect(),
        })
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct WireParams {
    #[n(0)]
    data_dir: Option<String>,
    #[n(1)]
    seed: u64,
    #[n(2)]
    instruments: Vec<String>,
    #[n(3)]
    config: String,
    #[n(4)]
    secrets: BTreeMap<String, String>,
}

/// An exchange adapter: speaks to one venue on behalf of the host.
///
/// Every method may be called from any thread, several at once. None may be called before `open`
/// returned or after the adapter was dropped; `shutdown` is called once, last. A method that panics
/// answers with an error, and the host enters the adapter no more.
///
/// Writes (`place`, `place_batch`, `cancel`, `cancel_all`, `amend`) are sent to the venue **at most
/// once a call**: no retries inside, no resend after a reconnect. Reads may be retried inside, though
/// the host does so too.
///
/// Methods with a body are optional: as they stand they answer
/// [`ErrorKind::Unsupported`]. A method that a later minor version adds always has a body.
pub trait Adapter: Sized + Send + Sync + 'static {
    /// Connects. Checks what the manifest cannot express, and fails with
    /// [`ErrorKind::Config`] or [`ErrorKind::Auth`] and a text that says which key to change.
    fn open(host: Host, params: OpenParams) -> Answer<Self>;

    /// The instruments that can be traded, with their rules.
    fn instruments(&self, call: &Call<'_>) -> Answer<Vec<Instrument>>;

    /// What the account holds, by currency.
    fn balances(&self, call: &Call<'_>) -> Answer<Vec<Balance>>;

    /// What the account holds, by instrument. Empty where the venue has balances only.
    fn positions(&self, call: &Call<'_>) -> Answer<Vec<Position>>;

    /// Sends one order and answers what the venue said: the report of an order that is in the book
    /// (or was filled at once), or an error whose [`effect`](crate::Effect) says whether the order may live.
    fn place(&self, call: &Call<'_>, order: &NewOrder) -> Answer<OrderReport>;

    /// Takes an order out of the book and answers its state afterwards. An order that is already final
    /// is no error: answer its report.
    fn cancel(&self, call: &Call<'_>, cancel: &CancelOrder) -> Answer<OrderReport>;

    /// Looks an order up by client order id or venue id; `None` if the venue answered that it does not
    /// know it. A failed or partial look-up is an error, never `None`.
    fn order(&self, call: &Call<'_>, order: &OrderRef) -> Answer<Option<OrderReport>>;

    /// All open orders of the account.
    fn open_orders(&self, call: &Call<'_>) -> Answer<OpenOrders>;

    /// Fills after `cursor`, oldest first; from the beginning of the account's history for `None`.
    fn fills_since(&self, call: &Call<'_>, cursor: Option<&str>) -> Answer<FillsPage>;

    /// Whether orders can be sent now.
    fn health(&self, call: &Call<'_>) -> Answer<Health>;

    /// Ends the session: close connections, flush what must be kept. Open orders stay in the book.
    fn shutdown(&self, call: &Call<'_>) -> Answer<()>;

    /// Sends several orders in one request; one answer an order, in the same order.
    fn place_batch(
        &self,
        _call: &Call<'_>,
        _orders: &[NewOrder],
    ) -> Answer<Vec<Answer<OrderReport>>> {
        Err(AdapterError::unsupported("place_batch"))
    }

    /// Changes an open order in place and answers its state afterwards.
    fn amend(&self, _call: &Call<'_>, _amend: &AmendOrder) -> Answer<OrderReport> {
        Err(AdapterError::unsupported("amend"))
    }

    /// Cancels every open order of an instrument, or of the account for `None`.
    fn cancel_all(&self, _call: &Call<'_>, _instrument: Option<&str>) -> Answer<Vec<OrderReport>> {
        Err(AdapterError::unsupported("cancel_all"))
    }

    /// For simulated venues: the market that happened since the last call, oldest bar first. Executions
    /// are told with [`Host::event`] before this returns.
    fn on_bars(&self, _call: &Call<'_>, _bars: &BarBatch) -> Answer<()> {
        Err(AdapterError::unsupported("on_bars"))
    }

    /// Historical bars, oldest first.
    fn bars(&self, _call: &Call<'_>, _query: &BarsQuery) -> Answer<Vec<Bar>> {
        Err(AdapterError::unsupported("bars"))
    }

    /// The best prices now.
    fn ticker(&self, _call: &Call<'_>, _instrument: &str) -> Answer<Ticker> {
        Err(AdapterError::unsupported("ticker"))
    }

    /// The venue's clock.
    fn server_time(&self, _call: &Call<'_>) -> Answer<UnixNanos> {
        Err(AdapterError::unsupported("server_time"))
    }
}
