//! Why an intent was denied: stable codes for scripts, and the words for people.

use std::fmt;

/// A reason to deny an intent. The codes never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DenialCode {
    /// The parameters make no order: a limit order without a price, a quantity that is not above 0.
    InvalidOrder,
    /// The venue does not take orders of this type.
    UnsupportedOrderType,
    /// The venue does not know this time in force.
    UnsupportedTimeInForce,
    /// The venue does not honour `post_only` or `reduce_only`.
    UnsupportedField,
    /// The venue does not trade this instrument.
    UnknownInstrument,
    /// The instrument is not quoted in the currency that the account is kept in.
    QuoteCurrency,
    /// A price is not a multiple of the instrument's tick size.
    PriceTick,
    /// The quantity is not a multiple of the instrument's lot size.
    LotSize,
    /// The quantity is below the instrument's smallest.
    MinQuantity,
    /// The quantity is above the instrument's largest.
    MaxQuantity,
    /// Price times quantity is below the instrument's smallest.
    MinNotional,
    /// The quantity is above the run's limit for one order.
    MaxOrderQuantity,
    /// Price times quantity is above the run's limit for one order.
    MaxOrderNotional,
    /// With every open order on this side filled, the position would be above the run's limit.
    MaxPosition,
    /// A price is too far from the last known one.
    PriceBand,
    /// A limit needs the last known price, and there is none yet.
    NoReferencePrice,
    /// Too many orders in the last minute.
    MaxOrdersPerMinute,
    /// An order of this instrument is in doubt or held.
    InDoubt,
    /// The run was halted.
    Halted,
    /// Another order of this run has the client order id.
    ClientOrderIdTaken,
}

impl DenialCode {
    /// Every code.
    pub const ALL: [Self; 20] = [
        Self::InvalidOrder,
        Self::UnsupportedOrderType,
        Self::UnsupportedTimeInForce,
        Self::UnsupportedField,
        Self::UnknownInstrument,
        Self::QuoteCurrency,
        Self::PriceTick,
        Self::LotSize,
        Self::MinQuantity,
        Self::MaxQuantity,
        Self::MinNotional,
        Self::MaxOrderQuantity,
        Self::MaxOrderNotional,
        Self::MaxPosition,
        Self::PriceBand,
        Self::NoReferencePrice,
        Self::MaxOrdersPerMinute,
        Self::InDoubt,
        Self::Halted,
        Self::ClientOrderIdTaken,
    ];

    /// The code as it stands in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidOrder => "INVALID_ORDER",
            Self::UnsupportedOrderType => "UNSUPPORTED_ORDER_TYPE",
            Self::UnsupportedTimeInForce => "UNSUPPORTED_TIME_IN_FORCE",
            Self::UnsupportedField => "UNSUPPORTED_FIELD",
            Self::UnknownInstrument => "UNKNOWN_INSTRUMENT",
            Self::QuoteCurrency => "QUOTE_CURRENCY",
            Self::PriceTick => "PRICE_TICK",
            Self::LotSize => "LOT_SIZE",
            Self::MinQuantity => "MIN_QUANTITY",
            Self::MaxQuantity => "MAX_QUANTITY",
            Self::MinNotional => "MIN_NOTIONAL",
            Self::MaxOrderQuantity => "MAX_ORDER_QUANTITY",
            Self::MaxOrderNotional => "MAX_ORDER_NOTIONAL",
            Self::MaxPosition => "MAX_POSITION",
            Self::PriceBand => "PRICE_BAND",
            Self::NoReferencePrice => "NO_REFERENCE_PRICE",
            Self::MaxOrdersPerMinute => "MAX_ORDERS_PER_MINUTE",
            Self::InDoubt => "IN_DOUBT",
            Self::Halted => "HALTED",
            Self::ClientOrderIdTaken => "CLIENT_ORDER_ID_TAKEN",
        }
    }
}

impl fmt::Display for DenialCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A denied intent's reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The stable code.
    pub code: DenialCode,
    /// What was found and what was expected.
    pub text: String,
}

impl Denial {
    /// A denial.
    pub fn new(code: DenialCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}
