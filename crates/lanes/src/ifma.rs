//! Eight lanes with AVX-512 IFMA: five limbs of 52 bits in a radix-2^52 Montgomery form with R = 2^260.
//!
//! All unsafe code of the crate is here. It is of three kinds:
//!
//! * calls of intrinsics, sound because a [`Vector`] can only be made from an [`Ifma`], and that only by
//!   [`Ifma::detect`] on a machine that has the instructions;
//! * the call of [`run_with_features`], sound for the same reason;
//! * loads and stores of 32 bytes inside a [`Line`], which is a reference and therefore valid.
//!
//! # Limbs and bounds
//!
//! A vector is *normalised*: limbs 0 to 3 are below 2^52, limb 4 holds the rest. Values stay below 4p < 2^256, so limb 4 is
//! below 2^48. The multiplier reads the low 52 bits of a limb, so its inputs have to be normalised.
//!
//! Montgomery product of x and y: `(x·y + q·p) / R` with `q < R`, below `x·y/R + p`. With p < 2^254, so p/R < 1/64:
//! loose inputs (< 4p) give less than 16p²/R + p < 1.25p; the sum of two products less than 32p²/R + p < 1.5p. Both
//! are reduced (< 2p). A sum of seven products of reduced values gives less than 28p²/R + p < 1.5p. Inside, a limb
//! collects at most 5 · 16 halves of products, each below 2^52, and carries: below 2^59.

use core::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm256_loadu_epi64, _mm256_storeu_epi64, _mm512_add_epi64,
    _mm512_and_si512, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cmplt_epi64_mask,
    _mm512_extracti64x4_epi64, _mm512_inserti64x4, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_mask_add_epi64, _mm512_mask_mov_epi64, _mm512_mask_sub_epi64, _mm512_or_si512,
    _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_setr_epi64, _mm512_setzero_si512,
    _mm512_shrdi_epi64, _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64, _mm512_sub_epi64,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};
use core::marker::PhantomData;

use ark_bn254::{Fq, Fr};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Fp, MontBackend, MontConfig, PrimeField};

use crate::{Arch, Lanes, Line, MAX_LANES, Task, Words};

/// Proof that this machine has AVX-512 (F, VL, IFMA, VBMI2).
#[derive(Clone, Copy, Debug)]
pub struct Ifma(());

impl Ifma {
    /// The back end, if this machine can run it.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let has = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512ifma")
            && std::arch::is_x86_feature_detected!("avx512vbmi2")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("adx");
        has.then_some(Self(()))
    }
}

impl Arch for Ifma {
    const LANES: usize = 8;
    const NAME: &'static str = "avx512ifma";
    type Fq = Vector<Fq>;
    type Fr = Vector<Fr>;

    #[inline]
    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        // SAFETY: `self` exists, so `detect` has found every feature that the function is compiled for.
        unsafe { run_with_features(self, task) }
    }

    #[inline(always)]
    fn prefetch(self, line: &Line) {
        // SAFETY: a prefetch of any address is without effect on the program.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) }
    }
}

#[target_feature(enable = "avx512f,avx512vl,avx512ifma,avx512vbmi2,bmi2,adx")]
fn run_with_features<T: Task<Ifma>>(arch: Ifma, task: T) -> T::Output {
    task.run(arch)
}

/// Eight elements of the field `F`.
#[derive(Clone, Copy, Debug)]
pub struct Vector<F> {
    limbs: [__m512i; 5],
    field: PhantomData<F>,
}

const LOW_52: u64 = (1 << 52) - 1;

/// Constants of a modulus.
pub trait Modulus: PrimeField<BigInt = BigInt<4>> {
    /// The modulus p in limbs.
    const P: [u64; 5] = limbs_of(Self::MODULUS.0);
    /// 2p in limbs.
    const TWO_P: [u64; 5] = limbs_of(doubled(Self::MODULUS.0));
    /// -1/p modulo 2^52.
    const INVERSE: u64 = negative_inverse(Self::MODULUS.0[0]);
    /// 2^264 mod p in limbs: a product with it takes arkworks's Montgomery form (R = 2^256) to this one (2^260).
    const FROM_ARK: [u64; 5] = limbs_of(power_of_two(264, Self::MODULUS.0));
}

