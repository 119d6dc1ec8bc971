//! The vector instructions, and all loads and stores.
//!
//! Unsafe code here is of two kinds:
//!
//! * Calls of intrinsics. They are sound because of this invariant of the module: every vector was
//!   created from an [`Ifma`](super::Ifma), and only `Ifma::detect` creates one, on a machine that
//!   has the instructions.
//! * Loads and stores of 32 bytes through references to four words, which are valid.

use core::arch::x86_64::{
    __m512i, _mm256_loadu_epi64, _mm256_storeu_epi64, _mm512_add_epi64, _mm512_and_si512,
    _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cmplt_epi64_mask, _mm512_extracti64x4_epi64,
    _mm512_inserti64x4, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_add_epi64,
    _mm512_mask_mov_epi64, _mm512_mask_sub_epi64, _mm512_or_si512, _mm512_permutex2var_epi64,
    _mm512_set1_epi64, _mm512_setr_epi64, _mm512_setzero_si512, _mm512_shrdi_epi64, _mm512_slli_epi64,
    _mm512_srai_epi64, _mm512_srli_epi64, _mm512_sub_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use crate::Words;

#[inline(always)]
pub(super) fn splat(word: u64) -> __m512i {
    // SAFETY: the module's invariant (see the module's documentation).
    unsafe { _mm512_set1_epi64(word.cast_signed()) }
}
#[inline(always)]
pub(super) fn zero() -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_setzero_si512() }
}
/// Returns `c` plus the low 52 bits of `a · b`.
#[inline(always)]
pub(super) fn madd_low(c: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_madd52lo_epu64(c, a, b) }
}
/// Returns `c` plus the high 52 bits of `a · b`.
#[inline(always)]
pub(super) fn madd_high(c: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_madd52hi_epu64(c, a, b) }
}
#[inline(always)]
pub(super) fn add(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_add_epi64(a, b) }
}
#[inline(always)]
pub(super) fn sub(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_sub_epi64(a, b) }
}
#[inline(always)]
pub(super) fn and(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_and_si512(a, b) }
}
#[inline(always)]
pub(super) fn or(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_or_si512(a, b) }
}
#[inline(always)]
pub(super) fn shift_right<const N: u32>(a: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_srli_epi64::<N>(a) }
}
#[inline(always)]
pub(super) fn shift_left<const N: u32>(a: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_slli_epi64::<N>(a) }
}
/// Returns the carry of a limb. The limb may be negative.
#[inline(always)]
pub(super) fn carry(limb: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_srai_epi64::<52>(limb) }
}

/// Returns the low 64 bits of `(high · 2^64 + low) >> N`.
#[inline(always)]
pub(super) fn funnel<const N: i32>(low: __m512i, high: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_shrdi_epi64::<N>(low, high) }
}
/// Returns one bit for each lane. The bit is set if the lane's word, as a signed integer, is
/// negative.
#[inline(always)]
pub(super) fn negative(a: __m512i) -> u8 {
    // SAFETY: the module's invariant.
    unsafe { _mm512_cmplt_epi64_mask(a, zero()) }
}
/// Returns `a + b` in the selected lanes and `a` in the others.
#[inline(always)]
pub(super) fn add_where(lanes: u8, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_mask_add_epi64(a, lanes, a, b) }
}
/// Returns `b - a` in the selected lanes and `a` in the others.
#[inline(always)]
pub(super) fn subtract_from_where(lanes: u8, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_mask_sub_epi64(a, lanes, b, a) }
}
/// Returns `b` in the selected lanes and `a` in the others.
#[inline(always)]
pub(super) fn select(lanes: u8, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_mask_mov_epi64(a, lanes, b) }
}

