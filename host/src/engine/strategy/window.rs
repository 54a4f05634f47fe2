//! The last n values and their sum.

use investbot_plugin_api::Decimal;

use crate::engine::arithmetic::{Checked, add, sub};

/// A ring of the last n values with its sum. The sum is exact as long as it needs at most 28 digits.
#[derive(Clone, Debug)]
pub(super) struct Window {
    values: Box<[Decimal]>,
    next: usize,
    full: bool,
    sum: Decimal,
}

impl Window {
    pub(super) fn new(size: usize) -> Self {
        Self {
            values: vec![Decimal::ZERO; size.max(1)].into(),
            next: 0,
            full: false,
            sum: Decimal::ZERO,
        }
    }

    /// Takes in a value in place of the oldest.
    #[inline]
    pub(super) fn push(&mut self, value: Decimal) -> Checked<()> {
        let slot = &mut self.values[self.next];
        let grown = add(self.sum, value)?;
        self.sum = if self.full { sub(grown, *slot)? } else { grown };
        *slot = value;
        self.next += 1;
        if self.next == self.values.len() {
            self.next = 0;
            self.full = true;
        }
        Ok(())
    }

    /// The sum of all n values; `None` before there are as many.
    #[inline]
    pub(super) fn sum(&self) -> Option<Decimal> {
        self.full.then_some(self.sum)
    }
}