impl<T: MontConfig<4>> Modulus for Fp<MontBackend<T, 4>, 4> {}

const fn limbs_of(w: Words) -> [u64; 5] {
    [
        w[0] & LOW_52,
        ((w[0] >> 52) | (w[1] << 12)) & LOW_52,
        ((w[1] >> 40) | (w[2] << 24)) & LOW_52,
        ((w[2] >> 28) | (w[3] << 36)) & LOW_52,
        w[3] >> 16,
    ]
}

const fn doubled(w: Words) -> Words {
    [
        w[0] << 1,
        (w[1] << 1) | (w[0] >> 63),
        (w[2] << 1) | (w[1] >> 63),
        (w[3] << 1) | (w[2] >> 63),
    ]
}

/// -1/p modulo 2^52 by Newton's iteration: each step doubles the number of right bits.
const fn negative_inverse(p: u64) -> u64 {
    let mut inverse = 1u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg() & LOW_52
}

/// `x - y`, if it isn't negative.
const fn checked_difference(x: Words, y: Words) -> Option<Words> {
    let mut difference = [0; 4];
    let mut borrow = false;
    let mut i = 0;
    while i < 4 {
        let (word, first) = x[i].overflowing_sub(y[i]);
        let (word, second) = word.overflowing_sub(borrow as u64);
        difference[i] = word;
        borrow = first || second;
        i += 1;
    }
    if borrow { None } else { Some(difference) }
}

/// `2^exponent mod p`.
const fn power_of_two(exponent: u32, p: Words) -> Words {
    let mut power = [1, 0, 0, 0];
    let mut step = 0;
    while step < exponent {
        power = doubled(power);
        if let Some(reduced) = checked_difference(power, p) {
            power = reduced;
        }
        step += 1;
    }
    power
}

#[inline(always)]
fn constant(word: u64) -> __m512i {
    // SAFETY: the module's invariant (see its page).
    unsafe { _mm512_set1_epi64(word.cast_signed()) }
}
#[inline(always)]
fn zero() -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_setzero_si512() }
}
/// `c` + the low 52 bits of `a · b`.
#[inline(always)]
fn low(c: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_madd52lo_epu64(c, a, b) }
}
/// `c` + the high 52 bits of `a · b`.
#[inline(always)]
fn high(c: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_madd52hi_epu64(c, a, b) }
}
#[inline(always)]
fn plus(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_add_epi64(a, b) }
}
#[inline(always)]
fn minus(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_sub_epi64(a, b) }
}
#[inline(always)]
fn and(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_and_si512(a, b) }
}
#[inline(always)]
fn or(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_or_si512(a, b) }
}
#[inline(always)]
fn right<const N: u32>(a: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_srli_epi64::<N>(a) }
}
#[inline(always)]
fn left<const N: u32>(a: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_slli_epi64::<N>(a) }
}
/// The carry of a limb that may be negative.
#[inline(always)]
fn carry(limb: __m512i) -> __m512i {
    // SAFETY: the module's invariant.
    unsafe { _mm512_srai_epi64::<52>(limb) }
}

