//! The operations of [`PackedField`] on vectors of five limbs.

use core::marker::PhantomData;

use super::{
    Fused,
    lanes::{Floats, Integers, LANES},
    modulus::{BITS, Modulus, floats, power},
    product::{
        LOW_BITS, MASK, SIGNED, SIGNED_ZERO, low_bits, reduced, reduced_difference, splat_all, square,
        sum_of_products,
    },
};
use crate::{
    CacheLine, MAX_WIDTH, PackedField, Words,
    integers::{Prime, canonical, centred, doubled_mod, halved_mod, signed_limbs, words_of},
};

/// The limits of limbs of reduced and of loose values.
const REDUCED: f64 = power(50);
const LOOSE: f64 = power(51);

/// One element of the field `F` in each lane.
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
        Self::new(splat_all(limbs))
    }

    #[inline(always)]
    fn sum(&self, other: &Self) -> Self {
        let (x, y) = (&self.limbs, &other.limbs);
        Self::new([
            x[0].add(y[0]),
            x[1].add(y[1]),
            x[2].add(y[2]),
            x[3].add(y[3]),
            x[4].add(y[4]),
        ])
    }

    #[inline(always)]
    fn difference(&self, other: &Self) -> Self {
        let (x, y) = (&self.limbs, &other.limbs);
        Self::new([
            x[0].sub(y[0]),
            x[1].sub(y[1]),
            x[2].sub(y[2]),
            x[3].sub(y[3]),
            x[4].sub(y[4]),
        ])
    }

    /// Returns the limbs if they are at most `limit`, and panics otherwise. Without debug
    /// assertions, there is no check.
    #[inline(always)]
    fn limbs_within(&self, limit: f64) -> &[Floats; 5] {
        let x = &self.limbs;
        debug_assert!(
            x[0].is_within(limit)
                && x[1].is_within(limit)
                && x[2].is_within(limit)
                && x[3].is_within(limit)
                && x[4].is_within(limit),
            "a limb exceeds {limit}: {x:?}"
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
    fn from_word_vectors(words: [Integers; 4]) -> Self {
        let bits = split(words);
        Self::new([
            signed(bits[0]),
            signed(bits[1]),
            signed(bits[2]),
            signed(bits[3]),
            signed(bits[4]),
        ])
    }

    /// Returns the words of the stored form: the limbs in two's complement, 51 bits each.
    #[inline(always)]
    fn into_word_vectors(self) -> [Integers; 4] {
        let mask = Integers::splat(MASK);
        let limbs = self.limbs_within(REDUCED);
        // The low 51 bits of `LOW_BITS` are zero.
        let (b0, b1, b2) = (low_bits(limbs[0]), low_bits(limbs[1]), low_bits(limbs[2]));
        let (b3, b4) = (low_bits(limbs[3]), low_bits(limbs[4]));
        let (b0, b1, b2) = (b0.and(mask), b1.and(mask), b2.and(mask));
        let (b3, b4) = (b3.and(mask), b4.and(mask));
        [
            b0.or(b1.shift_left::<51>()),
            b1.shift_right::<13>().or(b2.shift_left::<38>()),
            b2.shift_right::<26>().or(b3.shift_left::<25>()),
            b3.shift_right::<39>().or(b4.shift_left::<12>()),
        ]
    }
}

/// Splits numbers of four words into five limbs of 51 bits.
#[inline(always)]
fn split(w: [Integers; 4]) -> [Integers; 5] {
    let mask = Integers::splat(MASK);
    [
        w[0].and(mask),
        w[0].shift_right::<51>().or(w[1].shift_left::<13>()).and(mask),
        w[1].shift_right::<38>().or(w[2].shift_left::<26>()).and(mask),
        w[2].shift_right::<25>().or(w[3].shift_left::<39>()).and(mask),
        w[3].shift_right::<12>().and(mask),
    ]
}

/// Returns the signed limb that has these 51 bits.
#[inline(always)]
fn signed(bits: Integers) -> Floats {
    bits.xor(Integers::splat(SIGNED))
        .floats()
        .sub(Floats::splat(SIGNED_ZERO))
}

/// Returns the limb that has these 51 bits, without a sign.
#[inline(always)]
fn unsigned(bits: Integers) -> Floats {
    bits.or(Integers::splat(power(52).to_bits()))
        .floats()
        .sub(Floats::splat(power(52)))
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
        let mut elements = [F::ZERO; LANES];
        for (lane, slot) in elements.iter_mut().enumerate() {
            *slot = element(lane);
        }
        Self::load(arch, &elements)
    }
    #[inline(always)]
    fn load(_: Fused, elements: &[F]) -> Self {
        let mut rows = [[0; 4]; LANES];
        for (row, element) in rows.iter_mut().zip(elements) {
            *row = element.montgomery();
        }
        let bits = split(Integers::load_words(|lane| &rows[lane]));
        // The unsigned limbs of a number below p are below 2^51, so they are a loose value.
        let limbs = [
            unsigned(bits[0]),
            unsigned(bits[1]),
            unsigned(bits[2]),
            unsigned(bits[3]),
            unsigned(bits[4]),
        ];
        Self::new(sum_of_products::<F, 1>([&limbs], [&splat_all(F::FROM_ARK)]))
    }
    #[inline(always)]
    fn to_elements(self) -> [F; MAX_WIDTH] {
        let mut elements = [F::ZERO; MAX_WIDTH];
        let rows = Integers::store_words(self.into_word_vectors());
        for (element, row) in elements.iter_mut().zip(rows) {
            *element = Self::decode(row);
        }
        elements
    }
    #[inline(always)]
    fn to_integers(self, out: &mut Vec<Words>) {
        let one = Self::of([1.0, 0.0, 0.0, 0.0, 0.0]);
        let integers = self.mul(one);
        for lane in 0..LANES {
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
        self.sum(&other)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.difference(&other)
    }
    #[inline(always)]
    fn add_reduced(self, other: Self) -> Self {
        Self::new(reduced::<F>(self.sum(&other).limbs_within(LOOSE)))
    }
    #[inline(always)]
    fn sub_reduced(self, other: Self) -> Self {
        let difference = self.difference(&other);
        Self::new(reduced::<F>(difference.limbs_within(LOOSE)))
    }
    #[inline(always)]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self {
        // Neither difference nor sum is carried, so the sum has the limbs of c.
        let c = b.sum(&c_minus_b);
        let difference = self.difference(&b);
        Self::new(reduced_difference::<F>(
            difference.limbs_within(LOOSE),
            c.limbs_within(LOOSE),
        ))
    }
    #[inline(always)]
    fn negate(self) -> Self {
        let zero = Self::of([0.0; 5]);
        zero.difference(&self)
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        let mut signs = [0.0; LANES];
        for (lane, sign) in signs.iter_mut().enumerate() {
            *sign = f64::from_bits(u64::from(lanes >> lane) << 63);
        }
        let signs = Floats::new(signs).bits();
        let [x0, x1, x2, x3, x4] = self.limbs;
        Self::new([
            x0.bits().xor(signs).floats(),
            x1.bits().xor(signs).floats(),
            x2.bits().xor(signs).floats(),
            x3.bits().xor(signs).floats(),
            x4.bits().xor(signs).floats(),
        ])
    }
    #[inline(always)]
    fn transpose(_: Fused, square: &mut [Self]) {
        for limb in 0..5 {
            let mut rows = [square[0].limbs[limb]; LANES];
            for (row, vector) in rows.iter_mut().zip(&*square) {
                *row = vector.limbs[limb];
            }
            for (vector, column) in square.iter_mut().zip(Floats::transposed(rows)) {
                vector.limbs[limb] = column;
            }
        }
    }

    #[inline(always)]
    fn gather<'a>(_: Fused, line: impl Fn(usize) -> &'a CacheLine, half: usize) -> Self {
        Self::from_word_vectors(Integers::load_words(|lane| &line(lane).0[half]))
    }
    #[inline(always)]
    fn scatter(self, lines: &mut [CacheLine], step: usize, half: usize) {
        let rows = Integers::store_words(self.into_word_vectors());
        for (lane, row) in rows.into_iter().enumerate() {
            lines[lane * step].0[half] = row;
        }
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

    /// Returns a vector whose lanes alternate between two numbers.
    fn vector<F>(first: [i64; 5], second: [i64; 5]) -> Vector<F> {
        assert!(Fused::detect().is_some());
        let both = [floats(first), floats(second)];
        Vector::new(std::array::from_fn(|i| {
            Floats::new(std::array::from_fn(|lane| both[lane % 2][i]))
        }))
    }

    /// Checks that a result is the expected one, and reduced.
    fn check<F: Prime>(name: &str, found: Vector<F>, expected: [F; 2]) {
        for (lane, expected) in expected.into_iter().cycle().take(LANES).enumerate() {
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
            if Fused::detect_for_test().is_none() {
                return Ok(());
            }
            products_are_right::<Fq>(x, y, r);
            products_are_right::<Fr>(x, y, r);
        }

        #[test]
        fn stored_elements_keep_limbs_at_the_limits(mut limbs in limbs(1 << 50)) {
            if Fused::detect_for_test().is_none() {
                return Ok(());
            }
            for limb in &mut limbs {
                *limb = (*limb).min((1 << 50) - 1);
            }
            prop_assert_eq!(limbs_of(stored(limbs)), limbs);
            let rows = Integers::store_words(vector::<Fq>(limbs, [0; 5]).into_word_vectors());
            prop_assert_eq!(rows[0], stored(limbs));
            let read = Vector::<Fq>::from_word_vectors(Integers::load_words(|lane| &rows[lane]));
            prop_assert_eq!(read.lane(0), limbs);
            prop_assert_eq!(read.lane(1), [0; 5]);
        }
    }
}
