//! Proof requests are refused where no proof could be made.

use bauta_client::{ClientError, MembershipPath, OwnershipProofRequest, ReferenceTree};
use bauta_primitives::tree::Depth;
use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Leaf, Root, Scope,
};

const TRACK: u64 = 5;

fn secret(value: u8) -> IdentitySecret {
    IdentitySecret::from_bytes(&mut [value; 32]).unwrap()
}

fn element(value: u64) -> FieldElement {
    FieldElement::from_u64(value)
}

/// A tree with some leaves, of which one is that of secret 1, entry 7, at the index that comes with it.
fn tree() -> (ReferenceTree, u64) {
    let own = Leaf::of(
        secret(1).commitment(),
        EntryId::new(element(7)),
        Attributes::of_track(TRACK),
    );
    let mut leaves: Vec<_> = (100..130).map(|value| Leaf::new(element(value))).collect();
    leaves[17] = own;
    (ReferenceTree::from_leaves(Depth::Ten, leaves).unwrap(), 17)
}

fn request(
    secret: IdentitySecret,
    entry: u64,
    track: u64,
    index: u64,
    root: Option<Root>,
) -> Result<OwnershipProofRequest, ClientError> {
    let (tree, _) = tree();
    OwnershipProofRequest::assemble(
        secret,
        EntryId::new(element(entry)),
        track,
        MembershipPath::in_tree(&tree, index)?,
        root.unwrap_or(tree.root()),
        Scope::new(element(3)),
        Context::new(element(4)),
    )
}

#[test]
fn a_request_shows_what_its_parts_say() {
    let (tree, index) = tree();
    let request = request(secret(1), 7, TRACK, index, None).unwrap();
    let shown = request.shown();
    assert_eq!(shown.root, tree.root());
    assert_eq!(shown.claim, Claim::of_track(TRACK));
    assert_eq!(
        shown.nullifier,
        secret(1).nullifier(EntryId::new(element(7)), Scope::new(element(3)))
    );
    assert_eq!(shown.scope, Scope::new(element(3)));
    assert_eq!(shown.context, Context::new(element(4)));
}

#[test]
fn a_request_that_no_proof_could_meet_is_refused() {
    let (_, index) = tree();
    let wrong = [
        request(secret(2), 7, TRACK, index, None),
        request(secret(1), 8, TRACK, index, None),
        request(secret(1), 7, TRACK + 1, index, None),
        request(secret(1), 7, TRACK, index + 1, None),
        request(secret(1), 7, TRACK, index, Some(Root::new(element(1)))),
    ];
    for result in wrong {
        assert!(matches!(result, Err(ClientError::WrongPath { .. })));
    }
    assert!(matches!(
        request(secret(1), 7, TRACK, 1 << 20, None),
        Err(ClientError::Primitives(_))
    ));
}
