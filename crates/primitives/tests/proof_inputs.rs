//! The inputs of a proof: what they show, their forms, and the check of the path.

use bauta_primitives::tree::{Depth, MembershipPath};
use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Nullifier, PrimitivesError,
    ProofInputs, PublicInputs, Root, Scope,
};

fn element(value: u64) -> FieldElement {
    FieldElement::from_u64(value)
}

/// Inputs whose path leads to the root.
fn inputs() -> ProofInputs {
    let index = Depth::Ten.check_index(17).unwrap();
    let siblings = (0..10).map(|level| [level, level + 100, level + 200].map(element));
    let mut inputs = ProofInputs {
        secret: IdentitySecret::from_bytes(&mut [1; 32]).unwrap(),
        entry_id: EntryId::new(element(7)),
        attributes: Attributes::of_track(5),
        path: MembershipPath::new(Depth::Ten, index, siblings.collect()).unwrap(),
        root: Root::new(element(0)),
        scope: Scope::new(element(3)),
        claim: Claim::of_track(5),
        context: Context::new(element(4)),
        private: (),
    };
    inputs.root = inputs.path.root(inputs.leaf());
    inputs
}

fn public() -> PublicInputs {
    PublicInputs {
        root: Root::new(element(1)),
        nullifier: Nullifier::new(element(2)),
        scope: Scope::new(element(3)),
        claim: Claim::new(element(4)),
        context: Context::new(element(5)),
    }
}

#[test]
fn public_inputs_are_those_of_the_proof_inputs() {
    let inputs = inputs();
    inputs.check_path().unwrap();
    let public = inputs.public();
    assert_eq!(public.root, inputs.root);
    assert_eq!(
        public.nullifier,
        inputs.secret.nullifier(inputs.entry_id, inputs.scope)
    );
    assert_eq!(public.scope, inputs.scope);
    assert_eq!(public.claim, inputs.claim);
    assert_eq!(public.context, inputs.context);
}

#[test]
fn a_path_that_does_not_lead_to_the_root_is_refused_with_both_roots() {
    let changes: [fn(&mut ProofInputs); 6] = [
        |inputs| inputs.secret = IdentitySecret::from_bytes(&mut [2; 32]).unwrap(),
        |inputs| inputs.entry_id = EntryId::new(element(8)),
        |inputs| inputs.attributes = Attributes::of_track(6),
        |inputs| {
            let next = Depth::Ten.check_index(18).unwrap();
            let siblings = inputs.path.siblings().to_vec();
            inputs.path = MembershipPath::new(Depth::Ten, next, siblings).unwrap();
        },
        |inputs| {
            let (index, mut siblings) = (inputs.path.index(), inputs.path.siblings().to_vec());
            siblings[9][2] = element(1_000);
            inputs.path = MembershipPath::new(Depth::Ten, index, siblings).unwrap();
        },
        |inputs| inputs.root = Root::new(element(1)),
    ];
    for change in changes {
        let mut inputs = inputs();
        change(&mut inputs);
        let reached = inputs.path.root(inputs.leaf());
        let error = inputs.check_path().unwrap_err();
        assert_eq!(
            error,
            PrimitivesError::WrongRoot {
                root: inputs.root,
                reached
            }
        );
        let message = error.to_string();
        for root in [inputs.root, reached] {
            assert!(message.contains(&root.to_string()), "{message}");
        }
    }
}

#[test]
fn every_public_input_changes_the_digest() {
    let changes: [fn(&mut PublicInputs); 5] = [
        |public| public.root = Root::new(element(9)),
        |public| public.nullifier = Nullifier::new(element(9)),
        |public| public.scope = Scope::new(element(9)),
        |public| public.claim = Claim::new(element(9)),
        |public| public.context = Context::new(element(9)),
    ];
    for change in changes {
        let mut changed = public();
        change(&mut changed);
        assert_ne!(changed.digest(), public().digest());
    }
}

#[test]
fn public_inputs_have_a_binary_form_of_160_bytes() {
    let bytes = public().to_bytes();
    assert_eq!(bytes.len(), 160);
    for (position, value) in (1..=5).enumerate() {
        assert_eq!(bytes[32 * position..][..32], element(value).to_bytes());
    }
    assert_eq!(PublicInputs::from_bytes(&bytes).unwrap(), public());
    for (position, name) in ["root", "nullifier", "scope", "claim", "context"]
        .into_iter()
        .enumerate()
    {
        let mut bytes = bytes;
        bytes[32 * position..][..32].copy_from_slice(&FieldElement::MODULUS);
        let error = PublicInputs::from_bytes(&bytes).unwrap_err();
        assert_eq!(error, PrimitivesError::NotCanonical { name });
    }
}

#[test]
fn public_inputs_have_a_json_form_with_five_names() {
    let json = serde_json::to_value(public()).unwrap();
    let expected = serde_json::json!({
        "root": element(1).to_string(),
        "nullifier": element(2).to_string(),
        "scope": element(3).to_string(),
        "claim": element(4).to_string(),
        "context": element(5).to_string(),
    });
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::from_value::<PublicInputs>(json.clone()).unwrap(),
        public()
    );
    let mut unknown = json.clone();
    unknown["secret"] = element(6).to_string().into();
    let error = serde_json::from_value::<PublicInputs>(unknown).unwrap_err();
    assert!(error.to_string().contains("unknown field `secret`"), "{error}");
    let mut missing = json;
    missing.as_object_mut().unwrap().remove("claim");
    let error = serde_json::from_value::<PublicInputs>(missing).unwrap_err();
    assert!(error.to_string().contains("missing field `claim`"), "{error}");
}
