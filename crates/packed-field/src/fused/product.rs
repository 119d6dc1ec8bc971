//! Columns of products of limbs, their Montgomery reduction, and carries. The page of the back end
//! explains the method and shows the bounds.
//!
//! There are no closures around vector operations: the compiler inlines a closure only if it finds
//! it small, and an operation outside of a function for these instructions is a call.

use super::{
    lanes::{Floats, Integers},
    modulus::{BITS, Modulus, power},
};

/// `1.5·2^103`. Doubles next to it are multiples of 2^51.
const HIGH: f64 = 1.5 * power(103);
/// `1.5·2^52`. Doubles next to it are the integers.
pub(super) const LOW: f64 = 1.5 * power(52);
/// `HIGH + LOW`. It is a multiple of 2^51, and therefore exact.
const BOTH: f64 = HIGH + LOW;

const HIGH_BITS: u64 = HIGH.to_bits();
pub(super) const LOW_BITS: u64 = LOW.to_bits();

/// What each column contains in addition to its value, while carries are taken from it. 2^60 keeps
/// it positive. With 2^50, the part above the low 51 bits is the value divided by 2^51, rounded to
/// the nearest integer.
const BIAS: u64 = (1 << 60) + (1 << 50);
/// The carry out of a column contains this in addition to its value.
const CARRY_BIAS: u64 = 1 << (60 - BITS);

/// What a column contains before it receives the carry.
const BIAS_BEFORE_CARRY: u64 = BIAS - CARRY_BIAS;
/// Turns the top column into the bits of `LOW` plus its value, before it receives the carry and the
/// multiple of p, whose constant is already subtracted.
const TOP: u64 = LOW_BITS.wrapping_mul(2).wrapping_sub(BIAS_BEFORE_CARRY);

pub(super) const MASK: u64 = (1 << BITS) - 1;

/// The bits of 2^52 and the sign bit of a 51-bit number. The exclusive or of this and 51 bits in
/// two's complement are the bits of [`SIGNED_ZERO`] plus the number.
pub(super) const SIGNED: u64 = power(52).to_bits() | 1 << 50;
/// `2^52 + 2^50`.
pub(super) const SIGNED_ZERO: f64 = power(52) + power(50);

type Limbs = [Floats; 5];
type Columns = [Integers; 10];

/// The constants that the columns start with, if they receive `products` products, and a product
/// and a multiple of p for the reduction. They cancel the constants in the bits of doubles.
const fn start(products: u64) -> [u64; 10] {
    let mut columns = [BIAS; 10];
    let mut column = 1;
    while column < 10 {
        columns[column] = columns[column].wrapping_sub(CARRY_BIAS);
        column += 1;
    }
    let mut i = 0;
    while i < 5 {
        // Rows 0 to 3 of the reduction begin one column to the right of the column that they
        // replace. Row 4 is q·p.
        let reduction = if i < 4 { i + 1 } else { i };
        let mut j = 0;
        while j < 5 {
            columns[i + j] = columns[i + j].wrapping_sub(products.wrapping_mul(LOW_BITS));
            columns[i + j + 1] = columns[i + j + 1].wrapping_sub(products.wrapping_mul(HIGH_BITS));
            columns[reduction + j] = columns[reduction + j].wrapping_sub(LOW_BITS);
            columns[reduction + j + 1] = columns[reduction + j + 1].wrapping_sub(HIGH_BITS);
            j += 1;
        }
        // The multiple of p that is subtracted last.
        columns[5 + i] = columns[5 + i].wrapping_sub(LOW_BITS);
        i += 1;
    }
    columns
}

/// The constants for a number of products.
struct Start<const PRODUCTS: usize>;

impl<const PRODUCTS: usize> Start<PRODUCTS> {
    const COLUMNS: [u64; 10] = start(PRODUCTS as u64);
}

/// Adds the high and the low part of `a·b` to two neighbouring columns.
#[inline(always)]
fn accumulate(columns: &mut Columns, column: usize, a: Floats, b: Floats) {
    let high = a.mul_add(b, Floats::splat(HIGH));
    let low = a.mul_add(b, Floats::splat(BOTH).sub(high));
    columns[column] = columns[column].add(low.bits());
    columns[column + 1] = columns[column + 1].add(high.bits());
}

/// Adds a limb times a number, from a column on.
#[inline(always)]
fn accumulate_row(columns: &mut Columns, column: usize, limb: Floats, number: &Limbs) {
    accumulate(columns, column, limb, number[0]);
    accumulate(columns, column + 1, limb, number[1]);
    accumulate(columns, column + 2, limb, number[2]);
    accumulate(columns, column + 3, limb, number[3]);
    accumulate(columns, column + 4, limb, number[4]);
}

