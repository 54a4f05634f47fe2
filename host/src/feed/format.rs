//! The formats bars come in.

/// A format of bars, recognised by what is in the file and never by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarFormat {
    /// `timestamp,open,high,low,close,volume` with RFC 3339 times.
    Csv,
    /// The same with times in seconds, milliseconds, microseconds or nanoseconds since 1970.
    EpochCsv,
    /// A venue's klines: 12 columns, with or without a header.
    BinanceKlines,
    /// `Date,Open,High,Low,Close,Adj Close,Volume` and its relatives.
    Yahoo,
    /// `[[ms, open, high, low, close, volume], ...]`.
    CcxtJson,
}

impl BarFormat {
    pub(super) const EXAMPLE: &'static str = "`timestamp,open,high,low,close,volume` and then `2020-01-02T00:00:00Z,1.0,1.5,0.5,1.2,100`";
    pub(super) const KNOWN: &'static str = "known are CSV with a header (timestamp, open, high, low, close, volume), \
         CSV without one in that order, and JSON arrays [[ms, open, high, low, close, volume], ...]";

    /// The name used in messages and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::EpochCsv => "epoch-csv",
            Self::BinanceKlines => "binance-klines",
            Self::Yahoo => "yahoo-csv",
            Self::CcxtJson => "ccxt-json",
        }
    }
}

impl std::fmt::Display for BarFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
