//! Many nodes at once: the hashes of a tree as `bauta_poseidon` computes them in batches.

use ark_bn254::Fr;
use ark_ff::{BigInt, PrimeField};
use bauta_poseidon::Batch;
use bauta_primitives::FieldElement;
use bauta_primitives::tree::{ARITY, node};

/// Up to here a batch, whose unit is eight hashes, takes longer than one hash after the other.
const ONE_BY_ONE: usize = 2;

/// The nodes above these groups of children.
pub fn nodes(children: &[[FieldElement; ARITY]]) -> Vec<FieldElement> {
    if children.len() <= ONE_BY_ONE {
        return children.iter().map(|children| node(*children)).collect();
    }
    let elements: Vec<Fr> = children.iter().flatten().map(to_fr).collect();
    let hashes = Batch::default()
        .hash(&elements, ARITY)
        .expect("there are whole groups of four");
    hashes.iter().map(from_fr).collect()
}

/// For arithmetic.
pub fn to_fr(element: &FieldElement) -> Fr {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(element.as_bytes().as_chunks().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    Fr::from_bigint(BigInt(limbs)).expect("a field element is below r")
}

/// As bytes.
pub fn from_fr(element: &Fr) -> FieldElement {
    let mut bytes = [0; 32];
    for (bytes, limb) in bytes
        .as_chunks_mut()
        .0
        .iter_mut()
        .zip(element.into_bigint().0.iter().rev())
    {
        *bytes = limb.to_be_bytes();
    }
    FieldElement::from_bytes("node", bytes).expect("an Fr is canonical")
}
