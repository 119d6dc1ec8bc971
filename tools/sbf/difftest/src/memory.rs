//! Copying, moving, filling and comparing memory. Short copies of a constant size are inlined,
//! the others are calls.

use crate::{Operands, Results};

const SIZE: usize = 512;

#[inline(never)]
pub fn results(operands: &Operands, out: &mut Results) {
    let mut buffer = [0u8; SIZE];
    let mut state = operands.a.cast_unsigned() | 1;
    for byte in &mut buffer {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 56) as u8;
    }
    let length = operands.s as usize % (SIZE / 2);
    let from = operands.c as usize % (SIZE - length);
    let to = operands.d as usize % (SIZE - length);

    // The two ranges may overlap, in either direction.
    buffer.copy_within(from..from + length, to);
    out.push(checksum(&buffer));
    // Copy to newly allocated memory and back.
    let copy = buffer[from..from + length].to_vec();
    buffer[to..to + length].copy_from_slice(&copy);
    out.push(checksum(&buffer));
    buffer[to..to + length].fill(operands.b as u8);
    out.push(checksum(&buffer));
    let (left, right) = (&buffer[from..from + length], &buffer[to..to + length]);
    out.push([
        left.cmp(right) as u8,
        u8::from(left == right),
        u8::from(left < &copy[..]),
    ]);
    constant(&buffer, from, out);
}

/// Copies and compares memory of sizes that are known at compile time, at unaligned addresses.
#[inline(never)]
fn constant(buffer: &[u8; SIZE], from: usize, out: &mut Results) {
    let at = from % 256;
    let mut small = [0u8; 33];
    small[1..].copy_from_slice(&buffer[at..at + 32]);
    out.push(small);
    let large: [u8; 200] = std::array::from_fn(|k| buffer[at + k]);
    let mut other = large;
    other[usize::from(buffer[at]) % 200] ^= buffer[at + 1];
    out.push([
        u8::from(large == other),
        large.cmp(&other) as u8,
        u8::from(small[1..] == large[..32]),
    ]);
    out.push(checksum(&other));
    let word = u64::from_be_bytes(std::array::from_fn(|k| buffer[at + 1 + k]));
    out.push(word.to_le_bytes());
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    bytes
        .iter()
        .fold(5381u64, |sum, byte| sum.wrapping_mul(33) ^ u64::from(*byte))
        .to_le_bytes()
}