#[inline(always)]
pub(super) fn splat_all(limbs: [f64; 5]) -> Limbs {
    [
        Floats::splat(limbs[0]),
        Floats::splat(limbs[1]),
        Floats::splat(limbs[2]),
        Floats::splat(limbs[3]),
        Floats::splat(limbs[4]),
    ]
}

#[inline(always)]
fn splat_columns(columns: [u64; 10]) -> Columns {
    let mut splat = [Integers::splat(0); 10];
    for (splat, column) in splat.iter_mut().zip(columns) {
        *splat = Integers::splat(column);
    }
    splat
}

/// Returns the signed low 51 bits of a column, and adds the carry to the next column.
#[inline(always)]
fn take_low(columns: &mut Columns, column: usize) -> Floats {
    let low = columns[column].and(Integers::splat(MASK));
    columns[column + 1] = columns[column + 1].add(columns[column].shift_right::<51>());
    unbiased(low)
}

/// Returns the low part of a column, from its low 51 bits. The column contains [`BIAS`], which adds
/// 2^50 to the low part.
#[inline(always)]
fn unbiased(low: Integers) -> Floats {
    low.or(Integers::splat(power(52).to_bits()))
        .floats()
        .sub(Floats::splat(SIGNED_ZERO))
}

/// Replaces a column by its product with `2^-51 mod p`, one column higher.
#[inline(always)]
fn fold<F: Modulus>(columns: &mut Columns, column: usize) {
    let low = take_low(columns, column);
    accumulate_row(columns, column + 1, low, &splat_all(F::FOLD));
}

/// Reduces the columns, in which the low four are folded.
#[inline(always)]
fn finish<F: Modulus>(mut columns: Columns) -> Limbs {
    // q is the low part times -1/p. Then the low part of column 4 plus q·p is zero.
    let low = unbiased(columns[4].and(Integers::splat(MASK)));
    let inverse = Floats::splat(F::INVERSE);
    let high = low.mul_add(inverse, Floats::splat(HIGH));
    let q = low
        .mul_add(inverse, Floats::splat(BOTH).sub(high))
        .sub(Floats::splat(LOW));
    accumulate_row(&mut columns, 4, q, &splat_all(F::P));
    columns[5] = columns[5].add(columns[4].shift_right::<51>());

    let top = columns[9]
        .add(Integers::splat(TOP))
        .floats()
        .sub(Floats::splat(LOW));
    let k = multiple_of_p::<F>(top);
    let [_, _, _, _, _, c5, c6, c7, c8, c9] = columns;
    carried(subtract_multiple::<F>([c5, c6, c7, c8, c9], k))
}

/// Returns the integer next to a number divided by p, from the number's top limb.
#[inline(always)]
fn multiple_of_p<F: Modulus>(top: Floats) -> Floats {
    top.mul_add(Floats::splat(F::TOP_RATIO), Floats::splat(LOW))
        .sub(Floats::splat(LOW))
}

/// Subtracts k·p. Each column also receives [`LOW_BITS`].
#[inline(always)]
fn subtract_multiple<F: Modulus>(mut columns: [Integers; 5], k: Floats) -> [Integers; 5] {
    for (column, minus_p) in columns.iter_mut().zip(F::MINUS_P) {
        let multiple = k.mul_add(Floats::splat(minus_p), Floats::splat(LOW));
        *column = column.add(multiple.bits());
    }
    columns
}

/// Propagates carries through five columns that contain [`BIAS`], the ones after the first without
/// [`CARRY_BIAS`].
#[inline(always)]
fn carried([c0, mut c1, mut c2, mut c3, mut c4]: [Integers; 5]) -> Limbs {
    let mask = Integers::splat(MASK);
    c1 = c1.add(c0.shift_right::<51>());
    c2 = c2.add(c1.shift_right::<51>());
    c3 = c3.add(c2.shift_right::<51>());
    c4 = c4.add(c3.shift_right::<51>());
    let top = c4.add(Integers::splat(LOW_BITS.wrapping_sub(BIAS))).floats();
    [
        unbiased(c0.and(mask)),
        unbiased(c1.and(mask)),
        unbiased(c2.and(mask)),
        unbiased(c3.and(mask)),
        top.sub(Floats::splat(LOW)),
    ]
}

/// Adds limb `i` of each left factor times the right factor.
#[inline(always)]
fn accumulate_rows<const N: usize>(columns: &mut Columns, i: usize, left: [&Limbs; N], right: [&Limbs; N]) {
    for (x, y) in left.iter().zip(right) {
        accumulate_row(columns, i, x[i], y);
    }
}

