//! What a client gets wrong.

/// What can be wrong with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The attempt is synced after the send.
    SendBeforeSync,
    /// The attempt is not recorded.
    NoAttempt,
    /// What nobody knows about is sent again, to every venue.
    BlindResend,
    /// No answer is taken for a refusal.
    TimeoutMeansRejected,
    /// An order that a query does not find is taken for absent, whatever that proves.
    NotFoundMeansAbsent,
    /// The query comes before the deadline is over.
    QueryTooEarly,
    /// The query comes when the deadline is over, but not the lag.
    NoLagWait,
    /// The query comes at the last moment at which it may miss the order.
    EdgeOfTheLag,
    /// The next attempt is made without recording that the last is absent.
    NextBeforeAbsent,
    /// A refusal of an order that was sent again is taken for one of the order.
    RefusedWhileInDoubt,
    /// When no query succeeds the order is called refused.
    GivingUpMeansRejected,
    /// Nobody is told of a held order.
    SilentHold,
    /// After a crash a settled order is sent again.
    ForgetsOutcomes,
    /// What is final is shown before it is durable.
    ShownBeforeDurable,
    /// A fill that is told twice is booked twice.
    FillsBookedTwice,
    /// An answer about another order is believed.
    BelievesAnyAnswer,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::SendBeforeSync,
        Self::NoAttempt,
        Self::BlindResend,
        Self::TimeoutMeansRejected,
        Self::NotFoundMeansAbsent,
        Self::QueryTooEarly,
        Self::NoLagWait,
        Self::EdgeOfTheLag,
        Self::NextBeforeAbsent,
        Self::RefusedWhileInDoubt,
        Self::GivingUpMeansRejected,
        Self::SilentHold,
        Self::ForgetsOutcomes,
        Self::ShownBeforeDurable,
        Self::FillsBookedTwice,
        Self::BelievesAnyAnswer,
    ];
}
