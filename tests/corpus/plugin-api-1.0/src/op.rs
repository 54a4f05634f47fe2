//! The operations: their names on the wire and the frame that a request travels in.

use minicbor::{Decode, Encode};

use crate::time::UnixNanos;

/// Everything a host can ask of an adapter.
///
/// A name, once published, keeps its meaning for all of major version 1. An adapter answers a name it
/// does not know with [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// The instruments of the venue.
    Instruments,
    /// The account's balances.
    Balances,
    /// The account's positions.
    Positions,
    /// Sends a new order.
    Place,
    /// Sends several new orders.
    PlaceBatch,
    /// Cancels an order.
    Cancel,
    /// Cancels every order of an instrument.
    CancelAll,
    /// Changes an order.
    Amend,
    /// Looks one order up.
    Order,
    /// All open orders.
    OpenOrders,
    /// Fills after a cursor.
    FillsSince,
    /// How the adapter is.
    Health,
    /// Ends the session.
    Shutdown,
    /// Shows bars to a simulated venue.
    OnBars,
    /// Historical bars.
    Bars,
    /// Best prices.
    Ticker,
    /// The venue's clock.
    ServerTime,
}

impl Operation {
    /// Every operation of this API version.
    pub const ALL: &'static [Self] = &[
        Self::Instruments,
        Self::Balances,
        Self::Positions,
        Self::Place,
        Self::PlaceBatch,
        Self::Cancel,
        Self::CancelAll,
        Self::Amend,
        Self::Order,
        Self::OpenOrders,
        Self::FillsSince,
        Self::Health,
        Self::Shutdown,
        Self::OnBars,
        Self::Bars,
        Self::Ticker,
        Self::ServerTime,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instruments => "instruments",
            Self::Balances => "balances",
            Self::Positions => "positions",
            Self::Place => "place",
            Self::PlaceBatch => "place_batch",
            Self::Cancel => "cancel",
            Self::CancelAll => "cancel_all",
            Self::Amend => "amend",
            Self::Order => "order",
            Self::OpenOrders => "open_orders",
            Self::FillsSince => "fills_since",
            Self::Health => "health",
            Self::Shutdown => "shutdown",
            Self::OnBars => "on_bars",
            Self::Bars => "bars",
            Self::Ticker => "ticker",
            Self::ServerTime => "server_time",
        }
    }

    /// The operation of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.as_str() == name)
    }

    /// Whether the operation can change something at the venue. A failure in the middle of a write
    /// leaves its effect unknown.
    #[must_use]
    pub const fn is_write(self) -> bool {
        matches!(
            self,
            Self::Place | Self::PlaceBatch | Self::Cancel | Self::CancelAll | Self::Amend
        )
    }

    /// For a command: how many fields each of its values has in this API version. The author's side
    /// refuses a command that carries a later one.
    #[must_use]
    pub const fn strict_fields(self) -> Option<u64> {
        match self {
            Self::Place | Self::PlaceBatch => Some(12),
            Self::Amend => Some(3),
            Self::Cancel => Some(1),
            _ => None,
        }
    }
}

/// What goes with every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CallHeader {
    /// Names this call among those in flight; never 0.
    #[n(0)]
    pub call_id: u64,
    /// When the host stops waiting for the answer.
    #[n(1)]
    pub deadline: Option<UnixNanos>,
}

/// A request: the header, then the operation's own value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<T> {
    /// The header.
    pub header: CallHeader,
    /// The operation's value.
    pub body: T,
}

/// Always an array of two. A derived one would leave out a body that is `None`.
impl<C, T: Encode<C>> Encode<C> for Frame<T> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        cx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(2)?
            .encode_with(self.header, cx)?
            .encode_with(&self.body, cx)?;
        Ok(())
    }
}

impl<'b, C, T: Decode<'b, C>> Decode<'b, C> for Frame<T> {
    fn decode(d: &mut minicbor::Decoder<'b>, cx: &mut C) -> Result<Self, minicbor::decode::Error> {
        if d.array()? != Some(2) {
            return Err(minicbor::decode::Error::message(
                "a request is an array of header and body",
            ));
        }
        Ok(Self {
            header: d.decode_with(cx)?,
            body: d.decode_with(cx)?,
        })
    }
}

/// The value of an operation that takes or gives nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Empty {}

/// What an adapter can ask of its host.
pub mod host_op {
    /// A [`LogRecord`](crate::host::LogRecord) for the host's log.
    pub const LOG: &str = "log";
    /// A [`VenueEvent`](crate::VenueEvent).
    pub const EVENT: &str = "event";
    /// The host's clock; the answer is a [`UnixNanos`](crate::UnixNanos).
    pub const NOW: &str = "now";
    /// Waits as long as the number of nanoseconds says; false if the call was cancelled meanwhile.
    pub const SLEEP: &str = "sleep";
    /// Whether the call with this id is cancelled.
    pub const IS_CANCELLED: &str = "is_cancelled";
}