/// Returns the Montgomery reduction of the sum of N products.
#[inline(always)]
pub(super) fn sum_of_products<F: Modulus, const N: usize>(left: [&Limbs; N], right: [&Limbs; N]) -> Limbs {
    let mut columns = splat_columns(Start::<N>::COLUMNS);
    // After row i, column i is complete.
    accumulate_rows(&mut columns, 0, left, right);
    fold::<F>(&mut columns, 0);
    accumulate_rows(&mut columns, 1, left, right);
    fold::<F>(&mut columns, 1);
    accumulate_rows(&mut columns, 2, left, right);
    fold::<F>(&mut columns, 2);
    accumulate_rows(&mut columns, 3, left, right);
    fold::<F>(&mut columns, 3);
    accumulate_rows(&mut columns, 4, left, right);
    finish::<F>(columns)
}

/// Returns the Montgomery reduction of a square.
#[inline(always)]
pub(super) fn square<F: Modulus>(x: &Limbs) -> Limbs {
    // The products of different limbs are computed once and doubled as columns. A doubled limb
    // would exceed the bound.
    let mut mixed = [Integers::splat(0); 10];
    accumulate(&mut mixed, 1, x[0], x[1]);
    accumulate(&mut mixed, 2, x[0], x[2]);
    accumulate(&mut mixed, 3, x[0], x[3]);
    accumulate(&mut mixed, 3, x[1], x[2]);
    accumulate(&mut mixed, 4, x[0], x[4]);
    accumulate(&mut mixed, 4, x[1], x[3]);
    accumulate(&mut mixed, 5, x[1], x[4]);
    accumulate(&mut mixed, 5, x[2], x[3]);
    accumulate(&mut mixed, 6, x[2], x[4]);
    accumulate(&mut mixed, 7, x[3], x[4]);
    let mut columns = splat_columns(Start::<1>::COLUMNS);
    for (column, mixed) in columns.iter_mut().zip(mixed) {
        *column = column.add(mixed).add(mixed);
    }
    accumulate(&mut columns, 0, x[0], x[0]);
    accumulate(&mut columns, 2, x[1], x[1]);
    accumulate(&mut columns, 4, x[2], x[2]);
    accumulate(&mut columns, 6, x[3], x[3]);
    accumulate(&mut columns, 8, x[4], x[4]);
    fold::<F>(&mut columns, 0);
    fold::<F>(&mut columns, 1);
    fold::<F>(&mut columns, 2);
    fold::<F>(&mut columns, 3);
    finish::<F>(columns)
}

/// Returns the bits of `LOW + limb`. They are those of `LOW` plus the limb, because the sum is an
/// integer in a double.
#[inline(always)]
pub(super) fn low_bits(limb: Floats) -> Integers {
    limb.add(Floats::splat(LOW)).bits()
}

/// Returns the column of a limb, with a constant and for a multiple of p.
#[inline(always)]
fn column(limb: Floats, constant: u64) -> Integers {
    low_bits(limb).add(Integers::splat(constant.wrapping_sub(LOW_BITS.wrapping_mul(2))))
}

/// Returns the column of a difference of limbs, whose own constants cancel.
#[inline(always)]
fn difference_column(x: Floats, y: Floats, constant: u64) -> Integers {
    low_bits(x)
        .sub(low_bits(y))
        .add(Integers::splat(constant.wrapping_sub(LOW_BITS)))
}

/// Reduces the difference of two numbers, given as limbs that are at most 2^51 each. The difference
/// is at most 2p.
#[inline(always)]
pub(super) fn reduced_difference<F: Modulus>(x: &Limbs, y: &Limbs) -> Limbs {
    let k = multiple_of_p::<F>(x[4].sub(y[4]));
    let columns = [
        difference_column(x[0], y[0], BIAS),
        difference_column(x[1], y[1], BIAS_BEFORE_CARRY),
        difference_column(x[2], y[2], BIAS_BEFORE_CARRY),
        difference_column(x[3], y[3], BIAS_BEFORE_CARRY),
        difference_column(x[4], y[4], BIAS_BEFORE_CARRY),
    ];
    carried(subtract_multiple::<F>(columns, k))
}

/// Reduces a number, given as limbs that are at most 2^51 each. It is at most 2p.
#[inline(always)]
pub(super) fn reduced<F: Modulus>(x: &Limbs) -> Limbs {
    let k = multiple_of_p::<F>(x[4]);
    let columns = [
        column(x[0], BIAS),
        column(x[1], BIAS_BEFORE_CARRY),
        column(x[2], BIAS_BEFORE_CARRY),
        column(x[3], BIAS_BEFORE_CARRY),
        column(x[4], BIAS_BEFORE_CARRY),
    ];
    carried(subtract_multiple::<F>(columns, k))
}
