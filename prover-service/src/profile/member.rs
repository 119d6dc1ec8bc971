//! A member of a registry that is made up.

use std::sync::Arc;

use bauta_circuits::statement::Statement;
use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Leaf, ProofInputs, Root, Scope,
    tree::{ARITY, Depth, EMPTY_SUBTREES, LeafIndex, MembershipPath, node},
};
use bauta_service_common::Problem;
use rand::{RngCore, rngs::OsRng};

use crate::{circuits::Circuit, prover::Sample};

/// Somebody in a registry of so many.
pub struct Member(Arc<Sample>);

impl Member {
    /// The last of so many members of a registry of the circuit's depth, with a random secret that nothing else has.
    pub async fn of_network(circuit: Arc<Circuit>, size: u64) -> Result<Self, Problem> {
        let made = tokio::task::spawn_blocking(move || {
            let depth = circuit.key.statement().depth();
            let inputs = inputs(depth, size);
            Self(Arc::new(Sample { circuit, inputs }))
        });
        made.await.map_err(|error| Problem::internal(&error))
    }

    /// What is proved.
    pub fn sample(&self) -> Arc<Sample> {
        self.0.clone()
    }
}

fn inputs(depth: Depth, size: u64) -> ProofInputs {
    const TRACK: u64 = 1;
    let index = depth
        .check_index(size - 1)
        .expect("the largest network is smaller than the smallest tree");
    let (secret, entry_id) = (random_secret(), EntryId::new(FieldElement::from_u64(size)));
    let attributes = Attributes::of_track(TRACK);
    let mine = Leaf::of(secret.commitment(), entry_id, attributes);
    // The others' leaves are never proved: numbers do.
    let mut leaves: Vec<FieldElement> = (1..size).map(FieldElement::from_u64).collect();
    leaves.push(mine.element());
    let (root, path) = root_and_path(depth, leaves, index);
    ProofInputs {
        secret,
        entry_id,
        attributes,
        path,
        root,
        scope: Scope::new(FieldElement::from_u64(1)),
        claim: Claim::of_track(TRACK),
        context: Context::new(FieldElement::from_u64(1)),
        private: (),
    }
}

fn random_secret() -> IdentitySecret {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    // Below r, as hash_to_field does it.
    bytes[0] &= 0x1f;
    IdentitySecret::from_bytes(&mut bytes).expect("253 bits are below r")
}

/// Level by level; what isn't there is an empty subtree.
fn root_and_path(depth: Depth, leaves: Vec<FieldElement>, index: LeafIndex) -> (Root, MembershipPath) {
    let (mut level, mut path) = (leaves, Vec::new());
    let mut place = usize::try_from(index.get()).expect("the network is in memory");
    for empty in &EMPTY_SUBTREES[..depth.levels()] {
        level.resize(level.len().next_multiple_of(ARITY), *empty);
        let (parents, _) = level.as_chunks::<ARITY>();
        let family = parents[place / ARITY];
        let mut siblings = [FieldElement::ZERO; ARITY - 1];
        let others = family.iter().enumerate().filter(|(at, _)| *at != place % ARITY);
        for (sibling, (_, other)) in siblings.iter_mut().zip(others) {
            *sibling = *other;
        }
        path.push(siblings);
        level = parents.iter().map(|children| node(*children)).collect();
        place /= ARITY;
    }
    let path = MembershipPath::new(depth, index, path).expect("the path has the tree's depth");
    (Root::new(level[0]), path)
}

#[cfg(test)]
mod tests {
    use bauta_circuits::{Ownership, statement::evaluate};

    use super::*;

    #[test]
    fn a_made_up_member_satisfies_the_statement() {
        for depth in [Depth::Ten, Depth::Sixteen] {
            for size in [1, 4, 5, 50] {
                evaluate(&Ownership::new(depth), &inputs(depth, size)).unwrap();
            }
        }
    }
}
