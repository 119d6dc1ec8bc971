//! Columns of products of limbs, their Montgomery reduction, and carries. The page of the back end
//! shows the bounds.

use super::modulus::{BITS, LIMBS, Modulus, RATIO_BITS};

type Limbs = [i64; LIMBS];
type Columns = [i64; 2 * LIMBS - 1];

/// Returns the low 29 bits as a signed number.
#[inline(always)]
const fn signed_low(x: i64) -> i64 {
    x << (64 - BITS) >> (64 - BITS)
}

/// Adds a limb times a number, from a column on.
#[inline(always)]
fn accumulate_row(columns: &mut [i64], limb: i64, number: &Limbs) {
    for (column, other) in columns[..LIMBS].iter_mut().zip(number) {
        *column += limb * other;
    }
}

/// Replaces a column by its product with `2^-29 mod p`, one column higher.
#[inline(always)]
fn fold<F: Modulus>(columns: &mut Columns, column: usize) {
    let low = signed_low(columns[column]);
    columns[column + 1] += (columns[column] - low) >> BITS;
    accumulate_row(&mut columns[column + 1..], low, &F::FOLD);
}

/// Reduces the columns, in which the low eight are folded.
#[inline(always)]
fn finish<F: Modulus>(mut columns: Columns) -> Limbs {
    let q = signed_low(signed_low(columns[8]) * F::INVERSE);
    accumulate_row(&mut columns[8..], q, &F::P);
    // Column 8 is now a multiple of 2^29.
    let carry = columns[8] >> BITS;
    let mut limbs = [0; LIMBS];
    limbs[..8].copy_from_slice(&columns[9..]);
    limbs[0] += carry;
    carried(limbs)
}

/// Propagates carries.
#[inline(always)]
fn carried(mut limbs: Limbs) -> Limbs {
    for i in 0..LIMBS - 1 {
        let low = signed_low(limbs[i]);
        limbs[i + 1] += (limbs[i] - low) >> BITS;
        limbs[i] = low;
    }
    limbs
}

/// Returns the Montgomery reduction of the sum of N products.
#[inline(always)]
pub(super) fn sum_of_products<F: Modulus, const N: usize>(left: [&Limbs; N], right: [&Limbs; N]) -> Limbs {
    let mut columns = [0; 2 * LIMBS - 1];
    let row = |columns: &mut Columns, i: usize| {
        for (x, y) in left.iter().zip(&right) {
            accumulate_row(&mut columns[i..], x[i], y);
        }
    };
    // After row i, column i is complete. The rows are not in a loop, so that the compiler keeps the
    // columns in local variables.
    row(&mut columns, 0);
    fold::<F>(&mut columns, 0);
    row(&mut columns, 1);
    fold::<F>(&mut columns, 1);
    row(&mut columns, 2);
    fold::<F>(&mut columns, 2);
    row(&mut columns, 3);
    fold::<F>(&mut columns, 3);
    row(&mut columns, 4);
    fold::<F>(&mut columns, 4);
    row(&mut columns, 5);
    fold::<F>(&mut columns, 5);
    row(&mut columns, 6);
    fold::<F>(&mut columns, 6);
    row(&mut columns, 7);
    fold::<F>(&mut columns, 7);
    row(&mut columns, 8);
    finish::<F>(columns)
}

/// Returns the Montgomery reduction of a square.
#[inline(always)]
pub(super) fn square<F: Modulus>(x: &Limbs) -> Limbs {
    let twice = x.map(|limb| 2 * limb);
    let mut columns = [0; 2 * LIMBS - 1];
    for i in 0..LIMBS {
        columns[2 * i] += x[i] * x[i];
        for j in i + 1..LIMBS {
            columns[i + j] += twice[i] * x[j];
        }
    }
    for i in 0..LIMBS - 1 {
        fold::<F>(&mut columns, i);
    }
    finish::<F>(columns)
}

/// Reduces a number of at most 2.4p.
#[inline(always)]
pub(super) fn reduced<F: Modulus>(mut limbs: Limbs) -> Limbs {
    let k = (limbs[LIMBS - 1] * F::TOP_RATIO + (1 << (RATIO_BITS - 1))) >> RATIO_BITS;
    for (limb, p) in limbs.iter_mut().zip(F::P) {
        *limb -= k * p;
    }
    carried(limbs)
}
