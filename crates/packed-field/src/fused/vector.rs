//! The operations of [`PackedField`] on vectors of five limbs.

use core::marker::PhantomData;

use super::{
    Fused,
    lanes::{Floats, Integers},
    modulus::{BITS, Modulus, floats, power},
    product::{
        LOW, LOW_BITS, MASK, SIGNED, SIGNED_ZERO, reduced, reduced_difference, square, sum_of_products,
    },
};
use crate::{
    CacheLine, MAX_WIDTH, PackedField, Words,
    integers::{Prime, canonical, centred, doubled_mod, halved_mod, signed_limbs, words_of},
};

/// The limits of limbs of reduced and of loose values.
const REDUCED: f64 = power(50);
const LOOSE: f64 = power(51);

/// Two elements of the field `F`.
#[derive(Clone, Copy, Debug)]
pub struct Vector<F> {
    limbs: [Floats; 5],
    field: PhantomData<F>,
}

impl<F> Vector<F> {
    #[inline(always)]
    const fn new(limbs: [Floats; 5]) -> Self {
        Self {
            limbs,
            field: PhantomData,
        }
    }

    #[inline(always)]
    fn of(limbs: [f64; 5]) -> Self {
        Self::new(limbs.map(Floats::splat))
    }

    /// Applies an operation to each pair of limbs.
    #[inline(always)]
    fn limb_by_limb(&self, other: &Self, operation: impl Fn(Floats, Floats) -> Floats) -> Self {
        let (x, y) = (&self.limbs, &other.limbs);
        Self::new([
            operation(x[0], y[0]),
            operation(x[1], y[1]),
            operation(x[2], y[2]),
            operation(x[3], y[3]),
            operation(x[4], y[4]),
        ])
    }

    /// Returns the limbs if they are at most `limit`, and panics otherwise. Without debug
    /// assertions, there is no check.
    #[inline(always)]
    fn limbs_within(&self, limit: f64) -> &[Floats; 5] {
        debug_assert!(
            self.limbs
                .iter()
                .flat_map(|limb| limb.to_array())
                .all(|limb| limb.abs() <= limit),
            "a limb exceeds {limit}: {:?}",
            self.limbs
        );
        &self.limbs
    }

    /// Returns the limbs of one lane.
    #[allow(clippy::cast_possible_truncation, reason = "limbs are integers below 2^53")]
    fn lane(&self, lane: usize) -> [i64; 5] {
        self.limbs.map(|limb| limb.to_array()[lane] as i64)
    }

    /// Reads stored elements from vectors of words.
    #[inline(always)]
    fn from_word_vectors(w: [Integers; 4]) -> Self {
        let mask = Integers::splat(MASK);
        let limb = |bits: Integers| {
            bits.and(mask)
                .xor(Integers::splat(SIGNED))
                .floats()
                .sub(Floats::splat(SIGNED_ZERO))
        };
        Self::new([
            limb(w[0]),
            limb(w[0].shift_right::<51>().or(w[1].shift_left::<13>())),
            limb(w[1].shift_right::<38>().or(w[2].shift_left::<26>())),
            limb(w[2].shift_right::<25>().or(w[3].shift_left::<39>())),
            limb(w[3].shift_right::<12>()),
        ])
    }

    /// Returns the words of the stored form: the limbs in two's complement, 51 bits each.
    #[inline(always)]
    fn into_word_vectors(self) -> [Integers; 4] {
        let mask = Integers::splat(MASK);
        let limbs = self.limbs_within(REDUCED);
        // The low 51 bits of `LOW_BITS` are zero.
        let bits = |i: usize| limbs[i].add(Floats::splat(LOW)).bits().and(mask);
        let (b1, b2, b3) = (bits(1), bits(2), bits(3));
        [
            bits(0).or(b1.shift_left::<51>()),
            b1.shift_right::<13>().or(b2.shift_left::<38>()),
            b2.shift_right::<26>().or(b3.shift_left::<25>()),
            b3.shift_right::<39>().or(bits(4).shift_left::<12>()),
        ]
    }
}

