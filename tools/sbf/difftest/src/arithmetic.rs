//! Integers and floats.

use crate::{Operands, Results};

#[inline(never)]
pub fn results(operands: &Operands, out: &mut Results) {
    let Operands { a, b, c, d, s, .. } = *operands;
    let (ic, id) = (c.cast_signed(), d.cast_signed());
    narrow(a, b, out);
    out.option(c.checked_mul(d).map(u128::to_le_bytes));
    out.option(ic.checked_mul(id).map(i128::to_le_bytes));
    out.option(c.checked_add(d).map(u128::to_le_bytes));
    out.option(ic.checked_sub(id).map(i128::to_le_bytes));
    out.push(c.wrapping_mul(d).to_le_bytes());
    out.push(c.wrapping_shl(s).to_le_bytes());
    out.push(c.wrapping_shr(s).to_le_bytes());
    out.push(ic.wrapping_shr(s).to_le_bytes());
    out.push(c.rotate_left(s).to_le_bytes());
    out.option(c.checked_div(d).map(u128::to_le_bytes));
    out.option(c.checked_rem(d).map(u128::to_le_bytes));
    out.option(ic.checked_div(id).map(i128::to_le_bytes));
    out.option(ic.checked_rem(id).map(i128::to_le_bytes));
    out.push(ic.saturating_mul(i128::from(a)).to_le_bytes());
    let (low, high) = c.carrying_mul(d, c ^ d);
    out.push(low.to_le_bytes());
    out.push(high.to_le_bytes());
    out.push([
        c.leading_zeros() as u8,
        c.trailing_zeros() as u8,
        c.count_ones() as u8,
    ]);
    out.push(c.swap_bytes().to_be_bytes());
    floats(a, b, out);
}

#[inline(never)]
fn narrow(a: i64, b: i64, out: &mut Results) {
    let (ua, ub) = (a.cast_unsigned(), b.cast_unsigned());
    out.option(ua.checked_mul(ub).map(u64::to_le_bytes));
    out.option(a.checked_mul(b).map(i64::to_le_bytes));
    out.option(a.checked_div(b).map(i64::to_le_bytes));
    out.option(a.checked_rem(b).map(i64::to_le_bytes));
    out.option(a.checked_div_euclid(b).map(i64::to_le_bytes));
    out.option((a as i32).checked_div(b as i32).map(i32::to_le_bytes));
    out.option((a as i16).checked_rem(b as i16).map(i16::to_le_bytes));
    out.option((a as i8).checked_div(b as i8).map(i8::to_le_bytes));
    out.option((a as u32).checked_mul(b as u32).map(u32::to_le_bytes));
    out.option((a as i32).checked_mul(b as i32).map(i32::to_le_bytes));
    out.push(a.saturating_mul(b).to_le_bytes());
    out.push((u128::from(ua) * u128::from(ub)).to_le_bytes());
    out.push((i128::from(a) * i128::from(b)).to_le_bytes());
}

#[inline(never)]
fn floats(a: i64, b: i64, out: &mut Results) {
    let (x, y) = (a as f64, b as f64);
    out.push((x * 1.5 + y / 3.0).to_le_bytes());
    out.push((x - y * 0.25).to_le_bytes());
    out.push((x as f32 / 7.0).to_le_bytes());
    out.push((x / 1e3).to_le_bytes());
    out.push(((y * 0.001) as i64).to_le_bytes());
    out.push([u8::from(x < y), u8::from(x == y), u8::from(x >= y * 2.0)]);
}
