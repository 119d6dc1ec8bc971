//! The inputs of a proof as bytes, as the WebAssembly prover reads them.
//!
//! ```text
//!   secret, entry id, track, root, scope, claim, context   32 bytes each, big-endian
//!   position of the leaf                                   8 bytes, little-endian
//!   siblings, 3 for each level, from the leaf upwards      32 bytes each, big-endian
//! ```
//!
//! The length determines the depth of the tree. The bytes hold the member's secret. They are for
//! the memory of one process and are never stored or sent.

use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, PrimitivesError, ProofInputs, Root,
    Scope,
    tree::{Depth, MembershipPath},
};
use zeroize::Zeroizing;

use crate::{CircuitsError, Evaluation, Ownership, constraint_system::Assignment, statement};

/// Size of a field element in bytes.
const ELEMENT: usize = 32;
/// The number of field elements before the position.
const ELEMENTS: usize = 7;
/// The number of siblings of a level.
const SIBLINGS: usize = 3;

/// Returns the number of bytes of the inputs for a tree.
#[must_use]
pub const fn length(depth: Depth) -> usize {
    ELEMENTS * ELEMENT + 8 + depth.levels() * SIBLINGS * ELEMENT
}

/// Returns the inputs of the ownership statement as bytes.
#[must_use]
pub fn write(inputs: &ProofInputs) -> Zeroizing<Vec<u8>> {
    let path = &inputs.path;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length(path.depth())));
    bytes.extend(*inputs.secret.expose());
    for element in [
        inputs.entry_id.element(),
        inputs.attributes.element(),
        inputs.root.element(),
        inputs.scope.element(),
        inputs.claim.element(),
        inputs.context.element(),
    ] {
        bytes.extend(element.to_bytes());
    }
    bytes.extend(path.index().get().to_le_bytes());
    for element in path.siblings().iter().flatten() {
        bytes.extend(element.to_bytes());
    }
    bytes
}

/// Reads inputs of the ownership statement.
///
/// # Errors
///
/// Returns an error if the length is not that of a tree's inputs, if an element is not canonical,
/// or if the position is outside of the tree.
pub fn read(mut bytes: &[u8]) -> Result<(Ownership, ProofInputs), CircuitsError> {
    let depth = [Depth::Ten, Depth::Sixteen]
        .into_iter()
        .find(|depth| bytes.len() == length(*depth))
        .ok_or(CircuitsError::WebInputs { length: bytes.len() })?;
    let mut next = |name| FieldElement::from_bytes(name, take(&mut bytes));
    let secret = IdentitySecret::from_bytes(&mut next("secret")?.to_bytes())?;
    let entry_id = EntryId::new(next("entry id")?);
    let attributes = Attributes::new(next("track")?);
    let root = Root::new(next("root")?);
    let scope = Scope::new(next("scope")?);
    let claim = Claim::new(next("claim")?);
    let context = Context::new(next("context")?);
    let index = depth.check_index(u64::from_le_bytes(take(&mut bytes)))?;
    let mut sibling = || FieldElement::from_bytes("sibling", take(&mut bytes));
    let siblings = (0..depth.levels())
        .map(|_| Ok([sibling()?, sibling()?, sibling()?]))
        .collect::<Result<_, PrimitivesError>>()?;
    let statement = Ownership::new(depth);
    let inputs = ProofInputs {
        secret,
        entry_id,
        attributes,
        path: MembershipPath::new(depth, index, siblings)?,
        root,
        scope,
        claim,
        context,
        private: (),
    };
    Ok((statement, inputs))
}

/// Reads inputs, and computes the public values and the witness. It is not generic, so it is
/// compiled with the options of this crate: the WebAssembly prover optimises only the engine for
/// speed.
///
/// # Errors
///
/// Returns the errors of [`read`] and of [`statement::evaluate`].
// The optimiser would otherwise compile the only call with the options of the caller.
#[inline(never)]
pub fn evaluate_and_assign(
    bytes: &[u8],
    wires: usize,
    constraints: usize,
) -> Result<(Evaluation, Assignment), CircuitsError> {
    let (statement, inputs) = read(bytes)?;
    statement::evaluate_and_assign(&statement, &inputs, wires, constraints)
}

/// Takes the first bytes. The caller has checked the length.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (first, rest) = bytes.split_first_chunk().expect("the length was checked");
    *bytes = rest;
    *first
}