const _: () = assert!(LOW_BITS & MASK == 0, "into_word_vectors relies on this");

/// Returns the stored form of limbs from -2^50 to 2^50 - 1.
const fn stored(limbs: [i64; 5]) -> Words {
    let [b0, b1, b2, b3, b4] = [
        limbs[0].cast_unsigned() & MASK,
        limbs[1].cast_unsigned() & MASK,
        limbs[2].cast_unsigned() & MASK,
        limbs[3].cast_unsigned() & MASK,
        limbs[4].cast_unsigned() & MASK,
    ];
    [
        b0 | b1 << 51,
        b1 >> 13 | b2 << 38,
        b2 >> 26 | b3 << 25,
        b3 >> 39 | b4 << 12,
    ]
}

/// Returns the limbs of a stored form.
const fn limbs_of(w: Words) -> [i64; 5] {
    const fn signed(bits: u64) -> i64 {
        (bits << 13).cast_signed() >> 13
    }
    [
        signed(w[0]),
        signed(w[0] >> 51 | w[1] << 13),
        signed(w[1] >> 38 | w[2] << 26),
        signed(w[2] >> 25 | w[3] << 39),
        signed(w[3] >> 12),
    ]
}

impl<F: Prime> PackedField<Fused> for Vector<F> {
    type Element = F;

    type Constant = [f64; 5];

