//! Members of random trees, built with the protocol's own plain code.

use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Leaf, ProofInputs, Scope,
    tree::{Depth, MembershipPath, Siblings},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn element(rng: &mut impl RngCore) -> FieldElement {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    FieldElement::from_hash(bytes)
}

/// What a test varies of a member; [`inputs`](Self::inputs) computes the root that fits.
#[derive(Clone)]
pub struct Member {
    pub depth: Depth,
    pub secret: FieldElement,
    pub entry_id: FieldElement,
    pub attributes: FieldElement,
    pub index: u64,
    pub path: Vec<Siblings>,
    pub scope: FieldElement,
    pub context: FieldElement,
}

impl Member {
    pub fn random(depth: Depth, rng: &mut impl RngCore) -> Self {
        Self {
            depth,
            secret: element(rng),
            entry_id: element(rng),
            attributes: element(rng),
            index: rng.next_u64() % depth.capacity(),
            path: (0..depth.levels())
                .map(|_| std::array::from_fn(|_| element(rng)))
                .collect(),
            scope: element(rng),
            context: element(rng),
        }
    }

    pub fn inputs(&self) -> ProofInputs {
        self.inputs_with(Attributes::new(self.attributes), Claim::new(self.attributes), ())
    }

    /// Returns inputs of a statement other than ownership. [`attributes`](Self::attributes) is not
    /// used.
    pub fn inputs_with<P>(&self, attributes: Attributes, claim: Claim, private: P) -> ProofInputs<P> {
        let secret = IdentitySecret::from_bytes(&mut self.secret.to_bytes()).unwrap();
        let entry_id = EntryId::new(self.entry_id);
        let index = self.depth.check_index(self.index).unwrap();
        let path = MembershipPath::new(self.depth, index, self.path.clone()).unwrap();
        let leaf = Leaf::of(secret.commitment(), entry_id, attributes);
        ProofInputs {
            secret,
            entry_id,
            attributes,
            root: path.root(leaf),
            path,
            scope: Scope::new(self.scope),
            claim,
            context: Context::new(self.context),
            private,
        }
    }
}