/// Eight lanes' words, as columns, from eight rows of four words each: `row(i)` is lane i's.
#[inline(always)]
fn columns<'a>(row: impl Fn(usize) -> &'a Words) -> [__m512i; 4] {
    // SAFETY: the module's invariant; each load reads the 32 bytes behind a reference to four words.
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

/// The inverse of [`columns`]: rows i and i + 4 are the halves of element i.
#[inline(always)]
fn rows(columns: [__m512i; 4]) -> [__m512i; 4] {
    // SAFETY: the module's invariant.
    unsafe {
        let [c0, c1, c2, c3] = columns;
        let low = (_mm512_unpacklo_epi64(c0, c1), _mm512_unpacklo_epi64(c2, c3));
        let high = (_mm512_unpackhi_epi64(c0, c1), _mm512_unpackhi_epi64(c2, c3));
        // In 128-bit blocks: low.0 holds words 0, 1 of lanes 0, 2, 4, 6; low.1 words 2, 3 of the same; high the odd lanes.
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

impl<F> Vector<F> {
    #[inline(always)]
    const fn new(limbs: [__m512i; 5]) -> Self {
        Self {
            limbs,
            field: PhantomData,
        }
    }

    /// Carries, so that limbs 0 to 3 are below 2^52. Limbs may be negative as long as the value isn't.
    #[inline(always)]
    fn normalised(mut limbs: [__m512i; 5]) -> Self {
        let mask = constant(LOW_52);
        for i in 0..4 {
            limbs[i + 1] = plus(limbs[i + 1], carry(limbs[i]));
            limbs[i] = and(limbs[i], mask);
        }
        Self::new(limbs)
    }

    #[inline(always)]
    fn from_columns(w: [__m512i; 4]) -> Self {
        let mask = constant(LOW_52);
        // SAFETY: the module's invariant.
        unsafe {
            Self::new([
                and(w[0], mask),
                and(_mm512_shrdi_epi64::<52>(w[0], w[1]), mask),
                and(_mm512_shrdi_epi64::<40>(w[1], w[2]), mask),
                and(_mm512_shrdi_epi64::<28>(w[2], w[3]), mask),
                right::<16>(w[3]),
            ])
        }
    }

    #[inline(always)]
    fn into_columns(self) -> [__m512i; 4] {
        let l = self.limbs;
        [
            or(l[0], left::<52>(l[1])),
            or(right::<12>(l[1]), left::<40>(l[2])),
            or(right::<24>(l[2]), left::<28>(l[3])),
            or(right::<36>(l[3]), left::<16>(l[4])),
        ]
    }

    #[inline(always)]
    fn into_words(self) -> [Words; MAX_LANES] {
        let mut words = [[0; 4]; MAX_LANES];
        for (i, pair) in rows(self.into_columns()).into_iter().enumerate() {
            // SAFETY: the module's invariant; each store writes 32 bytes into an array of four words.
            unsafe {
                _mm256_storeu_epi64(words[i].as_mut_ptr().cast(), _mm512_castsi512_si256(pair));
                _mm256_storeu_epi64(
                    words[i + 4].as_mut_ptr().cast(),
                    _mm512_extracti64x4_epi64::<1>(pair),
                );
            }
        }
        words
    }
}

impl<F: Modulus> Vector<F> {
    #[inline(always)]
    fn of(limbs: [u64; 5]) -> Self {
        Self::new([
            constant(limbs[0]),
            constant(limbs[1]),
            constant(limbs[2]),
            constant(limbs[3]),
            constant(limbs[4]),
        ])
    }

    /// A step of the Montgomery product: adds `a·b`, then the multiple of p that clears limb 0, and shifts it out.
    /// Limb k of the sum is `c[k]`; `d` collects the high halves, which belong one limb further up.
    #[inline(always)]
    fn reduce_step(mut c: [__m512i; 5], mut d: [__m512i; 5]) -> [__m512i; 5] {
        let q = low(zero(), c[0], constant(F::INVERSE));
        for (limb, p) in c.iter_mut().zip(F::P) {
            *limb = low(*limb, q, constant(p));
        }
        for (limb, p) in d.iter_mut().zip(F::P) {
            *limb = high(*limb, q, constant(p));
        }
        c[1] = plus(c[1], right::<52>(c[0]));
        [
            plus(c[1], d[0]),
            plus(c[2], d[1]),
            plus(c[3], d[2]),
            plus(c[4], d[3]),
            d[4],
        ]
    }

    #[inline(always)]
    fn product(a: &[__m512i; 5], b: &[__m512i; 5]) -> Self {
        let mut c = [zero(); 5];
        for &limb in a {
            let mut d = [zero(); 5];
            for k in 0..5 {
                c[k] = low(c[k], limb, b[k]);
            }
            for k in 0..5 {
                d[k] = high(d[k], limb, b[k]);
            }
            c = Self::reduce_step(c, d);
        }
        Self::normalised(c)
    }

    /// `x` if it isn't negative, else `x + 2p`; limbs as they come, the result too.
    #[inline(always)]
    fn plus_2p_if_negative(mut limbs: [__m512i; 5]) -> [__m512i; 5] {
        let mut top = carry(limbs[0]);
        for limb in &limbs[1..4] {
            top = carry(plus(*limb, top));
        }
        top = plus(limbs[4], top);
        // SAFETY: the module's invariant.
        unsafe {
            let negative = _mm512_cmplt_epi64_mask(top, zero());
            for (limb, two_p) in limbs.iter_mut().zip(F::TWO_P) {
                *limb = _mm512_mask_add_epi64(*limb, negative, *limb, constant(two_p));
            }
        }
        limbs
    }

    /// From [0, 2p) to [0, p).
    #[inline(always)]
    fn canonical(self) -> Self {
        let mut limbs = self.limbs;
        for (limb, p) in limbs.iter_mut().zip(F::P) {
            *limb = minus(*limb, constant(p));
        }
        let below = Self::normalised(limbs);
        let mut result = below.limbs;
        // SAFETY: the module's invariant.
        unsafe {
            let negative = _mm512_cmplt_epi64_mask(below.limbs[4], zero());
            for (limb, kept) in result.iter_mut().zip(self.limbs) {
                *limb = _mm512_mask_mov_epi64(*limb, negative, kept);
            }
        }
        Self::new(result)
    }
}

impl<T: MontConfig<4>> Lanes<Ifma> for Vector<Fp<MontBackend<T, 4>, 4>> {
    type Element = Fp<MontBackend<T, 4>, 4>;

    type Constant = [u64; 5];

    #[inline(always)]
    fn constant(element: Self::Element) -> [u64; 5] {
        limbs_of(Self::encode(element))
    }
    #[inline(always)]
    fn broadcast(_: Ifma, constant: &[u64; 5]) -> Self {
        Self::of(*constant)
    }
    #[inline(always)]
    fn zero(_: Ifma) -> Self {
        Self::new([zero(); 5])
    }
    #[inline(always)]
    fn from_fn(arch: Ifma, mut element: impl FnMut(usize) -> Self::Element) -> Self {
        let mut elements = [Self::Element::ZERO; MAX_LANES];
        for (lane, slot) in elements.iter_mut().enumerate() {
            *slot = element(lane);
        }
        Self::load(arch, &elements)
    }
    #[inline(always)]
    fn load(_: Ifma, elements: &[Self::Element]) -> Self {
        const NOTHING: Words = [0; 4];
        let words = columns(|lane| elements.get(lane).map_or(&NOTHING, |element| &element.0.0));
        Self::product(
            &Self::from_columns(words).limbs,
            &Self::of(Self::Element::FROM_ARK).limbs,
        )
    }
    #[inline(always)]
    fn to_elements(self) -> [Self::Element; MAX_LANES] {
        self.into_words().map(Self::decode)
    }
    #[inline(always)]
    fn to_integers(self, out: &mut Vec<Words>) {
        let one = Self::of([1, 0, 0, 0, 0]);
        out.extend_from_slice(&Self::product(&self.limbs, &one.limbs).canonical().into_words());
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::product(&self.limbs, &other.limbs)
    }
    #[inline(always)]
    fn square(self) -> Self {
        Self::product(&self.limbs, &self.limbs)
    }
    #[inline(always)]
    fn mul_add_mul(self, other: Self, x: Self, y: Self) -> Self {
        let mut c = [zero(); 5];
        for i in 0..5 {
            let mut d = [zero(); 5];
            for k in 0..5 {
                c[k] = low(c[k], self.limbs[i], other.limbs[k]);
                d[k] = high(d[k], self.limbs[i], other.limbs[k]);
            }
            for k in 0..5 {
                c[k] = low(c[k], x.limbs[i], y.limbs[k]);
                d[k] = high(d[k], x.limbs[i], y.limbs[k]);
            }
            c = Self::reduce_step(c, d);
        }
        Self::normalised(c)
    }
    #[inline(always)]
    fn dot<const N: usize>(left: &[Self; N], right: &[Self; N]) -> Self {
        let mut c = [zero(); 5];
        for i in 0..5 {
            let mut d = [zero(); 5];
            for (x, y) in left.iter().zip(right) {
                for k in 0..5 {
                    c[k] = low(c[k], x.limbs[i], y.limbs[k]);
                    d[k] = high(d[k], x.limbs[i], y.limbs[k]);
                }
            }
            c = Self::reduce_step(c, d);
        }
        Self::normalised(c)
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(other.limbs) {
            *limb = plus(*limb, other);
        }
        Self::normalised(limbs)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for ((limb, other), two_p) in limbs.iter_mut().zip(other.limbs).zip(Self::Element::TWO_P) {
            *limb = plus(minus(*limb, other), constant(two_p));
        }
        Self::normalised(limbs)
    }
    #[inline(always)]
    fn add_reduced(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for ((limb, other), two_p) in limbs.iter_mut().zip(other.limbs).zip(Self::Element::TWO_P) {
            *limb = minus(plus(*limb, other), constant(two_p));
        }
        Self::normalised(Self::plus_2p_if_negative(limbs))
    }
    #[inline(always)]
    fn sub_reduced(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(other.limbs) {
            *limb = minus(*limb, other);
        }
        Self::normalised(Self::plus_2p_if_negative(limbs))
    }
    #[inline(always)]
    fn sub_sub_reduced(self, b: Self, c: Self) -> Self {
        let mut limbs = self.limbs;
        for ((limb, b), c) in limbs.iter_mut().zip(b.limbs).zip(c.limbs) {
            *limb = minus(minus(*limb, b), c);
        }
        // From (-4p, 2p) to (-2p, 2p) to [0, 2p).
        Self::normalised(Self::plus_2p_if_negative(Self::plus_2p_if_negative(limbs)))
    }
    #[inline(always)]
    fn negate(self) -> Self {
        let mut limbs = self.limbs;
        for (limb, two_p) in limbs.iter_mut().zip(Self::Element::TWO_P) {
            *limb = minus(constant(two_p), *limb);
        }
        Self::normalised(limbs)
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        let mut limbs = self.limbs;
        for (limb, two_p) in limbs.iter_mut().zip(Self::Element::TWO_P) {
            // SAFETY: the module's invariant.
            *limb = unsafe { _mm512_mask_sub_epi64(*limb, lanes, constant(two_p), *limb) };
        }
        Self::normalised(limbs)
    }
    #[inline(always)]
    fn transpose(_: Ifma, square: &mut [Self]) {
        for limb in 0..5 {
            let mut block = [zero(); 8];
            for (row, vector) in block.iter_mut().zip(square.iter()) {
                *row = vector.limbs[limb];
            }
            for (vector, column) in square.iter_mut().zip(transposed(block)) {
                vector.limbs[limb] = column;
            }
        }
    }

    #[inline(always)]
    fn gather<'a>(_: Ifma, line: impl Fn(usize) -> &'a Line, half: usize) -> Self {
        Self::from_columns(columns(|lane| &line(lane).0[half]))
    }
    #[inline(always)]
    fn scatter(self, lines: &mut [Line], step: usize, half: usize) {
        for (i, pair) in rows(self.into_columns()).into_iter().enumerate() {
            // SAFETY: the module's invariant; each store writes 32 bytes into an array of four words.
            unsafe {
                _mm256_storeu_epi64(
                    lines[i * step].0[half].as_mut_ptr().cast(),
                    _mm512_castsi512_si256(pair),
                );
                _mm256_storeu_epi64(
                    lines[(i + 4) * step].0[half].as_mut_ptr().cast(),
                    _mm512_extracti64x4_epi64::<1>(pair),
                );
            }
        }
    }
    #[inline(always)]
    fn encode(element: Self::Element) -> Words {
        // 2^260 / 2^256 = 16.
        let mut times_16 = element;
        for _ in 0..4 {
            times_16.double_in_place();
        }
        times_16.0.0
    }
    #[inline(always)]
    fn decode(words: Words) -> Self::Element {
        let mut integer = BigInt(words);
        while integer >= Self::Element::MODULUS {
            integer.sub_with_borrow(&Self::Element::MODULUS);
        }
        // Halving four times: an even representative is x or x + p, which is below 2^255.
        for _ in 0..4 {
            if integer.is_odd() {
                integer.add_with_carry(&Self::Element::MODULUS);
            }
            integer.div2();
        }
        Self::Element::new_unchecked(integer)
    }
}

/// For four rows of eight words: vector j has word j of each, then word j + 4 of each.
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
fn transposed(r: [__m512i; 8]) -> [__m512i; 8] {
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
