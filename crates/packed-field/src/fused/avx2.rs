//! Four lanes of doubles or of 64-bit integers, with AVX2 and FMA.
//!
//! Unsafe code here is of two kinds:
//!
//! * Calls of intrinsics. They are sound because of this invariant: only [`Fused::detect`] and the
//!   operations of a [`Fused`] call these functions, and `detect` calls them only after it has
//!   found the instructions.
//! * Loads and stores of 32 bytes through references to four words, which are valid.
//!
//! [`Fused`]: super::Fused
//! [`Fused::detect`]: super::Fused::detect

use core::arch::x86_64::{
    __m256d, __m256i, _CMP_LE_OQ, _mm256_add_epi64, _mm256_add_pd, _mm256_and_si256, _mm256_andnot_pd,
    _mm256_castpd_si256, _mm256_castsi256_pd, _mm256_cmp_pd, _mm256_fmadd_pd, _mm256_loadu_si256,
    _mm256_movemask_pd, _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi64x, _mm256_set1_pd,
    _mm256_setr_pd, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_storeu_pd, _mm256_storeu_si256,
    _mm256_sub_epi64, _mm256_sub_pd, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use crate::Words;

/// The number of lanes.
pub(crate) const LANES: usize = 4;

/// Returns whether this machine has the instructions that [`crate::x86::run_with_avx2`] enables.
pub(crate) fn is_available() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("fma")
        && std::arch::is_x86_feature_detected!("bmi2")
}

/// Four doubles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floats(__m256d);

/// Four integers. Arithmetic is modulo 2^64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integers(__m256i);

impl Floats {
    #[inline(always)]
    pub(crate) fn new(lanes: [f64; LANES]) -> Self {
        // SAFETY: the module's invariant (see the module's documentation).
        Self(unsafe { _mm256_setr_pd(lanes[0], lanes[1], lanes[2], lanes[3]) })
    }
    #[inline(always)]
    pub(crate) fn splat(x: f64) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_set1_pd(x) })
    }
    #[inline(always)]
    pub(crate) fn to_array(self) -> [f64; LANES] {
        let mut lanes = [0.0; LANES];
        // SAFETY: the module's invariant; the store writes 32 bytes into four doubles.
        unsafe { _mm256_storeu_pd(lanes.as_mut_ptr(), self.0) };
        lanes
    }
    #[inline(always)]
    pub(crate) fn add(self, other: Self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_add_pd(self.0, other.0) })
    }
    #[inline(always)]
    pub(crate) fn sub(self, other: Self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_sub_pd(self.0, other.0) })
    }
    #[inline(always)]
    pub(crate) fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_fmadd_pd(self.0, factor.0, term.0) })
    }
    #[inline(always)]
    pub(crate) fn bits(self) -> Integers {
        // SAFETY: the module's invariant.
        Integers(unsafe { _mm256_castpd_si256(self.0) })
    }
    /// Returns whether no lane is farther from zero than `limit`.
    #[inline(always)]
    pub(crate) fn is_within(self, limit: f64) -> bool {
        // SAFETY: the module's invariant.
        let inside = unsafe {
            let magnitude = _mm256_andnot_pd(_mm256_set1_pd(-0.0), self.0);
            _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(magnitude, _mm256_set1_pd(limit)))
        };
        inside == 0b1111
    }
    /// Transposes a matrix of doubles.
    #[inline(always)]
    pub(crate) fn transposed(rows: [Self; LANES]) -> [Self; LANES] {
        let columns = transposed([rows[0].bits(), rows[1].bits(), rows[2].bits(), rows[3].bits()]);
        [
            columns[0].floats(),
            columns[1].floats(),
            columns[2].floats(),
            columns[3].floats(),
        ]
    }
}

impl Integers {
    #[inline(always)]
    pub(crate) fn splat(x: u64) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_set1_epi64x(x.cast_signed()) })
    }
    #[inline(always)]
    pub(crate) fn add(self, other: Self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_add_epi64(self.0, other.0) })
    }
    #[inline(always)]
    pub(crate) fn sub(self, other: Self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_sub_epi64(self.0, other.0) })
    }
    #[inline(always)]
    pub(crate) fn and(self, other: Self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_and_si256(self.0, other.0) })
    }
    #[inline(always)]
    pub(crate) fn or(self, other: Self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_or_si256(self.0, other.0) })
    }
    #[inline(always)]
    pub(crate) fn xor(self, other: Self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }
    #[inline(always)]
    pub(crate) fn shift_left<const BITS: i32>(self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_slli_epi64::<BITS>(self.0) })
    }
    #[inline(always)]
    pub(crate) fn shift_right<const BITS: i32>(self) -> Self {
        // SAFETY: the module's invariant.
        Self(unsafe { _mm256_srli_epi64::<BITS>(self.0) })
    }
    /// Returns the doubles that have these bits.
    #[inline(always)]
    pub(crate) fn floats(self) -> Floats {
        // SAFETY: the module's invariant.
        Floats(unsafe { _mm256_castsi256_pd(self.0) })
    }

    #[inline(always)]
    fn load(words: &Words) -> Self {
        // SAFETY: the module's invariant; the load reads the 32 bytes of a reference to four words.
        Self(unsafe { _mm256_loadu_si256(words.as_ptr().cast()) })
    }
    #[inline(always)]
    fn store(self, words: &mut Words) {
        // SAFETY: the module's invariant; the store writes 32 bytes into four words.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) }
    }
    /// Loads the words of each lane. Vector j of the result holds word j of every lane.
    #[inline(always)]
    pub(crate) fn load_words<'a>(row: impl Fn(usize) -> &'a Words) -> [Self; 4] {
        transposed([
            Self::load(row(0)),
            Self::load(row(1)),
            Self::load(row(2)),
            Self::load(row(3)),
        ])
    }
    /// Inverts [`load_words`](Self::load_words).
    #[inline(always)]
    pub(crate) fn store_words(words: [Self; 4]) -> [Words; LANES] {
        let rows = transposed(words);
        let mut stored = [[0; 4]; LANES];
        rows[0].store(&mut stored[0]);
        rows[1].store(&mut stored[1]);
        rows[2].store(&mut stored[2]);
        rows[3].store(&mut stored[3]);
        stored
    }
}

/// Transposes a 4 x 4 matrix of words.
#[inline(always)]
fn transposed([a, b, c, d]: [Integers; 4]) -> [Integers; 4] {
    // SAFETY: the module's invariant.
    unsafe {
        let (even_ab, odd_ab) = (_mm256_unpacklo_epi64(a.0, b.0), _mm256_unpackhi_epi64(a.0, b.0));
        let (even_cd, odd_cd) = (_mm256_unpacklo_epi64(c.0, d.0), _mm256_unpackhi_epi64(c.0, d.0));
        [
            Integers(_mm256_permute2x128_si256::<0x20>(even_ab, even_cd)),
            Integers(_mm256_permute2x128_si256::<0x20>(odd_ab, odd_cd)),
            Integers(_mm256_permute2x128_si256::<0x31>(even_ab, even_cd)),
            Integers(_mm256_permute2x128_si256::<0x31>(odd_ab, odd_cd)),
        ]
    }
}
