use ark_bn254::Fr;
use ark_ff::PrimeField;
use bauta_primitives::ProofInputs;

use super::{Level, poseidon};
use crate::{constraint_system::ConstraintSystem, field::to_ark};

/// The inputs of the core of every statement: the prover knows `secret`, and the tree contains the
/// leaf of this secret, `entry_id` and `attributes`.
pub struct Membership<E> {
    secret: E,
    entry_id: E,
    attributes: E,
    levels: Vec<Level<E>>,
}

/// The values of a membership that the digest includes.
pub struct MembershipOutputs<E> {
    /// The root that the path leads to.
    pub root: E,
    /// `Poseidon3(secret, entry_id, scope)`.
    pub nullifier: E,
}

impl<E: Clone> Membership<E> {
    /// Creates the inputs: secret, entry, attributes, and the levels of the path from the leaf
    /// upwards.
    pub fn input<C: ConstraintSystem<Expression = E>, P>(cs: &mut C, inputs: &ProofInputs<P>) -> Self {
        let (path, index) = (inputs.path.siblings(), inputs.path.index());
        Self {
            secret: cs.input(Fr::from_be_bytes_mod_order(inputs.secret.expose())),
            entry_id: cs.input(to_ark(inputs.entry_id.element())),
            attributes: cs.input(to_ark(inputs.attributes.element())),
            levels: path
                .iter()
                .enumerate()
                .map(|(level, siblings)| Level::input(cs, index.digit(level), siblings))
                .collect(),
        }
    }

    /// Returns the leaf's attributes, for the predicate.
    pub fn attributes(&self) -> &E {
        &self.attributes
    }

    /// Computes root and nullifier from the same secret and the same entry. It takes 735
    /// constraints, and 302 for each level.
    pub fn outputs<C: ConstraintSystem<Expression = E>>(
        &self,
        cs: &mut C,
        scope: &E,
    ) -> MembershipOutputs<E> {
        let commitment = poseidon(cs, std::array::from_ref(&self.secret));
        let leaf = poseidon(cs, &[commitment, self.entry_id.clone(), self.attributes.clone()]);
        let root = self
            .levels
            .iter()
            .fold(leaf, |child, level| level.parent(cs, &child));
        let nullifier = poseidon(cs, &[self.secret.clone(), self.entry_id.clone(), scope.clone()]);
        MembershipOutputs { root, nullifier }
    }
}
