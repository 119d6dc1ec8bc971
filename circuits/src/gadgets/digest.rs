use super::{MembershipOutputs, poseidon};
use crate::constraint_system::ConstraintSystem;

/// What a proof is bound to besides root and nullifier.
pub struct Bound<E> {
    /// The nullifier's domain.
    pub scope: E,
    /// What the predicate shows.
    pub claim: E,
    /// Recipient, relayer, expiry and payload.
    pub context: E,
}

/// Exposes `Poseidon5(root, nullifier, scope, claim, context)` as the public input: 322 constraints.
pub fn digest<C: ConstraintSystem>(
    cs: &mut C,
    membership: MembershipOutputs<C::Expression>,
    bound: Bound<C::Expression>,
) {
    let digest = poseidon(
        cs,
        &[
            membership.root,
            membership.nullifier,
            bound.scope,
            bound.claim,
            bound.context,
        ],
    );
    cs.expose(&digest);
}
