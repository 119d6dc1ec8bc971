//! A member of a random tree, for whom the benchmarks make proofs.

use anyhow::Result;
use ark_std::rand::{RngCore, SeedableRng, rngs::StdRng};
use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Leaf, ProofInputs, Scope,
    tree::{Depth, MembershipPath},
};

/// Returns inputs of the ownership statement. They are the same for every call.
pub fn inputs(depth: Depth) -> Result<ProofInputs> {
    let rng = &mut StdRng::seed_from_u64(1);
    let mut element = || {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        FieldElement::from_hash(bytes)
    };
    let secret = IdentitySecret::from_bytes(&mut element().to_bytes())?;
    let entry_id = EntryId::new(element());
    let track = element();
    let attributes = Attributes::new(track);
    let siblings = (0..depth.levels())
        .map(|_| [element(), element(), element()])
        .collect();
    let path = MembershipPath::new(depth, depth.check_index(depth.capacity() / 3)?, siblings)?;
    let leaf = Leaf::of(secret.commitment(), entry_id, attributes);
    Ok(ProofInputs {
        secret,
        entry_id,
        attributes,
        root: path.root(leaf),
        path,
        scope: Scope::new(element()),
        claim: Claim::new(track),
        context: Context::new(element()),
        private: (),
    })
}
