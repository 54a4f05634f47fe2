//! Finds out what a venue did not tell: fills whose report was lost, orders that ended in silence.
//!
//! What is learned goes to the core as reports of the venue. An answer that fails, is incomplete or
//! does not know an order proves nothing, and changes nothing.

use std::time::Duration;

use investbot_plugin_api::{AdapterError, ErrorKind, Fill, OrderRef, OrderReport, UnixNanos};

use crate::plugin::{Answer, Venue};

/// What a look found.
#[derive(Debug, Default)]
pub struct Found {
    /// Fills since the last look, known ones among them.
    pub fills: Vec<Fill>,
    /// Orders that are no longer in the book.
    pub orders: Vec<OrderReport>,
    /// Why something could not be seen.
    pub failed: Option<AdapterError>,
}

impl Found {
    /// Notes why something could not be seen. What a venue cannot be asked is nothing that could be.
    fn miss(&mut self, error: AdapterError) {
        if error.kind == ErrorKind::Unsupported {
            return;
        }
        tracing::debug!(%error, "the venue could not be looked at; the next look goes on");
        self.failed = Some(error);
    }
}

/// How much a look asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoroughness {
    /// New fills every time, the book now and then.
    Usual,
    /// The book as well.
    Book,
}

/// Looks after open orders.
#[derive(Debug, Default)]
pub struct Watch {
    cursor: Option<String>,
    /// The last cursor that was given to be noted.
    noted: Option<String>,
    /// Of what the venue told, that which has yet to happen.
    ahead: Found,
    looks: u64,
    /// How many fills the books had at the last look.
    seen: u64,
    last_look: Option<UnixNanos>,
}

impl Watch {
    /// How many looks at the fills go by between two looks at the book.
    const BOOK_EVERY: u64 = 8;

    /// How many pages of fills one look reads at most; the next look goes on.
    const MAX_PAGES: usize = 1000;

    /// How many fills may be told before they are read once more; far below what the core remembers.
    const TOLD_AT_MOST: u64 = 1000;

    /// How long a silent venue is left in peace: a look costs requests, which venues count.
    const PEACE: Duration = Duration::from_secs(2);

    /// A watch that begins after the fills that are there now.
    pub fn from_now(venue: &dyn Venue) -> Answer<Self> {
        let mut watch = Self::default();
        watch.read_fills(venue, &mut Vec::new())?;
        Ok(watch)
    }

    /// A watch that goes on after the fills that are known.
    #[must_use]
    pub fn after(cursor: Option<String>) -> Self {
        Self {
            noted: cursor.clone(),
            cursor,
            ..Self::default()
        }
    }

    /// The fills after a cursor; of a venue that has more than a look reads, the first.
    pub fn read_since(venue: &dyn Venue, cursor: Option<String>) -> Answer<Vec<Fill>> {
        let mut fills = Vec::new();
        Self::after(cursor).read_fills(venue, &mut fills)?;
        Ok(fills)
    }

    /// Whether the venue told of what has yet to happen.
    #[must_use]
    pub const fn is_ahead(&self) -> bool {
        !self.ahead.fills.is_empty()
    }

    /// Up to where the fills are known, if that is news. What has yet to happen is not known.
    pub fn news(&mut self) -> Option<String> {
        if !self.ahead.fills.is_empty() || self.cursor == self.noted {
            return None;
        }
        self.noted.clone_from(&self.cursor);
        self.noted.clone()
    }

    /// Whether it is time to look again while nothing else happens.
    #[must_use]
    pub fn is_due(&self, now: UnixNanos) -> bool {
        self.last_look
            .is_none_or(|last| now.since(last) >= Self::PEACE)
    }

    /// Whether so many fills were told since the last look that it is time to note where that is: the core
    /// does not remember for ever what it was told.
    #[must_use]
    pub const fn is_behind(&self, fills: u64) -> bool {
        fills.saturating_sub(self.seen) >= Self::TOLD_AT_MOST
    }

