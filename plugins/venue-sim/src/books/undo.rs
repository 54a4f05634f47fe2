//! Taking back what a bar did, if it cannot be written down.

use investbot_plugin_api::{Decimal, UnixNanos};

use super::Books;
use crate::account::Account;
use crate::order::Order;

/// All that a bar of one instrument can change, as it was before.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    listing: usize,
    open: Vec<(usize, Order)>,
    position: Decimal,
    shown: Option<UnixNanos>,
    last: Option<Decimal>,
    market_time: Option<UnixNanos>,
    account: Account,
    fills: usize,
}

impl Books {
    /// Keeps what a bar of `listing` can change.
    pub(crate) fn before(&self, listing: usize) -> Before {
        let known = &self.listings[listing];
        let order = |index: &usize| (*index, self.orders[*index].clone());
        Before {
            listing,
            open: known.open.iter().map(order).collect(),
            position: known.position,
            shown: known.shown,
            last: known.last,
            market_time: self.market_time,
            account: self.account.clone(),
            fills: self.fills.len(),
        }
    }

    /// Makes all of it as it was.
    pub(crate) fn restore(&mut self, before: Before) {
        let listing = &mut self.listings[before.listing];
        listing.open = before.open.iter().map(|(index, _)| *index).collect();
        listing.position = before.position;
        listing.shown = before.shown;
        listing.last = before.last;
        self.market_time = before.market_time;
        self.account = before.account;
        self.fills.truncate(before.fills);
        for (index, order) in before.open {
            self.orders[index] = order;
        }
    }
}
