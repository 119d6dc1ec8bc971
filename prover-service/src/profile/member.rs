//! Inputs of generated members, for measurements.

use std::sync::Arc;

use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Leaf, ProofInputs, Root, Scope,
    tree::{ARITY, Depth, EMPTY_SUBTREES, LeafIndex, MembershipPath, node},
};
use rand::{RngCore, rngs::OsRng};

use crate::{circuits::Circuit, prover::Sample};

/// Creates inputs for the circuit: the last member of a registry with `size` members, with a random
/// secret. The work runs outside the async threads. `None` if it panicked.
pub async fn create_sample(circuit: Arc<Circuit>, size: u64) -> Option<Arc<Sample>> {
    let created = tokio::task::spawn_blocking(move || {
        let key = &circuit.key;
        let inputs = key.sample_inputs(|attributes| create_member(key.depth(), size, attributes));
        Arc::new(Sample { circuit, inputs })
    });
    created.await.ok()
}

fn create_member(depth: Depth, size: u64, attributes: Attributes) -> ProofInputs {
    let index = depth
        .check_index(size - 1)
        .expect("the largest network is smaller than the smallest tree");
    let (secret, entry_id) = (random_secret(), EntryId::new(FieldElement::from_u64(size)));
    let leaf = Leaf::of(secret.commitment(), entry_id, attributes);
    // The other leaves are never proved, so they are numbers and not hashes.
    let mut leaves: Vec<FieldElement> = (1..size).map(FieldElement::from_u64).collect();
    leaves.push(leaf.element());
    let (root, path) = root_and_path(depth, leaves, index);
    ProofInputs {
        secret,
        entry_id,
        attributes,
        path,
        root,
        scope: Scope::new(FieldElement::from_u64(1)),
        claim: Claim::new(attributes.element()),
        context: Context::new(FieldElement::from_u64(1)),
        private: (),
    }
}

fn random_secret() -> IdentitySecret {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    // Clearing the top three bits makes the value smaller than r, as in `hash_to_field`.
    bytes[0] &= 0x1f;
    IdentitySecret::from_bytes(&mut bytes).expect("253 bits are below r")
}

/// Computes the root of a tree and the path of a leaf, level by level. Missing nodes are the roots
/// of empty subtrees.
fn root_and_path(depth: Depth, leaves: Vec<FieldElement>, index: LeafIndex) -> (Root, MembershipPath) {
    let (mut level, mut path) = (leaves, Vec::new());
    let mut position = usize::try_from(index.get()).expect("the network is in memory");
    for empty in &EMPTY_SUBTREES[..depth.levels()] {
        level.resize(level.len().next_multiple_of(ARITY), *empty);
        let (groups, _) = level.as_chunks::<ARITY>();
        let group = groups[position / ARITY];
        let mut siblings = [FieldElement::ZERO; ARITY - 1];
        let others = group.iter().enumerate().filter(|(at, _)| *at != position % ARITY);
        for (sibling, (_, other)) in siblings.iter_mut().zip(others) {
            *sibling = *other;
        }
        path.push(siblings);
        level = groups.iter().map(|children| node(*children)).collect();
        position /= ARITY;
    }
    let path = MembershipPath::new(depth, index, path).expect("the path has the tree's depth");
    (Root::new(level[0]), path)
}

#[cfg(test)]
mod tests {
    use bauta_circuits::{Ownership, statement::evaluate};

    use super::*;

    #[test]
    fn a_generated_member_satisfies_the_statement() {
        for depth in [Depth::Ten, Depth::Sixteen] {
            for size in [1, 4, 5, 50] {
                let member = create_member(depth, size, Attributes::of_track(1));
                evaluate(&Ownership::new(depth), &member).unwrap();
            }
        }
    }
}
