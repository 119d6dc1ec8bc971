//! Compares the encodings with a second implementation, and checks what they refuse.

use bauta_primitives::tree::{self, Depth, MembershipPath};
use bauta_primitives::{
    Attributes, Commitment, Context, ContextParts, EntryId, FieldElement, Leaf, MasterSecret,
    PrimitivesError, ProofInputs, Scope, hash_to_field,
};
use num_bigint::BigUint;
use proptest::prelude::*;
use std::process::Command;

fn modulus() -> BigUint {
    "21888242871839275222246405745257275088548364400416034343698204186575808495617"
        .parse()
        .unwrap()
}

/// Computes SHA-256 with coreutils, which is independent of the library under test.
fn sha256sum(bytes: &[u8]) -> [u8; 32] {
    use std::io::Write;
    let mut child = Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let out = child.wait_with_output().unwrap();
    hex::decode(&out.stdout[..64]).unwrap().try_into().unwrap()
}

#[test]
fn hash_to_field_is_the_documented_byte_string() {
    let (tag, a, b) = ("bauta/scope/1", [7u8; 32], [9u8; 5]);
    let mut bytes = vec![0, 13];
    bytes.extend(tag.as_bytes());
    bytes.extend([0, 0, 0, 32]);
    bytes.extend(a);
    bytes.extend([0, 0, 0, 5]);
    bytes.extend(b);
    let mut expected = sha256sum(&bytes);
    expected[0] &= 0b0001_1111;
    assert_eq!(hash_to_field(tag, [&a, &b]).to_bytes(), expected);
}

#[test]
fn context_is_the_documented_byte_string() {
    let (recipient, relayer, expiry, payload) = ([1u8; 32], [2u8; 32], -5i64, b"fee=3");
    let mut bytes = vec![0, 15];
    bytes.extend(b"bauta/context/1");
    for part in [
        &recipient[..],
        &relayer,
        &expiry.to_be_bytes(),
        &sha256sum(payload),
    ] {
        bytes.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        bytes.extend(part);
    }
    let mut expected = sha256sum(&bytes);
    expected[0] &= 0x1f;
    let parts = ContextParts {
        recipient: &recipient,
        relayer: &relayer,
        expiry,
        payload,
    };
    assert_eq!(Context::derive(&parts).to_bytes(), expected);
}

#[test]
fn moving_bytes_between_parts_changes_the_hash() {
    assert_ne!(
        hash_to_field("t", [b"ab", b"c"]),
        hash_to_field("t", [b"a", b"bc"])
    );
    assert_ne!(hash_to_field("t", [b"ab"]), hash_to_field("t", [b"ab", b""]));
}

#[test]
fn a_value_of_r_or_more_is_refused_by_name() {
    let r: [u8; 32] = modulus().to_bytes_be().try_into().unwrap();
    assert_eq!(r, FieldElement::MODULUS);
    let below: [u8; 32] = (modulus() - 1u8).to_bytes_be().try_into().unwrap();
    assert!(EntryId::from_bytes(below).is_ok());
    for refused in [r, (modulus() + 5u8).to_bytes_be().try_into().unwrap(), [0xff; 32]] {
        let error = EntryId::from_bytes(refused).unwrap_err().to_string();
        assert!(
            error.contains("entry_id") && error.contains("modulus r"),
            "{error}"
        );
    }
}

#[test]
fn every_registry_and_every_entry_has_its_own_commitment() {
    let master = || MasterSecret::from_bytes(&mut [3; 32]);
    let (entry, other) = (EntryId::of_mint(&[1; 32]), EntryId::of_mint(&[2; 32]));
    let commitment = master().identity(&[8; 32], entry, 0).commitment();
    assert_eq!(commitment, master().identity(&[8; 32], entry, 0).commitment());
    assert_ne!(commitment, master().identity(&[8; 32], other, 0).commitment());
    assert_ne!(commitment, master().identity(&[9; 32], entry, 0).commitment());
}

#[test]
fn every_counter_has_its_own_secret_and_counter_0_keeps_the_first_derivation() {
    let (master, registry, mint) = ([3; 32], [8; 32], [1; 32]);
    let entry = EntryId::of_mint(&mint);
    let secret = |counter| {
        let identity = MasterSecret::from_bytes(&mut master.clone()).identity(&registry, entry, counter);
        FieldElement::from_bytes("secret", *identity.expose()).unwrap()
    };
    let entry_bytes = entry.to_bytes();
    assert_eq!(
        secret(0),
        hash_to_field("bauta/secret/1", [&master, &registry, &entry_bytes])
    );
    assert_eq!(
        secret(258),
        hash_to_field(
            "bauta/secret/2",
            [&master, &registry, &entry_bytes, &[0, 0, 1, 2]]
        )
    );
    let counters = [0, 1, 2, 255, 256, 1 << 24, u32::MAX];
    let secrets: std::collections::BTreeSet<_> = counters.into_iter().map(secret).collect();
    assert_eq!(secrets.len(), counters.len());
}

