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
    use ark_ff::{BigInteger, PrimeField};

    pub fn hash<const N: usize>(inputs: &[FieldElement; N]) -> FieldElement {
        let inputs = inputs.map(|element| Fr::from_be_bytes_mod_order(element.as_bytes()));
        let hash = bauta_poseidon::hash_array(&inputs).into_bigint().to_bytes_be();
        FieldElement::from_canonical(hash.try_into().expect("a 254-bit integer has 32 bytes"))
    }
}
