//! The Poseidon hash over Fr with circomlib's parameters and S-box x^5.
//!
//! `PoseidonN` is circomlib's `Poseidon(N)`. Solana's system call `sol_poseidon` (BN254-X5,
//! big-endian) and light-poseidon's `new_circom` have the same parameters.

use crate::{FieldElement, PrimitivesError};

/// Hashes `N` field elements. `N` is 1 to 6.
#[must_use]
pub fn hash<const N: usize>(inputs: [FieldElement; N]) -> FieldElement {
    const { assert!(N >= 1 && N <= 6) };
    match backend::hash::<N>(core::array::from_fn(|i| inputs[i].as_bytes())) {
        Some(hash) => FieldElement::from_canonical(hash),
        // The back end refuses 0 inputs, more than 12, and inputs that are not canonical. The types
        // exclude all three.
        None => unreachable!(),
    }
}

/// Hashes `N` field elements in place. `N` is 1 to 6.
///
/// The program uses this function, because it stores nodes as bytes in accounts.
///
/// # Errors
/// If an input is not canonical.
pub fn hash_bytes<const N: usize>(inputs: [&[u8; 32]; N]) -> Result<[u8; 32], PrimitivesError> {
    const { assert!(N >= 1 && N <= 6) };
    backend::hash(inputs).ok_or(PrimitivesError::NotCanonical {
        name: "an input of Poseidon",
    })
}

#[cfg(target_os = "solana")]
mod backend {
    use solana_poseidon::{Endianness, Parameters, hashv};

    pub fn hash<const N: usize>(inputs: [&[u8; 32]; N]) -> Option<[u8; 32]> {
        let slices: [&[u8]; N] = inputs.map(|input| &input[..]);
        let hash = hashv(Parameters::Bn254X5, Endianness::BigEndian, &slices);
        hash.ok().map(|hash| hash.to_bytes())
    }
}

#[cfg(not(target_os = "solana"))]
mod backend {
    use crate::FieldElement;
    use ark_bn254::Fr;
    use ark_ff::{BigInteger, PrimeField};

    pub fn hash<const N: usize>(inputs: [&[u8; 32]; N]) -> Option<[u8; 32]> {
        if inputs.iter().any(|input| **input >= FieldElement::MODULUS) {
            return None;
        }
        let inputs = inputs.map(|input| Fr::from_be_bytes_mod_order(input));
        let hash = bauta_poseidon::hash_array(&inputs).into_bigint().to_bytes_be();
        Some(hash.try_into().expect("a 254-bit integer has 32 bytes"))
    }
}
