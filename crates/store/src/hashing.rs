//! Poseidon hashes in batches, and conversions to the field elements of `ark_bn254`.

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::{BigInt, PrimeField};
use bauta_poseidon::Batch;
use bauta_primitives::tree::{ARITY, node};
use bauta_primitives::{Attributes, Commitment, EntryId, FieldElement, Leaf};

/// Up to this number of hashes, single hashes are faster than a batch, which computes eight at a
/// time.
const MAX_SINGLE_HASHES: usize = 2;

/// Computes the parents of groups of children.
fn parents(groups: &[[FieldElement; ARITY]]) -> Vec<FieldElement> {
    if groups.len() <= MAX_SINGLE_HASHES {
        return groups.iter().map(|children| node(*children)).collect();
    }
    hash_all(groups)
}

/// Computes the leaves of members.
pub fn leaves(members: &[(Commitment, EntryId, Attributes)]) -> Vec<Leaf> {
    let inputs: Vec<_> = members
        .iter()
        .map(|(commitment, entry_id, attributes)| {
            [commitment.element(), entry_id.element(), attributes.element()]
        })
        .collect();
    hash_all(&inputs).into_iter().map(Leaf::new).collect()
}

fn hash_all<const N: usize>(groups: &[[FieldElement; N]]) -> Vec<FieldElement> {
    let elements: Vec<Fr> = groups.iter().flatten().map(to_fr).collect();
    let hashes = Batch::default()
        .hash(&elements, N)
        .expect("the groups are whole, and have three or four elements");
    hashes.iter().map(from_fr).collect()
}

/// Computed tree nodes, by their children.
#[derive(Default)]
pub struct NodeCache(HashMap<[FieldElement; ARITY], FieldElement>);

impl NodeCache {
    /// Computes the parents of groups of children, and caches them.
    pub fn compute(&mut self, groups: &[[FieldElement; ARITY]]) -> Vec<FieldElement> {
        let parents = parents(groups);
        self.0.extend(groups.iter().copied().zip(parents.iter().copied()));
        parents
    }

    /// Returns the parent of a group of children, if it is cached.
    pub fn get(&self, children: &[FieldElement; ARITY]) -> Option<FieldElement> {
        self.0.get(children).copied()
    }

    /// Returns the parents of groups of children. Computes all of them if one is not cached.
    pub fn get_or_compute(&self, groups: &[[FieldElement; ARITY]]) -> Vec<FieldElement> {
        let cached: Option<Vec<_>> = groups.iter().map(|children| self.get(children)).collect();
        cached.unwrap_or_else(|| parents(groups))
    }
}

pub fn to_fr(element: &FieldElement) -> Fr {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(element.as_bytes().as_chunks().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    Fr::from_bigint(BigInt(limbs)).expect("a field element is below r")
}

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
