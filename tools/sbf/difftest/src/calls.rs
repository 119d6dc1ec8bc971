//! Many arguments, wide results, function pointers, atomics, collections, formatting.

use std::{
    collections::{BTreeMap, HashMap},
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Operands, Results};

#[inline(never)]
pub fn results(operands: &Operands, out: &mut Results) {
    let Operands { a, b, c, d, s, .. } = *operands;
    out.push(many(a, b, 3, 4, 5, 6, s.into(), c, "eight", d).to_le_bytes());
    let pointer: fn(u128, u128, u64, u64) -> (u128, u128) = if s % 2 == 0 { sum } else { difference };
    let (first, second) = black_box(pointer)(c, d, s.into(), a.cast_unsigned());
    out.push(first.to_le_bytes());
    out.push(second.to_le_bytes());
    let shape: Box<dyn Shape> = if s % 3 == 0 {
        Box::new(Square(c))
    } else {
        Box::new(Oblong(c, d))
    };
    out.push(
        black_box(shape)
            .area(a, b, c, d, s)
            .unwrap_or((7, [8; 5]))
            .1
            .map(|word| word as u8),
    );
    atomics(a, b, out);
    collections(operands, out);
}

#[inline(never)]
#[allow(clippy::too_many_arguments)]
fn many(a: i64, b: i64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u128, text: &str, i: u128) -> u128 {
    let low = c + d * e - f + g;
    u128::from(low) ^ h.rotate_left(3) ^ i ^ i128::from(a ^ b).cast_unsigned() ^ text.len() as u128
}

#[inline(never)]
fn sum(c: u128, d: u128, s: u64, a: u64) -> (u128, u128) {
    (c.wrapping_add(d), u128::from(s).wrapping_mul(a.into()))
}

#[inline(never)]
fn difference(c: u128, d: u128, s: u64, a: u64) -> (u128, u128) {
    (c.wrapping_sub(d), u128::from(a) << (s % 64))
}

trait Shape {
    fn area(&self, a: i64, b: i64, c: u128, d: u128, s: u32) -> Option<(u128, [u64; 5])>;
}

struct Square(u128);
struct Oblong(u128, u128);

impl Shape for Square {
    fn area(&self, a: i64, b: i64, c: u128, d: u128, s: u32) -> Option<(u128, [u64; 5])> {
        let area = self.0.checked_mul(self.0)?;
        Some((
            area,
            [a.cast_unsigned(), b.cast_unsigned(), c as u64, d as u64, s.into()],
        ))
    }
}

impl Shape for Oblong {
    fn area(&self, a: i64, b: i64, c: u128, d: u128, s: u32) -> Option<(u128, [u64; 5])> {
        let area = self.0.checked_mul(self.1)?;
        Some((
            area ^ c ^ d,
            [
                area as u64,
                (area >> 64) as u64,
                a.wrapping_div(b | 1) as u64,
                s.into(),
                1,
            ],
        ))
    }
}

#[inline(never)]
fn atomics(a: i64, b: i64, out: &mut Results) {
    let value = AtomicU64::new(a.cast_unsigned());
    let value = black_box(&value);
    value.fetch_add(b.cast_unsigned(), Ordering::SeqCst);
    value.fetch_xor(0x55, Ordering::Relaxed);
    value.fetch_max(17, Ordering::AcqRel);
    let swapped = value.compare_exchange(17, 99, Ordering::SeqCst, Ordering::Relaxed);
    out.push([u8::from(swapped.is_ok())]);
    out.push(value.load(Ordering::Acquire).to_le_bytes());
}

#[inline(never)]
fn collections(operands: &Operands, out: &mut Results) {
    let mut state = operands.c as u64;
    let mut next = || {
        state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0xb5);
        state >> 32
    };
    let mut ordered = BTreeMap::new();
    let mut hashed = HashMap::new();
    for value in 0..24u64 {
        let key = next();
        ordered.insert(key, value);
        hashed.insert(key, value);
    }
    let order = ordered
        .values()
        .fold(0u64, |order, value| order.wrapping_mul(31).wrapping_add(*value));
    let mut keys: Vec<u64> = hashed.into_keys().collect();
    keys.sort_unstable_by(|x, y| y.cmp(x));
    let Operands { a, b, d, .. } = operands;
    let text = format!(
        "{order} {a:+} {b:#x} {d:>40} {:?} {}",
        keys.first(),
        *a as f64 / 8.0
    );
    out.0.extend(text.into_bytes());
}
