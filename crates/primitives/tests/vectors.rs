//! Compares every derived value with the test vectors in `vectors/protocol.json`.
//!
//! The vectors come from a second implementation (circomlibjs and `node:crypto`). To generate them,
//! run `npm ci && npm run generate` in `crates/primitives/vectors`.

use bauta_primitives::tree::{Depth, MembershipPath, Siblings};
use bauta_primitives::{
    Attributes, Claim, Context, ContextParts, EntryId, FieldElement, Leaf, MasterSecret, PublicInputs, Scope,
};
use serde_json::Value;

struct Vector(Value);

impl Vector {
    fn bytes(&self, name: &str) -> Vec<u8> {
        hex::decode(self.0["inputs"][name].as_str().unwrap()).unwrap()
    }
    fn array(&self, name: &str) -> [u8; 32] {
        self.bytes(name).try_into().unwrap()
    }
    fn integer(&self, name: &str) -> i64 {
        self.0["inputs"][name].as_i64().unwrap()
    }
    fn path(&self) -> Vec<Siblings> {
        serde_json::from_value(self.0["inputs"]["path"].clone()).unwrap()
    }
    fn expect(&self, name: &str, actual: impl std::fmt::Display) {
        assert_eq!(
            actual.to_string(),
            self.0["outputs"][name].as_str().unwrap(),
            "{name}"
        );
    }
}

#[test]
fn every_value_of_the_protocol_equals_the_second_implementation() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../vectors/protocol.json")).unwrap();
    assert_eq!(vectors.len(), 16);
    for vector in vectors.into_iter().map(Vector) {
        let entry_id = EntryId::of_mint(&vector.array("mint"));
        vector.expect("entry_id", entry_id);

        let identity = MasterSecret::from_bytes(&mut vector.array("master")).identity(
            &vector.array("registry"),
            entry_id,
            0,
        );
        vector.expect(
            "secret",
            FieldElement::from_bytes("secret", *identity.expose()).unwrap(),
        );
        vector.expect("commitment", identity.commitment());
        let counter = u32::try_from(vector.integer("counter")).unwrap();
        let rotated = MasterSecret::from_bytes(&mut vector.array("master")).identity(
            &vector.array("registry"),
            entry_id,
            counter,
        );
        vector.expect(
            "rotated_secret",
            FieldElement::from_bytes("secret", *rotated.expose()).unwrap(),
        );

        let track = u64::try_from(vector.integer("track")).unwrap();
        let leaf = Leaf::of(identity.commitment(), entry_id, Attributes::of_track(track));
        vector.expect("leaf", leaf);

        let depth = Depth::try_from(u8::try_from(vector.integer("depth")).unwrap()).unwrap();
        let index = depth
            .check_index(u64::try_from(vector.integer("index")).unwrap())
            .unwrap();
        let path = MembershipPath::new(depth, index, vector.path()).unwrap();
        let root = path.root(leaf);
        vector.expect("root", root);

        let scope = Scope::derive(
            &vector.array("cluster_tag"),
            &vector.array("program_id"),
            &vector.array("scope_account"),
        );
        vector.expect("scope", scope);
        let nullifier = identity.nullifier(entry_id, scope);
        vector.expect("nullifier", nullifier);

        let context = Context::derive(&ContextParts {
            recipient: &vector.array("recipient"),
            relayer: &vector.array("relayer"),
            expiry: vector.integer("expiry"),
            payload: &vector.bytes("payload"),
        });
        vector.expect("context", context);

        let claim = Claim::of_track(track);
        vector.expect(
            "digest",
            PublicInputs {
                root,
                nullifier,
                scope,
                claim,
                context,
            }
            .digest(),
        );
        vector.expect(
            "claim_with_auxiliary_root",
            Claim::with_auxiliary_root(claim.element(), root),
        );
    }
}
