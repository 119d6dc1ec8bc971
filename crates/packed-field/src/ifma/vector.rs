//! The operations of [`Lanes`] on five limbs.

use core::{arch::x86_64::__m512i, marker::PhantomData};

use ark_ff::{AdditiveGroup, BigInt, BigInteger, Fp, MontBackend, MontConfig, PrimeField};

use super::{
    Ifma,
    modulus::{LOW_52, Modulus, limbs_of},
    product::Columns,
    simd::{
        and, carry, columns, constant, funnel, left, minus, negative, or, plus, plus_where, right, rows,
        select, store_first, store_second, subtract_from_where, transposed, zero,
    },
};
use crate::{Lanes, Line, MAX_LANES, Words};

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
        Self::new([
            and(w[0], mask),
            and(funnel::<52>(w[0], w[1]), mask),
            and(funnel::<40>(w[1], w[2]), mask),
            and(funnel::<28>(w[2], w[3]), mask),
            right::<16>(w[3]),
        ])
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
            constant(limbs[0]),
            constant(limbs[1]),
            constant(limbs[2]),
            constant(limbs[3]),
            constant(limbs[4]),
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

    /// `x` if it isn't negative, else `x + 2p`; limbs as they come, the result too.
    #[inline(always)]
    fn plus_2p_if_negative(mut limbs: [__m512i; 5]) -> [__m512i; 5] {
        let mut top = carry(limbs[0]);
        for limb in &limbs[1..4] {
            top = carry(plus(*limb, top));
        }
        let lanes = negative(plus(limbs[4], top));
        for (limb, two_p) in limbs.iter_mut().zip(F::TWO_P) {
            *limb = plus_where(lanes, *limb, constant(two_p));
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
        let mut result = Self::normalised(limbs).limbs;
        let lanes = negative(result[4]);
        for (limb, kept) in result.iter_mut().zip(self.limbs) {
            *limb = select(lanes, *limb, kept);
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
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self {
        let mut limbs = self.limbs;
        let others = b.limbs.into_iter().zip(c_minus_b.limbs).zip(Self::Element::TWO_P);
        for (limb, ((b, difference), two_p)) in limbs.iter_mut().zip(others) {
            // The difference is c - b + 2p.
            *limb = plus(minus(minus(*limb, difference), plus(b, b)), constant(two_p));
        }
        // From (-4p, 2p) to (-2p, 2p) to [0, 2p).
        Self::normalised(Self::plus_2p_if_negative(Self::plus_2p_if_negative(limbs)))
    }
    #[inline(always)]
    fn negate(self) -> Self {
        let mut limbs = self.limbs;
        for (limb, four_p) in limbs.iter_mut().zip(Self::Element::FOUR_P) {
            *limb = minus(constant(four_p), *limb);
        }
        Self::normalised(limbs)
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        let mut limbs = self.limbs;
        for (limb, two_p) in limbs.iter_mut().zip(Self::Element::TWO_P) {
            *limb = subtract_from_where(lanes, *limb, constant(two_p));
        }
        // Not normalised: differences do that.
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
    fn gather<'a>(_: Ifma, line: impl Fn(usize) -> &'a Line, half: usize) -> Self {
        Self::from_columns(columns(|lane| &line(lane).0[half]))
    }
    #[inline(always)]
    fn scatter(self, lines: &mut [Line], step: usize, half: usize) {
        for (i, pair) in rows(self.into_columns()).into_iter().enumerate() {
            store_first(pair, &mut lines[i * step].0[half]);
            store_second(pair, &mut lines[(i + 4) * step].0[half]);
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
