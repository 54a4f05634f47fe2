//! The last n values and their sum.

use std::cmp::Ordering;

use investbot_plugin_api::Decimal;
use serde::{Deserialize, Serialize};

use super::StateProblem;
use crate::engine::arithmetic::{Checked, Overflow};
use crate::engine::text::{self, Text};

/// The powers of ten up to the largest difference of scales.
const POWERS: [i128; 29] = {
    let mut powers = [1; 29];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// A ring of the last n values with its sum, which is exact: values and sum are counted in the smallest
/// unit that any value so far had. A step costs a few integer operations, whatever n is.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The values, in units of `10^-scale`.
    units: Box<[i128]>,
    sum: i128,
    scale: u32,
    next: usize,
    full: bool,
}

/// A window as it is kept. The sum is left out: it is one of whole numbers, so adding them up again gives
/// the very same.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WindowState {
    #[serde(with = "text")]
    size: usize,
    #[serde(with = "text")]
    scale: u32,
    /// The values that there are, oldest first.
    units: Vec<Text<i128>>,
}

impl Window {
    pub(super) fn new(size: usize) -> Self {
        Self {
            units: vec![0; size.max(1)].into(),
            sum: 0,
            scale: 0,
            next: 0,
            full: false,
        }
    }

    /// Takes in a value in place of the oldest.
    #[inline]
    pub(super) fn push(&mut self, value: Decimal) -> Checked<()> {
        match self.replace_oldest(value) {
            Some(()) => Ok(()),
            None => Err(self.overflow(value)),
        }
    }

    #[inline]
    fn replace_oldest(&mut self, value: Decimal) -> Option<()> {
        if value.scale() > self.scale {
            self.refine(value.scale())?;
        }
        let units = times_power(value.mantissa(), self.scale - value.scale())?;
        let slot = &mut self.units[self.next];
        self.sum = self.sum.checked_add(units)?.checked_sub(*slot)?;
        *slot = units;
        self.next += 1;
        if self.next == self.units.len() {
            self.next = 0;
            self.full = true;
        }
        Some(())
    }

    /// Counts in smaller units from now on.
    fn refine(&mut self, scale: u32) -> Option<()> {
        let power = scale - self.scale;
        let sum = times_power(self.sum, power)?;
        let units = self.units.iter().map(|units| times_power(*units, power));
        // All or nothing: what does not fit leaves the window as it was.
        self.units = units.collect::<Option<_>>()?;
        self.sum = sum;
        self.scale = scale;
        Some(())
    }

    /// The sum of all n values, rounded if a decimal needs it; `None` before there are as many.
    pub(super) fn sum(&self) -> Checked<Option<Decimal>> {
        if !self.full {
            return Ok(None);
        }
        let sum = self.decimal();
        sum.map(Some).ok_or_else(|| self.overflow(Decimal::ZERO))
    }

    fn decimal(&self) -> Option<Decimal> {
        let (mut units, mut scale) = (self.sum, self.scale);
        loop {
            match Decimal::try_from_i128_with_scale(units, scale) {
                Ok(sum) => return Some(sum),
                Err(_) if scale == 0 => return None,
                Err(_) => (units, scale) = (units / 10, scale - 1),
            }
        }
    }

    #[cold]
    fn overflow(&self, value: Decimal) -> Overflow {
        Overflow::new('+', self.decimal().unwrap_or(Decimal::MAX), value)
    }

    pub(super) fn state(&self) -> WindowState {
        let (newer, older) = self.units.split_at(self.next);
        let older = if self.full { older } else { &[] };
        WindowState {
            size: self.units.len(),
            scale: self.scale,
            units: older.iter().chain(newer).copied().map(Text).collect(),
        }
    }

    /// Takes the place of this window if that has as many values.
    pub(super) fn restore(&mut self, state: WindowState) -> Result<(), StateProblem> {
        let size = self.units.len();
        let count = state.units.len();
        if state.size != size || count > size || state.scale as usize >= POWERS.len() {
            let saved = state.size;
            return Err(StateProblem(format!(
                "a window of {saved} bars with {count} values cannot go on as one of {size}"
            )));
        }
        *self = Self::new(size);
        for (slot, Text(units)) in self.units.iter_mut().zip(state.units) {
            *slot = units;
            self.sum = self.sum.wrapping_add(units);
        }
        self.scale = state.scale;
        self.full = count == size;
        self.next = if self.full { 0 } else { count };
        Ok(())
    }