    /// Notes how many fills the books have.
    pub const fn note_seen(&mut self, fills: u64) {
        self.seen = fills;
    }

    /// Looks at what happened to `open`, the orders that should be in the book. What happens after
    /// `until` is kept for a later look: a simulated venue can be ahead of a run that was interrupted.
    pub fn look<'a>(
        &mut self,
        venue: &dyn Venue,
        thoroughness: Thoroughness,
        now: UnixNanos,
        until: Option<UnixNanos>,
        open: impl FnOnce() -> Vec<OrderRef> + 'a,
    ) -> Found {
        self.looks += 1;
        self.last_look = Some(now);
        let mut found = std::mem::take(&mut self.ahead);
        if let Err(error) = self.read_fills(venue, &mut found.fills) {
            found.miss(error);
        }
        let book_is_due = self.looks.is_multiple_of(Self::BOOK_EVERY);
        if book_is_due || thoroughness == Thoroughness::Book {
            look_at_book(venue, &open(), &mut found);
        }
        if let Some(until) = until {
            self.ahead.fills = found
                .fills
                .extract_if(.., |fill| fill.time > until)
                .collect();
            // Asked again when its time has come.
            found.orders.retain(|report| report.time <= until);
        }
        found
    }

    /// Reads on from the cursor to the last fill.
    fn read_fills(&mut self, venue: &dyn Venue, fills: &mut Vec<Fill>) -> Answer<()> {
        for _ in 0..Self::MAX_PAGES {
            let page = venue.fills_since(self.cursor.as_deref())?;
            fills.extend(page.fills);
            self.cursor = Some(page.cursor);
            if !page.more {
                break;
            }
        }
        Ok(())
    }
}

/// Finds the orders that should be in the book and are not.
fn look_at_book(venue: &dyn Venue, open: &[OrderRef], found: &mut Found) {
    let book = match venue.open_orders() {
        Ok(book) if book.complete => book,
        Ok(_) => {
            let text = "the venue's list of open orders was not complete";
            return found.miss(AdapterError::not_sent(ErrorKind::Protocol, text));
        }
        Err(error) => return found.miss(error),
    };
    let in_book = |order: &OrderRef| {
        book.orders
            .iter()
            .any(|report| report.client_order_id == order.client_order_id)
    };
    for order in open.iter().filter(|order| !in_book(order)) {
        match venue.order(order) {
            Ok(report) => found.orders.extend(report),
            Err(error) => found.miss(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use investbot_plugin_api::{NewOrder, OpenOrders};

    use super::super::testing::{Behaviour, TestVenue};
    use super::*;

    /// A venue that answers about its book as a test says.
    struct Book(fn() -> Answer<OpenOrders>);

    impl Behaviour for Book {
        fn place(&self, _: &NewOrder) -> Answer<OrderReport> {
            Err(AdapterError::unsupported("place"))
        }

        fn open_orders(&self) -> Answer<OpenOrders> {
            (self.0)()
        }
    }

    fn missed(book: fn() -> Answer<OpenOrders>) -> Option<ErrorKind> {
        let open = || vec![OrderRef::new("BTC/USD", "1")];
        let venue = TestVenue(Book(book));
        let mut watch = Watch::default();
        let found = watch.look(&venue, Thoroughness::Book, UnixNanos(0), None, open);
        found.failed.map(|error| error.kind)
    }

    /// The last look of a run took a list that was cut short for an answer, and looked no more.
    #[test]
    fn a_list_that_is_not_complete_is_no_answer() {
        assert_eq!(missed(|| Ok(OpenOrders::complete(Vec::new()))), None);
        assert_eq!(
            missed(|| Ok(OpenOrders::default())),
            Some(ErrorKind::Protocol)
        );
    }

    /// A venue of class E has no book that could be asked for: a run must not wait for its answer at the end.
    #[test]
    fn what_cannot_be_asked_is_not_missed() {
        assert_eq!(
            missed(|| Err(AdapterError::unsupported("open_orders"))),
            None
        );
    }
}