#[test]
fn a_nullifier_depends_on_secret_entry_cluster_program_and_scope_account() {
    let identity = |registry| {
        MasterSecret::from_bytes(&mut [3; 32]).identity(&[registry; 32], EntryId::of_mint(&[1; 32]), 0)
    };
    let entry = |mint| EntryId::of_mint(&[mint; 32]);
    let scope = |cluster, program, account| Scope::derive(&[cluster; 32], &[program; 32], &[account; 32]);
    let base = identity(1).nullifier(entry(1), scope(1, 1, 1));
    for other in [
        identity(2).nullifier(entry(1), scope(1, 1, 1)),
        identity(1).nullifier(entry(2), scope(1, 1, 1)),
        identity(1).nullifier(entry(1), scope(2, 1, 1)),
        identity(1).nullifier(entry(1), scope(1, 2, 1)),
        identity(1).nullifier(entry(1), scope(1, 1, 2)),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn secrets_cannot_be_printed() {
    // The inherent constant shadows the trait's constant only for types that implement Debug.
    trait Fallback {
        const PRINTABLE: bool = false;
    }
    impl<T> Fallback for Check<T> {}
    struct Check<T>(core::marker::PhantomData<T>);
    impl<T: core::fmt::Debug> Check<T> {
        #[allow(dead_code)]
        const PRINTABLE: bool = true;
    }
    let printable = [
        Check::<MasterSecret>::PRINTABLE,
        Check::<bauta_primitives::IdentitySecret>::PRINTABLE,
        Check::<ProofInputs>::PRINTABLE,
        Check::<Commitment>::PRINTABLE,
    ];
    assert_eq!(printable, [false, false, false, true]);
}

#[test]
fn the_constants_of_empty_subtrees_are_correct() {
    let mut expected = FieldElement::ZERO;
    for constant in tree::EMPTY_SUBTREES {
        assert_eq!(constant, expected);
        expected = tree::node([expected; 4]);
    }
}

#[test]
fn a_path_of_the_wrong_length_or_index_is_refused() {
    let depth = Depth::Ten;
    let index = depth.check_index(5).unwrap();
    let path =
        |depth, index, levels| MembershipPath::new(depth, index, vec![[FieldElement::ZERO; 3]; levels]);
    for (levels, message) in [
        (9, "a path has 9 levels of siblings where the tree has 10"),
        (40, "a path has 40 levels of siblings where the tree has 10"),
    ] {
        assert_eq!(path(depth, index, levels).unwrap_err().to_string(), message);
    }
    let deeper = Depth::Sixteen.check_index(1 << 20).unwrap();
    let error = path(depth, deeper, 10).unwrap_err();
    assert!(
        matches!(error, PrimitivesError::IndexOutOfRange { index: 1_048_576, .. }),
        "{error}"
    );
    let error = depth.check_index(1 << 20).unwrap_err();
    assert!(error.to_string().contains("0 to 1048575"), "{error}");
    assert!(Depth::try_from(11).unwrap_err().to_string().contains("10 and 16"));
}

proptest! {
    #[test]
    fn bytes_are_accepted_exactly_when_below_r(bytes in any::<[u8; 32]>()) {
        let below = BigUint::from_bytes_be(&bytes) < modulus();
        prop_assert_eq!(FieldElement::from_bytes("x", bytes).is_ok(), below);
        prop_assert!(FieldElement::from_hash(bytes).to_bytes() < FieldElement::MODULUS);
    }

    #[test]
    fn hex_and_bytes_agree(bytes in any::<[u8; 32]>(), upper: bool) {
        let element = FieldElement::from_hash(bytes);
        let mut text = format!("0x{}", hex::encode(element.to_bytes()));
        prop_assert_eq!(element.to_string(), text.clone());
        if upper { text = text.to_uppercase().replace("0X", "0x"); }
        prop_assert_eq!(FieldElement::from_hex("x", &text).unwrap(), element);
        for broken in [&text[2..], &text[..65], &format!("{text}0"), &text.replace("0x", "0y"), ""] {
            prop_assert!(FieldElement::from_hex("x", broken).is_err());
        }
    }

    #[test]
    fn reading_any_text_as_hex_does_not_panic(text in "\\PC*") {
        let _ = FieldElement::from_hex("x", &text);
    }

    #[test]
    fn every_part_changes_the_leaf(c in any::<[u8; 32]>(), e in any::<[u8; 32]>(), track in any::<u64>()) {
        let element = FieldElement::from_hash;
        let leaf = Leaf::of(Commitment::new(element(c)), EntryId::new(element(e)), Attributes::of_track(track));
        let other = Leaf::of(Commitment::new(element(e)), EntryId::new(element(c)), Attributes::of_track(track));
        prop_assert_eq!(leaf == other, element(c) == element(e));
        let next = Leaf::of(Commitment::new(element(c)), EntryId::new(element(e)), Attributes::of_track(track ^ 1));
        prop_assert_ne!(leaf, next);
    }
}
