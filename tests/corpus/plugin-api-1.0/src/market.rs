//! Instruments, bars and prices.

use minicbor::{Decode, Encode};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::time::UnixNanos;

/// A tradable instrument and the venue's rules for it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct Instrument {
    /// The symbol, `BASE/QUOTE`: `BTC/USD`.
    #[n(0)]
    pub symbol: String,
    /// The currency or asset that quantities are in.
    #[n(1)]
    pub base: String,
    /// The currency that prices, fees and profits are in.
    #[n(2)]
    pub quote: String,
    /// Prices are multiples of this; above 0.
    #[cbor(n(3), with = "codec::decimal")]
    pub tick_size: Decimal,
    /// Quantities are multiples of this; above 0.
    #[cbor(n(4), with = "codec::decimal")]
    pub lot_size: Decimal,
    /// The smallest quantity of an order.
    #[cbor(n(5), with = "codec::decimal")]
    pub min_quantity: Decimal,
    /// The smallest price times quantity of an order, in quote currency.
    #[cbor(n(6), with = "codec::decimal")]
    pub min_notional: Decimal,
    /// The largest quantity of an order.
    #[cbor(n(7), with = "codec::decimal::optional", has_nil)]
    pub max_quantity: Option<Decimal>,
}

impl Instrument {
    /// An instrument with the given rules. `symbol` is `BASE/QUOTE`; without a slash the quote is `USD`.
    pub fn new(symbol: impl Into<String>, tick_size: Decimal, lot_size: Decimal) -> Self {
        let symbol = symbol.into();
        let (base, quote) = symbol.split_once('/').unwrap_or((&symbol, "USD"));
        Self {
            base: base.to_owned(),
            quote: quote.to_owned(),
            tick_size,
            lot_size,
            min_quantity: lot_size,
            min_notional: Decimal::ZERO,
            max_quantity: None,
            symbol,
        }
    }

    /// Sets the smallest notional, in quote currency.
    #[must_use]
    pub fn with_min_notional(mut self, min_notional: Decimal) -> Self {
        self.min_notional = min_notional;
        self
    }

    /// The largest multiple of the lot size that is not above `quantity`.
    #[must_use]
    pub fn round_quantity(&self, quantity: Decimal) -> Decimal {
        quantity - quantity % self.lot_size
    }
}

/// One OHLCV candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// When the bar began.
    pub open_time: UnixNanos,
    /// When it was complete: the first moment at which anybody may know it.
    pub close_time: UnixNanos,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Traded quantity, in base units.
    pub volume: Decimal,
}

/// Bars cross the boundary by the million, so they are arrays and not maps; a later field goes at the end.
impl<C> Encode<C> for Bar {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        codec::short::write_bar(self, e)
    }
}

impl<'b, C> Decode<'b, C> for Bar {
    fn decode(d: &mut minicbor::Decoder<'b>, cx: &mut C) -> Result<Self, minicbor::decode::Error> {
        if let Some(bar) = codec::short::read_bar(d) {
            return Ok(bar);
        }
        let fields = d.array()?.unwrap_or(0);
        if fields < 7 {
            return Err(minicbor::decode::Error::message(
                "a bar has at least 7 fields",
            ));
        }
        let bar = Self {
            open_time: UnixNanos(d.i64()?),
            close_time: UnixNanos(d.i64()?),
            open: codec::decimal::decode(d, cx)?,
            high: codec::decimal::decode(d, cx)?,
            low: codec::decimal::decode(d, cx)?,
            close: codec::decimal::decode(d, cx)?,
            volume: codec::decimal::decode(d, cx)?,
        };
        for _ in 7..fields {
            d.skip()?;
        }
        Ok(bar)
    }
}

/// Consecutive bars of one instrument, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
pub struct BarBatch {
    /// The instrument's symbol.
    #[n(0)]
    pub instrument: String,
    /// The bars.
    #[cbor(n(1), decode_with = "codec::short::read_bars")]
    pub bars: Vec<Bar>,
}

/// Asks for historical bars.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
pub struct BarsQuery {
    /// The instrument's symbol.
    #[n(0)]
    pub instrument: String,
    /// Length of a bar, in nanoseconds.
    #[n(1)]
    pub interval_ns: i64,
    /// Bars that open at or after this.
    #[n(2)]
    pub from: UnixNanos,
    /// Bars that open before this.
    #[n(3)]
    pub to: UnixNanos,
}

/// The best prices now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[non_exhaustive]
pub struct Ticker {
    /// The instrument's symbol.
    #[n(0)]
    pub instrument: String,
    /// Best bid.
    #[cbor(n(1), with = "codec::decimal::optional", has_nil)]
    pub bid: Option<Decimal>,
    /// Best ask.
    #[cbor(n(2), with = "codec::decimal::optional", has_nil)]
    pub ask: Option<Decimal>,
    /// Last traded price.
    #[cbor(n(3), with = "codec::decimal::optional", has_nil)]
    pub last: Option<Decimal>,
    /// The venue's time of it.
    #[n(4)]
    pub time: UnixNanos,
}

impl Ticker {
    /// A ticker without prices yet.
    pub fn new(instrument: impl Into<String>, time: UnixNanos) -> Self {
        Self {
            instrument: instrument.into(),
            bid: None,
            ask: None,
            last: None,
            time,
        }
    }
}
