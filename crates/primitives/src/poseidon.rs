//! Poseidon over Fr with circomlib's parameters (x^5; `PoseidonN` is circomlib's `Poseidon(N)`), which are also those of
//! Solana's `sol_poseidon` system call (BN254-X5, big-endian) and of light-poseidon's `new_circom`.

use crate::FieldElement;

/// Hashes `N` field elements, 1 to 6.
#[must_use]
pub fn hash<const N: usize>(inputs: [FieldElement; N]) -> FieldElement {
    const { assert!(N >= 1 && N <= 6) };
    backend::hash(&inputs)
}

#[cfg(target_os = "solana")]
mod backend {
    use crate::FieldElement;
    use solana_poseidon::{Endianness, Parameters, hashv};

    pub fn hash<const N: usize>(inputs: &[FieldElement; N]) -> FieldElement {
        let slices = core::array::from_fn::<&[u8], N, _>(|i| inputs[i].as_bytes());
        match hashv(Parameters::Bn254X5, Endianness::BigEndian, &slices) {
            Ok(hash) => FieldElement::from_canonical(hash.to_bytes()),
            // the call fails for none or more than twelve inputs and for non-canonical ones, which the types exclude
            Err(_) => unreachable!(),
        }
    }
}

#[cfg(not(target_os = "solana"))]
mod backend {
    use crate::FieldElement;
    use ark_bn254::Fr;
    use light_poseidon::{Poseidon, PoseidonBytesHasher};

    pub fn hash<const N: usize>(inputs: &[FieldElement; N]) -> FieldElement {
        let slices = core::array::from_fn::<&[u8], N, _>(|i| inputs[i].as_bytes());
        let mut poseidon =
            Poseidon::<Fr>::new_circom(N).expect("circomlib has parameters for 1 to 12 inputs");
        let hash = poseidon
            .hash_bytes_be(&slices)
            .expect("N canonical inputs for a hasher of N inputs");
        FieldElement::from_canonical(hash)
    }
}
