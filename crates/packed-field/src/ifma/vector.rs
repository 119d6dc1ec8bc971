//! The operations of [`PackedField`] on vectors of five limbs.

use core::{arch::x86_64::__m512i, marker::PhantomData};

use ark_ff::{AdditiveGroup, BigInt, BigInteger, Fp, MontBackend, MontConfig, PrimeField};

use super::{
    Ifma,
    modulus::{LOW_52, Modulus, limbs_of},
    product::Columns,
    simd::{
        add, add_where, and, carry, funnel, load_words, negative, or, select, shift_left, shift_right, splat,
        split_lanes, store_first, store_second, sub, subtract_from_where, transposed, zero,
    },
};
use crate::{CacheLine, MAX_WIDTH, PackedField, Words};

/// Eight elements of the field `F`.
#[derive(Clone, Copy, Debug)]
pub struct Vector<F> {
    limbs: [__m512i; 5],
    field: PhantomData<F>,
}

impl<F> Vector<F> {
    #[inline(always)]
    const fn new(limbs: [__m512i; 5]) -> Self {
        Self {
            limbs,
            field: PhantomData,
        }
    }

    /// Propagates carries, so that limbs 0 to 3 are below 2^52. Limbs may be negative, but the
    /// value must not be.
    #[inline(always)]
    fn normalised(mut limbs: [__m512i; 5]) -> Self {
        let mask = splat(LOW_52);
        for i in 0..4 {
            limbs[i + 1] = add(limbs[i + 1], carry(limbs[i]));
            limbs[i] = and(limbs[i], mask);
        }
        Self::new(limbs)
    }

    #[inline(always)]
    fn from_word_vectors(w: [__m512i; 4]) -> Self {
        let mask = splat(LOW_52);
        Self::new([
            and(w[0], mask),
            and(funnel::<52>(w[0], w[1]), mask),
            and(funnel::<40>(w[1], w[2]), mask),
            and(funnel::<28>(w[2], w[3]), mask),
            shift_right::<16>(w[3]),
        ])
    }

    #[inline(always)]
    fn into_word_vectors(self) -> [__m512i; 4] {
        let l = self.limbs;
        [
            or(l[0], shift_left::<52>(l[1])),
            or(shift_right::<12>(l[1]), shift_left::<40>(l[2])),
            or(shift_right::<24>(l[2]), shift_left::<28>(l[3])),
            or(shift_right::<36>(l[3]), shift_left::<16>(l[4])),
        ]
    }

    #[inline(always)]
    fn into_words(self) -> [Words; MAX_WIDTH] {
        let mut words = [[0; 4]; MAX_WIDTH];
        for (i, pair) in split_lanes(self.into_word_vectors()).into_iter().enumerate() {
            store_first(pair, &mut words[i]);
            store_second(pair, &mut words[i + 4]);
        }
        words
    }
}

impl<F: Modulus> Vector<F> {
    #[inline(always)]
    fn of(limbs: [u64; 5]) -> Self {
        Self::new([
            splat(limbs[0]),
            splat(limbs[1]),
            splat(limbs[2]),
            splat(limbs[3]),
            splat(limbs[4]),
        ])
    }

    #[inline(always)]
    fn reduced(columns: Columns) -> Self {
        Self::normalised(columns.reduce::<F>())
    }

    #[inline(always)]
    fn product(a: &[__m512i; 5], b: &[__m512i; 5]) -> Self {
        Self::reduced(Columns::zero().add_product(a, b))
    }

    /// Returns `x` if it is not negative, and `x + 2p` otherwise. Neither the argument nor the
    /// result is normalised.
    #[inline(always)]
    fn plus_2p_if_negative(mut limbs: [__m512i; 5]) -> [__m512i; 5] {
        let mut top = carry(limbs[0]);
        for limb in &limbs[1..4] {
            top = carry(add(*limb, top));
        }
        let lanes = negative(add(limbs[4], top));
        for (limb, two_p) in limbs.iter_mut().zip(F::TWO_P) {
            *limb = add_where(lanes, *limb, splat(two_p));
        }
        limbs
    }

    /// Reduces a value in [0, 2p) to [0, p).
    #[inline(always)]
    fn canonical(self) -> Self {
        let mut limbs = self.limbs;
        for (limb, p) in limbs.iter_mut().zip(F::P) {
            *limb = sub(*limb, splat(p));
        }
        let mut result = Self::normalised(limbs).limbs;
        let lanes = negative(result[4]);
        for (limb, kept) in result.iter_mut().zip(self.limbs) {
            *limb = select(lanes, *limb, kept);
        }
        Self::new(result)
    }
}

