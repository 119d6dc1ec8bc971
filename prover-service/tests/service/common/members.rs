//! Members of generated registries.

use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Leaf, Scope,
    tree::{ARITY, EMPTY_SUBTREES, Siblings, node},
};
use serde_json::{Value, json};

pub const TRACK: u64 = 7;

/// Returns the first leaves of the tests' registry.
pub fn leaves(number: u64) -> Vec<Leaf> {
    let leaf = |index: u64| {
        let mut bytes = secret(index);
        let secret = IdentitySecret::from_bytes(&mut bytes).unwrap();
        Leaf::of(secret.commitment(), entry(index), Attributes::of_track(TRACK))
    };
    (0..number).map(leaf).collect()
}

/// Returns the request of the member at this index, in a registry with 20 leaves.
pub fn request(index: u64) -> Value {
    request_among(10, 20, index)
}

/// Returns the same request for a tree of another depth.
pub fn request_at(depth: usize, index: u64) -> Value {
    request_among(depth, 20, index)
}

/// Returns the request of a member of a registry with `number` leaves.
pub fn request_among(depth: usize, number: u64, index: u64) -> Value {
    let (root, path) = tree(depth, leaves(number), index);
    json!({
        "statement": "ownership",
        "public": {
            "root": root,
            "scope": Scope::new(FieldElement::from_u64(11)),
            "claim": Claim::of_track(TRACK),
            "context": Context::new(FieldElement::from_u64(12)),
        },
        "private": {
            "secret": format!("0x{}", hex::encode(secret(index))),
            "entry_id": entry(index),
            "attributes": Attributes::of_track(TRACK),
            "index": index,
            "path": path,
        },
    })
}

/// Computes the root of a tree and the path of a leaf by definition, level by level. Missing nodes
/// are the roots of empty subtrees.
pub fn tree(depth: usize, leaves: Vec<Leaf>, mut index: u64) -> (FieldElement, Vec<Siblings>) {
    let mut level: Vec<FieldElement> = leaves.into_iter().map(Leaf::element).collect();
    let mut path = Vec::new();
    for empty in &EMPTY_SUBTREES[..depth] {
        level.resize(level.len().next_multiple_of(ARITY), *empty);
        let (parent, position) = (
            usize::try_from(index).unwrap() / ARITY,
            usize::try_from(index).unwrap() % ARITY,
        );
        let mut siblings = level[ARITY * parent..][..ARITY].to_vec();
        siblings.remove(position);
        path.push(siblings.try_into().unwrap());
        level = level
            .chunks(ARITY)
            .map(|children| node(children.try_into().unwrap()))
            .collect();
        index /= ARITY as u64;
    }
    (level[0], path)
}

pub fn secret(index: u64) -> [u8; 32] {
    // Recognisable bytes that are a value below r.
    let mut bytes = [0x1e; 32];
    bytes[24..].copy_from_slice(&(0x5ec2_e700_0000_0000 + index).to_be_bytes());
    bytes
}

fn entry(index: u64) -> EntryId {
    EntryId::new(FieldElement::from_u64(1000 + index))
}
