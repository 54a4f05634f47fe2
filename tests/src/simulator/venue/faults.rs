//! How a venue and the way to it misbehave, and what its market does with an order.

use crate::simulator::oracle::Named;

/// An enum whose values have names.
macro_rules! named {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {
            $($(#[$doc])* $value,)*
        }

        impl Named for $kind {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)*
                }
            }
        }
    };
}

named! {
    /// What happens to an order on its way to the book.
    RequestFault {
        /// The connection breaks before the order arrives; nobody knows.
        Lost = "lost on the way there",
        /// The venue breaks down before it takes the order up; nobody knows.
        ServerError = "not taken up, and 500",
        /// The connection cannot be made, which is told.
        NotSent = "not sent",
        /// The venue asks for fewer requests and did not take it up.
        RateLimited = "rate limited",
        /// The venue refuses it, which is told. An earlier order of the same id lives on.
        Refused = "refused",
        /// The venue refuses it, which only the code of an unclear error tells.
        RefusedByCode = "refused by a code",
        /// It arrives later, at some [`Moment`]; the client hears nothing.
        Delayed = "delayed",
        /// The venue cannot be reached from now on, for a while.
        Outage = "the venue is out of reach",
    }
}

named! {
    /// What happens to the answer about an order that is at the venue.
    AnswerFault {
        /// It never comes.
        Lost = "lost on the way back",
        /// It says that the venue broke down.
        ServerError = "accepted, then 500",
        /// It cannot be read.
        Garbled = "garbled",
        /// It is about another order.
        WrongOrder = "about another order",
        /// It comes again, unasked.
        Doubled = "doubled",
    }
}

named! {
    /// What happens to the answer to a query about one order.
    QueryFault {
        /// There is none.
        Failed = "failed",
        /// It tells the status as it was when the order was new.
        Stale = "stale",
        /// It is about another order.
        WrongOrder = "about another order",
        /// It cannot be read.
        Garbled = "garbled",
    }
}

named! {
    /// What happens to the list of open orders.
    BookFault {
        /// There is none.
        Failed = "failed",
        /// Its end is missing, which is told.
        Incomplete = "incomplete",
        /// It has orders that are closed by now.
        Stale = "stale",
    }
}

named! {
    /// What happens to a page of fills.
    FillsFault {
        /// There is none.
        Failed = "failed",
        /// It begins with the fill before it, which was told already.
        Doubled = "doubled",
        /// What is new is not in it yet.
        Late = "late",
    }
}

named! {
    /// What happens to a cancel.
    CancelFault {
        /// It never arrives.
        Lost = "lost on the way there",
        /// It is done, and the answer never comes.
        AnswerLost = "lost on the way back",
    }
}

named! {
    /// What happens to what the venue tells unasked.
    EventFault {
        /// It never comes, which is counted.
        Dropped = "dropped",
        /// All of it comes twice.
        Doubled = "doubled",
    }
}

named! {
    /// When a delayed order arrives. Which moments there can be depends on the venue.
    Moment {
        /// At T + δ: the last at which a venue that enforces deadlines accepts it.
        LastMoment = "at T + skew",
        /// A nanosecond later.
        TooLate = "just after T + skew",
        /// At T.
        AtDeadline = "at T",
        /// A millisecond after it was sent.
        Soon = "soon",
        /// Λ after it was sent, and a nanosecond: when a client that waited for Λ has asked.
        AfterTheLag = "after the lag",
        /// An hour after it was sent.
        MuchLater = "an hour later",
        /// Half of the venue's memory of client order ids after it was sent.
        HalfWindow = "after half of the window",
    }
}

named! {
    /// What the market does with an accepted order. None of it is a fault.
    Life {
        /// It is filled when it arrives.
        FilledAtOnce = "filled at once",
        /// It is filled after a while.
        FilledLater = "filled later",
        /// Half of it is filled when it arrives, the rest after a while.
        FilledInParts = "filled in parts",
        /// The venue takes it out of the book after a while. Where it neither answers about closed orders
        /// nor tells unasked, no client hears of that.
        Cancelled = "cancelled by the venue",
        /// Half of it is filled when it arrives, the rest is cancelled at once.
        HalfCancelled = "half filled, half cancelled",
    }
}