    #[inline(always)]
    fn constant(element: F) -> [f64; 5] {
        floats(limbs_of(Self::encode(element)))
    }
    #[inline(always)]
    fn broadcast(_: Fused, constant: &[f64; 5]) -> Self {
        Self::of(*constant)
    }
    #[inline(always)]
    fn zero(_: Fused) -> Self {
        Self::of([0.0; 5])
    }
    #[inline(always)]
    fn from_fn(arch: Fused, mut element: impl FnMut(usize) -> F) -> Self {
        let elements = [element(0), element(1)];
        Self::load(arch, &elements)
    }
    #[inline(always)]
    fn load(_: Fused, elements: &[F]) -> Self {
        let words = [0, 1].map(|lane| elements.get(lane).map_or([0; 4], |element| element.montgomery()));
        let w = [0, 1, 2, 3].map(|i| Integers::new([words[0][i], words[1][i]]));
        let mask = Integers::splat(MASK);
        // The unsigned limbs of a number below p are below 2^51, so they are a loose value.
        let limb = |bits: Integers| {
            bits.and(mask)
                .or(Integers::splat(power(52).to_bits()))
                .floats()
                .sub(Floats::splat(power(52)))
        };
        let limbs = [
            limb(w[0]),
            limb(w[0].shift_right::<51>().or(w[1].shift_left::<13>())),
            limb(w[1].shift_right::<38>().or(w[2].shift_left::<26>())),
            limb(w[2].shift_right::<25>().or(w[3].shift_left::<39>())),
            limb(w[3].shift_right::<12>()),
        ];
        Self::new(sum_of_products::<F, 1>(
            [&limbs],
            [&F::FROM_ARK.map(Floats::splat)],
        ))
    }
    #[inline(always)]
    fn to_elements(self) -> [F; MAX_WIDTH] {
        let mut elements = [F::ZERO; MAX_WIDTH];
        let words = self.into_word_vectors().map(Integers::to_array);
        for (lane, element) in elements.iter_mut().enumerate().take(2) {
            *element = Self::decode(words.map(|word| word[lane]));
        }
        elements
    }
    #[inline(always)]
    fn to_integers(self, out: &mut Vec<Words>) {
        let one = Self::of([1.0, 0.0, 0.0, 0.0, 0.0]);
        let integers = self.mul(one);
        for lane in 0..2 {
            out.push(canonical(words_of(integers.lane(lane), BITS), F::MODULUS.0));
        }
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
        self.limb_by_limb(&other, Floats::add)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.limb_by_limb(&other, Floats::sub)
    }
    #[inline(always)]
    fn add_reduced(self, other: Self) -> Self {
        Self::new(reduced::<F>(
            self.limb_by_limb(&other, Floats::add).limbs_within(LOOSE),
        ))
    }
    #[inline(always)]
    fn sub_reduced(self, other: Self) -> Self {
        let difference = self.limb_by_limb(&other, Floats::sub);
        Self::new(reduced::<F>(difference.limbs_within(LOOSE)))
    }
    #[inline(always)]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self {
        // Neither difference nor sum is carried, so the sum has the limbs of c.
        let c = b.limb_by_limb(&c_minus_b, Floats::add);
        let difference = self.limb_by_limb(&b, Floats::sub);
        Self::new(reduced_difference::<F>(
            difference.limbs_within(LOOSE),
            c.limbs_within(LOOSE),
        ))
    }
    #[inline(always)]
    fn negate(self) -> Self {
        let zero = Self::of([0.0; 5]);
        zero.limb_by_limb(&self, Floats::sub)
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        let lanes = u64::from(lanes);
        let signs = Integers::new([lanes << 63, lanes >> 1 << 63]);
        Self::new(self.limbs.map(|limb| limb.bits().xor(signs).floats()))
    }
    #[inline(always)]
    fn transpose(_: Fused, square: &mut [Self]) {
        for limb in 0..5 {
            let (first, second) = (square[0].limbs[limb].to_array(), square[1].limbs[limb].to_array());
            square[0].limbs[limb] = Floats::new([first[0], second[0]]);
            square[1].limbs[limb] = Floats::new([first[1], second[1]]);
        }
    }

    #[inline(always)]
    fn gather<'a>(_: Fused, line: impl Fn(usize) -> &'a CacheLine, half: usize) -> Self {
        let (first, second) = (&line(0).0[half], &line(1).0[half]);
        Self::from_word_vectors([
            Integers::new([first[0], second[0]]),
            Integers::new([first[1], second[1]]),
            Integers::new([first[2], second[2]]),
            Integers::new([first[3], second[3]]),
        ])
    }
    #[inline(always)]
    fn scatter(self, lines: &mut [CacheLine], step: usize, half: usize) {
        let words = self.into_word_vectors().map(Integers::to_array);
        lines[0].0[half] = words.map(|word| word[0]);
        lines[step].0[half] = words.map(|word| word[1]);
    }
    #[inline(always)]
    fn encode(element: F) -> Words {
        // The two Montgomery forms differ by the factor 2^256 / 2^255 = 2.
        let half = halved_mod(element.montgomery(), F::MODULUS.0);
        stored(signed_limbs(centred(half, F::MODULUS.0), BITS))
    }
    #[inline(always)]
    fn decode(words: Words) -> F {
        let integer = canonical(words_of(limbs_of(words), BITS), F::MODULUS.0);
        F::from_montgomery(doubled_mod(integer, F::MODULUS.0))
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fq, Fr};
    use ark_ff::PrimeField;
    use proptest::prelude::*;

    use super::*;

    /// Limbs at the limits and random limbs. The top limb is within the limits of a value.
    fn limbs(limit: i64) -> impl Strategy<Value = [i64; 5]> {
        let limb = move |limit: i64| {
            prop_oneof![
                Just(limit),
                Just(-limit),
                Just(limit - 1),
                Just(1 - limit),
                Just(limit / 2),
                Just(0),
                -limit..=limit
            ]
        };
        // p is above 0.756·2^254, so the top limb of 1.02p is at least 0.77·2^50.
        let top = limit / 1000 * 385;
        [limb(limit), limb(limit), limb(limit), limb(limit), limb(top)]
    }

    fn field<F: PrimeField>(limbs: [i64; 5]) -> F {
        let power = F::from(1u64 << 51);
        limbs.iter().rev().fold(F::ZERO, |sum, &limb| {
            let magnitude = F::from(limb.unsigned_abs());
            sum * power + if limb < 0 { -magnitude } else { magnitude }
        })
    }

    fn vector<F>(first: [i64; 5], second: [i64; 5]) -> Vector<F> {
        let (first, second) = (floats(first), floats(second));
        Vector::new(std::array::from_fn(|i| Floats::new([first[i], second[i]])))
    }

    /// Checks that a result is the expected one, and reduced.
    fn check<F: Prime>(name: &str, found: Vector<F>, expected: [F; 2]) {
        for (lane, expected) in expected.into_iter().enumerate() {
            let limbs = found.lane(lane);
            assert_eq!(field::<F>(limbs), expected, "{name}, lane {lane}: {limbs:?}");
            assert!(
                limbs[..4].iter().all(|limb| (-(1 << 50)..1 << 50).contains(limb)),
                "{name}: {limbs:?}"
            );
            let top = F::P[4] * 0.51;
            #[allow(clippy::cast_precision_loss, reason = "limbs are below 2^53")]
            let found = limbs[4] as f64;
            assert!(found.abs() <= top, "{name}: {limbs:?}");
        }
    }

    fn products_are_right<F: Prime>(x: [[i64; 5]; 2], y: [[i64; 5]; 2], r: [[i64; 5]; 2]) {
        let inverse = F::from(2u64).pow([255]).inverse().unwrap();
        let [x_field, y_field, r_field] = [x, y, r].map(|pair| pair.map(field::<F>));
        let [x, y, r] = [x, y, r].map(|[first, second]| vector::<F>(first, second));
        let both = |value: &dyn Fn(usize) -> F| [value(0), value(1)];
        check("mul", x.mul(y), both(&|i| x_field[i] * y_field[i] * inverse));
        check("square", x.square(), both(&|i| x_field[i].square() * inverse));
        check(
            "mul_add_mul",
            x.mul_add_mul(y, x, x),
            both(&|i| (x_field[i] * y_field[i] + x_field[i].square()) * inverse),
        );
        check(
            "dot",
            Vector::dot(&[r; 7], &[r; 7]),
            both(&|i| F::from(7u64) * r_field[i].square() * inverse),
        );
        check(
            "add_reduced",
            r.add_reduced(r),
            both(&|i| r_field[i] + r_field[i]),
        );
        let minus = r.negate();
        check(
            "sub_both_reduced",
            r.sub_both_reduced(minus, minus.sub(minus)),
            both(&|i| r_field[i] + r_field[i] + r_field[i]),
        );
    }

    proptest! {
        #[test]
        fn results_are_right_and_reduced_for_limbs_at_the_limits(
            x in [limbs(1 << 51), limbs(1 << 51)],
            y in [limbs(1 << 51), limbs(1 << 51)],
            r in [limbs(1 << 50), limbs(1 << 50)],
        ) {
            products_are_right::<Fq>(x, y, r);
            products_are_right::<Fr>(x, y, r);
        }

        #[test]
        fn stored_elements_keep_limbs_at_the_limits(mut limbs in limbs(1 << 50)) {
            for limb in &mut limbs {
                *limb = (*limb).min((1 << 50) - 1);
            }
            prop_assert_eq!(limbs_of(stored(limbs)), limbs);
            let words = vector::<Fq>(limbs, [0; 5]).into_word_vectors().map(Integers::to_array);
            prop_assert_eq!(words.map(|word| word[0]), stored(limbs));
            let read = Vector::<Fq>::from_word_vectors(words.map(Integers::new));
            prop_assert_eq!(read.lane(0), limbs);
            prop_assert_eq!(read.lane(1), [0; 5]);
        }
    }
}