impl<T: MontConfig<4>> PackedField<Ifma> for Vector<Fp<MontBackend<T, 4>, 4>> {
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
        let mut elements = [Self::Element::ZERO; MAX_WIDTH];
        for (lane, value) in elements.iter_mut().enumerate() {
            *value = element(lane);
        }
        Self::load(arch, &elements)
    }
    #[inline(always)]
    fn load(_: Ifma, elements: &[Self::Element]) -> Self {
        const ZERO_WORDS: Words = [0; 4];
        let words = load_words(|lane| elements.get(lane).map_or(&ZERO_WORDS, |element| &element.0.0));
        Self::product(
            &Self::from_word_vectors(words).limbs,
            &Self::of(Self::Element::FROM_ARK).limbs,
        )
    }
    #[inline(always)]
    fn to_elements(self) -> [Self::Element; MAX_WIDTH] {
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
        Self::reduced(Columns::square(&self.limbs))
    }
    #[inline(always)]
    fn mul_add_mul(self, other: Self, x: Self, y: Self) -> Self {
        let columns = Columns::zero().add_product(&self.limbs, &other.limbs);
        Self::reduced(columns.add_product(&x.limbs, &y.limbs))
    }
    #[inline(always)]
    fn dot<const N: usize>(left: &[Self; N], right: &[Self; N]) -> Self {
        let mut columns = Columns::zero();
        for (x, y) in left.iter().zip(right) {
            columns = columns.add_product(&x.limbs, &y.limbs);
        }
        Self::reduced(columns)
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(other.limbs) {
            *limb = add(*limb, other);
        }
        Self::normalised(limbs)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for ((limb, other), two_p) in limbs.iter_mut().zip(other.limbs).zip(Self::Element::TWO_P) {
            *limb = add(sub(*limb, other), splat(two_p));
        }
        Self::normalised(limbs)
    }
    #[inline(always)]
    fn add_reduced(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for ((limb, other), two_p) in limbs.iter_mut().zip(other.limbs).zip(Self::Element::TWO_P) {
            *limb = sub(add(*limb, other), splat(two_p));
        }
        Self::normalised(Self::plus_2p_if_negative(limbs))
    }
    #[inline(always)]
    fn sub_reduced(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(other.limbs) {
            *limb = sub(*limb, other);
        }
        Self::normalised(Self::plus_2p_if_negative(limbs))
    }
    #[inline(always)]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self {
        let mut limbs = self.limbs;
        let others = b.limbs.into_iter().zip(c_minus_b.limbs).zip(Self::Element::TWO_P);
        for (limb, ((b, difference), two_p)) in limbs.iter_mut().zip(others) {
            // `difference` is c - b + 2p.
            *limb = add(sub(sub(*limb, difference), add(b, b)), splat(two_p));
        }
        // The value is in (-4p, 2p). The first addition moves it to (-2p, 2p), the second one to
        // [0, 2p).
        Self::normalised(Self::plus_2p_if_negative(Self::plus_2p_if_negative(limbs)))
    }
    #[inline(always)]
    fn negate(self) -> Self {
        let mut limbs = self.limbs;
        for (limb, four_p) in limbs.iter_mut().zip(Self::Element::FOUR_P) {
            *limb = sub(splat(four_p), *limb);
        }
        Self::normalised(limbs)
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        let mut limbs = self.limbs;
        for (limb, two_p) in limbs.iter_mut().zip(Self::Element::TWO_P) {
            *limb = subtract_from_where(lanes, *limb, splat(two_p));
        }
        // The result is not normalised. The operations that accept it normalise their own result.
        Self::new(limbs)
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
    fn gather<'a>(_: Ifma, line: impl Fn(usize) -> &'a CacheLine, half: usize) -> Self {
        Self::from_word_vectors(load_words(|lane| &line(lane).0[half]))
    }
    #[inline(always)]
    fn scatter(self, lines: &mut [CacheLine], step: usize, half: usize) {
        for (i, pair) in split_lanes(self.into_word_vectors()).into_iter().enumerate() {
            store_first(pair, &mut lines[i * step].0[half]);
            store_second(pair, &mut lines[(i + 4) * step].0[half]);
        }
    }
    #[inline(always)]
    fn encode(element: Self::Element) -> Words {
        // The two Montgomery forms differ by the factor 2^260 / 2^256 = 16.
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
        // Halve four times. If the integer x is odd, x + p is even and represents the same element.
        // It is below 2^255.
        for _ in 0..4 {
            if integer.is_odd() {
                integer.add_with_carry(&Self::Element::MODULUS);
            }
            integer.div2();
        }
        Self::Element::new_unchecked(integer)
    }
}
