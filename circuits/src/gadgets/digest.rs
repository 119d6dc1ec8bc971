use super::{MembershipOutputs, poseidon};
use crate::constraint_system::ConstraintSystem;

/// The values that a proof is bound to in addition to root and nullifier.
pub struct Bound<E> {
    /// The domain of the nullifier.
    pub scope: E,
    /// The public value that the predicate derives.
    pub claim: E,
    /// The hash of recipient, relayer, expiry and payload.
    pub context: E,
}

/// Makes `Poseidon5(root, nullifier, scope, claim, context)` the public input. It takes 322
/// constraints.
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
