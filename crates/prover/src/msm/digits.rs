//! Scalars in signed digits, and the digits sorted into buckets.

use bauta_lanes::Words;
use zeroize::Zeroizing;

use super::pairs::NEGATIVE;

/// Number of digits of `window` bits that any scalar below 2^254 needs, a carry into the last one included.
pub(crate) const fn digit_count(window: u32) -> usize {
    254 / window as usize + 1
}

/// The table references of one multi-scalar multiplication, sorted by the absolute value of their digit.
pub(super) struct Buckets {
    /// Table index, with [`NEGATIVE`] for a negative digit.
    pub(super) references: Zeroizing<Vec<u32>>,
    /// `starts[d] .. starts[d + 1]` are the references of digit ±d. Digit 0 has none.
    pub(super) starts: Vec<usize>,
}

/// Splits scalars below 2^254 into digits from `-2^(window-1) + 1` to `2^(window-1)` and sorts them. Digit k of scalar
/// i stands for the table's point `i · digit_count + k`.
pub(super) fn sort_digits(scalars: &[Words], window: u32) -> Buckets {
    let count = digit_count(window);
    let half = 1u32 << (window - 1);
    let mut digits = Zeroizing::new(vec![0i32; scalars.len() * count]);
    // counts[d + 1] is the number of digits ±d.
    let mut starts = vec![0usize; half as usize + 2];
    for (scalar, digits) in scalars.iter().zip(digits.chunks_exact_mut(count)) {
        if *scalar == [0; 4] {
            continue;
        }
        let mut carry = 0;
        for (k, digit) in digits.iter_mut().enumerate() {
            let value = bits(scalar, k * window as usize, window) + carry;
            carry = u32::from(value > half);
            *digit = value.cast_signed() - (carry << window).cast_signed();
            starts[digit.unsigned_abs() as usize + 1] += 1;
        }
        debug_assert_eq!(carry, 0, "the last digit takes the carry");
    }
    starts[1] = 0;
    for d in 1..starts.len() {
        starts[d] += starts[d - 1];
    }
    let mut references = Zeroizing::new(vec![0; starts[half as usize + 1]]);
    let mut next = starts.clone();
    for (index, &digit) in (0u32..).zip(digits.iter()) {
        if digit != 0 {
            let slot = &mut next[digit.unsigned_abs() as usize];
            references[*slot] = index | if digit < 0 { NEGATIVE } else { 0 };
            *slot += 1;
        }
    }
    Buckets { references, starts }
}

/// `window` bits of a scalar, at most 31, from bit `start` on.
#[inline]
fn bits(scalar: &Words, start: usize, window: u32) -> u32 {
    let (word, shift) = (start / 64, start % 64);
    let mut bits = scalar.get(word).map_or(0, |w| w >> shift);
    if shift + window as usize > 64 {
        bits |= scalar.get(word + 1).map_or(0, |w| w << (64 - shift));
    }
    u32::try_from(bits & ((1 << window) - 1)).expect("a window has at most 31 bits")
}