/// Stores the first half of a vector of [`split_lanes`].
#[inline(always)]
pub(super) fn store_first(pair: __m512i, words: &mut Words) {
    // SAFETY: the module's invariant; the store writes 32 bytes into four words.
    unsafe { _mm256_storeu_epi64(words.as_mut_ptr().cast(), _mm512_castsi512_si256(pair)) }
}
/// Stores the second half of a vector of [`split_lanes`].
#[inline(always)]
pub(super) fn store_second(pair: __m512i, words: &mut Words) {
    // SAFETY: the module's invariant; the store writes 32 bytes into four words.
    unsafe { _mm256_storeu_epi64(words.as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(pair)) }
}

/// Loads four words for each of eight lanes. `row(i)` holds the words of lane i. Vector j of the
/// result holds word j of every lane.
#[inline(always)]
pub(super) fn load_words<'a>(row: impl Fn(usize) -> &'a Words) -> [__m512i; 4] {
    // SAFETY: the module's invariant; each load reads the 32 bytes of a reference to four words.
    unsafe {
        let mut both = [_mm512_setzero_si512(); 4];
        for (i, pair) in both.iter_mut().enumerate() {
            let lower = _mm256_loadu_epi64(row(i).as_ptr().cast());
            let upper = _mm256_loadu_epi64(row(i + 4).as_ptr().cast());
            *pair = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(lower), upper);
        }
        quads(both[0], both[1], both[2], both[3])
    }
}

/// Inverts [`load_words`]. The halves of vector i of the result hold the words of lanes i and i +
/// 4.
#[inline(always)]
pub(super) fn split_lanes(words: [__m512i; 4]) -> [__m512i; 4] {
    // SAFETY: the module's invariant.
    unsafe {
        let [c0, c1, c2, c3] = words;
        let low = (_mm512_unpacklo_epi64(c0, c1), _mm512_unpacklo_epi64(c2, c3));
        let high = (_mm512_unpackhi_epi64(c0, c1), _mm512_unpackhi_epi64(c2, c3));
        // In 128-bit blocks: `low.0` holds words 0 and 1 of lanes 0, 2, 4 and 6, and `low.1` holds
        // words 2 and 3 of these lanes. `high` holds the same of the odd lanes.
        let first = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
        let second = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
        [
            _mm512_permutex2var_epi64(low.0, first, low.1),
            _mm512_permutex2var_epi64(high.0, first, high.1),
            _mm512_permutex2var_epi64(low.0, second, low.1),
            _mm512_permutex2var_epi64(high.0, second, high.1),
        ]
    }
}

/// Rearranges four rows of eight words. Vector j of the result holds word j of each row, then word
/// j + 4 of each row.
#[inline(always)]
fn quads(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> [__m512i; 4] {
    // SAFETY: the module's invariant.
    unsafe {
        let first = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
        let second = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
        let even = (_mm512_unpacklo_epi64(a, b), _mm512_unpacklo_epi64(c, d));
        let odd = (_mm512_unpackhi_epi64(a, b), _mm512_unpackhi_epi64(c, d));
        [
            _mm512_permutex2var_epi64(even.0, first, even.1),
            _mm512_permutex2var_epi64(odd.0, first, odd.1),
            _mm512_permutex2var_epi64(even.0, second, even.1),
            _mm512_permutex2var_epi64(odd.0, second, odd.1),
        ]
    }
}

/// Transposes an 8 x 8 matrix of words.
#[inline(always)]
pub(super) fn transposed(r: [__m512i; 8]) -> [__m512i; 8] {
    let (upper, lower) = (quads(r[0], r[1], r[2], r[3]), quads(r[4], r[5], r[6], r[7]));
    let mut columns = [zero(); 8];
    // SAFETY: the module's invariant.
    unsafe {
        let low_halves = _mm512_setr_epi64(0, 1, 2, 3, 8, 9, 10, 11);
        let high_halves = _mm512_setr_epi64(4, 5, 6, 7, 12, 13, 14, 15);
        for j in 0..4 {
            columns[j] = _mm512_permutex2var_epi64(upper[j], low_halves, lower[j]);
            columns[j + 4] = _mm512_permutex2var_epi64(upper[j], high_halves, lower[j]);
        }
    }
    columns
}
