//! The operations of [`PackedField`] on nine limbs.

use core::marker::PhantomData;

use super::{
    Limbs29,
    modulus::{BITS, LIMBS, Modulus},
    product::{reduced, square, sum_of_products},
};
use crate::{
    CacheLine, MAX_WIDTH, PackedField, Words,
    integers::{Prime, canonical, doubled_mod, halved_mod, signed_limbs, words_of},
};

/// The limits of limbs of reduced and of loose values.
const REDUCED: i64 = 1 << 28;
const LOOSE: i64 = 1 << 29;

/// An element of the field `F`.
#[derive(Clone, Copy, Debug)]
pub struct Element<F> {
    limbs: [i64; LIMBS],
    field: PhantomData<F>,
}

impl<F> Element<F> {
    #[inline(always)]
    const fn new(limbs: [i64; LIMBS]) -> Self {
        Self {
            limbs,
            field: PhantomData,
        }
    }

    /// Applies an operation to each pair of limbs.
    #[inline(always)]
    fn limb_by_limb(&self, other: &Self, operation: impl Fn(i64, i64) -> i64) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(other.limbs) {
            *limb = operation(*limb, other);
        }
        Self::new(limbs)
    }

    /// Returns the limbs if they are at most `limit`, and panics otherwise. Without debug
    /// assertions, there is no check.
    #[inline(always)]
    fn limbs_within(&self, limit: i64) -> &[i64; LIMBS] {
        debug_assert!(
            self.limbs.iter().all(|limb| limb.abs() <= limit),
            "a limb exceeds {limit}: {:?}",
            self.limbs
        );
        &self.limbs
    }
}

/// The number of bits of the top limb in the stored form.
const TOP_BITS: usize = 256 - (LIMBS - 1) * BITS;

/// Returns the stored form of reduced limbs: two's complement, 29 bits each, and 24 bits for the
/// top limb.
#[inline(always)]
fn stored(limbs: &[i64; LIMBS]) -> Words {
    const MASK: u64 = (1 << BITS) - 1;
    let [l0, l1, l2, l3, l4, l5, l6, l7, l8] = limbs.map(i64::cast_unsigned);
    let [l0, l1, l2, l3, l4, l5, l6, l7] = [l0, l1, l2, l3, l4, l5, l6, l7].map(|limb| limb & MASK);
    [
        l0 | l1 << 29 | l2 << 58,
        l2 >> 6 | l3 << 23 | l4 << 52,
        l4 >> 12 | l5 << 17 | l6 << 46,
        l6 >> 18 | l7 << 11 | l8 << 40,
    ]
}

/// Returns the limbs of a stored form.
#[inline(always)]
fn limbs_of(w: &Words) -> [i64; LIMBS] {
    let signed = |bits: u64| (bits << (64 - BITS)).cast_signed() >> (64 - BITS);
    [
        signed(w[0]),
        signed(w[0] >> 29),
        signed(w[0] >> 58 | w[1] << 6),
        signed(w[1] >> 23),
        signed(w[1] >> 52 | w[2] << 12),
        signed(w[2] >> 17),
        signed(w[2] >> 46 | w[3] << 18),
        signed(w[3] >> 11),
        w[3].cast_signed() >> (64 - TOP_BITS),
    ]
}

impl<F: Prime> PackedField<Limbs29> for Element<F> {
    type Element = F;

    type Constant = [i64; LIMBS];