named! {
    /// How a venue that knows the client order id already says so. None of it is a fault.
    DuplicateAnswer {
        /// With the order that it has.
        TheOrder = "with the order",
        /// With a refusal of the second.
        Refusal = "with a refusal",
    }
}

/// What can happen at a venue in one search.
#[derive(Clone, Debug)]
pub struct Menu {
    /// To orders on their way.
    pub requests: &'static [RequestFault],
    /// To the answers about them.
    pub answers: &'static [AnswerFault],
    /// To queries.
    pub queries: &'static [QueryFault],
    /// To lists of open orders.
    pub books: &'static [BookFault],
    /// To questions about the account; only [`BookFault::Failed`] can.
    pub accounts: &'static [BookFault],
    /// To pages of fills.
    pub fills: &'static [FillsFault],
    /// To cancels.
    pub cancels: &'static [CancelFault],
    /// To events.
    pub events: &'static [EventFault],
    /// When delayed orders arrive.
    pub moments: &'static [Moment],
    /// What the market does; at least one.
    pub lives: &'static [Life],
    /// Whether the venue tells unasked what happens to orders.
    pub pushes: bool,
    /// Whether reports about orders bring their fills along.
    pub fills_in_reports: bool,
}

impl Menu {
    /// Everything.
    pub const FULL: Self = Self {
        requests: &[
            RequestFault::Lost,
            RequestFault::ServerError,
            RequestFault::NotSent,
            RequestFault::RateLimited,
            RequestFault::Refused,
            RequestFault::RefusedByCode,
            RequestFault::Delayed,
            RequestFault::Outage,
        ],
        answers: &[
            AnswerFault::Lost,
            AnswerFault::ServerError,
            AnswerFault::Garbled,
            AnswerFault::WrongOrder,
            AnswerFault::Doubled,
        ],
        queries: &[
            QueryFault::Failed,
            QueryFault::Stale,
            QueryFault::WrongOrder,
            QueryFault::Garbled,
        ],
        books: &[BookFault::Failed, BookFault::Incomplete, BookFault::Stale],
        accounts: &[BookFault::Failed],
        fills: &[FillsFault::Failed, FillsFault::Doubled, FillsFault::Late],
        cancels: &[CancelFault::Lost, CancelFault::AnswerLost],
        events: &[EventFault::Dropped, EventFault::Doubled],
        moments: &[
            Moment::LastMoment,
            Moment::TooLate,
            Moment::AtDeadline,
            Moment::Soon,
            Moment::AfterTheLag,
            Moment::MuchLater,
            Moment::HalfWindow,
        ],
        lives: &[
            Life::FilledAtOnce,
            Life::FilledLater,
            Life::FilledInParts,
            Life::Cancelled,
            Life::HalfCancelled,
        ],
        pushes: true,
        fills_in_reports: true,
    };

    /// One of each kind that leads a client elsewhere, for trees that are walked whole.
    pub const SMALL: Self = Self {
        requests: &[
            RequestFault::Lost,
            RequestFault::NotSent,
            RequestFault::Refused,
            RequestFault::Delayed,
        ],
        answers: &[AnswerFault::Lost],
        queries: &[QueryFault::Failed],
        books: &[BookFault::Failed, BookFault::Incomplete],
        accounts: &[],
        fills: &[FillsFault::Failed],
        cancels: &[CancelFault::AnswerLost],
        events: &[],
        moments: &[
            Moment::LastMoment,
            Moment::TooLate,
            Moment::AfterTheLag,
            Moment::MuchLater,
            Moment::HalfWindow,
        ],
        lives: &[Life::FilledAtOnce],
        pushes: false,
        fills_in_reports: false,
    };
}
