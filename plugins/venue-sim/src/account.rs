//! What the account holds and what open orders have locked of it.

use std::collections::BTreeMap;

use investbot_plugin_api::{Balance, Decimal, Instrument, Side};

/// A balance has become too large for a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a balance is too large to be represented")]
pub(crate) struct Overflow;

/// A holding of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Holding {
    total: Decimal,
    locked: Decimal,
}

/// An amount that an open order has locked; of which currency follows from the order.
pub(crate) type Lock = Decimal;

/// The account: holdings by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    holdings: BTreeMap<String, Holding>,
}

impl Account {
    pub(crate) fn deposit(&mut self, currency: &str, amount: Decimal) -> Result<(), Overflow> {
        let holding = self.holding(currency);
        holding.total = holding.total.checked_add(amount).ok_or(Overflow)?;
        Ok(())
    }

    /// Whether the account has been given an amount of `currency`, even if it was 0.
    pub(crate) fn knows(&self, currency: &str) -> bool {
        self.holdings.contains_key(currency)
    }

    /// What a new order could use. Negative for a currency that was sold short.
    pub(crate) fn available(&self, currency: &str) -> Decimal {
        self.holdings
            .get(currency)
            .map_or(Decimal::ZERO, |h| h.total - h.locked)
    }

    /// What base and quote come to once `quantity` of the base is exchanged for `quantity * price` of
    /// the quote and the fee is taken.
    pub(crate) fn after_trade(
        &self,
        instrument: &Instrument,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        fee: Decimal,
    ) -> Result<(Decimal, Decimal), Overflow> {
        let notional = price.checked_mul(quantity).ok_or(Overflow)?;
        let proceeds = (-side.sign() * notional).checked_sub(fee).ok_or(Overflow)?;
        let total = |currency| {
            self.holdings
                .get(currency)
                .map_or(Decimal::ZERO, |h| h.total)
        };
        let base = total(&instrument.base).checked_add(side.sign() * quantity);
        let quote = total(&instrument.quote).checked_add(proceeds);
        base.zip(quote).ok_or(Overflow)
    }

    /// Makes that exchange.
    pub(crate) fn trade(
        &mut self,
        instrument: &Instrument,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        fee: Decimal,
    ) -> Result<(), Overflow> {
        let (base, quote) = self.after_trade(instrument, side, quantity, price, fee)?;
        self.holding(&instrument.base).total = base;
        self.holding(&instrument.quote).total = quote;
        Ok(())
    }

    /// Replaces what an order has locked of `currency`.
    pub(crate) fn relock(&mut self, currency: &str, before: Lock, after: Lock) {
        if before != after {
            let holding = self.holding(currency);
            holding.locked = holding.locked - before + after;
        }
    }

    pub(crate) fn balances(&self) -> Vec<Balance> {
        self.holdings
            .iter()
            .map(|(currency, h)| {
                Balance::new(
                    currency,
                    h.total.normalize(),
                    (h.total - h.locked).normalize(),
                )
            })
            .collect()
    }

    fn holding(&mut self, currency: &str) -> &mut Holding {
        if !self.holdings.contains_key(currency) {
            self.holdings
                .insert(currency.to_owned(), Holding::default());
        }
        self.holdings
            .get_mut(currency)
            .expect("it was inserted above")
    }
}
