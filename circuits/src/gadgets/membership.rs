use ark_bn254::Fr;
use ark_ff::PrimeField;
use bauta_primitives::ProofInputs;

use super::{Path, poseidon};
use crate::{constraint_system::ConstraintSystem, field::to_ark};

/// The inputs of the core of every statement: the prover knows `secret`, and the tree contains the
/// leaf of this secret, `entry_id` and the statement's attributes.
pub struct Membership<E> {
    secret: E,
    entry_id: E,
    path: Path<E>,
}

/// The wires of a member that a predicate may use.
pub struct Member<E> {
    /// The member's leaf.
    pub leaf: E,
    /// The entry that the leaf is about.
    pub entry_id: E,
    /// The leaf's attributes.
    pub attributes: E,
}

/// The values of a membership that the digest includes.
pub struct MembershipOutputs<E> {
    /// The root that the path leads to.
    pub root: E,
    /// `Poseidon3(secret, entry_id, scope)`.
    pub nullifier: E,
}

impl<E: Clone> Membership<E> {
    /// Creates the inputs: secret, entry, those that `own_inputs` creates, and the levels of the
    /// path from the leaf upwards.
    pub fn input<C: ConstraintSystem<Expression = E>, P, W>(
        cs: &mut C,
        inputs: &ProofInputs<P>,
        own_inputs: impl FnOnce(&mut C) -> W,
    ) -> (Self, W) {
        let secret = cs.input(Fr::from_be_bytes_mod_order(inputs.secret.expose()));
        let entry_id = cs.input(to_ark(inputs.entry_id.element()));
        let wires = own_inputs(cs);
        let path = Path::input(cs, &inputs.path);
        let membership = Self {
            secret,
            entry_id,
            path,
        };
        (membership, wires)
    }

    /// Computes the member's leaf. It takes 474 constraints.
    pub fn member<C: ConstraintSystem<Expression = E>>(&self, cs: &mut C, attributes: E) -> Member<E> {
        let commitment = poseidon(cs, std::array::from_ref(&self.secret));
        let leaf = poseidon(cs, &[commitment, self.entry_id.clone(), attributes.clone()]);
        Member {
            leaf,
            entry_id: self.entry_id.clone(),
            attributes,
        }
    }

    /// Computes root and nullifier from the same secret and the same entry. It takes 261
    /// constraints, and 302 for each level.
    pub fn outputs<C: ConstraintSystem<Expression = E>>(
        &self,
        cs: &mut C,
        member: &Member<E>,
        scope: &E,
    ) -> MembershipOutputs<E> {
        let root = self.path.root(cs, member.leaf.clone());
        let nullifier = poseidon(cs, &[self.secret.clone(), self.entry_id.clone(), scope.clone()]);
        MembershipOutputs { root, nullifier }
    }
}
