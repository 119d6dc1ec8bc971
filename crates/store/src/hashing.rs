//! Many nodes at once: the hashes of a tree as `bauta_poseidon` computes them in batches.

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::{BigInt, PrimeField};
use bauta_poseidon::Batch;
use bauta_primitives::tree::{ARITY, node};
use bauta_primitives::{Attributes, Commitment, EntryId, FieldElement, Leaf};

/// Up to here a batch, whose unit is eight hashes, takes longer than one hash after the other.
const ONE_BY_ONE: usize = 2;

/// The nodes above these groups of children.
fn nodes(children: &[[FieldElement; ARITY]]) -> Vec<FieldElement> {
    if children.len() <= ONE_BY_ONE {
        return children.iter().map(|children| node(*children)).collect();
    }
    hash_all(children)
}

/// The leaves of these members.
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
        .expect("there are whole groups, of three or four");
    hashes.iter().map(from_fr).collect()
}

/// Nodes that were computed before they are needed, by their children. What it knows is right whoever asks.
#[derive(Default)]
pub struct KnownNodes(HashMap<[FieldElement; ARITY], FieldElement>);

impl KnownNodes {
    /// The nodes above these groups of children, to be known from now on.
    pub fn learn(&mut self, children: &[[FieldElement; ARITY]]) -> Vec<FieldElement> {
        let nodes = nodes(children);
        self.0.extend(children.iter().copied().zip(nodes.iter().copied()));
        nodes
    }

    /// The node above these children, if it is known.
    pub fn get(&self, children: &[FieldElement; ARITY]) -> Option<FieldElement> {
        self.0.get(children).copied()
    }

    /// The nodes above these groups of children; those that aren't known are computed.
    pub fn nodes(&self, children: &[[FieldElement; ARITY]]) -> Vec<FieldElement> {
        let known: Option<Vec<_>> = children.iter().map(|children| self.get(children)).collect();
        known.unwrap_or_else(|| nodes(children))
    }
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
