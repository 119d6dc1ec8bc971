//! Splits scalars into signed digits, and sorts the digits into buckets.

use bauta_packed_field::Words;

use super::{lists::Entry, points::NEGATIVE};
use crate::wipe::wipe;

/// Returns the number of digits of `window` bits for a scalar below 2^254, including a carry into
/// the last digit.
pub(crate) const fn digit_count(window: u32) -> usize {
    254 / window as usize + 1
}

/// The table references of one multi-scalar multiplication, sorted by the absolute value of their
/// digit.
#[derive(Default)]
pub(super) struct Buckets {
    pub(super) digits: Vec<i32>,
    /// An entry's list is the absolute value of the digit. Its reference is a table index, with
    /// [`NEGATIVE`] for a negative digit.
    pub(super) entries: Vec<Entry>,
    /// The entries of digit ±d are `starts[d] .. starts[d + 1]`. Digit 0 has no entries.
    pub(super) starts: Vec<u32>,
}

impl Buckets {
    /// Splits scalars below 2^254 into digits from `-2^(window-1)` to `2^(window-1)` and sorts
    /// them. Digit k of scalar i refers to the table's point `i · digit_count + k`.
    pub(super) fn sort(&mut self, scalars: &[Words], window: u32) {
        let count = digit_count(window);
        let half = 1u32 << (window - 1);
        let offset = offset(window);
        self.digits.resize(scalars.len() * count, 0);
        // `starts[d + 2]` first counts the digits ±d. After the prefix sums, `starts[d + 1]` is the
        // position of the first entry of digit ±d. Storing an entry advances it, so that at last it
        // is the end of these entries.
        self.starts.clear();
        self.starts.resize(half as usize + 3, 0);
        for (scalar, digits) in scalars.iter().zip(self.digits.chunks_exact_mut(count)) {
            if *scalar == [0; 4] {
                digits.fill(0);
                continue;
            }
            let shifted = sum(*scalar, offset);
            for (k, digit) in digits.iter_mut().enumerate() {
                let last = k + 1 == count;
                let value = bits(&shifted, k * window as usize, window);
                *digit = value.cast_signed() - if last { 0 } else { half.cast_signed() };
                self.starts[digit.unsigned_abs() as usize + 2] += 1;
            }
        }
        self.starts[2] = 0;
        for d in 2..self.starts.len() {
            self.starts[d] += self.starts[d - 1];
        }
        let total = self.starts[half as usize + 2] as usize;
        self.entries.resize(total, Entry::EMPTY);
        for (index, &digit) in (0u32..).zip(&self.digits) {
            if digit != 0 {
                let list = digit.unsigned_abs();
                let end = &mut self.starts[list as usize + 1];
                // The sign is applied without a branch, because signs are effectively random.
                let reference = index | (digit >> 31).cast_unsigned() & NEGATIVE;
                self.entries[*end as usize] = Entry { list, reference };
                *end += 1;
            }
        }
        self.starts.truncate(half as usize + 2);
    }

    /// Overwrites everything that depends on the scalars.
    pub(super) fn wipe(&mut self) {
        wipe(&mut self.digits, 0);
        wipe(&mut self.entries, Entry::EMPTY);
        wipe(&mut self.starts, 0);
    }
}

/// Returns the sum of half a window at each digit except the last. Added to a scalar, it increases
/// every digit except the last by half a window, so that these digits are never negative and never
/// carry. The last digit has a spare bit.
fn offset(window: u32) -> Words {
    let mut offset = [0; 4];
    for k in 1..digit_count(window) {
        let bit = k * window as usize - 1;
        offset[bit / 64] |= 1 << (bit % 64);
    }
    offset
}

/// Returns the sum of two numbers, which must be below 2^256.
#[inline]
fn sum(x: Words, y: Words) -> Words {
    let mut sum = x;
    let mut carry = false;
    for (word, other) in sum.iter_mut().zip(y) {
        let (partial, first) = word.overflowing_add(other);
        let (total, second) = partial.overflowing_add(u64::from(carry));
        (*word, carry) = (total, first | second);
    }
    debug_assert!(!carry, "scalars are below 2^254 and the offset is below 2^255");
    sum
}

/// Returns `window` bits of a number, starting at bit `start`. `window` is at most 31.
#[inline]
fn bits(number: &Words, start: usize, window: u32) -> u32 {
    let (word, shift) = (start / 64, start % 64);
    let pair = u128::from(number[word]) | u128::from(number.get(word + 1).copied().unwrap_or(0)) << 64;
    #[allow(clippy::cast_possible_truncation, reason = "the mask leaves at most 31 bits")]
    let bits = (pair >> shift) as u32;
    bits & ((1 << window) - 1)
}

#[cfg(test)]
impl Buckets {
    pub(super) fn is_wiped(&self) -> bool {
        self.digits.iter().all(|digit| *digit == 0)
            && self.entries.iter().all(|entry| *entry == Entry::EMPTY)
            && self.starts.iter().all(|start| *start == 0)
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::Fr;
    use ark_ff::Field;
    use proptest::prelude::*;

    use super::*;

    fn power(exponent: usize) -> Fr {
        Fr::from(2u64).pow([exponent as u64])
    }

    proptest! {
        #[test]
        fn digits_add_up_to_their_scalar(words in prop::collection::vec(any::<Words>(), 1..20), window in 4u32..=20) {
            let scalar = |(i, [a, b, c, d]): (usize, Words)| match i % 4 {
                0 => [0; 4],
                1 => [u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 2],
                _ => [a, b, c, d >> 2],
            };
            let scalars: Vec<Words> = words.into_iter().enumerate().map(scalar).collect();
            let mut buckets = Buckets::default();
            buckets.sort(&[[1; 4]; 3], window);
            buckets.sort(&scalars, window);
            let count = digit_count(window);
            let mut found = vec![Fr::from(0u64); scalars.len()];
            prop_assert_eq!(buckets.starts.len(), (1 << (window - 1)) + 2);
            for (d, range) in (0u64..).zip(buckets.starts.windows(2)) {
                for &Entry { list, reference } in &buckets.entries[range[0] as usize..range[1] as usize] {
                    prop_assert!(d > 0 && u64::from(list) == d);
                    let index = (reference & !NEGATIVE) as usize;
                    let value = Fr::from(d) * power(window as usize * (index % count));
                    found[index / count] += if reference & NEGATIVE == 0 { value } else { -value };
                }
            }
            let field = |words: &Words| -> Fr { (0..4).map(|i| Fr::from(words[i]) * power(64 * i)).sum() };
            prop_assert_eq!(found, scalars.iter().map(field).collect::<Vec<_>>());
        }
    }
}