    #[inline(always)]
    fn constant(element: F) -> [i64; LIMBS] {
        limbs_of(&Self::encode(element))
    }
    #[inline(always)]
    fn broadcast(_: Limbs29, constant: &[i64; LIMBS]) -> Self {
        Self::new(*constant)
    }
    #[inline(always)]
    fn zero(_: Limbs29) -> Self {
        Self::new([0; LIMBS])
    }
    #[inline(always)]
    fn from_fn(arch: Limbs29, mut element: impl FnMut(usize) -> F) -> Self {
        Self::load(arch, &[element(0)])
    }
    #[inline(always)]
    fn load(_: Limbs29, elements: &[F]) -> Self {
        let words = elements.first().map_or([0; 4], |element| element.montgomery());
        let limbs = signed_limbs(words, BITS);
        Self::new(sum_of_products::<F, 1>([&limbs], [&F::FROM_ARK]))
    }
    #[inline(always)]
    fn to_elements(self) -> [F; MAX_WIDTH] {
        let mut elements = [F::ZERO; MAX_WIDTH];
        elements[0] = Self::decode(stored(self.limbs_within(REDUCED)));
        elements
    }
    #[inline(always)]
    fn to_integers(self, out: &mut Vec<Words>) {
        let mut one = [0; LIMBS];
        one[0] = 1;
        let integer = self.mul(Self::new(one));
        out.push(canonical(words_of(integer.limbs, BITS), F::MODULUS.0));
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(sum_of_products::<F, 1>(
            [self.limbs_within(LOOSE)],
            [other.limbs_within(LOOSE)],
        ))
    }
    #[inline(always)]
    fn square(self) -> Self {
        Self::new(square::<F>(self.limbs_within(LOOSE)))
    }
    #[inline(always)]
    fn mul_add_mul(self, other: Self, c: Self, d: Self) -> Self {
        Self::new(sum_of_products::<F, 2>(
            [self.limbs_within(LOOSE), c.limbs_within(LOOSE)],
            [other.limbs_within(LOOSE), d.limbs_within(LOOSE)],
        ))
    }
    #[inline(always)]
    fn dot<const N: usize>(left: &[Self; N], right: &[Self; N]) -> Self {
        Self::new(sum_of_products::<F, N>(
            left.each_ref().map(|x| x.limbs_within(REDUCED)),
            right.each_ref().map(|x| x.limbs_within(REDUCED)),
        ))
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.limb_by_limb(&other, |x, y| x + y)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.limb_by_limb(&other, |x, y| x - y)
    }
    #[inline(always)]
    fn add_reduced(self, other: Self) -> Self {
        let sum = self.limb_by_limb(&other, |x, y| x + y);
        Self::new(reduced::<F>(sum.limbs))
    }
    #[inline(always)]
    fn sub_reduced(self, other: Self) -> Self {
        let difference = self.limb_by_limb(&other, |x, y| x - y);
        Self::new(reduced::<F>(difference.limbs))
    }
    #[inline(always)]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self {
        let rest = self.limb_by_limb(&b, |x, b| x - 2 * b);
        Self::new(reduced::<F>(rest.limb_by_limb(&c_minus_b, |x, y| x - y).limbs))
    }
    #[inline(always)]
    fn negate(self) -> Self {
        Self::new(self.limbs.map(|limb| -limb))
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        // All bits are set if the lane is to be negated.
        let mask = -i64::from(lanes & 1);
        Self::new(self.limbs.map(|limb| (limb ^ mask) - mask))
    }
    #[inline(always)]
    fn transpose(_: Limbs29, _: &mut [Self]) {}

    #[inline(always)]
    fn gather<'a>(_: Limbs29, line: impl Fn(usize) -> &'a CacheLine, half: usize) -> Self {
        Self::new(limbs_of(&line(0).0[half]))
    }
    #[inline(always)]
    fn scatter(self, lines: &mut [CacheLine], _: usize, half: usize) {
        lines[0].0[half] = stored(self.limbs_within(REDUCED));
    }
    #[inline(always)]
    fn encode(element: F) -> Words {
        // The two Montgomery forms differ by the factor 2^261 / 2^256 = 2^5.
        let mut integer = element.montgomery();
        for _ in 0..5 {
            integer = doubled_mod(integer, F::MODULUS.0);
        }
        stored(&signed_limbs(integer, BITS))
    }
    #[inline(always)]
    fn decode(words: Words) -> F {
        let mut integer = canonical(words_of(limbs_of(&words), BITS), F::MODULUS.0);
        for _ in 0..5 {
            integer = halved_mod(integer, F::MODULUS.0);
        }
        F::from_montgomery(integer)
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fq, Fr};
    use ark_ff::PrimeField;
    use proptest::prelude::*;

    use super::*;

    /// Limbs at the limits and random limbs. The top limb is within the limits of a value: p is
    /// above 0.756·2^22·2^232.
    fn limbs(limit: i64, tenths_of_p: i64) -> impl Strategy<Value = [i64; LIMBS]> {
        let limb = |limit: i64| {
            prop_oneof![
                Just(limit),
                Just(-limit),
                Just(limit - 1),
                Just(1 - limit),
                Just(0),
                -limit..=limit
            ]
        };
        let top = (1 << 22) * 756 / 1000 * tenths_of_p / 10 - 2;
        (prop::array::uniform8(limb(limit)), limb(top)).prop_map(|(low, top)| {
            let mut limbs = [top; LIMBS];
            limbs[..8].copy_from_slice(&low);
            limbs
        })
    }

    fn field<F: PrimeField>(limbs: [i64; LIMBS]) -> F {
        let power = F::from(1u64 << BITS);
        limbs.iter().rev().fold(F::ZERO, |sum, &limb| {
            let magnitude = F::from(limb.unsigned_abs());
            sum * power + if limb < 0 { -magnitude } else { magnitude }
        })
    }

    /// Checks that a result is the expected one, and reduced.
    fn check<F: Prime>(name: &str, found: Element<F>, expected: F) {
        let limbs = found.limbs;
        assert_eq!(field::<F>(limbs), expected, "{name}: {limbs:?}");
        assert!(
            limbs[..8].iter().all(|limb| (-REDUCED..REDUCED).contains(limb)),
            "{name}: {limbs:?}"
        );
        assert!(limbs[8].abs() <= F::P[8] * 8 / 10, "{name}: {limbs:?}");
    }

    fn products_are_right<F: Prime>(x: [i64; LIMBS], y: [i64; LIMBS], r: [i64; LIMBS]) {
        let inverse = F::from(2u64).pow([261]).inverse().unwrap();
        let [x_field, y_field, r_field] = [x, y, r].map(field::<F>);
        let [x, y, r] = [x, y, r].map(Element::<F>::new);
        check("mul", x.mul(y), x_field * y_field * inverse);
        check("square", x.square(), x_field.square() * inverse);
        check(
            "mul_add_mul",
            x.mul_add_mul(y, x, x),
            (x_field * y_field + x_field.square()) * inverse,
        );
        check(
            "dot",
            Element::dot(&[r; 7], &[r; 7]),
            F::from(7u64) * r_field.square() * inverse,
        );
        check("add_reduced", r.add_reduced(r), r_field + r_field);
        let minus = r.negate();
        check(
            "sub_both_reduced",
            r.sub_both_reduced(minus, minus.sub(minus)),
            r_field + r_field + r_field,
        );
    }

    proptest! {
        #[test]
        fn results_are_right_and_reduced_for_limbs_at_the_limits(
            x in limbs(LOOSE, 16),
            y in limbs(LOOSE, 16),
            r in limbs(REDUCED, 8),
        ) {
            products_are_right::<Fq>(x, y, r);
            products_are_right::<Fr>(x, y, r);
        }

        #[test]
        fn stored_elements_keep_limbs_at_the_limits(mut limbs in limbs(REDUCED, 8)) {
            for limb in &mut limbs {
                *limb = (*limb).min(REDUCED - 1);
            }
            prop_assert_eq!(limbs_of(&stored(&limbs)), limbs);
        }
    }
}
