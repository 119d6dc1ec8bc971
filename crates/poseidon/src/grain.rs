//! Generates Poseidon's constants with the Grain generator of the Poseidon paper (appendix F), as
//! the authors' script does for circomlib. As data, the constants would be a third of the
//! WebAssembly prover.

use ark_bn254::Fr;
use ark_ff::{BigInt, Field, PrimeField};

use crate::MAX_INPUTS;

/// The number of partial rounds of the widths from 2 on.
const PARTIAL_ROUNDS: [usize; MAX_INPUTS] = [56, 57, 56, 60, 60, 63];

/// The constants of one width in their textbook form.
pub(crate) struct Dense {
    pub(crate) partial_rounds: usize,
    /// The constants of all rounds, one for each state element.
    pub(crate) constants: Vec<Vec<Fr>>,
    pub(crate) mds: Vec<Vec<Fr>>,
}

/// Returns the constants of a width. Returns `None` unless the width is from 2 to
/// `MAX_INPUTS + 1`.
pub(crate) fn generate(width: usize, full_rounds: usize) -> Option<Dense> {
    let partial_rounds = *PARTIAL_ROUNDS.get(width.checked_sub(2)?)?;
    let mut grain = Grain::new(width, full_rounds, partial_rounds);
    let constants = (0..full_rounds + partial_rounds)
        .map(|_| (0..width).map(|_| grain.element()).collect())
        .collect();
    // A Cauchy matrix. No two of its 2t parameters are equal for these widths.
    let parameters: Vec<Fr> = (0..2 * width).map(|_| grain.reduced_element()).collect();
    let (rows, columns) = parameters.split_at(width);
    let entry = |x: &Fr, y: &Fr| (*x + y).inverse().expect("x + y is not zero for these widths");
    let mds = rows
        .iter()
        .map(|x| columns.iter().map(|y| entry(x, y)).collect())
        .collect();
    Some(Dense {
        partial_rounds,
        constants,
        mds,
    })
}

/// A shift register of 80 bits. Bit 0 is the oldest one.
struct Grain(u128);

impl Grain {
    /// The size of a field element in bits.
    const FIELD_BITS: usize = 254;

    fn new(width: usize, full_rounds: usize, partial_rounds: usize) -> Self {
        // A prime field, and the S-box x^α.
        let numbers = [
            (1, 2),
            (0, 4),
            (Self::FIELD_BITS, 12),
            (width, 12),
            (full_rounds, 10),
            (partial_rounds, 10),
            ((1 << 30) - 1, 30),
        ];
        let (mut register, mut position) = (0, 0);
        for (number, bits) in numbers {
            // The most significant bit comes first.
            for bit in (0..bits).rev() {
                register |= (number as u128 >> bit & 1) << position;
                position += 1;
            }
        }
        let mut grain = Self(register);
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let s = self.0;
        let bit = (s ^ s >> 13 ^ s >> 23 ^ s >> 38 ^ s >> 51 ^ s >> 62) & 1;
        self.0 = s >> 1 | bit << 79;
        bit == 1
    }

    /// Returns the next output bit: the second bit of the next pair whose first bit is one.
    fn bit(&mut self) -> bool {
        while !self.step() {
            self.step();
        }
        self.step()
    }

    fn integer(&mut self) -> BigInt<4> {
        let mut words = [0; 4];
        for bit in (0..Self::FIELD_BITS).rev() {
            words[bit / 64] |= u64::from(self.bit()) << (bit % 64);
        }
        BigInt(words)
    }

    /// Returns the next integer that is below the modulus.
    fn element(&mut self) -> Fr {
        loop {
            if let Some(element) = Fr::from_bigint(self.integer()) {
                return element;
            }
        }
    }

    /// Returns the next integer modulo r. It is below 2^254, and therefore below 2r.
    fn reduced_element(&mut self) -> Fr {
        let integer = self.integer();
        let reduced = || {
            let mut reduced = integer;
            ark_ff::BigInteger::sub_with_borrow(&mut reduced, &Fr::MODULUS);
            reduced
        };
        Fr::from_bigint(integer)
            .or_else(|| Fr::from_bigint(reduced()))
            .expect("the integer is below 2r")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_constants_equal_those_of_light_poseidon_at_every_width() {
        for width in 2..=MAX_INPUTS + 1 {
            let expected = bauta_peers::poseidon::parameters(u8::try_from(width).unwrap());
            let found = generate(width, 8).unwrap();
            assert_eq!(found.partial_rounds, expected.partial_rounds);
            assert_eq!(found.constants.concat(), expected.ark);
            assert_eq!(found.mds, expected.mds);
        }
        assert!(generate(1, 8).is_none() && generate(MAX_INPUTS + 2, 8).is_none());
    }
}