    /// How the mean of `one` compares to that of `other`; `None` before both have all their values.
    #[inline]
    pub(super) fn compare_means(one: &mut Self, other: &mut Self) -> Checked<Option<Ordering>> {
        if !(one.full && other.full) {
            return Ok(None);
        }
        // Windows that are given the same values have the same scale.
        let scale = one.scale.max(other.scale);
        for window in [&mut *one, &mut *other] {
            if window.scale < scale && window.refine(scale).is_none() {
                return Err(window.overflow(Decimal::ZERO));
            }
        }
        let sizes = (one.units.len() as i128, other.units.len() as i128);
        let products = one
            .sum
            .checked_mul(sizes.1)
            .zip(other.sum.checked_mul(sizes.0));
        Ok(Some(match products {
            Some((this, that)) => this.cmp(&that),
            None => compare_quotients((one.sum, sizes.0), (other.sum, sizes.1)),
        }))
    }
}

/// Compares two fractions, of which the denominators are small and positive.
#[cold]
fn compare_quotients((a, n): (i128, i128), (b, m): (i128, i128)) -> Ordering {
    let whole = a.div_euclid(n).cmp(&b.div_euclid(m));
    whole.then_with(|| (a.rem_euclid(n) * m).cmp(&(b.rem_euclid(m) * n)))
}

/// `value` times ten to the power of `power`, which is at most 28.
#[inline]
fn times_power(value: i128, power: u32) -> Option<i128> {
    if power == 0 {
        return Some(value);
    }
    let factor = POWERS[power as usize];
    match (i64::try_from(value), i64::try_from(factor)) {
        // Can't overflow, and takes one instruction.
        (Ok(value), Ok(factor)) => Some(i128::from(value) * i128::from(factor)),
        _ => value.checked_mul(factor),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(size: usize, values: &[Decimal]) -> Window {
        let mut window = Window::new(size);
        for value in values {
            window.push(*value).expect("the values are small");
        }
        window
    }

    fn values() -> impl Strategy<Value = Vec<Decimal>> {
        let value = (any::<i64>(), 0_u32..9).prop_map(|(m, s)| Decimal::new(m >> 8, s));
        proptest::collection::vec(value, 1..30)
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_the_last_values(size in 1_usize..10, values in values()) {
            let sum = window(size, &values).sum().expect("fits");
            let want = (values.len() >= size)
                .then(|| values[values.len() - size..].iter().sum::<Decimal>());
            prop_assert_eq!(sum, want);
        }

        #[test]
        fn means_compare_as_quotients_do(
            fast in 1_usize..5, slow in 5_usize..10, values in values()
        ) {
            let (mut one, mut other) = (window(fast, &values), window(slow, &values));
            let compared = Window::compare_means(&mut one, &mut other).expect("fits");
            let want = (values.len() >= slow).then(|| {
                let sum = |n: usize| values[values.len() - n..].iter().sum::<Decimal>();
                let size = |n: usize| Decimal::from(n);
                (sum(fast) * size(slow)).cmp(&(sum(slow) * size(fast)))
            });
            prop_assert_eq!(compared, want);
        }

        #[test]
        fn quotients_compare_as_products_do(
            a in any::<i64>(), n in 1_i128..1000, b in any::<i64>(), m in 1_i128..1000
        ) {
            let (a, b) = (i128::from(a), i128::from(b));
            prop_assert_eq!(compare_quotients((a, n), (b, m)), (a * m).cmp(&(b * n)));
        }
    }

    #[test]
    fn what_is_too_large_is_an_error_and_what_is_too_fine_is_rounded() {
        let most = Decimal::MAX;
        let finest = Decimal::new(1, 28);
        let mut mixed = window(2, &[most]);
        mixed.push(finest).expect_err("124 digits in all");
        assert!(window(2, &[most, most]).sum().is_err());

        let fine = Decimal::from_i128_with_scale(7 * 10_i128.pow(28), 28);
        let sum = window(3, &[fine, fine, fine]).sum().expect("rounded");
        assert_eq!(sum, Some(Decimal::from(21)));
    }

    #[test]
    fn what_does_not_fit_leaves_the_window_as_it_was() {
        let text = |window: &Window| serde_json::to_string(&window.state()).expect("strings");
        let mut window = window(3, &[Decimal::ONE, Decimal::MAX]);
        let before = text(&window);
        window
            .push(Decimal::new(1, 28))
            .expect_err("124 digits in all");
        assert_eq!(text(&window), before);
    }

    #[test]
    fn a_window_of_another_size_or_an_absurd_one_is_refused() {
        let mut three = window(3, &[Decimal::ONE]);
        let longer = window(4, &[Decimal::ONE]).state();
        let too_many = WindowState {
            size: 3,
            ..window(4, &[Decimal::ONE; 4]).state()
        };
        let too_fine = WindowState {
            scale: 29,
            ..three.state()
        };
        for state in [longer, too_many, too_fine] {
            three.restore(state).expect_err("refused");
        }
    }

    #[test]
    fn means_of_other_values_compare_too() {
        let (mut one, mut other) = (window(1, &[Decimal::ONE]), window(1, &[Decimal::new(9, 1)]));
        let compared = Window::compare_means(&mut one, &mut other);
        assert_eq!(compared, Ok(Some(Ordering::Greater)));
    }
}
